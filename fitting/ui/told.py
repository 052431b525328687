"""A recording and a fit in words and numbers that JSON can hold."""

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

import fitting
import patch_sim as ps
from fitting.ui.free import label
from fitting.ui.predicted import Predicted
from fitting.ui.task import Task
from patch_sim.ui.pipette import FIELDS as OF_ELECTRODE
from patch_sim.ui.state import State

_HEAD = 5.0  # ms at the beginning of a sweep that tell its rest


def read(recording: ps.Recording, spikes: list[int]) -> dict[str, Any]:
    """What was read of a recording, and what looks wrong."""
    count, mode = recording.sweeps, recording.mode
    length = recording.time.size * recording.dt
    response = np.asarray(recording.response)
    facts = [
        ("Mode", mode.value),
        ("Sweeps", f"{count} of {length:,.5g} ms, {recording.time.size:,} samples, {1 / recording.dt:.4g} kHz"),
    ]
    low, high = np.nanmin(response), np.nanmax(response)
    if mode is ps.Mode.CURRENT_CLAMP:
        head = response[:, : max(1, round(_HEAD / recording.dt))]
        facts += [
            ("Rest", f"{float(np.nanmedian(head)):.1f} mV"),
            ("Command", _range(np.asarray(recording.command), "pA")),
            ("Spikes", ", ".join(map(str, spikes)) if any(spikes) else "none"),
        ]
    else:
        holding = float(np.median(np.asarray(recording.command)[:, 0]))
        facts += [
            ("Holding", f"{holding:.1f} mV"),
            ("Command", _range(np.asarray(recording.command), "mV")),
            ("Current", f"{_short(low)} to {_short(high)} pA"),
        ]
    left_out = 1.0 - float(np.mean(recording.scored))
    if left_out > 0:
        facts.append(("Left out", f"{100 * left_out:.2g} % of the samples, by the recording's own mask"))
    return {
        "facts": [(name, text.replace("-", "\u2212")) for name, text in facts],
        "warnings": list(recording.warnings),
    }


def _range(values: np.ndarray, unit: str) -> str:
    return f"{_short(np.nanmin(values))} to {_short(np.nanmax(values))} {unit}"


def _short(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000.0 else f"{value:.4g}"


def number(value: float) -> float | None:
    """A number as JSON has it: None where there is none."""
    return float(value) if np.isfinite(value) else None


def found(task: Task, result: fitting.FitResult, predicted: Predicted) -> dict[str, Any]:
    """What a fit has found."""
    certificate = result.certificate
    return {
        "rows": [_estimate(row) for row in result.estimates],
        "errors": "spread" if task.events else "standard error",
        "directions": [_worded(str(direction), result) for direction in result.directions],
        "warnings": [_worded(warning, result) for warning in (*result.warnings, *_late(task, result))],
        "loss": _loss(task, result),
        "predictions": _predictions(task, predicted),
        "counts": _counts(task, predicted),
        "seconds": round(result.seconds, 1),
        "applicable": task.choice == "rig",
        "certificate": certificate and [dataclasses.asdict(check) for check in certificate.checks],
    }


def _estimate(row: fitting.Estimate) -> dict[str, Any]:
    return {
        "path": row.name,
        "label": label(row.name),
        "value": row.value,
        "unit": row.unit,
        "error": number(row.standard_error),
        "low": row.low,
        "high": row.high,
        "at": "bound" if row.at_bound else ("lost" if np.isposinf(row.standard_error) else ""),
    }


def _worded(text: str, result: fitting.FitResult) -> str:
    """A sentence of the library with the parameters' names for people."""
    for row in sorted(result.estimates, key=lambda row: -len(row.name)):
        text = text.replace(row.name, label(row.name))
    return text


def _loss(task: Task, result: fitting.FitResult) -> str:
    if task.events:
        return f"{result.loss:.3g} tolerances from the recorded events"
    close = sum(start.loss <= 1.01 * result.loss for start in result.starts)
    unit = task.recording.mode.response_unit
    return f"{result.loss:.4g} {unit} rms; {close} of {len(result.starts)} starts came within 1 % of it"


def _late(task: Task, result: fitting.FitResult) -> list[str]:
    """Whether the time was too short. A fit of spikes always takes all of it."""
    arrived = sum(start.converged for start in result.starts)
    if task.events or result.seconds < task.budget or arrived == len(result.starts):
        return []
    return [f"the time was up when {arrived} of {len(result.starts)} starts had come to the bottom: give it more"]


def _predictions(task: Task, predicted: Predicted) -> str | None:
    if not task.held_out.size:
        return None
    if predicted.spikes is not None:
        return "Sweeps marked \u2020 were left out of the fit."
    unit = task.recording.mode.response_unit
    out, own = (predicted.error(task.recording, sweeps) for sweeps in (task.held_out, task.fitted))
    return f"{out:.4g} {unit} rms in the sweeps that were left out, {own:.4g} {unit} in those that were fitted"


def _counts(task: Task, predicted: Predicted) -> list[dict[str, Any]] | None:
    """The spikes of each sweep, recorded and of the model."""
    scores = predicted.spikes
    if scores is None:
        return None
    left_out = set(task.held_out.tolist())
    pairs = zip(scores.observed_counts.tolist(), scores.predicted_counts.tolist(), scores.latency_error, strict=True)
    return [
        {"sweep": k + 1, "recorded": there, "model": own, "latency": number(late), "leftOut": k in left_out}
        for k, (there, own, late) in enumerate(pairs)
    ]


def applied(task: Task, estimates: Iterable[fitting.Estimate], state: State) -> tuple[dict[str, Any], list[str]]:
    """The rig with what was found for its cell and electrode, and what of it the rig has no number for.

    The cell is the one that was fitted, whatever is set up now.
    """
    values = {row.name: float(f"{row.value:.6g}") for row in estimates}
    cell = {path: value for path, value in values.items() if not path.startswith("electrode.")}
    pipette, unknown = _pipette({path.removeprefix("electrode."): v for path, v in values.items() if path not in cell})
    view = state.view()
    view["cell"] = task.state.view()["cell"]
    view["cell"]["numbers"] = {**view["cell"]["numbers"], **cell}
    if pipette:
        view["electrode"] = {**task.state.electrode, **pipette}
    return view, unknown


def _pipette(values: Mapping[str, float]) -> tuple[dict[str, float], list[str]]:
    """An electrode's numbers as the page has them, and the names of those that it has not."""
    known = {field.name: field for field in OF_ELECTRODE}
    named = {"seal" if name == "seal_resistance" else name: value for name, value in values.items()}
    if "seal" in named:
        named["seal"] = 1e3 / named["seal"]
    inside = {
        name: min(max(value, known[name].low), known[name].high) for name, value in named.items() if name in known
    }
    return inside, [label(f"electrode.{name}") for name in named if name not in known]
