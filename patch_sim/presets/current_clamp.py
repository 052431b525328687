"""Currents that suit a cell: multiples of what makes it fire, or what shifts its voltage by so much.

A cell that fires by itself is held near -70 mV by a constant current.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from patch_sim.neuron import Neuron
from patch_sim.protocols import CurrentClamp
from patch_sim.rheobase import responses, rest, rheobase
from patch_sim.stimuli import Chirp, Step
from patch_sim.units import whole_cell_current

_HELD = -70.0  # mV
_PULSE = 2.0  # ms
_STEP = 500.0  # ms
_MULTIPLES = np.arange(2.0, 18.0)  # of rheobase; as many as a search for it runs at once, so that nothing compiles anew
_USUAL = 3.0


def action_potential(neuron: Neuron) -> CurrentClamp:
    """A pulse of 2 ms, 1.1 times as strong as it must be: one spike, or one burst of a cell that bursts."""
    held = holding(neuron)
    pulse = Step(1.1 * rheobase(neuron, _PULSE, holding=held), 10.0, _PULSE)
    return CurrentClamp(pulse, duration=60.0, holding=held)


def subthreshold_response(neuron: Neuron) -> CurrentClamp:
    """Steps of -1/2 to 3/4 of rheobase: no spikes."""
    held = holding(neuron)
    return _steps(np.array([-0.5, -0.25, 0.25, 0.5, 0.75]) * rheobase(neuron, _STEP, holding=held), held)


def repetitive_firing(neuron: Neuron) -> CurrentClamp:
    """A step that keeps the cell firing, see `sustaining`."""
    held = holding(neuron)
    return _steps(np.array([sustaining(neuron, rheobase(neuron, _STEP, holding=held), held)]), held)


def f_i_curve(neuron: Neuron) -> CurrentClamp:
    """Steps from nothing to twice the current that keeps the cell firing, see `sustaining`."""
    held = holding(neuron)
    strong = 2.0 * sustaining(neuron, rheobase(neuron, _STEP, holding=held), held)
    return _steps(np.linspace(0.0, strong, 13), held)


def around_rheobase(neuron: Neuron) -> CurrentClamp:
    """Steps of 0.8 to 1.2 times the rheobase, which is searched; it is the fifth of nine."""
    held = holding(neuron)
    multiples = np.array([0.8, 0.9, 0.95, 0.98, 1.0, 1.02, 1.05, 1.1, 1.2])
    return _steps(multiples * rheobase(neuron, _STEP, holding=held), held)


def hyperpolarization_steps(neuron: Neuron) -> CurrentClamp:
    """Steps under which the cell would settle 5, 10, 15 and 20 mV below where it is held: sag, rebound."""
    held = holding(neuron)
    start: Any = rest(neuron, held)
    return _steps(np.asarray(_steady_current(neuron, start - np.array([5.0, 10.0, 15.0, 20.0]))) - held, held)


def frequency_response(neuron: Neuron) -> CurrentClamp:
    """A sinusoid of a quarter of rheobase that sweeps from 2 to 200 Hz in 5 s: the impedance, without spikes."""
    held = holding(neuron)
    chirp = Chirp(
        amplitude=0.25 * rheobase(neuron, _STEP, holding=held),
        first_frequency=2.0,
        last_frequency=200.0,
        start=100.0,
        duration=5000.0,
        exponential=True,
    )
    return CurrentClamp(chirp, duration=5200.0, dt=0.1, holding=held)


def holding(neuron: Neuron) -> float:
    """0 if the cell rests by itself, else the current (pA) that holds it near -70 mV.

    Raises:
        ValueError: a cell that does not stay there either.
    """
    if rest(neuron) is not None:
        return 0.0
    held = float(_steady_current(neuron, np.array(_HELD)))
    if rest(neuron, held) is None:
        raise ValueError(f"the cell rests neither by itself nor when {held:.4g} pA hold it at {_HELD:g} mV")
    return held


def sustaining(neuron: Neuron, threshold: float, held: float) -> float:
    """The weakest of 2, 3, ... 17 times the rheobase (pA) at which a cell fires twice in the second half of a step.

    Or three times the rheobase, if it never does.
    """
    time, spikes = responses(neuron, _MULTIPLES * threshold, _STEP, held)
    late = np.sum(spikes[:, (time[1:] > 0.5 * _STEP) & (time[1:] < _STEP)], axis=1) >= 2
    return threshold * float(_MULTIPLES[np.argmax(late)] if late.any() else _USUAL)


def _steps(currents: Float[np.ndarray, " sweeps"], held: float) -> CurrentClamp:
    return CurrentClamp(Step(currents, 50.0, _STEP), duration=700.0, holding=held)


@jax.jit
def _steady_current(neuron: Neuron, voltage: Float[Array, "*shape"]) -> Any:
    """The current (pA) that holds a cell at a voltage (mV), with any pool at its resting level."""
    currents = neuron.currents(neuron.steady_state(voltage))
    return whole_cell_current(sum(currents.values(), jnp.zeros_like(voltage)), neuron.area)
