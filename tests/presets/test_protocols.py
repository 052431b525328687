"""Each ready protocol makes a cell do what its name says."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import patch_sim as ps
from patch_sim.presets import current_clamp
from tests.presets.spikes import SOLVER, spike_times

AXON = ps.presets.neuron("squid_axon")
NAMES = (
    "Action Potential",
    "Subthreshold Response",
    "Repetitive Firing",
    "I-V Curve",
    "Na+ Channel Activation",
    "Frequency Response",
    "F-I Curve",
    "Steady-State Inactivation",
    "Hyperpolarization Steps",
    "Rheobase",
    "Membrane Test",
)
STEPS = ("Subthreshold Response", "Repetitive Firing", "F-I Curve", "Rheobase", "Hyperpolarization Steps")


def counts(rec: ps.Recording) -> list[int]:
    return [spike_times(rec.time, voltage).size for voltage in np.asarray(rec.voltage)]


def run_steps(cell: ps.Neuron) -> dict[str, ps.Recording]:
    """The protocols of steps alone, simulated as one."""
    protocols = [ps.presets.protocol(name, cell) for name in STEPS]
    together = ps.Step(jnp.concatenate([protocol.stimulus.amplitude for protocol in protocols]), 50.0, 500.0)
    clamp = ps.CurrentClamp(together, protocols[0].duration, protocols[0].dt, protocols[0].holding)
    rec = ps.simulate(cell, clamp, save=("voltage", "command"), solver=SOLVER)
    ends = np.cumsum([protocol.sweeps for protocol in protocols])
    recordings = {}
    for name, protocol, end in zip(STEPS, protocols, ends, strict=True):
        recordings[name] = rec.select(slice(end - protocol.sweeps, end))
        np.testing.assert_array_equal(recordings[name].command, protocol.command())
    return recordings


@pytest.fixture(scope="module")
def steps() -> dict[str, ps.Recording]:
    return run_steps(AXON)


def run(name: str, cell: ps.Neuron = AXON, *save: str) -> ps.Recording:
    return ps.simulate(cell, ps.presets.protocol(name, cell), save=save or ("voltage",), solver=SOLVER)


def check_steps(recordings: dict[str, ps.Recording]) -> None:
    """What the protocols of steps do in every cell."""
    assert counts(recordings["Subthreshold Response"]) == [0] * 5
    many = spike_times(recordings["Repetitive Firing"].time, np.asarray(recordings["Repetitive Firing"].voltage[0]))
    assert many.size >= 3
    assert many[-1] > 300.0
    f_i = counts(recordings["F-I Curve"])
    assert f_i[0] == 0
    assert max(f_i[:7]) == f_i[6] == many.size  # halfway is what keeps it firing; stronger currents may block
    around = counts(recordings["Rheobase"])
    assert around[:4] == [0] * 4
    assert min(around[5:]) > 0
    down = recordings["Hyperpolarization Steps"].voltage
    ends = np.asarray(down)[:, recordings["Hyperpolarization Steps"].time.searchsorted(549.0)] - np.asarray(down)[:, 0]
    np.testing.assert_allclose(ends, [-5.0, -10.0, -15.0, -20.0], rtol=0.4)  # slow gates have not settled yet


def test_the_names():
    assert set(ps.presets.protocols()) == set(NAMES)


def test_steps_of_current(steps):
    check_steps(steps)
    assert counts(steps["Repetitive Firing"])[0] > 20  # of 500 ms
    f_i = counts(steps["F-I Curve"])
    assert f_i == sorted(f_i)
    assert {0, 1} < set(f_i)
    assert counts(steps["Hyperpolarization Steps"]) == [1] * 4  # anode break


def test_action_potential():
    assert counts(run("Action Potential")) == [1]


def test_frequency_response_shows_the_resonance():
    rec = run("Frequency Response", AXON, "voltage", "command")
    assert counts(rec) == [0]
    time, command = np.asarray(rec.time), np.asarray(rec.command[0])
    voltage = np.asarray(rec.voltage[0]) - float(rec.voltage[0, 0])
    size = np.abs(np.fft.rfft(voltage)) / np.abs(np.fft.rfft(command))
    frequencies = np.fft.rfftfreq(time.size, 1e-3 * rec.dt)
    swept = (frequencies > 5.0) & (frequencies < 190.0)
    smooth = np.convolve(size[swept], np.ones(9) / 9, mode="same")
    assert 50.0 < frequencies[swept][np.argmax(smooth)] < 90.0  # Hz, at 6.3 degrees C


def test_currents_follow_the_size_of_the_cell():
    larger = ps.with_parameters(AXON, {"area": 30.0 * AXON.area})
    for name in ("Repetitive Firing", "Hyperpolarization Steps"):
        small, large = (ps.presets.protocol(name, cell).stimulus.amplitude for cell in (None, larger))
        np.testing.assert_allclose(large, 30.0 * small, rtol=3e-3)


def test_i_v_curve():
    rec = run("I-V Curve", AXON, "current")
    current, time = np.asarray(rec.current), np.asarray(rec.time)
    late = current[:, time.searchsorted(105.0)]
    assert np.all(np.diff(late) > 0)  # the delayed rectifier
    early = current[:, (time > 10.0) & (time < 20.0)].min(axis=1)
    assert np.argmin(early) == 10  # sodium, largest at 0 mV
    assert rec.sweeps == 17


def test_sodium_activation():
    sodium = np.asarray(run("Na+ Channel Activation", AXON, "currents").currents["Na"])
    levels = np.arange(-80.0, 61.0, 5.0)
    peaks = np.array([trace[np.argmax(np.abs(trace))] for trace in sodium])
    assert np.all(peaks[levels < 49.0] < 0)
    assert np.all(peaks[levels > 51.0] > 0)
    conductance = peaks[levels < 45.0] / (levels[levels < 45.0] - 50.0)
    assert np.all(np.diff(conductance) > 0)


def test_steady_state_inactivation():
    rec = run("Steady-State Inactivation", AXON, "currents")
    time, sodium = np.asarray(rec.time), np.asarray(rec.currents["Na"])
    peaks = -sodium[:, (time > 210.0) & (time < 230.0)].min(axis=1)
    levels = jnp.arange(-120.0, -9.0, 10.0)
    available = AXON.channels["Na"].gates["h"].steady_state(levels)
    # Where nothing inactivates while it opens, and m does not start open, the peak is h at the end of conditioning.
    np.testing.assert_allclose((peaks / peaks[0])[:7], (available / available[0])[:7], atol=0.05)
    assert np.all(np.diff(peaks) < 0)


def test_membrane_test():
    rec = run("Membrane Test", AXON, "current")
    before, during = (float(rec.current[0, rec.time.searchsorted(t)]) for t in (19.0, 69.0))

    def steady(v):
        return sum(AXON.currents(AXON.steady_state(v)).values())

    change = (steady(jnp.asarray(-80.0)) - steady(jnp.asarray(-70.0))) * AXON.area * 0.01
    assert during - before == pytest.approx(float(change), rel=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in ps.presets.neurons() if name != "squid_axon"])
def test_currents_suit_every_cell(name):
    cell = ps.presets.neuron(name)
    check_steps(run_steps(cell))
    bursts = {"thalamic_reticular": 2, "subthalamic": 4}
    assert 1 <= counts(run("Action Potential", cell))[0] <= bursts.get(name, 1)
    assert counts(run("Frequency Response", cell)) == [0]
    jax.clear_caches()


def test_what_is_no_protocol():
    with pytest.raises(KeyError, match="no protocol 'IV'; there are: Action Potential, Subthreshold Response"):
        ps.presets.protocol("IV")


def test_a_cell_that_never_fires():
    with pytest.raises(ValueError, match="the cell does not fire under"):
        ps.presets.protocol("Rheobase", AXON.disabled("Na"))


def test_a_cell_that_rests_nowhere(monkeypatch):
    monkeypatch.setattr(current_clamp, "rest", lambda neuron, holding=0.0: None)
    with pytest.raises(ValueError, match=r"rests neither by itself nor when -\d+\.\d+ pA hold it at -70 mV"):
        ps.presets.protocol("F-I Curve", AXON)
