"""Cells of the basal ganglia."""

import math

from patch_sim import channels as c
from patch_sim.calcium import CalciumPool
from patch_sim.gates import AbstractGate, CalciumGate, Gate, InfTauGate, InstantGate
from patch_sim.neuron import Neuron
from patch_sim.rates import Boltzmann, Constant, Exponential, Hill, Linoid, Piecewise, Quotient

_YU, _OTSUKA = "Yu & Canavier 2015", "Otsuka et al. 2004"


def dopaminergic() -> Neuron:
    """A dopamine neuron of the midbrain, Yu and Canavier (2015), J Math Neurosci 5:5, at 35 degrees C.

    One compartment, a cylinder 25 um long and 15 um wide, 1178 um2 (ModelDB 183722). It paces at 4.4 Hz with broad
    spikes, and only with its L current; some 20 pA bring it to 13 Hz, and 60 pA block it, by the slow inactivation of
    its sodium channels. No gate has a Q10.

    Three conductances are changed. As published, a spike reaches 4 mV: sodium is doubled (12 mS/cm2), for spikes as
    high as Ding, Wei and Zhou (2011), J Neurophysiol 106:3019-3034, measured. H is doubled (0.156 mS/cm2), for a sag of
    8 mV from -100 mV; cells of the substantia nigra have more. With both it would fire at 7 Hz: the L current has 0.09
    and not 0.139 mS/cm2. SK has the 0.07 mS/cm2 that the file, made to show its block, multiplies by 0. The price: the
    published cell then fires bursts that end in depolarization, this one fires on at 5 Hz.

    Three things are reduced. The pump that removes calcium saturates at 0.5 uM; here calcium decays with 220 ms, as by
    that pump at the 0.1 uM at which this cell works, and toward 1e-5 mM instead of 0. ERG channels inactivate at once,
    which they do within 5 ms: rate and spikes change by less than 2 %. SK channels take 1 ms instead of none.
    """
    sk = CalciumGate(inf=Hill(1.9e-4, 4.0), tau=Constant(1.0))
    channels = {
        "Na": _slowly_inactivating_sodium(),
        **_dopaminergic_potassium(),
        "CaL": _pacemaking_calcium(),
        "CaLeak": c.Channel({}, g_max=0.00245, reversal=50.0, ion="Ca", source=_YU),
        "KCa": c.Channel({"z": sk}, g_max=0.07, reversal=-90.0, ion="K", source=_YU),
        "Ih": _dopaminergic_ih(),
        "Leak": c.Leak(g_max=0.28, reversal=-65.0),
    }
    # A cylinder's volume is a quarter of its width times its side
    pool = CalciumPool(gamma=0.018, depth=15.0 / 4.0, decay=220.0, resting=1e-5)
    return Neuron(channels, area=math.pi * 15.0 * 25.0, capacitance=1.0, temperature=35.0, calcium=pool)


def _slowly_inactivating_sodium() -> c.Channel:
    """Sodium current that strong firing inactivates for hundreds of milliseconds, by the gate `s`."""
    opening = Linoid(0.79992 * 0.50542, -19.565 / 0.50542, 1 / 0.50542) + Exponential(3.0212, 0.0, -1 / 7.463e-3)
    closing = Exponential(5.0754e-4, 0.0, -1 / 0.063213) + Exponential(9.7529, 0.0, 1 / 0.13442)
    gates = {
        "m": InfTauGate(inf=Boltzmann(-30.09, 13.2), tau=0.01 + 1.0 / opening, power=3),
        "h": InfTauGate(inf=Boltzmann(-54.0, -12.8), tau=0.4 + 1.0 / closing),
        "s": InfTauGate(inf=Boltzmann(-54.8, -1.57), tau=20.0 + 580.0 * Boltzmann(0.0, -1.0)),
    }
    return c.Channel(gates, g_max=12.0, reversal=60.0, ion="Na", source=_YU)


def _dopaminergic_potassium() -> dict[str, c.AbstractChannel]:
    n = 0.8876 + 27.2598 * Boltzmann(-61.1253, 4.4429) * (0.0052 + Boltzmann(-36.8869, -9.7083))
    m = 48.2438 + 95.5813 * Boltzmann(-71.5402, 26.0594) * (-0.5108 + Boltzmann(-62.5026, -6.5199))
    m = Piecewise(m, Constant(0.08735), 40.0)  # as published it falls below 0 at 43.8 mV
    h2 = 294.0087 + 55.8321 * (-5.2348 + Boltzmann(-52.5933, -4.9104)) * Boltzmann(84.8594, -35.3239)
    transient: dict[str, AbstractGate] = {
        "m1": InfTauGate(inf=Boltzmann(-35.1, 13.4), tau=m),
        "h1": InfTauGate(inf=Boltzmann(-80.0, -6.0), tau=Exponential(6.1, 0.0, 1 / 0.015)),
        "m2": InfTauGate(inf=Boltzmann(-35.1, 13.4), tau=m),
        "h2": InfTauGate(inf=Boltzmann(-80.0, -6.0), tau=h2),
    }
    free = Boltzmann(math.log(12.6 / 91.11) / (0.1189 - 0.0733), -1 / (0.1189 - 0.0733))  # of open and inactivated ones
    erg = {
        "m": Gate(
            opening=Exponential(0.0036, 0.0, 1 / 0.0759), closing=Exponential(1.2523e-5, 0.0, -1 / 0.0671) * free
        ),
        "h": InstantGate(inf=free),
    }
    rectifier = {"n": InfTauGate(inf=Boltzmann(-25.0, 12.0), tau=n, power=3, speed=1.2)}
    return {
        "K": c.Channel(rectifier, g_max=1.117, reversal=-90.0, ion="K", source=_YU),
        "KA": c.KA(g_max=1.68, reversal=-90.0, fast=0.5, gates=transient),
        "ERG": c.Channel(erg, g_max=0.13, reversal=-90.0, ion="K", source=_YU),
    }


