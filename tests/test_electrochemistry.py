"""Equilibrium potentials."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import patch_sim as ps


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
