"""Cells of the neocortex."""

import math

from patch_sim import channels as c
from patch_sim.calcium import CalciumPool
from patch_sim.neuron import Neuron


def regular_spiking() -> Neuron:
    """A regular-spiking cortical pyramidal cell, Pospischil et al. (2008), Biol Cybern 99:427-441, at 36 degrees C.

    Sodium and delayed rectifier of Traub and Miles, and an M current that makes it adapt. Their membrane is a cylinder
    96 um long and wide, 28953 um2, nothing changed (ModelDB 123623). Its first rate rises by 140 Hz/nA, where McCormick
    et al. (1985), J Neurophysiol 54:782-806, measured 241.
    """
    channels = {
        "Na": c.NaTraubMiles(g_max=50.0, reversal=50.0, threshold=-55.0),
        "K": c.KTraubMiles(g_max=5.0, reversal=-100.0, threshold=-55.0),
        "M": c.M(g_max=0.07, reversal=-100.0),
        "Leak": c.Leak(g_max=0.1, reversal=-70.0),
    }
    return Neuron(channels, area=math.pi * 96.0 * 96.0, capacitance=1.0, temperature=36.0)


def fast_spiking() -> Neuron:
    """A fast-spiking cortical interneuron, Pospischil et al. (2008), Biol Cybern 99:427-441, at 36 degrees C.

    The sodium current of `regular_spiking`, twice its delayed rectifier and no M current: it fires at up to 300 Hz
    and more, and does not adapt. Its membrane is a cylinder 67 um long and wide, 14103 um2, nothing changed (ModelDB
    123623). With the kinetics of a pyramidal cell, its spikes are 0.55 ms wide at half height: narrower than the 0.69
    ms of that cell, but not as narrow as the 0.32 ms of McCormick et al. (1985), J Neurophysiol 54:782-806.
    """
    channels = {
        "Na": c.NaTraubMiles(g_max=50.0, reversal=50.0, threshold=-55.0),
        "K": c.KTraubMiles(g_max=10.0, reversal=-100.0, threshold=-55.0),
        "Leak": c.Leak(g_max=0.15, reversal=-70.0),
    }
    return Neuron(channels, area=math.pi * 67.0 * 67.0, capacitance=1.0, temperature=36.0)


def layer5_pyramidal() -> Neuron:
    """The soma of a layer 5 pyramidal cell, Hay et al. (2011), PLoS Comput Biol 7:e1002107, at 34 degrees C.

    A reduction: the ten currents of the soma at the densities of their best model (ModelDB 139653), on 1963 um2 of
    membrane, without dendrites: far less current makes it fire than the whole cell, and it has no calcium spike. Its
    currents are made for a larger cell: it rests at -82 mV, spikes are 0.4 to 0.6 ms wide and end at -84 mV instead of
    near -60 mV, and a train is a doublet and then, by the SK current, 5 to 15 spikes a second.
    """
    channels = {
        "Na": c.NaHay(g_max=2040.0, reversal=50.0),
        "NaP": c.NaP(g_max=1.72, reversal=50.0),
        "Kv3": c.KFastHay(g_max=693.0, reversal=-85.0),
        "KT": c.KAHay(g_max=81.2, reversal=-85.0),
        "KP": c.KSlowHay(g_max=2.23, reversal=-85.0),
        "M": c.MAdams(g_max=0.0675, reversal=-85.0),
        "KCa": c.KCa(g_max=44.1, reversal=-85.0),
        "CaL": c.CaL(g_max=0.992),
        "CaT": c.CaTHay(g_max=3.43),
        "Ih": c.Ih(g_max=0.2, reversal=-45.0),
        "Leak": c.Leak(g_max=0.0338, reversal=-90.0),
    }
    pool = CalciumPool(gamma=5.01e-4, depth=0.1, decay=460.0, resting=1e-4)
    return Neuron(channels, area=math.pi * 25.0 * 25.0, capacitance=1.0, temperature=34.0, calcium=pool)
