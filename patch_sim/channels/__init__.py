"""Channels: one family of currents per file."""

from patch_sim.channels.base import AbstractChannel as AbstractChannel, Channel as Channel
from patch_sim.channels.leak import Leak as Leak
from patch_sim.channels.potassium import K as K
from patch_sim.channels.sodium import Na as Na
