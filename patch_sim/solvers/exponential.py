"""Steps of constant length in which each gate decays exponentially."""

import dataclasses
import math
from typing import Any, ClassVar

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp

from patch_sim.neuron import State
from patch_sim.relaxation import relaxed_on
from patch_sim.solvers.circuit import potentials_moved
from patch_sim.solvers.equation import RigEquation, SweepEquation, equation_of
from patch_sim.solvers.leapfrog import FARTHEST, calcium_moved, landed, leaping, leapt, passed_on

LANES = 128
"""How many sweeps to take in lockstep on a CPU core: enough for its vector units, few enough for its cache."""


@dataclasses.dataclass(frozen=True)
class Exponential:
    """Steps of constant length by `StaggeredExponential`: many sweeps in lockstep, on CPU or GPU.

    The spike times of a squid axon are right to 1e-4 ms at the default and to 0.005 ms in steps of 0.05 ms
    (`tests/benchmarks/work_precision.py`); other cells want shorter steps. Half the step makes an eighth to a quarter
    of the error. A sweep whose voltage moves by 100 mV in one step is given up, unless it is clamped. In current clamp
    and, to second order, in a voltage clamp through a series resistance; recorded at the protocol's samples.

    Args:
        dt: the longest step, ms; samples are whole numbers of steps apart.
        order: 3, or 2 for steps that know nothing of those before: cheaper to differentiate by many parameters, for a
            search that is content with fewer digits. Through a series resistance there is no difference.
        unroll: how many steps are compiled as one piece: it takes longer to compile, and a GPU launches fewer kernels,
            which is what it spends its time on. `ensemble` chooses it for its devices.

    Raises:
        ValueError: a step that is not a positive time, another order, no whole number of steps.
    """

    dt: float = 0.0125
    order: int = 3
    unroll: int = 1

    def __post_init__(self):
        if not isinstance(self.dt, int | float) or not 0 < self.dt < math.inf:
            raise ValueError(f"Exponential.dt must be a positive time in ms, not {self.dt!r}")
        if self.order not in (2, 3):
            raise ValueError(f"Exponential.order must be 2 or 3, not {self.order!r}")
        if not isinstance(self.unroll, int) or self.unroll < 1:
            raise ValueError(f"Exponential.unroll must be a positive whole number, not {self.unroll!r}")

    def march(
        self, equation: SweepEquation, start: State, args: Any, interval: float, samples: int
    ) -> tuple[State, State]:
        """The states at all samples, `interval` ms apart from time 0 on, and the last one once more."""
        steps = math.ceil(interval / self.dt * (1.0 - 1e-9))
        h = jnp.asarray(interval / steps, start.voltage.dtype)
        second = self.order == 2 and not isinstance(equation, RigEquation)
        begin, advanced, recorded = _SECOND if second else _THIRD

        def step(y: Any, k: Any) -> tuple[Any, None]:
            return advanced(equation, k * h, (k + 1) * h, y, args), None

        def sample(carry: Any, k: Any) -> tuple[Any, State]:
            # The voltages go into one array from the start: what a scan stacks is transposed in the end, if many sweeps
            # are in lockstep. The rest is stacked, since what is not needed is then not computed.
            y, voltages = carry
            within = (k * steps + jnp.arange(steps)).astype(h.dtype)
            moved, _ = jax.lax.scan(step, y, within, unroll=min(self.unroll, steps))
            return (moved, voltages.at[k].set(y.voltage)), recorded(y, args)

        first = begin(equation, start, args, h), jnp.zeros(samples, h.dtype)
        (y, voltages), states = jax.lax.scan(
            sample, first, jnp.arange(samples - 1), unroll=max(self.unroll // steps, 1)
        )
        last = recorded(y, args)
        states = jax.tree.map(lambda all_of, one: jnp.append(all_of, one[None]), states, last)
        return State(voltages.at[-1].set(y.voltage), states.gates, states.calcium, states.electrode), last


class Staggered(eqx.Module):
    """A state whose gates are half a step ahead of its voltage.

    Attributes:
        voltage: mV.
        calcium: in resting levels; None without a pool.
        electrode: what an electrode remembers, mV.
        behind: the gates half a step before the voltage.
        ahead: the gates half a step after it.
        stride: from `behind` to `ahead`, ms; 0 at the start, which nothing is behind.
        kinetics: what moves the gates, now, and its last two changes.
        line: what moved the voltage in its last step, and its last change; nothing behind a series resistance.
    """

    voltage: Any
    calcium: Any
    electrode: Any
    behind: Any
    ahead: Any
    stride: Any
    kinetics: tuple[Any, Any, Any]
    line: tuple[Any, Any]


def staggered(equation: SweepEquation, start: State, args: Any, h: Any) -> Staggered:
    """A start, as if nothing had changed before it."""
    kinetics = equation.kinetics(start, args)
    still = jax.tree.map(jnp.zeros_like, kinetics)
    ahead = args[0].half_relaxed(start.gates, (kinetics, still, still), h)
    line: Any = ()
    if not isinstance(equation, RigEquation):
        line = equation.voltage_line(State(start.voltage, ahead, start.calcium), args)
    memory = (kinetics, still, still), (line, jax.tree.map(jnp.zeros_like, line))
    return Staggered(start.voltage, start.calcium, start.electrode, start.gates, ahead, jnp.zeros_like(h), *memory)


def advanced(equation: SweepEquation, t0: Any, t1: Any, y: Staggered, args: Any) -> Staggered:
    """One step on."""
    h = t1 - t0
    middle = calcium_moved(equation, State(y.voltage, y.ahead, y.calcium, y.electrode), args, 0.5 * h)
    if isinstance(equation, RigEquation):
        (voltage, electrode), line = potentials_moved(equation, t0, t1, middle, args), y.line
    else:
        (voltage, line), electrode = _voltage_moved(equation, t0, t1, middle, y.line, args), y.electrode
    moved = calcium_moved(equation, State(voltage, y.ahead, middle.calcium, electrode), args, 0.5 * h)
    kinetics = equation.kinetics(moved, args, t1 > t0)
    earlier, behind = passed_on((y.kinetics[1], y.ahead), h)
    history = kinetics, _change(y.kinetics[0], kinetics), earlier
    ahead = args[0].relaxed(y.ahead, history, h)
    return Staggered(voltage, moved.calcium, electrode, behind, ahead, h, history, line)


def _voltage_moved(
    equation: SweepEquation, t0: Any, t1: Any, middle: State, before: tuple[Any, Any], args: Any
) -> tuple[Any, tuple[Any, Any]]:
    """The voltage after a step, and what moved it; given its gates in the middle, and what moved it before."""
    line, commanded = equation.voltage_line(middle, args, t1 > t0), equation.commanded(t0, t1, args)
    bend = _change(before[0], line)
    driven = line[0] + commanded, line[1]
    voltage = relaxed_on(middle.voltage, (driven, bend, before[1]), t1 - t0)
    return jnp.where(jnp.abs(voltage - middle.voltage) < FARTHEST, voltage, jnp.nan), (line, bend)


def recorded(y: Staggered, args: Any) -> State:
    """The state at the time of its voltage."""
    return State(y.voltage, args[0].half_relaxed(y.behind, y.kinetics, y.stride), y.calcium, y.electrode)


class StaggeredExponential(diffrax.AbstractSolver):
    r"""An exponential step of third order, stable however fast the gates are, for steps of constant length.

    At a known voltage the gates are linear, $\dot x = d(V) - s(V) x$, and at known gates so is the voltage. Both are
    taken in turns (Strang (1968), SIAM J Numer Anal 5:506-517), the gates half a step ahead of the voltage, so that
    each knows the other in the middle of its own step and every rate is evaluated once a step. How the rates change
    within the step is extrapolated from the two steps before, see `patch_sim.relaxation`. (Without that the method
    is of second order, and without the half step it is that of Rush and Larsen (1978), IEEE Trans Biomed Eng
    25:389-392.) The voltage is driven by the mean command of the step.

    Second order, with small constants, is what follows an edge of the command, which nothing before it announces.
    Second order too are a Markov channel, whose occupancies move by a matrix exponential (`patch_sim.contour`), a
    current that is no straight line in the voltage, of which the tangent is taken, and a calcium pool, which takes
    half a step before and one after the voltage.

    The gates that are ahead are the solver's state; those of the recorded state are at its time. For diffrax's
    `ConstantStepSize`, in current clamp.
    """

    term_structure: ClassVar = diffrax.AbstractTerm
    interpolation_cls: ClassVar = diffrax.LocalLinearInterpolation

    def order(self, terms: Any) -> int:
        """2, of every cell."""
        return 2

    def init(self, terms, t0, t1, y0, args) -> Staggered:
        """The start, its gates moved half a step ahead."""
        return staggered(equation_of(terms), y0, args, t1 - t0)

    def func(self, terms, t0, y0, args) -> State:
        """The derivative of the state."""
        return terms.vf(t0, y0, args)

    def step(self, terms, t0, t1, y0, args, solver_state, made_jump):
        """One step: the state at its end, and the gates half a step later."""
        y = advanced(equation_of(terms), t0, t1, solver_state, args)
        y1 = recorded(y, args)
        return y1, None, {"y0": y0, "y1": y1}, y, diffrax.RESULTS.successful


def _change(before: Any, now: Any) -> Any:
    return jax.tree.map(lambda before, now: now - before, before, now)


_THIRD: tuple[Any, Any, Any] = staggered, advanced, recorded
_SECOND: tuple[Any, Any, Any] = leaping, leapt, landed
