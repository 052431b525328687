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
    """

    dt: float = eqx.field(static=True)
    _edges: Float[Array, "1 edges"]
    values: Float[Array, "sweeps samples"] = family("", ndim=2)

    def __init__(self, values: Any, dt: float):
        if not isinstance(dt, int | float) or not 0 < dt < float("inf"):
            raise ValueError(f"Samples.dt must be a positive time in ms, not {dt!r}")
        self.dt = float(dt)
        array = as_array(values)
        self.values = jnp.atleast_2d(array) if isinstance(array, jax.Array) else array
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
