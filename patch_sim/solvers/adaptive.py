"""How the equations of a current clamp are solved in time."""

import dataclasses

import diffrax
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from patch_sim.neuron import Neuron
from patch_sim.solvers.edges import FIRST_STEP, EdgeController
from patch_sim.solvers.flat import FlatEquation
from patch_sim.solvers.implicit import ImplicitGates

_LONGEST_STEP = 0.5  # ms
_BEYOND = 1e-3  # ms


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
        method: a diffrax solver for ordinary differential equations. None: `diffrax.Tsit5`, or `ImplicitGates` for a
            cell with a Markov channel, whose rates would force an explicit method to steps of some 1e-4 ms.
        max_steps: give up after so many steps in one sweep.

    Raises:
        ValueError: a tolerance or number of steps that is not positive.
    """

    rtol: float = 1e-6
    atol: float = 1e-6
    method: diffrax.AbstractSolver | None = None
    max_steps: int = 1_000_000

    def __post_init__(self):
        for key in ("rtol", "atol", "max_steps"):
            value = getattr(self, key)
            if not isinstance(value, int | float) or not value > 0:
                raise ValueError(f"Adaptive.{key} must be a positive number, not {value!r}")

    def controller(
        self,
        edges: Float[Array, " edges"],
        end: Float[Array, ""],
        longest: Float[Array, ""],
        stable: FlatEquation | None = None,
    ) -> EdgeController:
        """The step-size controller, told where the stimulus jumps (ms), up to the end (ms), and the longest step.

        And, where derivatives may be taken of an explicit method, the equation that knows how long a step may be.
        """
        inside = jnp.where((edges > 0) & (edges <= end), edges, jnp.inf)
        longest = jax.lax.stop_gradient(jnp.minimum(longest, _LONGEST_STEP))
        steps = diffrax.PIDController(rtol=self.rtol, atol=self.atol, dtmax=longest)
        return EdgeController(steps, jnp.sort(inside), jnp.minimum(longest, FIRST_STEP), stable)

    def method_for(self, neuron: Neuron) -> diffrax.AbstractSolver:
        """The method that solves a neuron."""
        if self.method is not None:
            return self.method
        return ImplicitGates() if neuron.has_markov_channel else diffrax.Tsit5()

    def stop(self, end: Float[Array, ""]) -> Float[Array, ""]:
        """When to stop (ms): behind the end of the sweep, so that an edge there is an edge like any other.

        Farther behind it than diffrax thinks worth a step of its own.
        """
        return end + _BEYOND
