"""Published cells."""

import math
from collections.abc import Callable

from patch_sim.channels import K, Leak, Na
from patch_sim.neuron import Neuron


def squid_axon() -> Neuron:
    """The squid giant axon of Hodgkin and Huxley (1952), J Physiol 117:500-544, at 6.3 degrees C.

    The membrane is the paper's (with the leak's reversal at -54.3 mV, see `patch_sim.channels.Leak`, so that it
    rests at -64.97 mV); the area is a choice: that of a cylinder 20 um long and 20 um wide, 1256.6 um2.
    """
    channels = {"Na": Na(reversal=50.0), "K": K(reversal=-77.0), "Leak": Leak()}
    return Neuron(channels, area=math.pi * 20.0 * 20.0, capacitance=1.0, temperature=6.3)


_NEURONS: dict[str, Callable[[], Neuron]] = {"squid_axon": squid_axon}


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
