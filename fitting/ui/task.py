"""What a page asks a fit to do."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

import patch_sim as ps
from fitting.model import Model
from fitting.parameters import space
from fitting.setup import setup
from fitting.spikes.events import Events
from fitting.ui.free import parse as parse_free, rows
from fitting.ui.models import CHOICES
from fitting.windows import span
from patch_sim.ui import pipette
from patch_sim.ui.fields import Field, parse as parse_numbers
from patch_sim.ui.session import Session
from patch_sim.ui.state import State

MOST_SAMPLES = 2_000_000
"""The most samples, over all sweeps, that the page fits."""

SWEEPS = {"all": slice(None), "odd": slice(0, None, 2), "even": slice(1, None, 2)}
"""The sweeps to fit, which people count from 1; the others are predicted."""

SECONDS = {"traces": 60.0, "events": 90.0}
"""The losses, and the budget of each: samples mostly need less; spikes have half a minute of compilation in it."""

FIELDS = (
    Field("budget", "Time", "s", 60.0, 1.0, 600.0, "that the search may take; what follows it takes some more"),
    Field("starts", "Starts", "", 8, 1, 64, "from how many places the search sets out (samples only)", whole=True),
    Field("seed", "Seed", "", 0, 0, 2**31, "the same number sets out from the same places", whole=True),
    Field("leave_out", "Leave out after steps", "ms", 0.0, 0.0, 1e4, "voltage clamp: charging that no model explains"),
    Field("from", "Window from", "ms", 0.0, 0.0, 1e7, "spikes: where what is compared begins"),
    Field("to", "Window to", "ms", 0.0, 0.0, 1e7, "spikes: where what is compared ends"),
)

_EDGE = 0.5  # ms that are left out of a file's voltage clamp, if it says nothing itself


@dataclasses.dataclass(frozen=True)
class Task:
    """A fit as it was asked for.

    Attributes:
        choice: the name of the model.
        model: the model.
        state: all that was set up then.
        recording: all sweeps, with mask and electrode.
        fitted: the numbers of the sweeps to fit, from 0.
        bounds: of what is free.
        events: what is compared of spikes; None to compare samples.
        budget: s.
        starts: how many.
        seed: of the random draws.
        revision: of what the scope shows.
    """

    choice: str
    model: Model
    state: State
    recording: ps.Recording
    fitted: np.ndarray
    bounds: Mapping[str, tuple[float, float]]
    events: Events | None
    budget: float
    starts: int
    seed: int
    revision: int

    @property
    def held_out(self) -> np.ndarray:
        """The numbers of the sweeps that are not fitted."""
        return np.setdiff1d(np.arange(self.recording.sweeps), self.fitted)

    @classmethod
    def parse(cls, session: Session, state: Any, request: Any) -> "Task":
        """Check what the browser asks for.

        Raises:
            ValueError: something is missing or wrong, or too much for a page; the message says what.
        """
        whole = shown(session)
        wanted = {"model", "free", "sweeps", "loss", "numbers"}
        if not isinstance(request, Mapping) or set(request) != wanted:
            raise ValueError(f"a fit wants {', '.join(sorted(wanted))}.")
        if request["loss"] not in SECONDS or request["sweeps"] not in SWEEPS:
            raise ValueError("there is no such loss, or no such choice of sweeps.")
        parsed = State.parse(state)
        model = build(request["model"], parsed, whole)
        numbers = parse_numbers(FIELDS, request["numbers"])
        recording = prepared(whole, parsed, numbers["leave_out"])
        events = _events(whole, numbers) if request["loss"] == "events" else None
        bounds = parse_free(rows(model, recording), request["free"])
        space(setup(model.neuron, (recording,)), list(bounds), bounds, model.ties)  # raises
        fitted = np.arange(whole.sweeps)[SWEEPS[request["sweeps"]]]
        if fitted.size == 0:
            raise ValueError("There is only one sweep: fit all.")
        if (samples := fitted.size * whole.time.size) > MOST_SAMPLES:
            raise ValueError(
                f"{samples:,} samples are more than the {MOST_SAMPLES:,} that the page fits: fit every other sweep, or "
                "use fitting.fit in Python."
            )
        budget, starts, seed = numbers["budget"], int(numbers["starts"]), int(numbers["seed"])
        return cls(
            request["model"], model, parsed, recording, fitted, bounds, events, budget, starts, seed, session.revision
        )


def shown(session: Session) -> ps.Recording:
    """What the scope shows, in full.

    Raises:
        ValueError: nothing, or nothing that can be fitted.
    """
    recording = session.recording
    if recording is None:
        raise ValueError("There is nothing to fit: run the protocol, or drop a recording on the page.")
    if recording.mode is ps.Mode.MIXED:
        raise ValueError("A mixed clamp cannot be fitted here: take its phases in Python, rec.phases.")
    if recording.command is None:
        raise ValueError("This recording holds no command, so no model can be given what the cell was given.")
    return recording


def build(name: Any, state: State, recording: ps.Recording) -> Model:
    """The model of a name.

    Raises:
        ValueError: there is none, or it is for the other clamp.
    """
    if name not in CHOICES:
        raise ValueError(f"there is no model {name!r}.")
    choice = CHOICES[name]
    if choice.mode not in (None, recording.mode):
        raise ValueError(f"{choice.label}: for a {choice.mode.value}, and this is a {recording.mode.value}.")
    return choice.build(state)


def prepared(recording: ps.Recording, state: State, leave_out: float) -> ps.Recording:
    """The recording, through the rig's electrode if it knows none of its own, less what follows its steps."""
    electrode = pipette.electrode(state.electrode)
    if electrode is not None and not recording.electrode.used:
        recording = recording.with_electrode(electrode)
    if leave_out > 0 and recording.mode is ps.Mode.VOLTAGE_CLAMP:
        recording = recording.mask_edges(leave_out)
    return recording


def spike_counts(recording: ps.Recording) -> list[int]:
    """How many spikes each sweep has; none in voltage clamp."""
    if recording.mode is not ps.Mode.CURRENT_CLAMP:
        return [0] * recording.sweeps
    end = float(recording.time[-1]) + recording.dt
    found = ps.analysis.spikes(recording, (float(recording.time[0]), end))
    return np.bincount(np.asarray(found.sweep, dtype=int), minlength=recording.sweeps).tolist()


def defaults(recording: ps.Recording, spikes: list[int]) -> dict[str, Any]:
    """What suits a recording: the loss, and those numbers that depend on it."""
    loss = "events" if any(spikes) else "traces"
    start, end = span(None, np.asarray(recording.command), recording.dt, "Window")
    from_file = not recording.currents
    clamped = recording.mode is ps.Mode.VOLTAGE_CLAMP
    leave_out = _EDGE if clamped and from_file and recording.scored.all() else 0.0
    return {
        "loss": loss,
        "numbers": {"budget": SECONDS[loss], "leave_out": leave_out, "from": round(start, 4), "to": round(end, 4)},
    }


def _events(recording: ps.Recording, numbers: Mapping[str, float]) -> Events:
    if recording.mode is not ps.Mode.CURRENT_CLAMP:
        raise ValueError("Spikes are those of a current clamp; of a voltage clamp compare the samples.")
    start, end = numbers["from"], numbers["to"]
    if not start < end:
        raise ValueError(f"Window: it begins at {start:g} ms and must end later than that, not at {end:g} ms.")
    span((start, end), np.asarray(recording.command), recording.dt, "Window")  # raises
    return Events(window=(start, end))
