"""Waveforms in time. `+` adds them; each knows its edges; a list in any field makes a family of sweeps."""

import abc
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, Float

from patch_sim.parameters import AbstractParametric, as_array

_SNAP = 8.0


if TYPE_CHECKING:
    # Type checkers do not know converters: what is given as a number or a list is held as an array.
    Family: TypeAlias = Any
else:
    Family = Float[Array, " sweeps"]


def family(unit: str, *, ndim: int = 1, default: Any = None, **limits: float) -> Any:
    """Declare a number of a stimulus, one for each sweep: a leading axis of sweeps, of length 1 if all share it."""

    def convert(value: Any) -> Any:
        array = as_array(value)
        if not isinstance(array, jax.Array):
            return array
        return jnp.reshape(array, (1,) * (ndim - array.ndim) + array.shape)

    options = {} if default is None else {"default": default}
    return eqx.field(converter=convert, metadata={"unit": unit, "ndim": ndim, **limits}, **options)


class AbstractStimulus(AbstractParametric):
    """A waveform, or a family of them: every array has a leading axis of sweeps.

    The methods `at` and `edges` speak of one sweep: call them under `vmap`, or on `stimulus.sweep(k)`.

    Raises:
        ValueError: a field that is not a number or a list of numbers, or lengths of families that differ.
    """

    @property
    @abc.abstractmethod
    def piecewise_constant(self) -> bool:
        """Whether the waveform is constant between its edges."""

    def __check_init__(self):
        lengths = {np.shape(leaf)[0] for leaf in jax.tree.leaves(self)} - {1}
        if len(lengths) > 1:
            raise ValueError(f"{type(self).__name__}: families of {sorted(lengths)} sweeps do not zip")

    @property
    def sweeps(self) -> int:
        """The number of sweeps in the family."""
        return max((leaf.shape[0] for leaf in jax.tree.leaves(self)), default=1)

    def broadcast(self, sweeps: int) -> "AbstractStimulus":
        """The same family with every array as long as there are sweeps."""
        return jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (sweeps, *leaf.shape[1:])), self)

    def sweep(self, index: int) -> "AbstractStimulus":
        """One sweep of the family, its arrays without the axis of sweeps."""
        return jax.tree.map(lambda leaf: leaf[index], self.broadcast(self.sweeps))

    @abc.abstractmethod
    def at(self, t: Float[Array, "*shape"], holding: Float[Array, ""]) -> Float[Array, "*shape"]:
        """What one sweep adds to the holding level at a time (ms)."""

    @abc.abstractmethod
    def edges(self, grid: float | None) -> Float[Array, " edges"]:
        """When (ms) one sweep jumps, leaving out what is known to lie on the samples of a grid (ms)."""

    def __add__(self, other: "AbstractStimulus") -> "Sum":
        if not isinstance(other, AbstractStimulus):
            return NotImplemented
        return Sum((self, other))


class Sum(AbstractStimulus):
    """The sum of stimuli."""

    stimuli: tuple[AbstractStimulus, ...]

    @property
    def piecewise_constant(self) -> bool:
        """Whether the waveform is constant between its edges."""
        return all(stimulus.piecewise_constant for stimulus in self.stimuli)

    def at(self, t: Float[Array, "*shape"], holding: Float[Array, ""]) -> Float[Array, "*shape"]:
        """What one sweep adds to the holding level at a time (ms)."""
        return sum((stimulus.at(t, holding) for stimulus in self.stimuli), jnp.zeros_like(t))

    def edges(self, grid: float | None) -> Float[Array, " edges"]:
        """When (ms) one sweep jumps, leaving out what is known to lie on the samples of a grid (ms)."""
        return jnp.concatenate([stimulus.edges(grid) for stimulus in self.stimuli])


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

    def edges(self, grid: float | None) -> Float[Array, " edges"]:
        """When (ms) one sweep jumps, leaving out what is known to lie on the samples of a grid (ms)."""
        return jnp.stack([self.start, self.start + self.duration])


