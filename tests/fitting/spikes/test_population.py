"""Many points at once, against one at a time with twice the digits."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fitting
from fitting.spikes.lanes import joined
from fitting.spikes.population import SOLVER, Population, shortened
from tests.fitting.spikes.pulses import boxed, squid

MOST = 8.0


@pytest.fixture(scope="module")
def term():
    return fitting.Events().bind(squid())


@pytest.fixture(scope="module")
def model():
    return boxed()


@pytest.fixture(scope="module")
def population(model, term):
    population = Population(*model, joined((term,), model[1]))
    yield population
    population.close()


@pytest.fixture(scope="module")
def residual(model, term):
    """In double precision."""
    box, prepared = model

    def of(u):
        point = box.apply(prepared, u)
        return term.residual(*point.rigs[0], SOLVER, MOST)

    return jax.jit(of)


@pytest.fixture(scope="module")
def points(model):
    truth = np.asarray(model[0].fraction(model[0].start))
    return np.clip(truth + np.random.default_rng(0).uniform(-0.15, 0.15, (3, 3)), 0.0, 1.0)


@pytest.mark.slow
def test_single_precision_costs_what_double_does(population, residual, points):
    before = population.evaluations
    costs = population.costs(points, MOST)
    assert population.evaluations == before + len(points)
    expected = [float(np.sum(np.asarray(residual(jnp.asarray(u))) ** 2)) for u in points]
    np.testing.assert_allclose(costs, expected, rtol=0.02)
    assert len(set(costs)) == len(points)


def test_the_slope_is_that_of_finite_differences(population, residual, term, points):
    before = population.evaluations
    costs, slopes, curvatures = population.linearize(points, MOST)
    assert population.evaluations == before + len(points) * 4
    h = 1e-3
    for u, cost, slope, curvature in zip(points, costs, slopes, curvatures, strict=True):
        sides = [[np.asarray(residual(jnp.asarray(u + sign * h * e))) for sign in (-1, 1)] for e in np.eye(3)]
        rows = [[side.reshape(term.sweeps, -1)[: term.recorded].ravel() for side in pair] for pair in sides]
        jacobian = np.array([(high - low) / (2 * h) for low, high in rows])
        here = np.asarray(residual(jnp.asarray(u))).reshape(term.sweeps, -1)[: term.recorded].ravel()
        assert cost == pytest.approx(here @ here, rel=0.02)
        assert np.max(np.abs(slope - jacobian @ here)) < 0.05 * np.max(np.abs(jacobian @ here))
        assert np.max(np.abs(curvature - jacobian @ jacobian.T)) < 0.05 * np.max(np.abs(curvature))
        assert np.all(np.linalg.eigvalsh(curvature) > 0)


def test_a_point_that_fails_costs_a_billion(population, points):
    spoiled = np.concatenate([points, np.full((1, 3), np.nan)])
    costs = population.costs(spoiled, MOST)
    assert costs[-1] == 1e9
    assert np.all(costs[:-1] < 1e6)
    assert all(np.all(np.isfinite(part)) for part in population.linearize(spoiled, MOST)[1:])


def test_more_points_than_one_call_takes(population, points):
    us = np.concatenate([points] * 15)
    np.testing.assert_allclose(population.costs(us, MOST), np.tile(population.costs(points, MOST), 15), rtol=1e-5)


def test_rows_of_a_jacobian_are_nowhere_too_steep():
    rows = jnp.asarray([[3.0, -4.0], [600.0, -3e9], [jnp.inf, 1.0], [jnp.nan, 1.0], [0.0, 0.0]])
    expected = [[3.0, -4.0], [600.0 / 1e7, -300.0], [0.0, 0.0], [0.0, 0.0], [0.0, 0.0]]
    np.testing.assert_allclose(shortened(rows.T[:, None])[:, 0].T, expected)
