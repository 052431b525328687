"""Derivatives of simulations against finite differences, in both modes."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import patch_sim as ps

EXACT = ps.Adaptive(rtol=1e-12, atol=1e-12)
TIMES = jnp.linspace(0.0, 12.0, 61)
STEP = {"amplitude": 150.0, "start": 1.03, "duration": 8.21}


def neuron() -> ps.Neuron:
    """The squid axon with Nernst reversals, off the reference temperature, so that every leaf matters."""
    channels = {"Na": ps.channels.Na(), "K": ps.channels.K(), "Leak": ps.channels.Leak()}
    ions = ps.Ions(Na=ps.Ion(50.0, 440.0), K=ps.Ion(400.0, 20.0))
    return ps.Neuron(channels, area=1000.0, temperature=8.0, ions=ions)


NAMES = [name for name in ps.parameters(neuron()) if not name.startswith("ions.Ca")]


def trace(values: dict, solver: ps.Adaptive = EXACT):
    """A trace with a spike, as a function of every number that shapes it."""
    cell = ps.with_parameters(neuron(), {name: values[name] for name in NAMES})
    step = ps.Step(amplitude=values["amplitude"], start=values["start"], duration=values["duration"])
    protocol = ps.CurrentClamp(step, duration=12.2, dt=0.2)
    return ps.simulate(cell, protocol, times=TIMES, save=("voltage",), solver=solver).voltage[0]


def everything() -> dict:
    values = {name: ps.parameters(neuron())[name] for name in NAMES}
    return values | {name: jnp.asarray(value) for name, value in STEP.items()}


@pytest.fixture(scope="module")
def compiled():
    return jax.jit(trace)


@pytest.fixture(scope="module")
def forward():
    values = everything()
    v = trace(values)
    assert v.max() > 20.0  # there is a spike
    return jax.tree.map(np.asarray, jax.jit(jax.jacfwd(trace))(values))


def difference(compiled, name: str) -> np.ndarray:
    """The derivative by central differences of fourth order."""
    values = everything()
    size = abs(float(values[name])) or 1.0
    h = 2e-4 * size * (0.1 if name in ("start", "duration") else 1.0)

    def at(k: int) -> np.ndarray:
        return np.asarray(compiled(values | {name: values[name] + k * h}))

    return (8.0 * (at(1) - at(-1)) - (at(2) - at(-2))) / (12.0 * h)


@pytest.mark.parametrize("name", [*NAMES, *STEP])
def test_forward_mode_against_finite_differences(compiled, forward, name):
    expected = difference(compiled, name)
    assert np.linalg.norm(expected) > 0
    np.testing.assert_allclose(forward[name], expected, rtol=0, atol=1e-5 * np.linalg.norm(expected))


@pytest.mark.parametrize("way", [jax.jacfwd, jax.grad])
def test_at_rest_nothing_grows(way):
    """Nothing moves, so that no error tells how long a step may be; yet a conductance would move it."""
    cell = ps.presets.neuron("regular_spiking")  # of gates that want steps of 0.1 ms
    rest = cell.resting_state().voltage
    protocol = ps.CurrentClamp(ps.Step(0.0, 1.0, 1.0), duration=30.0, dt=1.0)

    def last(g: jax.Array, solver: ps.Adaptive):
        changed = ps.with_parameters(cell, {"channels.Leak.g_max": g})
        return ps.simulate(changed, protocol, initial=rest, save=("voltage",), solver=solver).voltage[0, -1]

    g = ps.parameters(cell)["channels.Leak.g_max"]
    coarse, fine = (float(jax.jit(way(last), static_argnums=1)(g, ps.Adaptive(t, t))) for t in (1e-3, 1e-8))
    assert coarse == pytest.approx(fine, rel=0.01)
    h = 1e-4 * g
    expected = (last(g + h, ps.Adaptive(1e-10, 1e-10)) - last(g - h, ps.Adaptive(1e-10, 1e-10))) / (2 * h)
    assert fine == pytest.approx(float(expected), rel=1e-4)


def test_reverse_mode_agrees_with_forward_mode(forward):
    weights = jnp.cos(TIMES)
    reverse = jax.jit(jax.grad(lambda values: jnp.sum(weights * trace(values))))(everything())
    for name, jacobian in forward.items():
        np.testing.assert_allclose(reverse[name], np.asarray(weights) @ jacobian, rtol=1e-7, err_msg=name)


@pytest.mark.slow
def test_gradient_of_every_leaf_of_the_pytree():
    cell = neuron()
    protocol = ps.CurrentClamp(ps.Step(150.0, 1.0, 8.0), duration=10.0, dt=0.2)

    def peak(cell: ps.Neuron):
        return jnp.sum(ps.simulate(cell, protocol, save=("voltage",)).voltage)

    by_leaf = jax.grad(peak)(cell)
    for name, value in ps.parameters(by_leaf).items():
        assert np.all(np.isfinite(value)), name
    names = set(ps.parameters(cell))
    assert names == set(ps.parameters(by_leaf))


@pytest.mark.slow
@pytest.mark.parametrize("voltage", [-40.0, -55.0, -35.0])
def test_finite_at_singular_voltages(voltage):
    protocol = ps.VoltageClamp(ps.Step(0.0, 1.0, 1.0), holding=voltage, duration=2.0, dt=0.5)

    def total(cell: ps.Neuron, v: jax.Array):
        clamp = ps.simulate(cell, protocol, save=("current",)).current
        free = ps.CurrentClamp(ps.Step(0.0, 1.0, 1.0), duration=2.0, dt=0.5)
        return jnp.sum(clamp) + jnp.sum(ps.simulate(cell, free, initial=v, save=("voltage",)).voltage)

    value, gradients = jax.value_and_grad(total, argnums=(0, 1))(neuron(), jnp.asarray(voltage))
    assert np.isfinite(value)
    assert all(np.all(np.isfinite(leaf)) for leaf in jax.tree.leaves(gradients))


@pytest.mark.parametrize("name", ["amplitude", "start", "duration"])
def test_voltage_clamp_knows_its_edges(name):
    cell = neuron()

    def current(values: dict):
        step = ps.Step(amplitude=values["amplitude"], start=values["start"], duration=values["duration"])
        return ps.simulate(cell, ps.VoltageClamp(step, holding=-65.0, duration=6.0, dt=0.2), save=("current",)).current

    values = {"amplitude": jnp.asarray(60.0), "start": jnp.asarray(1.03), "duration": jnp.asarray(3.21)}
    h = 1e-4
    ahead, behind = (current(values | {name: values[name] + k * h}) for k in (1, -1))
    expected = np.asarray(ahead - behind) / (2 * h)
    assert np.linalg.norm(expected) > 0
    jacobian = jax.jacfwd(current)(values)[name]
    np.testing.assert_allclose(jacobian, expected, rtol=0, atol=1e-6 * np.linalg.norm(expected))


@pytest.mark.slow
def test_vmap_of_value_and_of_both_derivatives_is_a_loop():
    cell = neuron()
    protocol = ps.CurrentClamp(ps.Step(150.0, 1.0, 8.0), duration=10.0, dt=0.2)

    def mean(g: jax.Array):
        changed = ps.with_parameters(cell, {"channels.Na.g_max": g})
        return jnp.mean(ps.simulate(changed, protocol, save=("voltage",)).voltage)

    conductances = jnp.array([80.0, 120.0, 160.0])
    for function in (mean, jax.jacfwd(mean), jax.grad(mean)):
        one = jax.jit(function)
        looped = np.array([one(g) for g in conductances])
        np.testing.assert_allclose(jax.jit(jax.vmap(function))(conductances), looped, rtol=1e-9)
