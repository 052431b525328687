"""Many points at once: their costs and their linearizations, in single precision and equal steps."""

import functools
import os
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

import patch_sim as ps
from fitting.parameters import Space
from fitting.setup import Setup
from fitting.spikes.lanes import Lanes

SOLVER = ps.Exponential(0.05, order=2)
"""Exact enough to search with; what is found is simulated again with more care."""

_COSTED, _LINEARIZED = 10, 4  # points in one call, which one core does: always as many, so that nothing compiles anew
_HOPELESS = 1e9
_STEEPEST = 300.0  # tolerances per width of the box: what is steeper goes back and forth within any step

Normal = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Costs, and J'r and J'J, of some points."""


class Population:
    """The costs of points in a box, many at a time, on all processors.

    Every sweep of every point is a lane; all lanes take their steps together, and so do the derivatives by all free
    parameters. A point at which the simulation fails costs a billion.

    Args:
        space: the box.
        setup: what the points change.
        lanes: what is compared.
    """

    def __init__(self, space: Space, setup: Setup, lanes: Sequence[Lanes]):
        lower = functools.partial(jax.tree.map, lambda x: x.astype(jnp.float32) if eqx.is_inexact_array(x) else x)
        self._model = lower(space), lower(setup), lower(tuple(lanes))
        self._pool = ThreadPoolExecutor(os.cpu_count() or 1)
        self.free = len(space.names)
        self.evaluations = 0
        self._costed = _COSTED
        self._awaited: Future | None = None

    def compile(self) -> tuple[Future, Future]:
        """Compile both kinds of calls side by side; costs are the sooner ready, and need not wait for the other."""
        u = np.full((1, self.free), 0.5)
        calls = self._pool.submit(self._costs, u, 8.0), self._pool.submit(self._linearize, u, 8.0)
        self._awaited = calls[1]
        return calls

    def close(self) -> None:
        """Give the threads back."""
        self._pool.shutdown()

    def costs(self, us: np.ndarray, most: float) -> np.ndarray:
        """The sum of squared residuals of each row, each residual being at most `most`."""
        self.evaluations += len(us)
        return np.concatenate(self._chunked(self._costs, us, most, self._costed))

    def linearize(self, us: np.ndarray, most: float) -> Normal:
        """The same of the recorded sweeps alone, and J'r and J'J of the residuals' Jacobian J.

        Rows of J that are too steep to be of use are made shorter.
        """
        self.evaluations += len(us) * (1 + self.free)
        if self._awaited is not None:
            self._awaited.result()  # or two threads would compile the same
        parts = self._chunked(self._linearize, us, most, _LINEARIZED)
        costs, slopes, curvatures = (np.concatenate(column) for column in zip(*parts, strict=True))
        return costs, slopes, curvatures

    def _chunked(self, call: Callable[..., Any], us: np.ndarray, most: float, length: int) -> list[Any]:
        chunks = [us[k : k + length] for k in range(0, len(us), length)]
        return list(self._pool.map(lambda chunk: call(chunk, most), chunks))

    def _costs(self, us: np.ndarray, most: float) -> np.ndarray:
        costs = np.asarray(_costs(*self._model, filled(us, _COSTED, np.float32), np.float32(most)), dtype=float)
        return finite(costs[: len(us)])

    def _linearize(self, us: np.ndarray, most: float) -> Normal:
        return self._linearized(us, most)[:3]

    def _linearized(self, us: np.ndarray, most: float) -> tuple[np.ndarray, np.ndarray, np.ndarray, Array]:
        """Costs, J'r, J'J and J of at most four points; the last `(free, points, residuals)`, and where it was made."""
        *parts, jacobian = _linearized(*self._model, filled(us, _LINEARIZED, np.float32), np.float32(most))
        cost, slope, curvature = (np.asarray(part, dtype=float)[: len(us)] for part in parts)
        return cost, np.nan_to_num(slope), curvature, jacobian


def filled(us: np.ndarray, length: int, dtype: Any = float) -> np.ndarray:
    """As many rows as a call takes, the last one repeated."""
    return np.concatenate([us, us[-1:].repeat(length - len(us), axis=0)]).astype(dtype)


def finite(costs: np.ndarray) -> np.ndarray:
    """The same costs; a billion where the simulation failed."""
    return np.where(np.isfinite(costs), costs, _HOPELESS)


def lane_residuals(
    space: Space,
    setup: Setup,
    lanes: tuple[Lanes, ...],
    us: Float[Array, "points free"],
    most: Any,
    sweeps: Sequence[int],
    solver: ps.Solver = SOLVER,
) -> Float[Array, "points residuals"]:
    """The residuals of each point in the first so many sweeps of each group, all side by side."""

    def of_group(group: Lanes, count: int) -> Float[Array, "points residuals"]:
        numbers = jnp.tile(jnp.arange(count), len(us))
        one = jax.vmap(lambda u, sweep: group.residual(space.apply(setup, u), sweep, solver, most))
        return one(jnp.repeat(us, count, axis=0), numbers).reshape(len(us), -1)

    return jnp.concatenate([of_group(group, count) for group, count in zip(lanes, sweeps, strict=True)], axis=1)


@jax.jit
def _costs(
    space: Space, setup: Setup, lanes: tuple[Lanes, ...], us: Float[Array, "points free"], most: Float[Array, ""]
) -> Float[Array, " points"]:
    sweeps = [group.term.sweeps for group in lanes]
    return jnp.sum(lane_residuals(space, setup, lanes, us, most, sweeps) ** 2, axis=1)


@jax.jit
def _linearized(
    space: Space, setup: Setup, lanes: tuple[Lanes, ...], us: Float[Array, "points free"], most: Float[Array, ""]
) -> tuple[Array, Array, Array, Array]:
    recorded = [group.term.recorded for group in lanes]

    def push(direction: Float[Array, " free"]) -> tuple[Array, Array]:
        moved = jnp.broadcast_to(direction, us.shape)
        return jax.jvp(lambda us: lane_residuals(space, setup, lanes, us, most, recorded), (us,), (moved,))

    r, jacobian = jax.vmap(push, out_axes=(None, 0))(jnp.eye(us.shape[1], dtype=us.dtype))
    jacobian = shortened(jacobian)
    slope = jnp.einsum("fpr,pr->pf", jacobian, r)
    return jnp.sum(r**2, axis=1), slope, jnp.einsum("fpr,gpr->pfg", jacobian, jacobian), jacobian


def shortened(jacobian: Float[Array, "free points residuals"]) -> Float[Array, "free points residuals"]:
    """A Jacobian whose rows, each of one residual, are nowhere steeper than 300 tolerances per width of the box.

    At the edge of one more spike, or late in a long train, a derivative grows beyond all use, and beyond float32.
    """
    steepness = jnp.max(jnp.abs(jacobian), axis=0, keepdims=True)
    believed = jnp.where(jnp.isfinite(steepness), jnp.minimum(1.0, _STEEPEST / steepness), 0.0)
    return jnp.where(believed > 0.0, jacobian * believed, 0.0)
