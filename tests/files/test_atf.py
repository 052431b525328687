"""Stimulus files for Clampex."""

import numpy as np
import pytest

import patch_sim as ps

pyabf = pytest.importorskip("pyabf")


@pytest.mark.parametrize(
    ("clamp", "unit", "sweeps"), [(ps.CurrentClamp, "pA", 3), (ps.VoltageClamp, "mV", 3), (ps.VoltageClamp, "mV", 1)]
)
def test_another_reader_reads_it_back(tmp_path, clamp, unit, sweeps):
    stimulus = ps.Levels([(-80.0, 1.0), (np.linspace(-20.0, 20.0 / 3.0, sweeps), 2.0)], ramps=[1])
    protocol = clamp(stimulus, duration=5.0, dt=0.1, holding=-70.0)
    path = tmp_path / "steps.atf"
    protocol.save(path)
    atf = pyabf.ATF(str(path))
    assert (atf.sweepCount, atf.sweepPointCount, atf.dataRate, atf.channelCount) == (sweeps, 50, 10_000, 1)
    np.testing.assert_allclose(atf.dataX, np.arange(50) * 1e-4, rtol=1e-6)
    for sweep in range(sweeps):
        atf.setSweep(sweep)
        assert atf.sweepLabelY == f"Trace #{sweep + 1} ({unit})"
        np.testing.assert_allclose(atf.sweepY, protocol.command()[sweep], rtol=1e-6)
    assert path.read_bytes().startswith(b"ATF\t1.0\r\n5\t" + str(sweeps + 1).encode() + b"\r\n")


def test_a_mixed_clamp_has_two_units(tmp_path):
    step = ps.Step(1.0, 1.0, 1.0)
    mixed = ps.MixedClamp([ps.VoltageClamp(step, duration=2.0), ps.CurrentClamp(step, duration=2.0)])
    with pytest.raises(ValueError, match="save its phases"):
        mixed.save(tmp_path / "x.atf")


@pytest.mark.parametrize("sweeps", [1, 3])
def test_a_recording_is_read_back(tmp_path, sweeps):
    steps = ps.Step(np.linspace(-10.0, 10.0, sweeps), 1.0, 2.0)
    cell = ps.Neuron(channels={"Leak": ps.channels.Leak()}, area=1000.0, temperature=20.0)
    rec = ps.simulate(cell, ps.CurrentClamp(steps, duration=5.0, dt=0.1))
    rec.save(tmp_path / "cell.atf")
    atf = pyabf.ATF(str(tmp_path / "cell.atf"))
    assert (atf.sweepCount, atf.channelCount, atf.dataRate) == (sweeps, 2, 10_000)
    for sweep in range(sweeps):
        for channel, (unit, signal) in enumerate((("mV", rec.response), ("pA", rec.command))):
            atf.setSweep(sweep, channel)
            assert atf.sweepLabelY == f"Trace #{sweep + 1} ({unit})"
            np.testing.assert_allclose(atf.sweepY, signal[sweep], rtol=1e-6)


def test_a_recording_without_command_has_one_signal(tmp_path):
    cell = ps.Neuron(channels={"Leak": ps.channels.Leak()}, area=1000.0, temperature=20.0)
    clamp = ps.VoltageClamp(ps.Step([1.0, 2.0], 0.1, 0.2), holding=-70.0, duration=0.5, dt=0.1)
    rec = ps.simulate(cell, clamp, save=("current",))
    rec.save(tmp_path / "cell.atf")
    atf = pyabf.ATF(str(tmp_path / "cell.atf"))
    assert (atf.sweepCount, atf.channelNames, atf.sweepLabelY) == (2, ["Im"], "Trace #1 (pA)")
