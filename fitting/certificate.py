"""The checks that a fit should pass before it is believed."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

import patch_sim as ps
from fitting.bootstrap import refittable
from fitting.checks import Certificate, Check
from fitting.objective import Objective
from fitting.report import FitResult
from fitting.spikes.certificate import event_certificate
from fitting.structure import structure

_AGREE = 0.01  # relative difference of losses that counts as the same valley
_TIGHTER = 100.0
_SHORTER = 4.0
_EXACT = 1e-4  # of the response's spread: an error below which a prediction counts as exact
_SMALL = 0.05  # of the residuals
_HELD_OUT = 1.5  # times the error of what was fitted
_REPEATABLE = 1.2  # times the repeats' own spread
_SINGLE = 1e-5  # tolerance that float32 can hold


def certificate(
    result: FitResult,
    held_out: ps.Recording | Sequence[ps.Recording] | None = None,
    *,
    progress: bool | Callable[[str], None] = True,
) -> Certificate:
    """Check a fit: its numbers, its starts, its parameters, and whether the model misses something.

    - solver: a hundred times tighter tolerances, or steps a quarter as long, change the predictions by at most 5 % of
      the residuals, or 1e-4 of the response's standard deviation;
    - precision: by how much float32 changes the predictions (told, not judged; not made without x64);
    - starts: at least two, and half of them, came within 1 % of the best loss;
    - bounds: no parameter is stopped by one;
    - determined: all parameters have a standard error;
    - residuals: of each recording, nothing persists for 2 ms and more and nothing comes in bursts, see
      `fitting.structure.structure`;
    - repeats: where sweeps of a recording have identical commands, the model is at most 1.2 times as far from them as
      they are from each other;
    - held out: other recordings of the cell are predicted with at most 1.5 times the error of those that were fitted.

    Of a fit of events: the counts of spikes by the search's steps are off by at most one from the exact ones; no
    parameter is stopped by a bound; and 90 % of the counts, of fitted sweeps and of others, are within one spike or
    10 %. How many distinct solutions are about as good, and how well the cell repeats itself, is told.

    Args:
        result: of `fitting.fit`.
        held_out: recordings, or some sweeps of one, `rec.select([1, 3, 5])`, that were not fitted.
        progress: whether to show progress, or a function that takes each line.

    Returns:
        A `Certificate`; `result.with_certificate(it)` prints and keeps it with the fit.

    Raises:
        ValueError: a loaded fit, or one of a loss without `fitting.Traces`, which leaves no residuals to look at.
    """
    if result.events is not None:
        return event_certificate(result, _listed(held_out), progress)
    objective, u = refittable(result)
    if not objective.samples:
        raise ValueError("a certificate looks at the residuals of samples: fit with fitting.Traces() in the loss")
    show = ps.Progress(progress)
    residual = objective.residual(u)
    checks = [_solver(result, objective, u, residual)]
    show.show("the solver is checked")
    checks += [_precision(result, objective, u, residual), _starts(result), _bounds(result), _determined(result)]
    show.show("the residuals are checked")
    checks += _residuals(result, objective, residual)
    checks += _repeats(result)
    checks.append(_held_out(result, held_out))
    show.close()
    return Certificate(tuple(checks))


def _split(objective: Objective, residual: np.ndarray) -> list[np.ndarray]:
    """The residuals of each recording, `(sweeps, samples)`."""
    shapes = [counted.shape for counted in objective.recorded]
    ends = np.cumsum([sweeps * samples for sweeps, samples in shapes])
    parts = np.split(residual[: ends[-1]], ends[:-1])  # what is of no sample comes behind them
    return [part.reshape(shape) for part, shape in zip(parts, shapes, strict=True)]


def _size(values: np.ndarray) -> float:
    return float(np.sqrt(np.mean(values**2)))


def _spread(recording: ps.Recording) -> float:
    return float(np.std(np.asarray(recording.response)[recording.scored]))


def _units(result: FitResult, objective: Objective, residual: np.ndarray) -> list[float]:
    """What one unit of each recording's residuals is in mV or pA."""
    parts = zip(_split(objective, residual), objective.recorded, result.rmse, strict=True)
    return [rmse / max(_size(part[counted]), 1e-300) for part, counted, rmse in parts]


