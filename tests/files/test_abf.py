"""Axon binary files: small ones written here, and the recordings beside the repo."""

import sys

import numpy as np
import pyabf.abfWriter
import pytest

import patch_sim as ps
from patch_sim.files.assemble import COMMAND_FOR_VOLTAGE
from tests.files import abf2_file

STEPS = [(0, 0, 1, -100.0, 25.0, 20, 0, 0, 0)]
VOLTAGE = np.full((1, 3, 640), -65) + np.arange(640) % 3


def test_abf1(tmp_path):
    voltage = -65.0 + np.sin(np.arange(3000).reshape(3, 1000))
    pyabf.abfWriter.writeABF1(voltage, str(tmp_path / "cell.abf"), 20000.0, units="mV")
    rec = ps.read(tmp_path / "cell.abf")
    assert rec.mode is ps.Mode.CURRENT_CLAMP
    assert rec.dt == 0.05
    np.testing.assert_allclose(rec.voltage, voltage, atol=0.01)
    assert rec.measured_voltage is not None
    assert (np.asarray(rec.command) == 0.0).all()
    assert any("command is taken as 0" in warning for warning in rec.warnings)
    assert np.asarray(rec.mask).all()
    assert rec.mask.shape == (3, 1000)
    assert rec.currents == {}
    assert rec.states == {}


@pytest.mark.parametrize("part", [0.5, 0.99, 0.01, 0.001])
def test_a_file_cut_short_is_refused(tmp_path, part):
    pyabf.abfWriter.writeABF1(np.full((3, 1000), -65.0), str(tmp_path / "abf1"), 20000.0, units="mV")
    abf2_file.write(tmp_path / "abf2", VOLTAGE, epochs=STEPS)
    for whole in (tmp_path / "abf1", tmp_path / "abf2"):
        content = whole.read_bytes()
        half = tmp_path / f"half_{whole.name}.abf"
        half.write_bytes(content[: max(int(len(content) * part) - 600, 4)])
        with pytest.raises(ps.RecordingError, match=f"{half.name}: ") as caught:
            ps.read(half)
        assert caught.value.__cause__ is not None


def test_steps_in_current_clamp(tmp_path):
    rec = ps.read(abf2_file.write(tmp_path / "cell.abf", VOLTAGE, epochs=STEPS))
    assert rec.mode is ps.Mode.CURRENT_CLAMP
    assert rec.warnings == ()
    assert rec.sweeps == 3
    np.testing.assert_array_equal(rec.voltage, VOLTAGE[0])
    np.testing.assert_array_equal(rec.current, rec.command)
    np.testing.assert_array_equal(np.asarray(rec.command)[:, [9, 10, 29, 30]], [[0, a, a, 0] for a in (-100, -75, -50)])
    np.testing.assert_array_equal(rec.time, np.arange(640) * 0.05)


def test_units_become_the_house_s(tmp_path):
    rec = ps.read(
        abf2_file.write(
            tmp_path / "cell.abf",
            np.arange(64).reshape(1, 1, 64),
            adc=[("nA", 0)],
            dac=[("V", -0.07)],
            epochs=[(0, 0, 1, 0.02, 0.0, 20, 0, 0, 0)],
            interval=1e6 / 30000.0,
        )
    )
    assert rec.mode is ps.Mode.VOLTAGE_CLAMP
    np.testing.assert_allclose(rec.current[0], 1e3 * np.arange(64))
    np.testing.assert_allclose(rec.command[0, [0, 1, 20, 21]], [-70.0, 20.0, 20.0, -70.0], rtol=1e-6)
    np.testing.assert_allclose(rec.dt, 1.0 / 30.0, rtol=1e-6)
    assert rec.measured_voltage is None
    np.testing.assert_array_equal(rec.voltage, rec.command)
    assert rec.warnings == (COMMAND_FOR_VOLTAGE,)


@pytest.mark.parametrize(("creator", "parameter"), [(10, 21), (11, 61), (10, 61)])
def test_a_user_list_overrides_the_table(tmp_path, creator, parameter):
    rec = ps.read(
        abf2_file.write(
            tmp_path / "cell.abf", VOLTAGE, epochs=STEPS, user_list=(0, parameter, 0, "5, -20"), creator=creator
        )
    )
    np.testing.assert_array_equal(rec.command[:, 15], [5.0, -20.0, -20.0])


