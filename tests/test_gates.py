"""Gates: what holds of each, and what temperature, shift and speed do."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import patch_sim as ps

V = jnp.linspace(-120.0, 80.0, 401)  # the singular voltages of Hodgkin and Huxley included
GATES = {
    "Na.m": ps.channels.Na().gates["m"],
    "Na.h": ps.channels.Na().gates["h"],
    "K.n": ps.channels.K().gates["n"],
}


def own(**changes) -> ps.Gate:
    rates = ps.rates
    return ps.Gate(opening=rates.Linoid(0.1, -40.0, 10.0), closing=rates.Exponential(4.0, -65.0, -18.0), **changes)


@pytest.mark.parametrize("name", GATES)
def test_invariants(name):
    gate = GATES[name]
    steady, tau = gate.steady_state(V), gate.time_constant(V)
    assert np.all((steady >= 0) & (steady <= 1))
    assert np.all(tau > 0)
    np.testing.assert_allclose(gate.derivative(V, steady), 0.0, atol=1e-12)
    # it moves toward its steady state, at the pace of its time constant
    x = jnp.full_like(V, 0.3)
    np.testing.assert_allclose(gate.derivative(V, x), (steady - x) / tau, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", GATES)
def test_jit_vmap_and_grad_agree_with_the_plain_call(name):
    gate = GATES[name]
    plain = gate.steady_state(V)
    np.testing.assert_allclose(jax.jit(jax.vmap(gate.steady_state))(V), plain, rtol=1e-12)
    slope = jax.vmap(jax.grad(gate.steady_state))(V)
    assert np.all(np.isfinite(slope))
    central = (gate.steady_state(V + 1e-4) - gate.steady_state(V - 1e-4)) / 2e-4
    np.testing.assert_allclose(slope, central, atol=1e-8)


def test_ten_degrees_are_one_q10():
    gate = own(q10=3.0, reference_temperature=6.3)
    warm = gate.at(jnp.asarray(16.3))
    np.testing.assert_allclose(gate.time_constant(V), 3.0 * warm.time_constant(V), rtol=1e-12)
    np.testing.assert_allclose(gate.steady_state(V), warm.steady_state(V), rtol=1e-12)


def test_without_a_temperature_a_gate_is_at_its_reference():
    gate = own(q10=3.0, reference_temperature=22.0)
    np.testing.assert_array_equal(gate.time_constant(V), gate.at(jnp.asarray(22.0)).time_constant(V))
    np.testing.assert_array_equal(gate.at(jnp.asarray(37.0)).at(None).time_constant(V), gate.time_constant(V))


def test_shift_moves_both_curves_to_the_right():
    gate, shifted = own(), own(shift=7.0)
    np.testing.assert_allclose(shifted.steady_state(V + 7.0), gate.steady_state(V), rtol=1e-12)
    np.testing.assert_allclose(shifted.time_constant(V + 7.0), gate.time_constant(V), rtol=1e-12)


def test_speed_leaves_the_steady_state_alone():
    gate, fast = own(), own(speed=2.5)
    np.testing.assert_allclose(gate.steady_state(V), fast.steady_state(V), rtol=1e-12)
    np.testing.assert_allclose(gate.time_constant(V), 2.5 * fast.time_constant(V), rtol=1e-12)


def test_power_is_structure():
    assert own(power=3).power == 3
    assert jax.tree.structure(own(power=3)) != jax.tree.structure(own(power=2))
    assert not any("power" in name for name in ps.parameters(own(power=3)))


@pytest.mark.parametrize(
    ("field", "value"),
    [("q10", 0.0), ("speed", -1.0), ("reference_temperature", -300.0), ("shift", float("inf")), ("shift", "right")],
)
def test_impossible_numbers(field, value):
    with pytest.raises(ValueError, match=rf"Gate\.{field} must be"):
        own(**{field: value})


def test_a_symmetric_gate_is_what_its_equations_say():
    gate = ps.SymmetricGate(midpoint=-40.0, slope=-6.0, peak=3.0, fastest=0.2, power=2)
    v = jnp.linspace(-120.0, 60.0, 37)
    z = (v + 40.0) / -6.0
    np.testing.assert_allclose(gate.steady_state(v), 1.0 / (1.0 + np.exp(-z)), rtol=1e-12)
    np.testing.assert_allclose(gate.time_constant(v), 0.2 + 6.0 / (np.exp(z / 2) + np.exp(-z / 2)), rtol=1e-12)
    far = jnp.array([-1e5, 1e5])
    assert np.all(np.isfinite(jax.vmap(jax.grad(lambda v: gate.time_constant(v)))(far)))
    np.testing.assert_allclose(gate.time_constant(far), 0.2)
