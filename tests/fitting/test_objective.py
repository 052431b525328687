"""The sum of squares and its derivatives, against each other and against differences."""

import jax.numpy as jnp
import numpy as np
import pytest

import patch_sim as ps
from fitting.losses import trace
from fitting.objective import MOST_FORWARD, Objective
from fitting.parameters import space
from fitting.setup import setup

CELL = ps.presets.neuron("squid_axon")
STEPS = ps.VoltageClamp(ps.Step([20.0, 60.0, 100.0], 1.0, 5.0), duration=8.0, dt=0.2, holding=-70.0)


def objective(free, bounds=None, solver=None) -> Objective:
    truth = ps.with_parameters(CELL, {"channels.Na.g_max": 90.0, "channels.K.g_max": 30.0})
    recording = ps.simulate(truth, STEPS)
    model = setup(CELL, [recording])
    return Objective(space(model, free, bounds), model, (trace(recording, scale=100.0),), solver or ps.Adaptive())


@pytest.fixture(scope="module")
def two() -> Objective:
    bounds = {"channels.Na.g_max": (50.0, 200.0), "channels.K.g_max": (10.0, 100.0)}
    return objective(list(bounds), bounds)


U = np.array([0.4, 0.6])


def test_cost_is_the_sum_of_squares(two):
    neuron = two.space.apply(two.setup, jnp.asarray(U)).neurons[0]
    current = np.asarray(ps.simulate(neuron, STEPS).current)
    expected = np.sum(((current - np.asarray(two.terms[0].data)) / 100.0) ** 2)
    assert two.cost(U) == pytest.approx(expected, rel=1e-9)
    assert (two.weight, two.scored) == (120.0, 120)


def test_cost_vanishes_at_the_truth(two):
    truth = {"channels.Na.g_max": 90.0, "channels.K.g_max": 30.0}
    u = two.space.fraction(jnp.asarray([truth[name] for name in two.space.names]))
    assert two.cost(np.asarray(u)) < 1e-18


def test_a_batch_is_its_points(two):
    points = np.array([[0.1, 0.9], [0.4, 0.6], [1.0, 0.0]])
    np.testing.assert_allclose(two.costs(points), [two.cost(point) for point in points], rtol=1e-10)


def test_linearization_against_differences(two):
    cost, slope, curvature = two.linearize(U)
    assert cost == pytest.approx(two.cost(U), rel=1e-12)
    h = 1e-5
    central = [(two.cost(U + h * e) - two.cost(U - h * e)) / (2 * h) for e in np.eye(2)]
    np.testing.assert_allclose(2 * slope, central, rtol=1e-6)
    np.testing.assert_allclose(curvature, curvature.T, rtol=1e-12)
    # half the Hessian, where the residual vanishes
    truth = {"channels.Na.g_max": 90.0, "channels.K.g_max": 30.0}
    best = np.asarray(two.space.fraction(jnp.asarray([truth[name] for name in two.space.names])))
    _, _, there = two.linearize(best)
    d = np.array([1e-4, -2e-4])
    assert two.cost(best + d) == pytest.approx(d @ there @ d, rel=2e-3)


def test_gradient_is_that_of_the_linearization(two):
    cost, slope = two.gradient(U)
    expected_cost, expected, _ = two.linearize(U)
    assert cost == pytest.approx(expected_cost, rel=1e-12)
    np.testing.assert_allclose(slope, expected, rtol=1e-10)


def test_many_parameters_take_reverse_mode():
    names = ps.match(CELL, "channels.**")
    spread = {name: float(value) for name, value in ps.parameters(CELL).items()}
    # 20 % or 1 either way, within what each may be
    bounds = {name: (spread[name] - 0.2 * abs(spread[name]) - (spread[name] == 0),
                     spread[name] + 0.2 * abs(spread[name]) + (spread[name] == 0)) for name in names}  # fmt: skip
    many = objective(list(names), bounds)
    assert len(many.space.names) > MOST_FORWARD
    u = np.full(len(many.space.names), 0.45)
    cost, slope = many.gradient(u)
    expected_cost, expected, _ = many.linearize(u)
    assert cost == pytest.approx(expected_cost, rel=1e-10)
    np.testing.assert_allclose(slope, expected, rtol=1e-8, atol=1e-9 * np.max(np.abs(expected)))


def test_what_cannot_be_simulated_costs_infinity(two):
    explosive = Objective(two.space, two.setup.with_parameters({"area": 1e300}), two.terms, two.solver)
    assert explosive.cost(U) == np.inf
    assert explosive.costs(np.stack([U, U])).tolist() == [np.inf, np.inf]
