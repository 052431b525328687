"""Protocols: what is commanded, in which clamp, for how long, and how finely it is sampled."""

from patch_sim.protocols.base import WRITERS as WRITERS, AbstractProtocol as AbstractProtocol, Mode as Mode
from patch_sim.protocols.clamps import (
    AbstractClamp as AbstractClamp,
    CurrentClamp as CurrentClamp,
    VoltageClamp as VoltageClamp,
)
from patch_sim.protocols.leak_subtraction import LeakSubtraction as LeakSubtraction
from patch_sim.protocols.mixed import MixedClamp as MixedClamp
