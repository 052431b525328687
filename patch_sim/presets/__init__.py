"""Published cells, each with its source, and ready protocols."""

from patch_sim.presets.axon import squid_axon as squid_axon
from patch_sim.presets.basal_ganglia import dopaminergic as dopaminergic, subthalamic as subthalamic
from patch_sim.presets.cerebellum import purkinje as purkinje
from patch_sim.presets.cortex import (
    fast_spiking as fast_spiking,
    layer5_pyramidal as layer5_pyramidal,
    regular_spiking as regular_spiking,
)
from patch_sim.presets.herg import herg_sine as herg_sine, herg_staircase as herg_staircase
from patch_sim.presets.hippocampus import ca1_pyramidal as ca1_pyramidal
from patch_sim.presets.neurons import neuron as neuron, neurons as neurons
from patch_sim.presets.protocols import protocol as protocol, protocols as protocols
from patch_sim.presets.thalamus import thalamic_relay as thalamic_relay, thalamic_reticular as thalamic_reticular
from patch_sim.presets.voltage_clamp import (
    action_potential_clamp as action_potential_clamp,
    activation as activation,
    deactivation as deactivation,
    envelope as envelope,
    inactivation as inactivation,
    membrane_test as membrane_test,
    recovery as recovery,
    resurgent as resurgent,
)
