"""Cells of the cerebellum."""

import math

from patch_sim import channels as c
from patch_sim.calcium import CalciumPool
from patch_sim.gates import InfTauGate
from patch_sim.neuron import Neuron
from patch_sim.rates import Boltzmann, Exponential, Gaussian, Piecewise

_SOURCE = "Khaliq et al. 2003"


def purkinje() -> Neuron:
    """The isolated soma of a Purkinje cell, Khaliq et al. (2003), J Neurosci 23:4899-4912, near 22 degrees C.

    The eight currents that they recorded from such cells of the mouse (ModelDB 48332), of sodium the one with a
    resurgent part, `patch_sim.channels.NaR`. It fires by itself at 26 Hz, and without the block that makes sodium
    resurgent a fifth slower. The membrane is that of a cylinder 20 um long and wide and of both its ends, 1885 um2: the
    paper's 19 pF, where the files leave out the ends. No gate has a Q10.

    The files remove calcium toward 0 and stop at 1e-4 mM; here it is removed toward 1e-4 mM, which changes intervals by
    less than 1 %. Their leak reverses at -60.5 mV, in the paper's table at -60 mV; inactivation of `KFast` begins at
    1.09 instead of 1. The cell is more excitable than those recorded: 50 pA make it fire at 89 Hz (theirs at 65 +- 7),
    200 pA at 150 Hz (theirs at 107 +- 6 at the most, with 225 pA), and 300 pA block it. Resurgent current peaks after 5
    ms, where Raman and Bean (1997), J Neurosci 17:4517-4526, measured 8 ms; and without a T current there is no burst:
    from below -80 mV a brief depolarization makes one spike, where they saw three or four.
    """
    channels = {
        "NaR": c.NaR(g_max=15.0, reversal=60.0),
        **_potassium(),
        "KCa": c.KCaBK(g_max=7.0, reversal=-88.0),
        "CaP": c.CaP(p_max=5e-5),
        "Ih": _ih(),
        "Leak": c.Leak(g_max=0.05, reversal=-60.5),
    }
    pool = CalciumPool(gamma=1.0, depth=0.1, decay=1.0, resting=1e-4)
    return Neuron(channels, area=math.pi * 20.0 * (20.0 + 10.0), capacitance=1.0, temperature=22.0, calcium=pool)


def _potassium() -> dict[str, c.Channel]:
    """The currents that TEA blocks at a low, at a moderate and at no concentration."""
    junction = -11.0  # mV, the junction potential that the files take out
    m = Piecewise(
        0.102675 + Exponential(14.94, 0.0, 28.29),
        0.12851 + 1.0 / (Exponential(1e-3, -100.7, 12.9) + Exponential(1e-3, 56.0, -23.1)),
        -35.0,
    )
    h = Piecewise(0.012202 + Gaussian(12.0, -56.3, 49.6), 1.2 + Exponential(2.3, 0.0, -1 / 0.141), 0.0)
    mid = Piecewise(
        0.688 + 1.0 / (Exponential(1e-3, -64.2, 6.5) + Exponential(1e-3, 141.5, -34.8)),
        0.16 + Exponential(0.8, 0.0, -1 / 0.0267),
        -20.0,
    )
    slow = 0.796 + 1.0 / (Exponential(1e-3, -73.2, 11.7) + Exponential(1e-3, 306.7, -74.2))
    fast_gates = {
        "m": InfTauGate(inf=Boltzmann(-24.0, 15.4), tau=m, power=3, shift=junction),
        "h": InfTauGate(inf=0.31 + 0.78 * Boltzmann(-5.802, -11.2), tau=h, shift=junction),
    }
    mid_gates = {"n": InfTauGate(inf=Boltzmann(-24.0, 20.4), tau=mid, power=4, shift=junction)}
    slow_gates = {"n": InfTauGate(inf=Boltzmann(-16.5, 18.4), tau=slow, power=4, shift=junction)}
    return {
        "KFast": c.Channel(fast_gates, g_max=4.0, reversal=-88.0, ion="K", source=_SOURCE),
        "KMid": c.Channel(mid_gates, g_max=2.0, reversal=-88.0, ion="K", source=_SOURCE),
        "KSlow": c.Channel(slow_gates, g_max=4.0, reversal=-88.0, ion="K", source=_SOURCE),
    }


def _ih() -> c.Channel:
    gate = InfTauGate(inf=Boltzmann(-90.1, -9.9), tau=190.0 + Gaussian(720.0, -81.5, 11.9))
    return c.Channel({"m": gate}, g_max=0.1, reversal=-30.0, source=_SOURCE)
