"""Published cells, each with its source."""

from patch_sim.presets.neurons import neuron as neuron, neurons as neurons, squid_axon as squid_axon
