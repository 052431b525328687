"""Damped steps in a box against another solver of bounded least squares."""

import numpy as np
import pytest
from scipy.optimize import lsq_linear

from fitting.steps import LONGEST, damped


def problem(seed: int, free: int):
    """A point, often on bounds, residuals there, and a Jacobian whose columns differ in size and nearly agree."""
    rng = np.random.default_rng(seed)
    jacobian = rng.normal(size=(free + 3, free)) * 10.0 ** rng.uniform(-3.0, 2.0, free)
    if free > 1:
        jacobian[:, 1] = jacobian[:, 0] * (1.0 + 1e-3 * rng.normal(size=free + 3))
    return np.clip(rng.uniform(-0.3, 1.3, free), 0.0, 1.0), 10.0 * rng.normal(size=free + 3), jacobian


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("free", [1, 2, 5, 41])
def test_each_is_the_lowest_within_reach(free, seed):
    u, r, jacobian = problem(seed, free)
    dampings = np.array([1e-6, 1e-2, 10.0])
    points = damped(u, jacobian.T @ r, jacobian.T @ jacobian, dampings)
    assert points.shape == (3, free)
    assert np.all((points >= 0.0) & (points <= 1.0))
    low, high = np.maximum(-u, -LONGEST), np.minimum(1.0 - u, LONGEST)
    for point, damping in zip(points, dampings, strict=True):
        rows = np.vstack([jacobian, np.diag(np.sqrt(damping) * np.linalg.norm(jacobian, axis=0))])
        wanted = -np.append(r, np.zeros(free))
        known = lsq_linear(rows, wanted, (low, high), method="bvls", tol=1e-14, max_iter=1000)
        assert np.sum((rows @ (point - u) - wanted) ** 2) == pytest.approx(2.0 * known.cost, rel=1e-9)


def test_what_hardly_matters_stops_no_other():
    jacobian = np.diag([1.0, 1e-3])
    point = damped(np.full(2, 0.5), jacobian.T @ [-0.1, -1.0], jacobian.T @ jacobian, np.zeros(1))[0]
    np.testing.assert_allclose(point, [0.6, 0.5 + LONGEST])


def test_what_trades_off_with_one_that_a_bound_holds_moves_as_if_alone():
    jacobian = np.array([[1.0, 1.0], [0.0, 0.1]])
    point = damped(np.array([0.9, 0.5]), jacobian.T @ [-0.2, 0.0], jacobian.T @ jacobian, np.zeros(1))[0]
    assert point[0] == pytest.approx(1.0)
    assert point[1] == pytest.approx(0.5 + 0.1 / 1.01)


def test_a_parameter_without_any_effect_stays():
    jacobian = np.array([[1.0, 0.0]])
    point = damped(np.array([0.5, 0.3]), jacobian.T @ [0.1], jacobian.T @ jacobian, np.array([1e-2]))[0]
    assert point[1] == 0.3
