"""The residuals between the events of a recorded and of a simulated sweep."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from fitting.spikes.interpolation import between, peaks
from fitting.spikes.targets import AFTER, DELAYS, PHASES, SILENT, after_times, phase_times, silent_times

_LATE = 30.0  # ms after the window: when a spike that is missing is taken to come
_LATENCY = 0.7  # weight of the first latency beside that of all times
_QUIET = 1.5  # weight of sweeps without spikes
_MISSING = 4.0  # what is missing counts as so many tolerances


class Matched(NamedTuple):
    """The spikes of a recorded and a simulated sweep, in order; how many both have, and the model."""

    target: Any
    times: Any
    both: Any
    count: Any

    @property
    def here(self) -> Any:
        """Which spikes the data have."""
        return jnp.arange(self.times.shape[0]) < self.target.count

    @property
    def paired(self) -> Any:
        """Which of them the model has too."""
        return jnp.arange(self.times.shape[0]) < self.both

    @property
    def own(self) -> Any:
        """The times of the model's, 0 where there is none to compare."""
        return jnp.where(self.paired, self.times, 0.0)


class Group(NamedTuple):
    """Residuals of one kind, which of them count, and how many these are; each is worth one over the root of that."""

    residuals: Any
    counting: Any
    size: Any


def bounded_group(group: Group, most: Any) -> Float[Array, " residuals"]:
    """The residuals of a group in a row, weighed, and each at most `most` before that."""
    r = jnp.where(group.counting, group.residuals, 0.0)
    bounded = r / jnp.sqrt(1.0 + (r / most) ** 2)
    return (bounded / jnp.sqrt(jnp.maximum(group.size, 1)).astype(r.dtype)).ravel()


def of_times(loss: Any, window: tuple[float, float], matched: Matched, times: Any) -> Iterator[Group]:
    """Residuals of spike times, of the first latency, of intervals, and of a first extra spike."""
    start, end = window
    target, here, paired = matched.target, matched.here, matched.paired
    n = target.count
    recorded = jnp.where(here, target.times, 0.0)
    model = jnp.where(here & ~paired, end + _LATE, matched.own)
    tolerance = loss.time + loss.drift * jnp.maximum(recorded - start, 0.0)
    off = (model - recorded) / tolerance
    yield Group(off, here, n)
    yield Group(_LATENCY * off[:1], here[:1], 1)

    def logarithms(t: Any, there: Any) -> Any:
        return jnp.log(jnp.where(there, jnp.diff(t), 1.0))

    between_both = logarithms(matched.own, paired[1:]) - logarithms(recorded, paired[1:])
    missing = here[1:] & ~paired[1:]
    yield Group(jnp.where(missing, _MISSING, between_both / loss.interval), here[1:], n - 1)

    extra = jnp.where(matched.count > n, times[jnp.minimum(n, times.shape[0] - 1)], jnp.inf)
    beyond = jnp.isfinite(extra)
    early = (end - jnp.where(beyond, extra, end)) / (loss.time + loss.drift * (end - start))
    yield Group(early[None], beyond[None], 1)


def of_voltages(
    loss: Any, window: tuple[float, float], matched: Matched, v: Float[Array, " samples"], dt: float
) -> Iterator[Group]:
    """Residuals of the voltage around spikes, between them, without any, and after the window."""
    start, end = window
    target, here, paired = matched.target, matched.here, matched.paired
    n = target.count
    height = (peaks(v, dt, matched.own) - target.peaks) / loss.peak
    yield Group(jnp.where(paired, height, _MISSING), here, n)
    around = _read(v, dt, matched.own[:, None] + jnp.asarray(DELAYS, v.dtype))
    waveform = (around - target.waveform) / (loss.waveform + loss.jitter * jnp.abs(target.steepness))
    waveform = jnp.where(paired[:, None], waveform, _MISSING)
    yield Group(waveform, here[:, None], n * DELAYS.size)

    index = jnp.arange(here.size + 1)
    phases = _read(v, dt, phase_times(matched.own, matched.both, start, end))
    unknown = (index > matched.both) | ((index == matched.both) & (matched.both < n))
    phases = jnp.where(unknown[:, None], _MISSING, (phases - target.phases) / loss.phase)
    yield Group(phases, ((index <= n) & (n > 0))[:, None], (n + 1) * PHASES.size)

    silent = _read(v, dt, silent_times(start, end, v.dtype)) - target.silent
    yield Group(_QUIET * silent / loss.silent, n == 0, SILENT)
    after = _read(v, dt, after_times(end, v.size * dt, v.dtype)) - target.after
    yield Group(after / loss.phase, True, AFTER)


def _read(v: Float[Array, " samples"], dt: float, t: Float[Array, "*times"]) -> Float[Array, "*times"]:
    """The filtered voltage at times that carry a derivative."""
    value, slope = between(v, dt, t)
    return value + jax.lax.stop_gradient(slope) * (t - jax.lax.stop_gradient(t))
