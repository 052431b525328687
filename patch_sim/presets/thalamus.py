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


def thalamic_reticular() -> Neuron:
    """A thalamic reticular cell in one compartment, Destexhe et al. (1996), J Neurosci 16:169-185, at 36 degrees C.

    After hyperpolarization it fires a burst that accelerates and then slows down, by its slow T current; depolarized,
    it begins with a burst and goes on with single spikes, 0.35 ms wide at half height. Membrane of 14189 um2 (ModelDB
    17663, `re1_cc.oc`), one number changed. The leak of the source reverses at -82 mV, and a steady current brings the
    cell from there to -70 mV, where a perturbation leaves this membrane firing at 6 Hz for good; here the leak reverses
    at -80 mV, so that the cell rests, and comes back to rest, at -76 mV. Between the spikes of a burst it falls to -88
    mV, where recorded cells stay up on their calcium spike; and it has no calcium-activated currents, and so none of
    the rhythm of bursts that follows a rebound in a slice.
    """
    channels = {
        "Na": c.NaTraubMiles(g_max=100.0, reversal=50.0, threshold=-67.0),
        "K": c.KTraubMiles(g_max=80.0, reversal=-100.0, threshold=-67.0),
        "CaT": c.CaTHuguenardPrince(g_max=3.0),
        "Leak": c.Leak(g_max=0.05, reversal=-80.0),
    }
    pool = CalciumPool(gamma=1.0, depth=1.0, decay=5.0, resting=2.4e-4)
    return Neuron(channels, area=math.pi * 70.0 * 64.52, capacitance=1.01, temperature=36.0, calcium=pool)
