"""Cells of the thalamus."""

import math

from patch_sim import channels as c
from patch_sim.calcium import CalciumPool
from patch_sim.neuron import Neuron


def thalamic_relay() -> Neuron:
    """A thalamic relay cell in one compartment, Destexhe et al. (1998), J Neurosci 18:3574-3588, at 34 degrees C.

    It fires single spikes from rest and a burst after hyperpolarization, by its T current (GHK flux). Membrane of
    24058 um2 (ModelDB 279); the H current is that of `IhHuguenard`, added at 0.015 mS/cm2.
    """
    channels = {
        "Na": c.NaTraubMiles(g_max=10.0, reversal=50.0, threshold=-52.0),
        "K": c.KTraubMiles(g_max=10.0, reversal=-100.0, threshold=-52.0),
        "CaT": c.CaT(p_max=8e-5),
        "Ih": c.IhHuguenard(g_max=0.015, reversal=-43.0),
        "Leak": c.Leak(g_max=0.0379, reversal=-79.0),
    }
    pool = CalciumPool(gamma=1.0, depth=0.1, decay=5.0, resting=2.4e-4)
    return Neuron(channels, area=math.pi * 100.0 * 76.58, capacitance=0.88, temperature=34.0, calcium=pool)
