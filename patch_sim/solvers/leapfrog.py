"""Exponential steps that know nothing of those before, made to be differentiated by many parameters at once."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp

from patch_sim.channels import AbstractMarkovChannel
from patch_sim.neuron import State
from patch_sim.partials import by_partials
from patch_sim.relaxation import decayed, relaxed
from patch_sim.solvers.equation import SweepEquation, by_few_partials, in_millimolar

FARTHEST = 100.0
"""mV: a whole spike within one step is not resolved. Where a gate is instantaneous, the step may end far beyond it."""


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
    middle = calcium_moved(equation, State(y.voltage, y.ahead, y.calcium), args, 0.5 * h)
    (drive, total), commanded = equation.voltage_line(middle, args, t1 > t0), equation.commanded(t0, t1, args)
    voltage = by_partials(decayed, t1 > t0)(y.voltage, (drive + commanded, total), h)
    voltage = jnp.where(jnp.abs(voltage - y.voltage) < FARTHEST, voltage, jnp.nan)
    moved = calcium_moved(equation, State(voltage, y.ahead, middle.calcium), args, 0.5 * h)
    ahead = _leapt(moved, args, h, t1 > t0)
    return Leaping(voltage, moved.calcium, passed_on(y.ahead, h), ahead, 0.5 * h)


def passed_on(part: Any, h: Any) -> Any:
    """A part of the state that takes another place in the next one, as it is.

    A zero is added, of which the compiler cannot know that it is one. Where a whole loop is one function
    (`patch_sim.xla`), XLA's CPU backend (jaxlib 0.10.2) may write what comes into the old place before it has read what
    goes on from there: seen in arrays of one element, as `vmap` makes of the tangents of a single parameter.
    """
    return jax.tree.map(lambda x: x + 0.0 * h, part)


def landed(y: Leaping, args: Any) -> State:
    """The state at the time of its voltage."""
    now = State(y.voltage, y.behind, y.calcium)
    return State(y.voltage, _leapt(now, args, y.stride), y.calcium)


def _leapt(y: State, args: Any, h: Any, apart: Any = None) -> Any:
    """The gates of a state a time h later, voltage and calcium being as they are."""
    neuron = args[0]
    inside = neuron.ions_in(in_millimolar(neuron, y)).Ca.inside

    def of_channel(v: Any, states: Any, calcium: Any, channel: Any, h: Any) -> Any:
        kinetics = channel.kinetics(v, calcium)
        if isinstance(channel, AbstractMarkovChannel):
            still = jax.tree.map(jnp.zeros_like, kinetics)
            return channel.half_relaxed(states, (kinetics, still, still), 2.0 * h)
        return {name: decayed(x, kinetics[name], h) for name, x in states.items()}

    return {
        name: by_few_partials(of_channel, channel, apart)(y.voltage, y.gates[name], inside, channel, h)
        for name, channel in neuron.channels.items()
    }


def calcium_moved(equation: Any, y: State, args: Any, h: Any) -> State:
    """The same state with its pool a time h later."""
    if y.calcium is None:
        return y
    return State(y.voltage, y.gates, relaxed(y.calcium, equation.calcium_line(y, args), h), y.electrode)
