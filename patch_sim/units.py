"""The units of the house, the physical constants, and the way from density to whole cell.

voltage mV, time ms, electrode current pA, current density uA/cm2, conductance density mS/cm2, specific
capacitance uF/cm2, membrane area um2, whole-cell capacitance pF, concentration mM, temperature degrees C.

The membrane speaks densities and the electrode speaks pA; the area joins them, here and nowhere else.
"""

from typing import TypeAlias

from jaxtyping import Array, Float

GAS_CONSTANT = 8.31446261815324
"""J/mol/K, exact since the SI of 2019."""

FARADAY_CONSTANT = 96485.33212331
"""C/mol, exact since the SI of 2019."""

ZERO_CELSIUS = 273.15
"""K."""


Numbers: TypeAlias = float | Float[Array, "..."]


def whole_cell_current(density: Numbers, area: Numbers) -> Numbers:
    """Turn a current density (uA/cm2) over a membrane area (um2) into a current (pA)."""
    return density * area * 0.01


def current_density(current: Numbers, area: Numbers) -> Numbers:
    """Turn a current (pA) into a density (uA/cm2) over a membrane area (um2)."""
    return current * (100.0 / area)


def whole_cell_conductance(density: Numbers, area: Numbers) -> Numbers:
    """Turn a conductance density (mS/cm2) over a membrane area (um2) into a conductance (nS)."""
    return density * area * 0.01


def whole_cell_permeability(permeability: Numbers, area: Numbers) -> Numbers:
    """Turn a permeability (cm/s) of a membrane area (um2) into one of the whole cell (um3/s)."""
    return permeability * area * 1e4


def whole_cell_capacitance(capacitance: Numbers, area: Numbers) -> Numbers:
    """Turn a specific capacitance (uF/cm2) over a membrane area (um2) into a capacitance (pF)."""
    return capacitance * area * 0.01
