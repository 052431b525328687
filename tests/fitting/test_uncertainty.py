"""Standard errors against those of textbook regression."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import patch_sim as ps
from fitting.objective import Objective
from fitting.parameters import space
from fitting.setup import Setup
from fitting.uncertainty import uncertainty

NAMES = ["channels.Leak.reversal", "channels.Leak.g_max"]
BOX = space(
    Setup(ps.presets.neuron("squid_axon")), NAMES, dict(zip(NAMES, [(-80.0, -40.0), (0.01, 10.0)], strict=True))
)


class Known(Objective):
    """Residuals as a function of the parameters' values."""

    def __init__(self, residual, count: int):
        object.__setattr__(self, "residual", residual)
        object.__setattr__(self, "count", count)
        object.__setattr__(self, "space", BOX)

    @property
    def scored(self):
        return self.count

    def linearize(self, u):
        def residual(u):
            return self.residual(dict(zip(BOX.names, BOX.values(u), strict=True)))

        u = jnp.asarray(u)
        r, jacobian = residual(u), jax.jacfwd(residual)(u)
        return float(r @ r), np.asarray(jacobian.T @ r), np.asarray(jacobian.T @ jacobian)


def test_regression():
    # y = g x + E z, with a noise of known residuals
    rng = np.random.default_rng(0)
    x, z = rng.normal(size=(2, 200))
    noise = rng.normal(size=200)
    design = np.column_stack([z, x])
    data = design @ [-60.0, 0.3] + noise
    best, rest, *_ = np.linalg.lstsq(design, data)
    covariance = rest[0] / 198 * np.linalg.inv(design.T @ design)

    def residual(values):
        return jnp.asarray(z) * values[NAMES[0]] + jnp.asarray(x) * values[NAMES[1]] - jnp.asarray(data)

    index = [BOX.names.index(name) for name in NAMES]
    best_values = np.empty(2)
    best_values[index] = best
    found = uncertainty(Known(residual, 200), np.asarray(BOX.fraction(jnp.asarray(best_values))))
    np.testing.assert_allclose(found.standard_errors[index], np.sqrt(np.diag(covariance)), rtol=1e-8)
    expected = covariance[0, 1] / np.sqrt(covariance[0, 0] * covariance[1, 1])
    assert found.correlation[0, 1] == pytest.approx(expected, rel=1e-6)
    np.testing.assert_allclose(np.diag(found.correlation), 1.0)


def test_what_has_no_effect_is_not_determined():
    def residual(values):
        return jnp.asarray([1.0, 2.0, 3.0]) * (values[NAMES[0]] + 60.0) + jnp.asarray([0.1, -0.1, 0.1])

    found = uncertainty(Known(residual, 3), np.array([0.5, 0.5]))
    errors = dict(zip(BOX.names, found.standard_errors, strict=True))
    assert np.isposinf(errors[NAMES[1]])
    assert np.isfinite(errors[NAMES[0]])
    lost = BOX.names.index(NAMES[1])
    assert np.isnan(found.correlation[lost]).all()


def test_what_acts_only_together_is_not_determined():
    def residual(values):
        return jnp.asarray([1.0, 2.0, 3.0]) * (values[NAMES[0]] + 10.0 * values[NAMES[1]]) + 0.1

    assert np.isposinf(uncertainty(Known(residual, 3), np.array([0.5, 0.5])).standard_errors).all()


def test_what_a_bound_has_stopped_has_no_error():
    def residual(values):
        return (
            jnp.asarray([1.0, 2.0, 3.0]) * (values[NAMES[0]] + 60.0) + jnp.asarray([2.0, 1.0, 5.0]) * values[NAMES[1]]
        )

    u = np.array([0.5, 0.5])
    u[BOX.names.index(NAMES[1])] = 0.0
    errors = dict(zip(BOX.names, uncertainty(Known(residual, 3), u).standard_errors, strict=True))
    assert np.isnan(errors[NAMES[1]])
    assert np.isfinite(errors[NAMES[0]])
