"""Steps of constant length in which each gate decays exponentially."""

import dataclasses
import math
from typing import Any, ClassVar

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp

from patch_sim.neuron import State
from patch_sim.partials import by_partials
from patch_sim.relaxation import relaxed, relaxed_on
from patch_sim.solvers.equation import SweepEquation, equation_of, in_millimolar

LANES = 128
"""How many sweeps to take in lockstep on a CPU core: enough for its vector units, few enough for its cache."""

LINE = 16
"""Samples that make a line of a cache: of many sweeps in lockstep, numbers of samples of which one less is its multiple
are recorded faster."""

_FARTHEST = 100.0
"""mV: a whole spike within one step is not resolved. Where a gate is instantaneous, the step may end far beyond it."""


@dataclasses.dataclass(frozen=True)
class Exponential:
    """Steps of constant length by `StaggeredExponential`: many sweeps in lockstep, on CPU or GPU.

    The spike times of a squid axon are right to 1e-4 ms at the default and to 0.005 ms in steps of 0.05 ms
    (`tests/benchmarks/work_precision.py`); other cells want shorter steps. Half the step makes an eighth to a quarter
    of the error. A sweep whose voltage moves by 100 mV in one step is given up. In current clamp, recorded at the
    protocol's samples.

    Args:
        dt: the longest step, ms; samples are whole numbers of steps apart.
        order: 3, or 2 for steps that know nothing of those before: a third cheaper, and ten times cheaper to
            differentiate by many parameters at once, see `patch_sim.partials`; for a search that needs many
            derivatives and is content with fewer digits.

    Raises:
        ValueError: a step that is not a positive time, another order.
    """

    dt: float = 0.0125
    order: int = 3

    def __post_init__(self):
        if not isinstance(self.dt, int | float) or not 0 < self.dt < math.inf:
            raise ValueError(f"Exponential.dt must be a positive time in ms, not {self.dt!r}")
        if self.order not in (2, 3):
            raise ValueError(f"Exponential.order must be 2 or 3, not {self.order!r}")

    def march(self, start: State, args: Any, interval: float, samples: int) -> tuple[State, State]:
        """The states at all samples, `interval` ms apart from time 0 on, and the last one once more."""
        equation = SweepEquation(clamped=False)
        steps = math.ceil(interval / self.dt * (1.0 - 1e-9))
        h = jnp.asarray(interval / steps, start.voltage.dtype)
        block = math.gcd(samples - 1, LINE)
        begin, advanced, recorded = _THIRD if self.order == 3 else _SECOND

        def step(y: Any, k: Any) -> tuple[Any, None]:
            return advanced(equation, k * h, (k + 1) * h, y, args), None

        def sample(carry: Any, k: Any) -> tuple[Any, State]:
            # The voltages go into one array from the start: what a scan stacks is transposed in the end, if many sweeps
            # are in lockstep. The rest is stacked, since what is not needed is then not computed.
            y, voltages = carry
            moved, _ = jax.lax.scan(step, y, (k * steps + jnp.arange(steps)).astype(h.dtype))
            return (moved, voltages.at[k % block].set(y.voltage)), recorded(y, args)

        def line(carry: Any, ks: Any) -> tuple[Any, State]:
            # Several at once: of many sweeps in lockstep, each sample is far from the next in memory.
            y, voltages = carry
            (y, some), states = jax.lax.scan(sample, (y, jnp.zeros(block, h.dtype)), ks)
            return (y, voltages.at[ks[0] // block].set(some)), states

        first = begin(equation, start, args, h), jnp.zeros(((samples - 1) // block, block), h.dtype)
        (y, voltages), states = jax.lax.scan(line, first, jnp.arange(samples - 1).reshape(-1, block))
        last = recorded(y, args)
        states = jax.tree.map(lambda all_of, one: jnp.append(all_of.ravel(), one), states, last)
        return State(jnp.append(voltages.ravel(), y.voltage), states.gates, states.calcium), last


class Staggered(eqx.Module):
    """A state whose gates are half a step ahead of its voltage.

    Attributes:
        voltage: mV.
        calcium: in resting levels; None without a pool.
        behind: the gates half a step before the voltage.
        ahead: the gates half a step after it.
        stride: from `behind` to `ahead`, ms; 0 at the start, which nothing is behind.
        kinetics: what moves the gates, now, and its last two changes.
        line: what moved the voltage in its last step, and its last change.
    """

    voltage: Any
    calcium: Any
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
    line = equation.voltage_line(State(start.voltage, ahead, start.calcium), args)
    flat = jax.tree.map(jnp.zeros_like, line)
    zero = jnp.zeros_like(h)
    return Staggered(start.voltage, start.calcium, start.gates, ahead, zero, (kinetics, still, still), (line, flat))


def advanced(equation: SweepEquation, t0: Any, t1: Any, y: Staggered, args: Any) -> Staggered:
    """One step on."""
    h = t1 - t0
    middle = _calcium_moved(equation, State(y.voltage, y.ahead, y.calcium), args, 0.5 * h)
    line, commanded = equation.voltage_line(middle, args), equation.commanded(t0, t1, args)
    bend = _change(y.line[0], line)
    driven = line[0] + commanded, line[1]
    voltage = relaxed_on(y.voltage, (driven, bend, y.line[1]), h)
    voltage = jnp.where(jnp.abs(voltage - y.voltage) < _FARTHEST, voltage, jnp.nan)
    moved = _calcium_moved(equation, State(voltage, y.ahead, middle.calcium), args, 0.5 * h)
    kinetics = equation.kinetics(moved, args)
    history = kinetics, _change(y.kinetics[0], kinetics), y.kinetics[1]
    ahead = args[0].relaxed(y.ahead, history, h)
    return Staggered(voltage, moved.calcium, y.ahead, ahead, h, history, (line, bend))


def recorded(y: Staggered, args: Any) -> State:
    """The state at the time of its voltage."""
    return State(y.voltage, args[0].half_relaxed(y.behind, y.kinetics, y.stride), y.calcium)


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


def _calcium_moved(equation: Any, y: State, args: Any, h: Any) -> State:
    if y.calcium is None:
        return y
    return State(y.voltage, y.gates, relaxed(y.calcium, equation.calcium_line(y, args), h))


class Leaping(eqx.Module):
    """A state whose gates are half a step ahead of its voltage, and nothing of what was before.

    Attributes:
        voltage: mV.
        calcium: in resting levels; None without a pool.
        behind: the gates half a step before the voltage; at the start, those with it.
        ahead: the gates half a step after it.
        stride: from `behind` to the voltage, ms.
    """

    voltage: Any
    calcium: Any
    behind: Any
    ahead: Any
    stride: Any


def leaping(equation: SweepEquation, start: State, args: Any, h: Any) -> Leaping:
    """A start."""
    ahead = _leapt(start, args, 0.5 * h)
    return Leaping(start.voltage, start.calcium, start.gates, ahead, jnp.zeros_like(h))


def leapt(equation: SweepEquation, t0: Any, t1: Any, y: Leaping, args: Any) -> Leaping:
    """One step on."""
    h = t1 - t0
    middle = _calcium_moved(equation, State(y.voltage, y.ahead, y.calcium), args, 0.5 * h)
    voltage = _voltage_leapt(middle, args, equation.commanded(t0, t1, args), h, t1 > t0)
    voltage = jnp.where(jnp.abs(voltage - y.voltage) < _FARTHEST, voltage, jnp.nan)
    moved = _calcium_moved(equation, State(voltage, y.ahead, middle.calcium), args, 0.5 * h)
    ahead = _leapt(moved, args, h, t1 > t0)
    return Leaping(voltage, moved.calcium, y.ahead, ahead, 0.5 * h)


def landed(y: Leaping, args: Any) -> State:
    """The state at the time of its voltage."""
    now = State(y.voltage, y.behind, y.calcium)
    return State(y.voltage, _leapt(now, args, y.stride), y.calcium)


def _voltage_leapt(y: State, args: Any, commanded: Any, h: Any, apart: Any) -> Any:
    """The voltage of a state a time h later, gates and calcium being as they are."""
    neuron = args[0]
    ions = neuron.ions_in(in_millimolar(neuron, y))

    def line(v: Any, states: Any, ions: Any, temperature: Any, channel: Any) -> Any:
        """The current of a channel as a straight line: exactly, or its tangent."""
        current, slope = jax.jvp(lambda v: channel.current(v, states, ions, temperature), (v,), (jnp.ones_like(v),))
        return slope * v - current, slope

    def joined(v: Any, drive: Any, total: Any, commanded: Any, capacitance: Any, h: Any) -> Any:
        return relaxed(v, (drive / capacitance + commanded, total / capacitance), h)

    lines = [
        by_partials(line, apart)(y.voltage, y.gates[name], ions, neuron.temperature, channel)
        for name, channel in neuron.channels.items()
    ]
    drive, total = (sum(parts, jnp.zeros_like(y.voltage)) for parts in zip(*lines, strict=True))
    return by_partials(joined, apart)(y.voltage, drive, total, commanded, neuron.capacitance, h)


def _leapt(y: State, args: Any, h: Any, apart: Any = None) -> Any:
    """The gates of a state a time h later, voltage and calcium being as they are."""
    neuron = args[0]
    inside = neuron.ions_in(in_millimolar(neuron, y)).Ca.inside

    def of_channel(v: Any, states: Any, calcium: Any, channel: Any, h: Any) -> Any:
        kinetics = channel.kinetics(v, calcium)
        still = jax.tree.map(jnp.zeros_like, kinetics)
        return channel.relaxed(states, (kinetics, still, still), h)

    leap = by_partials(of_channel, apart)
    return {
        name: leap(y.voltage, y.gates[name], inside, channel, h) if channel.state_names else {}
        for name, channel in neuron.channels.items()
    }


_THIRD: tuple[Any, Any, Any] = staggered, advanced, recorded
_SECOND: tuple[Any, Any, Any] = leaping, leapt, landed
