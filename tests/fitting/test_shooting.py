"""A model that starts anew at the recorded voltage, and what it finds that none finds otherwise."""

import dataclasses

import jax
import numpy as np
import pytest

import fitting
import patch_sim as ps
from fitting import losses
from fitting.objective import Objective
from fitting.parameters import space
from fitting.setup import setup
from fitting.shooting import shooting

CELL = ps.presets.neuron("squid_axon")
NA, K = "channels.Na.g_max", "channels.K.g_max"
STEP = ps.CurrentClamp(ps.Step([800.0, 1000.0], 5.0, 30.0), duration=40.0, dt=0.1)
SOLVER, NOISE = ps.Exponential(0.1), 0.3  # mV
CLAMP = ps.VoltageClamp(ps.Step(20.0, 1.0, 2.0), holding=-70.0, duration=4.0, dt=0.2)


@pytest.fixture(scope="module")
def recording() -> ps.Recording:
    return ps.simulate(CELL, STEP)


def seen(recording, cell, length):
    cut = None if length is None else shooting(recording, length)
    term = dataclasses.replace(losses.trace(recording), continuation=cut)
    return np.asarray(term.seen(cell, recording.electrode, ps.Adaptive()))


def test_a_right_model_goes_on_where_the_recording_does(recording):
    # What is off are the gates, which follow a voltage that goes in straight lines from sample to sample.
    off = seen(recording, CELL, 7.0) - np.asarray(recording.measured_voltage)
    assert np.sqrt(np.mean(off**2)) < 0.05


def test_pieces_start_with_the_gates_that_the_voltage_has_given(recording):
    cut = shooting(recording, 7.0)
    assert cut is not None
    starts = cut.starts(CELL, recording.electrode)
    states = ps.simulate(CELL, STEP, save=("states",)).states
    for name, path in states.items():
        channel, gate = name.split(".")
        there = np.take_along_axis(np.asarray(path), np.asarray(cut.knots), axis=1)
        np.testing.assert_allclose(np.asarray(starts.gates[channel][gate]).reshape(2, -1), there, atol=0.02)


def test_a_wrong_model_is_the_nearer_the_shorter_the_pieces(recording):
    wrong = ps.with_parameters(CELL, {NA: 90.0, K: 50.0})
    off = [
        np.std(seen(recording, wrong, length) - np.asarray(recording.measured_voltage)) for length in (None, 5.0, 0.5)
    ]
    assert off[0] > off[1] > 1.5 * off[2]


def test_a_piece_as_long_as_the_sweep_is_the_sweep(recording):
    np.testing.assert_allclose(seen(recording, CELL, 1e3), seen(recording, CELL, None), atol=0.02)


