"""The cells of the benchmarks, from public names."""

import math

import patch_sim as ps
from patch_sim import channels as c

NUMBER = 13
"""Of channels that there are."""


def channels() -> dict[str, c.AbstractChannel]:
    """One channel of each kind, in the order in which `with_channels` adds them; the last is a Markov scheme."""
    return {
        "Leak": c.Leak(g_max=0.03, reversal=-75.0),
        "Na": c.NaTraubMiles(g_max=30.0, reversal=50.0, threshold=-55.0),
        "K": c.KTraubMiles(g_max=10.0, reversal=-90.0, threshold=-55.0),
        "M": c.M(g_max=0.05, reversal=-90.0),
        "KA": c.KA(g_max=2.0, reversal=-90.0),
        "Ih": c.Ih(g_max=0.1, reversal=-45.0),
        "NaP": c.NaP(g_max=0.3, reversal=50.0),
        "Kir": c.Kir(g_max=0.1, reversal=-90.0),
        "CaL": c.CaL(g_max=0.1),
        "CaT": c.CaT(p_max=2e-5),
        "CaN": c.CaN(p_max=1e-5, inactivating=0.21),
        "KCa": c.KCa(g_max=1.0, reversal=-90.0),
        "NaR": c.NaR(g_max=3.0, reversal=50.0),
    }


def with_channels(number: int) -> ps.Neuron:
    """A cell with the first so many of the channels."""
    present = dict(list(channels().items())[:number])
    calcium = any(channel.ion == "Ca" for channel in present.values())
    return ps.Neuron(
        present,
        area=math.pi * 30.0 * 30.0,
        capacitance=1.0,
        temperature=34.0,
        ions=ps.Ions(Ca=ps.Ion(1e-4, 2.0, 2)),
        calcium=ps.CalciumPool(gamma=0.05, depth=1.0, decay=80.0, resting=1e-4) if calcium else None,
    )


def cell(name: str) -> ps.Neuron:
    """One of the cells of the table."""
    return with_channels(NUMBER) if name == "all13" else ps.presets.neuron(name)
