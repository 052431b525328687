"""P/N leak subtraction: what is linear goes, what is not stays."""

import jax
import numpy as np
import pytest

import patch_sim as ps

c = ps.channels
PASSIVE = ps.Neuron({"Leak": c.Leak(g_max=0.1, reversal=-60.0)}, area=1000.0, temperature=20.0)
AXON = ps.presets.neuron("squid_axon")
TIGHT = ps.Adaptive(1e-10, 1e-10)
BEHIND = ps.Electrode(
    series_resistance=5.0,
    pipette_capacitance=3.0,
    seal_resistance=800.0,
    compensation=ps.Compensation(correction=40.0, lag=0.02),
    filter=ps.Bessel(5000.0),
)


def held(cell, leak, electrode=None, **options):
    steps = ps.Levels([(-70.0, 1.0), ([-40.0, 0.0], 3.0)])
    clamp = ps.VoltageClamp(steps, holding=-70.0, duration=5.0, electrode=electrode, leak_subtraction=leak)
    return ps.simulate(cell, clamp, solver=TIGHT, **options)


@pytest.mark.parametrize("electrode", [None, BEHIND], ids=["ideal", "behind an electrode"])
@pytest.mark.parametrize("leak", [ps.LeakSubtraction(), ps.LeakSubtraction(8, -1, -90.0)], ids=["P/4", "P/-8"])
def test_nothing_is_left_of_a_linear_membrane(electrode, leak):
    raw, subtracted = held(PASSIVE, None, electrode), held(PASSIVE, leak, electrode)
    np.testing.assert_allclose(subtracted.current, 0.0, atol=1e-6 * float(np.max(np.abs(raw.current))))
    np.testing.assert_allclose(subtracted.voltage, raw.voltage, atol=1e-9)


def test_it_is_what_the_subsweeps_give_by_hand():
    leak = ps.LeakSubtraction(4, -1, -100.0)
    subtracted, raw = held(AXON, leak), held(AXON, None)
    moved = ps.Levels([(-100.0, 1.0), ([-107.5, -117.5], 3.0)])
    small = ps.simulate(AXON, ps.VoltageClamp(moved, holding=-100.0, duration=5.0), solver=TIGHT)
    expected = raw.current - raw.current[:, :1] + 4.0 * (small.current - small.current[:, :1])
    np.testing.assert_allclose(subtracted.current, expected, atol=1e-8 * float(np.max(np.abs(raw.current))))


def test_each_subsweep_has_noise_of_its_own():
    noisy = ps.Electrode(noise=2.0)
    clean = held(PASSIVE, ps.LeakSubtraction(8)).current
    noise = held(PASSIVE, ps.LeakSubtraction(8), noisy, key=jax.random.key(0)).current - clean
    assert float(np.std(noise)) == pytest.approx(2.0 * 3.0, rel=0.1)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ps.LeakSubtraction(0), "must be a whole number from 1 to 8, not 0"),
        (lambda: ps.LeakSubtraction(9), "must be a whole number from 1 to 8, not 9"),
        (lambda: ps.LeakSubtraction(4, 2), "polarity must be 1 or -1, not 2"),
        (lambda: ps.LeakSubtraction(4, 1, float("nan")), "holding must be finite"),
    ],
)
def test_impossible_leak_subtractions(make, message):
    with pytest.raises(ValueError, match=message):
        make()
