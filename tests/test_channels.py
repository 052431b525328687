"""What holds for every channel of the catalog, and for one of your own."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import patch_sim as ps
from patch_sim import channels as c
from patch_sim.gates import AbstractRelaxingGate
from patch_sim.rates import Boltzmann, Gaussian

SINGULAR = [-154.9, -66.0, -64.4, -55.0, -40.0, -38.0, -27.0, -17.19, -17.0, -12.0, -2.0, 0.0, 19.88]
VOLTAGES = np.unique([*SINGULAR, *np.linspace(-200.0, 200.0, 81)])
CALCIUM = 3e-4
TEMPERATURE = 34.0


def own() -> c.Channel:
    gates = {"x": ps.InfTauGate(Boltzmann(-40.0, 7.0), 0.2 + Gaussian(3.0, -45.0, 20.0), power=2, q10=3.0)}
    return c.Channel(gates, g_max=1.0, ion="K")


BUILD = {**c.CATALOG, "own": own}
# The published steady state of Connor and Stevens' activation exceeds 1 by up to 1.4 % above 40 mV.
LARGEST = {"KAConnorStevens": 1.014}
every_channel = pytest.mark.parametrize("name", BUILD)


def neuron(channel: c.AbstractChannel) -> ps.Neuron:
    ions = ps.Ions(Ca=ps.Ion(CALCIUM, 2.0, 2))
    return ps.Neuron({"one": channel}, area=1000.0, temperature=TEMPERATURE, ions=ions)


def current(cell: ps.Neuron, v: jax.Array) -> jax.Array:
    return cell.currents(cell.steady_state(v))["one"]


def test_the_catalog_holds_every_channel_class():
    classes = {name for name, value in vars(c).items() if isinstance(value, type) and not name.startswith("Abstract")}
    assert classes - {"Channel"} == set(c.CATALOG)


@every_channel
def test_it_says_where_it_comes_from(name):
    channel = BUILD[name]()
    assert channel.source
    assert type(channel).__doc__


@every_channel
@pytest.mark.parametrize("dtype", [jnp.float32, jnp.float64])
def test_values_and_gradients_are_finite_everywhere(name, dtype):
    cell = jax.tree.map(lambda leaf: leaf.astype(dtype), neuron(BUILD[name]()))
    v = jnp.asarray(VOLTAGES, dtype=dtype)
    state = cell.steady_state(v)
    change = cell.derivative(state, jnp.zeros_like(v))
    assert all(np.all(np.isfinite(leaf)) for leaf in jax.tree.leaves((state, change, current(cell, v))))
    slopes = jax.vmap(jax.grad(current, argnums=(0, 1)), in_axes=(None, 0))(cell, v)
    assert all(np.all(np.isfinite(leaf)) for leaf in jax.tree.leaves(slopes))


@every_channel
def test_gates_rest_at_their_steady_state_and_stay_fractions(name):
    cell = neuron(BUILD[name]())
    v = jnp.asarray(VOLTAGES)
    state = cell.steady_state(v)
    for leaf in jax.tree.leaves(state.gates):
        assert np.all((leaf >= -1e-15) & (leaf <= LARGEST.get(name, 1.0)))
    for key, gate in cell.channels["one"].gates.items():
        if isinstance(gate, AbstractRelaxingGate):
            rate = cell.derivative(state, jnp.zeros_like(v)).gates["one"][key] * gate.time_constant(v, CALCIUM)
            np.testing.assert_allclose(rate, 0.0, atol=1e-14)
            assert np.all(gate.time_constant(v, CALCIUM) > 0.0)


@every_channel
def test_no_current_at_the_reversal_and_outward_above_it(name):
    channel = BUILD[name]()
    cell = neuron(channel)
    if isinstance(channel, c.AbstractOhmicChannel):
        reversal = channel.equilibrium(cell.ions, cell.temperature)
    else:
        reversal = cell.ions.Ca.reversal(cell.temperature)
    # CaNMigliore's own form of the flux has a rounded RT/F: its current is 0 close by.
    tolerance = 2.0 if name == "CaNMigliore" else 1e-9
    v = jnp.linspace(-tolerance, tolerance, 3) + reversal
    below, at, above = current(cell, v)
    open_state = cell.steady_state(v)
    assert below <= 0.0 <= above
    if name != "CaNMigliore":
        assert abs(at) <= 1e-12 * max(1.0, abs(float(current(cell, v + 10.0)[1])))
    assert np.all(np.isfinite(jax.tree.leaves(open_state)[0]))


@every_channel
def test_shift_and_speed_do_what_they_say(name):
    channel = BUILD[name]()
    v = jnp.asarray(VOLTAGES)
    for gate in channel.gates.values():
        if hasattr(gate, "shift"):
            shifted = eqx.tree_at(lambda g: g.shift, gate, gate.shift + 7.0)
            np.testing.assert_allclose(shifted.steady_state(v + 7.0), gate.steady_state(v), rtol=1e-9, atol=1e-300)
        if isinstance(gate, AbstractRelaxingGate):
            fast = eqx.tree_at(lambda g: g.speed, gate, 2.0 * gate.speed)
            half = fast.time_constant(v, CALCIUM)
            np.testing.assert_allclose(half, gate.time_constant(v, CALCIUM) / 2.0, rtol=1e-12)


@every_channel
def test_temperature_follows_the_q10(name):
    for gate in BUILD[name]().gates.values():
        if isinstance(gate, AbstractRelaxingGate):
            v = jnp.asarray(-47.3)
            cold, warm = (gate.at(jnp.asarray(t)).time_constant(v, CALCIUM) for t in (20.0, 30.0))
            np.testing.assert_allclose(cold / warm, gate.q10, rtol=1e-12)


@every_channel
def test_gates_stay_fractions_along_any_voltage_path(name):
    path = np.random.default_rng(0).uniform(-150.0, 80.0, 200)
    clamp = ps.VoltageClamp(ps.Samples(path, 0.5), holding=0.0, duration=100.0, dt=0.5)
    states = ps.simulate(neuron(BUILD[name]()), clamp, save=("states",)).states
    for state in states.values():
        assert np.all((state >= -1e-12) & (state <= LARGEST.get(name, 1.0) + 1e-12))


def test_a_calcium_channel_fills_the_pool_and_a_calcium_activated_one_reads_it():
    channels = {"CaL": c.CaL(), "KCa": c.KCa(1.0), "Leak": c.Leak(0.05, -70.0)}
    pool = ps.CalciumPool(gamma=0.05, depth=1.0, decay=100.0)
    cell = ps.Neuron(channels, area=1000.0, temperature=36.0, calcium=pool)
    clamp = ps.VoltageClamp(ps.Step(70.0, 5.0, 20.0), holding=-70.0, duration=50.0, dt=0.5)
    rec = ps.simulate(cell, clamp)
    calcium = np.asarray(rec.states["calcium"][0])
    assert calcium[0] == pytest.approx(1e-4)
    assert calcium.max() > 3e-4
    assert 25.0 <= rec.time[np.argmax(calcium)] < 30.0  # it falls once the channels have closed
    assert rec.states["KCa.z"][0].max() > 10 * rec.states["KCa.z"][0, 0]


def test_rest_with_a_pool_is_rest():
    channels = {"CaT": c.CaT(), "KCa": c.KCa(1.0), "Leak": c.Leak(0.05, -75.0)}
    cell = ps.Neuron(channels, area=1000.0, temperature=34.0, calcium=ps.CalciumPool(gamma=1.0, depth=0.1, decay=5.0))
    state = cell.resting_state(jnp.asarray(0.0))
    change = cell.derivative(state, jnp.asarray(0.0))
    assert state.calcium > 1.01e-4
    assert max(abs(float(leaf)) for leaf in jax.tree.leaves(change)) < 1e-12
