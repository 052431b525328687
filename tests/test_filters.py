"""Filters, against scipy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import signal

import patch_sim as ps

DT = 0.01  # ms


@pytest.mark.parametrize("poles", [2, 4, 6, 8])
def test_answer_to_a_ramped_step(poles):
    """The filter takes straight lines between samples, and so does scipy's lsim."""
    t = np.arange(800) * DT
    u = np.where(t < 1.0, 2.0, -3.0)
    system = signal.bessel(poles, 2e-3 * np.pi * 1000.0, analog=True, norm="mag", output="zpk")
    expected = signal.lsim(signal.ZerosPolesGain(*system), u - u[0], t)[1] + u[0]
    found = ps.Bessel(1000.0, poles).filtered(jnp.asarray(u)[None], DT)[0]
    np.testing.assert_allclose(found, expected, atol=2e-9)


@pytest.mark.parametrize("poles", [4, 8])
def test_three_decibels_down_at_the_corner(poles):
    t = jnp.arange(20_000, dtype=float) * DT
    found = ps.Bessel(500.0, poles).filtered(jnp.sin(2e-3 * jnp.pi * 500.0 * t)[None], DT)[0, 10_000:]
    assert float(jnp.std(found) * np.sqrt(2.0)) == pytest.approx(10 ** (-3.0103 / 20), rel=1e-3)


def test_slope_by_the_corner():
    u = jnp.where(jnp.arange(200) < 50, 0.0, 1.0)[None]

    def at(corner):
        return ps.Bessel(corner, 4).filtered(u, DT)[0, 70]

    slope = jax.grad(at)(jnp.asarray(800.0))
    assert float(slope) == pytest.approx(float(at(800.01) - at(799.99)) / 0.02, rel=1e-6)


def test_single_precision():
    u = jnp.where(jnp.arange(400) < 50, 0.0, 1.0)[None]
    single = ps.Bessel(jnp.asarray(200.0, jnp.float32), 4).filtered(u.astype(jnp.float32), DT)
    assert single.dtype == jnp.float32
    np.testing.assert_allclose(single, ps.Bessel(200.0, 4).filtered(u, DT), atol=2e-5)


def test_bad_filters():
    with pytest.raises(ValueError, match="2, 4, 6 or 8"):
        ps.Bessel(1000.0, 3)
    with pytest.raises(ValueError, match="greater than 0 Hz"):
        ps.Bessel(-1.0)


@pytest.mark.parametrize("tau", [0.3, np.inf])
def test_a_decay_is_what_leaves_the_filter(tau):
    bessel, dt = ps.Bessel(2000.0), 5e-4
    time = dt * np.arange(-200, 6000)
    entering = np.where(time >= 0.0, np.exp(-np.maximum(time, 0.0) / tau), 0.0)
    # Samples show the jump as a straight line that begins a sample earlier.
    leaving = np.asarray(bessel.filtered(jnp.asarray(entering[None]), dt))[0]
    np.testing.assert_allclose(bessel.decay(time + 0.5 * dt, tau), leaving, atol=2e-3)
    assert np.all(bessel.decay(time[time <= 0.0], tau) == 0.0)
