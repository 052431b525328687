"""Trains of pulses: on at their samples, exact on average, the same in both clamps and all solvers."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import patch_sim as ps

CAPACITANCE, CONDUCTANCE, AREA = 1.0, 0.5, 1000.0  # uF/cm2, mS/cm2, um2: a time constant of 2 ms, 0.2 mV/pA
PASSIVE = ps.Neuron({"Leak": ps.channels.Leak(CONDUCTANCE, -70.0)}, area=AREA, capacitance=CAPACITANCE, temperature=6.3)
NUMBERS = jnp.array([100.0, 1.033, 0.51, 3.03])  # amplitude, start, width, interval
SOLVERS = {ps.Adaptive(1e-9, 1e-9): 1e-7, ps.Exponential(0.005): 1e-3}
"""And how exactly each has the derivatives."""


def train(numbers, count=4) -> ps.PulseTrain:
    amplitude, start, width, interval = numbers
    return ps.PulseTrain(amplitude, start, width, interval=interval, count=count)


def command(stimulus, duration, dt) -> np.ndarray:
    return np.asarray(jax.jit(ps.CurrentClamp.command)(ps.CurrentClamp(stimulus, duration=duration, dt=dt)))


@pytest.mark.parametrize("x64", [True, False])
@pytest.mark.parametrize(
    ("start", "width", "interval", "count", "dt"),
    [
        (0.1, 0.3, 0.7, 50, 0.1),
        (0.2, 0.1, 0.3, 60, 0.1),
        (0.3, 0.6, 1.1, 40, 0.1),
        (0.075, 0.025, 0.05, 200, 0.025),
        (0.05, 0.22, 0.37, 30, 0.1),  # between samples
        (0.2, 0.3, 0.3, 5, 0.1),  # one after the other
        (-0.5, 0.3, 0.7, 9, 0.1),
    ],
)
def test_a_pulse_is_on_from_its_first_sample_to_the_one_before_its_end(start, width, interval, count, dt, x64):
    with jax.enable_x64(x64):
        found = command(ps.PulseTrain(7.0, start, width, interval=interval, count=count), start + count * interval, dt)
    begins = start + np.arange(count) * interval
    firsts, ends = (np.ceil(np.round(times / dt, 3)).astype(int) for times in (begins, begins + width))
    expected = np.zeros(found.size)
    for first, end in zip(firsts, ends, strict=True):
        expected[max(first, 0) : max(end, 0)] = 7.0
    np.testing.assert_array_equal(found[0], expected)


def test_a_frequency_is_an_interval():
    by_frequency = ps.PulseTrain([1.0, 2.0], 0.5, 0.2, frequency=[1000.0, 400.0], count=3)
    np.testing.assert_array_equal(by_frequency.interval, [1.0, 2.5])
    np.testing.assert_array_equal(by_frequency.frequency, [1000.0, 400.0])
    together = command(by_frequency, 8.0, 0.1)
    for sweep, (amplitude, interval) in enumerate([(1.0, 1.0), (2.0, 2.5)]):
        one = command(ps.PulseTrain(amplitude, 0.5, 0.2, interval=interval, count=3), 8.0, 0.1)
        np.testing.assert_array_equal(together[sweep], one[0])


def test_mean_is_exact():
    amplitude, start, width, interval = map(float, NUMBERS)
    begins = start + interval * np.arange(4)
    rng = np.random.default_rng(0)
    t0 = np.concatenate([rng.uniform(-1.0, 15.0, 200), begins, begins + width])
    t1 = t0 + rng.choice([0.01, 0.4, 3.0, 20.0], t0.size)
    on = np.maximum(np.minimum(t1, begins[:, None] + width) - np.maximum(t0, begins[:, None]), 0.0).sum(axis=0)
    pulses = train(NUMBERS).sweep(0)
    found = jax.vmap(lambda t0, t1: pulses.mean(t0, t1, jnp.asarray(0.0)))(jnp.asarray(t0), jnp.asarray(t1))
    np.testing.assert_allclose(found, amplitude * on / (t1 - t0), rtol=1e-9, atol=1e-11)


def last_voltage(numbers, solver):
    clamp = ps.CurrentClamp(train(numbers), duration=14.0, dt=0.5)
    return ps.simulate(PASSIVE, clamp, save=("voltage",), solver=solver).voltage[0, -1]


def in_closed_form(numbers):
    """The voltage of the passive cell at the last sample, 13.5 ms."""
    amplitude, start, width, interval = numbers
    tau, ends = CAPACITANCE / CONDUCTANCE, start + width + interval * jnp.arange(4.0)
    decayed = jnp.exp((ends - 13.5) / tau) * -jnp.expm1(-width / tau)
    return -70.0 + amplitude * 100.0 / AREA / CONDUCTANCE * jnp.sum(decayed)


@pytest.mark.parametrize("solver", SOLVERS)
def test_derivatives_by_all_numbers(solver):
    derivative = jax.jit(jax.jacfwd(lambda numbers: last_voltage(numbers, solver)))
    for numbers in (NUMBERS, jnp.array([100.0, 1.0, 0.5, 3.0])):  # the second one's edges are between two steps
        np.testing.assert_allclose(derivative(numbers), jax.grad(in_closed_form)(numbers), rtol=SOLVERS[solver])


def test_an_ensemble_of_intervals():
    members = {"protocol.stimulus.interval": [2.0, 3.03, 3.5]}
    protocol = ps.CurrentClamp(train(NUMBERS), duration=14.0, dt=0.5)
    made = ps.ensemble(PASSIVE, protocol, members, solver=ps.Exponential(0.005))
    for voltage, interval in zip(made.values["voltage"], members["protocol.stimulus.interval"], strict=True):
        assert voltage[0, -1] == pytest.approx(float(in_closed_form(NUMBERS.at[3].set(interval))), abs=1e-4)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ps.PulseTrain(1.0, 0.0, 1.0), r"either the frequency \(Hz\) or the interval \(ms\)"),
        (lambda: ps.PulseTrain(1.0, 0.0, 1.0, 50.0, 3, interval=20.0), "either the frequency"),
        (lambda: ps.PulseTrain(1.0, 0.0, 1.0, 0.0), r"PulseTrain\.frequency must be greater than 0 Hz"),
        (lambda: ps.PulseTrain(1.0, 0.0, 1.0, "often"), r"PulseTrain\.frequency must be a number in Hz, not 'often'"),
        (lambda: ps.PulseTrain(1.0, 0.0, 1.0, interval=0.0), r"PulseTrain\.interval must be greater than 0 ms"),
        (lambda: ps.PulseTrain(1.0, 0.0, -1.0, 50.0), r"PulseTrain\.width must be at least 0 ms"),
        (lambda: ps.PulseTrain(1.0, 0.0, [1.0, 30.0], 50.0), r"pulses of \[ 1\. 30\.\] ms overlap at an interval of"),
        (lambda: ps.PulseTrain("strong", 0.0, 1.0, 50.0), r"PulseTrain\.amplitude must be a number, not 'strong'"),
        (lambda: ps.PulseTrain(1.0, [0.0, 1.0], [1.0, 2.0, 3.0], 50.0), r"families of \[2, 3\] sweeps do not zip"),
        *((lambda n=n: ps.PulseTrain(1.0, 0.0, 1.0, 50.0, n), r"whole number of pulses, at least 1, not") for n in
          (0, -1, True)),
    ],
)  # fmt: skip
def test_what_is_no_train(make, message):
    with pytest.raises(ValueError, match=message):
        make()
