"""The squid axon against NEURON 9.0.2 at its tightest tolerance (see ../shared/reference/README.md)."""

import json

import jax.numpy as jnp
import numpy as np
import pytest

import patch_sim as ps

SUBTHRESHOLD = ["step_0.02", "sine80_sub", "chirp_sub"]
STEPS = ["step_-0.05", "step_0.05", "step_0.08", "step_0.1", "step_0.2", "step_0.5", "step_0.2_16.3C"]
SPIKING = [*STEPS, "ramp", "sine50_supra"]
EXACT = ps.Adaptive(rtol=1e-10, atol=1e-10)


@pytest.fixture(scope="module")
def runs(shared):
    data = json.loads((shared / "reference/cclamp.json").read_text())
    return data["cells"]["hh_squid"], data["runs"], np.load(shared / "reference/cclamp.npz")


def build(cell: dict, temperature: float) -> ps.Neuron:
    hh = cell["mechs"]["hh"]
    return ps.Neuron(
        {
            "Na": ps.channels.Na(g_max=1e3 * hh["gnabar"], reversal=cell["ena"]),
            "K": ps.channels.K(g_max=1e3 * hh["gkbar"], reversal=cell["ek"]),
            "Leak": ps.channels.Leak(g_max=1e3 * hh["gl"], reversal=hh["el"]),
        },
        area=np.pi * cell["L"] * cell["diam"],
        capacitance=cell["cm"],
        temperature=temperature,
    )


def stimulus(description: list) -> ps.stimuli.AbstractStimulus:
    """A stimulus from the reference's description, nA turned into pA."""
    kind, start, duration, amplitude, *rest = description
    window = {"amplitude": 1e3 * amplitude, "start": start, "duration": duration}
    if kind == "step":
        return ps.Step(**window)
    offset, first, last = rest
    window["offset"] = 1e3 * offset
    if kind == "ramp":
        return ps.Ramp(**window)
    if kind == "sine":
        return ps.Sine(frequency=first, **window)
    return ps.Chirp(first_frequency=first, last_frequency=last, exponential=kind == "expchirp", **window)


def simulate(runs, name: str, solver: ps.Adaptive) -> tuple[np.ndarray, np.ndarray, dict]:
    """Times, voltage and the reference's description of a run."""
    cell, descriptions, _ = runs
    run = descriptions[name]
    protocol = ps.CurrentClamp(stimulus(*run["stim"]), duration=run["tstop"] + run["dt_out"], dt=run["dt_out"])
    recording = ps.simulate(build(cell, run["celsius"]), protocol, initial=cell["v0"], solver=solver)
    return np.asarray(recording.time), np.asarray(recording.voltage[0]), run


def crossings(time: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Upward crossings of 0 mV, by the cubic through the four nearest samples."""
    found = []
    for k in np.flatnonzero((v[:-1] < 0) & (v[1:] >= 0)):
        coefficients = np.polyfit(np.arange(-1, 3), v[k - 1 : k + 3], 3)
        roots = np.roots(coefficients)
        real = roots[(np.abs(roots.imag) < 1e-9) & (roots.real >= -1e-9) & (roots.real <= 1 + 1e-9)].real
        found.append(time[k] + real[0] * (time[1] - time[0]))
    return np.array(found)


@pytest.mark.parametrize("name", SUBTHRESHOLD)
def test_below_threshold_within_a_nanovolt(runs, name):
    _, v, _ = simulate(runs, f"hh_squid.{name}", EXACT)
    assert np.max(np.abs(v - runs[2][f"hh_squid.{name}.v"])) < 1e-6


@pytest.mark.parametrize("name", SPIKING)
def test_spiking_within_a_microvolt_and_ten_nanoseconds(runs, name):
    # Spike times are read off the same 0.025 ms samples of both, so that the interpolation's error cancels;
    # the reference's own times are checked at the default tolerance below.
    time, v, _ = simulate(runs, f"hh_squid.{name}", EXACT)
    reference = runs[2][f"hh_squid.{name}.v"]
    assert np.max(np.abs(v - reference)) < 1e-3
    assert np.max(np.abs(crossings(time, v) - crossings(time, reference))) < 1e-5


@pytest.mark.parametrize("name", [*SUBTHRESHOLD, *SPIKING])
def test_default_spike_times_within_10_microseconds(runs, name):
    time, v, run = simulate(runs, f"hh_squid.{name}", ps.Adaptive())
    expected = np.array(run["spike_times_0mV_ms"])
    found = crossings(time, v)
    assert found.shape == expected.shape
    assert np.all(np.abs(found - expected) < 0.01)


@pytest.mark.parametrize("family", ["na_hh.step", "na_hh.inact", "k_hh.step"])
def test_clamp_currents_within_1e_9_of_peak(shared, family):
    description = json.loads((shared / "reference/vclamp.json").read_text())[family]
    data = np.load(shared / "reference/vclamp.npz")
    hold, test = description["protocol"]["hold"], np.array(description["protocol"]["test"])
    voltage = {"hold": hold, "test": test}
    levels = ps.Levels([(voltage.get(level, level), length) for level, length in description["protocol"]["segs"]])
    protocol = ps.VoltageClamp(levels, holding=hold, duration=1.0, dt=0.1)
    channel = {
        "ina": ps.channels.Na(g_max=1e3 * description["params"]["gnabar"], reversal=description["erev"]),
        "ik": ps.channels.K(g_max=1e3 * description["params"]["gkbar"], reversal=description["erev"]),
    }[description["current"]]
    area = 100.0  # um2: then pA are uA/cm2
    neuron = ps.Neuron({"channel": channel}, area=area, temperature=description["celsius"])
    times = jnp.asarray(data[f"{family}.t"])
    recording = ps.simulate(neuron, protocol, times=times)
    expected = 1e3 * data[f"{family}.i"]
    error = np.abs(np.asarray(recording.currents["channel"]) - expected)
    assert np.max(error) < 1e-9 * np.max(np.abs(expected))


@pytest.mark.parametrize(("channel", "name"), [(ps.channels.Na(), "na_hh"), (ps.channels.K(), "k_hh")])
def test_steady_states_and_time_constants_within_1e_12(shared, channel, name):
    data = np.load(shared / "reference/steady_state.npz")
    v = jnp.asarray(data["V"], dtype=float)
    for key, gate in channel.gates.items():
        np.testing.assert_allclose(gate.steady_state(v), data[f"{name}.{key}inf"], rtol=1e-12)
        np.testing.assert_allclose(gate.time_constant(v), data[f"{name}.{key}tau"], rtol=1e-12)
