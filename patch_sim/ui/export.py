"""What the page shows as files: the picture, the data, the table."""

import base64
import os
import re
import tempfile
import threading
from typing import TYPE_CHECKING

from patch_sim.recording import Recording
from patch_sim.ui.measured import Measured

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_SAMPLES = {
    "png": 5_000_000,
    "svg": 2_000_000,
    "abf": 10_000_000,
    "npz": 10_000_000,
    "csv": 2_000_000,
    "atf": 2_000_000,
}
"""The most samples, over all sweeps, that are saved as a picture or as data of a kind: what takes some seconds."""

MOST_BYTES = 100_000_000
"""The largest file that is sent to the browser."""

_PICTURES = ("png", "svg")
_DPI = 200
DRAWING = threading.Lock()
"""To be held while matplotlib draws, which is not made for many threads."""


def saved(recording: Recording, suffix: str) -> str:
    """A recording as a file of a kind, in base64.

    Raises:
        ValueError: a kind that is unknown, or a recording that it cannot hold or that is too large.
    """
    if suffix not in MOST_SAMPLES:
        raise ValueError(f"the page saves {', '.join(MOST_SAMPLES)}, not {suffix!r}.")
    samples = recording.sweeps * recording.time.size
    if samples > MOST_SAMPLES[suffix]:
        raise ValueError(
            f"{samples:,} samples are more than the {MOST_SAMPLES[suffix]:,} that the page saves as {suffix.upper()}; "
            "save fewer or shorter sweeps, or all of them as npz."
        )
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, f"recording.{suffix}")
        if suffix in _PICTURES:
            _draw(recording, path)
        else:
            recording.save(path)
        with open(path, "rb") as file:
            content = file.read()
    if len(content) > MOST_BYTES:
        size, most = len(content) / 1e6, MOST_BYTES / 1e6
        raise ValueError(f"{size:.0f} MB are more than the {most:.0f} MB that the page sends.")
    return base64.b64encode(content).decode("ascii")


def table(measured: Measured, suffix: str) -> str:
    """The measurements as CSV or JSON, in base64.

    Raises:
        ValueError: another kind.
    """
    writers = {"csv": measured.to_csv, "json": measured.to_json}
    if suffix not in writers:
        raise ValueError(f"a table is saved as {' or '.join(writers)}, not {suffix!r}.")
    return base64.b64encode(writers[suffix]().encode()).decode("ascii")


def file_name(title: str, what: str, suffix: str) -> str:
    """What a file is called: after whose sweeps it holds."""
    stem = re.sub(r"\.(abf|csv|npz)$", "", title, flags=re.IGNORECASE)
    stem = re.sub(r"[^\w-]+", "_", stem).strip("_") or "recording"
    return f"{stem}{what}.{suffix}"


def _draw(recording: Recording, path: str) -> None:
    with DRAWING:
        figure = _figure()
        recording.draw(figure)
        figure.savefig(path, dpi=_DPI)


def _figure() -> "Figure":
    """A figure that pyplot knows nothing of, which is for one thread, and would keep it.

    Raises:
        ValueError: matplotlib is not there.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ValueError("Pictures need matplotlib: pip install patch-sim[plot]. Data and tables do not.") from error
    return Figure(figsize=(8.0, 5.0), layout="constrained")
