"""The units of the house against values worked out by hand."""

import jax.numpy as jnp
import numpy as np
import pytest

from patch_sim import units


def test_density_to_whole_cell_by_hand():
    # 1000 um2 are 1e-5 cm2: 1 uA/cm2 is 10 pA, 1 mS/cm2 is 10 nS, 1 uF/cm2 is 10 pF.
    assert units.whole_cell_current(1.0, 1000.0) == pytest.approx(10.0, rel=1e-15)
    assert units.whole_cell_conductance(1.0, 1000.0) == pytest.approx(10.0, rel=1e-15)
    assert units.whole_cell_capacitance(1.0, 1000.0) == pytest.approx(10.0, rel=1e-15)
    assert units.current_density(10.0, 1000.0) == pytest.approx(1.0, rel=1e-15)


def test_current_there_and_back():
    density = jnp.array([-3.0, 0.0, 1e-6, 250.0])
    np.testing.assert_allclose(units.current_density(units.whole_cell_current(density, 1256.6), 1256.6), density)


def test_units_of_the_house_are_coherent():
    # mS/cm2 times mV is uA/cm2, and uA/cm2 over uF/cm2 is mV/ms: so are nS mV = pA and pA / pF = mV/ms.
    area, g, v, c = 837.0, 0.3, -12.0, 0.9
    current = units.whole_cell_conductance(g, area) * v
    assert units.whole_cell_current(g * v, area) == pytest.approx(current, rel=1e-14)
    assert current / units.whole_cell_capacitance(c, area) == pytest.approx(g * v / c, rel=1e-14)


def test_constants_of_2019():
    # R = k_B N_A and F = e N_A, from the defining constants of the SI.
    avogadro = 6.02214076e23
    assert pytest.approx(1.380649e-23 * avogadro, rel=1e-14) == units.GAS_CONSTANT
    assert pytest.approx(1.602176634e-19 * avogadro, rel=1e-13) == units.FARADAY_CONSTANT
    assert units.ZERO_CELSIUS == 273.15
