"""The differences between recorded and simulated spikes, each of a size that is known."""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fitting
import patch_sim as ps
from fitting.spikes.interpolation import filtered
from tests.fitting.spikes.pulses import SPIKES, WINDOW, crossing, pulses, recording

EXACT = np.inf
MISSING = 4.0


@pytest.fixture(scope="module")
def term():
    return fitting.Events().bind(recording())


@pytest.fixture(scope="module")
def score(term):
    """What becomes of a model whose spikes are pulses, kind by kind and sweep by sweep."""
    t = jnp.asarray(term.begin + np.arange(round(term.protocol.duration / term.protocol.dt)) * term.protocol.dt)
    compiled = jax.jit(lambda v, targets, most: jax.vmap(lambda v, target: term._score(v, target, most))(v, targets))

    def scored(spikes, most=EXACT, above=0.0):
        v = jnp.stack([pulses(t, centers) for centers in (*spikes, *[()] * (term.sweeps - len(spikes)))]) + above
        v = filtered(v, term.protocol.dt)
        return split(np.asarray(compiled(v, term.targets, most)), term.targets.times.shape[1])

    return scored


def split(residuals, spikes):
    sizes = {"time": spikes, "latency": 1, "interval": spikes - 1, "extra": 1, "height": spikes,
             "waveform": 17 * spikes, "phase": 6 * (spikes + 1), "silent": 60, "after": 6, "count": 1}  # fmt: skip
    ends = np.cumsum(list(sizes.values()))
    assert residuals.shape[1] == ends[-1]
    return {name: residuals[:, end - size : end] for (name, size), end in zip(sizes.items(), ends, strict=True)}


def test_what_is_recorded(term):
    np.testing.assert_array_equal(term.targets.count[:3], [0, 1, 3])
    times = term.targets.times[2] + term.begin
    delay = 0.18  # of the low-pass
    np.testing.assert_allclose(times, [crossing(c) + delay for c in SPIKES[2]], atol=0.02)
    assert np.isinf(term.targets.times[1, 1])
    assert term.begin == pytest.approx(WINDOW[0] - 4.0)
    assert (term.recorded, term.sweeps) == (3, 6)


def test_a_model_that_is_the_data_is_without_a_residual(score):
    for name, residual in score(SPIKES).items():
        np.testing.assert_allclose(residual[:3], 0.0, atol=1e-6, err_msg=name)


def test_a_spike_at_another_time(score):
    late = 0.5
    found = score(((), (15.0,), (14.0, 22.0 + late, 32.0)))
    since = crossing(22.0) + 0.18 - WINDOW[0]
    expected = late / (1.0 + 0.05 * since) / np.sqrt(3)
    np.testing.assert_allclose(found["time"][2], [0.0, expected, 0.0], rtol=0.01, atol=1e-6)
    intervals = np.log([8.5 / 8.0, 9.5 / 10.0]) / 0.2 / np.sqrt(2)
    np.testing.assert_allclose(found["interval"][2], intervals, rtol=0.01)
    np.testing.assert_allclose(found["waveform"][:3], 0.0, atol=0.02)  # aligned on the spike
    np.testing.assert_allclose(found["phase"][:3], 0.0, atol=1.0)  # the first phase lies on the flank of a spike
    assert not found["latency"].any()
    assert not found["count"][:3].any()


def test_the_first_latency_counts_beside_the_times(score):
    found = score(((), (15.5,), SPIKES[2]))
    tolerance = 1.0 + 0.05 * (crossing(15.0) + 0.18 - WINDOW[0])
    assert found["time"][1, 0] == pytest.approx(0.5 / tolerance, rel=0.01)
    assert found["latency"][1, 0] == pytest.approx(0.7 * 0.5 / tolerance, rel=0.01)


def test_a_spike_that_is_missing(score):
    found = score(((), (15.0,), (14.0, 22.0)))
    recorded = crossing(32.0) + 0.18
    tolerance = 1.0 + 0.05 * (recorded - WINDOW[0])
    assert found["time"][2, 2] == pytest.approx((WINDOW[1] + 30.0 - recorded) / tolerance / np.sqrt(3), rel=1e-3)
    assert found["interval"][2, 1] == pytest.approx(MISSING / np.sqrt(2))
    np.testing.assert_allclose(found["waveform"][2, 34:], MISSING / np.sqrt(51), rtol=1e-6)
    assert found["count"][2, 0] == pytest.approx(-1 / 1.5)
    np.testing.assert_allclose(found["time"][2, :2], 0.0, atol=1e-6)