class Levels(AbstractStimulus):
    """Absolute levels, one after the other from time 0, and the holding level after the last.

    Args:
        levels: `[(level, length), ...]` in pA or mV, and ms; each number may be a list, one for each sweep.
    """

    levels: Float[Array, "sweeps levels"] = family("", ndim=2)
    lengths: Float[Array, "sweeps levels"] = family("ms", ndim=2, at_least=0.0)

    def __init__(self, levels: Sequence[tuple[Any, Any]]):
        pairs = isinstance(levels, Sequence) and all(isinstance(pair, Sequence) and len(pair) == 2 for pair in levels)
        if not pairs or not levels:
            raise ValueError(f"levels must be a list of (level, length) pairs, not {levels!r}")
        self.levels = _columns([level for level, _ in levels])
        self.lengths = _columns([length for _, length in levels])

    @property
    def piecewise_constant(self) -> bool:
        """Whether the waveform is constant between its edges."""
        return True

    def at(self, t: Float[Array, "*shape"], holding: Float[Array, ""]) -> Float[Array, "*shape"]:
        """What one sweep adds to the holding level at a time (ms)."""
        ends = jnp.cumsum(self.lengths)
        return jnp.append(self.levels - holding, 0.0)[jnp.searchsorted(ends, t, side="right")]

    def edges(self, grid: float | None) -> Float[Array, " edges"]:
        """When (ms) one sweep jumps, leaving out what is known to lie on the samples of a grid (ms)."""
        return jnp.cumsum(self.lengths)


class Samples(AbstractStimulus):
    """A recorded waveform as a digitizer plays it: sample k is held from k dt until (k + 1) dt, then 0.

    Args:
        values: `(samples,)` or `(sweeps, samples)`, in pA or mV, added to the holding level.
        dt: ms between samples.
    """

    dt: float = eqx.field(static=True)
    _edges: Float[Array, "1 edges"]
    values: Float[Array, "sweeps samples"] = family("", ndim=2)

    def __init__(self, values: Any, dt: float):
        if not isinstance(dt, int | float) or not 0 < dt < float("inf"):
            raise ValueError(f"Samples.dt must be a positive time in ms, not {dt!r}")
        self.dt = float(dt)
        self.values = values
        self._edges = jnp.asarray(_changes(self.values), dtype=float)[None] * self.dt

    @property
    def piecewise_constant(self) -> bool:
        """Whether the waveform is constant between its edges."""
        return True

    def at(self, t: Float[Array, "*shape"], holding: Float[Array, ""]) -> Float[Array, "*shape"]:
        """What one sweep adds to the holding level at a time (ms)."""
        # The nearest edge first: t / dt may round up to k although t is just before k dt.
        nearest = jnp.round(t / self.dt)
        index = jnp.where(t >= nearest * self.dt, nearest, nearest - 1).astype(int)
        inside = (index >= 0) & (index < self.values.shape[-1])
        return jnp.where(inside, self.values[jnp.clip(index, 0, self.values.shape[-1] - 1)], 0.0)

    def edges(self, grid: float | None) -> Float[Array, " edges"]:
        """When (ms) one sweep jumps, leaving out what is known to lie on the samples of a grid (ms)."""
        return self._edges[:0] if grid == self.dt else self._edges


def snap(t: Float[Array, " samples"], edges: Float[Array, " edges"]) -> Float[Array, " samples"]:
    """Move the times that lie within rounding of an edge onto it, so that a step starts at its own sample."""
    if edges.size == 0:
        return t
    edges = jnp.sort(edges)
    after = jnp.searchsorted(edges, t)
    for neighbor in (after - 1, after):
        edge = edges[jnp.clip(neighbor, 0, edges.size - 1)]
        close = jnp.abs(t - edge) <= _SNAP * jnp.finfo(t.dtype).eps * jnp.abs(edge)
        t = jnp.where(close, edge, t)
    return t


def _columns(entries: list[Any]) -> Any:
    """Put one number or family for each column side by side: `(sweeps, columns)`."""
    arrays = [as_array(entry) for entry in entries]
    if not all(isinstance(array, jax.Array) for array in arrays):
        return entries
    sweeps = max(jnp.size(array) for array in arrays)
    if any(jnp.size(array) not in (1, sweeps) for array in arrays):
        raise ValueError(f"Levels: families of {sorted({jnp.size(array) for array in arrays})} sweeps do not zip")
    return jnp.stack([jnp.broadcast_to(array, (sweeps,)) for array in arrays], axis=1)


def _changes(values: Any) -> np.ndarray:
    """The indices k at which some sweep's waveform jumps, as far as that can be known now; its end included."""
    if not isinstance(values, jax.Array):
        return np.zeros(0)  # the check that follows says what is wrong
    samples = values.shape[-1]
    if isinstance(values, Tracer):
        return np.arange(samples + 1)
    concrete = np.asarray(values)
    jumps = np.any(concrete[:, 1:] != concrete[:, :-1], axis=0)
    return np.append(np.flatnonzero(jumps) + 1, samples)
