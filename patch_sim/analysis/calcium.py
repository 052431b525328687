"""Calcium transients of the intracellular pool."""

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from patch_sim.analysis import draw
from patch_sim.analysis.measurement import (
    REASON,
    AbstractMeasurement,
    Column,
    Measured,
    NotMeasurableError,
    Value,
    unmeasured,
)
from patch_sim.analysis.relaxation_fit import relax
from patch_sim.analysis.trace import check_window
from patch_sim.recording import Recording

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_LEAST = 1e-3  # of the baseline: a smaller rise is none
_DECAYED = 0.9  # of the peak's height, from where the decay is fitted
_UNITS = {
    "sweep": "",
    "baseline": "uM",
    "peak": "uM",
    "amplitude": "uM",
    "time_to_peak": "ms",
    "half_width": "ms",
    "decay": "ms",
    "area": "uM ms",
}


@dataclasses.dataclass(frozen=True, eq=False)
class CalciumTransient(AbstractMeasurement):
    """The largest rise of calcium, a row for each sweep.

    Attributes:
        sweep: counted from 0.
        baseline: where the window begins, uM.
        peak: uM.
        amplitude: peak less baseline, uM.
        time_to_peak: since the window began, ms.
        half_width: for how long it is above half the amplitude, ms.
        decay: time constant of the exponential from 90 % of the amplitude on, after the peak, ms.
        area: above the baseline, uM ms.
        traces: time (ms) and calcium (uM) of the sweeps in the window, `(samples, 1 + sweeps)`.
    """

    sweep: Column
    baseline: Column
    peak: Column
    amplitude: Column
    time_to_peak: Column
    half_width: Column
    decay: Column
    area: Column
    traces: np.ndarray = dataclasses.field(default_factory=lambda: np.zeros((0, 2)))

    def plot(self) -> "Figure":
        """Draw the calcium of the sweeps; needs matplotlib."""
        figure, axes = draw.figure(1)
        for values, color in zip(self.traces[:, 1:].T, draw.colors(self.traces.shape[1] - 1), strict=True):
            axes.plot(self.traces[:, 0], values, color=color, linewidth=0.9)
        draw.label(axes, "time (ms)", "calcium (uM)")
        if not len(self.sweep):
            draw.missing(axes, self.notes[0])
        return figure


def calcium_transient(recording: Recording, window: Sequence[float] | None = None) -> CalciumTransient:
    """Measure the calcium transient of each sweep.

    Args:
        recording: simulated with a cell that has a calcium pool, its states kept.
        window: (start, end) in ms; None for the whole sweep.

    Raises:
        ValueError: an argument that is not what it should be.
    """
    check_window(window)
    calcium = (recording.states or {}).get("calcium")
    time = np.asarray(recording.time, float)
    inside = np.full(time.shape, True)
    if window is not None:
        inside = (time >= window[0]) & (time < window[1])
    reason = ""
    if calcium is None:
        reason = "the recording holds no calcium: simulate a cell with a pool, and save its states"
    elif np.count_nonzero(inside) < 3:
        reason = f"the window is not within the sweep, {time[0]:g} to {time[-1]:g} ms"
    if reason:
        return CalciumTransient(*unmeasured(reason, tuple(_UNITS.values())), notes=(REASON.format(reason),))
    values = 1e3 * np.asarray(calcium, float)[:, inside]  # mM to uM
    rows = [[k, *_row(time[inside], one)] for k, one in enumerate(values)]
    columns: Any = (
        Column.of(column, unit) for column, unit in zip(zip(*rows, strict=True), _UNITS.values(), strict=True)
    )
    return CalciumTransient(*columns, traces=np.concatenate([time[inside][:, None], values.T], axis=1))


def _row(time: np.ndarray, calcium: np.ndarray) -> list[Value | Measured]:
    baseline, at = float(calcium[0]), int(np.argmax(calcium))
    peak, amplitude = float(calcium[at]), float(calcium[at]) - baseline
    area = float(np.trapezoid(calcium - baseline, time))
    if amplitude < _LEAST * abs(baseline):
        reason = "calcium does not rise above where it was"
        return [baseline, peak, amplitude, reason, reason, reason, area]
    return [
        baseline,
        peak,
        amplitude,
        float(time[at] - time[0]),
        _half_width(time, calcium, at),
        _decay(time, calcium, at),
        area,
    ]


def _half_width(time: np.ndarray, calcium: np.ndarray, at: int) -> Measured:
    half = 0.5 * (calcium[0] + calcium[at])
    later = np.flatnonzero(calcium[at:] < half)
    if later.size == 0:
        return "it does not fall to half before the window ends"
    rise, fall = int(np.flatnonzero(calcium[:at] < half)[-1]), at + int(later[0]) - 1
    cross = [
        time[k] + (half - calcium[k]) / (calcium[k + 1] - calcium[k]) * (time[k + 1] - time[k]) for k in (rise, fall)
    ]
    return float(cross[1] - cross[0])


def _decay(time: np.ndarray, calcium: np.ndarray, at: int) -> Value | Measured:
    level = calcium[0] + _DECAYED * (calcium[at] - calcium[0])
    below = np.flatnonzero(calcium[at:] < level)
    if below.size == 0:
        return "it does not fall before the window ends"
    start = at + int(below[0])
    try:
        return relax(time[start:] - time[start], calcium[start:]).fit.value(2, "ms")
    except NotMeasurableError as error:
        return str(error)