def test_what_the_bridge_leaves_of_the_glass_is_seen_and_not_started_from(recording):
    glass = ps.Electrode(series_resistance=10.0, offset=2.0)
    through = ps.simulate(CELL, dataclasses.replace(STEP, electrode=glass))
    np.testing.assert_allclose(
        seen(through, CELL, 7.0) - np.asarray(through.measured_voltage),
        seen(recording, CELL, 7.0) - np.asarray(recording.measured_voltage),
        atol=0.1,
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", ["purkinje", "layer5_pyramidal"])
def test_every_kind_of_state_is_started_from(name):
    """Occupancies of a Markov channel, and a pool of calcium."""
    cell = ps.presets.neuron(name)
    clamp = ps.CurrentClamp(ps.Step(200.0, 1.0, 8.0), duration=10.0, dt=0.1)
    rec = ps.simulate(cell, clamp, initial=-70.0, save=("measured_voltage", "command", "states"))
    cut = shooting(rec, 5.0)
    assert cut is not None
    starts = cut.starts(cell, rec.electrode)
    assert cell.owns(starts)
    assert starts.voltage.shape == (2,)


@pytest.mark.slow
def test_derivatives_by_parameters_and_first_voltages(recording):
    recordings = recording.select([0]), recording
    prepared = setup(CELL, recordings)
    terms = [dataclasses.replace(losses.trace(rec), continuation=shooting(rec, 12.0)) for rec in recordings]
    objective = Objective(space(prepared, [NA, K]), prepared, tuple(terms), ps.Exponential(0.05))
    point = objective.begin(np.array([0.48, 0.53]))
    point += np.random.default_rng(0).uniform(-0.02, 0.02, point.size)
    assert objective.end(point).size == 2
    cost, slope, curvature = objective.linearize(point)
    assert objective.cost(point) == pytest.approx(cost, rel=1e-9)
    assert curvature.shape == (point.size, point.size)
    r, jacobian = objective.jacobian(point)
    np.testing.assert_allclose(slope, jacobian @ r, rtol=1e-9, atol=1e-9 * np.abs(slope).max())
    np.testing.assert_allclose(curvature, jacobian @ jacobian.T, rtol=1e-9, atol=1e-9 * curvature.max())
    for k in range(point.size):
        h = 1e-5 * np.eye(point.size)[k]
        ahead, behind = objective.cost(point + h), objective.cost(point - h)
        assert slope[k] == pytest.approx((ahead - behind) / 4e-5, rel=2e-3, abs=1e-4 * np.abs(slope).max())


def spiking():
    """A cell that fires, 0.3 mV of noise on its voltage, and bounds a factor of two around what is free."""
    cell = ps.presets.neuron("regular_spiking")
    truth = {name: float(ps.parameters(cell)[name]) for name in ps.match(cell, "channels.*.g_max", "capacitance")}
    rec = ps.simulate(cell, ps.CurrentClamp(ps.Step(1000.0, 5.0, 120.0), duration=140.0, dt=0.1), solver=SOLVER)
    noise = NOISE * jax.random.normal(jax.random.key(0), rec.voltage.shape)
    noisy = dataclasses.replace(rec, measured_voltage=rec.measured_voltage + noise)
    return cell, truth, noisy, {name: (value / 2, 2 * value) for name, value in truth.items()}


@pytest.mark.slow
def test_spikes_are_fitted_sample_by_sample_from_far_away():
    cell, truth, rec, bounds = spiking()
    factors = np.exp(np.random.default_rng(0).uniform(-0.65, 0.65, len(truth)))
    far = ps.with_parameters(cell, {name: x * value for x, (name, value) in zip(factors, truth.items(), strict=True)})
    settings = {"free": list(truth), "bounds": bounds, "starts": 1, "solver": SOLVER, "progress": False}
    found = fitting.fit(far, rec, shoot=(5.0, 20.0), **settings)
    assert found.loss == pytest.approx(NOISE, rel=0.05)
    assert found.score(rec) == pytest.approx(found.loss, rel=1e-6)  # drawn as it was fitted
    for estimate in found.estimates:
        assert abs(estimate.value - truth[estimate.name]) < 4.0 * estimate.standard_error, estimate


@pytest.mark.slow
def test_how_many_of_eight_starts_end_at_the_noise():
    cell, truth, rec, bounds = spiking()
    settings = {"free": list(truth), "bounds": bounds, "screen": 1, "solver": SOLVER, "progress": False}
    ends = {}
    for way in ({}, {"synchronize": (1000.0, 300.0, 100.0, 30.0)}, {"shoot": (5.0, 20.0)}):
        found = fitting.fit(cell, rec, **settings, **way)
        ends[str(way)] = sum(start.loss < 1.05 * NOISE for start in found.starts)
    print(ends)
    alone, held, cut = ends.values()
    assert alone == 0
    assert held >= 6
    assert cut >= 6


def test_there_are_no_pieces_of_a_voltage_clamp():
    assert shooting(ps.simulate(CELL, CLAMP), 10.0) is None


def test_pieces_have_no_features(recording):
    loss = fitting.Traces() + fitting.SoftFeatures(latency=0.5)
    with pytest.raises(ValueError, match="shoot compares samples"):
        fitting.fit(CELL, recording, free=[NA], loss=loss, shoot=(10.0,), progress=False)


def test_one_is_led_in_one_way(recording):
    with pytest.raises(ValueError, match="take one of them"):
        fitting.fit(CELL, recording, free=[NA], synchronize=(10.0,), shoot=(10.0,), progress=False)


@pytest.mark.parametrize(
    ("make", "lengths", "message"),
    [
        (lambda: ps.simulate(CELL, STEP), (10.0, -1.0), "shoot must be positive lengths in ms"),
        (lambda: ps.simulate(CELL, CLAMP), (10.0,), "there is no current clamp"),
    ],
)
def test_what_cannot_be_cut(make, lengths, message):
    with pytest.raises(ValueError, match=message):
        fitting.fit(CELL, make(), free=[NA], shoot=lengths, progress=False)