def test_a_spike_too_many(score):
    found = score(((25.0,), (15.0, 30.0), SPIKES[2]))
    early = WINDOW[1] - np.array([crossing(25.0), crossing(30.0)]) - 0.18
    np.testing.assert_allclose(found["extra"][:3, 0], [*early / (1.0 + 0.05 * 30.0), 0.0], rtol=2e-3)
    np.testing.assert_allclose(found["count"][:3, 0], [1 / 1.5, 1 / 1.5, 0.0], rtol=1e-6)
    np.testing.assert_allclose(found["time"][:3], 0.0, atol=1e-6)


def test_spikes_outside_the_window_are_none(score):
    found = score(((5.0, 50.0), (15.0, 50.0), SPIKES[2]))
    assert not found["count"][:3].any()
    assert not found["extra"][:3].any()


def test_sweeps_without_a_spike_are_compared_along_the_window(score):
    found = score(SPIKES, above=2.0)
    assert np.sum(found["silent"][0] ** 2) == pytest.approx((1.5 * 2.0 / 1.0) ** 2)
    assert not found["silent"][1:3].any()
    assert not found["phase"][0].any()
    for row in range(3):
        assert np.sum(found["after"][row] ** 2) == pytest.approx((2.0 / 2.0) ** 2)
    assert np.sqrt(np.mean(found["phase"][2] ** 2) * 24) == pytest.approx(1.0, rel=0.2)  # crossings move a little, too


@pytest.mark.parametrize("most", [3.0, 8.0])
def test_what_is_far_off_counts_no_more_than_a_limit(score, most):
    limited, free = (score(((25.0,), (), (14.5,)), limit) for limit in (most, EXACT))
    root = {"time": np.sqrt([1, 1, 3]), "extra": np.ones(3)}
    for name, of_sweep in root.items():
        r = free[name][:3] * of_sweep[:, None]
        assert np.max(np.abs(r)) > 5.0  # far off
        np.testing.assert_allclose(limited[name][:3] * of_sweep[:, None], r / np.sqrt(1 + (r / most) ** 2), rtol=1e-6)


def test_sweeps_that_nobody_recorded_know_their_count_alone(term, score):
    # halfway between 0 and 1, and 1 and 3 spikes; and 12 % beyond 100 pA, of the last and the line from 50 pA
    np.testing.assert_allclose(term.targets.expected[3:], [0.5, 2.0, 3.0 + 1.0 * 0.12 * 100 / 50])
    np.testing.assert_allclose(term.targets.latitude, [0, 0, 0, 1, 1, 1])
    commands = np.asarray(term.protocol.stimulus.values).max(axis=1)
    np.testing.assert_allclose(commands, [0, 50, 100, 25, 75, 112])
    found = score((*SPIKES, (12.0, 20.0, 30.0), (), (15.0, 20.0, 25.0)))
    assert not any(residual[3:].any() for name, residual in found.items() if name != "count")
    np.testing.assert_allclose(found["count"][3:, 0], np.array([1.5, -1.0, 0.0]) / 1.5, atol=1e-9)


def test_beyond_a_jump_a_count_may_be_far_from_the_mean():
    """2 and 10 spikes at 90 and 100 pA: 3 to 9 between them, and up to the line, less one, at 112 pA."""
    t = np.asarray(recording().time)
    command = jnp.asarray(np.where((t >= WINDOW[0]) & (t < WINDOW[1]), [[0.0], [90.0], [100.0]], 0.0))
    many = tuple(11.0 + 2.4 * np.arange(20))
    term = fitting.Events(window=(10.0, 57.0)).bind(recording(((), many[:2], many[:10]), command=command))
    line = 10.0 + 8.0 * 0.12 * 100.0 / 10.0
    np.testing.assert_allclose(term.targets.expected[3:], [1.0, 6.0, (10.0 + line) / 2.0])
    np.testing.assert_allclose(term.targets.latitude[3:], [1.0, 3.0, (line - 10.0) / 2.0 - 1.0])

    model = jnp.asarray(term.begin + np.arange(round(term.protocol.duration / term.protocol.dt)) * term.protocol.dt)
    beyond = jax.tree.map(lambda x: x[5], term.targets)
    for count, off in ((11, 0.0), (18, 0.0), (20, 20.0 - (line - 1.0)), (9, 9.0 - 11.0)):
        residuals = term._score(filtered(pulses(model, many[:count])[None], term.protocol.dt)[0], beyond, EXACT)
        assert float(residuals[-1]) == pytest.approx(off / 1.5, abs=1e-9)


