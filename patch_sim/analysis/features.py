"""What each sweep of a current clamp does: when and how regularly it fires, where it settles, sag and rebound."""

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from patch_sim.analysis import draw
from patch_sim.analysis.measurement import AbstractMeasurement, Column, Measured, NotMeasurableError, attempt
from patch_sim.analysis.spikes import Spikes, spikes
from patch_sim.analysis.threshold import AbstractThreshold
from patch_sim.analysis.trace import Trace, check_clipped, check_window, resolve, trace
from patch_sim.protocols import Mode
from patch_sim.recording import Recording

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_BASELINE = 50.0  # ms before the window
_SETTLED = 0.1  # of the window, at its end
_SMOOTH = 1.0  # ms
_REBOUND = 200.0  # ms after the window
_LEAST_SHIFT = 2.0  # mV: a weaker response has no sag to speak of
BURST_INTERVAL, BURST_SPIKES = 10.0, 3
"""A burst has at least so many spikes at intervals of at most so many ms."""

MEANS = ("threshold", "amplitude", "half_width", "upstroke", "downstroke", "ahp")
UNITS = {
    "sweep": "",
    "current": "pA",
    "count": "",
    "rate": "Hz",
    "latency": "ms",
    "first_interval": "ms",
    "mean_interval": "ms",
    "interval_cv": "",
    "adaptation": "",
    "bursts": "",
    "rest": "mV",
    "steady": "mV",
    "sag": "mV",
    "sag_ratio": "",
    "rebound": "mV",
    "rebound_spikes": "",
    "threshold": "mV",
    "amplitude": "mV",
    "half_width": "ms",
    "upstroke": "mV/ms",
    "downstroke": "mV/ms",
    "ahp": "mV",
}


@dataclasses.dataclass(frozen=True, eq=False)
class Features(AbstractMeasurement):
    r"""What the sweeps of a current clamp do, a row each.

    Attributes:
        sweep: counted from 0.
        current: commanded in the window, pA.
        count: spikes in the window, see `Spikes` for what counts.
        rate: spikes over the length of the window, Hz.
        latency: from the start of the window to the peak of the first spike, ms.
        first_interval: between the first two peaks, ms.
        mean_interval: between peaks, ms.
        interval_cv: standard deviation (n - 1) of the intervals over their mean.
        adaptation: $\frac{1}{n - 1} \sum_i (d_{i+1} - d_i) / (d_{i+1} + d_i)$ over all $n$ intervals $d_i$; positive if
            they grow. eFEL's `adaptation_index2` without its leaving out of the first interval.
        bursts: runs of 3 spikes or more at intervals of 10 ms or less.
        rest: mean voltage in the 50 ms before the window, mV, or in as much as there is.
        steady: mean voltage in the last tenth of the window, mV, of a sweep without spikes.
        sag: steady less the lowest voltage, mV, of a sweep that is driven down; the lowest one of a running mean of
            1 ms, so that noise does not pull it down.
        sag_ratio: sag over the whole way from rest down to the lowest voltage.
        rebound: highest voltage in the 200 ms after the window less rest, mV, in a running mean of 1 ms, of a sweep
            that was driven down.
        rebound_spikes: spikes in these 200 ms.
        threshold: mean over the spikes of the sweep, mV.
        amplitude: the same, mV.
        half_width: the same, ms.
        upstroke: the same, mV/ms.
        downstroke: the same, mV/ms.
        ahp: the same, mV.
        spikes: the spikes in the window.
    """

    sweep: Column
    current: Column
    count: Column
    rate: Column
    latency: Column
    first_interval: Column
    mean_interval: Column
    interval_cv: Column
    adaptation: Column
    bursts: Column
    rest: Column
    steady: Column
    sag: Column
    sag_ratio: Column
    rebound: Column
    rebound_spikes: Column
    threshold: Column
    amplitude: Column
    half_width: Column
    upstroke: Column
    downstroke: Column
    ahp: Column
    spikes: Spikes

    def plot(self) -> "Figure":
        """Draw rate, latency, half-width, and where the voltage settles, over the current; needs matplotlib."""
        figure, panels = draw.figure(2, 2, height=2.9)
        x = self.current if any(np.isfinite(self.current.values)) else self.sweep
        for axes, name in zip(panels, ("rate", "latency", "half_width", "steady"), strict=True):
            column = getattr(self, name)
            draw.points(axes, x, column)
            draw.label(
                axes, "current (pA)" if x is self.current else "sweep", f"{name.replace('_', '-')} ({column.unit})"
            )
            if np.isfinite(column.values).sum() == 0 and column.reasons:
                draw.missing(axes, column.reasons[0])
        return figure


def features(
    recording: Recording,
    window: Sequence[float] | None = None,
    *,
    threshold: AbstractThreshold | None = None,
) -> Features:
    """Measure what each sweep of a current clamp does.

    Args:
        recording: simulated or from a file.
        window: the step, (start, end) in ms; None for the first step of the command, or the whole sweep.
        threshold: the criterion for the onset of spikes; None for `Slope(10.0)`.

    Raises:
        ValueError: an argument that is not what it should be.
    """
    check_window(window)
    found = spikes(recording, window, threshold=threshold)
    try:
        traced = trace(recording, Mode.CURRENT_CLAMP)
        span = resolve(traced, window)
    except NotMeasurableError as error:
        reason = str(error)
        sweeps = range(recording.sweeps)
        rows = {name: list(sweeps) if name == "sweep" else [reason] * recording.sweeps for name in UNITS}
    else:
        after = (span[1], min(span[1] + _REBOUND, traced.end))
        later = spikes(recording, after).counts if after[1] - after[0] > traced.dt else None
        each = [_sweep(traced, span, found, k, later) for k in range(len(found.counts))]
        rows = {name: [row[name] for row in each] for name in UNITS}
    columns = {name: Column.of(items, UNITS[name]) for name, items in rows.items()}
    return Features(**columns, spikes=found, notes=found.notes)


