"""Reading a recording from a file of any kind that is known."""

import os

from patch_sim.files import abf, npz, text
from patch_sim.files.error import RecordingError
from patch_sim.recording import Recording

_NOT_TEXT = b"\x00"


def read(path: str | os.PathLike[str], *, channel: int | None = None) -> Recording:
    """Read a recording from an ABF, npz or CSV file. What the file holds decides, not what it is called.

    Look at the `warnings` of what you get: a file that looks wrong (a voltage of -1200 mV, units that do not fit
    the mode) is read as it stands and flagged there.

    Args:
        path: of the file.
        channel: which recorded channel of an ABF file is the response, counted from 0. By default the one that
            answers to the command.

    Returns:
        The sweeps in mV, pA and ms, with `currents` and `states` empty.

    Raises:
        RecordingError: the file cannot be read; it says which and why.
    """
    path = os.fspath(path)
    try:
        with open(path, "rb") as file:
            start = file.read(4096)
    except OSError as error:
        raise RecordingError(path, _reason(path, error)) from error
    if not start:
        raise RecordingError(path, "the file is empty")
    if start[:4] in (b"ABF ", b"ABF2"):
        return abf.read(path, channel=channel)
    if channel is not None:
        raise RecordingError(path, "only an ABF file has channels to choose from")
    if start[:2] == b"PK":
        return npz.read(path)
    suffix = os.path.splitext(path)[1].lower()
    if suffix in (".abf", ".npz"):
        raise RecordingError(path, f"it is called {suffix} but does not begin like one")
    if _NOT_TEXT in start:
        raise RecordingError(path, "it is neither ABF, npz nor text")
    return text.read(path)


def _reason(path: str, error: OSError) -> str:
    """What to say of a file that cannot be opened."""
    if os.path.isdir(path):
        return "it is a directory, not a file"
    return (error.strerror or str(error)).lower()
