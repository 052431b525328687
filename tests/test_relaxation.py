"""Relaxation, against exponentials and against equations solved to the last digit."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import solve_ivp

from patch_sim.relaxation import relaxed, relaxed_on


def left(k):
    return relaxed(jnp.ones_like(k), (jnp.zeros_like(k), k), jnp.ones((), k.dtype))


def come(k):
    return relaxed(jnp.zeros_like(k), (jnp.ones_like(k), k), jnp.ones((), k.dtype))


def test_few_time_constants_to_rounding():
    k = jnp.linspace(-0.5, 0.5, 1001)
    np.testing.assert_allclose(left(k), np.exp(-k), rtol=1e-13)
    exact = np.where(k == 0, 1.0, -np.expm1(-k) / np.where(k == 0, 1.0, k))
    np.testing.assert_allclose(come(k), exact, rtol=1e-13)


def test_any_number_of_time_constants_within_what_is_said():
    k = jnp.concatenate([jnp.linspace(0.0, 50.0, 100_001), jnp.logspace(1.0, 12.0, 1001)])
    error = np.abs(left(k) - np.exp(-k))
    assert 1e-5 < np.max(error) < 3e-5
    assert np.max(error[np.asarray(k) <= 1.0]) < 1e-10
    np.testing.assert_allclose(k * come(k) + left(k), 1.0, rtol=1e-12)  # a gate at its steady state stays there


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.float64])
def test_neither_overflows_nor_loses_its_derivative(dtype):
    k = jnp.asarray([-1.0, 0.0, 1e-20, 1.0, 250.0, 1e4, 1e10], dtype)
    for function in (left, come):
        assert jnp.all(jnp.isfinite(function(k)))
        assert jnp.all(jnp.isfinite(jax.vmap(jax.grad(function))(k)))
        assert function(k).dtype == dtype


def rates(t):
    return 2.0 + jnp.sin(3.0 * t), 4.0 + 2.0 * jnp.cos(2.0 * t)


def marched(h):
    """The end of one time unit, in steps of h."""

    def step(x, t):
        now, before, earlier = (jnp.stack(rates(t + (0.5 - back) * h)) for back in range(3))
        history = tuple((rate[0], rate[1]) for rate in (now, now - before, before - earlier))
        return relaxed_on(x, history, jnp.asarray(h), fraction=True), None

    return jax.lax.scan(step, jnp.asarray(0.1), jnp.arange(round(1.0 / h), dtype=float) * h)[0]


def test_changing_rates_to_third_order():
    def slope(t, x):
        drive, total = rates(t)
        return float(drive) - float(total) * x

    exact = solve_ivp(slope, (0.0, 1.0), [0.1], rtol=1e-12, atol=1e-12).y[0, -1]
    coarse, fine = (abs(marched(h) - exact) for h in (0.02, 0.01))
    assert fine < 2e-7
    assert 7.0 < coarse / fine < 9.5


def test_rates_too_fast_to_extrapolate_stay_within_the_fraction():
    drive, total, before = (x.ravel() for x in jnp.meshgrid(*[jnp.logspace(-2.0, 6.0, 9)] * 3))
    now = jnp.minimum(drive, total), total
    change = now[0] - before, now[1] - before
    for x in (0.0, 0.5, 1.0):
        history = now, change, (before, -before)
        after = relaxed_on(jnp.full_like(total, x), history, jnp.asarray(0.05), fraction=True)
        assert jnp.all((after >= 0.0) & (after <= 1.0 + 1e-12))


@pytest.mark.parametrize("missing", range(6))
def test_what_is_not_a_number_is_not_hidden(missing):
    rates = [0.5, 1.0, 0.1, 0.1, 0.1, 0.1]
    rates[missing] = float("nan")
    history = tuple(tuple(map(jnp.asarray, pair)) for pair in zip(rates[::2], rates[1::2], strict=True))
    assert jnp.isnan(relaxed_on(jnp.asarray(0.3), history, jnp.asarray(0.05), fraction=True))
