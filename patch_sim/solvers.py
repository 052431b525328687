"""How the equations of a current clamp are solved in time."""

import dataclasses

import diffrax
import jax.numpy as jnp
from jaxtyping import Array, Float

_FIRST_STEP = 0.01  # ms; the controller corrects it at once


class SolverError(RuntimeError):
    """The solver gave up; the message says in which sweep, when, and what to do."""


@dataclasses.dataclass(frozen=True)
class Adaptive:
    """Runge-Kutta steps as long as the error allows.

    The default is exact enough to publish: spike times to 0.01 ms. `Adaptive(1e-4, 1e-4)` is the line that
    trades it for speed, `Adaptive(1e-10, 1e-10)` the one that goes the other way.

    Args:
        rtol: relative tolerance for the error of one step.
        atol: absolute tolerance, in mV for the voltage and as a fraction for a gate.
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

    def controller(self, edges: Float[Array, " edges"], end: Float[Array, ""]) -> diffrax.AbstractStepSizeController:
        """The step-size controller, told where the stimulus jumps (ms), up to the end (ms) of the sweep."""
        inner = diffrax.PIDController(rtol=self.rtol, atol=self.atol)
        inside = jnp.where((edges > 0) & (edges < end), edges, jnp.inf)
        return diffrax.ClipStepSizeController(inner, jump_ts=inside)

    @property
    def first_step(self) -> float:
        """The length (ms) of the first step that is tried."""
        return _FIRST_STEP
