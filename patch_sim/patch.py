"""A neuron that is being patched."""

from typing import Any

import equinox as eqx

from patch_sim.dynamic_clamp import Conductance, VirtualConductances
from patch_sim.electrode import CurrentClampCircuit, Electrode, VoltageClampCircuit, sealed
from patch_sim.neuron import Neuron
from patch_sim.protocols import AbstractClamp, CurrentClamp, VoltageClamp


class Patch(eqx.Module):
    """A neuron and what it is joined to in one clamp.

    Attributes:
        neuron: the neuron, with the seal among its channels if there is one.
        electrode: what lies between, ideal if the protocol has none.
        circuit: the electrode up to the membrane; None in an ideal voltage clamp, where the membrane is at the command.
        virtual: what a dynamic clamp adds; None without one.
    """

    neuron: Neuron
    electrode: Electrode
    circuit: Any
    virtual: VirtualConductances | None

    @property
    def ideally_clamped(self) -> bool:
        """Whether the membrane is where it is commanded to be."""
        return self.circuit is None

    @property
    def is_direct(self) -> bool:
        """Whether the membrane knows nothing of the electrode: what is commanded reaches it as it is."""
        return self.virtual is None and (self.circuit is None or self.circuit.is_direct)

    @property
    def conductances(self) -> tuple[Conductance, ...]:
        """The conductance waveforms of a dynamic clamp, of all sweeps."""
        return () if self.virtual is None else self.virtual.conductances

    def rig(self, conductances: tuple[Conductance, ...]) -> tuple[Any, ...]:
        """What the equations of one sweep need, which has some conductance waveforms of its own."""
        if self.is_direct:
            return (self.neuron,)
        virtual = None if self.virtual is None else VirtualConductances(self.virtual.membrane, conductances)
        return (self.neuron, self.circuit, virtual)


def patched(neuron: Neuron, protocol: AbstractClamp) -> Patch:
    """A neuron under a protocol, its gates at their temperature for good."""
    electrode = Electrode(used=()) if protocol.electrode is None else protocol.electrode
    circuit, virtual = None, None
    if isinstance(protocol, CurrentClamp):
        circuit = CurrentClampCircuit(electrode)
        if protocol.dynamic_clamp is not None:
            virtual = protocol.dynamic_clamp.on(neuron, protocol.sweeps)
    elif isinstance(protocol, VoltageClamp) and "series_resistance" in electrode.used:
        circuit = VoltageClampCircuit(electrode)
    return Patch(sealed(neuron.tempered(), electrode), electrode, circuit, virtual)
