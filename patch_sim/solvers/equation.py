"""The equations of one sweep, as a diffrax term."""

from collections.abc import Callable
from typing import Any

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp

from patch_sim.channels import AbstractChannel, AbstractMarkovChannel
from patch_sim.neuron import Neuron, State
from patch_sim.partials import by_partials
from patch_sim.relaxation import Pair
from patch_sim.units import current_density, whole_cell_capacitance

_STABLE = 2.5


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

    def edges(self, args: Any) -> Any:
        """When (ms) what is commanded jumps."""
        return args[1].edges(None)

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
        return State(y.voltage, gates, y.calcium, y.electrode)

    def longest_step(self, args: Any) -> Any:
        """The longest step (ms) that does not amplify a deviation at rest, where an error cannot tell; here any."""
        return jnp.full_like(args[2], jnp.inf)

    def kinetics(self, y: State, args: Any, apart: Any = None) -> Any:
        """What moves the gates at the voltage and calcium of a state; `apart` as of `patch_sim.partials`."""
        neuron = args[0]
        inside = neuron.ions_in(in_millimolar(neuron, y)).Ca.inside

        def of_channel(v: Any, calcium: Any, channel: AbstractChannel) -> Any:
            return channel.kinetics(v, calcium)

        return {
            name: by_few_partials(of_channel, channel, apart)(y.voltage, inside, channel)
            for name, channel in neuron.channels.items()
        }

    def longest_step_at(self, t: Any, y: State, args: Any) -> Any:
        """What keeps an explicit method stable in the gates of a state, ms: a little less than 3.5 time constants."""
        neuron = args[0]
        kinetics = self.kinetics(in_resting_levels(neuron, self._physical(t, y, args)), args)
        schemes = [name for name, channel in neuron.channels.items() if isinstance(channel, AbstractMarkovChannel)]
        gates = [pair for name, pairs in kinetics.items() if name not in schemes for pair in pairs.values()]
        totals = [jnp.abs(total) for _, total in gates]
        return _STABLE / jnp.max(jnp.stack([jnp.zeros_like(y.voltage), *totals]))

    def voltage_line(self, y: State, args: Any, apart: Any = None) -> Pair:
        r"""The slope of the voltage without a command as $d - s V$: exactly, or its tangent where it is no line."""
        neuron = args[0]
        ions = neuron.ions_in(in_millimolar(neuron, y))

        def of_channel(v: Any, states: Any, ions: Any, temperature: Any, channel: AbstractChannel) -> Pair:
            current, slope = jax.jvp(lambda v: channel.current(v, states, ions, temperature), (v,), (jnp.ones_like(v),))
            return slope * v - current, slope

        lines = [
            by_partials(of_channel, apart)(y.voltage, y.gates[name], ions, neuron.temperature, channel)
            for name, channel in neuron.channels.items()
        ]
        drive, total = (sum(parts, jnp.zeros_like(y.voltage)) for parts in zip(*lines, strict=True))
        return drive / neuron.capacitance, total / neuron.capacitance

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
        return in_millimolar(neuron, State(voltage, y.gates, y.calcium, y.electrode))


class RigEquation(SweepEquation):
    """What a neuron does behind an electrode; `args` goes on with the circuit and the virtual conductances, or None."""

    clamped: bool = eqx.field(static=True, default=False)

    def vf(self, t: Any, y: State, args: Any) -> State:
        """How fast the state changes, per ms."""
        neuron, _, _, circuit, virtual = args
        command = self._driven(t, y, args)
        entering = circuit.entering(command, y.voltage, y.electrode)
        change = neuron.derivative(in_millimolar(neuron, y), entering)
        gates = change.gates
        if virtual is not None:
            gates = gates | virtual.derivative(circuit.reported(command, y.voltage, y.electrode), y.gates)
        slopes = circuit.slopes(command, y.voltage, y.electrode)
        return in_resting_levels(neuron, State(change.voltage, gates, change.calcium, slopes))

    def implicit(self, t: Any, y: State, args: Any, step: Any) -> State:
        """The same state with gates x that solve x = y.gates + step dx/dt, all potentials and calcium as they are."""
        neuron, _, _, circuit, virtual = args
        gates = neuron.implicit(in_millimolar(neuron, y), step)
        if virtual is not None:
            reported = circuit.reported(self._driven(t, y, args), y.voltage, y.electrode)
            gates = gates | virtual.implicit(reported, y.gates, step)
        return State(y.voltage, gates, y.calcium, y.electrode)

    def potential_slopes(self, y: State, command: Any, args: Any) -> State:
        """How fast (mV/ms) the potentials of membrane and electrode move at a command."""
        neuron, _, _, circuit, _ = args
        entering = circuit.entering(command, y.voltage, y.electrode)
        membrane = neuron.voltage_slope(neuron.currents(in_millimolar(neuron, y)), entering)
        return State(membrane, y.gates, y.calcium, circuit.slopes(command, y.voltage, y.electrode))

    def edges(self, args: Any) -> Any:
        """When (ms) what is commanded jumps, or a conductance does."""
        _, stimulus, _, _, virtual = args
        waveforms = [] if virtual is None else [one.waveform for one in virtual.conductances]
        return jnp.concatenate([waveform.edges(None) for waveform in (stimulus, *waveforms)])

    def longest_step(self, args: Any) -> Any:
        """A little less than what keeps an explicit method of fifth order stable, 3.5 time constants of the circuit."""
        neuron, _, holding, circuit, _ = args
        fastest = circuit.fastest(whole_cell_capacitance(neuron.capacitance, neuron.area))
        return jnp.broadcast_to(_STABLE / fastest, holding.shape)

    def _driven(self, t: Any, y: State, args: Any) -> Any:
        """What drives the circuit: the command, in a dynamic clamp with what the computer adds."""
        _, stimulus, holding, circuit, virtual = args
        command = holding + stimulus.at(t, holding)
        if virtual is None:
            return command
        return virtual.injected(t, command, y.gates, lambda i: circuit.reported(i, y.voltage, y.electrode))


def equation_of(terms: Any) -> Any:
    """The equation that a solver is asked to step: diffrax wraps terms, so that time could run backward."""
    return getattr(terms, "term", terms)


def by_few_partials(of_channel: Callable[..., Any], channel: AbstractChannel, apart: Any) -> Callable[..., Any]:
    """What is asked of a channel's gates, by partial derivatives; of a Markov scheme, which has too many, as it is."""
    return of_channel if isinstance(channel, AbstractMarkovChannel) else by_partials(of_channel, apart)


def in_resting_levels(neuron: Neuron, state: State) -> State:
    """The same state with its calcium in units of the pool's resting level."""
    if neuron.calcium is None or state.calcium is None:
        return state
    return State(state.voltage, state.gates, state.calcium / neuron.calcium.resting, state.electrode)


def in_millimolar(neuron: Neuron, state: State) -> State:
    """The same state with its calcium in mM again."""
    if neuron.calcium is None or state.calcium is None:
        return state
    return State(state.voltage, state.gates, state.calcium * neuron.calcium.resting, state.electrode)
