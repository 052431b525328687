"""What every stimulus is; and their sum."""

import abc
from typing import TYPE_CHECKING, Any, TypeAlias

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, Float

from patch_sim.parameters import AbstractParametric, as_array

_SNAP = 8.0
_FUSED = 2.0


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
        lengths = {leaf.shape[0] for leaf in jax.tree.leaves(self) if eqx.is_array(leaf)} - {1}
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

    def mean(self, t0: Float[Array, ""], t1: Float[Array, ""], holding: Float[Array, ""]) -> Float[Array, ""]:
        """What one sweep adds to the holding level between two times (ms), on average, to second order.

        Here the value in the middle; stimuli that begin and end somewhere in between weigh what they cover.
        """
        return self.at(0.5 * (t0 + t1), holding)

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

    def mean(self, t0: Float[Array, ""], t1: Float[Array, ""], holding: Float[Array, ""]) -> Float[Array, ""]:
        """What one sweep adds to the holding level between two times (ms), on average."""
        return sum((stimulus.mean(t0, t1, holding) for stimulus in self.stimuli), jnp.zeros_like(t0))

    def edges(self, grid: float | None) -> Float[Array, " edges"]:
        """When (ms) one sweep jumps, leaving out what is known to lie on the samples of a grid (ms)."""
        return jnp.concatenate([stimulus.edges(grid) for stimulus in self.stimuli])


class Scaled(AbstractStimulus):
    """A stimulus multiplied by a factor, as it is above a holding level of its own.

    Args:
        stimulus: what to scale.
        factor: by how much.
        reference: the level that the stimulus takes for the holding level, in pA or mV.
    """

    stimulus: AbstractStimulus
    factor: Family = family("")
    reference: Family = family("")

    @property
    def piecewise_constant(self) -> bool:
        """Whether the waveform is constant between its edges."""
        return self.stimulus.piecewise_constant

    def at(self, t: Float[Array, "*shape"], holding: Float[Array, ""]) -> Float[Array, "*shape"]:
        """What one sweep adds to the holding level at a time (ms)."""
        return self.factor * self.stimulus.at(t, self.reference)

    def mean(self, t0: Float[Array, ""], t1: Float[Array, ""], holding: Float[Array, ""]) -> Float[Array, ""]:
        """What one sweep adds to the holding level between two times (ms), on average."""
        return self.factor * self.stimulus.mean(t0, t1, self.reference)

    def edges(self, grid: float | None) -> Float[Array, " edges"]:
        """When (ms) one sweep jumps, leaving out what is known to lie on the samples of a grid (ms)."""
        return self.stimulus.edges(grid)


def overlap(
    t0: Float[Array, ""], t1: Float[Array, ""], start: Float[Array, "*shape"], end: Float[Array, "*shape"]
) -> Float[Array, "*shape"]:
    """For how long (ms) between two times something is on that starts and ends at given times."""
    return jnp.maximum(jnp.minimum(t1, end) - jnp.maximum(t0, start), 0.0)


def can_compare(first: Any, second: Any) -> bool:
    """Whether two numbers of a stimulus, as they were given, are known and zip."""
    known = all(isinstance(x, jax.Array | np.ndarray) and not isinstance(x, Tracer) for x in (first, second))
    return known and (first.shape == second.shape or 1 in (first.size, second.size))


def just_after(t: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """A time (ms) moved on by a rounding or two, so that what begins at it has begun.

    For edges at $t_0 + k T$: compiled code may fuse the product with the sum in one place and not in another, and then
    the same edge is not the same number. Solvers keep farther away from edges than this.
    """
    return t + _FUSED * jnp.finfo(t.dtype).eps * jnp.abs(t)


def latest(
    t: Float[Array, "*shape"], start: Float[Array, ""], interval: Float[Array, ""] | float
) -> Float[Array, "*shape"]:
    """The k of the last of the times start + k interval (ms) that has come at a time; negative before the first."""
    nearest = jnp.round((t - start) / interval)
    return jnp.where(t >= start + nearest * interval, nearest, nearest - 1.0)


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
