"""Steps of current into a preset, and what its spikes look like: by hand, so that no cell is judged by our own code."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

import patch_sim as ps

SOLVER = ps.Adaptive(1e-5, 1e-5)


class SpikeShape(NamedTuple):
    """One spike: `threshold`, `peak`, `height` above threshold and the `trough` after it in mV, `half_width` in ms."""

    threshold: float
    peak: float
    height: float
    half_width: float
    trough: float


def steps(
    cell: ps.Neuron, amplitudes: Sequence[float], start: float, duration: Any, length: float, **options: Any
) -> tuple[np.ndarray, dict[float, np.ndarray]]:
    """The time (ms), and the voltage (mV) of a cell under each step of current (pA), by its amplitude.

    `dt` and `holding` go to the protocol, `initial` to the simulation. Equally many steps of the same cell, as long and
    as densely sampled, compile once.
    """
    initial = options.pop("initial", None)
    step = ps.Step(list(amplitudes), start, duration)
    clamp = ps.CurrentClamp(step, duration=length, dt=options.pop("dt", 0.05), **options)
    rec = ps.simulate(cell, clamp, initial=initial, save=("voltage",), solver=SOLVER)
    return np.asarray(rec.time), dict(zip(amplitudes, np.asarray(rec.voltage), strict=True))


def spike_times(time: np.ndarray, voltage: np.ndarray, level: float = 0.0) -> np.ndarray:
    """When the voltage (mV) of one sweep crosses a level upward, between samples by a straight line, in ms."""
    time, voltage = np.asarray(time), np.asarray(voltage)
    before = np.flatnonzero((voltage[:-1] < level) & (voltage[1:] >= level))
    return _crossing(time, voltage, before, level)


def rates(spikes: np.ndarray) -> np.ndarray:
    """The inverse of each interval between spikes, Hz."""
    return 1000.0 / np.diff(spikes)


def spike_shape(
    time: np.ndarray, voltage: np.ndarray, index: int = 0, level: float = 0.0, slope: float = 20.0
) -> SpikeShape:
    """The shape of one spike of a sweep, the `index`-th; its threshold is where dV/dt first reaches `slope` (mV/ms).

    The threshold is looked for backward from the spike, so that a slow rise before it is not taken for the spike; the
    trough is the lowest voltage until the next spike, or in the 20 ms after a last one.
    """
    time, voltage = np.asarray(time), np.asarray(voltage)
    crossings = np.flatnonzero((voltage[:-1] < level) & (voltage[1:] >= level))
    at = crossings[index]
    later = crossings[crossings > at]
    end = later[0] if later.size else min(np.searchsorted(time, time[at] + 20.0), time.size)
    dv = np.gradient(voltage, time)
    start = np.flatnonzero(dv[: at + 1] < slope)[-1]
    threshold = float(voltage[start] + (slope - dv[start]) / (dv[start + 1] - dv[start]) * np.diff(voltage)[start])
    top = at + int(np.argmax(voltage[at:end]))
    peak = float(voltage[top])
    half = (threshold + peak) / 2.0
    rise = _crossing(time, voltage, start + int(np.flatnonzero(voltage[start : top + 1] < half)[-1]), half)
    fall = _crossing(time, voltage, top + int(np.flatnonzero(voltage[top:end] < half)[0]) - 1, half)
    return SpikeShape(threshold, peak, peak - threshold, float(fall - rise), float(voltage[top:end].min()))


def _crossing(time: np.ndarray, voltage: np.ndarray, before: Any, level: float) -> np.ndarray:
    """Where the line from a sample to the next one meets a level."""
    rise = voltage[before + 1] - voltage[before]
    return time[before] + (level - voltage[before]) / rise * (time[before + 1] - time[before])
