"""The solver of a fit, and of what it predicts, where none is named."""

from typing import Any

import jax.numpy as jnp
import numpy as np

import patch_sim as ps

_FAST = 50.0  # 1/ms: gates above it make an explicit method slow


def suitable(neuron: ps.Neuron, electrode: ps.Electrode, mode: ps.Mode, command: Any) -> ps.Solver:
    """The solver for a cell behind an electrode under a command, as `patch_sim.simulate` takes it.

    Held through a series resistance, gates rest at potentials where they can be much faster than anything else, and an
    explicit method would have to take steps as short as they are.
    """
    through = mode is ps.Mode.VOLTAGE_CLAMP and "series_resistance" in electrode.used
    if through and _fastest(neuron, np.asarray(command, dtype=float)) > _FAST:
        return ps.Adaptive(method=ps.solvers.ImplicitGates())
    return ps.Adaptive()


def _fastest(neuron: ps.Neuron, command: np.ndarray) -> float:
    """How fast (1/ms) the fastest gate of a cell is at the lowest and the highest command."""
    v = jnp.asarray([np.nanmin(command), np.nanmax(command)])
    calcium = jnp.full_like(v, neuron.ions.Ca.inside)
    gates = [gate for channel in neuron.channels.values() for gate in getattr(channel, "gates", {}).values()]
    times = np.concatenate([np.asarray(gate.time_constant(v, calcium)) for gate in gates] or [np.zeros(0)])
    return float(np.max(1.0 / times[times > 0.0], initial=0.0))
