"""Waveforms, as a protocol commands them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import patch_sim as ps

SAMPLES = 200


def command(stimulus, dt: float = 0.1, samples: int = 50, holding=0.0) -> np.ndarray:
    return np.asarray(ps.CurrentClamp(stimulus, duration=samples * dt, dt=dt, holding=holding).command())


def at(stimulus, times, holding=0.0) -> np.ndarray:
    clamp = ps.CurrentClamp(stimulus, duration=100.0, dt=1.0, holding=holding)
    return np.asarray(clamp.command(jnp.asarray(times, dtype=float)))


def decimal(samples: int, dt: float) -> float:
    """The time of a sample as a user types it: 0.3, where 3 * 0.1 is 0.30000000000000004."""
    return round(samples * dt, 6)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from([0.1, 0.025, 0.05, 0.01, 0.2, 1.0]), st.integers(0, 120), st.integers(0, 79))
def test_a_step_is_on_from_its_first_sample_to_the_one_before_its_end(dt, first, count):
    step = ps.Step(7.0, start=decimal(first, dt), duration=decimal(count, dt))
    on = np.flatnonzero(command(step, dt, SAMPLES)[0])
    np.testing.assert_array_equal(on, np.arange(first, first + count))


@pytest.mark.parametrize(("start", "duration"), [(0.3, 0.4), (0.7, 0.1), (0.3, 0.3), (1.1, 2.2), (2.3, 0.6)])
def test_a_step_in_single_precision(start, duration):
    with jax.enable_x64(False):
        on = np.flatnonzero(command(ps.Step(7.0, start, duration))[0])
    np.testing.assert_array_equal(on, np.arange(round(start * 10), round((start + duration) * 10)))


def test_a_step_between_samples_and_outside_the_sweep():
    assert np.flatnonzero(command(ps.Step(1.0, 0.25, 0.2))[0]).tolist() == [3, 4]
    assert np.flatnonzero(command(ps.Step(1.0, -1.0, 1.3))[0]).tolist() == [0, 1, 2]
    assert np.all(command(ps.Step(1.0, 4.0, 100.0))[0, 40:] == 1.0)
    assert not command(ps.Step(1.0, 60.0, 1.0)).any()


def test_a_family_is_its_single_sweeps():
    amplitudes, starts = [1.0, 2.0, 3.0], [0.5, 1.0, 1.5]
    together = command(ps.Step(amplitudes, starts, 1.0), holding=[0.1, 0.2, 0.3])
    for k in range(3):
        one = command(ps.Step(amplitudes[k], starts[k], 1.0), holding=0.1 * (k + 1))
        np.testing.assert_allclose(together[k], one[0], rtol=1e-15)
    assert ps.Step(amplitudes, starts, 1.0).sweeps == 3
    assert ps.Step(1.0, 1.0, 1.0).sweeps == 1


def test_a_family_may_be_a_list_an_array_or_whole_numbers():
    expected = command(ps.Step([1.0, 2.0], 1.0, 1.0))
    for amplitude in ((1, 2), np.array([1, 2]), jnp.array([1.0, 2.0]), np.array([1, 2], np.float32)):
        np.testing.assert_array_equal(command(ps.Step(amplitude, 1, 1)), expected)


def test_one_sweep_of_a_family():
    second = ps.Step([1.0, 2.0], 1.0, [0.5, 1.0]).sweep(1)
    time, holding = jnp.array([0.5, 1.0, 1.5, 2.0]), jnp.asarray(0.0)
    np.testing.assert_array_equal(second.at(time, holding), [0.0, 2.0, 2.0, 0.0])
    np.testing.assert_array_equal(second.edges(None), [1.0, 2.0])


def test_sums_add_and_broadcast():
    first, second, third = ps.Step([1.0, 2.0], 0.5, 1.0), ps.Step(10.0, 1.0, 1.0), ps.Step([5.0, 6.0], 0.0, 3.0)
    both = first + second + third
    assert both.sweeps == 2
    expected = command(first) + command(second) + command(third)
    np.testing.assert_array_equal(command(both), expected)
    np.testing.assert_array_equal(command(first + (second + third)), expected)
    assert sorted(both.sweep(0).edges(None).tolist()) == [0.0, 0.5, 1.0, 1.5, 2.0, 3.0]


def test_only_stimuli_add():
    with pytest.raises(TypeError):
        ps.Step(1.0, 0.0, 1.0) + 1.0


def test_levels_are_absolute_and_then_holding():
    levels = ps.Levels([(-80.0, 1.0), (20.0, 0.3), (-40.0, 0.4)])
    found = command(levels, samples=25, holding=-65.0)[0]
    np.testing.assert_array_equal(found, [-80.0] * 10 + [20.0] * 3 + [-40.0] * 4 + [-65.0] * 8)


def test_levels_in_families():
    levels = ps.Levels([(-80.0, 1.0), ([0.0, 20.0], 1.0), (-40.0, [0.5, 1.0])])
    found = command(levels, dt=0.5, samples=7, holding=-65.0)
    np.testing.assert_array_equal(found[0], [-80, -80, 0, 0, -40, -65, -65])
    np.testing.assert_array_equal(found[1], [-80, -80, 20, 20, -40, -40, -65])


def test_levels_reached_by_ramps():
    levels = ps.Levels([(-80.0, 1.0), (-40.0, 0.4), (20.0, 0.3), (-100.0, 0.5)], ramps=[0, 1, 3])
    assert not levels.piecewise_constant
    found = command(levels, samples=25, holding=-60.0)[0]
    first, second, fourth = -60.0 - 2.0 * np.arange(10), -80.0 + 10.0 * np.arange(4), 20.0 - 24.0 * np.arange(5)
    expected = np.concatenate([first, second, [20.0] * 3, fourth, [-60.0] * 3])
    np.testing.assert_allclose(found, expected, atol=1e-12)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 9), min_size=3, max_size=3), st.sampled_from([0.1, 0.025, 0.3]))
def test_a_ramp_between_levels_has_no_stray_sample(counts, dt):
    levels = ps.Levels([(level, decimal(n, dt)) for level, n in zip([5.0, 5.0, -5.0], counts, strict=True)], ramps=[1])
    expected = np.zeros(30)
    expected[: sum(counts[:2])] = 5.0
    expected[sum(counts[:2]) : sum(counts)] = -5.0
    np.testing.assert_allclose(command(levels, dt, 30)[0], expected, atol=1e-12)


def test_mean_of_ramps_is_exact():
    levels = ps.Levels([(-80.0, 1.0), (-40.0, 0.4), (20.0, 0.3), (-100.0, 0.5)], ramps=[0, 1, 3]).sweep(0)
    holding, times = jnp.asarray(-60.0), jnp.linspace(0.0, 2.5, 100_001)
    values = np.asarray(levels.at(0.5 * (times[1:] + times[:-1]), holding))
    for t0, t1 in [(0.2, 0.21), (0.9, 1.2), (1.3, 1.5), (0.0, 2.5), (2.19, 2.4)]:
        inside = (times[1:] > t0 + 1e-9) & (times[:-1] < t1 - 1e-9)
        assert float(levels.mean(jnp.asarray(t0), jnp.asarray(t1), holding)) == pytest.approx(values[inside].mean())


def test_samples_are_held_until_the_next():
    samples = ps.Samples([1.0, 5.0, -2.0], dt=0.5)
    times = [0.0, 0.25, 0.4999, 0.5, 0.9999, 1.0, 1.4999, 1.5, 99.0]
    np.testing.assert_array_equal(at(samples, times)[0], [1, 1, 1, 5, 5, -2, -2, 0, 0])


@settings(max_examples=20, deadline=None)
@given(st.sampled_from([0.1, 0.025, 0.3, 0.7, 1 / 3]))
def test_samples_play_back_at_their_own_rate(dt):
    values = np.arange(1.0, SAMPLES + 1)
    np.testing.assert_array_equal(command(ps.Samples(values, dt), dt, SAMPLES)[0], values)


def test_samples_in_families_and_sums():
    values = np.arange(12.0).reshape(2, 6)
    np.testing.assert_array_equal(command(ps.Samples(values, 0.1), samples=6), values)
    both = ps.Samples(values, 0.1) + ps.Step([100.0, 200.0], 0.2, 0.2)
    expected = values + np.array([[0, 0, 100, 100, 0, 0], [0, 0, 200, 200, 0, 0]])
    np.testing.assert_array_equal(command(both, samples=6), expected)


def test_samples_in_straight_lines():
    samples = ps.Samples([1.0, 5.0, -2.0], dt=0.5, linear=True)
    assert not samples.piecewise_constant
    times = [0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.4999, 1.5, 99.0]
    np.testing.assert_allclose(at(samples, times)[0], [1, 3, 5, 1.5, -2, -2, -2, 0, 0])
    np.testing.assert_array_equal(samples.sweep(0).edges(None), [1.5])
    values = np.arange(1.0, SAMPLES + 1)
    np.testing.assert_allclose(command(ps.Samples(values, 0.3, linear=True), 0.3, SAMPLES)[0], values, rtol=1e-12)


@pytest.mark.parametrize("kind", [list, np.array, jnp.array])
def test_edges_of_samples_are_their_changes(kind):
    values = [[0.0, 0.0, 1.0, 1.0, 1.0, 0.0], [0.0, 0.0, 1.0, 2.0, 2.0, 0.0]]
    one = ps.Samples(kind(values[0]), 0.5).sweep(0)
    np.testing.assert_allclose(one.edges(None), [1.0, 2.5, 3.0])
    family = ps.Samples(kind(values), 0.5).sweep(0)
    np.testing.assert_allclose(family.edges(None), [1.0, 1.5, 2.5, 3.0])
    assert one.edges(0.5).size == 0  # all on the grid of the samples
    assert one.edges(0.25).size == 3


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ps.Step(["one", "two"], 1.0, 1.0), r"Step\.amplitude must be a number, not \['one', 'two'\]"),
        (lambda: ps.Step("strong", 1.0, 1.0), r"Step\.amplitude must be a number, not 'strong'"),
        (lambda: ps.Step(1.0, "soon", 1.0), r"Step\.start must be a number in ms, not 'soon'"),
        (lambda: ps.Step(float("nan"), 1.0, 1.0), r"Step\.amplitude must be finite"),
        (lambda: ps.Step([1.0, float("inf")], 1.0, 1.0), r"Step\.amplitude must be finite"),
        (lambda: ps.Step(1.0, 1.0, -3.0), r"Step\.duration must be at least 0 ms, not \[-3\.\]"),
        (lambda: ps.Step([1.0, 2.0], [1.0, 2.0, 3.0], 1.0), r"Step: families of \[2, 3\] sweeps do not zip"),
        (lambda: ps.Step([1.0, 2.0], 1.0, 1.0) + ps.Step([1.0, 2.0, 3.0], 1.0, 1.0), r"families of \[2, 3\] sweeps"),
        (lambda: ps.Levels([]), r"levels must be a list of \(level, length\) pairs, not \[\]"),
        (lambda: ps.Levels([("high", 1.0)]), r"Levels\.levels must be a number, not \['high'\]"),
        (lambda: ps.Levels([(1.0, -1.0)]), r"Levels\.lengths must be at least 0 ms"),
        (lambda: ps.Levels([([1.0, 2.0], 1.0), ([1.0, 2.0, 3.0], 1.0)]), r"families of \[2, 3\] sweeps do not zip"),
        (lambda: ps.Levels([(1.0, 1.0)], ramps=[1]), r"Levels\.ramps must name some of the levels 0 to 0, not \[1\]"),
        (lambda: ps.Samples([0.0, float("nan")], 0.1), r"Samples\.values must be finite"),
        (lambda: ps.Samples(["one", "two"], 0.1), r"Samples\.values must be a number"),
        (lambda: ps.Samples([0.0, 1.0], 0.0), r"Samples\.dt must be a positive time in ms, not 0\.0"),
        (lambda: ps.Samples([0.0, 1.0], float("nan")), r"Samples\.dt must be a positive time in ms, not nan"),
        (lambda: ps.Sine(1.0, -50.0, 0.0, 1.0), r"Sine\.frequency must be at least 0 Hz"),
        (lambda: ps.Ramp(1.0, 0.0, 0.0), r"Ramp\.duration must be greater than 0 ms"),
        (lambda: ps.Chirp(1.0, "low", 5.0, 0.0, 1.0), r"Chirp\.first_frequency must be a number in Hz, not 'low'"),
        (lambda: ps.Chirp(1.0, 5.0, 5.0, 0.0, 1.0, exponential=True), "needs two different frequencies"),
    ],
)
def test_what_is_no_waveform(make, message):
    with pytest.raises(ValueError, match=message):
        make()


T = np.arange(50) * 0.1


def test_ramp():
    found = command(ps.Ramp(8.0, start=1.0, duration=2.0, offset=3.0))[0]
    on = (np.arange(50) >= 10) & (np.arange(50) < 30)
    np.testing.assert_allclose(found, np.where(on, 3.0 + 8.0 * (T - 1.0) / 2.0, 0.0), atol=1e-12)


def test_sine():
    found = command(ps.Sine(8.0, frequency=400.0, start=1.0, duration=2.0, offset=3.0, phase=0.5))[0]
    on = (np.arange(50) >= 10) & (np.arange(50) < 30)
    expected = 3.0 + 8.0 * np.sin(2 * np.pi * 0.4 * (T - 1.0) + 0.5)  # 400 Hz are 0.4 turns in a ms
    np.testing.assert_allclose(found, np.where(on, expected, 0.0), atol=1e-12)


@pytest.mark.parametrize("exponential", [False, True])
def test_chirp_sweeps_from_its_first_frequency_to_its_last(exponential):
    first, last, duration = 20.0, 200.0, 80.0
    chirp = ps.Chirp(1.0, first, last, start=0.0, duration=duration, exponential=exponential).sweep(0)
    t = jnp.array([0.0, 20.0, 40.0, 60.0, 79.9])
    # the phase's slope over the voltage's own: d sin(2 pi turns) = 2 pi f cos(2 pi turns)
    slope = jax.vmap(jax.grad(lambda t: chirp.at(t, jnp.asarray(0.0))))(t)
    fraction = np.asarray(t) / duration
    f = first * (last / first) ** fraction if exponential else first + (last - first) * fraction
    size = 2 * np.pi * 1e-3 * f * np.sqrt(np.maximum(1.0 - np.asarray(chirp.at(t, jnp.asarray(0.0))) ** 2, 0.0))
    np.testing.assert_allclose(np.abs(slope), size, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize(
    "wave",
    [
        lambda start, duration: ps.Ramp(0.0, start, duration, offset=5.0),
        lambda start, duration: ps.Sine(0.0, 100.0, start, duration, offset=5.0),
        lambda start, duration: ps.Chirp(0.0, 10.0, 100.0, start, duration, offset=5.0),
    ],
)
def test_waves_end_at_their_own_sample(wave):
    for first, count in [(2, 5), (3, 4), (3, 6), (7, 1), (11, 22)]:
        on = np.flatnonzero(command(wave(decimal(first, 0.1), decimal(count, 0.1)))[0])
        np.testing.assert_array_equal(on, np.arange(first, first + count))


def test_gradient_far_behind_a_chirp():
    def total(amplitude):
        chirp = ps.Chirp(amplitude, 1.0, 100.0, start=0.0, duration=1.0, exponential=True)
        return jnp.sum(ps.CurrentClamp(chirp, duration=1000.0, dt=0.5).command())

    assert np.isfinite(jax.grad(total)(1.0))


@pytest.mark.parametrize("amplitude", [[], [[1.0, 2.0], [3.0, 4.0]], None])
def test_amplitudes_that_are_no_family(amplitude):
    with pytest.raises(ValueError, match=r"Step"):
        ps.Step(amplitude, 1.0, 1.0)
