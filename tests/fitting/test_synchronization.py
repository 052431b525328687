"""A model that the recorded voltage holds, and what it finds that none finds otherwise."""

import dataclasses

import jax.numpy as jnp
import numpy as np
import pytest

import fitting
import patch_sim as ps
from fitting.losses import trace
from fitting.synchronization import synchronization

CELL = ps.presets.neuron("squid_axon")
NA, K = "channels.Na.g_max", "channels.K.g_max"
STEP = ps.CurrentClamp(ps.Step(1000.0, 5.0, 30.0), duration=40.0, dt=0.1)
CLAMP = ps.VoltageClamp(ps.Step(20.0, 1.0, 2.0), holding=-70.0, duration=4.0, dt=0.2)
IDEAL = ps.Electrode()


def recorded(electrode: ps.Electrode = IDEAL) -> ps.Recording:
    return ps.simulate(CELL, dataclasses.replace(STEP, electrode=electrode))


@pytest.fixture(scope="module")
def recording() -> ps.Recording:
    return recorded()


def seen(recording, cell, conductance, electrode=IDEAL):
    held = None if conductance is None else synchronization(recording, conductance)
    term = dataclasses.replace(trace(recording), continuation=held)
    return np.asarray(term.seen(cell, electrode, ps.Adaptive()))


def test_a_right_model_hardly_notices(recording):
    # What it is held at goes in straight lines from sample to sample.
    off = seen(recording, CELL, 30.0) - np.asarray(recording.measured_voltage)
    assert np.std(off) < 0.2


def test_a_wrong_model_is_the_nearer_the_more_it_is_held(recording):
    wrong = ps.with_parameters(CELL, {NA: 90.0, K: 50.0})
    off = [np.std(seen(recording, wrong, k) - np.asarray(recording.measured_voltage)) for k in (None, 30.0, 300.0)]
    assert off[0] > 1.5 * off[1] > 3.0 * off[2]


def test_what_is_injected_is_not_seen_through_the_glass(recording):
    glass = ps.Electrode(series_resistance=10.0)
    through = recorded(glass)
    drop = 1e-3 * 10.0 * np.asarray(STEP.command())
    np.testing.assert_allclose(through.measured_voltage - recording.measured_voltage, drop, atol=1e-6)
    bridged = ps.Electrode(series_resistance=10.0, compensation=ps.Compensation(bridge=10.0))
    held, balanced = seen(recording, CELL, 30.0, glass), seen(recording, CELL, 30.0, bridged)
    np.testing.assert_allclose(held - balanced, drop, atol=1e-6)


@pytest.mark.slow
def test_spikes_are_fitted_sample_by_sample_from_far_away():
    cell, solver = ps.presets.neuron("regular_spiking"), ps.Exponential(0.1)
    truth = {name: float(ps.parameters(cell)[name]) for name in ps.match(cell, "channels.*.g_max", "capacitance")}
    clamp = ps.CurrentClamp(ps.Step(1000.0, 5.0, 120.0), duration=140.0, dt=0.1)
    rec = ps.simulate(cell, clamp, solver=solver)
    factors = np.exp(np.random.default_rng(0).uniform(-0.7, 0.7, len(truth)))
    far = ps.with_parameters(cell, {name: x * value for x, (name, value) in zip(factors, truth.items(), strict=True)})
    settings = {"free": list(truth), "starts": 1, "solver": solver, "progress": False}
    v = np.asarray(rec.voltage[0])
    assert np.sum((v[:-1] < 0.0) & (v[1:] >= 0.0)) == 6
    assert fitting.fit(far, rec, steps=40, **settings).loss > 10.0  # mV: another valley
    found = fitting.fit(far, rec, synchronize=(1000.0, 300.0, 100.0, 30.0), **settings)
    for estimate in found.estimates:
        assert estimate.value == pytest.approx(truth[estimate.name], rel=1e-3), estimate


def test_a_pipette_that_is_free_cannot_be_charged_meanwhile(recording):
    free = [NA, "electrode.series_resistance", "electrode.pipette_capacitance"]
    with pytest.raises(ValueError, match="neutralize its capacitance"):
        fitting.fit(CELL, recording, free=free, synchronize=(10.0,), progress=False)


def test_nothing_holds_a_voltage_clamp():
    assert synchronization(ps.simulate(CELL, CLAMP), 10.0) is None


@pytest.mark.parametrize(
    ("make", "conductances", "message"),
    [
        (recorded, (10.0, 0.0), "synchronize must be positive conductances in nS"),
        (lambda: ps.simulate(CELL, CLAMP), (10.0,), "there is no current clamp"),
        (
            lambda: recorded(ps.Electrode(series_resistance=5.0, pipette_capacitance=3.0)),
            (10.0,),
            "neutralize its capacitance",
        ),
        (
            lambda: dataclasses.replace(recorded(), measured_voltage=jnp.full((1, 400), jnp.nan)),
            (10.0,),
            "finite everywhere",
        ),
    ],
    ids=["no conductance", "voltage clamp", "pipette to be charged", "missing samples"],
)
def test_what_cannot_be_held(make, conductances, message):
    with pytest.raises(ValueError, match=message):
        fitting.fit(CELL, make(), free=[NA], synchronize=conductances, progress=False)