@pytest.mark.parametrize("parameter", [7, 11, 31])
def test_a_user_list_of_anything_else_leaves_the_levels(tmp_path, parameter):
    path = abf2_file.write(tmp_path / "cell.abf", VOLTAGE, epochs=STEPS, user_list=(0, parameter, 0, "8,9,10"))
    np.testing.assert_array_equal(ps.read(path).command[:, 15], [-100.0, -75.0, -50.0])


def test_two_channels_the_one_that_answers_is_read(tmp_path):
    data = np.stack([np.full((2, 640), 100) + np.arange(640), np.full((2, 640), -70) - np.arange(640) % 2])
    path = abf2_file.write(
        tmp_path / "cell.abf",
        data,
        adc=[("pA", None), ("mV", None)],
        dac=[("mV", -70.0), ("pA", 3.0)],
        epochs=[(0, 0, 1, 10.0, 0.0, 20, 0, 0, 0)],
    )
    rec = ps.read(path)
    assert rec.mode is ps.Mode.VOLTAGE_CLAMP
    np.testing.assert_array_equal(rec.current, data[0])
    np.testing.assert_array_equal(rec.measured_voltage, data[1])
    np.testing.assert_array_equal(rec.command[0, 5:15], [-70.0] * 5 + [10.0] * 5)
    other = ps.read(path, channel=1)
    assert other.mode is ps.Mode.CURRENT_CLAMP
    np.testing.assert_array_equal(other.voltage, data[1])
    np.testing.assert_array_equal(other.command, data[0])  # that output played nothing; this was recorded
    for channel in (2, -1):
        with pytest.raises(ps.RecordingError, match="there is no channel"):
            ps.read(path, channel=channel)


def test_a_command_from_another_file_is_unknown(tmp_path):
    options = {"source": 2, "stimulus": "C:\\data\\noise.atf"}
    rec = ps.read(abf2_file.write(tmp_path / "cell.abf", VOLTAGE, dac=[("pA", 7.0)], **options))
    assert (np.asarray(rec.command) == 7.0).all()
    assert any("noise.atf" in warning and "holding level" in warning for warning in rec.warnings)
    both = np.concatenate([VOLTAGE, VOLTAGE])
    rec = ps.read(abf2_file.write(tmp_path / "two.abf", both, adc=[("mV", None), ("pA", None)], **options))
    np.testing.assert_array_equal(rec.command, VOLTAGE[0])


def test_gap_free_recordings_play_nothing(tmp_path):
    rec = ps.read(abf2_file.write(tmp_path / "cell.abf", VOLTAGE, epochs=STEPS, operation=3))
    assert rec.sweeps == 1
    assert rec.time.size == 3 * 640
    assert (np.asarray(rec.command) == 0.0).all()


def test_units_that_contradict_are_flagged(tmp_path):
    rec = ps.read(abf2_file.write(tmp_path / "cell.abf", VOLTAGE, adc=[("pA", 1)], epochs=STEPS))
    assert rec.mode is ps.Mode.CURRENT_CLAMP
    assert any("contradict" in warning for warning in rec.warnings)
    assert any("labeled pA" in warning for warning in rec.warnings)
    rec = ps.read(abf2_file.write(tmp_path / "told.abf", VOLTAGE, adc=[("mV", 0)], epochs=STEPS))
    assert any("the amplifier reported voltage clamp" in warning for warning in rec.warnings)
    rec = ps.read(abf2_file.write(tmp_path / "none.abf", VOLTAGE, adc=[("pA/pF", None)], dac=[("mV", 0.0)]))
    assert rec.mode is ps.Mode.VOLTAGE_CLAMP
    assert any("labeled pA/pF" in warning for warning in rec.warnings)
    with pytest.raises(ps.RecordingError, match="tells voltage from current"):
        ps.read(abf2_file.write(tmp_path / "what.abf", VOLTAGE, adc=[("bar", None)], dac=[("", 0.0)]))


def test_a_conditioning_train_is_mentioned(tmp_path):
    rec = ps.read(abf2_file.write(tmp_path / "cell.abf", VOLTAGE, epochs=STEPS, conditioned=1))
    assert any("conditioning" in warning for warning in rec.warnings)


