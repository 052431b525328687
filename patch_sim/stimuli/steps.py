"""Stimuli made of levels."""

from collections.abc import Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from patch_sim.parameters import as_array
from patch_sim.stimuli.base import AbstractStimulus, Family, family, overlap


class Step(AbstractStimulus):
    r"""A step: $a$ for $t_0 \le t < t_0 + d$, and 0 elsewhere.

    Args:
        amplitude: $a$, in pA or mV.
        start: $t_0$, ms.
        duration: $d$, ms.
    """

    amplitude: Family = family("")
    start: Family = family("ms")
    duration: Family = family("ms", at_least=0.0)

    @property
    def piecewise_constant(self) -> bool:
        """Whether the waveform is constant between its edges."""
        return True

    def at(self, t: Float[Array, "*shape"], holding: Float[Array, ""]) -> Float[Array, "*shape"]:
        """What one sweep adds to the holding level at a time (ms)."""
        on = (t >= self.start) & (t < self.start + self.duration)
        return jnp.where(on, self.amplitude, 0.0)

    def mean(self, t0: Float[Array, ""], t1: Float[Array, ""], holding: Float[Array, ""]) -> Float[Array, ""]:
        """What one sweep adds to the holding level between two times (ms), on average: exactly."""
        return self.amplitude * overlap(t0, t1, self.start, self.start + self.duration) / (t1 - t0)

    def edges(self, grid: float | None) -> Float[Array, " edges"]:
        """When (ms) one sweep jumps, leaving out what is known to lie on the samples of a grid (ms)."""
        return jnp.stack([self.start, self.start + self.duration])


class Constant(AbstractStimulus):
    """The same at all times.

    Args:
        amplitude: in pA or mV.
    """

    amplitude: Family = family("")

    @property
    def piecewise_constant(self) -> bool:
        """Whether the waveform is constant between its edges."""
        return True

    def at(self, t: Float[Array, "*shape"], holding: Float[Array, ""]) -> Float[Array, "*shape"]:
        """What one sweep adds to the holding level at a time (ms)."""
        return jnp.broadcast_to(self.amplitude, t.shape)

    def edges(self, grid: float | None) -> Float[Array, " edges"]:
        """None."""
        return jnp.zeros((0,), dtype=self.amplitude.dtype)


class Levels(AbstractStimulus):
    """Absolute levels, one after the other from time 0, and the holding level after the last.

    Args:
        levels: `[(level, length), ...]` in pA or mV, and ms; each number may be a list, one for each sweep.
        ramps: which levels, counted from 0, are not jumped to but reached in a straight line from the level before
            (the first from the holding level), just at their end.

    Raises:
        ValueError: what are no such pairs, a ramp to a level that is not there, families whose lengths differ.
    """

    levels: Float[Array, "sweeps levels"] = family("", ndim=2)
    lengths: Float[Array, "sweeps levels"] = family("ms", ndim=2, at_least=0.0)
    ramps: tuple[int, ...] = eqx.field(static=True, default=())

    def __init__(self, levels: Sequence[tuple[Any, Any]], ramps: Sequence[int] = ()):
        pairs = isinstance(levels, Sequence) and all(isinstance(pair, Sequence) and len(pair) == 2 for pair in levels)
        if not pairs or not levels:
            raise ValueError(f"levels must be a list of (level, length) pairs, not {levels!r}")
        if not set(ramps) <= set(range(len(levels))):
            raise ValueError(f"Levels.ramps must name some of the levels 0 to {len(levels) - 1}, not {ramps!r}")
        self.levels = _columns([level for level, _ in levels])
        self.lengths = _columns([length for _, length in levels])
        self.ramps = tuple(sorted(set(ramps)))

    @property
    def piecewise_constant(self) -> bool:
        """Whether the waveform is constant between its edges."""
        return not self.ramps

    def at(self, t: Float[Array, "*shape"], holding: Float[Array, ""]) -> Float[Array, "*shape"]:
        """What one sweep adds to the holding level at a time (ms)."""
        ends = jnp.cumsum(self.lengths)
        index = jnp.searchsorted(ends, t, side="right")
        level = jnp.append(self.levels - holding, 0.0)[index]
        if self.ramps:
            slopes, ends = (jnp.append(part, 0.0) for part in (self._slopes(holding), ends))
            level = level - slopes[index] * (ends[index] - t)
        return level

    def mean(self, t0: Float[Array, ""], t1: Float[Array, ""], holding: Float[Array, ""]) -> Float[Array, ""]:
        """What one sweep adds to the holding level between two times (ms), on average: exactly."""
        ends = jnp.cumsum(self.lengths)
        starts = ends - self.lengths
        levels = self.levels - holding
        if self.ramps:
            middles = 0.5 * (jnp.clip(t0, starts, ends) + jnp.clip(t1, starts, ends))
            levels = levels - self._slopes(holding) * (ends - middles)
        return jnp.sum(levels * overlap(t0, t1, starts, ends) / (t1 - t0))

    def edges(self, grid: float | None) -> Float[Array, " edges"]:
        """When (ms) one sweep jumps, leaving out what is known to lie on the samples of a grid (ms)."""
        return jnp.cumsum(self.lengths)

    def _slopes(self, holding: Float[Array, ""]) -> Float[Array, " levels"]:
        """How steeply (per ms) each level is reached: 0, unless it is by a ramp that takes any time."""
        rises = jnp.diff(self.levels, prepend=jnp.reshape(holding, (1,)))
        ramps = np.isin(np.arange(self.levels.shape[-1]), self.ramps) & (self.lengths > 0)
        return jnp.where(ramps, rises / jnp.where(ramps, self.lengths, 1.0), 0.0)


def _columns(entries: list[Any]) -> Any:
    """Put one number or family for each column side by side: `(sweeps, columns)`."""
    arrays = [as_array(entry) for entry in entries]
    if not all(isinstance(array, jax.Array) for array in arrays):
        return entries
    sweeps = max(jnp.size(array) for array in arrays)
    if any(jnp.size(array) not in (1, sweeps) for array in arrays):
        raise ValueError(f"Levels: families of {sorted({jnp.size(array) for array in arrays})} sweeps do not zip")
    return jnp.stack([jnp.broadcast_to(array, (sweeps,)) for array in arrays], axis=1)
