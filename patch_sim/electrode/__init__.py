"""What lies between the amplifier and the membrane."""

from patch_sim.electrode.circuits import (
    SEAL as SEAL,
    AbstractCircuit as AbstractCircuit,
    CurrentClampCircuit as CurrentClampCircuit,
    VoltageClampCircuit as VoltageClampCircuit,
    clamped as clamped,
    sealed as sealed,
)
from patch_sim.electrode.compensation import Compensation as Compensation
from patch_sim.electrode.electrode import Electrode as Electrode
