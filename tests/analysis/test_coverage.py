"""100 draws of noise, 1 mV and 5 pA: no bias, and stated errors that cover the truth as often as they claim."""

from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats

import patch_sim as ps
from tests.analysis import test_curves as curves, test_impedance as resonance, test_membrane as membrane
from tests.analysis.noise import noisy

DRAWS = 100


def drawn(measure: Callable[[int], ps.analysis.Value], truth: float, name: str) -> tuple[float, float]:
    """Bias of a measurement over the draws, and how often its error covers the truth, which should be 68 %."""
    values = [measure(seed) for seed in range(DRAWS)]
    numbers, errors = (np.array([getattr(v, part) for v in values]) for part in ("value", "error"))
    assert np.all(np.isfinite(numbers)), [v.reason for v in values if v.reason]
    bias, covered = float(np.mean(numbers) - truth), float(np.mean(np.abs(numbers - truth) < errors))
    twice = float(np.mean(np.abs(numbers - truth) < 2.0 * errors))
    spread = float(np.std(numbers) / np.mean(errors))
    print(
        f"{name}: {truth:.4g}, bias {bias:+.2g}, spread / error {spread:.2f}, covered {covered:.2f}, twice {twice:.2f}"
    )
    return bias, covered


def honest(covered: float, freedom: float = np.inf) -> bool:
    """Whether one error covers the truth as often as of Student's t, to within three deviations of 100 draws."""
    claimed = 2.0 * stats.t.cdf(1.0, freedom) - 1.0
    return abs(covered - claimed) <= 3.0 * np.sqrt(claimed * (1.0 - claimed) / DRAWS)


@pytest.mark.slow
def test_boltzmann_curves():
    levels = tuple(range(-90, 61, 10))
    protocol = ps.presets.voltage_clamp.activation(levels, holding=-90.0, duration=100.0, dt=0.05)
    family = ps.simulate(curves.cell(curves.OPENS), protocol)
    before = ps.presets.inactivation(tuple(range(-110, -19, 10)), holding=-110.0, conditioning=150.0, dt=0.05)
    conditioned = ps.simulate(curves.cell(curves.CLOSES), before)
    for name, measure, truth, freedom in (
        ("g-V half", lambda k: ps.analysis.gv_curve(noisy(family, 5.0, k), steady=True).half_voltage, -25.0, 12),
        ("g-V slope", lambda k: ps.analysis.gv_curve(noisy(family, 5.0, k), steady=True).slope, 7.0, 12),
        ("inactivation half", lambda k: ps.analysis.inactivation(noisy(conditioned, 5.0, k)).half_voltage, -55.0, 6),
    ):
        bias, covered = drawn(measure, truth, name)
        assert abs(bias) < 0.2
        assert honest(covered, freedom), name


@pytest.mark.slow
def test_time_constants():
    protocol = ps.presets.voltage_clamp.activation((-30, 0), holding=-90.0, duration=100.0, dt=0.05)
    family = ps.simulate(curves.cell(curves.OPENS), protocol)
    for k, voltage in enumerate((-30.0, 0.0)):
        truth = float(curves.tau(curves.OPENS, "n", np.array([voltage]))[0])
        bias, covered = drawn(
            lambda seed, k=k: ps.analysis.time_constants(noisy(family, 5.0, seed)).tau[k],
            truth,
            f"tau at {voltage:g} mV",
        )
        assert abs(bias) < 0.01 * truth
        assert honest(covered)


@pytest.mark.slow
def test_passive_membranes():
    steps = ps.Step([-20.0, -15.0, -10.0, -5.0], 50.0, 300.0)
    rec = ps.simulate(membrane.CELL, ps.CurrentClamp(steps, duration=400.0, dt=0.1))
    for name, truth, freedom in (
        ("tau", 20.0, np.inf),
        ("input_resistance", 1000.0, 2),  # a straight line through four steps
        ("onset_resistance", 1000.0, np.inf),
    ):
        bias, covered = drawn(lambda k, name=name: getattr(ps.analysis.passive(noisy(rec, 1.0, k)), name), truth, name)
        assert abs(bias) < 0.01 * truth
        assert honest(covered, freedom), name


@pytest.mark.slow
def test_membrane_tests():
    electrode = ps.Electrode(series_resistance=12.0, filter=ps.Bessel(5000.0))
    steps = ps.Step([-10.0] * 4, 20.0, 50.0)
    clamp = ps.VoltageClamp(steps, holding=-70.0, duration=100.0, dt=0.02, electrode=electrode)
    rec = ps.simulate(membrane.CELL, clamp)
    found = [ps.analysis.membrane_test(noisy(rec, 5.0, k)) for k in range(DRAWS)]
    for name, truth in (("access_resistance", 12.0), ("capacitance_tau", 20.0), ("capacitance_charge", 20.0)):
        bias, _ = drawn(lambda k, name=name: getattr(found[k], name), truth, name)
        assert abs(bias) < 0.02 * truth


@pytest.mark.slow
def test_resonances():
    wave = ps.Chirp(5.0, first_frequency=5.0, last_frequency=200.0, start=50.0, duration=1500.0, exponential=True)
    rec = ps.simulate(resonance.AXON, ps.CurrentClamp(wave, duration=1650.0, dt=0.2), solver=ps.Exponential(0.1))
    grid = np.linspace(40.0, 100.0, 6001)
    truth = float(grid[np.argmax(np.abs(resonance.linearized(resonance.AXON, grid)))])
    bias, covered = drawn(lambda k: ps.analysis.impedance(noisy(rec, 1.0, k)).resonance, truth, "resonance")
    assert abs(bias) < 0.02 * truth
    assert honest(covered)
