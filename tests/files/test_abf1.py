"""What is saved as ABF is read back to 16 bits, by ours and by others."""

import equinox as eqx
import numpy as np
import pyabf
import pytest

import patch_sim as ps
from patch_sim.files.columns import to_recording

TIME = np.arange(400) * 0.05
STEPS = np.where((TIME >= 5.0) & (TIME < 15.0), np.array([[-100.0], [37.5], [75.0]]), 0.0)
VOLTAGE = -65.0 + 3.0 * np.random.default_rng(0).normal(size=(3, 400))


def current_clamp(scale=1.0):
    return to_recording({"time_ms": TIME, "V_mV": VOLTAGE, "Icmd_pA": scale * STEPS})


def voltage_clamp():
    return to_recording({"time_ms": TIME, "I_pA": 1e4 * (VOLTAGE + 65.0), "Vcmd_mV": STEPS / 2.0 - 70.0})


@pytest.mark.parametrize("make", [current_clamp, voltage_clamp, lambda: current_clamp().select([1])])
def test_is_read_back(tmp_path, make):
    rec = make()
    rec.save(tmp_path / "cell.abf")
    again = ps.read(tmp_path / "cell.abf")
    assert (again.mode, again.dt, again.sweeps) == (rec.mode, rec.dt, rec.sweeps)
    np.testing.assert_array_equal(again.time, rec.time)
    np.testing.assert_allclose(again.response, rec.response, atol=np.abs(rec.response).max() / 2**15)
    np.testing.assert_array_equal(again.command, rec.command)
    assert [warning for warning in again.warnings if "channel" not in warning and "membrane" not in warning] == []


def test_another_reader_reads_it_back(tmp_path):
    current_clamp().save(tmp_path / "cell.abf")
    abf = pyabf.ABF(str(tmp_path / "cell.abf"))
    assert (abf.sweepCount, abf.channelCount, abf.dataRate, abf.sweepPointCount) == (3, 2, 20_000, 400)
    assert (abf.adcUnits, abf.adcNames) == (["mV", "pA"], ["Vm", "Icmd"])
    abf.setSweep(2, channel=0)
    np.testing.assert_allclose(abf.sweepY, VOLTAGE[2], atol=0.003)
    abf.setSweep(2, channel=1)
    np.testing.assert_allclose(abf.sweepY, STEPS[2])


@pytest.mark.parametrize("dt", [0.001, 0.01, 0.025, 1.0 / 3.0, 2.5, 500.0])
def test_sampling_intervals(tmp_path, dt):
    rec = to_recording({"dt_ms": np.array(dt), "V_mV": VOLTAGE, "Icmd_pA": STEPS})
    rec.save(tmp_path / "cell.abf")
    np.testing.assert_allclose(ps.read(tmp_path / "cell.abf").dt, dt, rtol=2e-7)


@pytest.mark.parametrize("scale", [0.0, 1e-9, 1e9])
def test_all_sizes_of_numbers(tmp_path, scale):
    current_clamp(scale).save(tmp_path / "cell.abf")
    command = np.asarray(ps.read(tmp_path / "cell.abf").command)
    np.testing.assert_allclose(command, scale * STEPS, atol=100.0 * scale / 2**15)


def test_measures_the_same(tmp_path):
    cell = ps.presets.neuron("squid_axon")
    rec = ps.simulate(cell, ps.CurrentClamp(ps.Step([-50.0, 200.0], 5.0, 30.0), duration=40.0))
    rec.save(tmp_path / "cell.abf")
    one, other = (ps.analysis.features(each) for each in (rec, ps.read(tmp_path / "cell.abf")))
    np.testing.assert_array_equal(one.current, other.current)
    np.testing.assert_array_equal(one.count, other.count)
    np.testing.assert_allclose(one.threshold, other.threshold, atol=0.05)


def test_a_recording_without_command_has_one_channel(tmp_path):
    eqx.tree_at(lambda rec: rec.command, current_clamp(), None).save(tmp_path / "cell.abf")
    rec = ps.read(tmp_path / "cell.abf")
    np.testing.assert_allclose(rec.response, VOLTAGE, atol=0.003)
    assert any("command is taken as 0" in warning for warning in rec.warnings)


def test_what_a_file_cannot_hold_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "cell.abf"
    missing = to_recording({"time_ms": TIME, "V_mV": np.where(TIME > 5.0, np.nan, VOLTAGE), "Icmd_pA": STEPS})
    uneven = to_recording({"time_ms": TIME**2 + TIME, "V_mV": VOLTAGE, "Icmd_pA": STEPS})
    with pytest.raises(ValueError, match="Vm has samples that are not numbers"):
        missing.save(path)
    with pytest.raises(ValueError, match="not evenly spaced"):
        uneven.save(path)
    monkeypatch.setattr("patch_sim.files.abf1._MOST_NUMBERS", 1000)
    with pytest.raises(ValueError, match="2,400 numbers are more"):
        current_clamp().save(path)
    assert not path.exists()
