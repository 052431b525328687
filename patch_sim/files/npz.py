"""npz files: arrays (samples,) or (sweeps, samples) with the unit in the name."""

import os
import zipfile
import zlib

import numpy as np

from patch_sim.atomic import replacing
from patch_sim.files.columns import from_recording, is_signal, to_recording
from patch_sim.files.error import RecordingError
from patch_sim.recording import Recording


def read(path: str | os.PathLike[str]) -> Recording:
    """Read `dt_ms` or `time_ms`, `Vcmd_mV` or `V_mV`, `I_pA` or `Icmd_pA`, `fit_mask`; any unit of the kind will do.

    Raises:
        RecordingError: the file is damaged, or does not hold these.
    """
    try:
        # Opened here because np.load leaves open what it cannot read.
        with open(path, "rb") as opened, np.load(opened, allow_pickle=False) as file:
            columns = {name: file[name] for name in file.files if is_signal(name)}
            others = {name: np.zeros(0) for name in file.files if name not in columns and name != "warnings"}
            notes = tuple(str(note) for note in np.atleast_1d(file["warnings"])) if "warnings" in file.files else ()
        return to_recording({**others, **columns}, notes)
    except (ValueError, OSError, EOFError, KeyError, NotImplementedError, zipfile.BadZipFile, zlib.error) as error:
        raise RecordingError(path, str(error) or type(error).__name__) from error


def write(recording: Recording, path: str) -> None:
    """Save a recording so that `read` returns it, number for number; channel currents and states are left out.

    Raises:
        ValueError: there is no response to save.
    """
    columns = from_recording(recording)
    time = columns.pop("time_ms")
    dt = np.round(time[-1] / max(time.size - 1, 1), 9)
    even = np.array_equal(time, np.arange(time.size) * dt) and dt > 0.0
    columns |= {"dt_ms": np.asarray(dt)} if even else {"time_ms": time}
    if recording.warnings:
        columns["warnings"] = np.asarray(recording.warnings)
    with replacing(path) as file:
        np.savez_compressed(file, allow_pickle=False, **columns)
