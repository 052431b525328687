"""Noise: its statistics over many seeds, the same waveform whoever asks, and what a cell makes of it."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import patch_sim as ps

SEEDS, SAMPLES, INTERVAL = 2000, 400, 0.1
LENGTH = SAMPLES * INTERVAL  # ms
TAU = 4.0  # ms
# 0.2 mV/pA, a time constant of 2 ms
PASSIVE = ps.Neuron({"Leak": ps.channels.Leak(0.5, -70.0)}, area=1000.0, temperature=6.3)
RESISTANCE, TAU_MEMBRANE = 0.2, 2.0


def play(noise, duration=LENGTH, dt=INTERVAL) -> np.ndarray:
    return np.asarray(jax.jit(ps.CurrentClamp.command)(ps.CurrentClamp(noise, duration=duration, dt=dt)))


@pytest.fixture(scope="module")
def ou() -> np.ndarray:
    return play(ps.Noise(3.0, 0.0, LENGTH, mean=5.0, time_constant=TAU, seed=range(SEEDS)))


@pytest.fixture(scope="module")
def band() -> np.ndarray:
    return play(ps.Noise(3.0, 0.0, LENGTH, low=500.0, high=2000.0, seed=np.arange(SEEDS)))


def test_mean_and_deviation_at_every_time(ou, band):
    for values, mean in ((ou, 5.0), (band, 0.0)):
        standard_error = 3.0 / np.sqrt(SEEDS)
        assert np.all(np.abs(values.mean(axis=0) - mean) < 5.0 * standard_error)
        assert np.all(np.abs(values.std(axis=0) / 3.0 - 1.0) < 5.0 / np.sqrt(2 * SEEDS))
        kurtosis = np.mean(((values - mean) / 3.0) ** 4)
        assert kurtosis == pytest.approx(3.0, abs=0.15)  # of a Gaussian


@pytest.mark.parametrize("lag", [1, 10, 40, 120])
def test_correlation_of_an_ornstein_uhlenbeck_process(ou, lag):
    x = (ou - 5.0) / 3.0
    pairs = np.mean(x[:, :-lag] * x[:, lag:], axis=1)
    standard_error = pairs.std() / np.sqrt(SEEDS)
    assert np.mean(pairs) == pytest.approx(np.exp(-lag * INTERVAL / TAU), abs=4.0 * standard_error)


def test_spectrum_of_band_limited_noise(band):
    power = np.mean(np.abs(np.fft.rfft(band, axis=1)) ** 2, axis=0)
    frequencies = np.fft.rfftfreq(SAMPLES, 1e-3 * INTERVAL)
    inside = (frequencies >= 500.0) & (frequencies <= 2000.0)
    assert np.all(power[~inside] < 1e-20 * power[inside].mean())
    flat = power[inside] / power[inside].mean()
    assert np.all(np.abs(flat - 1.0) < 5.0 / np.sqrt(SEEDS))


def test_between_the_samples_they_are_held():
    noise = ps.Noise(3.0, 1.05, 5.0, mean=1.0, time_constant=TAU)
    fine = play(noise, duration=8.0, dt=0.025)[0]
    coarse = fine[43:242:4]
    np.testing.assert_array_equal(fine[:42], 0.0)
    np.testing.assert_array_equal(fine[42 : 42 + 200], np.repeat(coarse, 4))
    np.testing.assert_array_equal(fine[242:], 0.0)


def test_what_holding_does_to_the_spectrum():
    noise = ps.Noise(1.0, 0.0, LENGTH, high=4900.0)
    fine = np.abs(np.fft.rfft(play(noise, dt=INTERVAL / 64)[0])) ** 2 / 64**2
    coarse = np.abs(np.fft.rfft(play(noise)[0])) ** 2
    cycles = np.arange(SAMPLES // 2 + 1) / SAMPLES  # frequency times the grid's interval
    # the finer it is sampled, the nearer to sinc^2, which np.sinc is the root of
    np.testing.assert_allclose(fine[: cycles.size], coarse * np.sinc(cycles) ** 2, rtol=3e-4, atol=1e-16 * coarse.max())
    assert 10 * np.log10(np.sinc([0.1, 0.5]) ** 2) == pytest.approx([-0.14, -3.9], abs=0.03)


def test_a_seed_stands_for_one_waveform():
    noise = play(ps.Noise([1.0, 2.0], 0.0, LENGTH, time_constant=TAU, seed=7))
    np.testing.assert_allclose(noise[1], 2.0 * noise[0])
    for seed in (np.int64(7), jnp.asarray(7), jax.random.key(7), jax.random.PRNGKey(7), [7]):
        np.testing.assert_array_equal(play(ps.Noise(1.0, 0.0, LENGTH, time_constant=TAU, seed=seed)), noise[:1])
    family = play(ps.Noise(1.0, 0.0, LENGTH, time_constant=TAU, seed=[3, 7]))
    np.testing.assert_array_equal(family[1], noise[0])
    assert np.abs(family[0] - noise[0]).max() > 1.0
    with jax.enable_x64(False):
        single = play(ps.Noise(1.0, 0.0, LENGTH, time_constant=TAU, seed=7))
        band = play(ps.Noise(1.0, 0.0, LENGTH, low=500.0, high=2000.0, seed=7))
    np.testing.assert_allclose(single, noise[:1], atol=1e-5)
    np.testing.assert_allclose(band, play(ps.Noise(1.0, 0.0, LENGTH, low=500.0, high=2000.0, seed=7)), atol=1e-5)


def test_longer_noise_with_a_time_constant_goes_on_as_the_shorter():
    short, long = (play(ps.Noise(1.0, 0.0, length, time_constant=TAU), length)[0] for length in (LENGTH, LENGTH + 5.0))
    np.testing.assert_array_equal(long[:SAMPLES], short)


def test_mean_is_exact():
    noise = ps.Noise(3.0, 1.05, 5.03, mean=1.0, time_constant=TAU, interval=0.2).sweep(0)
    knots = np.append(1.05 + 0.2 * np.arange(26), 6.08)
    levels = np.asarray(noise.at(jnp.asarray(knots[:-1] + 1e-6), jnp.asarray(0.0)))
    rng = np.random.default_rng(0)
    t0 = np.append(rng.uniform(0.0, 7.0, 200), knots)
    t1 = t0 + rng.choice([0.01, 0.4, 3.0, 20.0], t0.size)
    shares = np.maximum(np.minimum(t1, knots[1:, None]) - np.maximum(t0, knots[:-1, None]), 0.0)
    found = jax.vmap(lambda t0, t1: noise.mean(t0, t1, jnp.asarray(0.0)))(jnp.asarray(t0), jnp.asarray(t1))
    np.testing.assert_allclose(found, levels @ shares / (t1 - t0), rtol=1e-9, atol=1e-10)


def test_what_a_passive_cell_makes_of_it():
    # The variance of filtered Ornstein-Uhlenbeck noise is that of the noise times tau / (tau + tau of the filter).
    noise = ps.Noise(50.0, 0.0, 300.0, mean=20.0, time_constant=TAU, seed=range(100), interval=0.05)
    clamp = ps.CurrentClamp(noise, duration=300.0, dt=0.5)
    voltage = np.asarray(ps.simulate(PASSIVE, clamp, save=("voltage",), solver=ps.Exponential(0.05)).voltage)[:, 60:]
    assert voltage.mean() == pytest.approx(-70.0 + 20.0 * RESISTANCE, abs=0.2)
    assert voltage.std() == pytest.approx(50.0 * RESISTANCE * np.sqrt(TAU / (TAU + TAU_MEMBRANE)), rel=0.02)


NUMBERS = jnp.array([50.0, 20.0, 1.0337])  # deviation, mean, start


def last_voltage(numbers, solver):
    sd, mean, start = numbers
    noise = ps.Noise(sd, start, 30.0, mean=mean, time_constant=TAU, seed=1)
    clamp = ps.CurrentClamp(noise, duration=20.0, dt=0.5)
    return ps.simulate(PASSIVE, clamp, save=("voltage",), solver=solver).voltage[0, -1]


def test_derivatives_and_solvers_agree():
    adaptive, exponential = (
        jax.jit(lambda x, solver=solver: (last_voltage(x, solver), jax.jacfwd(last_voltage)(x, solver)))
        for solver in (ps.Adaptive(1e-9, 1e-9), ps.Exponential(0.005))
    )
    value, slope = adaptive(NUMBERS)
    for found, expected in zip(exponential(NUMBERS), (value, slope), strict=True):
        np.testing.assert_allclose(found, expected, rtol=2e-3)
    for k, change in enumerate(1e-3 * jnp.eye(3)):
        difference = (adaptive(NUMBERS + change)[0] - adaptive(NUMBERS - change)[0]) / 2e-3
        assert float(slope[k]) == pytest.approx(float(difference), rel=1e-4)


def test_it_can_be_made_and_differentiated_within_jit():
    @jax.jit
    def power(tau, key):
        noise = ps.Noise(1.0, 0.0, LENGTH, time_constant=tau, seed=key)
        return jnp.mean(ps.CurrentClamp(noise, duration=LENGTH, dt=INTERVAL).command() ** 2)

    key = jax.random.key(5)
    difference = (power(TAU + 1e-4, key) - power(TAU - 1e-4, key)) / 2e-4
    assert float(jax.grad(power)(TAU, key)) == pytest.approx(float(difference), rel=1e-5)
    assert jax.vmap(power, (None, 0))(TAU, jax.random.split(key, 3)).shape == (3,)


def test_with_pulses_in_voltage_clamp():
    both = ps.Noise(5.0, 0.0, 8.0, high=4000.0) + ps.PulseTrain(60.0, 1.0, 2.0, interval=4.0, count=2)
    samples = ps.Samples(play(both, 9.0), INTERVAL)
    cell = ps.presets.neuron("squid_axon")
    found, expected = (
        ps.simulate(cell, ps.VoltageClamp(x, duration=9.0, dt=INTERVAL), save=("current",)).current
        for x in (both, samples)
    )
    np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_an_ensemble_of_deviations():
    noise = ps.Noise(1.0, 0.0, 20.0, time_constant=TAU)
    clamp = ps.CurrentClamp(noise, duration=20.0, dt=0.5)
    made = ps.ensemble(PASSIVE, clamp, {"protocol.stimulus.sd": [0.0, 10.0, 20.0]}, solver=ps.Exponential(0.1))
    still, once, twice = made.values["voltage"][:, 0] + 70.0
    np.testing.assert_allclose(still, 0.0, atol=1e-9)
    np.testing.assert_allclose(twice, 2.0 * once, atol=1e-9)
    assert once.std() > 0.1


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ps.Noise(1.0, 0.0, 10.0), r"either a time_constant \(ms\) or the corners"),
        (lambda: ps.Noise(1.0, 0.0, 10.0, time_constant=1.0, high=100.0), "either a time_constant"),
        (lambda: ps.Noise(1.0, 0.0, 10.0, low=100.0), "either a time_constant"),
        (lambda: ps.Noise(1.0, 0.0, 10.0, time_constant=1.0, low=100.0), "either a time_constant"),
        (lambda: ps.Noise(1.0, 0.0, 10.0, time_constant=0.05), r"Noise\.time_constant must be at least 0\.1 ms"),
        (lambda: ps.Noise(1.0, 0.0, 10.0, time_constant="slow"), r"Noise\.time_constant must be a number in ms"),
        (lambda: ps.Noise(1.0, 0.0, 10.0, low=-1.0, high=100.0), r"Noise\.low must be at least 0 Hz"),
        (lambda: ps.Noise(1.0, 0.0, 10.0, high=6000.0), r"Noise\.high \(6000 Hz\) is more than .* 5000 Hz; make the"),
        (lambda: ps.Noise(1.0, 0.0, 10.0, low=110.0, high=190.0), "no sinusoid of whole periods in 10 ms lies between"),
        (lambda: ps.Noise(1.0, 0.0, 10.0, low=300.0, high=200.0), "no sinusoid of whole periods"),
        (lambda: ps.Noise(-1.0, 0.0, 10.0, time_constant=1.0), r"Noise\.sd must be at least 0"),
        (lambda: ps.Noise(1.0, 0.0, 0.0, time_constant=1.0), r"Noise\.duration must be a positive time in ms"),
        (lambda: ps.Noise(1.0, 0.0, 10.0, time_constant=1.0, interval=-1.0), r"Noise\.interval must be a positive"),
        (lambda: ps.Noise([1.0, 2.0], 0.0, 9.0, time_constant=1.0, seed=[1, 2, 3]), r"families of \[2, 3\] sweeps"),
        (lambda: ps.Noise(1.0, 0.0, 9.0, time_constant=[1.0, 2.0], seed=[1, 2, 3]), r"families of \[2, 3\] sweeps"),
        *((lambda seed=seed: ps.Noise(1.0, 0.0, 9.0, time_constant=1.0, seed=seed), r"Noise\.seed must be a whole") for
          seed in (-1, 1.5, "dice", None, [], True, [[1], [2]], 2**32)),
    ],
)  # fmt: skip
def test_what_is_no_noise(make, message):
    with pytest.raises(ValueError, match=message):
        make()
