"""Differentiable twins: the measured feature is their limit, their derivatives agree with finite differences."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import patch_sim as ps
from patch_sim.analysis import soft

DT = 0.05
WINDOW = (20.0, 120.0)
INSIDE = slice(400, 2400)
SCHEDULE = (1.0, 3.0, 10.0, 30.0, 100.0)
CELL = ps.presets.neuron("regular_spiking")
CURRENTS = [-800.0, -200.0, 400.0, 1000.0, 1600.0]


@pytest.fixture(scope="module")
def rec() -> ps.Recording:
    return ps.simulate(CELL, ps.CurrentClamp(ps.Step(CURRENTS, 20.0, 100.0), duration=140.0, dt=DT))


@pytest.fixture(scope="module")
def hard(rec) -> ps.analysis.Features:
    return ps.analysis.features(rec, WINDOW)


def firing(rec: ps.Recording) -> jax.Array:
    return rec.voltage[3:, INSIDE]


def first_spikes(hard: ps.analysis.Features, name: str, index: int) -> np.ndarray:
    spikes = hard.spikes
    rows = [np.flatnonzero(spikes.sweep.values == sweep)[index] for sweep in (3, 4)]
    return getattr(spikes, name).values[rows]


def falls(errors: list[float], last: float) -> None:
    """The errors along the schedule end below a bound, and less than they began."""
    assert errors[-1] < last, errors
    assert errors[-1] <= errors[0], errors


@pytest.mark.parametrize("index", [0, 1])
@pytest.mark.parametrize(
    ("name", "last"),
    [("threshold", 0.02), ("peak", 0.01), ("amplitude", 0.02), ("half_width", 2e-3), ("trough", 0.02), ("ahp", 0.03)],
)
def test_a_spikes_features_are_the_limits(rec, hard, name, last, index):
    truth = first_spikes(hard, name, index)
    found = [getattr(soft.spike(firing(rec), DT, index, sharpness=b), name) for b in SCHEDULE]
    falls([float(np.max(np.abs(np.asarray(one) - truth))) for one in found], last)


@pytest.mark.parametrize("index", [0, 1])
def test_times_are_the_limits(rec, hard, index):
    truth = first_spikes(hard, "time", index) - WINDOW[0]
    found = [soft.spike(firing(rec), DT, index, sharpness=b).time for b in SCHEDULE]
    falls([float(np.max(np.abs(np.asarray(one) - truth))) for one in found], 1e-3)


def test_counts_and_rates_are_the_limits(rec, hard):
    voltage = rec.voltage[:, INSIDE]
    found = [soft.count(voltage, sharpness=b) for b in SCHEDULE]
    falls([float(np.max(np.abs(np.asarray(one) - hard.count.values))) for one in found], 1e-6)
    np.testing.assert_allclose(soft.rate(voltage, DT, sharpness=30.0), hard.rate.values, atol=1e-4)
    presence = soft.spike(voltage, DT, 0, sharpness=30.0).presence
    np.testing.assert_allclose(presence, np.minimum(hard.count.values, 1.0), atol=1e-6)


def test_latencies_are_the_limits(rec):
    voltage = np.asarray(rec.voltage[:, INSIDE])
    truth = []
    for one in voltage:
        crossed = np.flatnonzero((one[:-1] < soft.LEVEL) & (one[1:] >= soft.LEVEL))
        k = crossed[0] if crossed.size else 0
        within = (soft.LEVEL - one[k]) / (one[k + 1] - one[k])
        truth.append(DT * (k + within) if crossed.size else DT * (one.size - 1))
    found = [soft.latency(jnp.asarray(voltage), DT, sharpness=b) for b in SCHEDULE]
    falls([float(np.max(np.abs(np.asarray(one) - np.array(truth)))) for one in found], 1e-3)


def test_sag_is_the_limit(rec, hard):
    truth = np.asarray(hard.steady)[:2] - np.array(
        [np.min(np.convolve(v, np.full(20, 0.05), "valid")) for v in np.asarray(rec.voltage[:2, INSIDE])]
    )
    np.testing.assert_allclose(truth, hard.sag.values[:2], atol=1e-9)
    found = [soft.sag(rec.voltage[:2, INSIDE], DT, sharpness=b) for b in (*SCHEDULE, 1000.0)]
    falls([float(np.max(np.abs(np.asarray(one) - truth))) for one in found], 5e-3)


def test_the_phase_density_is_a_histogram_in_the_limit(rec):
    voltage_edges, slope_edges = np.linspace(-100.0, 60.0, 17), np.linspace(-200.0, 600.0, 15)
    voltage = np.asarray(firing(rec))
    truth = np.stack([np.histogram2d(v, np.gradient(v, DT), [voltage_edges, slope_edges])[0] / v.size for v in voltage])
    edges = jnp.asarray(voltage_edges), jnp.asarray(slope_edges)
    found = [soft.phase_density(jnp.asarray(voltage), DT, *edges, sharpness=b) for b in (*SCHEDULE, 1000.0)]
    falls([float(np.sum(np.abs(np.asarray(one) - truth))) / 2.0 for one in found], 2e-3)


def test_windows(rec):
    mean, deviation = soft.windows(rec.voltage[:, INSIDE], 10)
    parts = np.asarray(rec.voltage[:, INSIDE]).reshape(5, 10, 200)
    np.testing.assert_allclose(mean, parts.mean(axis=2))
    np.testing.assert_allclose(deviation, parts.std(axis=2), atol=2e-6)


FEATURES = {
    "count": lambda v: soft.count(v, sharpness=0.3),
    "rate": lambda v: soft.rate(v, DT, sharpness=0.3),
    "latency": lambda v: soft.latency(v, DT, sharpness=0.3),
    "time": lambda v: soft.spike(v, DT, 0, sharpness=0.3).time,
    "threshold": lambda v: soft.spike(v, DT, 0, sharpness=0.3).threshold,
    "amplitude": lambda v: soft.spike(v, DT, 1, sharpness=0.3).amplitude,
    "half_width": lambda v: soft.spike(v, DT, 0, sharpness=0.3).half_width,
    "ahp": lambda v: soft.spike(v, DT, 0, sharpness=0.3).ahp,
    "sag": lambda v: soft.sag(v, DT, sharpness=0.3),
    "mean": lambda v: jnp.sum(soft.windows(v, 7)[0] * jnp.arange(1.0, 8.0)),
    "deviation": lambda v: jnp.sum(soft.windows(v, 7)[1] * jnp.arange(1.0, 8.0)),
    "phase_density": lambda v: jnp.sum(
        soft.phase_density(v, DT, jnp.linspace(-90.0, 50.0, 8), jnp.linspace(-100.0, 400.0, 6), sharpness=0.3)
        * jnp.reshape(jnp.arange(35.0), (7, 5))
    ),
}


LOSSES = ("mean", "deviation", "phase_density")  # of all sweeps at once


@pytest.mark.parametrize("name", FEATURES)
def test_derivatives_agree_with_finite_differences(rec, name):
    voltage, feature = firing(rec)[0], jax.jit(FEATURES[name])
    # A smooth change, as that of a parameter is: later, and taller.
    direction = -jnp.gradient(voltage) + 0.02 * (voltage + 60.0)
    slope = float(jnp.vdot(jax.jit(jax.grad(FEATURES[name]))(voltage), direction))
    _, forward = jax.jit(lambda v, d: jax.jvp(FEATURES[name], (v,), (d,)))(voltage, direction)
    h = 1e-4
    difference = float(feature(voltage + h * direction) - feature(voltage - h * direction)) / (2.0 * h)
    assert np.isfinite(slope)
    assert slope == pytest.approx(float(forward), rel=1e-8, abs=1e-10)
    assert slope == pytest.approx(difference, rel=2e-4, abs=1e-6)


@pytest.mark.slow
def test_the_derivative_goes_through_a_simulation():
    def latency(current: jax.Array) -> jax.Array:
        clamp = ps.CurrentClamp(ps.Step(current[None], 5.0, 15.0), duration=15.0, dt=DT)
        rec = ps.simulate(CELL, clamp, save=("voltage",), solver=ps.Exponential(DT))
        return soft.latency(rec.voltage, DT, sharpness=1.0)[0]

    current, h = jnp.asarray(1500.0), 1.0
    derivative = float(jax.jit(jax.jacfwd(latency))(current))
    difference = float(latency(current + h) - latency(current - h)) / (2.0 * h)
    assert derivative < 0.0
    assert derivative == pytest.approx(difference, rel=0.02)


def test_one_sweep_many_sweeps_and_vmap_agree(rec):
    def everything(voltage: jax.Array) -> jax.Array:
        return jnp.stack([feature(voltage) for name, feature in FEATURES.items() if name not in LOSSES], axis=-1)

    voltage = firing(rec)
    together = jax.jit(everything)(voltage)
    np.testing.assert_allclose(jax.jit(jax.vmap(everything))(voltage), together, rtol=1e-10)
    np.testing.assert_allclose(jax.jit(everything)(voltage[1]), together[1], rtol=1e-10)


@pytest.mark.slow
def test_single_precision(rec):
    def everything(voltage: jax.Array) -> jax.Array:
        each = [feature(voltage) for name, feature in FEATURES.items() if name not in LOSSES]
        return jnp.sum(jnp.stack(each))

    value, gradient = jax.jit(jax.value_and_grad(everything))(firing(rec).astype(jnp.float32))
    assert value.dtype == jnp.float32
    assert np.all(np.isfinite(gradient))


@pytest.mark.slow
def test_a_sweep_without_a_spike_pulls_the_right_way(rec):
    silent = rec.voltage[2, INSIDE]
    assert float(soft.spike(silent, DT, 0).presence) < 1e-6
    gradient = jax.grad(lambda v: soft.count(v, sharpness=0.1))(silent)
    assert float(jnp.sum(gradient)) > 0.0
    assert float(jnp.sum(jax.grad(lambda v: soft.latency(v, DT, sharpness=0.1))(silent))) < 0.0
    assert np.all(np.isfinite(jnp.stack(jax.tree.leaves(soft.spike(silent, DT, 0)))))
