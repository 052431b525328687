"""The checks that a fit of events should pass before it is believed."""

from collections.abc import Callable, Sequence

import numpy as np

import patch_sim as ps
from fitting.checks import Certificate, Check
from fitting.report import FitResult
from fitting.spikes.population import SOLVER
from fitting.spikes.scores import EventScores, event_scores

_LATITUDE, _SHARE = 1.0, 0.1  # spikes, or of the recorded count, by which a count may be off
_ENOUGH = 0.9  # of the sweeps


def event_certificate(
    result: FitResult, held_out: Sequence[ps.Recording], progress: bool | Callable[[str], None]
) -> Certificate:
    """Check a fit of events; see `fitting.certificate`.

    Raises:
        ValueError: a loaded fit.
    """
    if not result.recordings:
        raise ValueError("a loaded fit has no recordings to check it on")
    show = ps.Progress(progress)
    show.show("the fitted sweeps are simulated by the exact solver")
    exact = [result.spikes(recording) for recording in result.recordings]
    checks = [_solver(result, exact), _solutions(result), _bounds(result)]
    checks.append(_counts("fitted", exact))
    checks.append(_repeats(result, exact))
    show.show("what was held out is simulated")
    checks.append(_counts("held out", [result.spikes(recording) for recording in held_out]))
    show.close()
    return Certificate(tuple(checks))


def _close(scores: EventScores) -> np.ndarray:
    off = np.abs(scores.predicted_counts - scores.observed_counts)
    return off <= np.maximum(_LATITUDE, _SHARE * scores.observed_counts)


def _solver(result: FitResult, exact: Sequence[EventScores]) -> Check:
    assert result.events is not None
    pairs = zip(result.recordings, result.rigs, strict=True)
    quick = [event_scores(neuron, rec, result.events, electrode, SOLVER) for rec, (neuron, electrode) in pairs]
    off = max(int(np.max(np.abs(a.predicted_counts - b.predicted_counts))) for a, b in zip(exact, quick, strict=True))
    return Check("solver", off <= 1, f"counts by the search's steps of {SOLVER.dt:g} ms are off by at most {off}")


def _solutions(result: FitResult) -> Check:
    losses = np.array([start.loss for start in result.starts])
    near = int(np.sum(losses <= 1.1 * result.loss))
    return Check("solutions", None, f"{near} of {len(losses)} distinct ones are within 10 % of the best loss")


def _bounds(result: FitResult) -> Check:
    stopped = [row.name for row in result.estimates if row.at_bound]
    return Check("bounds", not stopped, f"stopped by one: {', '.join(stopped)}" if stopped else "none is met")


def _counts(name: str, scores: Sequence[EventScores]) -> Check:
    if not scores:
        return Check(name, None, "nothing: held_out=recording.select([0, 2, 4]) scores sweeps that were not fitted")
    close = np.concatenate([_close(one) for one in scores])
    said = f"{int(close.sum())} of {len(close)} counts are within one spike or 10 %"
    return Check(name, bool(close.mean() >= _ENOUGH), said)


def _repeats(result: FitResult, exact: Sequence[EventScores]) -> Check:
    """How well the cell itself repeats its counts where sweeps have one command."""
    same, pairs = 0, 0
    for recording, scores in zip(result.recordings, exact, strict=True):
        _, group = np.unique(np.asarray(recording.command), axis=0, return_inverse=True)
        counts = scores.observed_counts
        for a in range(len(counts)):
            for b in range(a + 1, len(counts)):
                if group[a] == group[b]:
                    pairs += 1
                    same += abs(counts[a] - counts[b]) <= max(_LATITUDE, _SHARE * counts[a])
    if pairs == 0:
        return Check("repeats", None, "no two sweeps have the same command")
    return Check("repeats", None, f"the cell's own counts agree in {same} of {pairs} pairs of sweeps with one command")