def _sweep(
    traced: Trace, window: tuple[float, float], found: Spikes, sweep: int, later: tuple[int, ...] | None
) -> dict[str, Measured]:
    """One row."""
    times = found.of(sweep)
    intervals = np.diff(times)
    one = f"the sweep has {['no spike', 'only one spike'][min(times.size, 1)]}"
    two = "the sweep has no two intervals between spikes" if times.size > 1 else one
    voltage = traced.response[sweep]
    rest = attempt(_rest, traced, voltage, window)
    rebound_spikes: Measured = "the sweep ends with the window" if later is None else later[sweep]
    row: dict[str, Measured] = {
        "sweep": sweep,
        "current": attempt(lambda: traced.levels(window)[sweep]),
        "count": times.size,
        "rate": 1e3 * times.size / (window[1] - window[0]),
        "latency": times[0] - window[0] if times.size else one,
        "first_interval": intervals[0] if intervals.size else one,
        "mean_interval": float(np.mean(intervals)) if intervals.size else one,
        "interval_cv": float(np.std(intervals, ddof=1) / np.mean(intervals)) if intervals.size > 1 else two,
        "adaptation": adaptation(intervals) if intervals.size > 1 else two,
        "bursts": len(burst_runs(times)),
        "rest": rest,
        "steady": attempt(_steady, traced, voltage, window, times.size),
        "sag": attempt(_sag, traced, voltage, window, rest, times.size),
        "sag_ratio": attempt(_sag_ratio, traced, voltage, window, rest, times.size),
        "rebound_spikes": rebound_spikes,
        "rebound": attempt(_rebound, traced, voltage, window, rest, times.size, rebound_spikes),
    }
    of_sweep = found.sweep.values == sweep
    for name in MEANS:
        values = getattr(found, name).values[of_sweep]
        values = values[np.isfinite(values)]
        reason = "the sweep has no spike" if not times.size else "none of its spikes has one"
        row[name] = float(np.mean(values)) if values.size else reason
    return row


def adaptation(intervals: np.ndarray) -> float:
    """How much intervals grow from one to the next, relative to their sum, on average."""
    return float(np.mean(np.diff(intervals) / (intervals[1:] + intervals[:-1])))


def burst_runs(times: np.ndarray) -> list[tuple[int, int]]:
    """Bursts among the times of spikes (ms): the first and the last spike of each."""
    close = np.concatenate([[False], np.diff(times) <= BURST_INTERVAL, [False]])
    starts = np.flatnonzero(~close[:-1] & close[1:])
    ends = np.flatnonzero(close[:-1] & ~close[1:])
    return [(int(a), int(b)) for a, b in zip(starts, ends, strict=True) if b - a + 1 >= BURST_SPIKES]


def _rest(traced: Trace, voltage: np.ndarray, window: tuple[float, float]) -> float:
    before = voltage[traced.part(window[0] - _BASELINE, window[0])]
    if before.size == 0:
        raise NotMeasurableError("the sweep begins with the window")
    return float(np.mean(before))


def _steady(traced: Trace, voltage: np.ndarray, window: tuple[float, float], count: int) -> float:
    if count:
        raise NotMeasurableError("the sweep has spikes in the window")
    check_clipped(voltage[traced.part(*window)], "mV")
    return float(np.mean(voltage[traced.part(window[1] - _SETTLED * (window[1] - window[0]), window[1])]))


def _driven_down(traced: Trace, voltage: np.ndarray, window: tuple[float, float], rest: Measured, count: int) -> float:
    """Where a sweep that is driven down settles, mV.

    Raises:
        NotMeasurableError: it has spikes, no rest, or is not driven down.
    """
    steady = _steady(traced, voltage, window, count)
    if isinstance(rest, str):
        raise NotMeasurableError(rest)
    if rest - steady < _LEAST_SHIFT:
        raise NotMeasurableError(f"the step does not drive the voltage down by {_LEAST_SHIFT:g} mV")
    return steady


def _sag(traced: Trace, voltage: np.ndarray, window: tuple[float, float], rest: Measured, count: int) -> float:
    steady = _driven_down(traced, voltage, window, rest, count)
    return steady - float(np.min(_smooth(voltage[traced.part(*window)], traced.dt)))


def _sag_ratio(traced: Trace, voltage: np.ndarray, window: tuple[float, float], rest: Measured, count: int) -> float:
    sag = _sag(traced, voltage, window, rest, count)
    return sag / (float(rest) - _steady(traced, voltage, window, count) + sag)


def _rebound(
    traced: Trace, voltage: np.ndarray, window: tuple[float, float], rest: Measured, count: int, later: Measured
) -> float:
    _driven_down(traced, voltage, window, rest, count)
    if isinstance(later, str):
        raise NotMeasurableError(later)
    if later:
        raise NotMeasurableError("it fires after the window")
    after = voltage[traced.part(window[1], window[1] + _REBOUND)]
    return float(np.max(_smooth(after, traced.dt)) - float(rest))


def _smooth(voltage: np.ndarray, dt: float) -> np.ndarray:
    """A running mean of 1 ms, without the ends where it is not full."""
    width = min(max(1, round(_SMOOTH / dt)), voltage.size)
    return np.convolve(voltage, np.full(width, 1.0 / width), mode="valid")
