"""What `read` refuses, and how."""

import pickle

import numpy as np
import pytest

import patch_sim as ps

FILES = {
    "text.abf": b"time_ms,V_mV\n0,1\n",
    "random.abf": bytes(np.random.default_rng(0).integers(0, 256, 5000, dtype=np.uint8)),
    "random.bin": bytes(np.random.default_rng(1).integers(0, 256, 5000, dtype=np.uint8)),
    "magic.abf": b"ABF2",
    "magic_and_noise.abf": b"ABF2" + bytes(np.random.default_rng(2).integers(0, 256, 9000, dtype=np.uint8)),
    "magic_and_noise_1.abf": b"ABF " + bytes(np.random.default_rng(3).integers(0, 256, 9000, dtype=np.uint8)),
    "zeros.abf": b"ABF2" + bytes(9000),
    "zeros_1.abf": b"ABF " + bytes(9000),
    "empty.csv": b"",
    "empty.npz": b"",
    "zip.npz": b"PK\x03\x04 but no more",
    "text.npz": b"time_ms,V_mV\n0,1\n",
    "latin.csv": b"time_ms,V_mV\n0,\xb5\xff\n",
}


@pytest.mark.parametrize("name", FILES)
def test_what_is_no_recording_is_refused_with_path_and_reason(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(FILES[name])
    with pytest.raises(ps.RecordingError) as caught:
        ps.read(path)
    assert caught.value.path == str(path)
    assert caught.value.reason
    assert str(path) in str(caught.value)
    assert isinstance(caught.value, ValueError)


def test_missing_files_and_directories(tmp_path):
    with pytest.raises(ps.RecordingError, match="no such file") as caught:
        ps.read(tmp_path / "missing.abf")
    assert isinstance(caught.value.__cause__, FileNotFoundError)
    with pytest.raises(ps.RecordingError, match="directory"):
        ps.read(tmp_path)


def test_content_goes_before_suffix(tmp_path):
    (tmp_path / "table.dat").write_text("time_ms,V_mV,I_pA\n0,-60,0\n1,-61,0\n2,-60,0\n")
    assert ps.read(tmp_path / "table.dat").time.size == 3
    np.savez(tmp_path / "arrays.npz", dt_ms=0.1, V_mV=np.array([-60.0, -61.0, -60.0]), I_pA=np.zeros(3))
    (tmp_path / "arrays.npz").rename(tmp_path / "arrays.csv")
    assert ps.read(tmp_path / "arrays.csv").time.size == 3
    with pytest.raises(ps.RecordingError, match="channels"):
        ps.read(tmp_path / "arrays.csv", channel=0)


def test_the_error_can_be_pickled():
    error = pickle.loads(pickle.dumps(ps.RecordingError("cell.abf", "it is cut short")))
    assert (error.path, error.reason) == ("cell.abf", "it is cut short")
