"""Cells of the hippocampus."""

from patch_sim import channels as c
from patch_sim.calcium import CalciumPool
from patch_sim.gates import CalciumGate, InfTauGate, InstantGate
from patch_sim.neuron import Neuron
from patch_sim.rates import Boltzmann, Constant, Hill
from patch_sim.units import FARADAY_CONSTANT

_SOURCE = "Golomb et al. 2006"


def ca1_pyramidal() -> Neuron:
    """A CA1 pyramidal cell, Golomb, Yue and Yaari (2006), J Neurophysiol 96:1912-1926, near 34 degrees C.

    One compartment in normal calcium (ModelDB 66268, `nca.ode`; BioModels 119): it fires with adaptation, by its M
    current and by calcium-activated potassium currents that act fast (`KCa`) and slowly (`KAHP`). No gate has a Q10.

    As published, sodium inactivation and the delayed rectifier are 3.7 times as fast as in the cortical cell that they
    were taken from, and spikes reach 15 mV and are 0.29 ms wide at half height. Here both have the time constants of
    that cell, and the delayed rectifier its 3 mS/cm2 instead of 6 (Golomb and Amitai, 1997, J Neurophysiol
    78:1199-1211): spikes reach 50 mV and are 0.9 ms wide, as in CA1. With that the afterdepolarization goes, and the
    doublet that it begins a train with. Two changes matter less: calcium rests at 1e-4 mM and not at 0, and the calcium
    gate of `KCa` takes 0.1 ms and not none. The area of 17000 um2 is a choice, for the 170 pF that Chevaleyre and
    Siegelbaum (2010), Neuron 66:560-572, measured. There is no H current, and so no sag.
    """
    leak = {"Leak": c.Leak(g_max=0.05, reversal=-70.0)}
    # 0.13 / 13 uM per ms for each uA/cm2, in the pool's terms
    pool = CalciumPool(gamma=2e-6 * FARADAY_CONSTANT, depth=1.0, decay=13.0, resting=1e-4)
    channels = _sodium() | _potassium() | _calcium() | leak
    return Neuron(channels, area=17_000.0, capacitance=1.0, temperature=34.0, calcium=pool)


def _sodium() -> dict[str, c.Channel]:
    m = InstantGate(inf=Boltzmann(-30.0, 9.5), power=3)
    h = InfTauGate(inf=Boltzmann(-45.0, -7.0), tau=0.37 + 2.78 * Boltzmann(-40.5, -6.0))
    persistent = InstantGate(inf=Boltzmann(-41.0, 3.0))
    return {
        "Na": c.Channel({"m": m, "h": h}, g_max=35.0, reversal=55.0, ion="Na", source=_SOURCE),
        "NaP": c.Channel({"m": persistent}, g_max=0.2, reversal=55.0, ion="Na", source=_SOURCE),
    }


def _potassium() -> dict[str, c.Channel]:
    n = InfTauGate(inf=Boltzmann(-35.0, 10.0), tau=0.37 + 1.85 * Boltzmann(-27.0, -15.0), power=4)
    m = InstantGate(inf=Boltzmann(-50.0, 20.0), power=3)
    h = InfTauGate(inf=Boltzmann(-80.0, -6.0), tau=Constant(15.0))
    muscarinic = InfTauGate(inf=Boltzmann(-39.0, 5.0), tau=Constant(75.0))
    return {
        "K": c.Channel({"n": n}, g_max=3.0, reversal=-90.0, ion="K", source=_SOURCE),
        "KA": c.Channel({"m": m, "h": h}, g_max=1.4, reversal=-90.0, ion="K", source=_SOURCE),
        "M": c.Channel({"m": muscarinic}, g_max=1.0, reversal=-90.0, ion="K", source=_SOURCE),
    }


def _calcium() -> dict[str, c.Channel]:
    """The calcium current, and the potassium currents that its calcium opens."""
    entry = InfTauGate(inf=Boltzmann(-20.0, 10.0), tau=Constant(1.0), power=2)
    voltage = InfTauGate(inf=Boltzmann(-30.0, 7.0), tau=Constant(2.0))
    calcium = CalciumGate(inf=Hill(6e-3, 1.0), tau=Constant(0.1))
    slow = CalciumGate(inf=Hill(2e-3, 4.0), tau=Constant(450.0))
    return {
        "Ca": c.Channel({"m": entry}, g_max=0.08, reversal=120.0, ion="Ca", source=_SOURCE),
        "KCa": c.Channel({"m": voltage, "z": calcium}, g_max=10.0, reversal=-90.0, ion="K", source=_SOURCE),
        "KAHP": c.Channel({"z": slow}, g_max=5.0, reversal=-90.0, ion="K", source=_SOURCE),
    }
