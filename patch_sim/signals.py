"""What an amplifier reports of a patched neuron, out of the states that it went through."""

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from patch_sim.electrode import SEAL
from patch_sim.neuron import State
from patch_sim.patch import Patch
from patch_sim.protocols import AbstractClamp
from patch_sim.units import whole_cell_capacitance, whole_cell_current


def membrane_signals(patch: Patch, states: State) -> dict[str, Any]:
    """Voltage, channel currents and states of the cell; XLA drops what is not saved."""
    cell = {name: states.gates[name] for name in patch.neuron.channels if name != SEAL}
    gates = {f"{name}.{key}": x for name, gates in cell.items() for key, x in gates.items()}
    currents = {name: current for name, current in _currents(patch, states).items() if name != SEAL}
    calcium = {} if states.calcium is None else {"calcium": states.calcium}
    return {"voltage": states.voltage, "currents": currents, "states": gates | calcium}


def current_clamp_signals(
    patch: Patch, times: Float[Array, " samples"], command: Float[Array, "sweeps samples"], states: State
) -> tuple[Float[Array, "sweeps samples"], Float[Array, "sweeps samples"]]:
    """What is injected, pA, in a dynamic clamp with what the computer adds; and the voltage that is measured, mV."""

    def sweep(conductances: Any, command: Float[Array, " samples"], states: State) -> tuple[Any, Any]:
        def reported(current: Float[Array, " samples"]) -> Float[Array, " samples"]:
            return patch.circuit.reported(current, states.voltage, states.electrode)

        if patch.virtual is not None:
            _, _, virtual = patch.rig(conductances)
            command = virtual.injected(times, command, states.gates, reported)
        return command, reported(command)

    return jax.vmap(sweep)(patch.conductances, command, states)


def voltage_clamp_signals(
    patch: Patch,
    protocol: AbstractClamp,
    times: Float[Array, " samples"],
    command: Float[Array, "sweeps samples"],
    states: State,
) -> tuple[Float[Array, "sweeps samples"], Float[Array, "sweeps samples"]]:
    """What is measured: the current, pA, and the voltage of the pipette, mV."""
    current = clamp_current(patch, command, states) + _charging(patch, protocol, times)
    if patch.ideally_clamped:
        return current, patch.electrode.behind(states.voltage, current)
    return current, patch.circuit.pipette(command, states.voltage, states.electrode)


def clamp_current(patch: Patch, command: Float[Array, "*shape"], states: State) -> Float[Array, "*shape"]:
    """What is measured in voltage clamp (pA), but for what charges capacitances to a command that moves."""
    if patch.ideally_clamped:
        return sum(_currents(patch, states).values(), jnp.zeros_like(command))
    return patch.circuit.reported(command, states.voltage, states.electrode)


def _charging(patch: Patch, protocol: AbstractClamp, times: Float[Array, " samples"]) -> Float[Array, "sweeps samples"]:
    """The current (pA) that charges capacitances to the command; jumps take no time and are left out.

    In an ideal clamp these are the membrane's and the pipette's, behind a series resistance the pipette's, and none
    where the pipette has a potential of its own.
    """
    stimulus, holding = protocol.broadcast()
    if stimulus.piecewise_constant or "lag" in patch.electrode.used:
        return jnp.zeros((protocol.sweeps, times.size), times.dtype)
    capacitance = patch.electrode.free_capacitance
    if patch.ideally_clamped:
        capacitance = capacitance + whole_cell_capacitance(patch.neuron.capacitance, patch.neuron.area)

    def slope(stimulus: Any, holding: Float[Array, ""]) -> Float[Array, " samples"]:
        return jax.jvp(lambda t: stimulus.at(t, holding), (times,), (jnp.ones_like(times),))[1]

    return capacitance * jax.vmap(slope)(stimulus, holding)


def _currents(patch: Patch, states: State) -> dict[str, Any]:
    """Through each channel and the seal, pA."""
    densities = patch.neuron.currents(states)
    return {name: whole_cell_current(density, patch.neuron.area) for name, density in densities.items()}
