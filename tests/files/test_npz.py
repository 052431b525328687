"""npz files."""

import numpy as np
import pytest

import patch_sim as ps


def test_missing_names_are_told(tmp_path):
    np.savez(tmp_path / "cell.npz", voltage=np.zeros(5), dt=0.1)
    with pytest.raises(ps.RecordingError, match="no response among 'voltage', 'dt'; it needs time_ms or dt_ms"):
        ps.read(tmp_path / "cell.npz")


def test_pickles_are_not_opened(tmp_path):
    np.savez(tmp_path / "cell.npz", dt_ms=0.1, V_mV=np.array([{}], dtype=object))
    with pytest.raises(ps.RecordingError, match="allow_pickle"):
        ps.read(tmp_path / "cell.npz")


def test_a_damaged_file_is_refused(tmp_path):
    path = tmp_path / "cell.npz"
    np.savez_compressed(path, dt_ms=0.1, V_mV=np.random.default_rng(0).normal(size=5000), I_pA=np.zeros(5000))
    content = bytearray(path.read_bytes())
    for damaged in (content[: len(content) // 2], content[:1000] + bytes(500) + content[1500:]):
        path.write_bytes(bytes(damaged))
        with pytest.raises(ps.RecordingError) as caught:
            ps.read(path)
        assert caught.value.__cause__ is not None


def test_the_sine_wave_recording(shared):
    rec = ps.read(shared / "recordings" / "vc_herg_cho_cell5_sine.npz")
    assert rec.mode is ps.Mode.VOLTAGE_CLAMP
    assert rec.current.shape == rec.command.shape == (1, 80000)
    assert rec.dt == 0.1
    mask = np.asarray(rec.mask)
    assert 0.9 < mask.mean() < 1.0
    assert not mask[0, np.searchsorted(rec.time, 252.0)]  # 250.1 ms is a step
    with np.load(shared / "recordings" / "vc_herg_cho_cell5_sine.npz") as file:
        np.testing.assert_allclose(rec.current[0], file["I_nA"].astype(float) * 1e3)


def test_a_file_of_several_experiments_is_refused_by_name(shared):
    with pytest.raises(ps.RecordingError, match="IDrest_V_mV"):
        ps.read(shared / "recordings" / "cc_l5pc_C061128A4.npz")
