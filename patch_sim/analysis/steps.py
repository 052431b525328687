"""What a voltage clamp measures in a window of each sweep: peak and steady current."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from patch_sim.analysis.measurement import NotMeasurableError
from patch_sim.analysis.trace import Segment, Trace, resolve, trace
from patch_sim.protocols import Mode
from patch_sim.recording import Recording

_BEFORE = 5.0  # ms: of the holding current
_SETTLED = 0.1  # of the window, at its end
_SMOOTH = 5  # samples
_NOISES = 5.0


@dataclasses.dataclass(frozen=True, eq=False)
class Steps:
    """Currents in a window, `(sweeps,)` each, with the trace that they are from.

    Attributes:
        traced: the trace.
        window: where, ms.
        level: the command in the window, mV.
        peak: the current furthest from a reference, pA, in parabolas through 5 samples (Savitzky and Golay (1964), Anal
            Chem 36:1627-1639). Where it is within 5 standard deviations of the noise from the reference it is the
            steady current instead, since the largest of many noisy samples is never 0.
        peak_time: ms; NaN where no peak stands out.
        steady: mean over the last tenth of the window, pA.
        noise: standard deviation of a sample, pA, from the differences between neighbors.
    """

    traced: Trace
    window: tuple[float, float]
    level: np.ndarray
    peak: np.ndarray
    peak_time: np.ndarray
    steady: np.ndarray
    noise: np.ndarray

    @property
    def peak_error(self) -> np.ndarray:
        """The standard error of each peak from the noise, pA."""
        return np.where(np.isfinite(self.peak_time), self.noise * np.sqrt(17.0 / 35.0), self.steady_error)

    @property
    def steady_error(self) -> np.ndarray:
        """The standard error of each steady current from the noise, pA."""
        settled = _tail(self.traced, self.window)
        return self.noise / np.sqrt(settled.stop - settled.start)


def steps(recording: Recording, window: Sequence[float] | None, skip: float) -> Steps:
    """Measure the currents of a voltage clamp in a window; peaks are those furthest from the holding current.

    Args:
        recording: in voltage clamp.
        window: (start, end) in ms; None for the first step of the command.
        skip: how much of the window's start to leave out, with a capacitive transient in it, ms.

    Raises:
        ValueError: `skip` that is negative.
        NotMeasurableError: another mode; a window that is not there, or too short.
    """
    traced = trace(recording, Mode.VOLTAGE_CLAMP)
    start, end = resolve(traced, window)
    before = traced.part(start - _BEFORE, start)
    holding = np.mean(traced.response[:, before], axis=1) if before.stop > before.start else None
    return measure(traced, (start + skip, end), holding)


def measure(traced: Trace, window: tuple[float, float], reference: np.ndarray | None = None) -> Steps:
    """Measure the currents of a trace in a window.

    Args:
        traced: the trace.
        window: (start, end) in ms.
        reference: from what a peak is counted, pA, `(sweeps,)`; None for where the window ends.

    Raises:
        NotMeasurableError: the window holds too few samples, or there is no command.
    """
    from scipy import signal

    inside = traced.part(*window)
    current = traced.response[:, inside]
    if current.shape[1] < 2 * _SMOOTH:
        raise NotMeasurableError(f"the window from {window[0]:g} to {window[1]:g} ms has {current.shape[1]} samples")
    steady = np.mean(traced.response[:, _tail(traced, window)], axis=1)
    reference = steady if reference is None else reference
    smooth = signal.savgol_filter(current, _SMOOTH, 2, axis=1)
    at = np.argmax(np.abs(smooth - reference[:, None]), axis=1)
    peak = np.take_along_axis(smooth, at[:, None], axis=1)[:, 0]
    second = np.diff(current, n=2, axis=1)
    noise = 1.4826 * np.median(np.abs(second - np.median(second, axis=1, keepdims=True)), axis=1) / np.sqrt(6.0)
    stands_out = np.abs(peak - reference) >= _NOISES * noise
    peak_time = np.where(stands_out, traced.time[inside][at], np.nan)
    return Steps(traced, window, traced.levels(window), np.where(stands_out, peak, steady), peak_time, steady, noise)


def check_skip(skip: float) -> None:
    """Refuse a time to leave out that is negative or not finite.

    Raises:
        ValueError: it is.
    """
    if not 0.0 <= skip < np.inf:
        raise ValueError(f"skip must be a time of at least 0 ms, not {skip!r}")


def segment_after(traced: Trace, step: tuple[float, float]) -> tuple[float, float]:
    """The level of the command that follows a step, ms.

    Raises:
        NotMeasurableError: none does.
    """
    later: list[Segment] = [s for s in _all_segments(traced) if s.start >= step[1] - 0.5 * traced.dt]
    if not later:
        raise NotMeasurableError("no other level follows the step")
    return later[0].start, later[0].end


def _all_segments(traced: Trace) -> list[Segment]:
    """The levels of all sweeps, cut wherever one of them jumps."""
    edges = sorted({s.start for k in range(traced.response.shape[0]) for s in traced.segments(k)})
    return [Segment(a, b, np.nan) for a, b in zip(edges, [*edges[1:], traced.end], strict=True)]


def _tail(traced: Trace, window: tuple[float, float]) -> slice:
    return traced.part(window[1] - _SETTLED * (window[1] - window[0]), window[1])
