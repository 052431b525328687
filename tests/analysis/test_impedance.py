"""Impedance and calcium: against the linearized cell, and closed forms."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree

import patch_sim as ps
from tests.analysis.noise import current_clamp, noisy

AXON = ps.presets.neuron("squid_axon")


def linearized(cell: ps.Neuron, frequency: np.ndarray) -> np.ndarray:
    """The impedance (MOhm) of a cell at rest, from the Jacobian of its vector field."""
    state = cell.resting_state()
    flat, back = ravel_pytree(state)

    def derivative(x: jax.Array, injected: jax.Array) -> jax.Array:
        return ravel_pytree(cell.derivative(back(x), injected))[0]

    jacobian = np.asarray(jax.jacfwd(derivative)(flat, jnp.asarray(0.0)))
    drive = np.asarray(jax.jacfwd(derivative, 1)(flat, jnp.asarray(0.0)))
    unit = np.asarray(
        ravel_pytree(dataclasses.replace(jax.tree.map(jnp.zeros_like, state), voltage=jnp.asarray(1.0)))[0]
    )
    s = 2e-3j * np.pi * frequency
    return np.array([1e3 * unit @ np.linalg.solve(z * np.eye(flat.size) - jacobian, drive) for z in s])


@pytest.fixture(scope="module")
def chirp() -> ps.Recording:
    wave = ps.Chirp(5.0, first_frequency=5.0, last_frequency=200.0, start=50.0, duration=1500.0, exponential=True)
    return ps.simulate(AXON, ps.CurrentClamp(wave, duration=1650.0, dt=0.2), solver=ps.Exponential(0.1))


@pytest.fixture(scope="module")
def truth() -> tuple[float, float]:
    grid = np.linspace(40.0, 100.0, 2001)
    z = np.abs(linearized(AXON, grid))
    return float(grid[np.argmax(z)]), float(np.max(z))


def test_the_squid_axon_resonates(chirp, truth):
    found = ps.analysis.impedance(chirp)
    assert found.resonance.value == pytest.approx(truth[0], rel=0.01)
    assert found.peak.value == pytest.approx(truth[1], rel=0.01)
    np.testing.assert_allclose(
        found.magnitude.values[5:-5], np.abs(linearized(AXON, found.frequency.values))[5:-5], rtol=0.05
    )
    assert found.quality.value > 2.0
    assert found.phase.values[2] > 0.0 > found.phase.values[-2]
    noise = ps.analysis.impedance(noisy(chirp, 1.0))
    assert noise.resonance.value == pytest.approx(truth[0], abs=3.0 * noise.resonance.error)
    assert 0.0 < noise.resonance.error < 0.05 * truth[0]


def test_a_passive_membrane_does_not():
    time = np.arange(0.0, 4000.0, 0.5)
    rng = np.random.default_rng(0)
    current = 20.0 * rng.normal(size=time.size)
    s = 2j * np.pi * np.fft.rfftfreq(time.size, 0.5)
    voltage = np.fft.irfft(np.fft.rfft(current) * 0.2 / (1.0 + s * 10.0), time.size) - 65.0
    found = ps.analysis.impedance(
        current_clamp(voltage + 0.05 * rng.normal(size=time.size), 0.5, current), band=(0.5, 200.0)
    )
    assert found.gates.value == 0
    assert "there is no resonance" in found.resonance.reason
    assert found.peak.value == pytest.approx(200.0, rel=0.02)
    assert found.cutoff.value == pytest.approx(1e3 / (2.0 * np.pi * 10.0), rel=0.03)


def test_nothing_to_measure(chirp):
    time = np.arange(0.0, 500.0, 0.5)
    still = current_clamp(np.full(time.size, -65.0), 0.5, np.zeros(time.size))
    assert ps.analysis.impedance(still).resonance.reason == "the current does not move"
    assert "is not within the sweep" in ps.analysis.impedance(chirp, (0.0, 1e4)).peak.reason
    spiking = current_clamp(-65.0 + 90.0 * np.exp(-0.5 * ((time - 250.0) / 2.0) ** 2), 0.5, np.sin(time))
    assert ps.analysis.impedance(spiking).peak.reason == "there are spikes: the response is not linear"
    assert ps.analysis.impedance(current_clamp(np.sin(time), 0.5)).peak.reason == "the recording holds no command"
    with pytest.raises(ValueError, match=r"band must be \(lowest, highest\) in Hz"):
        ps.analysis.impedance(chirp, band=(10.0, 5.0))


def with_calcium(calcium: np.ndarray, dt: float) -> ps.Recording:
    rec = current_clamp(np.full(calcium.shape, -65.0), dt)
    return dataclasses.replace(rec, states={"calcium": jnp.asarray(calcium)})


def test_a_calcium_transient():
    time = np.arange(0.0, 1000.0, 0.1)
    t = np.maximum(time - 100.0, 0.0)
    rise = np.where(t > 0.0, 2e-3 * (np.exp(-t / 80.0) - np.exp(-t / 5.0)), 0.0)
    found = ps.analysis.calcium_transient(with_calcium(1e-4 + np.stack([rise, 0.0 * rise]), 0.1))
    assert found.baseline.values[0] == pytest.approx(0.1)
    assert found.amplitude.values[0] == pytest.approx(1e3 * rise.max())
    peak = np.log(80.0 / 5.0) / (1.0 / 5.0 - 1.0 / 80.0)
    assert found.time_to_peak.values[0] == pytest.approx(100.0 + peak, abs=0.1)
    assert found.decay.values[0] == pytest.approx(80.0, rel=0.02)
    assert found.area.values[0] == pytest.approx(2.0 * (80.0 - 5.0), rel=1e-3)
    above = 0.1 * np.count_nonzero(rise > 0.5 * rise.max())
    assert found.half_width.values[0] == pytest.approx(above, abs=0.1)
    assert found.decay.reasons[1] == "calcium does not rise above where it was"


def test_no_calcium():
    rec = current_clamp(np.full(100, -65.0), 0.1)
    assert "the recording holds no calcium" in str(ps.analysis.calcium_transient(rec))
    outside = ps.analysis.calcium_transient(with_calcium(np.full((1, 100), 1e-4), 0.1), (20.0, 30.0))
    assert "the window is not within the sweep, 0 to 9.9 ms" in str(outside)
    rising = with_calcium(np.linspace(1e-4, 2e-4, 100)[None], 0.1)
    assert ps.analysis.calcium_transient(rising).decay.reasons[0] == "it does not fall before the window ends"
