"""The states in which the sweeps of a clamp start."""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, Bool, Float

from patch_sim.electrode import SEAL, clamped
from patch_sim.neuron import Neuron, State
from patch_sim.parameters import as_array
from patch_sim.patch import Patch
from patch_sim.protocols import AbstractClamp, AbstractProtocol, Mode
from patch_sim.solvers import LANES
from patch_sim.stability import starting_state


def check_initial(neuron: Neuron, protocol: AbstractProtocol, initial: Any) -> State | Float[Array, "..."] | None:
    """Make sure that a simulation can start there; see `simulate`.

    Raises:
        ValueError: what is neither None, a voltage (mV), one for each sweep, nor a state of this neuron.
    """
    if initial is None:
        return None
    sizes = ((), (1,), (protocol.sweeps,))
    if isinstance(initial, State):
        if not neuron.owns(initial):
            raise ValueError("initial is the state of a neuron with other channels")
        if any(jnp.shape(leaf) not in sizes for leaf in jax.tree.leaves(initial)):
            raise ValueError(f"initial must hold one state, or one for each of {protocol.sweeps} sweeps")
        return initial
    voltage = as_array(initial)
    if not isinstance(voltage, jax.Array):
        raise ValueError(f"initial must be None, a voltage in mV, or a recording's final_state, not {initial!r}")
    if voltage.shape not in sizes:
        raise ValueError(f"initial must be one voltage, or one for each of {protocol.sweeps} sweeps, not {initial!r}")
    if not isinstance(voltage, Tracer) and not np.all(np.isfinite(voltage)):
        raise ValueError(f"initial must be a finite voltage in mV, not {initial!r}")
    return voltage


def initial_states(
    patch: Patch, protocol: AbstractClamp, initial: State | Float[Array, "..."] | None
) -> tuple[State, Bool[Array, " sweeps"]]:
    """The state of each sweep at time 0, and False where it should have been a stable rest and is not.

    In a dynamic clamp, rest is that of a cell that has the virtual channels in its membrane.
    """
    neuron, electrode = patch.neuron, patch.electrode
    holding, sweeps = protocol.broadcast()[1], (protocol.sweeps,)
    stable = jnp.ones(sweeps, dtype=bool)
    if isinstance(initial, State):
        seal = {SEAL: {}} if SEAL in neuron.channels else {}
        start = State(initial.voltage, {**initial.gates, **seal}, initial.calcium, initial.electrode)
    elif initial is not None:
        start = neuron.steady_state(jnp.broadcast_to(initial, sweeps))
    elif protocol.mode is Mode.CURRENT_CLAMP:
        whole = neuron if patch.virtual is None else neuron.with_channels(**patch.virtual.membrane.channels)
        start, stable = each_sweep(functools.partial(starting_state, whole), holding)
    elif patch.ideally_clamped:
        start = neuron.steady_state(holding - electrode.shift)
    else:
        held = each_sweep(lambda command: clamped(neuron, electrode, command).resting_state().voltage, holding)
        start = neuron.steady_state(held)
    start, stable = jax.tree.map(lambda x: jnp.broadcast_to(x, sweeps), (start, stable))
    gates = {name: start.gates[name] for name in neuron.channels}
    if patch.virtual is not None:
        gates |= patch.virtual.gates_at(start.voltage + electrode.shift)
    settled = {} if patch.ideally_clamped else patch.circuit.settled(holding, start.voltage)
    potentials = {name: start.electrode.get(name, potential) for name, potential in settled.items()}
    return State(start.voltage, gates, start.calcium, potentials), stable


def each_sweep(function: Callable[..., Any], *sweeps: Any, together: bool = False) -> Any:
    """Call a function for one sweep after the other, or for many in lockstep; for a single one without their axis."""
    if all(leaf.shape[0] == 1 for leaf in jax.tree.leaves(sweeps)):
        return jax.tree.map(lambda x: x[None], function(*jax.tree.map(lambda x: x[0], sweeps)))
    lanes = LANES if together and jax.default_backend() == "cpu" else len(jax.tree.leaves(sweeps)[0])
    return jax.lax.map(lambda sweep: function(*sweep), sweeps, batch_size=lanes if together else None)
