"""Noise and the steps of the converter."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import patch_sim as ps

CELL = ps.Neuron({"Leak": ps.channels.Leak(g_max=0.1, reversal=-70.0)}, area=1000.0, temperature=20.0)


def held(electrode, **options):
    clamp = ps.VoltageClamp(ps.Step(10.0, 1.0, 3.0), holding=-70.0, duration=6.0, dt=0.01, electrode=electrode)
    return ps.simulate(CELL, clamp, **options)


def test_noise():
    quiet, loud = held(ps.Electrode()), ps.Electrode(noise=2.0, pink_noise=1.0)
    rec = held(loud, key=jax.random.key(1))
    noise = np.asarray(rec.current - quiet.current)
    assert np.std(noise) == pytest.approx(np.sqrt(5.0), rel=0.2)
    np.testing.assert_array_equal(rec.current, held(loud, key=jax.random.key(1)).current)
    assert np.any(np.asarray(rec.current != held(loud, key=jax.random.key(2)).current))
    np.testing.assert_array_equal(rec.voltage, quiet.voltage)


def test_pink_noise_falls_as_one_over_the_frequency():
    electrode = ps.Electrode(pink_noise=1.0)
    flat = jnp.zeros((64, 4096))
    noise = np.asarray(electrode.reported(flat, 0.1, jax.random.key(0)))
    assert np.std(noise) == pytest.approx(1.0, rel=0.02)
    power = np.mean(np.abs(np.fft.rfft(noise, axis=1)) ** 2, axis=0)
    low, high = np.mean(power[8:16]), np.mean(power[256:512])
    assert low / high == pytest.approx(32.0, rel=0.2)


def test_the_steps_of_the_converter():
    exact = held(ps.Electrode(series_resistance=5.0))
    coarse = held(ps.Electrode(series_resistance=5.0, quantization=0.3))
    steps = np.asarray(coarse.current) / 0.3
    np.testing.assert_allclose(steps, np.round(steps), atol=1e-9)
    assert np.max(np.abs(coarse.current - exact.current)) <= 0.15 + 1e-6
    np.testing.assert_allclose(coarse.voltage, exact.voltage, atol=1e-9)


def test_derivatives_do_not_see_the_steps():
    def charge(quantization):
        def total(resistance):
            return held(ps.Electrode(series_resistance=resistance, quantization=quantization)).current.sum()

        return jax.jvp(total, (jnp.asarray(5.0),), (jnp.asarray(1.0),))[1]

    assert float(charge(0.3)) == pytest.approx(float(charge(0.0)), rel=1e-8)
