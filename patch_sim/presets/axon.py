"""The axon that began it."""

import math

from patch_sim import channels as c
from patch_sim.neuron import Neuron


def squid_axon() -> Neuron:
    """The squid giant axon of Hodgkin and Huxley (1952), J Physiol 117:500-544, at 6.3 degrees C.

    The membrane is the paper's (with the leak's reversal at -54.3 mV, see `patch_sim.channels.Leak`, so that it
    rests at -64.97 mV); the area is a choice: that of a cylinder 20 um long and 20 um wide, 1256.6 um2.
    """
    channels = {"Na": c.Na(reversal=50.0), "K": c.K(reversal=-77.0), "Leak": c.Leak()}
    return Neuron(channels, area=math.pi * 20.0 * 20.0, capacitance=1.0, temperature=6.3)
