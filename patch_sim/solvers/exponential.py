"""Steps of constant length that solve each gate exactly."""

import dataclasses
import math
from typing import Any, ClassVar

import diffrax
import jax
import jax.numpy as jnp

from patch_sim.neuron import State
from patch_sim.solvers.equation import SweepEquation, equation_of


@dataclasses.dataclass(frozen=True)
class Exponential:
    """Steps of constant length by `StaggeredExponential`: many sweeps in lockstep, on CPU or GPU.

    The default has spike times to 0.01 ms in a squid axon; faster cells want shorter steps, and half the step makes a
    quarter of the error. In current clamp, recorded at the protocol's samples.

    Args:
        dt: the longest step, ms; samples are whole numbers of steps apart.

    Raises:
        ValueError: a step that is not a positive time.
    """

    dt: float = 0.0125

    def __post_init__(self):
        if not isinstance(self.dt, int | float) or not 0 < self.dt < math.inf:
            raise ValueError(f"Exponential.dt must be a positive time in ms, not {self.dt!r}")

    def march(self, start: State, args: Any, interval: float, samples: int) -> tuple[State, State]:
        """The states at all samples, `interval` ms apart from time 0 on, and the last one once more."""
        solver, equation = StaggeredExponential(), SweepEquation(clamped=False)
        steps = math.ceil(interval / self.dt * (1.0 - 1e-9))
        h = jnp.full_like(start.voltage, interval / steps)

        def step(carry: Any, k: Any) -> tuple[Any, None]:
            y, ahead = carry
            y, _, _, ahead, _ = solver.step(equation, k * h, (k + 1) * h, y, args, ahead, False)
            return (y, ahead), None

        def sample(carry: Any, first: Any) -> tuple[Any, State]:
            moving, _ = carry
            moved, _ = jax.lax.scan(step, moving, first + jnp.arange(steps, dtype=h.dtype))
            return (moved, moving[0]), moving[0]

        moving = start, solver.init(equation, jnp.zeros_like(h), h, start, args)
        firsts = jnp.arange(samples, dtype=h.dtype) * steps
        (_, last), states = jax.lax.scan(sample, (moving, start), firsts)
        return states, last


class StaggeredExponential(diffrax.AbstractSolver):
    r"""An exponential step of second order, stable however fast the gates are, for steps of constant length.

    The equations are split (Strang (1968), SIAM J Numer Anal 5:506-517) into the gates at a held voltage, where each
    gate relaxes exponentially and the occupancies of a Markov channel by a matrix exponential, both exactly, and the
    voltage at held gates, an exponential Rosenbrock step, exact where the current is linear in the voltage,

    $$V_{n+1} = V_n + h \, \varphi(h J) \, \dot V, \qquad \varphi(x) = (e^x - 1) / x, \qquad J = d \dot V / dV,$$

    under the mean command of the step. Two half steps of the gates at the same voltage are one step, so that the gates
    run half a step ahead of the voltage and every rate is evaluated once a step (Rush and Larsen (1978), IEEE Trans
    Biomed Eng 25:389-392, is this without the half step). A calcium pool takes half a step before and one after the
    voltage.

    The gates that are ahead are the solver's state; those of the recorded state are at its time. For diffrax's
    `ConstantStepSize`, in current clamp.
    """

    term_structure: ClassVar = diffrax.AbstractTerm
    interpolation_cls: ClassVar = diffrax.LocalLinearInterpolation

    def order(self, terms: Any) -> int:
        """2."""
        return 2

    def init(self, terms, t0, t1, y0, args):
        """The gates half a step ahead of the start."""
        return equation_of(terms).relaxed(y0, args, t1 - t0)[0]

    def func(self, terms, t0, y0, args) -> State:
        """The derivative of the state."""
        return terms.vf(t0, y0, args)

    def step(self, terms, t0, t1, y0, args, solver_state, made_jump):
        """One step: the state at its end, and the gates half a step later."""
        h, equation = t1 - t0, equation_of(terms)
        y = State(y0.voltage, solver_state, y0.calcium)
        y = _calcium_moved(equation, t0, t1, y, args, 0.5 * h)
        y = State(y.voltage + _moved(equation.voltage_slope(t0, t1, y, args), h), y.gates, y.calcium)
        y = _calcium_moved(equation, t0, t1, y, args, 0.5 * h)
        gates, ahead = equation.relaxed(y, args, h)
        y1 = State(y.voltage, gates, y.calcium)
        return y1, None, {"y0": y0, "y1": y1}, ahead, diffrax.RESULTS.successful


def _calcium_moved(equation: Any, t0: Any, t1: Any, y: State, args: Any, h: Any) -> State:
    if y.calcium is None:
        return y
    return State(y.voltage, y.gates, y.calcium + _moved(equation.calcium_slope(t0, t1, y, args), h))


def _moved(slope: tuple[Any, Any], h: Any) -> Any:
    """How far an exponential Rosenbrock step of one variable goes, from its slope and the slope's own derivative."""
    value, feedback = slope
    x = h * feedback
    small = jnp.abs(x) < 1e-5  # where the quotient would lose its digits, and at 0 itself
    grown = jnp.where(small, 1.0 + 0.5 * x, jnp.expm1(x) / jnp.where(small, 1.0, x))
    return h * value * grown
