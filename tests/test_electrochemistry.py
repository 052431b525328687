"""Equilibrium potentials."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import patch_sim as ps
from patch_sim import electrochemistry


def nernst(inside, outside, valence, temperature):
    return float(ps.nernst(*map(jnp.asarray, (inside, outside)), valence, jnp.asarray(temperature)))


def test_a_tenfold_ratio_is_58_mV_at_20_degrees():
    # 2.303 RT/F at 293.15 K, as the textbooks have it
    assert nernst(10.0, 100.0, 1, 20.0) == pytest.approx(58.17, abs=0.005)
    assert nernst(10.0, 100.0, 1, 37.0) == pytest.approx(61.54, abs=0.005)


def test_sign_and_valence():
    assert nernst(140.0, 140.0, 1, 37.0) == 0.0
    assert nernst(140.0, 3.5, 1, 37.0) == pytest.approx(-nernst(3.5, 140.0, 1, 37.0), rel=1e-14)
    assert nernst(10.0, 100.0, 2, 25.0) == pytest.approx(nernst(10.0, 100.0, 1, 25.0) / 2, rel=1e-14)
    assert nernst(10.0, 100.0, -1, 25.0) == pytest.approx(-nernst(10.0, 100.0, 1, 25.0), rel=1e-14)


def test_vanishes_at_absolute_zero():
    assert nernst(10.0, 100.0, 1, -273.15) == 0.0


def test_gradient_against_the_formula():
    gradient = jax.grad(ps.nernst, argnums=(0, 1, 3))(jnp.asarray(12.0), jnp.asarray(150.0), 1, jnp.asarray(30.0))
    thermal = 1e3 * 8.31446261815324 * 303.15 / 96485.33212331
    expected = [-thermal / 12.0, thermal / 150.0, thermal / 303.15 * np.log(150.0 / 12.0)]
    np.testing.assert_allclose(gradient, expected, rtol=1e-13)


@pytest.mark.parametrize(("ion", "valence"), [("Na", 1), ("K", 1), ("Ca", 2)])
def test_each_ion_s_own_potential(ion, valence):
    found = getattr(ps.Ions(K=ps.Ion(130.0, 4.0)), ion)
    expected = nernst(float(found.inside), float(found.outside), valence, 25.0)
    assert float(found.reversal(jnp.asarray(25.0))) == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize(("inside", "outside"), [(0.0, 100.0), (10.0, -1.0), (float("nan"), 1.0), ("much", 1.0)])
def test_impossible_concentrations(inside, outside):
    with pytest.raises(ValueError, match=r"Ion\.(inside|outside) must be"):
        ps.Ion(inside, outside)


def test_no_current_flows_at_the_ghk_voltage():
    permeability, inside, outside = (
        jnp.asarray(x) for x in ([1.0, 0.04, 0.45], [140.0, 10.0, 7.0], [3.5, 145.0, 130.0])
    )
    warm, valences = jnp.asarray(36.0), (1, 1, -1)
    v = electrochemistry.ghk_voltage(permeability, inside, outside, jnp.asarray(valences, float), warm)
    fluxes = jnp.stack(
        [electrochemistry.ghk_flux(v, inside[k], outside[k], valence, warm) for k, valence in enumerate(valences)]
    )
    currents = permeability * fluxes
    assert abs(float(currents.sum())) < 1e-12 * float(jnp.abs(currents).max())


def test_ghk_voltage_of_potassium_and_sodium_is_that_of_a_mixed_pore():
    ions, p, warm = ps.Ions(), 0.3, jnp.asarray(25.0)
    inside, outside = (jnp.asarray([getattr(ions.K, side), getattr(ions.Na, side)]) for side in ("inside", "outside"))
    v = electrochemistry.ghk_voltage(jnp.asarray([1.0, p]), inside, outside, jnp.ones(2), warm)
    assert float(v) == pytest.approx(float(ions.mixed_reversal(jnp.asarray(p), warm)), rel=1e-14)
