"""Action potentials, one by one."""

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from patch_sim.analysis import draw
from patch_sim.analysis.measurement import (
    REASON,
    AbstractMeasurement,
    Column,
    Measured,
    NotMeasurableError,
    attempt,
    unmeasured,
)
from patch_sim.analysis.threshold import AbstractThreshold, Slope
from patch_sim.analysis.trace import Trace, check_clipped, check_window, resolve, trace
from patch_sim.protocols import Mode
from patch_sim.recording import Recording

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_LEVEL = -20.0  # mV
_PROMINENCE = 10.0  # mV
FAST, MEDIUM, SLOW = (0.0, 5.0), (5.0, 50.0), (50.0, 500.0)
"""When after a peak the parts of the afterhyperpolarization are looked for, ms."""

UNITS = {
    "threshold": "mV",
    "threshold_time": "ms",
    "peak": "mV",
    "amplitude": "mV",
    "half_width": "ms",
    "upstroke": "mV/ms",
    "downstroke": "mV/ms",
    "trough": "mV",
    "trough_delay": "ms",
    "ahp": "mV",
    "ahp_fast": "mV",
    "ahp_medium": "mV",
    "ahp_slow": "mV",
}


@dataclasses.dataclass(frozen=True, eq=False)
class Spikes(AbstractMeasurement):
    """Action potentials, a row each.

    A spike is a peak of the voltage above a level that stands out by 10 mV, that is, the voltage falls by so much on
    both sides before it rises higher, or before the sweep ends. It belongs to the window in which its peak lies, with
    start <= peak < end. So a spike of which the sweep shows less than 10 mV before or after the peak is not counted;
    one whose foot lies before the sweep is, and its threshold is not measurable. What is measured around a peak is
    looked for in the whole sweep up to the next peak, except that what follows the last spike ends with the window,
    since what comes after a step is no afterhyperpolarization.

    Beside eFEL 5.7, on 58 spikes of a pyramidal cell at 20 kHz and 49 of a layer 5 cell at 100 kHz: the same spikes,
    peak times within half a sample; peaks 0.03 and 0.001 mV higher in the mean (a vertex, not a sample), thresholds
    0.28 and 0.05 mV lower (a crossing of 10 mV/ms, not the first sample beyond it), so amplitudes 0.31 and 0.05 mV
    larger; half-widths those of its `AP_duration_half_width` within 0.1 and 0.05 ms, but for the last spike of a
    window, where it goes wrong (its `spike_half_width` starts from the trough and is wider); troughs its
    `min_between_peaks_values` exactly (its `AHP_depth_abs` is the first local minimum after a peak, a median of 5.1
    mV higher in the pyramidal cell).

    Attributes:
        sweep: in which sweep, counted from 0.
        time: of the peak, ms: the vertex of the parabola through the highest sample and its neighbors.
        interval: since the peak before in the same sweep and window, ms.
        threshold: voltage at the onset, mV, by the criterion chosen.
        threshold_time: ms.
        peak: voltage of that vertex, mV.
        amplitude: peak less threshold, mV.
        half_width: duration at half the amplitude, ms, between samples by straight lines.
        upstroke: greatest dV/dt on the way up, mV/ms, by central differences.
        downstroke: lowest dV/dt after the peak, mV/ms: negative.
        trough: lowest voltage until the next peak or the window's end, mV.
        trough_delay: from peak to trough, ms.
        ahp: threshold less trough, mV.
        ahp_fast: threshold less the lowest voltage in the 5 ms after the peak, mV.
        ahp_medium: the same from 5 to 50 ms after the peak.
        ahp_slow: the same from 50 to 500 ms (the three after Storm (1987), J Physiol 385:733-759).
        window: in which they were looked for, ms.
        counts: of each sweep, `(sweeps,)`.
    """

    sweep: Column
    time: Column
    interval: Column
    threshold: Column
    threshold_time: Column
    peak: Column
    amplitude: Column
    half_width: Column
    upstroke: Column
    downstroke: Column
    trough: Column
    trough_delay: Column
    ahp: Column
    ahp_fast: Column
    ahp_medium: Column
    ahp_slow: Column
    window: tuple[float, float] = (np.nan, np.nan)
    counts: tuple[int, ...] = ()

    def of(self, sweep: int) -> np.ndarray:
        """The times of one sweep's spikes, ms."""
        return self.time.values[self.sweep.values == sweep]

    def plot(self) -> "Figure":
        """Draw when each sweep fires, and how amplitude and half-width go with time; needs matplotlib."""
        figure, (raster, amplitude, width) = draw.figure(3, height=2.2, share_x=True)
        colors = draw.colors(len(self.counts))[self.sweep.values.astype(int)] if len(self.time) else None
        raster.scatter(self.time, self.sweep, c=colors, marker="|", s=60)
        amplitude.scatter(self.time, self.amplitude, c=colors, s=12)
        width.scatter(self.time, self.half_width, c=colors, s=12)
        draw.label(raster, "", "sweep")
        raster.set_ylim(-0.7, len(self.counts) - 0.3)
        draw.label(amplitude, "", "amplitude (mV)")
        draw.label(width, "time (ms)", "half-width (ms)")
        return figure


