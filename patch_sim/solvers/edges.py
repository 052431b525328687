"""A step-size controller that knows where the stimulus jumps."""

from collections.abc import Callable
from typing import Any

import diffrax
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from patch_sim.solvers.flat import FlatEquation

FIRST_STEP = 0.01
"""ms: the length of the first step, and of the first after every edge; the controller soon lengthens it."""

_ROUNDING = 4.0  # how many roundings of the time to keep away from an edge


class EdgeController(diffrax.AbstractAdaptiveStepSizeController):
    """Steps up to each edge of the stimulus, over it, and on with a short step.

    diffrax's own `ClipStepSizeController` stops at jumps too. This one finds the next of many edges in the same time
    as that of one, and starts short behind it. A cell at rest has no error to keep steps short, and a long step into a
    current, or one that only amplifies rounding, overflows. Rejecting it saves the solution, but in reverse mode the
    NaN of a rejected step survives. That is also why no step is longer than half a millisecond, and none longer than
    the equation itself allows: at rest, a step beyond what an explicit method is stable for has no error that a
    controller could see, while derivatives, which nobody controls, grow with every such step. Where derivatives may be
    taken, `stable` says how long a step may be in each state.
    """

    controller: diffrax.PIDController
    edges: Float[Array, " edges"]
    first_step: Float[Array, ""]
    stable: FlatEquation | None

    def __init__(
        self,
        controller: Any,
        edges: Float[Array, " edges"],
        first_step: Float[Array, ""],
        stable: FlatEquation | None = None,
    ):
        self.controller = controller
        self.edges = edges
        self.first_step = first_step
        self.stable = stable

    @property
    def rtol(self) -> Any:  # ty: ignore[incompatible-property-override]
        """Relative tolerance."""
        return self.controller.rtol

    @property
    def atol(self) -> Any:  # ty: ignore[incompatible-property-override]
        """Absolute tolerance."""
        return self.controller.atol

    @property
    def norm(self) -> Callable[[Any], Any]:  # ty: ignore[incompatible-property-override]
        """The norm of the error."""
        return self.controller.norm

    def wrap(self, direction: Any) -> "EdgeController":
        """The same controller; time goes forward only."""
        return EdgeController(self.controller.wrap(direction), self.edges, self.first_step, self.stable)

    def init(self, terms, t0, t1, y0, dt0, args, func, error_order):
        """The end of the first step, and the controller's state: the inner one's, and the index of the next edge."""
        first, inner = self.controller.init(terms, t0, t1, y0, dt0, args, func, error_order)
        index = jnp.searchsorted(self.edges, t0, side="right")
        return jnp.minimum(first, _before(self._edge(index))), (inner, index)

    def adapt_step_size(self, t0, t1, y0, y1_candidate, args, y_error, error_order, controller_state):
        """Whether to keep a step, and where the next one begins and ends."""
        inner, index = controller_state
        # Where a step has overflowed, infinity over infinity must not become a NaN that no later step gets rid of. What
        # was NaN before the step has no error, so that a sweep that cannot start is over soon.
        y_error = jax.tree.map(
            lambda error, y0: jnp.where(jnp.isfinite(error), error, jnp.where(jnp.isfinite(y0), jnp.inf, 0.0)),
            y_error,
            y0,
        )
        y1_candidate = jax.tree.map(lambda y1, y0: jnp.where(jnp.isfinite(y1), y1, y0), y1_candidate, y0)
        keep, next_t0, next_t1, jumped, inner, result = self.controller.adapt_step_size(
            t0, t1, y0, y1_candidate, args, y_error, error_order, inner
        )
        if self.stable is not None:
            reached = jnp.where(keep, y1_candidate, y0)
            longest = jax.lax.stop_gradient(self.stable.longest_step_at(next_t0, reached, args))
            next_t1 = jnp.minimum(next_t1, next_t0 + longest)
        edge = self._edge(index)
        arrived: Bool[Array, ""] = keep & (t1 >= _before(edge))
        # At infinity, where there is no next edge, the far side must stay finite: its derivative is taken too.
        next_t0 = jnp.where(arrived, _after(jnp.where(arrived, edge, t1)), next_t0)
        next_t1 = jnp.where(arrived, next_t0 + self.first_step, next_t1)
        index = jnp.where(arrived, jnp.searchsorted(self.edges, _after(next_t0), side="right"), index)
        next_t1 = jnp.minimum(next_t1, _before(self._edge(index)))
        return keep, next_t0, next_t1, jumped | arrived, (inner, index), result

    def _edge(self, index: Int[Array, ""]) -> Float[Array, ""]:
        last = self.edges.size - 1
        if last < 0:
            return jnp.asarray(jnp.inf)
        return jnp.where(index > last, jnp.inf, self.edges[jnp.minimum(index, last)])


def _before(edge: Float[Array, ""]) -> Float[Array, ""]:
    return edge * (1.0 - _ROUNDING * jnp.finfo(edge.dtype).eps)


def _after(edge: Float[Array, ""]) -> Float[Array, ""]:
    return edge * (1.0 + _ROUNDING * jnp.finfo(edge.dtype).eps)
