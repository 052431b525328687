"""What is saved is what is read, number for number."""

import equinox as eqx
import numpy as np
import pytest

import patch_sim as ps
from patch_sim.files.columns import to_recording

RNG = np.random.default_rng(0)
TIME = np.arange(50) * 0.025
VOLTAGE = RNG.normal(-60.0, 5.0, (3, 50))
CURRENT = RNG.normal(0.0, 100.0, (3, 50))
STEPS = np.where(np.arange(50) < 20, 0.0, np.array([[1.0], [2.0], [3.0]]) / 3.0 * 1e2)
MASK = RNG.random((3, 50)) < 0.5


def current_clamp():
    return to_recording({"time_ms": TIME, "V_mV": VOLTAGE, "Icmd_pA": STEPS, "fit_mask": MASK})


def voltage_clamp():
    return to_recording({"time_ms": TIME, "I_pA": CURRENT, "Vcmd_mV": STEPS, "fit_mask": MASK})


def with_electrode():
    columns = {"time_ms": TIME, "I_pA": CURRENT, "Vcmd_mV": STEPS, "V_mV": VOLTAGE, "Vm_mV": VOLTAGE + 0.1}
    return to_recording(columns)


def with_recorded_current():
    return to_recording({"time_ms": TIME, "V_mV": VOLTAGE, "Icmd_pA": STEPS, "I_pA": CURRENT, "Vm_mV": VOLTAGE + 0.1})


def one_sweep():
    return current_clamp().select([1])


def flagged():
    return to_recording({"time_ms": TIME, "V_mV": VOLTAGE * 20.0, "I_pA": STEPS}, ("a note, with a comma\nand a line",))


def uneven():
    return to_recording({"time_ms": np.sort(RNG.random(50)), "V_mV": VOLTAGE, "I_pA": STEPS})


def not_a_number():
    voltage = VOLTAGE.copy()
    voltage[1, 3] = np.nan
    return to_recording({"time_ms": TIME, "V_mV": voltage, "I_pA": STEPS})


def simulated():
    cell = ps.Neuron(channels={"Leak": ps.channels.Leak()}, area=1000.0, temperature=20.0)
    steps = ps.Step(amplitude=[0.0, 20.0], start=1.0, duration=2.0)
    return ps.simulate(cell, ps.CurrentClamp(steps, duration=5.0, dt=0.1))


RECORDINGS = [
    current_clamp,
    voltage_clamp,
    with_electrode,
    with_recorded_current,
    one_sweep,
    flagged,
    uneven,
    not_a_number,
    simulated,
]


@pytest.mark.parametrize("make", RECORDINGS)
@pytest.mark.parametrize("suffix", ["npz", "csv"])
def test_round_trip(tmp_path, make, suffix):
    rec = make()
    path = tmp_path / f"cell.{suffix}"
    rec.save(path)
    again = ps.read(path)
    assert again.mode is rec.mode
    for name in ("time", "voltage", "measured_voltage", "current", "command"):
        saved, read = getattr(rec, name), getattr(again, name)
        assert (saved is None) == (read is None), name
        if saved is not None:
            np.testing.assert_array_equal(read, saved, err_msg=name)
    np.testing.assert_array_equal(again.mask, True if rec.mask is None else rec.mask)
    if make is not simulated:
        assert [" ".join(warning.split()) for warning in rec.warnings] == [
            " ".join(warning.split()) for warning in again.warnings
        ]
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("suffix", ["npz", "csv"])
def test_a_recording_without_response_is_refused_and_the_file_left_alone(tmp_path, suffix):
    path = tmp_path / f"cell.{suffix}"
    current_clamp().save(path)
    before = path.read_bytes()
    rec = eqx.tree_at(lambda rec: rec.measured_voltage, current_clamp(), None)
    with pytest.raises(ValueError, match="no response"):
        rec.save(path)
    rec = eqx.tree_at(lambda rec: rec.command, voltage_clamp(), None)
    with pytest.raises(ValueError, match="no command"):
        rec.save(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize("suffix", ["npz", "csv"])
def test_a_write_that_fails_leaves_the_file_alone(tmp_path, suffix, monkeypatch):
    path = tmp_path / f"cell.{suffix}"
    current_clamp().save(path)
    before = path.read_bytes()

    def fail(*_):
        raise OSError("no space left")

    monkeypatch.setattr("os.replace", fail)
    with pytest.raises(OSError, match="no space left"):
        voltage_clamp().save(path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_an_unknown_suffix_names_those_that_are_known(tmp_path):
    with pytest.raises(ValueError, match=r"\.npz, \.csv, \.abf, \.atf"):
        current_clamp().save(tmp_path / "cell.wav")