def test_silent_families_have_no_others(score):
    quiet = fitting.Events().bind(recording(((), (), ())))
    assert quiet.sweeps == quiet.recorded == 3


def test_the_window_is_where_the_command_changes():
    assert fitting.Events().bind(recording()).window == pytest.approx((4.0, 34.0))
    rec = recording()
    flat = eqx.tree_at(lambda r: r.command, rec, jnp.full_like(rec.command, 50.0))
    whole = fitting.Events().bind(flat)
    assert (whole.begin, *whole.window) == pytest.approx((0.0, 0.0, 60.0))


def test_another_sampling_rate():
    coarse = fitting.Events().bind(recording(dt=0.25))
    fine = fitting.Events().bind(recording())
    np.testing.assert_array_equal(coarse.targets.count, fine.targets.count)
    np.testing.assert_allclose(coarse.targets.times[2], fine.targets.times[2], atol=0.03)
    assert coarse.protocol.dt == pytest.approx(0.05)


def test_the_model_is_let_go_from_where_it_was_recorded():
    """A gate too slow to reach its steady state is where the recorded voltage brought it."""
    slow = ps.Channel({"s": ps.SymmetricGate(midpoint=-60.0, slope=-9.0, peak=300.0)}, g_max=0.0, reversal=60.0)
    cell = ps.Neuron({"Leak": ps.channels.Leak(0.05, -65.0), "Slow": slow}, area=10_000.0, temperature=34.0)
    term = fitting.Events().bind(recording())
    held = ps.simulate(cell, term.prelude, save=("voltage",)).final_state
    steady = cell.channels["Slow"].gates["s"].steady_state(jnp.asarray(-65.0))
    np.testing.assert_allclose(held.gates["Slow"]["s"], steady, rtol=1e-5)
    assert np.max(np.abs(term.simulate(cell, ps.Electrode(), ps.Exponential(0.05))[0] + 65.0)) < 1e-6


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"mode": ps.Mode.VOLTAGE_CLAMP, "current": jnp.zeros((3, 1200))}, "events are those of a current clamp"),
        ({"command": None}, "the recording holds no command"),
        ({"measured_voltage": recording().measured_voltage.at[1, 300].set(jnp.nan)}, "NaN or infinite"),
    ],
)
def test_recordings_that_cannot_be_compared(changes, message):
    with pytest.raises(ValueError, match=message):
        fitting.Events().bind(recording(**changes))


def test_nan_outside_of_what_is_scored_does_not_matter():
    rec = recording()
    late = eqx.tree_at(lambda r: r.measured_voltage, rec, rec.measured_voltage.at[:, -1].set(jnp.nan))
    bound = fitting.Events(window=(10.0, 25.0)).bind(late)
    assert all(np.all(np.isfinite(x)) for x in (bound.targets.after, bound.targets.phases))


@pytest.mark.parametrize("window", [(50.0, 80.0), (-5.0, 20.0)])
def test_windows_that_are_not_within_the_recording(window):
    with pytest.raises(ValueError, match=r"is not within the 60 ms of a sweep"):
        fitting.Events(window=window).bind(recording())


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"window": (20.0, 20.0)}, r"Events\.window must be \(start, end\) in ms"),
        ({"window": (30.0, 20.0)}, r"Events\.window must be \(start, end\) in ms"),
        ({"time": 0.0}, r"Events\.time must be a positive number"),
        ({"count": -1.5}, r"Events\.count must be a positive number"),
    ],
)
def test_impossible_tolerances(settings, message):
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(fitting.Events(), **settings)
