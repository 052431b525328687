"""Local searches on functions whose minima are known."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from fitting.objective import Objective
from fitting.search import Point, descend, levenberg_marquardt


class Known(Objective):
    """A sum of squares of a function of the box's coordinates, instead of a simulation's."""

    def __init__(self, residual):
        r, jacobian = jax.jit(residual), jax.jit(jax.jacfwd(residual))
        object.__setattr__(
            self, "both", lambda u: (np.asarray(r(jnp.asarray(u))), np.asarray(jacobian(jnp.asarray(u))))
        )

    def cost(self, u):
        return float(np.sum(self.both(u)[0] ** 2))

    def gradient(self, u):
        r, jacobian = self.both(u)
        return float(r @ r), jacobian.T @ r

    def linearize(self, u):
        r, jacobian = self.both(u)
        return float(r @ r), jacobian.T @ r, jacobian.T @ jacobian


def rosenbrock(u):
    x, y = 4.0 * u - 2.0
    return jnp.stack([10.0 * (y - x**2), 1.0 - x, jnp.asarray(0.1)])


@pytest.fixture(scope="module")
def valley() -> Known:
    """Rosenbrock's, with the minimum 0.01 at (0.75, 0.75)."""
    return Known(rosenbrock)


@pytest.fixture(scope="module")
def beyond() -> Known:
    """A bowl whose bottom (1.5, 0.3) lies outside the box."""
    return Known(lambda u: jnp.stack([u[0] - 1.5, 2.0 * (u[1] - 0.3), 0.3 * (u[0] - u[1])]))


@pytest.fixture
def relaxed():
    """Optax adds whole numbers to floating ones, which the strict promotion of the tests forbids."""
    with jax.numpy_dtype_promotion("standard"):
        yield


def go_on(point: Point) -> bool:
    return True


@pytest.mark.parametrize("start", [[0.1, 0.9], [0.0, 0.0], [0.95, 0.05]])
def test_levenberg_marquardt_comes_to_the_bottom(valley, start):
    point = levenberg_marquardt(valley, np.array(start), 200, go_on)
    np.testing.assert_allclose(point.u, [0.75, 0.75], atol=1e-4)
    assert point.cost == pytest.approx(0.01, rel=1e-6)
    assert point.converged


def test_it_only_goes_down_and_stays_in_the_box(valley):
    seen = []
    levenberg_marquardt(valley, np.array([0.1, 0.9]), 200, lambda point: seen.append(point) or True)
    costs = [point.cost for point in seen]
    assert costs == sorted(costs, reverse=True)
    assert all(np.all((point.u >= 0) & (point.u <= 1)) for point in seen)
    steps = [np.max(np.abs(b.u - a.u)) for a, b in itertools.pairwise(seen)]
    assert max(steps) <= 0.25 + 1e-12


def test_it_stops_at_a_bound(beyond):
    point = levenberg_marquardt(beyond, np.array([0.5, 0.5]), 100, go_on)
    assert point.u[0] == 1.0
    # along the bound the minimum of 4 (y - 0.3)^2 + 0.09 (1 - y)^2
    assert point.u[1] == pytest.approx((4 * 0.3 + 0.09) / 4.09, abs=1e-4)
    assert point.converged


def test_it_leaves_a_bound_that_it_started_on(valley):
    point = levenberg_marquardt(valley, np.array([1.0, 1.0]), 200, go_on)
    np.testing.assert_allclose(point.u, [0.75, 0.75], atol=1e-4)


def test_it_takes_no_more_steps_than_allowed(valley):
    point = levenberg_marquardt(valley, np.array([0.1, 0.9]), 2, go_on)
    assert point.steps == 2
    assert not point.converged


@pytest.mark.parametrize("search", ["levenberg_marquardt", "descend"])
def test_it_stops_when_told(valley, search, relaxed):
    told = []

    def enough(point: Point) -> bool:
        told.append(point)
        return len(told) < 3

    u = np.array([0.1, 0.9])
    if search == "descend":
        point = descend(valley, u, 100, enough, optax.adam(0.1))
    else:
        point = levenberg_marquardt(valley, u, 100, enough)
    assert point.steps <= 3
    assert np.isfinite(point.cost)


def test_a_start_that_cannot_be_simulated():
    nowhere = Known(lambda u: jnp.stack([jnp.log(-u[0]), u[1]]))
    point = levenberg_marquardt(nowhere, np.array([0.5, 0.5]), 100, go_on)
    assert point.steps == 0
    assert not np.isfinite(point.cost)
    assert not np.isfinite(descend(nowhere, np.array([0.5, 0.5]), 10, go_on, optax.sgd(0.1)).cost)


def test_around_a_hole():
    # not a number where u0 + u1 > 1.2; the minimum (0.4, 0.6) lies beside it
    def residual(u):
        return jnp.where(jnp.sum(u) > 1.2, jnp.nan, 1.0) * jnp.stack([u[0] - 0.4, u[1] - 0.6, jnp.asarray(0.1)])

    point = levenberg_marquardt(Known(residual), np.array([0.9, 0.1]), 100, go_on)
    np.testing.assert_allclose(point.u, [0.4, 0.6], atol=1e-4)


def test_a_parameter_without_effect_does_no_harm():
    flat = Known(lambda u: jnp.stack([u[0] - 0.3, 2.0 * (u[0] - 0.3), jnp.asarray(0.1)]))
    point = levenberg_marquardt(flat, np.array([0.9, 0.5]), 100, go_on)
    assert point.u[0] == pytest.approx(0.3, abs=1e-6)
    assert point.u[1] == pytest.approx(0.5, abs=1e-6)


def test_first_order_steps_return_the_best_point_seen(valley, relaxed):
    seen = []
    point = descend(valley, np.array([0.1, 0.9]), 300, lambda p: seen.append(p.cost) or True, optax.adam(0.05))
    start = valley.cost(np.array([0.1, 0.9]))
    assert point.cost < 0.05 * start
    assert point.cost == min(seen)
    assert valley.cost(point.u) == pytest.approx(point.cost, rel=1e-12)


def test_first_order_steps_cannot_leave_the_box(beyond):
    point = descend(beyond, np.array([1.0, 0.0]), 50, go_on, optax.sgd(100.0))
    assert np.all((point.u > 0) & (point.u < 1))
