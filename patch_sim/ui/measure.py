"""The panel that measures what the scope shows, and saves it; see `measure.js`."""

import importlib
import threading
from typing import Any

import gradio as gr

from patch_sim.ui import export
from patch_sim.ui.jobs import Jobs
from patch_sim.ui.measured import Measured, measured
from patch_sim.ui.panel import panel
from patch_sim.ui.session import Session, Sessions

_LONGEST_SKIP = 1e4  # ms
_SLOW_TO_IMPORT = ("scipy.ndimage", "scipy.optimize", "scipy.signal", "scipy.special")


def measure(sessions: Sessions, jobs: Jobs) -> gr.HTML:
    """Build the panel."""
    # What measures imports these when it is first called, which would keep the first person waiting.
    threading.Thread(target=lambda: [importlib.import_module(name) for name in _SLOW_TO_IMPORT], daemon=True).start()
    calls = (measurements, curve, save)
    return panel("measure", sessions, *calls, scripts=("plot.js", "form.js"), parts=("measure_plot.js",))


def measurements(session: Session, skip: Any) -> dict[str, Any] | None:
    """What can be measured on what the scope shows; None while it is not complete."""
    kept = _kept(session, skip)
    return None if kept is None else kept.view()


def curve(session: Session, skip: Any, name: str, sweep: int) -> dict[str, Any] | None:
    """A curve that is not among the measurements, since it takes long or is of one sweep; None while there is none."""
    kept = _kept(session, skip)
    if kept is None or name not in {plot["name"] for plot in kept.plots}:
        return None
    return kept.phase_plane(sweep) if name == "phase" else kept.relaxations


def save(session: Session, skip: Any, what: str, suffix: str) -> dict[str, str]:
    """What the scope shows as a file, or the table of measurements: its name, and base64."""
    kept, traces = _kept(session, skip), session.traces
    if kept is None or traces is None:
        raise ValueError("There is nothing to save yet: press Run, or open a recording.")
    if what == "table":
        return {"name": export.file_name(traces.title, "_measured", suffix), "data": export.table(kept, suffix)}
    return {"name": export.file_name(traces.title, "", suffix), "data": export.saved(kept.recording, suffix)}


def _kept(session: Session, skip: Any) -> Measured | None:
    """The measurements of the recording, made once."""
    recording = session.recording
    if recording is None:
        return None
    if not isinstance(skip, int | float) or not 0.0 <= skip <= _LONGEST_SKIP:
        raise ValueError(f"Leave out: from 0 to {_LONGEST_SKIP:g} ms, not {skip!r}.")
    kept = session.kept.get("measure")
    if kept is None or kept.recording is not recording or kept.skip != skip:
        kept = session.kept["measure"] = measured(recording, float(skip))
    return kept