class _Peaks(NamedTuple):
    """The spikes of one sweep: their highest samples, and the lowest ones before each."""

    at: np.ndarray
    foot: np.ndarray


def spikes(
    recording: Recording,
    window: Sequence[float] | None = None,
    *,
    threshold: AbstractThreshold | None = None,
    level: float = _LEVEL,
) -> Spikes:
    """Find the action potentials of a recording in current clamp, and measure each.

    Args:
        recording: simulated or from a file.
        window: where to look, (start, end) in ms; None for the first step of the command, or the whole sweep.
        threshold: the criterion for the onset; None for `Slope(10.0)`.
        level: what a peak must reach, mV.

    Raises:
        ValueError: an argument that is not what it should be.
    """
    if threshold is not None and not isinstance(threshold, AbstractThreshold):
        raise ValueError(f"threshold must be a criterion such as Slope(10.0), not {threshold!r}")
    check_window(window)
    try:
        traced = trace(recording, Mode.CURRENT_CLAMP)
        span = resolve(traced, window)
    except NotMeasurableError as error:
        return Spikes(*unmeasured(str(error), ("", "ms", "ms", *UNITS.values())), notes=(REASON.format(error),))
    return measure(traced, span, threshold or Slope(), level)


def measure(traced: Trace, window: tuple[float, float], threshold: AbstractThreshold, level: float = _LEVEL) -> Spikes:
    """The spikes of a trace in a window."""
    rows: dict[str, list[Measured]] = {name: [] for name in ("sweep", "time", "interval", *UNITS)}
    counts = []
    for sweep, voltage in enumerate(traced.response):
        peaks = _peaks(voltage, level)
        slope = np.gradient(voltage, traced.dt)
        times = np.array([traced.time[0] + traced.dt * _vertex(voltage, at)[0] for at in peaks.at.tolist()])
        inside = np.flatnonzero((times >= window[0]) & (times < window[1]))
        counts.append(inside.size)
        for k in inside:
            first = k == inside[0]
            rows["sweep"].append(sweep)
            rows["time"].append(times[k])
            rows["interval"].append("it is the first spike of its sweep" if first else times[k] - times[k - 1])
            end = peaks.at[k + 1] if k + 1 < len(times) and k != inside[-1] else traced.part(*window).stop
            for name, value in _spike(traced, voltage, slope, peaks, int(k), int(end), threshold).items():
                rows[name].append(value)
    units = {"sweep": "", "time": "ms", "interval": "ms", **UNITS}
    columns = {name: Column.of(values, units[name]) for name, values in rows.items()}
    return Spikes(**columns, window=window, counts=tuple(counts), notes=() if any(counts) else ("there are no spikes",))


def _peaks(voltage: np.ndarray, level: float) -> _Peaks:
    from scipy import signal

    at, _ = signal.find_peaks(voltage, height=level, prominence=_PROMINENCE)
    starts = [0, *at[:-1]]
    return _Peaks(at, np.array([a + np.argmin(voltage[a:b]) for a, b in zip(starts, at, strict=False)], int))


