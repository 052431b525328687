"""Filtered voltages between their samples, and when they cross a level."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import signal

from fitting.spikes.interpolation import TAU, between, crossings, filtered, low_pass, peaks
from tests.fitting.spikes.pulses import HEIGHT, LEVEL, REST, WIDTH, pulses

DT, SAMPLES = 0.05, 400
T = jnp.asarray(np.arange(SAMPLES) * DT)


def exact(t, v):
    """Three one-pole filters, driven by straight lines through the samples, at the samples."""
    poles = signal.TransferFunction([1.0], np.poly1d([TAU, 1.0]) ** 3)
    return signal.lsim(poles, v - v[0], t)[1] + v[0]


@pytest.mark.parametrize(("dt", "error"), [(0.05, 4e-3), (0.01, 5e-4)])
def test_the_low_pass_is_that_of_three_poles(dt, error):
    """What drives the second and third pole is bent between samples, and taken as straight."""
    v = np.cumsum(np.random.default_rng(0).normal(size=400))
    t = np.arange(400) * dt
    assert low_pass(dt).sum() == pytest.approx(1.0)
    scale = np.ptp(v)
    np.testing.assert_allclose(filtered(jnp.asarray(v), dt), exact(t, v), atol=error * scale)
    assert np.max(np.abs(exact(t, v) - v)) > 0.1 * scale


def test_a_family_is_filtered_sweep_by_sweep():
    family = jnp.stack([pulses(T, [5.0]), pulses(T, [9.0])])
    for sweep, alone in zip(filtered(family, DT), family, strict=True):
        np.testing.assert_allclose(sweep, filtered(alone, DT), rtol=1e-12)
    np.testing.assert_allclose(filtered(jnp.full(50, -65.0), DT), -65.0, rtol=1e-12)


def reference(center):
    """The crossing and the slope there of a pulse behind the filters, in steps of half a microsecond."""
    t = np.arange(40_000) * 5e-4
    v = exact(t, REST + HEIGHT * np.exp(-0.5 * ((t - center) / WIDTH) ** 2))
    k = int(np.argmax((v[:-1] < LEVEL) & (v[1:] >= LEVEL)))
    slope = (v[k + 1] - v[k]) / 5e-4
    return t[k] + (LEVEL - v[k]) / slope, slope


@pytest.mark.parametrize("center", [8.0, 8.013, 8.031])
def test_a_crossing_is_where_it_is_whatever_the_samples(center):
    times, slopes, count = crossings(filtered(pulses(T, [center]), DT), DT, LEVEL, 2)
    expected, slope = reference(center)
    assert count == 1
    assert times[0] == pytest.approx(expected, abs=2e-3)
    assert slopes[0] == pytest.approx(slope, rel=0.02)
    assert np.isinf(times[1])


def test_a_crossing_moves_with_the_pulse_as_its_derivative_says():
    def time(shift):
        return crossings(filtered(pulses(T, [8.0 + shift]), DT), DT, LEVEL, 1)[0][0]

    exact_derivative = jax.jit(jax.vmap(jax.grad(time)))
    shifts = jnp.linspace(0.0, 0.1, 11)
    np.testing.assert_allclose(exact_derivative(shifts), 1.0, atol=0.01)
    moved = jax.jit(jax.vmap(time))(shifts)
    np.testing.assert_allclose(jnp.diff(moved), 0.01, atol=2e-4)  # no stairs, no saw


def test_the_height_of_a_pulse_does_not_change_as_it_moves():
    def height(shift, scale):
        v = filtered(REST + scale * (pulses(T, [8.0 + shift]) - REST), DT)
        return peaks(v, DT, crossings(v, DT, LEVEL, 2)[0][:1])[0]

    shifts = jnp.linspace(0.0, 0.1, 11)
    heights, (by_shift, by_scale) = (
        jax.jit(jax.vmap(function, in_axes=(0, None)))(shifts, 1.0) for function in (height, jax.grad(height, (0, 1)))
    )
    fine = np.arange(0.0, 20.0, 0.001)
    np.testing.assert_allclose(heights, heights[0], atol=1e-3)
    # What the filter itself is off by at these samples, see above.
    np.testing.assert_allclose(heights, exact(fine, np.asarray(pulses(fine, [8.0]))).max(), atol=4e-3 * HEIGHT)
    np.testing.assert_allclose(by_shift, 0.0, atol=0.5)  # mV/ms; samples beside the peak rise by up to 10 times that
    np.testing.assert_allclose(by_scale, heights - REST, rtol=1e-3)


@pytest.mark.parametrize("most", [1, 3, 5])
def test_fewer_and_more_crossings_than_are_asked_for(most):
    times, _, count = crossings(filtered(pulses(T, [5.0, 9.0, 14.0]), DT), DT, LEVEL, most)
    assert count == 3
    assert times.shape == (most,)
    expected = [reference(center)[0] for center in (5.0, 9.0, 14.0)][:most]
    np.testing.assert_allclose(times[:3], expected, atol=2e-3)
    assert np.all(np.isinf(times[3:]))


@pytest.mark.parametrize("v", [jnp.full(SAMPLES, -65.0), jnp.full(SAMPLES, 20.0), jnp.linspace(20.0, -65.0, SAMPLES)])
def test_no_crossing(v):
    times, slopes, count = crossings(v, DT, LEVEL, 2)
    assert count == 0
    assert np.all(np.isinf(times))
    assert np.all(np.isfinite(slopes))
    derivative = jax.jacfwd(lambda v: crossings(v, DT, LEVEL, 2)[0])(v)
    assert not np.any(np.isnan(derivative))


def test_between_samples_a_voltage_is_smooth_and_its_slope_is_the_derivative():
    v = filtered(pulses(T, [8.0]), DT)
    t = jnp.linspace(6.5, 10.0, 701)
    value, slope = between(v, DT, t)
    fine = np.arange(40_000) * 5e-4
    expected = np.interp(t, fine, exact(fine, np.asarray(pulses(jnp.asarray(fine), [8.0]))))
    np.testing.assert_allclose(value, expected, atol=0.5)  # of 100 mV, with 6 mV from sample to sample
    np.testing.assert_allclose(slope[1:-1], jnp.gradient(value, 0.005)[1:-1], atol=1.0)  # of 120 mV/ms
