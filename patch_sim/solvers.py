"""How the equations of a current clamp are solved in time."""

import dataclasses
from collections.abc import Callable
from typing import Any

import diffrax
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

_FIRST_STEP = 0.01  # ms; the first step after every edge, which the controller soon lengthens
_LONGEST_STEP = 0.5  # ms
_BEYOND = 1e-3  # ms
_ROUNDING = 4.0  # how many roundings of the time to keep away from an edge


class SolverError(RuntimeError):
    """The solver gave up; the message says in which sweep, when, and what to do."""


@dataclasses.dataclass(frozen=True)
class Adaptive:
    """Runge-Kutta steps as long as the error allows.

    The default is exact enough to publish: spike times to 0.01 ms. `Adaptive(1e-4, 1e-4)` is the line that
    trades it for speed, `Adaptive(1e-10, 1e-10)` the one that goes the other way.

    Args:
        rtol: relative tolerance for the error of one step.
        atol: absolute tolerance, in mV for the voltage, as a fraction for a gate, in resting levels for calcium.
        method: any explicit diffrax solver.
        max_steps: give up after so many steps in one sweep.

    Raises:
        ValueError: a tolerance or number of steps that is not positive.
    """

    rtol: float = 1e-6
    atol: float = 1e-6
    method: diffrax.AbstractSolver = dataclasses.field(default_factory=diffrax.Tsit5)
    max_steps: int = 1_000_000

    def __post_init__(self):
        for key in ("rtol", "atol", "max_steps"):
            value = getattr(self, key)
            if not isinstance(value, int | float) or not value > 0:
                raise ValueError(f"Adaptive.{key} must be a positive number, not {value!r}")

    def controller(self, edges: Float[Array, " edges"], end: Float[Array, ""]) -> "EdgeController":
        """The step-size controller, told where the stimulus jumps (ms), up to the end (ms) of the sweep."""
        inside = jnp.where((edges > 0) & (edges <= end), edges, jnp.inf)
        steps = diffrax.PIDController(rtol=self.rtol, atol=self.atol, dtmax=_LONGEST_STEP)
        return EdgeController(steps, jnp.sort(inside))

    @property
    def first_step(self) -> float:
        """The length (ms) of the first step that is tried."""
        return _FIRST_STEP

    def stop(self, end: Float[Array, ""]) -> Float[Array, ""]:
        """When to stop (ms): behind the end of the sweep, so that an edge there is an edge like any other.

        Farther behind it than diffrax thinks worth a step of its own.
        """
        return end + _BEYOND


class EdgeController(diffrax.AbstractAdaptiveStepSizeController):
    """Steps up to each edge of the stimulus, over it, and on with a short step.

    diffrax's own `ClipStepSizeController` stops at jumps too. This one finds the next of many edges in the same time
    as that of one, and starts short behind it. A cell at rest has no error to keep steps short, and a long step into a
    current, or one that only amplifies rounding, overflows. Rejecting it saves the solution, but in reverse mode the
    NaN of a rejected step survives. That is also why no step is longer than half a millisecond.
    """

    controller: diffrax.PIDController
    edges: Float[Array, " edges"]

    def __init__(self, controller: Any, edges: Float[Array, " edges"]):
        self.controller = controller
        self.edges = edges

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
        return EdgeController(self.controller.wrap(direction), self.edges)

    def init(self, terms, t0, t1, y0, dt0, args, func, error_order):
        """The end of the first step, and the controller's state: the inner one's, and the index of the next edge."""
        first, inner = self.controller.init(terms, t0, t1, y0, dt0, args, func, error_order)
        index = jnp.searchsorted(self.edges, t0, side="right")
        return jnp.minimum(first, _before(self._edge(index))), (inner, index)

    def adapt_step_size(self, t0, t1, y0, y1_candidate, args, y_error, error_order, controller_state):
        """Whether to keep a step, and where the next one begins and ends."""
        inner, index = controller_state
        # Where a step has overflowed, infinity over infinity must not become a NaN that no later step gets rid of.
        y_error = jax.tree.map(lambda error: jnp.where(jnp.isfinite(error), error, jnp.inf), y_error)
        y1_candidate = jax.tree.map(lambda y1, y0: jnp.where(jnp.isfinite(y1), y1, y0), y1_candidate, y0)
        keep, next_t0, next_t1, jumped, inner, result = self.controller.adapt_step_size(
            t0, t1, y0, y1_candidate, args, y_error, error_order, inner
        )
        edge = self._edge(index)
        arrived: Bool[Array, ""] = keep & (t1 >= _before(edge))
        # At infinity, where there is no next edge, the far side must stay finite: its derivative is taken too.
        next_t0 = jnp.where(arrived, _after(jnp.where(arrived, edge, t1)), next_t0)
        next_t1 = jnp.where(arrived, next_t0 + _FIRST_STEP, next_t1)
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
