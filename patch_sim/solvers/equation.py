"""The equations of one sweep, as a diffrax term."""

from typing import Any

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp

from patch_sim.neuron import Neuron, State


class SweepEquation(diffrax.AbstractTerm):
    """What a neuron does under one sweep of a stimulus; `args` is the neuron, the stimulus and the holding level.

    In current clamp the command is a current. In voltage clamp (`clamped`) it is the voltage: gates and calcium follow
    it, and the voltage of the state idles. Calcium is in units of the pool's resting level: its 1e-4 mM would drown
    in a solver's absolute tolerance.
    """

    clamped: bool = eqx.field(static=True)

    def vf(self, t: Any, y: State, args: Any) -> State:
        """How fast the state changes, per ms."""
        neuron, stimulus, holding = args
        command = holding + stimulus.at(t, holding)
        injected = jnp.zeros_like(command) if self.clamped else command
        change = neuron.derivative(self._physical(t, y, args), injected)
        dv = jnp.zeros_like(change.voltage) if self.clamped else change.voltage
        return in_resting_levels(neuron, State(dv, change.gates, change.calcium))

    def contr(self, t0: Any, t1: Any, **kwargs: Any) -> Any:
        """The length of a step, ms."""
        return t1 - t0

    def prod(self, vf: State, control: Any) -> State:
        """The change over a step."""
        return jax.tree.map(lambda slope: control * slope, vf)

    def implicit(self, t: Any, y: State, args: Any, step: Any) -> State:
        """The same state with gates x that solve x = y.gates + step dx/dt, voltage and calcium being as they are."""
        neuron = args[0]
        gates = neuron.implicit(self._physical(t, y, args), step)
        return State(y.voltage, gates, y.calcium)

    def relaxed(self, y: State, args: Any, step: Any) -> tuple[Any, Any]:
        """The gates after half a step and after a whole one (ms) at a held voltage and calcium, exactly."""
        return args[0].relaxed(in_millimolar(args[0], y), step)

    def voltage_slope(self, t0: Any, t1: Any, y: State, args: Any) -> tuple[Any, Any]:
        """The slope of the voltage under the mean command of a step, and its derivative by the voltage."""

        def slope(v: Any) -> Any:
            return self._mean_slope(t0, t1, State(v, y.gates, y.calcium), args).voltage

        return jax.jvp(slope, (y.voltage,), (jnp.ones_like(y.voltage),))

    def calcium_slope(self, t0: Any, t1: Any, y: State, args: Any) -> tuple[Any, Any]:
        """The slope of a pool's calcium, and its derivative by the calcium."""
        level: Any = y.calcium

        def slope(calcium: Any) -> Any:
            return self._mean_slope(t0, t1, State(y.voltage, y.gates, calcium), args).calcium

        return jax.jvp(slope, (level,), (jnp.ones_like(level),))

    def _mean_slope(self, t0: Any, t1: Any, y: State, args: Any) -> State:
        neuron, stimulus, holding = args
        injected = holding + stimulus.mean(t0, t1, holding)
        return in_resting_levels(neuron, neuron.derivative(in_millimolar(neuron, y), injected))

    def _physical(self, t: Any, y: State, args: Any) -> State:
        neuron, stimulus, holding = args
        voltage = holding + stimulus.at(t, holding) if self.clamped else y.voltage
        return in_millimolar(neuron, State(voltage, y.gates, y.calcium))


def equation_of(terms: Any) -> SweepEquation:
    """The equation that a solver is asked to step: diffrax wraps terms, so that time could run backward."""
    return getattr(terms, "term", terms)


def in_resting_levels(neuron: Neuron, state: State) -> State:
    """The same state with its calcium in units of the pool's resting level."""
    if neuron.calcium is None or state.calcium is None:
        return state
    return State(state.voltage, state.gates, state.calcium / neuron.calcium.resting)


def in_millimolar(neuron: Neuron, state: State) -> State:
    """The same state with its calcium in mM again."""
    if neuron.calcium is None or state.calcium is None:
        return state
    return State(state.voltage, state.gates, state.calcium * neuron.calcium.resting)
