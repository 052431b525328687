"""A recorded waveform."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, Float

from patch_sim.parameters import as_array
from patch_sim.stimuli.base import AbstractStimulus, family


class Samples(AbstractStimulus):
    """A recorded waveform as a digitizer plays it: sample k is held from k dt until (k + 1) dt, then 0.

    Args:
        values: `(samples,)` or `(sweeps, samples)`, in pA or mV, added to the holding level.
        dt: ms between samples.
        linear: whether to go in straight lines from sample to sample instead, and hold only the last: the better
            picture of what was smooth when it was recorded, which held samples delay by dt / 2.
    """

    dt: float = eqx.field(static=True)
    values: Float[Array, "sweeps samples"] = family("", ndim=2)
    _edges: Float[Array, "1 edges"] = family("ms", ndim=2)
    linear: bool = eqx.field(static=True, default=False)

    def __init__(self, values: Any, dt: float, *, linear: bool = False):
        if not isinstance(dt, int | float) or not 0 < dt < float("inf"):
            raise ValueError(f"Samples.dt must be a positive time in ms, not {dt!r}")
        self.dt = float(dt)
        array = as_array(values)
        self.values = jnp.atleast_2d(array) if isinstance(array, jax.Array) else array
        self.linear = bool(linear)
        edges = _changes(self.values)[-1:] if self.linear else _changes(self.values)
        self._edges = jnp.asarray(edges, dtype=float)[None] * self.dt

    @property
    def piecewise_constant(self) -> bool:
        """Whether the waveform is constant between its edges."""
        return not self.linear

    def at(self, t: Float[Array, "*shape"], holding: Float[Array, ""]) -> Float[Array, "*shape"]:
        """What one sweep adds to the holding level at a time (ms)."""
        # The nearest edge first: t / dt may round up to k although t is just before k dt.
        nearest = jnp.round(t / self.dt)
        index = jnp.where(t >= nearest * self.dt, nearest, nearest - 1).astype(int)
        last = self.values.shape[-1] - 1
        value = self.values[jnp.clip(index, 0, last)]
        if self.linear:
            rise = self.values[jnp.clip(index + 1, 0, last)] - value
            value = value + rise * (t / self.dt - index.astype(t.dtype))
        return jnp.where((index >= 0) & (index <= last), value, 0.0)

    def edges(self, grid: float | None) -> Float[Array, " edges"]:
        """When (ms) one sweep jumps, leaving out what is known to lie on the samples of a grid (ms)."""
        return self._edges[:0] if grid == self.dt else self._edges


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
