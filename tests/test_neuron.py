"""A neuron: its vector field and its currents."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import patch_sim as ps
from tests.cells import hodgkin_huxley as cell

ZERO = jnp.asarray(0.0)


def nernst(inside: float, outside: float, temperature: float) -> float:
    return float(ps.nernst(jnp.asarray(inside), jnp.asarray(outside), 1, jnp.asarray(temperature)))


def test_derivative_is_charge_over_capacitance():
    neuron = cell(capacitance=2.0)
    state = neuron.steady_state(jnp.asarray(-50.0))
    currents = neuron.currents(state)
    assert set(currents) == {"Na", "K", "Leak"}
    without = neuron.derivative(state, ZERO).voltage
    assert float(without) == pytest.approx(-float(sum(currents.values())) / 2.0, rel=1e-13)
    # 10 pA into 1000 um2 x 2 uF/cm2 = 20 pF is 0.5 mV/ms more
    assert float(neuron.derivative(state, jnp.asarray(10.0)).voltage - without) == pytest.approx(0.5, rel=1e-10)


def test_currents_by_hand():
    neuron = cell()
    state = neuron.steady_state(jnp.asarray(-20.0))
    gates = {name: channel.gates for name, channel in neuron.channels.items()}
    m, h = (float(gates["Na"][key].steady_state(state.voltage)) for key in "mh")
    n = float(gates["K"]["n"].steady_state(state.voltage))
    reversal = {"Na": nernst(50.0, 440.0, 8.0), "K": nernst(400.0, 20.0, 8.0)}
    found = {name: float(value) for name, value in neuron.currents(state).items()}
    assert found["Na"] == pytest.approx(120.0 * m**3 * h * (-20.0 - reversal["Na"]), rel=1e-12)
    assert found["K"] == pytest.approx(36.0 * n**4 * (-20.0 - reversal["K"]), rel=1e-12)
    assert found["Leak"] == pytest.approx(0.3 * (-20.0 + 54.3), rel=1e-12)


@pytest.mark.parametrize("temperature", [8.0, 30.0])
def test_reversals_follow_ions_and_temperature_unless_given(temperature):
    neuron = cell(temperature=temperature)
    for name, v in {
        "Na": nernst(50.0, 440.0, temperature),
        "K": nernst(400.0, 20.0, temperature),
        "Leak": -54.3,
    }.items():
        at, beside = (float(neuron.currents(neuron.steady_state(jnp.asarray(u)))[name]) for u in (v, v + 1.0))
        assert abs(at) < 1e-9 < beside, name


def test_a_tempered_cell_does_the_same():
    neuron = cell(temperature=16.3)
    state = neuron.steady_state(jnp.asarray(-60.0))
    moved = ps.State(jnp.asarray(-30.0), state.gates)
    slopes = [n.derivative(moved, jnp.asarray(10.0)) for n in (neuron, neuron.tempered(), neuron.tempered().tempered())]
    for other in slopes[1:]:
        for one, same in zip(jax.tree.leaves(slopes[0]), jax.tree.leaves(other), strict=True):
            np.testing.assert_allclose(same, one, rtol=1e-14)
    assert not [path for path in ps.parameters(neuron.tempered()) if path.endswith("q10")]


def test_the_channels_gates_are_at_the_neuron_s_temperature():
    v = jnp.linspace(-80.0, 20.0, 5)
    own = cell(temperature=16.3).channels["K"].gates["n"]
    np.testing.assert_allclose(3.0 * own.time_constant(v), ps.channels.K().gates["n"].time_constant(v), rtol=1e-12)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"area": 0.0}, r"Neuron\.area must be greater than 0 um2, not 0\.0"),
        ({"area": -5.0}, r"Neuron\.area must be greater than 0 um2, not -5\.0"),
        ({"area": float("nan")}, r"Neuron\.area must be finite"),
        ({"area": "big"}, r"Neuron\.area must be a number in um2, not 'big'"),
        ({"capacitance": 0.0}, r"Neuron\.capacitance must be greater than 0 uF/cm2"),
        ({"temperature": -273.16}, r"Neuron\.temperature must be at least -273\.15 degrees C, not -273\.16"),
        ({"channels": {"Na.v": ps.channels.Na()}}, r"a channel's name must be a plain word .*, not 'Na\.v'"),
        ({"channels": {"": ps.channels.Na()}}, r"a channel's name must be a plain word"),
    ],
)
def test_impossible_neurons(changes, message):
    with pytest.raises(ValueError, match=message):
        cell(**changes)


def test_impossible_channels():
    with pytest.raises(ValueError, match=r"Na\.g_max must be at least 0 mS/cm2, not -1\.0"):
        ps.channels.Na(g_max=-1.0)
    with pytest.raises(ValueError, match=r"Leak\.reversal must be finite"):
        ps.channels.Leak(reversal=float("inf"))
    with pytest.raises(ValueError, match="reversal"):
        ps.Channel({}, g_max=1.0)
    with pytest.raises(ValueError, match=r"channel 'x' carries 'Xe', which is not among the ions"):
        cell(channels={"x": ps.Channel({}, g_max=1.0, ion="Xe")})


def test_presets():
    assert "squid_axon" in ps.presets.neurons()
    with pytest.raises(KeyError, match="squid_axon"):
        ps.presets.neuron("squid")
