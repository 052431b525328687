"""The leak."""

from typing import ClassVar

import equinox as eqx

from patch_sim.channels.base import AbstractOhmicChannel
from patch_sim.gates import AbstractGate
from patch_sim.parameters import Number, parameter


class Leak(AbstractOhmicChannel):
    r"""A conductance without gates: $I = g (V - E)$.

    The defaults are those of Hodgkin and Huxley (1952), J Physiol 117:500-544, with $E$ rounded as NEURON's
    `hh` has it: the paper sets 10.6 mV above rest, which is -54.4 mV, such that rest is -65 mV exactly.
    """

    g_max: Number = parameter("mS/cm2", at_least=0.0, default=0.3)
    reversal: Number | None = parameter("mV", default=-54.3)
    gates: dict[str, AbstractGate] = eqx.field(default_factory=dict)
    ion: str | None = eqx.field(static=True, default=None)
    source: ClassVar[str] = "Ohm's law"
