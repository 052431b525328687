"""The voltage clamp: exact where the command is constant, of fourth order where it moves."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import patch_sim as ps


@pytest.fixture(scope="module")
def axon() -> ps.Neuron:
    return ps.presets.neuron("squid_axon")


def gates(axon, stimulus, times, **settings) -> dict[str, np.ndarray]:
    clamp = ps.VoltageClamp(stimulus, duration=10.0, dt=0.5, holding=-70.0)
    rec = ps.simulate(axon, clamp, times=times, save=("states",), **settings)
    return {name: np.asarray(signal[0]) for name, signal in rec.states.items()}


def test_edges_between_the_samples_are_exact(axon):
    # few samples or many: a constant command has no stepping error
    step = ps.Step([60.0], 1.03, 3.217)
    few = jnp.array([0.0, 1.03, 2.0, 4.247, 9.0])
    many = jnp.concatenate([few, jnp.linspace(0.0, 10.0, 400)])
    order = jnp.argsort(many)
    sparse, dense = gates(axon, step, few), gates(axon, step, many[order])
    picked = np.searchsorted(np.asarray(many[order]), np.asarray(few))
    for name, signal in sparse.items():
        np.testing.assert_allclose(signal, dense[name][picked], rtol=1e-11, err_msg=name)


def test_a_moving_command_is_of_fourth_order(axon):
    sine = ps.Sine(30.0, frequency=100.0, start=0.0, duration=20.0, offset=20.0)
    errors = []
    ends = {}
    for samples in (50, 100, 200, 3200):
        found = gates(axon, sine, jnp.linspace(0.0, 10.0, samples + 1))
        ends[samples] = np.array([signal[-1] for signal in found.values()])
    errors = [np.max(np.abs(ends[samples] - ends[3200])) for samples in (50, 100, 200)]
    assert errors[0] < 1e-3
    for coarse, fine in itertools.pairwise(errors):
        assert 10.0 < coarse / fine < 25.0  # halving the step: 16 times less


def test_under_a_moving_command_gates_obey_their_equation(axon):
    sine = ps.Sine(30.0, frequency=100.0, start=0.0, duration=20.0, offset=20.0)
    times = jnp.linspace(0.0, 10.0, 2001)
    found = gates(axon, sine, times)
    gate, x = axon.channels["Na"].gates["m"], found["Na.m"]
    v = -70.0 + 20.0 + 30.0 * np.sin(2 * np.pi * 0.1 * np.asarray(times))
    slope = np.gradient(x, np.asarray(times), edge_order=2)
    expected = np.asarray(gate.derivative(jnp.asarray(v), jnp.asarray(x)))
    np.testing.assert_allclose(slope[5:-5], expected[5:-5], atol=2e-4 * np.max(np.abs(expected)))


def test_gates_stay_fractions(axon):
    for name, x in gates(axon, ps.Step([150.0], 1.0, 3.0), jnp.linspace(0.0, 10.0, 101)).items():
        assert np.all((x >= 0) & (x <= 1)), name


def test_edges_outside_the_sweep_do_nothing(axon):
    times = jnp.linspace(0.0, 10.0, 101)
    plain = gates(axon, ps.Step([60.0], 1.0, 3.0), times)
    odd = gates(axon, ps.Step([60.0], 1.0, 3.0) + ps.Step([0.0], -5.0, 500.0), times)
    for name, x in plain.items():
        np.testing.assert_allclose(odd[name], x, rtol=1e-12)


def test_gradient_of_a_clamped_gate_is_that_of_its_exponential(axon):
    def open_fraction(speed):
        cell = ps.with_parameters(axon, {"channels.K.gates.n.speed": speed})
        clamp = ps.VoltageClamp(ps.Step(60.0, 0.0, 100.0), duration=2.0, dt=0.5, holding=-70.0)
        return ps.simulate(cell, clamp, save=("states",)).states["K.n"][0]

    t = np.arange(4) * 0.5
    gate = axon.channels["K"].gates["n"]
    low, high = (float(gate.steady_state(jnp.asarray(v))) for v in (-70.0, -10.0))
    tau = float(gate.time_constant(jnp.asarray(-10.0)))
    expected = (high - low) * t / tau * np.exp(-t / tau)
    np.testing.assert_allclose(jax.jacfwd(open_fraction)(1.0), expected, rtol=1e-10, atol=1e-15)
    np.testing.assert_allclose(jax.jacrev(open_fraction)(1.0), expected, rtol=1e-10, atol=1e-15)
