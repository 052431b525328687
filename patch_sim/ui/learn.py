"""The panel for learning: lessons, and a calculator of equilibrium potentials."""

from typing import Any

import gradio as gr
import jax.numpy as jnp

from patch_sim.electrochemistry import ghk_voltage, nernst, thermal_voltage
from patch_sim.ui.fields import Field, parse
from patch_sim.ui.lessons import LESSONS
from patch_sim.ui.panel import panel
from patch_sim.ui.session import Session, Sessions

_MONOVALENT = {"K": 1, "Na": 1, "Cl": -1}
"""The ions of the GHK voltage, with their valences."""

_OTHER = "other ion"

CELLS: dict[str, dict[str, float | int]] = {
    name: {f"{ion} {part}": number for ion, row in ions.items() for part, number in row.items()} | more
    for name, (ions, more) in {
        "Mammalian neuron": (
            {
                "K": {"inside": 140.0, "outside": 3.5, "permeability": 1.0},
                "Na": {"inside": 10.0, "outside": 145.0, "permeability": 0.04},
                "Cl": {"inside": 7.0, "outside": 130.0, "permeability": 0.45},
                _OTHER: {"inside": 1e-4, "outside": 2.0, "valence": 2},
            },
            {"temperature": 36.0},
        ),
        "Squid axon": (
            {
                "K": {"inside": 400.0, "outside": 20.0, "permeability": 1.0},
                "Na": {"inside": 50.0, "outside": 440.0, "permeability": 0.04},
                "Cl": {"inside": 52.0, "outside": 560.0, "permeability": 0.45},
                _OTHER: {"inside": 1e-4, "outside": 10.0, "valence": 2},
            },
            {"temperature": 6.3},
        ),
    }.items()
}
"""Cells to begin with: concentrations (mM), the permeabilities of Hodgkin and Katz (1949), temperature (degrees C)."""


def _field(name: str, default: float | int) -> Field:
    ion, _, part = name.rpartition(" ")
    if part == "valence":
        return Field(name, "Valence", "", default, -3, 3, "charge of the other ion, in elementary charges", whole=True)
    if part == "permeability":
        return Field(name, f"{ion} permeability", "", default, 0.0, 1e6, "only the ratios between ions matter")
    if part == "temperature":
        return Field(
            name, "Temperature", "\u00b0C", default, 0.0, 60.0, "all potentials are proportional to it, in kelvin"
        )
    return Field(name, f"{ion} {part}", "mM", default, 1e-9, 1e4, f"concentration of {ion} {part} the cell")


FIELDS = tuple(_field(name, default) for name, default in CELLS["Mammalian neuron"].items())
"""The numbers of the calculator."""


def learn(sessions: Sessions) -> gr.HTML:
    """The panel."""
    return panel("learn", sessions, lessons, calculator, equilibria, scripts=("form.js",))


def lessons(session: Session) -> list[dict[str, Any]]:
    """All lessons."""
    return [lesson.view() for lesson in LESSONS]


def calculator(session: Session) -> dict[str, Any]:
    """The fields of the calculator, and cells to begin with."""
    return {"fields": [field.view() for field in FIELDS], "cells": CELLS}


def equilibria(session: Session, numbers: Any) -> dict[str, Any]:
    """The Nernst potential of each ion, the GHK voltage of the monovalent ones, and RT/F, all in mV."""
    n = {name: jnp.asarray(value, float) for name, value in parse(FIELDS, numbers).items()}
    charge = int(n[f"{_OTHER} valence"])
    if charge == 0:
        raise ValueError("Valence: 0 is no ion; it must be 1, 2 or 3, of either sign.")
    inside, outside, permeability = (
        jnp.stack([n[f"{ion} {part}"] for ion in _MONOVALENT]) for part in ("inside", "outside", "permeability")
    )
    if not permeability.any():
        raise ValueError("Permeability: all are 0, so that no ion sets the voltage; at least one must be above 0.")
    warmth = n["temperature"]
    valences = _MONOVALENT | {_OTHER: charge}
    together = ghk_voltage(permeability, inside, outside, jnp.asarray([*_MONOVALENT.values()], float), warmth)
    return {
        "nernst": {
            ion: float(nernst(n[f"{ion} inside"], n[f"{ion} outside"], z, warmth)) for ion, z in valences.items()
        },
        "ghk": float(together),
        "thermal": float(thermal_voltage(warmth)),
    }