def test_sweeps_of_different_lengths_are_refused(tmp_path):
    path = abf2_file.write(tmp_path / "cell.abf", VOLTAGE, lengths=[600, 640, 680])
    with pytest.raises(ps.RecordingError, match="different lengths"):
        ps.read(path)


def test_without_pyabf_the_error_says_what_to_install(tmp_path, monkeypatch):
    path = abf2_file.write(tmp_path / "cell.abf", VOLTAGE)
    monkeypatch.setitem(sys.modules, "pyabf", None)
    with pytest.raises(ps.RecordingError, match=r"pip install patch-sim\[files\]"):
        ps.read(path)


def test_current_clamp_family(shared):
    rec = ps.read(shared / "recordings" / "cc_pyr_171116sh_0018.abf")
    assert rec.mode is ps.Mode.CURRENT_CLAMP
    assert rec.warnings == ()
    assert rec.voltage.shape == (17, 60000)
    assert rec.dt == 0.05
    command = np.asarray(rec.command)
    at = np.searchsorted(rec.time, [100.0, 400.0, 900.0, 1400.0, 1900.0, 2500.0])
    family = np.arange(-100.0, 301.0, 25.0)
    expected = np.stack([0 * family, family, 0 * family, 0 * family - 100.0, family, 0 * family], axis=1)
    np.testing.assert_array_equal(command[:, at], expected)
    edges = np.asarray(rec.time)[1:][np.abs(np.diff(command[0])) > 0]
    np.testing.assert_allclose(edges, [146.85, 646.85, 1146.85, 2146.85], atol=1e-9)


@pytest.mark.parametrize(
    ("name", "edge", "step"),
    [
        ("cc_pyr_171116sh_0018.abf", 12937, 5.0),
        ("vc_pyr_171116sh_0011_memtest.abf", 4156, 5.0),
        ("odd_modelcell_vc_step.abf", 156, 5.0),
        ("vc_na_iv_myokit.abf", 508, 5.0),
    ],
)
def test_the_response_begins_one_sample_after_the_command(shared, name, edge, step):
    rec = ps.read(shared / "recordings" / name)
    command, response = np.asarray(rec.command), np.asarray(rec.response)
    jump = command[:, edge] - command[:, edge - 1]
    sweeps = np.abs(jump) > step
    moved = np.median((response - response[:, [edge - 1]])[sweeps] / jump[sweeps, None], axis=0)
    quiet = np.abs(moved[edge - 6 : edge + 1]).max()
    assert sweeps.any()
    assert np.abs(moved[edge + 1]) > 2.0 * quiet


def test_voltage_clamp_recordings_say_that_voltage_is_the_command(shared):
    rec = ps.read(shared / "recordings" / "vc_na_iv_myokit.abf")
    assert rec.mode is ps.Mode.VOLTAGE_CLAMP
    assert COMMAND_FOR_VOLTAGE in rec.warnings
    assert any("11.1 pF" in warning for warning in rec.warnings)
    np.testing.assert_array_equal(rec.command[:, 100], np.arange(-100.0, 81.0, 5.0))
    np.testing.assert_array_equal(rec.voltage, rec.command)


def test_the_level_is_kept_between_sweeps(shared):
    command = np.asarray(ps.read(shared / "recordings" / "vc_pyr_171116sh_0013_iv.abf").command)
    np.testing.assert_array_equal(command[1:, 0], command[:-1, -1])
    np.testing.assert_array_equal(command[:, -1], np.arange(-110.0, -49.0, 5.0))


def test_wrong_units_are_read_and_flagged(shared):
    rec = ps.read(shared / "recordings" / "odd_wrong_units_18807005.abf")
    assert rec.mode is ps.Mode.CURRENT_CLAMP
    assert rec.sweeps == 2
    assert any("contradict" in warning for warning in rec.warnings)
    assert any("-1207" in warning for warning in rec.warnings)


def test_abf1_of_two_channels(shared):
    path = shared / "recordings" / "odd_abf1_2ch_File_axon_3.abf"
    rec = ps.read(path)
    assert rec.mode is ps.Mode.CURRENT_CLAMP
    assert rec.voltage.shape == (5, 20644)
    assert -90.0 < float(rec.voltage.min()) < float(rec.voltage.max()) < 30.0
    assert ps.read(path, channel=0).warnings != ()
