"""Published cells, each with its source."""

from patch_sim.presets.neurons import (
    layer5_pyramidal as layer5_pyramidal,
    neuron as neuron,
    neurons as neurons,
    regular_spiking as regular_spiking,
    squid_axon as squid_axon,
    thalamic_relay as thalamic_relay,
)
