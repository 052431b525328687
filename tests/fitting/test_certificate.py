"""A certificate notices a wrong model, and says nothing against a right one."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import pytest

import fitting
import patch_sim as ps
from fitting.structure import structure

SQUID = ps.presets.neuron("squid_axon")
NA, K, LEAK = (f"channels.{name}.g_max" for name in ("Na", "K", "Leak"))
RS = "electrode.series_resistance"
FAMILY = ps.Step([10.0, 30.0, 50.0, 70.0, 90.0], 5.0, 20.0)


def clamp(electrode: ps.Electrode, steps=FAMILY) -> ps.VoltageClamp:
    return ps.VoltageClamp(steps, holding=-70.0, duration=35.0, dt=0.1, electrode=electrode)


def recorded(cell: ps.Neuron, electrode: ps.Electrode, seed: int = 0, noise: float = 5.0, steps=FAMILY) -> ps.Recording:
    clean = ps.simulate(cell, clamp(electrode, steps))
    noise = noise * np.random.default_rng(seed).normal(size=clean.response.shape)
    seen = eqx.tree_at(lambda rec: rec.current, clean, clean.response + jnp.asarray(noise))
    return eqx.tree_at(lambda rec: rec._electrode, seen, electrode, is_leaf=lambda x: x is None).mask_edges(0.5)


def fit(cell: ps.Neuron, recording: ps.Recording, free: list[str], **settings) -> fitting.FitResult:
    return fitting.fit(cell, recording, free=free, progress=False, **({"starts": 1} | settings))


def failed(certificate: fitting.Certificate) -> set[str]:
    return {check.name for check in certificate.failures}


GLASS = ps.Electrode(series_resistance=8.0)


@pytest.mark.slow
def test_nothing_is_said_against_the_right_model(tmp_path):
    twice = ps.Step([10.0, 30.0, 50.0, 50.0, 70.0, 90.0], 5.0, 20.0)
    recording = recorded(SQUID, GLASS, steps=twice)
    near = ps.with_parameters(SQUID, {NA: 90.0, K: 45.0})
    result = fit(near, recording, [NA, K, LEAK, RS], starts=2, screen=10)
    other = recorded(SQUID, GLASS, seed=7, steps=ps.Step([40.0, 60.0], 5.0, 20.0))
    found = fitting.certificate(result, held_out=other, progress=False)
    assert found.passed, str(found)
    asked = {check.name: check.passed for check in found.checks}
    assert asked == {"solver": True, "precision": None, "starts": True, "bounds": True, "determined": True,
                     "residuals": True, "repeats": True, "held out": True}  # fmt: skip
    assert "float32 instead of float64: predictions change by" in str(found)
    kept = result.with_certificate(found)
    assert str(found) in str(kept)
    kept.save(tmp_path / "fit.json")
    assert fitting.load(tmp_path / "fit.json").certificate == found


def test_a_missing_channel_is_noticed():
    channels = dict(SQUID.channels) | {"KA": ps.channels.KA(g_max=5.0)}
    truth = ps.Neuron(channels, area=SQUID.area, temperature=6.3, ions=SQUID.ions)
    steps = ps.Step([10.0, 30.0, 50.0, 50.0], 5.0, 20.0)
    recording = recorded(truth, ps.Electrode(), steps=steps)
    result = fit(SQUID, recording, [NA, K, LEAK])
    found = fitting.certificate(result, held_out=recorded(truth, ps.Electrode(), 3), progress=False)
    assert {"residuals", "repeats"} <= failed(found), str(found)
    assert "the model misses something" in str(found)
    right = fit(truth, recording, [NA, K, LEAK, "channels.KA.g_max"])
    assert fitting.certificate(right, progress=False).passed


def test_an_electrode_left_out_is_noticed():
    recording = recorded(SQUID, GLASS)
    ideal = eqx.tree_at(lambda rec: rec._electrode, recording, ps.Electrode())
    found = fitting.certificate(fit(SQUID, ideal, [NA, K, LEAK]), progress=False)
    assert "residuals" in failed(found), str(found)


def test_bounds_and_starts_and_what_is_not_determined_are_told():
    recording = recorded(SQUID, ps.Electrode())
    result = fit(SQUID, recording, [NA, K, "capacitance"], starts=2, screen=1, steps=1, seed=1)
    found = fitting.certificate(result, progress=False)
    assert {"starts", "determined"} <= failed(found), str(found)
    bounded = fit(SQUID, recording, [NA, K], bounds={K: (1.0, 30.0)})
    found = fitting.certificate(bounded, progress=False)
    assert {"bounds", "residuals"} <= failed(found), str(found)
    assert f"NO  bounds: stopped by one: {K}" in str(found)
    assert "--  held out: nothing was" in str(found)
    assert "--  starts: only one" in str(found)
    assert str(found).startswith("certificate: 2 of 4 checks passed")


@pytest.mark.slow
def test_a_loose_solver_is_noticed():
    result = fit(SQUID, recorded(SQUID, GLASS, noise=0.01), [NA], solver=ps.Adaptive(1e-3, 1e-3))
    assert "solver" in failed(fitting.certificate(result, progress=False))


# Structure


def filtered(shape: tuple[int, int], tau: int, seed: int) -> np.ndarray:
    """Noise through a one-pole filter."""
    noise = np.random.default_rng(seed).normal(size=(shape[0], shape[1] + 200))
    kernel = np.exp(-np.arange(100) / tau)
    return np.stack([np.convolve(row, kernel)[200 : 200 + shape[1]] for row in noise]) / np.sqrt(np.sum(kernel**2))


@pytest.mark.parametrize("tau", [1, 3])
def test_filtered_noise_is_no_structure(tau):
    shape = (5, 4000)  # at 20 kHz, a corner of 3 or 1 kHz
    found = [structure(filtered(shape, tau, seed), np.ones(shape, bool), 0.05).found for seed in range(40)]
    assert sum(found) <= 2


def test_structure_is_measured():
    shape = (4, 2000)
    counted = np.ones(shape, bool)
    noise = np.random.default_rng(0).normal(size=shape)
    slow = np.sin(np.arange(2000) / 200.0)
    assert structure(noise + slow, counted, 0.1).slow == pytest.approx(np.sqrt(0.5), rel=0.1)
    burst = noise.copy()
    burst[1, 500:510] += 6.0
    assert structure(burst, counted, 0.1).burst > 20.0
    counted[1, 500:510] = False  # a masked burst counts for nothing
    assert not structure(burst, counted, 0.1).found
    assert not structure(np.zeros(shape), counted, 0.1).found
