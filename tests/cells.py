"""Cells of several tests: Hodgkin and Huxley's, and the reference's, built from its descriptions with public names.

The reference speaks NEURON's units, S/cm2 and nA; the package mS/cm2 and pA.
"""

from collections.abc import Callable

import numpy as np

import patch_sim as ps
from patch_sim import channels as c

Channels = dict[str, c.AbstractChannel]


def hodgkin_huxley(**changes) -> ps.Neuron:
    """Their channels in a patch of 1000 um2 at 8 degrees C, apart from what is changed."""
    channels = {"Na": ps.channels.Na(), "K": ps.channels.K(), "Leak": ps.channels.Leak()}
    ions = ps.Ions(Na=ps.Ion(50.0, 440.0), K=ps.Ion(400.0, 20.0))
    return ps.Neuron(**({"channels": channels, "area": 1000.0, "temperature": 8.0, "ions": ions} | changes))


def _na_k(na: type, k: type, prefix: str = "") -> Callable[..., Channels]:
    return lambda p, ena, ek: {
        prefix + "Na": na(g_max=1e3 * p["gnabar"], reversal=ena, **({"threshold": p["vt"]} if "vt" in p else {})),
        prefix + "K": k(g_max=1e3 * p["gkbar"], reversal=ek, **({"threshold": p["vt"]} if "vt" in p else {})),
    }


def mechanism(
    name: str, p: dict, *, ena: float | None = 50.0, ek: float | None = -90.0, eca: float | None = None
) -> Channels:
    """The channels of one of the reference's mechanisms with its parameters."""
    if name == "hh":
        leak = {"Leak": c.Leak(1e3 * p["gl"], p["el"])} if p.get("gl") else {}
        return _na_k(c.Na, c.K)(p, ena, ek) | leak
    if name == "r_tm":
        return _na_k(c.NaTraubMiles, c.KTraubMiles)(p, ena, ek)
    if name == "pas":
        return {"Leak": c.Leak(1e3 * p["g"], p["e"])}
    g = 1e3 * next((value for key, value in p.items() if key.endswith("bar") and key != "pbar"), 0.0)
    build = {
        "r_ih": lambda: {"Ih": c.Ih(g_max=g, reversal=p["eh"])},
        "Ih": lambda: {"Ih": c.Ih(g_max=g, reversal=-45.0)},
        "r_ihhm": lambda: {"Ih": c.IhHuguenard(g_max=g, reversal=p["eh"])},
        "r_ia": lambda: {"KA": c.KA(g_max=g, reversal=ek)},
        "r_nap": lambda: {"NaP": c.NaP(g_max=g, reversal=ena)},
        "Nap_Et2": lambda: {"NaP": c.NaP(g_max=g, reversal=ena)},
        "r_nar": lambda: {"NaR": c.NaR(g_max=g, reversal=ena)},
        "r_im": lambda: {"M": c.M(g_max=g, reversal=ek)},
        "r_imadams": lambda: {"M": c.MAdams(g_max=g, reversal=ek)},
        "Im": lambda: {"M": c.MAdams(g_max=g, reversal=ek)},
        "r_kir": lambda: {"Kir": c.Kir(g_max=g, reversal=ek)},
        "r_sk": lambda: {"KCa": c.KCa(g_max=g, reversal=ek)},
        "SK_E2": lambda: {"KCa": c.KCa(g_max=g, reversal=ek)},
        "r_cal": lambda: {"CaL": c.CaL(g_max=g, reversal=eca)},
        "Ca_HVA": lambda: {"CaL": c.CaL(g_max=g, reversal=eca)},
        "r_itghk": lambda: {"CaT": c.CaT(p_max=p["pbar"])},
        "r_it": lambda: {"CaT": c.CaTDestexhe(g_max=g, reversal=eca)},
        "Ca_LVAst": lambda: {"CaT": c.CaTHay(g_max=g, reversal=eca)},
        "r_can": lambda: {"CaN": c.CaN(p_max=p["pbar"], inactivating=p["a0"])},
        "r_canmig": lambda: {"CaN": c.CaNMigliore(g_max=g, half_block=p["ki"])},
        "NaTa_t": lambda: {"NaT": c.NaHay(g_max=g, reversal=ena)},
        "SKv3_1": lambda: {"Kv3": c.KFastHay(g_max=g, reversal=ek)},
        "K_Tst": lambda: {"KT": c.KAHay(g_max=g, reversal=ek)},
        "K_Pst": lambda: {"KP": c.KSlowHay(g_max=g, reversal=ek)},
    }
    return build[name]()


def pool(p: dict) -> ps.CalciumPool:
    """The calcium pool of one of the reference's cells."""
    return ps.CalciumPool(p["gamma"], p["depth"], p["decay"], p.get("cainf", p.get("minCai")))


def neuron(cell: dict, temperature: float) -> ps.Neuron:
    """One of the reference's cells."""
    channels: Channels = {}
    calcium = None
    for name, parameters in cell["mechs"].items():
        if name in ("r_capool", "CaDynamics_E2"):
            calcium = pool(parameters)
        else:
            channels |= mechanism(name, parameters, ena=cell["ena"], ek=cell["ek"])
    ions = ps.Ions(Ca=ps.Ion(1e-4, cell["ca"]["cao"], 2)) if "ca" in cell else ps.Ions()
    return ps.Neuron(
        channels,
        area=np.pi * cell["L"] * cell["diam"],
        capacitance=cell["cm"],
        temperature=temperature,
        ions=ions,
        calcium=calcium,
    )
