"""The panel of the fit, and what its JavaScript may call."""

import dataclasses
import os
import tempfile
from typing import Any

import gradio as gr

from fitting.report import FitResult
from fitting.ui import told
from fitting.ui.free import rows
from fitting.ui.models import CHOICES
from fitting.ui.predicted import Predicted
from fitting.ui.task import FIELDS, SECONDS, Task, build, defaults, prepared, shown, spike_counts
from fitting.ui.work import Desk, Work
from patch_sim.ui.export import DRAWING
from patch_sim.ui.jobs import Jobs
from patch_sim.ui.panel import panel
from patch_sim.ui.session import Session, Sessions
from patch_sim.ui.state import State
from patch_sim.ui.traces import Signal

_KEPT = "fit"
_NAMES = {"traces": "samples", "events": "spikes"}


def fit_panel(sessions: Sessions, jobs: Jobs) -> gr.HTML:
    """Build the panel."""
    desk = Desk()

    def begin(session: Session, state: Any, request: Any) -> dict[str, Any]:
        """Fit what the scope shows, in place of what is being fitted."""
        work = Work(Task.parse(session, state, request))
        stop(session)
        session.kept[_KEPT] = work
        desk.add(work, work.fit)
        return poll(session)

    def certify(session: Session) -> dict[str, Any]:
        """Check the result."""
        work, _, _ = _done(session)
        desk.add(work, work.check)
        return poll(session)

    def poll(session: Session) -> dict[str, Any]:
        """Where the fit is."""
        work = _work(session)
        if work is None:
            return {"phase": "none"}
        return {
            "phase": work.phase,
            "ahead": desk.ahead(work),
            "said": work.said,
            "stopping": work.stopping,
            "seconds": round(work.seconds, 1),
            "budget": work.task.budget,
            "loss": None if work.best is None else told.number(work.best.loss),
            "unit": "tolerances" if work.task.events else work.task.recording.mode.response_unit,
            "improved": work.improved,
            "error": work.error,
            "found": work.found is not None,
        }

    calls = (choices, begin, poll, stop, overlay, result, apply, report, save, certify)
    return panel("fit", sessions, *calls, scripts=("form.js",), package="fitting.ui")


def choices(session: Session, state: Any, name: str) -> dict[str, Any]:
    """What was read, and what can be chosen for a model; for none by name, for the one that suits."""
    try:
        recording = shown(session)
    except ValueError as error:
        return {"reason": str(error)}
    parsed = State.parse(state)
    spikes = spike_counts(recording)
    if not name:  # of what spikes in a file nothing is known; the currents of what was simulated are
        name = "stranger" if any(spikes) and recording.currents == {} else "rig"
    if name in CHOICES and CHOICES[name].mode not in (None, recording.mode):
        name = "rig"
    suited = defaults(recording, spikes)
    model = build(name, parsed, recording)
    available = rows(model, prepared(recording, parsed, 0.0))
    return {
        "read": told.read(recording, spikes),
        "revision": session.revision,
        "model": name,
        "models": [
            {"name": key, "label": one.label, "tip": one.tip, "usable": one.mode in (None, recording.mode)}
            for key, one in CHOICES.items()
        ],
        "rows": [dataclasses.asdict(row) for row in available],
        "losses": [[key, _NAMES[key], SECONDS[key]] for key in SECONDS if key == "traces" or any(spikes)],
        "loss": suited["loss"],
        "fields": [field.view() | {"default": suited["numbers"].get(field.name, field.default)} for field in FIELDS],
        "sweeps": recording.sweeps,
    }


def stop(session: Session) -> None:
    """End the fit with the best so far."""
    work = _work(session)
    if work is not None:
        work.stop()


def overlay(session: Session, have: int) -> dict[str, Any] | None:
    """What the best model predicts in each sweep, if it is newer than what the page has."""
    work = _work(session)
    drawn = None if work is None else work.trace(have)
    if work is None or drawn is None:
        return None
    improved, predicted = drawn
    signals = [Signal.encode(sweep).message() for sweep in predicted.response]
    return {"revision": work.task.revision, "improved": improved, "signals": signals}


def result(session: Session) -> dict[str, Any]:
    """What the fit has found."""
    work, best, predicted = _done(session)
    return told.found(work.task, best, predicted)


def apply(session: Session, state: Any) -> dict[str, Any]:
    """The rig with what was found, and what of it the rig has no number for."""
    work, best, _ = _done(session)
    if work.task.choice != "rig":
        raise ValueError("This is a model of its own: it has no place among the channels of the rig.")
    view, unknown = told.applied(work.task, best.estimates, State.parse(state))
    return {"state": State.parse(view).view(), "unknown": unknown}


def report(session: Session) -> str:
    """The report, as HTML."""
    import matplotlib

    _, best, _ = _done(session)
    with DRAWING:
        matplotlib.use("Agg")  # no window: this is not the main thread
        return _written(best.report, "report.html")


def save(session: Session) -> str:
    """The result, as `fitting.load` reads it."""
    _, best, _ = _done(session)
    return _written(best.save, "fit.json")


def _written(write: Any, name: str) -> str:
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, name)
        write(path)
        with open(path, encoding="utf-8") as file:
            return file.read()


def _work(session: Session) -> Work | None:
    return session.kept.get(_KEPT)


def _done(session: Session) -> tuple[Work, FitResult, Predicted]:
    work = _work(session)
    if work is None:
        raise ValueError("There is no fit yet.")
    return work, *work.done
