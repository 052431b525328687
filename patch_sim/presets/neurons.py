"""The published cells by name."""

from collections.abc import Callable

from patch_sim.neuron import Neuron
from patch_sim.presets.axon import squid_axon
from patch_sim.presets.basal_ganglia import dopaminergic, subthalamic
from patch_sim.presets.cerebellum import purkinje
from patch_sim.presets.cortex import fast_spiking, layer5_pyramidal, regular_spiking
from patch_sim.presets.hippocampus import ca1_pyramidal
from patch_sim.presets.thalamus import thalamic_relay, thalamic_reticular

_NEURONS: dict[str, Callable[[], Neuron]] = {
    build.__name__: build
    for build in (
        squid_axon,
        regular_spiking,
        fast_spiking,
        thalamic_relay,
        thalamic_reticular,
        ca1_pyramidal,
        purkinje,
        dopaminergic,
        subthalamic,
        layer5_pyramidal,
    )
}


def neurons() -> tuple[str, ...]:
    """The names of the published cells."""
    return tuple(_NEURONS)


def neuron(name: str) -> Neuron:
    """Build a published cell; the docstring of the function of that name has its source.

    Raises:
        KeyError: no cell of that name; the message lists those that exist.
    """
    if name not in _NEURONS:
        raise KeyError(f"no neuron preset {name!r}; there are: {', '.join(_NEURONS)}")
    return _NEURONS[name]()
