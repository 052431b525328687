"""Continuous recording: seams, live changes, pulses, bad input."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import patch_sim as ps
from patch_sim.simulate import _run

CC, VC = ps.Mode.CURRENT_CLAMP, ps.Mode.VOLTAGE_CLAMP


@pytest.fixture(scope="module")
def cell() -> ps.Neuron:
    return ps.presets.neuron("squid_axon")


def pieces(rig: ps.Rig, *durations: float) -> dict[str, np.ndarray]:
    """Several stretches as one."""
    parts = [rig.advance(duration) for duration in durations]
    names = ("time", "voltage", "measured_voltage", "current", "command")
    return {name: np.concatenate([np.ravel(getattr(part, name)) for part in parts]) for name in names}


def test_stretches_are_one_recording(cell):
    rig = ps.Rig(cell, holding_current=150.0)
    made = pieces(rig, 3.3, 0.025, 56.675, 40.0, 90.0)
    whole = ps.simulate(cell, ps.CurrentClamp(ps.Step(0.0, 0.0, 1.0), duration=190.0, holding=150.0))
    assert np.ptp(whole.voltage) > 100.0  # it fires
    np.testing.assert_array_equal(made["time"], whole.time)
    np.testing.assert_allclose(made["voltage"], whole.voltage[0], atol=5e-3)
    np.testing.assert_array_equal(made["command"], whole.command[0])
    assert rig.time == pytest.approx(190.0)


def test_one_program_serves_every_stretch(cell):
    rig = ps.Rig(cell)
    rig.advance(10.0)
    before = _run._cache_size()
    rig.set(neuron=ps.with_parameters(cell, {"channels.K.g_max": 30.0}), holding_current=20.0)
    rig.pulse(50.0, 2.0)
    pieces(rig, 0.025, 7.0, 130.0)
    assert _run._cache_size() == before


def test_pulse_is_a_step(cell):
    rig = ps.Rig(cell)
    first = pieces(rig, 10.0)
    rig.pulse(300.0, 1.0)
    made = pieces(rig, 0.4, 29.6)
    step = ps.Step(300.0, 10.0, 1.0)
    whole = ps.simulate(cell, ps.CurrentClamp(step, duration=40.0))
    np.testing.assert_allclose(np.append(first["command"], made["command"]), whole.command[0])
    np.testing.assert_allclose(np.append(first["voltage"], made["voltage"]), whole.voltage[0], atol=5e-3)
    assert made["voltage"].max() > 0.0


def test_voltage_clamp_with_test_pulses_is_a_train(cell):
    rig = ps.Rig(cell, mode=VC, holding_potential=-70.0, test_pulse=ps.RepeatedPulse(-10.0, 10.0, 50.0))
    made = pieces(rig, 130.0, 3.0, 47.0)
    train = ps.PulseTrain(-10.0, 0.0, 10.0, 20.0, 4)
    whole = ps.simulate(cell, ps.VoltageClamp(train, duration=180.0, holding=-70.0))
    np.testing.assert_allclose(made["command"], whole.command[0])
    np.testing.assert_allclose(made["voltage"], whole.voltage[0])
    np.testing.assert_allclose(made["current"], whole.current[0], atol=1e-6)


def test_filter_and_pipette_go_on_over_seams(cell):
    electrode = ps.Electrode(10.0, 5.0, compensation=ps.Compensation(lag=0.01), filter=ps.Bessel(2000.0))
    rig = ps.Rig(cell, mode=VC, electrode=electrode)
    first = pieces(rig, 5.0)
    rig.pulse(20.0, 5.0)
    made = pieces(rig, 2.0, 0.5, 12.5)
    protocol = ps.VoltageClamp(ps.Step(20.0, 5.0, 5.0), duration=20.0, electrode=electrode)
    whole = ps.simulate(cell, protocol)
    assert np.ptp(whole.current) > 500.0
    np.testing.assert_allclose(np.append(first["current"], made["current"]), whole.current[0], atol=0.5)


def test_noise_is_never_the_same_and_always_as_strong(cell):
    rig = ps.Rig(cell, electrode=ps.Electrode(noise=0.5), key=jax.random.key(3))
    made = pieces(rig, *[40.0] * 6)
    noise = made["measured_voltage"] - made["voltage"]
    assert np.std(noise) == pytest.approx(0.5, rel=0.03)
    assert np.unique(noise).size == noise.size
    again = pieces(ps.Rig(cell, electrode=ps.Electrode(noise=0.5), key=jax.random.key(3)), 40.0)
    np.testing.assert_array_equal(again["measured_voltage"], made["measured_voltage"][: again["time"].size])


def test_conductance_changes_at_once_and_without_a_jump(cell):
    rig = ps.Rig(cell)
    before = pieces(rig, 20.0)
    rig.set(neuron=ps.with_parameters(cell, {"channels.K.g_max": 5.0}))
    after = pieces(rig, 20.0)
    assert after["voltage"][0] == pytest.approx(before["voltage"][-1], abs=0.01)
    assert after["voltage"][200] > before["voltage"][-1] + 1.0


def test_mode_is_switched_without_a_jump(cell):
    rig = ps.Rig(cell, mode=VC, holding_potential=-50.0, electrode=ps.Electrode(5.0))
    held = rig.advance(20.0)
    rig.set(mode=CC)
    free = rig.advance(20.0)
    assert (held.mode, free.mode) == (VC, CC)
    assert free.voltage[0, 0] == pytest.approx(float(held.voltage[0, -1]), abs=0.1)
    rig.set(mode=VC, electrode=None)
    again = rig.advance(1.0)
    np.testing.assert_array_equal(again.voltage, -50.0)
    assert again.time[0] == pytest.approx(40.0)


def test_new_channel_starts_at_its_steady_state(cell):
    rig = ps.Rig(cell, holding_current=100.0)
    rig.advance(31.0)
    voltage, gates = float(rig.state.voltage[0]), rig.state.gates
    more = cell.with_channels(M=ps.channels.M(), CaL=ps.channels.CaL()).with_calcium(ps.CalciumPool())
    rig.set(neuron=more)
    assert float(rig.state.voltage[0]) == voltage
    assert rig.state.gates["Na"] == gates["Na"]
    steady = more.channels["M"].steady_state(jnp.asarray(voltage), more.ions.Ca.inside)
    for name, value in steady.items():
        assert rig.state.gates["M"][name][0] == pytest.approx(float(value))
    assert rig.state.calcium[0] == pytest.approx(float(more.calcium.resting))
    rig.set(neuron=more.without("M"))
    assert "M" not in rig.state.gates
    rig.set(neuron=cell)
    assert rig.state.calcium is None


def test_membrane_test_of_the_last_pulses(cell):
    passive = ps.Neuron({"Leak": ps.channels.Leak(0.1, reversal=-70.0)}, area=50_000.0, temperature=20.0)
    electrode = ps.Electrode(10.0, filter=ps.Bessel(5000.0))
    rig = ps.Rig(passive, mode=VC, electrode=electrode)
    assert rig.test_sweeps() is None
    rig.set(test_pulse=ps.RepeatedPulse(-10.0, 20.0, 60.0))
    rig.advance(100.0)
    assert rig.test_sweeps().sweeps == 1
    for _ in range(20):
        rig.advance(40.0)
    sweeps = rig.test_sweeps()
    assert sweeps.sweeps == 4
    test = ps.analysis.membrane_test(sweeps)
    assert test.access_resistance.value == pytest.approx(10.0, rel=0.02)
    assert test.membrane_resistance.value == pytest.approx(20.0, rel=0.02)
    assert test.capacitance_tau.value == pytest.approx(500.0, rel=0.02)


def test_failure_says_so_and_changes_nothing(cell):
    rig = ps.Rig(cell)
    rig.advance(10.0)
    state = rig.state
    rig.set(holding_current=1e300)
    with pytest.raises(ps.SolverError, match="the rig stopped after 10 ms"):
        rig.advance(100.0)
    assert rig.time == pytest.approx(10.0)
    assert rig.state is state
    rig.set(holding_current=0.0)
    assert np.all(np.isfinite(rig.advance(10.0).voltage))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"neuron": "squid"}, "neuron must be a Neuron"),
        ({"mode": ps.Mode.MIXED}, "mode must be"),
        ({"mode": "voltage clamp"}, "mode must be"),
        ({"holding_current": np.nan}, "holding_current must be a finite number in pA"),
        ({"holding_potential": "low"}, "holding_potential must be a finite number in mV"),
        ({"electrode": 10.0}, "electrode must be of the class Electrode"),
        ({"electrode": ps.Electrode(pipette_capacitance=5.0)}, "needs a series_resistance"),
        ({"electrode": ps.Electrode(filter=ps.Bessel(30_000.0))}, "corner"),
        ({"test_pulse": 10.0}, "test_pulse must be of the class RepeatedPulse"),
        ({"holding": 1.0}, "no setting 'holding'"),
        ({"holding_current": 5.0, "mode": None}, "mode must be"),
    ],
)
def test_bad_setting_is_refused_and_changes_nothing(cell, changes, message):
    rig = ps.Rig(cell)
    before = rig.settings
    with pytest.raises(ValueError, match=message):
        rig.set(**changes)
    assert rig.settings is before


def test_bad_arguments_are_refused(cell):
    with pytest.raises(ValueError, match="dt must be a positive time"):
        ps.Rig(cell, dt=-1.0)
    with pytest.raises(ValueError, match="dt must be at most 4 ms"):
        ps.Rig(cell, dt=5.0)
    rig = ps.Rig(cell)
    for duration in (0.0, -1.0, np.nan, 0.001, 1e12):
        with pytest.raises(ValueError, match="duration must be"):
            rig.advance(duration)
    with pytest.raises(ValueError, match="amplitude must be a finite number in pA"):
        rig.pulse(np.inf, 1.0)
    with pytest.raises(ValueError, match="duration must be a positive time"):
        rig.pulse(1.0, 0.0)
    with pytest.raises(ValueError, match="one and a half times"):
        ps.RepeatedPulse(5.0, 40.0, 50.0)


def test_every_preset_runs_on():
    cell = ps.presets.neuron("subthalamic")  # fires by itself, has a pool
    rig = ps.Rig(cell)
    made = pieces(rig, 100.0, 100.0)
    assert made["voltage"].max() > 0.0