def _pacemaking_calcium() -> c.Channel:
    """L current (Cav1.3), half activated at -45 mV, that never inactivates."""
    tau = 1.0 / (Linoid(0.020876, -39.726, 4.711) + Exponential(0.19444, -15.338, -224.21))
    return c.Channel(
        {"m": InfTauGate(inf=Boltzmann(-45.0, 7.5), tau=tau)}, g_max=0.09, reversal=50.0, ion="Ca", source=_YU
    )


def _dopaminergic_ih() -> c.Channel:
    gate = InfTauGate(inf=Boltzmann(-77.6, -17.317), tau=26.21 + 3136.0 * Boltzmann(-22.686, 29.597), power=2)
    return c.Channel({"m": gate}, g_max=0.156, reversal=-29.0, source=_YU)


def subthalamic() -> Neuron:
    """A neuron of the subthalamic nucleus, Otsuka et al. (2004), J Neurophysiol 92:255-264, at 30 degrees C.

    By its T and L currents it fires a burst of half a second after a hyperpolarization, and, from below -70 mV, a
    plateau that outlasts the depolarization that set it off. By itself it fires at 13 Hz. Kinetics and conductances are
    those of `pSTN.mod` (ModelDB 127388), which are the paper's, with one change: the leak has 0.29 mS/cm2, as Hahn and
    McIntyre (2010), J Comput Neurosci 28:425-441, have it, and not 0.35, with which it fires at 4 Hz, almost at rest.
    No gate has a Q10.

    The area of 1000 um2 is that by which the paper's 50 pA are its 5 uA/cm2. Calcium is the paper's, too: 1/2F mM/ms
    for each uA/cm2, removed within 0.5 ms (`pSTN.mod` is ten times slower, and the plateau is gone); it rests at 1e-7
    mM instead of 0. Other than in cells, the rate rises most steeply from the lowest currents on (theirs, from 30 Hz:
    Bevan and Wilson, 1999, J Neurosci 19:7617-7628) and does not adapt.
    """
    channels = {
        **_subthalamic_spikes(),
        **_subthalamic_calcium(),
        "Leak": c.Leak(g_max=0.29, reversal=-60.0),
    }
    pool = CalciumPool(gamma=1.0, depth=10.0, decay=0.5, resting=1e-7)
    return Neuron(channels, area=1000.0, capacitance=1.0, temperature=30.0, calcium=pool)


def _subthalamic_spikes() -> dict[str, c.Channel]:
    """Sodium current, delayed rectifier, A current."""
    sodium = {
        "m": InfTauGate(inf=Boltzmann(-40.0, 8.0), tau=0.2 + 3.0 * Boltzmann(-53.0, -0.7), power=3),
        "h": InfTauGate(inf=Boltzmann(-45.5, -6.4), tau=_bell(24.5, (-50.0, 15.0), (-50.0, -16.0))),
    }
    rectifier = {"n": InfTauGate(inf=Boltzmann(-41.0, 14.0), tau=_bell(11.0, (-40.0, 40.0), (-40.0, -50.0)), power=4)}
    transient = {
        "m": InfTauGate(inf=Boltzmann(-45.0, 14.7), tau=1.0 + Boltzmann(-40.0, -0.5), power=2),
        "h": InfTauGate(inf=Boltzmann(-90.0, -7.5), tau=_bell(200.0, (-60.0, 30.0), (-40.0, -10.0))),
    }
    return {
        "Na": c.Channel(sodium, g_max=49.0, reversal=60.0, ion="Na", source=_OTSUKA),
        "K": c.Channel(rectifier, g_max=57.0, reversal=-90.0, ion="K", source=_OTSUKA),
        "KA": c.Channel(transient, g_max=5.0, reversal=-90.0, ion="K", source=_OTSUKA),
    }


def _subthalamic_calcium() -> dict[str, c.Channel]:
    """T current, L current with its slow and its calcium-driven inactivation, and the potassium current they open."""
    low = {
        "m": InfTauGate(inf=Boltzmann(-56.0, 6.7), tau=5.0 + _bell(0.33, (-27.0, 10.0), (-102.0, -15.0)), power=2),
        "h": InfTauGate(inf=Boltzmann(-85.0, -5.8), tau=_bell(400.0, (-50.0, 15.0), (-50.0, -16.0))),
    }
    high = {
        "m": InfTauGate(inf=Boltzmann(-30.6, 5.0), tau=45.0 + _bell(10.0, (-27.0, 20.0), (-50.0, -15.0)), power=2),
        "h": InfTauGate(inf=Boltzmann(-60.0, -7.5), tau=400.0 + _bell(500.0, (-40.0, 15.0), (-20.0, -20.0))),
        "z": CalciumGate(inf=Boltzmann(1e-4, -2e-5), tau=Constant(130.0)),
    }
    activated = {"z": CalciumGate(inf=Boltzmann(1.7e-4, 8e-5), tau=Constant(2.0), power=2)}
    return {
        "CaT": c.Channel(low, g_max=5.0, ion="Ca", source=_OTSUKA),
        "CaL": c.Channel(high, g_max=15.0, ion="Ca", source=_OTSUKA),
        "KCa": c.Channel(activated, g_max=1.0, reversal=-90.0, ion="K", source=_OTSUKA),
    }


def _bell(height: float, rising: tuple[float, float], falling: tuple[float, float]) -> Quotient:
    """A time constant (ms), a height over the sum of two exponentials, each by its midpoint and slope (mV)."""
    return height / (Exponential(1.0, *rising) + Exponential(1.0, *falling))