def _changes(result: FitResult, objective: Objective, residual: np.ndarray, other: np.ndarray) -> tuple[float, str]:
    """By how much predictions change: the largest share of what is allowed, and in words."""
    worst, said = 0.0, "nothing"
    rows = zip(
        result.recordings, _split(objective, other - residual), objective.recorded,
        _units(result, objective, residual), result.rmse, strict=True,
    )  # fmt: skip
    for recording, change, counted, unit, rmse in rows:
        size = _size(change[counted]) * unit
        share = size / max(_SMALL * rmse, _EXACT * _spread(recording), 1e-300)
        if not share <= worst:
            worst = share
            said = f"{size:.2g} {recording.mode.response_unit} rms, where residuals are {rmse:.3g}"
    return worst, said


def _solver(result: FitResult, objective: Objective, u: np.ndarray, residual: np.ndarray) -> Check:
    tight, how = _tighter(objective.solver)
    other = dataclasses.replace(objective, solver=tight).residual(u)
    share, said = _changes(result, objective, residual, other)
    loss = float(np.sqrt(other @ other / objective.weight))
    return Check("solver", share <= 1.0, f"{how}: predictions change by {said}; loss {loss:.6g}")


def _tighter(solver: ps.Solver) -> tuple[ps.Solver, str]:
    """A solver that makes less of an error, and what has been done to it."""
    if isinstance(solver, ps.Exponential):
        return dataclasses.replace(solver, dt=solver.dt / _SHORTER), f"steps / {_SHORTER:.0f}"
    tight = dataclasses.replace(solver, rtol=solver.rtol / _TIGHTER, atol=solver.atol / _TIGHTER)
    return tight, f"tolerances / {_TIGHTER:.0f}"


def _precision(result: FitResult, objective: Objective, u: np.ndarray, residual: np.ndarray) -> Check:
    if residual.dtype != np.float64:
        return Check("precision", None, 'fitted in float32; jax.config.update("jax_enable_x64", True) for float64')

    def single(tree: Any) -> Any:
        return jax.tree.map(lambda x: jnp.asarray(np.asarray(x, np.float32)) if eqx.is_inexact_array(x) else x, tree)

    solver = objective.solver
    rough = solver
    if isinstance(solver, ps.Adaptive):
        rough = dataclasses.replace(solver, rtol=max(solver.rtol, _SINGLE), atol=max(solver.atol, _SINGLE))
    with jax.enable_x64(False):  # in this thread, for this block
        names = ("space", "setup", "terms", "parts")
        cast = dataclasses.replace(objective, **{n: single(getattr(objective, n)) for n in names}, solver=rough)
        other = cast.residual(u.astype(np.float32)).astype(float)
    if not np.isfinite(other).all():
        return Check("precision", None, "float32 does not solve this model")
    _, said = _changes(result, objective, residual, other)
    return Check("precision", None, f"float32 instead of float64: predictions change by {said}")


def _starts(result: FitResult) -> Check:
    losses = np.array([start.loss for start in result.starts])
    agree = int(np.sum(losses <= result.loss * (1.0 + _AGREE)))
    said = f"{agree} of {len(losses)} within {_AGREE:.0%} of the best loss"
    if len(losses) == 1:
        return Check("starts", None, "only one, so nothing says that there is no better fit elsewhere")
    return Check("starts", agree >= max(2, len(losses) / 2), said)


def _bounds(result: FitResult) -> Check:
    stopped = [row.name for row in result.estimates if row.at_bound]
    return Check("bounds", not stopped, f"stopped by one: {', '.join(stopped)}" if stopped else "none met")


def _determined(result: FitResult) -> Check:
    lost = [row.name for row in result.estimates if np.isposinf(row.standard_error)]
    said = f"the recordings say nothing of {', '.join(lost)}" if lost else "all parameters have a standard error"
    return Check("determined", not lost, said)