def _spike(
    traced: Trace,
    voltage: np.ndarray,
    slope: np.ndarray,
    peaks: _Peaks,
    k: int,
    end: int,
    criterion: AbstractThreshold,
) -> dict[str, Measured]:
    """What there is to measure of the k-th spike of a sweep, whose trough lies before the sample `end`."""
    at, foot, dt = int(peaks.at[k]), int(peaks.foot[k]), traced.dt
    steepest = foot + int(np.argmax(slope[foot : at + 1]))
    _, top = _vertex(voltage, at)
    clipped = attempt(_not_clipped, voltage[max(foot, at - 50) : at + 50])
    peak = clipped if isinstance(clipped, str) else top
    onset = criterion.onset(voltage, slope, foot, steepest)
    threshold: Measured = "the criterion for its onset is met nowhere before it"
    if onset is not None:
        threshold = float(np.interp(onset, np.arange(foot, at + 1), voltage[foot : at + 1]))
    after = voltage[at:end]
    trough: Measured = float(np.min(after)) if after.size > 1 else "the window ends at its peak"
    values: dict[str, Measured] = {
        "threshold": threshold,
        "threshold_time": threshold if onset is None else float(traced.time[0]) + dt * onset,
        "peak": peak,
        "amplitude": _difference(peak, threshold),
        "half_width": attempt(_half_width, voltage, foot, at, peak, threshold, dt),
        "upstroke": float(slope[steepest]),
        "downstroke": float(np.min(slope[at:end])) if after.size > 1 else trough,
        "trough": trough,
        "trough_delay": trough if isinstance(trough, str) else dt * float(np.argmin(after)),
        "ahp": _difference(threshold, trough),
    }
    for name, span in (("ahp_fast", FAST), ("ahp_medium", MEDIUM), ("ahp_slow", SLOW)):
        lowest = attempt(_lowest, after, span, dt)
        values[name] = _difference(threshold, lowest)
    return values


def _vertex(voltage: np.ndarray, at: int) -> tuple[float, float]:
    """Position and value of the vertex of the parabola through a highest sample and its neighbors."""
    before, here, after = voltage[at - 1 : at + 2]
    bend = before - 2.0 * here + after
    shift = 0.5 * (before - after) / bend if bend < 0.0 else 0.0
    return at + float(shift), float(here - 0.25 * (before - after) * shift)


def _not_clipped(voltage: np.ndarray) -> float:
    check_clipped(voltage, "mV")
    return 0.0


def _difference(upper: Measured, lower: Measured) -> Measured:
    """Of two numbers, or why there is none."""
    if isinstance(upper, str) or isinstance(lower, str):
        return upper if isinstance(upper, str) else lower
    return upper - lower


def _half_width(voltage: np.ndarray, foot: int, at: int, peak: Measured, threshold: Measured, dt: float) -> float:
    """The time (ms) between the crossings of half the amplitude, around a peak."""
    if isinstance(peak, str) or isinstance(threshold, str):
        raise NotMeasurableError(peak if isinstance(peak, str) else threshold)
    half = 0.5 * (peak + threshold)
    below = np.flatnonzero(voltage[foot:at] < half)
    under = np.flatnonzero(voltage[at:] < half)
    if below.size == 0 or under.size == 0:
        raise NotMeasurableError("the sweep does not show it down to half its amplitude")
    return dt * (_cross(voltage, at + int(under[0]) - 1, half) - _cross(voltage, foot + int(below[-1]), half))


def _cross(voltage: np.ndarray, k: int, level: float) -> float:
    """Where the line from sample k to the next one meets a level."""
    return k + float((level - voltage[k]) / (voltage[k + 1] - voltage[k]))


def _lowest(after: np.ndarray, span: tuple[float, float], dt: float) -> float:
    """The lowest voltage in a span of delays (ms) after a peak."""
    first, stop = (round(delay / dt) for delay in span)
    if after.size <= first + 1:
        raise NotMeasurableError(f"the next spike or the window's end comes within {span[0]:g} ms of the peak")
    return float(np.min(after[first : stop + 1]))
