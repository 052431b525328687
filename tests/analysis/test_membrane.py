"""Passive properties in both clamps: of membranes that are known, a model cell, and one recorded neuron."""

import numpy as np
import pytest

import patch_sim as ps
from tests.analysis.noise import current_clamp, noisy, step, voltage_clamp

CELL = ps.Neuron(
    {"Leak": ps.channels.Leak(g_max=0.05, reversal=-65.0)}, area=2000.0, temperature=20.0
)  # 1000 MOhm, 20 pF: 20 ms


@pytest.fixture(scope="module")
def steps() -> ps.Recording:
    return ps.simulate(CELL, ps.CurrentClamp(ps.Step([-20.0, -15.0, -10.0, -5.0], 50.0, 300.0), duration=400.0, dt=0.1))


@pytest.fixture(scope="module", params=[None, 2000.0])
def clamped(request) -> ps.Recording:
    seen = None if request.param is None else ps.Bessel(request.param)
    electrode = ps.Electrode(series_resistance=12.0, filter=seen)
    clamp = ps.VoltageClamp(
        ps.Step([-10.0] * 4, 20.0, 50.0), holding=-70.0, duration=100.0, dt=0.02, electrode=electrode
    )
    return ps.simulate(CELL, clamp)


def test_current_clamp(steps):
    clean = ps.analysis.passive(steps)
    assert clean.input_resistance.value == pytest.approx(1000.0, rel=1e-4)
    assert clean.onset_resistance.value == pytest.approx(1000.0, rel=1e-4)
    assert clean.tau.value == pytest.approx(20.0, rel=1e-4)
    assert clean.capacitance.value == pytest.approx(20.0, rel=1e-4)
    assert clean.resting.value == pytest.approx(-65.0)
    assert clean.bridge.value == pytest.approx(0.0, abs=0.05)
    assert not clean.notes
    measured = ps.analysis.passive(noisy(steps, 1.0))
    for name, truth in (
        ("input_resistance", 1000.0),
        ("tau", 20.0),
        ("capacitance", 20.0),
        ("onset_capacitance", 20.0),
    ):
        value = getattr(measured, name)
        assert value.value == pytest.approx(truth, abs=4.0 * value.error), name
        assert 0.0 < value.error < 0.05 * truth, name


def test_a_bridge_that_is_not_balanced(steps):
    behind = current_clamp(steps.measured_voltage + 30e-3 * steps.command, 0.1, steps.command)
    found = ps.analysis.passive(noisy(behind, 0.05))
    assert found.bridge.value == pytest.approx(30.0, abs=3.0)
    assert found.onset_resistance.value == pytest.approx(1000.0, rel=0.01)
    assert found.input_resistance.value == pytest.approx(1030.0, rel=0.01)
    assert any("the bridge is not balanced" in note for note in found.notes)


def test_two_time_constants():
    time = np.arange(0.0, 300.0, 0.05)
    on = time >= 50.0
    t = np.where(on, time - 50.0, 0.0)
    voltage = -60.0 - np.where(on, 8.0 * (1.0 - np.exp(-t / 25.0)) + 2.0 * (1.0 - np.exp(-t / 2.0)), 0.0)
    noise = 0.05 * np.random.default_rng(0).normal(size=time.size)
    found = ps.analysis.passive(current_clamp(voltage + noise, 0.05, np.where(on, -100.0, 0.0)))
    assert found.tau.value == pytest.approx(25.0, rel=0.02)
    assert found.fast_tau.value == pytest.approx(2.0, rel=0.1)


def test_the_membrane_test(clamped):
    found = ps.analysis.membrane_test(noisy(clamped, 5.0))
    assert found.access_resistance.value == pytest.approx(12.0, rel=0.01)
    assert found.capacitance_tau.value == pytest.approx(20.0, rel=0.015)
    assert found.capacitance_charge.value == pytest.approx(20.0, rel=0.03)
    assert found.input_resistance.value == pytest.approx(1012.0, abs=4.0 * found.input_resistance.error)
    assert len(found.sweep) == 4
    assert not found.access_two.measurable
    assert any("no filter is known" in note for note in found.notes) == (clamped.electrode.filter is None)


def test_a_filter_that_is_not_known(clamped):
    bare = voltage_clamp(clamped.current, 0.02, clamped.command).select([0])
    right = pytest.approx(12.0, rel=0.1)
    assert (ps.analysis.membrane_test(bare).access_resistance.value == right) == (clamped.electrode.filter is None)
    if clamped.electrode.filter is not None:
        told = ps.analysis.membrane_test(bare, filter=clamped.electrode.filter)
        assert told.access_resistance.value == pytest.approx(12.0, rel=0.01)


