"""Published cells, each with its source."""

from patch_sim.presets.axon import squid_axon as squid_axon
from patch_sim.presets.cortex import layer5_pyramidal as layer5_pyramidal, regular_spiking as regular_spiking
from patch_sim.presets.neurons import neuron as neuron, neurons as neurons
from patch_sim.presets.thalamus import thalamic_relay as thalamic_relay
