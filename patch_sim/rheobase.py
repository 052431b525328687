"""The weakest current that makes a cell fire."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float

from patch_sim.neuron import Neuron
from patch_sim.protocols import CurrentClamp
from patch_sim.simulate import Solver, simulate
from patch_sim.stability import starting_state
from patch_sim.stimuli import Step
from patch_sim.units import whole_cell_current

_WEAKEST, _STRONGEST = 0.01, 100.0  # uA/cm2: the range of the first batch
_SWEEPS = 16  # of every batch, so that a search compiles once
_START = 5.0  # ms
_AFTER = 20.0  # ms: how long after a short step its spike may come
_DT = 0.05  # ms


def rheobase(
    neuron: Neuron,
    duration: Any = 500.0,
    *,
    holding: Any = 0.0,
    strongest: Any = None,
    tolerance: Any = 1e-3,
    solver: Solver | None = None,
) -> float:
    """Search the weakest step of current (pA) that makes a resting cell fire, on top of the holding current.

    Batches of currents, the first from 0.01 uA/cm2 of membrane on by equal factors, close in on the weakest one that
    makes it fire. A spike goes up through 0 mV, during the step or up to 20 ms after it.

    Args:
        neuron: the cell.
        duration: of the step, ms.
        holding: pA. A cell that fires by itself must be held until it rests.
        strongest: at which current to give up, pA; None for 100 uA/cm2 of membrane.
        tolerance: how much weaker a current that fires may be than the one returned, as a fraction of it.
        solver: as of `simulate`.

    Returns:
        The weakest current that was seen to make the cell fire.

    Raises:
        ValueError: a cell that has no stable rest at the holding current, or that even the strongest current does not
            make fire; an argument that is not what it should be.
    """
    if not isinstance(neuron, Neuron):
        raise ValueError(f"rheobase takes a Neuron, not {neuron!r}")
    if strongest is None:
        strongest = float(whole_cell_current(_STRONGEST, neuron.area))
    if not 0.0 < strongest < float("inf"):
        raise ValueError(f"rheobase: strongest must be a positive current in pA, not {strongest!r}")
    if not 0.0 < tolerance < 1.0:
        raise ValueError(f"rheobase: tolerance must be a fraction between 0 and 1, not {tolerance!r}")
    if rest(neuron, holding) is None:
        raise ValueError(
            f"rheobase: the cell does not stay at rest under a holding current of {holding:g} pA, it may fire by "
            "itself; hold it with a more negative current"
        )
    below = 0.0
    batch = np.geomspace(min(float(whole_cell_current(_WEAKEST, neuron.area)), strongest / 2.0), strongest, _SWEEPS)
    while True:
        fires = _fires(neuron, batch, duration, holding, solver)
        if not fires.any():
            raise ValueError(
                f"rheobase: the cell does not fire under {strongest:g} pA for {duration:g} ms; try a longer step, or a "
                "stronger current"
            )
        first = int(np.argmax(fires))
        below, above = float(batch[first - 1]) if first else below, float(batch[first])
        if above - below <= tolerance * above:
            return above
        batch = np.linspace(below, above, _SWEEPS + 1)[1:]


def rest(neuron: Neuron, holding: Any = 0.0) -> float | None:
    """Where a cell rests under a holding current (pA), mV; None if it does not stay there."""
    state, stable = _starting_state(neuron, jnp.asarray(holding, dtype=neuron.area.dtype))
    return float(state.voltage) if stable else None


def responses(
    neuron: Neuron,
    currents: Float[np.ndarray, " sweeps"],
    duration: Any,
    holding: Any,
    solver: Solver | None = None,
) -> tuple[Float[np.ndarray, " samples"], Bool[np.ndarray, "sweeps samples-1"]]:
    """The time (ms) since the start of steps of current (pA), and between which samples a spike goes up."""
    step = Step(currents, _START, duration)
    clamp = CurrentClamp(step, duration=_START + duration + _AFTER, dt=_DT, holding=holding)
    recording = simulate(neuron, clamp, save=("voltage",), solver=solver)
    above = np.asarray(recording.voltage) >= 0.0
    return np.asarray(recording.time) - _START, above[:, 1:] & ~above[:, :-1]


def _fires(
    neuron: Neuron, currents: Float[np.ndarray, " sweeps"], duration: Any, holding: Any, solver: Solver | None
) -> Bool[np.ndarray, " sweeps"]:
    """Which currents (pA) make the cell fire."""
    return np.any(responses(neuron, currents, duration, holding, solver)[1], axis=1)


_starting_state = jax.jit(starting_state)
