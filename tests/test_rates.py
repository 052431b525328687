"""Rates, and above all what they are where their formula is 0/0."""

from decimal import Decimal, localcontext
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import example, given, settings, strategies as st

from patch_sim import rates

WIDTH = 8  # numbers for each example, so that one compilation serves all
NEAR_AND_FAR = st.floats(-0.125, 0.125, width=32) | st.floats(-1e4, 1e4, width=32) | st.sampled_from([0.0, 0.03, -0.03])


def exact(x: float) -> tuple[float, float, float]:
    """x / (e^x - 1) and its first two derivatives, from 200 decimal digits."""
    if x == 0:
        return 1.0, -0.5, 1.0 / 6.0
    with localcontext() as context:
        context.prec = 200
        z = Decimal(x)
        e = z.exp()
        d = e - 1
        return float(z / d), float((d - z * e) / d**2), float(e * (z * (e + 1) - 2 * d) / d**3)


@partial(jax.jit, static_argnums=1)
def derivatives(x, order: int):
    function = rates.linoid
    for _ in range(order):
        function = jax.grad(function)
    return jax.vmap(function)(x)


@pytest.mark.parametrize("dtype", [jnp.float64, jnp.float32])
@settings(max_examples=60, deadline=None)
@given(st.lists(NEAR_AND_FAR, min_size=WIDTH, max_size=WIDTH))
@example([0.0, 1e-30, -1e-30, 0.03, -0.03, 1e4, -1e4, 88.0])
@example([0.0299999, 0.0300001, -0.0299999, -0.0300001, 1e-4, -1e-4, 709.0, -709.0])
def test_linoid_and_two_derivatives(dtype, xs):
    x = jnp.asarray(np.array(xs), dtype=dtype)
    expected = np.array([exact(float(value)) for value in np.asarray(x, dtype=float)])
    epsilon = float(jnp.finfo(dtype).eps)
    tiny = float(jnp.finfo(dtype).tiny) * 1e4
    # Subtractions cost a digit or two for each derivative; the second is compared with its size at 0, 1/6.
    tolerances = [(8 * epsilon, tiny), (300 * epsilon, tiny), (0.0, 6000 * epsilon)]
    for order, (relative, absolute) in enumerate(tolerances):
        found = derivatives(x, order)
        assert found.dtype == dtype
        np.testing.assert_allclose(found, expected[:, order], rtol=relative, atol=absolute)


@pytest.mark.parametrize("dtype", [jnp.float64, jnp.float32])
def test_linoid_overflows_nowhere(dtype):
    x = jnp.asarray([-1e4, -800.0, -100.0, 100.0, 800.0, 1e4], dtype=dtype)
    for order in range(3):
        assert np.all(np.isfinite(derivatives(x, order)))
    np.testing.assert_allclose(derivatives(x, 0), [1e4, 800.0, 100.0, 0.0, 0.0, 0.0], atol=1e-30)


V = jnp.linspace(-120.0, 60.0, 181)


def test_exponential():
    found = rates.Exponential(0.125, -65.0, -80.0)(V)
    np.testing.assert_allclose(found, 0.125 * np.exp(-(np.asarray(V) + 65.0) / 80.0), rtol=1e-14)


def test_sigmoid():
    v = np.asarray(V)
    np.testing.assert_allclose(rates.Sigmoid(2.0, -35.0, 10.0)(V), 2.0 / (1 + np.exp(-(v + 35.0) / 10.0)), rtol=1e-13)
    np.testing.assert_allclose(rates.Sigmoid(2.0, -35.0, -10.0)(V), 2.0 / (1 + np.exp((v + 35.0) / 10.0)), rtol=1e-13)
    assert float(rates.Sigmoid(2.0, -35.0, 10.0)(jnp.asarray(-35.0))) == 1.0


def test_linoid_rate():
    v = np.asarray(V)
    away = np.abs(v + 40.0) > 0.5
    u = v[away] + 40.0
    found = np.asarray(rates.Linoid(0.1, -40.0, 10.0)(V))
    np.testing.assert_allclose(found[away], 0.1 * u / (1 - np.exp(-u / 10.0)), rtol=1e-13)
    mirrored = np.asarray(rates.Linoid(0.1, -40.0, -10.0)(V))
    np.testing.assert_allclose(mirrored[away], -0.1 * u / (1 - np.exp(u / 10.0)), rtol=1e-13)


@pytest.mark.parametrize("dtype", [jnp.float64, jnp.float32])
@pytest.mark.parametrize("exponent", [4.8, -2.0])
def test_hill_without_calcium(exponent, dtype):
    hill = jax.tree.map(lambda leaf: leaf.astype(dtype), rates.Hill(4.3e-4, exponent))
    calcium = jnp.asarray([-1e3, -1e-4, 0.0, 1e-30, 4.3e-4, 1e3], dtype=dtype)
    none, half, much = (0.0, 0.5, 1.0) if exponent > 0 else (1.0, 0.5, 0.0)
    np.testing.assert_allclose(hill(calcium), [none, none, none, none, half, much], atol=1e-6)
    for slope in jax.tree.leaves(jax.vmap(jax.grad(lambda h, c: h(c), argnums=(0, 1)), (None, 0))(hill, calcium)):
        assert np.all(np.isfinite(slope))


@pytest.mark.parametrize("slope", [10.0, -10.0])
def test_linoid_rate_at_its_midpoint(slope):
    rate = rates.Linoid(0.1, -40.0, slope)
    middle = jnp.asarray(-40.0)
    assert float(rate(middle)) == pytest.approx(1.0, rel=1e-15)
    # a straight line of slope rate far away, half of it at the midpoint
    assert float(jax.grad(rate)(middle)) == pytest.approx(0.05 * np.sign(slope), rel=1e-12)
    gradient = jax.grad(lambda rate: rate(middle))(rate)
    assert float(gradient.rate) == pytest.approx(10.0, rel=1e-12)
    assert float(gradient.midpoint) == pytest.approx(-0.05 * np.sign(slope), rel=1e-12)
    assert float(gradient.slope) == pytest.approx(0.1 * np.sign(slope), rel=1e-12)


@pytest.mark.parametrize("kind", [rates.Exponential, rates.Sigmoid, rates.Linoid])
def test_a_rate_is_not_negative_and_finite(kind):
    with pytest.raises(ValueError, match=rf"{kind.__name__}\.rate must be at least 0 1/"):
        kind(-0.1, -40.0, 10.0)
    with pytest.raises(ValueError, match=rf"{kind.__name__}\.midpoint must be finite"):
        kind(0.1, float("nan"), 10.0)
