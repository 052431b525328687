"""The events of recorded sweeps, and where in a sweep the voltage is told."""

import dataclasses
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from fitting.spikes.interpolation import between, crossings, filtered, peaks

DELAYS = np.linspace(-2.0, 4.0, 17)[None]
"""Around a spike, a row, ms."""

PHASES = np.arange(1, 7)[None] / 7.0
"""Of an interval, a row."""

SILENT, AFTER = 60, 6
"""Points in a sweep without spikes, and after the window."""


class Targets(eqx.Module):
    """The events of some sweeps; spikes beyond the count are infinite.

    Attributes:
        count: how many spikes each sweep has in the window.
        expected: the same, or what lies between two recorded counts.
        latitude: how far from that a count may be.
        times: of the spikes, ms from where the model is let go.
        peaks: of the spikes, mV.
        waveform: around each spike, mV.
        steepness: of the waveform, mV/ms.
        phases: between spikes, mV.
        silent: in the window, mV.
        after: after the window, mV.
    """

    count: Int[Array, " sweeps"]
    expected: Float[Array, " sweeps"]
    latitude: Float[Array, " sweeps"]
    times: Float[Array, "sweeps spikes"]
    peaks: Float[Array, "sweeps spikes"]
    waveform: Float[Array, "sweeps spikes delays"]
    steepness: Float[Array, "sweeps spikes delays"]
    phases: Float[Array, "sweeps intervals phases"]
    silent: Float[Array, "sweeps silent"]
    after: Float[Array, "sweeps after"]


def targets(level: float, data: np.ndarray, dt: float, window: tuple[float, float]) -> Targets:
    """The events of some recorded sweeps; spikes cross a level (mV) within a window (ms)."""
    start, end = window
    most = most_crossings(data, level)

    def sweep(v: Any) -> Any:
        times, _, _ = crossings(v, dt, level, most)
        inside = (times >= start) & (times < end)
        times = jnp.sort(jnp.where(inside, times, jnp.inf))
        count = jnp.sum(inside)
        there = jnp.where(jnp.isfinite(times), times, 0.0)
        waveform, steepness = between(v, dt, there[:, None] + jnp.asarray(DELAYS))
        phases = between(v, dt, phase_times(there, count, start, end))[0]
        silent = between(v, dt, silent_times(start, end, v.dtype))[0]
        after = between(v, dt, after_times(end, v.size * dt, v.dtype))[0]
        heights, expected, latitude = peaks(v, dt, there), count.astype(v.dtype), jnp.zeros((), v.dtype)
        return count, expected, latitude, times, heights, waveform, steepness, phases, silent, after

    found = Targets(*jax.jit(lambda v: jax.vmap(sweep)(filtered(v, dt)))(jnp.asarray(data, dtype=float)))
    wanted = max(int(found.count.max()), 1)
    return Targets(
        found.count,
        found.expected,
        found.latitude,
        found.times[:, :wanted],
        found.peaks[:, :wanted],
        found.waveform[:, :wanted],
        found.steepness[:, :wanted],
        found.phases[:, : wanted + 1],
        found.silent,
        found.after,
    )


def padded(targets: Targets, spikes: int) -> Targets:
    """The same with room for so many spikes in each sweep."""

    def wider(x: Array, room: int, filler: float = 0.0) -> Array:
        return jnp.pad(x, [(0, 0), (0, room - x.shape[1]), *[(0, 0)] * (x.ndim - 2)], constant_values=filler)

    return dataclasses.replace(
        targets,
        times=wider(targets.times, spikes, jnp.inf),
        peaks=wider(targets.peaks, spikes),
        waveform=wider(targets.waveform, spikes),
        steepness=wider(targets.steepness, spikes),
        phases=wider(targets.phases, spikes + 1),
    )


def most_crossings(v: np.ndarray, level: float) -> int:
    """For how many crossings of a level there must be room in each sweep; the low-pass makes no more of them."""
    crossed = (v[:, :-1] < level) & (v[:, 1:] >= level)
    return int(np.max(np.sum(crossed, axis=1))) + 2  # with room for one, XLA (jaxlib 0.10) compiles without end


def phase_times(times: Any, count: Any, start: float, end: float) -> Any:
    """The phases of each interval, `(spikes + 1, phases)`: from the start to the first spike, ..., to the end."""
    index = jnp.arange(times.shape[0] + 1)
    shifted = jnp.concatenate([jnp.zeros_like(times[:1]), times])
    opened = jnp.where((index > 0) & (index <= count), shifted, start)
    closed = jnp.where(index < count, jnp.append(times, jnp.zeros_like(times[:1])), end)
    return opened[:, None] + (closed - opened)[:, None] * jnp.asarray(PHASES, times.dtype)


def silent_times(start: float, end: float, dtype: Any) -> Any:
    """Times in a window without spikes."""
    return jnp.linspace(start + 1.0, end - 1.0, SILENT, dtype=dtype)


def after_times(end: float, duration: float, dtype: Any) -> Any:
    """Times between a window and the end of the sweep."""
    last = max(duration - 1.0, end)
    return end + (last - end) * jnp.asarray(np.arange(1, AFTER + 1) / AFTER, dtype)
