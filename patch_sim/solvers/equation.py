"""The equations of one sweep, as a diffrax term."""

from typing import Any

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp

from patch_sim.neuron import Neuron, State
from patch_sim.relaxation import Pair
from patch_sim.units import current_density


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
        return State(y.voltage, gates, y.calcium, y.pipette)

    def kinetics(self, y: State, args: Any) -> Any:
        """What moves the gates at the voltage and calcium of a state."""
        return args[0].kinetics(in_millimolar(args[0], y))

    def voltage_line(self, y: State, args: Any) -> Pair:
        r"""The slope of the voltage without a command as $d - s V$: exactly, or its tangent where it is no line."""
        neuron = args[0]

        def slope(v: Any) -> Any:
            state = in_millimolar(neuron, State(v, y.gates, y.calcium))
            return neuron.derivative(state, jnp.zeros_like(v)).voltage

        value, feedback = jax.jvp(slope, (y.voltage,), (jnp.ones_like(y.voltage),))
        return value - feedback * y.voltage, -feedback

    def commanded(self, t0: Any, t1: Any, args: Any) -> Any:
        """What the mean command of a step adds to the slope of the voltage (mV/ms)."""
        neuron, stimulus, holding = args
        return current_density(holding + stimulus.mean(t0, t1, holding), neuron.area) * (1.0 / neuron.capacitance)

    def calcium_line(self, y: State, args: Any) -> Pair:
        r"""The slope of a pool's calcium as $d - s c$: the tangent."""
        neuron = args[0]
        level: Any = y.calcium

        def slope(calcium: Any) -> Any:
            state = in_millimolar(neuron, State(y.voltage, y.gates, calcium))
            return in_resting_levels(neuron, neuron.derivative(state, jnp.zeros_like(calcium))).calcium

        value, feedback = jax.jvp(slope, (level,), (jnp.ones_like(level),))
        return value - feedback * level, -feedback

    def _physical(self, t: Any, y: State, args: Any) -> State:
        neuron, stimulus, holding = args[:3]
        voltage = holding + stimulus.at(t, holding) if self.clamped else y.voltage
        return in_millimolar(neuron, State(voltage, y.gates, y.calcium, y.pipette))


class VoltageClampEquation(SweepEquation):
    """What a neuron does that is held at a command (mV) through a series resistance; `args` ends with the electrode."""

    clamped: bool = eqx.field(static=True, default=False)

    def vf(self, t: Any, y: State, args: Any) -> State:
        """How fast the state changes, per ms."""
        neuron, stimulus, holding, electrode = args
        entering = electrode.clamp_current(holding + stimulus.at(t, holding), y.voltage)
        return in_resting_levels(neuron, neuron.derivative(in_millimolar(neuron, y), entering))


class PipetteEquation(SweepEquation):
    """What a neuron and a pipette with a capacitance do under a current (pA); `args` ends with the electrode."""

    clamped: bool = eqx.field(static=True, default=False)

    def vf(self, t: Any, y: State, args: Any) -> State:
        """How fast the state changes, per ms."""
        neuron, stimulus, holding, electrode = args
        entering = electrode.entering(y.pipette, y.voltage)
        change = in_resting_levels(neuron, neuron.derivative(in_millimolar(neuron, y), entering))
        charging = (holding + stimulus.at(t, holding) - entering) / electrode.free_capacitance
        return State(change.voltage, change.gates, change.calcium, charging)


def equation_of(terms: Any) -> Any:
    """The equation that a solver is asked to step: diffrax wraps terms, so that time could run backward."""
    return getattr(terms, "term", terms)


def in_resting_levels(neuron: Neuron, state: State) -> State:
    """The same state with its calcium in units of the pool's resting level."""
    if neuron.calcium is None or state.calcium is None:
        return state
    return State(state.voltage, state.gates, state.calcium / neuron.calcium.resting, state.pipette)


def in_millimolar(neuron: Neuron, state: State) -> State:
    """The same state with its calcium in mM again."""
    if neuron.calcium is None or state.calcium is None:
        return state
    return State(state.voltage, state.gates, state.calcium * neuron.calcium.resting, state.pipette)
