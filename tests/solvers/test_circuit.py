"""Membrane and electrode moved together in steps of constant length."""

import itertools

import jax
import numpy as np
import pytest

import patch_sim as ps

SQUID = ps.presets.neuron("squid_axon")
PASSIVE = ps.Neuron({"Leak": ps.channels.Leak(g_max=0.1, reversal=-70.0)}, area=1000.0, temperature=20.0)
EXACT = ps.Adaptive(1e-10, 1e-10)
STEPS = ps.Step([-20.0, 60.0], 1.0, 3.0)

PLAIN = ps.Electrode(series_resistance=8.0)
CORRECTED = ps.Electrode(series_resistance=8.0, compensation=ps.Compensation(correction=70.0, lag=0.03))
PREDICTED = ps.Electrode(
    series_resistance=8.0,
    pipette_capacitance=4.0,
    offset=3.0,
    compensation=ps.Compensation(correction=60.0, prediction=50.0, slow_capacitance=9.0, capacitance=3.0, lag=0.04),
)
RIGS = {"plain": PLAIN, "corrected": CORRECTED, "predicted": PREDICTED}


def recorded(cell, electrode, solver, dt=0.05, **more):
    clamp = ps.VoltageClamp(STEPS, holding=-70.0, duration=5.0, dt=dt, electrode=electrode, **more)
    return ps.simulate(cell, clamp, solver=solver)


@pytest.mark.parametrize("electrode", RIGS.values(), ids=RIGS)
def test_what_is_linear_is_solved_at_once(electrode):
    exact, fast = (recorded(PASSIVE, electrode, solver) for solver in (EXACT, ps.Exponential(0.005)))
    assert np.ptp(exact.voltage) > 50.0
    np.testing.assert_allclose(fast.voltage, exact.voltage, atol=1e-3)
    np.testing.assert_allclose(fast.current, exact.current, atol=0.2)
    np.testing.assert_allclose(fast.measured_voltage, exact.measured_voltage, atol=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize("electrode", RIGS.values(), ids=RIGS)
def test_channels_are_of_second_order(electrode):
    cell = ps.with_parameters(SQUID, {"area": 3000.0})  # an escape from the clamp
    exact = np.asarray(recorded(cell, electrode, EXACT).voltage)
    assert np.max(exact[1]) > 0.0
    found = [
        np.sqrt(np.mean((np.asarray(recorded(cell, electrode, ps.Exponential(h)).voltage) - exact) ** 2))
        for h in (0.0125, 0.00625, 0.003125)
    ]
    assert found[0] < 0.2
    for coarse, fine in itertools.pairwise(found):
        assert 3.4 < coarse / fine < 4.6


def test_what_is_faster_than_a_step_neither_rings_nor_grows():
    tiny = ps.Electrode(series_resistance=8.0, compensation=ps.Compensation(correction=50.0, lag=1e-5))
    voltage = np.asarray(recorded(PASSIVE, tiny, ps.Exponential(0.05)).voltage)
    exact = np.asarray(recorded(PASSIVE, ps.with_parameters(PLAIN, {"series_resistance": 4.0}), EXACT).voltage)
    np.testing.assert_allclose(voltage, exact, atol=0.5)


@pytest.mark.slow
def test_derivatives_are_those_of_the_exact_solution():
    def peak(resistance, solver):
        return recorded(SQUID, ps.with_parameters(CORRECTED, {"series_resistance": resistance}), solver).current.min()

    slopes = [jax.grad(peak)(8.0, solver) for solver in (ps.Adaptive(1e-8, 1e-8), ps.Exponential(0.005))]
    assert slopes[0] != 0.0
    np.testing.assert_allclose(slopes[1], slopes[0], rtol=2e-3)


@pytest.mark.slow
def test_leak_subtraction_goes_the_same_way():
    """And the recording knows of it."""
    more = {"leak_subtraction": ps.LeakSubtraction(polarity=-1)}
    exact, fast = (recorded(SQUID, CORRECTED, solver, **more) for solver in (EXACT, ps.Exponential(0.005)))
    assert fast.leak_subtraction.polarity == -1
    assert recorded(SQUID, CORRECTED, ps.Exponential(0.05)).leak_subtraction is None
    np.testing.assert_allclose(fast.current, exact.current, atol=2e-3 * np.ptp(exact.current))
