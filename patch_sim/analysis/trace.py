"""What is measured: the samples of a recording as NumPy arrays, its steps, and windows in it."""

import dataclasses
from collections.abc import Sequence
from typing import NamedTuple

import jax
import numpy as np

from patch_sim.analysis.measurement import NotMeasurableError
from patch_sim.protocols import Mode
from patch_sim.recording import Recording

_MOST_EDGES = 40  # a command that moves more often is no family of steps
_ROUNDINGS = 8 * float(np.finfo(np.float32).eps)  # of the largest value
_FLAT = 5  # so many equal samples at the extreme of a trace are no peak


class Segment(NamedTuple):
    """A time during which a command stands still: `start` and `end` in ms, `level` in pA or mV."""

    start: float
    end: float
    level: float


@dataclasses.dataclass(frozen=True, eq=False)
class Trace:
    """The arrays of a recording.

    Attributes:
        time: ms, `(samples,)`.
        response: mV in current clamp, pA in voltage clamp, `(sweeps, samples)`.
        command: pA or mV, `(sweeps, samples)`; None if it was not kept.
        mode: what the amplifier held.
        dt: the sampling interval, ms.
    """

    time: np.ndarray
    response: np.ndarray
    command: np.ndarray | None
    mode: Mode
    dt: float

    @property
    def end(self) -> float:
        """Where the last sample ends, ms."""
        return float(self.time[-1]) + self.dt

    def part(self, start: float, end: float) -> slice:
        """The samples of `start <= t < end` (ms)."""
        first, last = np.searchsorted(self.time, [start - 1e-6 * self.dt, end - 1e-6 * self.dt])
        return slice(int(first), int(last))

    def levels(self, window: tuple[float, float]) -> np.ndarray:
        """What was commanded in a window: the median of each sweep, `(sweeps,)`."""
        if self.command is None:
            raise NotMeasurableError("the recording holds no command")
        return np.median(self.command[:, self.part(*window)], axis=1)

    def segments(self, sweep: int) -> list[Segment]:
        """The levels of the command in one sweep.

        Raises:
            NotMeasurableError: there is no command, or it moves too often to be one of steps.
        """
        if self.command is None:
            raise NotMeasurableError("the recording holds no command")
        return _segments(self.time, self.command[sweep][None], self.end)


def trace(recording: Recording, mode: Mode | None = None) -> Trace:
    """The arrays of a recording.

    Raises:
        ValueError: what is no recording, or one whose samples are not evenly spaced.
        NotMeasurableError: a recording of another mode, or without a response that is finite.
    """
    if not isinstance(recording, Recording):
        raise ValueError(f"a measurement takes a Recording, not {recording!r}")
    if mode is not None and recording.mode is not mode:
        raise NotMeasurableError(f"this is a recording in {recording.mode.value}, and it takes one in {mode.value}")
    in_current_clamp = recording.mode is Mode.CURRENT_CLAMP
    response = recording.measured_voltage if in_current_clamp else recording.current
    if response is None and in_current_clamp:
        response = recording.voltage
    if response is None:
        raise NotMeasurableError(f"the recording holds no response ({recording.mode.response_unit})")
    response = np.asarray(response, float)
    if not np.isfinite(response).all():
        raise NotMeasurableError(f"{np.count_nonzero(~np.isfinite(response))} samples are not finite")
    command = None if recording.command is None else np.asarray(recording.command, float)
    return Trace(np.asarray(recording.time, float), response, command, recording.mode, recording.dt)


def check_window(window: Sequence[float] | None) -> None:
    """Refuse what is no window.

    Raises:
        ValueError: not two finite times (ms) in their order.
    """
    if window is not None:
        times = np.asarray(window, float)
        if times.shape != (2,) or not np.isfinite(times).all() or not times[0] < times[1]:
            raise ValueError(f"window must be (start, end) in ms with start before end, not {window!r}")


