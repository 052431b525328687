"""The scope: sweeps on a canvas, response over command, on one time axis; see `scope.js`."""

from typing import Any

import gradio as gr
import numpy as np

from patch_sim.recording import Recording
from patch_sim.ui.jobs import Jobs
from patch_sim.ui.panel import panel
from patch_sim.ui.run import run as simulated
from patch_sim.ui.session import Session, Sessions
from patch_sim.ui.state import State
from patch_sim.ui.traces import Signal


def scope(sessions: Sessions, jobs: Jobs) -> gr.HTML:
    """Build the panel."""

    def run(session: Session, state: Any) -> None:
        """Simulate what is set up."""
        parsed = State.parse(state)
        if parsed.protocol.mode is not None:  # a ready one takes seconds to build, so the job does it
            parsed.built()  # raises before the last run is given up
        jobs.start(session, lambda page, turn: simulated(page, turn, parsed))

    def stop(session: Session) -> None:
        """End what runs; what is there stays."""
        session.end(session.begin())

    parts = ("scope_draw.js", "scope_input.js")
    return panel(
        "scope", sessions, run, stop, poll, extras, extra, scripts=("plot.js",), parts=parts, styles=("screen.css",)
    )


def poll(session: Session, revision: int, have: int) -> dict[str, Any]:
    """What there is, and the sweeps that a page lacks that has so many of a revision; as many as fit one answer."""
    traces, bell = session.traces, session.bell()
    have = have if revision == bell["revision"] else 0
    lacking = traces is not None and have < bell["ready"]
    return {"bell": bell, "batch": traces.message(have) if traces is not None and lacking else None}


def extras(session: Session) -> list[dict[str, str]]:
    """What else can be drawn of the sweeps: channel currents, gates, calcium."""
    recording = session.recording
    return [] if recording is None else [{"name": name, "unit": unit} for name, (unit, _) in _extras(recording).items()]


def extra(session: Session, name: str, first: int) -> list[dict[str, Any]]:
    """One of them, some sweeps from the first on."""
    recording = session.recording
    found = {} if recording is None else _extras(recording)
    if name not in found:
        raise ValueError(f"{name} is not there any more.")
    signal = np.asarray(found[name][1])
    return [Signal.encode(values).message() for values in signal[first : first + max(1, 1_000_000 // signal.shape[1])]]


def _extras(recording: Recording) -> dict[str, tuple[str, Any]]:
    currents = {f"I {name}": ("pA", signal) for name, signal in (recording.currents or {}).items()}
    states = recording.states or {}
    gates = {name: ("uM" if name == "calcium" else "", signal) for name, signal in states.items()}
    membrane = {"membrane voltage": ("mV", recording.voltage)} if recording.voltage is not None else {}
    gates |= {"calcium": ("uM", 1e3 * np.asarray(states["calcium"]))} if "calcium" in states else {}
    return membrane | currents | gates
