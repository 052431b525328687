"""Standard errors against those of textbook regression, and against simulated repetitions."""

import jax.numpy as jnp
import numpy as np
import pytest

from fitting.uncertainty import uncertainty
from tests.fitting.known import BOX, NAMES, Known
from tests.fitting.test_autocorrelation import autoregressive


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
    found = uncertainty(Known(residual, np.ones(200, bool)), np.asarray(BOX.fraction(jnp.asarray(best_values))))
    np.testing.assert_allclose(found.standard_errors[index], np.sqrt(np.diag(covariance)), rtol=1e-8)
    np.testing.assert_allclose(found.white_errors, found.standard_errors, rtol=1e-12)
    assert found.memory == (1.0,)
    expected = covariance[0, 1] / np.sqrt(covariance[0, 0] * covariance[1, 1])
    assert found.correlation[0, 1] == pytest.approx(expected, rel=1e-6)
    np.testing.assert_allclose(np.diag(found.correlation), 1.0)


def test_what_has_no_effect_is_not_determined():
    def residual(values):
        return jnp.asarray([1.0, 2.0, 3.0]) * (values[NAMES[0]] + 60.0) + jnp.asarray([0.1, -0.1, 0.1])

    found = uncertainty(Known(residual, np.ones(3, bool)), np.array([0.5, 0.5]))
    errors = dict(zip(BOX.names, found.standard_errors, strict=True))
    assert np.isposinf(errors[NAMES[1]])
    assert np.isfinite(errors[NAMES[0]])
    lost = BOX.names.index(NAMES[1])
    assert np.isnan(found.correlation[lost]).all()


def test_what_acts_only_together_is_not_determined():
    def residual(values):
        return jnp.asarray([1.0, 2.0, 3.0]) * (values[NAMES[0]] + 10.0 * values[NAMES[1]]) + 0.1

    assert np.isposinf(uncertainty(Known(residual, np.ones(3, bool)), np.array([0.5, 0.5])).standard_errors).all()


def test_what_a_bound_has_stopped_has_no_error():
    def residual(values):
        return (
            jnp.asarray([1.0, 2.0, 3.0]) * (values[NAMES[0]] + 60.0) + jnp.asarray([2.0, 1.0, 5.0]) * values[NAMES[1]]
        )

    u = np.array([0.5, 0.5])
    u[BOX.names.index(NAMES[1])] = 0.0
    errors = dict(zip(BOX.names, uncertainty(Known(residual, np.ones(3, bool)), u).standard_errors, strict=True))
    assert np.isnan(errors[NAMES[1]])
    assert np.isfinite(errors[NAMES[0]])


def line(noise: np.ndarray, counted: np.ndarray) -> Known:
    """A slow ramp and a constant in each sweep, with noise: the reversal is the constant, g_max the ramp."""
    ramp = jnp.asarray(np.broadcast_to(np.linspace(-1.0, 1.0, noise.shape[1]), noise.shape).ravel())
    data = -60.0 + 0.3 * ramp + jnp.asarray(noise.ravel())
    return Known(lambda values: values[NAMES[0]] + values[NAMES[1]] * ramp - data, counted)


@pytest.mark.parametrize("gaps", [False, True])
def test_correlated_residuals_widen_the_errors_as_repetitions_do(gaps):
    counted = np.ones((8, 600), bool)
    if gaps:
        counted[:, 200:230] = counted[3, 300:] = False
    found, spread = [], []
    for seed in range(60):
        known = line(autoregressive(0.9, counted.shape, seed), counted)
        u = np.asarray(BOX.fraction(jnp.asarray([dict(zip(NAMES, (-60.0, 0.3), strict=True))[n] for n in BOX.names])))
        for _ in range(4):  # Gauss-Newton to the best point
            _, slope, curvature = known.linearize(u)
            u = np.clip(u - np.linalg.solve(curvature, slope), 0.01, 0.99)
        result = uncertainty(known, u)
        found.append(result.standard_errors)
        spread.append(np.asarray(BOX.values(jnp.asarray(u))))
    ratio = np.sqrt(np.mean(np.square(found), axis=0)) / np.std(spread, axis=0)
    np.testing.assert_allclose(ratio, 1.0, atol=0.25)  # 60 repetitions know it to 9 %
    assert np.all(result.standard_errors > 3 * result.white_errors)
    assert result.memory[0] == pytest.approx(19.0, rel=0.4)


def test_what_acts_only_as_a_product_is_told_in_words():
    ramp = jnp.linspace(1.0, 2.0, 50)

    def residual(values):
        return ramp * (values[NAMES[0]] / -60.0 - 1.0) + 0.01 * jnp.cos(50.0 * ramp)

    (direction,) = uncertainty(Known(residual, np.ones(50, bool)), np.array([0.5, 0.5])).directions
    assert str(direction) == f"{NAMES[1]} is not determined"


def test_derivatives_without_numbers_tell_nothing_and_say_so():
    def residual(values):
        return jnp.sin(1e200 * jnp.asarray([values[NAMES[0]], values[NAMES[1]], 1.0]))

    found = uncertainty(Known(residual, np.ones(3, bool)), np.array([0.5, 0.5]))
    assert found.overflow
    assert np.isposinf(found.standard_errors).all()
