"""Where a neuron rests."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import patch_sim as ps
from tests.cells import hodgkin_huxley as cell

ZERO = jnp.asarray(0.0)


@pytest.fixture(scope="module")
def resting():
    """The resting voltage as a compiled function of a neuron and a current."""
    return jax.jit(lambda neuron, injected: neuron.resting_state(injected).voltage)


@pytest.mark.parametrize("injected", [0.0, 20.0, -40.0])
@pytest.mark.parametrize("name", ["squid", "other"])
def test_nothing_changes_at_rest(name, injected):
    neuron = ps.presets.neuron("squid_axon") if name == "squid" else cell()
    state = neuron.resting_state(jnp.asarray(injected))
    for leaf in jax.tree.leaves(neuron.derivative(state, jnp.asarray(injected))):
        np.testing.assert_allclose(leaf, 0.0, atol=1e-9)


def test_the_squid_axon_rests_at_65_mV(resting):
    # Hodgkin and Huxley's rest with the leak's reversal rounded to -54.3 mV
    assert float(resting(ps.presets.neuron("squid_axon"), ZERO)) == pytest.approx(-64.97, abs=0.01)


def test_a_passive_cell_rests_at_its_reversal(resting):
    neuron = cell(channels={"Leak": ps.channels.Leak(g_max=0.1, reversal=-63.7)})
    assert float(resting(neuron, ZERO)) == pytest.approx(-63.7, rel=1e-14)
    # 0.1 mS/cm2 on 1000 um2 is 1 nS: 10 pA lift it by 10 mV
    assert float(resting(neuron, jnp.asarray(10.0))) == pytest.approx(-53.7, rel=1e-14)


def test_of_two_stable_rests_the_lower_is_taken(resting):
    # Sodium that opens fast and never inactivates, with a leak: bistable.
    gate = ps.Gate(ps.rates.Sigmoid(5.0, -30.0, 4.0), ps.rates.Sigmoid(5.0, -30.0, -4.0))
    persistent = ps.Channel({"m": gate}, g_max=1.0, reversal=50.0)
    neuron = cell(channels={"P": persistent, "Leak": ps.channels.Leak(g_max=0.3, reversal=-70.0)})
    low = float(resting(neuron, ZERO))
    assert low == pytest.approx(-70.0, abs=1.0)

    def net(v: float) -> float:
        return float(sum(neuron.currents(neuron.steady_state(jnp.asarray(v))).values()))

    assert net(-45.0) > 0 > net(0.0)  # there is another crossing above
    assert net(60.0) > 0


@pytest.mark.parametrize("injected", [1e6, -1e6])
def test_no_rest_is_nan(resting, injected):
    assert np.isnan(resting(cell(), jnp.asarray(injected)))


def test_rest_is_differentiable(resting):
    neuron, injected = cell(), jnp.asarray(5.0)
    by_neuron, by_current = jax.jit(jax.grad(lambda n, i: n.resting_state(i).voltage, argnums=(0, 1)))(neuron, injected)
    gradient = ps.parameters(by_neuron)
    for name in ["channels.Na.g_max", "channels.K.g_max", "channels.Leak.reversal", "area", "temperature",
                 "ions.K.outside", "channels.Na.gates.h.shift", "channels.K.gates.n.opening.midpoint"]:  # fmt: skip
        value = ps.parameters(neuron)[name]
        h = 1e-5 * max(1.0, abs(float(value)))
        up, down = (resting(ps.with_parameters(neuron, {name: value + k * h}), injected) for k in (1, -1))
        assert float(gradient[name]) == pytest.approx(float(up - down) / (2 * h), rel=1e-5, abs=1e-9), name
    h = 1e-4
    slope = float(resting(neuron, injected + h) - resting(neuron, injected - h)) / (2 * h)
    assert float(by_current) == pytest.approx(slope, rel=1e-6)
    assert float(gradient["capacitance"]) == 0.0


def test_forward_mode_of_the_rest_agrees_with_reverse():
    neuron = cell()
    reverse = jax.grad(lambda n: n.resting_state(ZERO).voltage)(neuron)
    direction = jax.tree.map(jnp.ones_like, neuron)
    _, forward = jax.jvp(lambda n: n.resting_state(ZERO).voltage, (neuron,), (direction,))
    assert float(forward) == pytest.approx(sum(float(leaf) for leaf in jax.tree.leaves(reverse)), rel=1e-10)
