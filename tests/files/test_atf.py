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
