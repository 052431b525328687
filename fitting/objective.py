"""The compiled side of a fit: the cost of a point, and its linearization."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

import patch_sim as ps
from fitting.losses import Trace
from fitting.parameters import Space
from fitting.setup import Setup

MOST_FORWARD = 30
"""Up to so many parameters forward mode is the cheaper way to a gradient; it costs about a tenth of a simulation for
each, reverse mode about five simulations for all."""


@dataclasses.dataclass(frozen=True)
class Objective:
    """The sum of squares that a fit makes small, as a function of the coordinates of its free parameters in their box.

    Its methods take and give NumPy arrays, and can be called from several threads. A point at which the
    simulation fails costs infinity.
    """

    space: Space
    setup: Setup
    terms: tuple[Trace, ...]
    solver: ps.Solver

    def cost(self, u: np.ndarray) -> float:
        """The sum of squared residuals."""
        cost = float(_cost(self.space, self.setup, self.terms, jnp.asarray(u), solver=self.solver))
        return cost if np.isfinite(cost) else np.inf

    def costs(self, us: np.ndarray) -> np.ndarray:
        """The sum of squared residuals of each row, computed in one batch."""
        costs = np.array(_costs(self.space, self.setup, self.terms, jnp.asarray(us), solver=self.solver))
        return np.where(np.isfinite(costs), costs, np.inf)

    def gradient(self, u: np.ndarray) -> tuple[float, np.ndarray]:
        """The sum of squared residuals r.r, and J'r of their Jacobian J: half its gradient."""
        cost, half = _half_gradient(self.space, self.setup, self.terms, jnp.asarray(u), solver=self.solver)
        return float(cost), np.asarray(half)

    def linearize(self, u: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        """The sum of squared residuals r.r, and J'r and J'J of their Jacobian J."""
        cost, slope, curvature = _normal(self.space, self.setup, self.terms, jnp.asarray(u), solver=self.solver)
        return float(cost), np.asarray(slope), np.asarray(curvature)

    def sum_of_squares(self, u: Float[Array, " free"]) -> Float[Array, ""]:
        """The cost, as a function that JAX can transform; NaN where the simulation fails."""
        return jnp.sum(_residual(self.space, self.setup, self.terms, u, self.solver) ** 2)

    def residual(self, u: np.ndarray) -> np.ndarray:
        """The residuals r, one recording after the other, each sweep by sweep."""
        return np.asarray(_flat(self.space, self.setup, self.terms, jnp.asarray(u), solver=self.solver))

    def jacobian(self, u: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The residuals, `(residuals,)`, and their derivatives, `(free, residuals)`."""
        r, jacobian = _jacobian(self.space, self.setup, self.terms, jnp.asarray(u), solver=self.solver)
        return np.asarray(r), np.asarray(jacobian)

    @property
    def counted(self) -> tuple[np.ndarray, ...]:
        """Of each recording, which residuals count, `(sweeps, samples)`: along a row they follow each other in time."""
        return tuple(np.asarray(term.root_weight) > 0 for term in self.terms)

    @property
    def weight(self) -> float:
        """The sum of all weights: cost over weight is the mean square."""
        return float(sum(term.weight for term in self.terms))

    @property
    def scored(self) -> int:
        """The number of samples that count."""
        return int(sum(term.scored for term in self.terms))


def _residual(space: Space, setup: Setup, terms: tuple[Trace, ...], u: Array, solver: ps.Solver) -> Array:
    setup = space.apply(setup, u)
    pairs = zip(terms, setup.electrodes, strict=True)
    return jnp.concatenate([term.residual(setup.neuron, electrode, solver) for term, electrode in pairs])


@functools.partial(jax.jit, static_argnames="solver")
def _cost(space: Space, setup: Setup, terms: tuple[Trace, ...], u: Float[Array, " free"], *, solver: ps.Solver):
    return jnp.sum(_residual(space, setup, terms, u, solver) ** 2)


@functools.partial(jax.jit, static_argnames="solver")
def _costs(space: Space, setup: Setup, terms: tuple[Trace, ...], us: Float[Array, "points free"], *, solver: ps.Solver):
    return jax.lax.map(lambda u: jnp.sum(_residual(space, setup, terms, u, solver) ** 2), us)


@functools.partial(jax.jit, static_argnames="solver")
def _half_gradient(
    space: Space, setup: Setup, terms: tuple[Trace, ...], u: Float[Array, " free"], *, solver: ps.Solver
):
    def cost(u: Float[Array, " free"]) -> Float[Array, ""]:
        return jnp.sum(_residual(space, setup, terms, u, solver) ** 2)

    if u.size > MOST_FORWARD:
        value, gradient = jax.value_and_grad(cost)(u)
    else:
        push = jax.vmap(lambda direction: jax.jvp(cost, (u,), (direction,)), out_axes=(None, 0))
        value, gradient = push(jnp.eye(u.size, dtype=u.dtype))
    return value, gradient / 2


@functools.partial(jax.jit, static_argnames="solver")
def _flat(space: Space, setup: Setup, terms: tuple[Trace, ...], u: Float[Array, " free"], *, solver: ps.Solver):
    return _residual(space, setup, terms, u, solver)


@functools.partial(jax.jit, static_argnames="solver")
def _jacobian(space: Space, setup: Setup, terms: tuple[Trace, ...], u: Float[Array, " free"], *, solver: ps.Solver):
    def residual(u: Float[Array, " free"]) -> Float[Array, " residuals"]:
        return _residual(space, setup, terms, u, solver)

    push = jax.vmap(lambda direction: jax.jvp(residual, (u,), (direction,)), out_axes=(None, 0))
    return push(jnp.eye(u.size, dtype=u.dtype))


@functools.partial(jax.jit, static_argnames="solver")
def _normal(space: Space, setup: Setup, terms: tuple[Trace, ...], u: Float[Array, " free"], *, solver: ps.Solver):
    r, jacobian = _jacobian(space, setup, terms, u, solver=solver)
    return r @ r, jacobian @ r, jacobian @ jacobian.T
