"""How much memory there is."""

import math
import os

from patch_sim.memory import physical_memory


def test_it_is_that_of_a_computer(monkeypatch):
    assert 1e8 < physical_memory() < 1e15
    monkeypatch.delattr(os, "sysconf")
    assert physical_memory() == math.inf
