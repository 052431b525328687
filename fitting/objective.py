"""The compiled side of a fit: the cost of a point, and its linearization."""

import dataclasses
import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

import patch_sim as ps
from fitting.losses import Trace
from fitting.parameters import Space
from fitting.setup import Setup
from fitting.sums import PRIOR, SAMPLES
from fitting.traces import Samples

MOST_FORWARD = 30
"""Up to so many parameters forward mode is the cheaper way to a gradient; it costs about a tenth of a simulation for
each, reverse mode about five simulations for all."""


Compared = tuple[tuple[Trace, ...], tuple[Any, ...]]
"""The terms and the parts of an objective."""


@dataclasses.dataclass(frozen=True)
class Objective:
    """The sum of squares that a fit makes small, as a function of the coordinates of its free parameters in their box.

    Its methods take and give NumPy arrays, and can be called from several threads. A point at which the
    simulation fails costs infinity.

    Attributes:
        space: the box.
        setup: what its parameters change.
        terms: one for each recording: how it is simulated, and its samples.
        solver: as `patch_sim.simulate` takes it.
        parts: what is compared, as `fitting.sums.bound` orders it: by default the samples alone.
    """

    space: Space
    setup: Setup
    terms: tuple[Trace, ...]
    solver: ps.Solver
    parts: tuple[Any, ...] = (Samples(),)

    @property
    def unknowns(self) -> int:
        """How many numbers beside the free parameters a search has to find."""
        return sum(term.unknowns for term in self.terms)

    def begin(self, us: np.ndarray) -> np.ndarray:
        """The points from which a search begins that knows the free parameters: they come first in it."""
        return np.concatenate([us, np.full((*us.shape[:-1], self.unknowns), 0.5)], axis=-1)

    def end(self, point: np.ndarray) -> np.ndarray:
        """The free parameters of a point of the search."""
        return point[: len(self.space.names)]

    def cost(self, u: np.ndarray) -> float:
        """The sum of squared residuals."""
        cost = float(_cost(*self._model, jnp.asarray(u), solver=self.solver))
        return cost if np.isfinite(cost) else np.inf

    def costs(self, us: np.ndarray) -> np.ndarray:
        """The sum of squared residuals where searches from some free parameters begin, computed in one batch."""
        costs = np.array(_costs(*self._model, jnp.asarray(self.begin(us)), solver=self.solver))
        return np.where(np.isfinite(costs), costs, np.inf)

    def gradient(self, u: np.ndarray) -> tuple[float, np.ndarray]:
        """The sum of squared residuals r.r, and J'r of their Jacobian J: half its gradient."""
        cost, half = _half_gradient(*self._model, jnp.asarray(u), solver=self.solver)
        return float(cost), np.asarray(half)

    def linearize(self, u: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        """The sum of squared residuals r.r, and J'r and J'J of their Jacobian J."""
        cost, slope, curvature = _normal(*self._model, jnp.asarray(u), solver=self.solver)
        return float(cost), np.asarray(slope), np.asarray(curvature)

    def sum_of_squares(self, u: Float[Array, " free"]) -> Float[Array, ""]:
        """The cost, as a function that JAX can transform; NaN where the simulation fails."""
        return jnp.sum(_residual(*self._model, u, self.solver) ** 2)

    def residual(self, u: np.ndarray) -> np.ndarray:
        """The residuals r, part by part: of samples one recording after the other, each sweep by sweep."""
        return np.asarray(_flat(*self._model, jnp.asarray(u), solver=self.solver))

    def jacobian(self, u: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The residuals, `(residuals,)`, and their derivatives, `(free, residuals)`."""
        r, jacobian = _jacobian(*self._model, jnp.asarray(u), solver=self.solver)
        return np.asarray(r), np.asarray(jacobian)

    @property
    def samples(self) -> bool:
        """Whether samples are scored, so that the first residuals are those of the recordings."""
        return any(part.rank == SAMPLES for part in self.parts)

    @property
    def mixed(self) -> bool:
        """Whether anything but samples is scored."""
        return any(part.rank != SAMPLES for part in self.parts)

    @property
    def recorded(self) -> tuple[np.ndarray, ...]:
        """Of each recording whose samples are scored, which count, `(sweeps, samples)`."""
        return tuple(np.asarray(term.root_weight) > 0 for term in self.terms) if self.samples else ()

    @property
    def counted(self) -> tuple[np.ndarray, ...]:
        """Which residuals count: along a row they follow each other in time.

        Those of the recordings, and behind them those of features, each a row of its own. Priors' are left out.
        """
        features = [part.size for part in self.parts if part.rank not in (SAMPLES, PRIOR)]
        return (*self.recorded, *(np.ones((size, 1), bool) for size in features))

    @property
    def priors(self) -> int:
        """How many residuals, the last ones, are of priors."""
        return sum(part.size for part in self.parts if part.rank == PRIOR)

    @property
    def weight(self) -> float:
        """The sum of all weights: cost over weight is the mean square. A residual that is of no sample has 1."""
        others = sum(part.size for part in self.parts if part.rank != SAMPLES)
        return float(sum(term.weight for term in self.terms) if self.samples else 0.0) + others

    @property
    def scored(self) -> int:
        """The number of samples and features that count."""
        return int(sum(counted.sum() for counted in self.counted))

    @property
    def _model(self) -> tuple[Any, ...]:
        return self.space, self.setup, (self.terms, self.parts)


def _residual(space: Space, setup: Setup, compared: Compared, u: Array, solver: ps.Solver) -> Array:
    terms, parts = compared
    u, *own = jnp.split(u, len(space.names) + np.cumsum([0, *(term.unknowns for term in terms[:-1])]))
    setup, terms = space.apply(setup, u), [term.placed(x) for term, x in zip(terms, own, strict=True)]
    seen = [term.seen(*rig, solver) for term, rig in zip(terms, setup.rigs, strict=True)]
    return jnp.concatenate([part.residual(seen, terms, setup) for part in parts])


@functools.partial(jax.jit, static_argnames="solver")
def _cost(space: Space, setup: Setup, compared: Compared, u: Float[Array, " free"], *, solver: ps.Solver):
    return jnp.sum(_residual(space, setup, compared, u, solver) ** 2)


@functools.partial(jax.jit, static_argnames="solver")
def _costs(space: Space, setup: Setup, compared: Compared, us: Float[Array, "points free"], *, solver: ps.Solver):
    return jax.lax.map(lambda u: jnp.sum(_residual(space, setup, compared, u, solver) ** 2), us)


@functools.partial(jax.jit, static_argnames="solver")
def _half_gradient(space: Space, setup: Setup, compared: Compared, u: Float[Array, " free"], *, solver: ps.Solver):
    def cost(u: Float[Array, " free"]) -> Float[Array, ""]:
        return jnp.sum(_residual(space, setup, compared, u, solver) ** 2)

    if u.size > MOST_FORWARD:
        value, gradient = jax.value_and_grad(cost)(u)
    else:
        push = jax.vmap(lambda direction: jax.jvp(cost, (u,), (direction,)), out_axes=(None, 0))
        value, gradient = push(jnp.eye(u.size, dtype=u.dtype))
    return value, gradient / 2


@functools.partial(jax.jit, static_argnames="solver")
def _flat(space: Space, setup: Setup, compared: Compared, u: Float[Array, " free"], *, solver: ps.Solver):
    return _residual(space, setup, compared, u, solver)


@functools.partial(jax.jit, static_argnames="solver")
def _jacobian(space: Space, setup: Setup, compared: Compared, u: Float[Array, " free"], *, solver: ps.Solver):
    def at(u: Float[Array, " free"]) -> Float[Array, " residuals"]:
        return _residual(space, setup, compared, u, solver)

    push = jax.vmap(lambda direction: jax.jvp(at, (u,), (direction,)), out_axes=(None, 0))
    return push(jnp.eye(u.size, dtype=u.dtype))


@functools.partial(jax.jit, static_argnames="solver")
def _normal(space: Space, setup: Setup, compared: Compared, u: Float[Array, " free"], *, solver: ps.Solver):
    if u.size > len(space.names):
        return _normal_of_pieces(space, setup, compared, u, solver)
    r, jacobian = _jacobian(space, setup, compared, u, solver=solver)
    return r @ r, jacobian @ r, jacobian @ jacobian.T


def _normal_of_pieces(space: Space, setup: Setup, compared: Compared, u: Array, solver: ps.Solver):
    """The same where a residual depends on one of many numbers: one direction moves all of these."""
    free, unknowns = len(space.names), u.size - len(space.names)
    moved = jnp.concatenate([jnp.zeros(free, u.dtype), jnp.ones(unknowns, u.dtype)])
    directions = jnp.concatenate([jnp.eye(free, u.size, dtype=u.dtype), moved[None]])

    def at(u: Float[Array, " free"]) -> Float[Array, " residuals"]:
        return _residual(space, setup, compared, u, solver)

    push = jax.vmap(lambda direction: jax.jvp(at, (u,), (direction,)), out_axes=(None, 0))
    r, (*rows, own) = push(directions)
    slopes, owners = jnp.stack(rows), _owners(compared, r.size, unknowns)

    def of_each(products: Float[Array, " residuals"]) -> Float[Array, " unknowns"]:
        return jax.ops.segment_sum(products, owners, unknowns + 1)[:-1]

    crossed = jax.vmap(lambda slope: of_each(slope * own))(slopes)
    curvature = jnp.block([[slopes @ slopes.T, crossed], [crossed.T, jnp.diag(of_each(own**2))]])
    return r @ r, jnp.concatenate([slopes @ r, of_each(own * r)]), curvature


def _owners(compared: Compared, residuals: int, unknowns: int) -> Int[Array, " residuals"]:
    """On which of the unknowns each residual depends; `unknowns` for none. Samples come first."""
    owners, before = [], 0
    for term in compared[0]:
        own = None if term.continuation is None else term.continuation.owners
        owners.append(jnp.full(term.data.size, unknowns) if own is None else own.ravel() + before)
        before += term.unknowns
    found = jnp.concatenate(owners)
    return jnp.pad(found, (0, residuals - found.size), constant_values=unknowns)
