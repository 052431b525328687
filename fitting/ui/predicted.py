"""What a fitted model does in all sweeps of a recording, those that were not fitted included."""

import dataclasses

import numpy as np

import patch_sim as ps
from fitting.report import FitResult
from fitting.spikes.careful import CAREFUL
from fitting.spikes.scores import EventScores, event_scores


@dataclasses.dataclass(frozen=True)
class Predicted:
    """A prediction.

    Attributes:
        response: at the samples of the recording, mV or pA, `(sweeps, samples)`; NaN where nothing is predicted.
        spikes: how it spikes, of a fit of events; else None.
    """

    response: np.ndarray
    spikes: EventScores | None = None

    def error(self, recording: ps.Recording, sweeps: np.ndarray) -> float:
        """The root mean square error (mV or pA) in some sweeps, over the mask."""
        scored = recording.scored[sweeps]
        off = self.response[sweeps] - np.asarray(recording.response)[sweeps]
        return float(np.sqrt(np.mean(off[scored] ** 2)))


def predicted(result: FitResult, recording: ps.Recording, exact: bool) -> Predicted:
    """Predict all sweeps.

    Args:
        result: of a fit of some of them.
        recording: all.
        exact: whether spikes come from the exact solver, which takes long to compile, or from steps as those of the
            search, a quarter as long.
    """
    if result.events is None:
        return Predicted(np.asarray(result.predict(recording, electrode=result.electrode).response))
    solver = None if exact else CAREFUL
    scores = event_scores(result.neuron, recording, result.events, result.electrode, solver)
    begin = result.events.bind(recording).begin
    times = np.arange(recording.time.size) * recording.dt - begin
    response = np.stack([np.interp(times, scores.time, sweep, np.nan, np.nan) for sweep in scores.model])
    return Predicted(response, scores)
