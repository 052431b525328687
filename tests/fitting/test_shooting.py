"""A model that starts anew at the recorded voltage, and what it finds that none finds otherwise."""

import dataclasses

import numpy as np
import pytest

import fitting
import patch_sim as ps
from fitting import losses
from fitting.shooting import shooting

CELL = ps.presets.neuron("squid_axon")
NA, K = "channels.Na.g_max", "channels.K.g_max"
STEP = ps.CurrentClamp(ps.Step([800.0, 1000.0], 5.0, 30.0), duration=40.0, dt=0.1)
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


def test_spikes_are_fitted_sample_by_sample_from_far_away():
    cell, solver = ps.presets.neuron("regular_spiking"), ps.Exponential(0.1)
    truth = {name: float(ps.parameters(cell)[name]) for name in ps.match(cell, "channels.*.g_max", "capacitance")}
    clamp = ps.CurrentClamp(ps.Step(1000.0, 5.0, 120.0), duration=140.0, dt=0.1)
    rec = ps.simulate(cell, clamp, solver=solver)
    factors = np.exp(np.random.default_rng(0).uniform(-0.7, 0.7, len(truth)))
    far = ps.with_parameters(cell, {name: x * value for x, (name, value) in zip(factors, truth.items(), strict=True)})
    found = fitting.fit(far, rec, free=list(truth), starts=1, shoot=(10.0,), solver=solver, progress=False)
    for estimate in found.estimates:
        assert estimate.value == pytest.approx(truth[estimate.name], rel=1e-3), estimate


def test_there_are_no_pieces_of_a_voltage_clamp():
    assert shooting(ps.simulate(CELL, CLAMP), 10.0) is None


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
