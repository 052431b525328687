"""The ready protocols by name."""

import functools
from collections.abc import Callable

from patch_sim.neuron import Neuron
from patch_sim.presets import current_clamp
from patch_sim.presets.axon import squid_axon
from patch_sim.presets.voltage_clamp import activation, inactivation, membrane_test
from patch_sim.protocols import AbstractProtocol

_FITTED: dict[str, Callable[[Neuron], AbstractProtocol]] = {
    "Action Potential": current_clamp.action_potential,
    "Subthreshold Response": current_clamp.subthreshold_response,
    "Repetitive Firing": current_clamp.repetitive_firing,
    "F-I Curve": current_clamp.f_i_curve,
    "Rheobase": current_clamp.around_rheobase,
    "Hyperpolarization Steps": current_clamp.hyperpolarization_steps,
    "Frequency Response": current_clamp.frequency_response,
}
"""Those whose currents depend on the cell."""

_FIXED: dict[str, Callable[[], AbstractProtocol]] = {
    "I-V Curve": functools.partial(activation, tuple(range(-100, 61, 10)), holding=-80.0, duration=100.0),
    "Na+ Channel Activation": functools.partial(
        activation, tuple(range(-80, 61, 5)), holding=-110.0, duration=10.0, after=5.0, dt=0.01
    ),
    "Steady-State Inactivation": inactivation,
    "Membrane Test": membrane_test,
}
"""Those whose voltages are the same for all."""


def protocols() -> tuple[str, ...]:
    """The names of the ready protocols."""
    return (*_FITTED, *_FIXED)


def protocol(name: str, neuron: Neuron | None = None) -> AbstractProtocol:
    """Build a ready protocol that suits a cell.

    Currents are scaled by the cell's rheobase, which takes a search of some seconds, and follow the size of the cell; a
    cell that fires by itself is held near -70 mV, where it rests. The voltages of a voltage clamp are the same for all.

    Args:
        name: one of `protocols()`.
        neuron: the cell; None for the squid axon.

    Raises:
        KeyError: no protocol of that name; the message lists those that exist.
        ValueError: a cell that never fires, or that rests nowhere.
    """
    if name not in protocols():
        raise KeyError(f"no protocol {name!r}; there are: {', '.join(protocols())}")
    if neuron is not None and not isinstance(neuron, Neuron):
        raise ValueError(f"protocol takes a Neuron, such as presets.neuron('squid_axon'), not {neuron!r}")
    if name in _FIXED:
        return _FIXED[name]()
    return _FITTED[name](squid_axon() if neuron is None else neuron)