def test_access_that_changes():
    time = np.arange(0.0, 60.0, 0.02)
    t = np.maximum(time - 20.0, 0.0)
    resistances = np.array([10.0, 10.0, 11.0, 13.0, 15.0])
    tau = 20.0 * 1e-3 / (1.0 / resistances + 1.0 / 500.0)
    response = 1e3 / (resistances + 500.0) + (1e3 / resistances - 1e3 / (resistances + 500.0)) * np.exp(
        -t[:, None] / tau
    )
    current = -10.0 * np.where(time[:, None] >= 20.0, response, 0.0).T
    current = current + 0.5 * np.random.default_rng(0).normal(size=current.shape)
    found = ps.analysis.membrane_test(voltage_clamp(current, 0.02, np.where(time >= 20.0, -80.0, -70.0)))
    np.testing.assert_allclose(found.access, resistances, rtol=0.01)
    assert any("the access resistance goes from 10.0 to 15.0 MOhm over the sweeps" in note for note in found.notes)


def test_a_model_cell(shared):
    rec = ps.read(shared / "recordings" / "odd_modelcell_vc_step.abf")
    assert float(rec.electrode.filter.corner) == 2000.0
    found = ps.analysis.membrane_test(rec)
    assert found.access_resistance.value == pytest.approx(11.0, rel=0.1)
    assert found.membrane_resistance.value == pytest.approx(487.0, rel=0.1)
    assert found.capacitance_tau.value == pytest.approx(32.0, rel=0.1)
    assert found.capacitance_charge.value == pytest.approx(32.0, rel=0.1)
    assert not found.access_two.measurable
    assert not found.notes


def test_a_recorded_neuron_in_both_clamps(shared):
    clamp = ps.analysis.membrane_test(ps.read(shared / "recordings" / "vc_pyr_171116sh_0011_memtest.abf"))
    assert 95.0 <= clamp.input_resistance.value <= 106.0
    assert clamp.access_resistance.value == pytest.approx(17.0, rel=0.1)
    assert clamp.capacitance_tau.value == pytest.approx(209.0, abs=10.0)
    assert clamp.capacitance_charge.value == pytest.approx(263.0, abs=15.0)
    assert any("differ: the cell is not one compartment" in note for note in clamp.notes)
    assert clamp.access_two.value == pytest.approx(12.6, abs=1.0)
    current = ps.read(shared / "recordings" / "cc_pyr_171116sh_0018.abf")
    family, pulses = ps.analysis.passive(current), ps.analysis.passive(current, (1146.85, 1646.85))
    for passive in (family, pulses):
        assert 101.0 <= passive.input_resistance.value <= 148.0
        assert 101.0 <= passive.largest_resistance.value <= 148.0
        assert passive.tau.value == pytest.approx(40.0, rel=0.1)
        assert passive.capacitance.value == pytest.approx(390.0, rel=0.1)
    # Two exponentials see the same resistance in series in both clamps.
    assert pulses.bridge.value == pytest.approx(clamp.access_two.value, abs=2.0)
    both = ps.analysis.compare_capacitances(family, clamp)
    assert both.ratio.value > 1.5
    assert "this is not one compartment" in both.notes[0]
    assert "the voltage sags" in both.notes[1]
    assert "neither as the membrane's area" in both.notes[2]


def test_nothing_to_measure(steps):
    reasons = {
        "no step hyperpolarizes the cell": ps.analysis.passive(steps, (10.0, 40.0)),
        "the window from 0 to 900 ms is not within the sweep, 0 to 400 ms": ps.analysis.passive(steps, (0.0, 900.0)),
        "the sweep begins with the step": ps.analysis.passive(steps, (0.0, 350.0)),
        "this is a recording in current clamp, and it takes one in voltage clamp": ps.analysis.membrane_test(steps),
    }
    for reason, found in reasons.items():
        assert reason in str(found)
        assert all(value.reason == reason for value in found.values().values())
    short = ps.analysis.passive(steps, (50.0, 60.0))
    assert "too short for a time constant" in short.tau.reason
    assert short.capacitance.reason == short.tau.reason
    assert short.input_resistance.measurable
    clipped = current_clamp(np.maximum(np.asarray(steps.response), -75.0), 0.1, steps.command)
    assert ps.analysis.passive(clipped).input_resistance.reason == "the trace is clipped at -75 mV"


def test_transients_that_are_not_there():
    command = step(2000, 0.05, [-80.0], 20.0, 50.0, holding=-70.0)
    noise = np.random.default_rng(0).normal(size=command.shape)
    resistor = ps.analysis.membrane_test(voltage_clamp((command + 70.0) * 10.0 + noise, 0.05, command))
    assert resistor.access_resistance.reason
    assert resistor.input_resistance.value == pytest.approx(100.0, rel=0.01)
    still = ps.analysis.membrane_test(voltage_clamp(noise, 0.05, np.full_like(command, -70.0)))
    assert still.access_resistance.reason == "the command has no step"
    t = np.maximum(0.05 * np.arange(2000) - 20.0, 0.0)
    transient = np.where(command < -75.0, -20.0 - 800.0 * np.exp(-t / 0.5), 0.0)
    clipped = ps.analysis.membrane_test(voltage_clamp(np.maximum(transient, -400.0) + 0.0, 0.05, command))
    assert "clipped" in clipped.access_resistance.reason