def resolve(traced: Trace, window: Sequence[float] | None) -> tuple[float, float]:
    """The window to measure in, ms: the one given, or the first step of the command, or else the whole sweep.

    The first step is the first time between jumps in which the command differs between sweeps, or if it never does,
    from where it began.

    Raises:
        ValueError: what is no window.
        NotMeasurableError: it is not within the sweep.
    """
    check_window(window)
    if window is None:
        step = first_step(traced)
        return (float(traced.time[0]), traced.end) if step is None else step
    start, end = map(float, window)
    if start < traced.time[0] - traced.dt or end > traced.end + traced.dt:
        raise NotMeasurableError(
            f"the window from {start:g} to {end:g} ms is not within the sweep, {traced.time[0]:g} to {traced.end:g} ms"
        )
    return start, end


def first_step(traced: Trace) -> tuple[float, float] | None:
    """When the command first differs between sweeps, or from where it began, ms; None if it has no steps."""
    if traced.command is None:
        return None
    try:
        segments = _segments(traced.time, traced.command, traced.end)
    except NotMeasurableError:
        return None
    levels = [np.median(traced.command[:, traced.part(s.start, s.end)], axis=1) for s in segments]
    differ = [np.ptp(level) > 0.0 for level in levels]
    moved = [bool(np.any(level != levels[0])) for level in levels]
    which = next((k for tests in (differ, moved) for k, test in enumerate(tests) if test and k), None)
    return None if which is None else (segments[which].start, segments[which].end)


def _segments(time: np.ndarray, command: np.ndarray, end: float) -> list[Segment]:
    """The times between jumps of any of the sweeps."""
    jumps = np.any(np.abs(np.diff(command, axis=1)) > 1e-6 * max(np.ptp(command), 1e-9), axis=0)
    edges = np.flatnonzero(jumps) + 1
    if edges.size > _MOST_EDGES * command.shape[0]:
        raise NotMeasurableError("the command does not consist of steps")
    bounds = [0, *edges, time.size]
    times = [*time[[0, *edges]], end]
    return [
        Segment(float(times[k]), float(times[k + 1]), float(np.median(command[0, bounds[k] : bounds[k + 1]])))
        for k in range(len(bounds) - 1)
    ]


def check_clipped(values: np.ndarray, unit: str) -> None:
    """Refuse a stretch of a trace that runs into its highest or lowest value and stays there.

    Raises:
        NotMeasurableError: five samples or more in a row are equal there, and it came or went by more than 0.1 % of its
            range at once, as what settles does not. A range of some roundings is none: a simulated rest is no clipping.
    """
    extent = np.ptp(values)
    if extent <= _ROUNDINGS * np.max(np.abs(values)):
        return
    for extreme in (values.max(), values.min()):
        padded = np.concatenate([[False], values == extreme, [False]])
        edges = np.flatnonzero(np.diff(padded.astype(int)))
        for first, after in zip(edges[::2], edges[1::2], strict=True):
            beside = values[[max(first - 1, 0), min(after, values.size - 1)]]
            if after - first >= _FLAT and np.max(np.abs(beside - extreme)) > 1e-3 * extent:
                raise NotMeasurableError(f"the trace is clipped at {extreme:g} {unit}")


def part(recording: Recording, start: float, end: float) -> Recording:
    """The samples of a recording from `start` to `end` (ms), in every sweep; times stay as they are.

    Raises:
        ValueError: what is no window, or none of the samples lie in it.
    """
    check_window((start, end))
    time = np.asarray(recording.time)
    inside = slice(*np.searchsorted(time, [start, end]))
    if inside.start == inside.stop:
        raise ValueError(f"no sample lies from {start:g} to {end:g} ms; the sweep is {time[0]:g} to {time[-1]:g} ms")
    shape = (recording.sweeps, time.size)
    signals = ("voltage", "measured_voltage", "current", "command", "currents", "states", "mask")
    cut = {
        name: jax.tree.map(lambda x: x[:, inside] if np.shape(x) == shape else x, getattr(recording, name))
        for name in signals
    }
    state = recording.final_state if inside.stop == time.size else None
    return dataclasses.replace(recording, time=recording.time[inside], final_state=state, **cut)


def last(recording: Recording, duration: float) -> Recording:
    """The last so many ms of a recording: of a stream that goes on, what to measure now.

    Raises:
        ValueError: a duration that is not positive.
    """
    if not duration > 0.0:
        raise ValueError(f"duration must be a positive time in ms, not {duration!r}")
    end = float(recording.time[-1]) + recording.dt
    return part(recording, max(end - duration, float(recording.time[0])) - 1e-6 * recording.dt, end)
