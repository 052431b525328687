"""Points once more, with care: against one at a time."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fitting
from fitting.spikes.careful import CAREFUL, Careful
from fitting.spikes.lanes import joined
from tests.fitting.spikes.pulses import boxed, squid

MOST = 8.0


@pytest.fixture(scope="module")
def model():
    return boxed()


@pytest.fixture(scope="module")
def term():
    return fitting.Events().bind(squid())


@pytest.fixture(scope="module")
def careful(model, term):
    careful = Careful(*model, joined((term,), model[1]))
    yield careful
    careful.close()


@pytest.fixture(scope="module")
def residual(model, term):
    box, prepared = model
    return jax.jit(lambda u: term.residual(*box.apply(prepared, u).rigs[0], CAREFUL, MOST))


@pytest.fixture(scope="module")
def points(model):
    truth = np.asarray(model[0].fraction(model[0].start))
    return np.clip(truth + np.random.default_rng(0).uniform(-0.15, 0.15, (7, 3)), 0.0, 1.0)


def test_costs_are_those_of_short_steps_in_double_precision(careful, residual, points):
    expected = [float(np.sum(np.asarray(residual(jnp.asarray(u))) ** 2)) for u in points]
    np.testing.assert_allclose(careful.costs(points, MOST), expected, rtol=1e-7)


def test_slopes_are_nearly_those_of_finite_differences(careful, residual, term, points):
    costs, slopes, curvatures = careful.linearize(points[:1], MOST)
    h = 1e-3

    def recorded(u):
        return np.asarray(residual(jnp.asarray(u))).reshape(term.sweeps, -1)[: term.recorded].ravel()

    here = recorded(points[0])
    jacobian = np.array([(recorded(points[0] + h * e) - recorded(points[0] - h * e)) / (2 * h) for e in np.eye(3)])
    assert costs[0] == pytest.approx(here @ here, rel=1e-7)
    assert np.max(np.abs(slopes[0] - jacobian @ here)) < 0.1 * np.max(np.abs(jacobian @ here))
    assert np.max(np.abs(curvatures[0] - jacobian @ jacobian.T)) < 0.1 * np.max(np.abs(curvatures[0]))


def test_a_point_that_fails_costs_a_billion(careful, points):
    assert careful.costs(np.concatenate([points[:1], np.full((1, 3), np.nan)]), MOST)[1] == 1e9