def _residuals(result: FitResult, objective: Objective, residual: np.ndarray) -> list[Check]:
    checks = []
    rows = zip(
        result.recordings, _split(objective, residual), objective.recorded,
        _units(result, objective, residual), result.rmse, strict=True,
    )  # fmt: skip
    for k, (recording, part, counted, scale, rmse) in enumerate(rows):
        name = "residuals" if len(result.recordings) == 1 else f"residuals of recording {k}"
        unit = recording.mode.response_unit
        sizes = f"{rmse:.3g} {unit} rms; noise from sample to sample {_noise(recording):.3g} {unit}"
        found = structure(part, counted, recording.dt)
        if rmse <= _EXACT * _spread(recording):
            checks.append(Check(name, True, f"{rmse:.2g} {unit} rms, as good as none"))
        elif not found.found:
            checks.append(Check(name, True, f"{sizes}; no structure"))
        else:
            slow = f"{found.slow * scale:.3g} {unit} of them persist for 2 ms and more" if found.slow else ""
            burst = f"bursts of {np.sqrt(found.burst):.2g} times the noise" if found.burst > 1.0 else ""
            what = " and ".join(filter(None, (slow, burst)))
            checks.append(Check(name, False, f"{sizes}; {what}: the model misses something"))
    return checks


def _noise(recording: ps.Recording) -> float:
    """What successive samples differ by, over the root of 2: the noise, if it is white and the response slow."""
    scored = recording.scored
    steps = np.diff(np.asarray(recording.response), axis=1)[scored[:, 1:] & scored[:, :-1]]
    return float(np.median(np.abs(steps))) / (0.6745 * np.sqrt(2.0)) if steps.size else float("nan")


def _repeats(result: FitResult) -> list[Check]:
    checks = []
    for k, (recording, initial) in enumerate(zip(result.recordings, result.initial, strict=True)):
        groups = _identical(np.asarray(recording.command))
        if not groups:
            continue
        data, scored = np.asarray(recording.response), recording.scored
        model = np.asarray(result.predict(recording, initial).response)
        apart, count, off, samples = 0.0, 0, 0.0, 0
        for group in groups:
            use = scored[group].all(axis=0)
            rows = data[group][:, use]
            apart += float(np.sum((rows - rows.mean(axis=0)) ** 2))
            count += (len(group) - 1) * int(use.sum())
            off += float(np.sum((rows - model[group][:, use]) ** 2))
            samples += rows.size
        own, error = np.sqrt(apart / max(count, 1)), np.sqrt(off / max(samples, 1))
        unit = recording.mode.response_unit
        said = f"the model is {error:.3g} {unit} from sweeps that are {own:.3g} {unit} from their own mean"
        name = "repeats" if len(result.recordings) == 1 else f"repeats of recording {k}"
        checks.append(Check(name, bool(error <= max(_REPEATABLE * own, _EXACT * _spread(recording))), said))
    return checks or [Check("repeats", None, "no two sweeps with the same command")]


def _identical(command: np.ndarray) -> list[np.ndarray]:
    """Groups of sweeps with the same command."""
    _, group = np.unique(command, axis=0, return_inverse=True)
    return [np.flatnonzero(group.ravel() == g) for g in range(group.max() + 1) if np.sum(group == g) > 1]


def _listed(held_out: ps.Recording | Sequence[ps.Recording] | None) -> list[ps.Recording]:
    if held_out is None:
        return []
    return [held_out] if isinstance(held_out, ps.Recording) else list(held_out)


def _held_out(result: FitResult, held_out: ps.Recording | Sequence[ps.Recording] | None) -> Check:
    recordings = _listed(held_out)
    if not recordings:
        return Check("held out", None, "nothing was, so no prediction was tested")
    said, good = [], True
    for recording in recordings:
        fitted = [rmse for rec, rmse in zip(result.recordings, result.rmse, strict=True) if rec.mode is recording.mode]
        error = result.score(recording)
        limit = _HELD_OUT * max(fitted, default=np.inf)
        good &= bool(error <= max(limit, _EXACT * _spread(recording)))
        known = f", fitted {max(fitted):.3g}" if fitted else ", none of this mode was fitted"
        said.append(f"{error:.3g} {recording.mode.response_unit} rms{known}")
    return Check("held out", good, "; ".join(said))
