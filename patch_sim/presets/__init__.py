"""Published cells, each with its source."""

from patch_sim.presets.neurons import neuron as neuron
from patch_sim.presets.neurons import neurons as neurons
from patch_sim.presets.neurons import squid_axon as squid_axon
