"""How fast a cell fires over the current that drives it."""

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from patch_sim.analysis import draw
from patch_sim.analysis.features import features
from patch_sim.analysis.fit_curve import fit_curve
from patch_sim.analysis.measurement import AbstractMeasurement, Column, NotMeasurableError, Value
from patch_sim.recording import Recording

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@dataclasses.dataclass(frozen=True, eq=False)
class FICurve(AbstractMeasurement):
    """Firing rate over current, a row for each sweep.

    Attributes:
        current: commanded in the window, pA, ascending.
        rate: spikes over the length of the window, Hz.
        first_rate: the inverse of the first interval, Hz.
        last_rate: the inverse of the last interval, Hz.
        latency: to the peak of the first spike, ms.
        rheobase: the weakest current that makes it fire, pA; its error is the standard deviation of a uniform
            distribution over the gap to the next weaker current, in which the true one lies.
        gain: slope of the straight line through the rates from the rheobase to the highest rate, Hz/pA.
    """

    current: Column
    rate: Column
    first_rate: Column
    last_rate: Column
    latency: Column
    rheobase: Value
    gain: Value

    def plot(self) -> "Figure":
        """Draw the rates over the current; needs matplotlib."""
        figure, axes = draw.figure(1)
        self.draw(axes)
        return figure

    def draw(self, axes: "Axes") -> None:
        """Draw the rates into a panel."""
        if not np.isfinite(self.current.values).any():
            draw.missing(axes, self.rheobase.reason)
            return
        axes.plot(self.current, self.first_rate, "^", ms=4, color="0.6", label="first interval")
        axes.plot(self.current, self.rate, "o-", ms=4, color=draw.DATA, label="spikes / window")
        if self.rheobase.measurable:
            axes.axvline(self.rheobase.value, color="0.7", linewidth=0.8, linestyle="--")
        draw.label(axes, "current (pA)", "rate (Hz)", f"rheobase {self.rheobase}; gain {self.gain}")
        axes.legend(frameon=False, fontsize=8)


def fi_curve(recording: Recording, window: Sequence[float] | None = None) -> FICurve:
    """Measure the firing rate over the current.

    Args:
        recording: a family of current steps, simulated or from a file.
        window: the step, (start, end) in ms; None for the first step of the command.

    Raises:
        ValueError: an argument that is not what it should be.
    """
    each = features(recording, window)
    order = np.argsort(each.current.values, kind="stable").tolist()
    current, count, rate = (getattr(each, name).values[order] for name in ("current", "count", "rate"))
    first = [each.first_interval[k] for k in order]
    ends = [np.diff(each.spikes.of(k)) for k in order]
    notes = list(each.notes)
    if np.any(np.diff(count) < -2) and np.nanmax(count) > 3:
        notes.append(f"above {current[int(np.argmax(count))]:g} pA it fires less: depolarization block?")
    return FICurve(
        current=Column.of([each.current[k] for k in order], "pA"),
        rate=Column.of([each.rate[k] for k in order], "Hz"),
        first_rate=Column.of([x.reason or 1e3 / x.value for x in first], "Hz"),
        last_rate=Column.of([x.reason or 1e3 / d[-1] for x, d in zip(first, ends, strict=True)], "Hz"),
        latency=Column.of([each.latency[k] for k in order], "ms"),
        rheobase=_rheobase(current, count, each.current.reasons),
        gain=_gain(current, count, rate),
        notes=tuple(notes),
    )


def _rheobase(current: np.ndarray, count: np.ndarray, reasons: tuple[str, ...]) -> Value:
    if any(reasons):
        return Value.of(next(filter(None, reasons)), "pA")
    fires = np.flatnonzero(count > 0)
    if fires.size == 0:
        return Value.of("no sweep has a spike", "pA")
    if fires[0] == 0:
        return Value.of("the cell fires in the weakest step too", "pA")
    return Value(float(current[fires[0]]), "pA", float(current[fires[0]] - current[fires[0] - 1]) / np.sqrt(12.0))


def _gain(current: np.ndarray, count: np.ndarray, rate: np.ndarray) -> Value:
    if not np.isfinite(current).all() or not (count > 0).any():
        return Value.of("no sweep has a spike at a known current", "Hz/pA")
    rising = slice(int(np.argmax(count > 0)), int(np.argmax(count)) + 1)
    try:
        fit = fit_curve(lambda x, a, b: a + b * x, current[rising], rate[rising], (0.0, 0.1))
    except NotMeasurableError as error:
        return Value.of(f"of its sweeps that fire, {error}", "Hz/pA")
    return fit.value(1, "Hz/pA")
