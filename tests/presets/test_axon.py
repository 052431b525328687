"""The squid axon does what Hodgkin and Huxley (1952) computed, and what was found in their equations since."""

import math

import numpy as np
import pytest

import patch_sim as ps
from tests.presets.spikes import rates, spike_shape, spike_times, steps

DENSITY = math.pi * 20.0 * 20.0 / 100.0  # pA for each uA/cm2
CURRENTS = {current: current * DENSITY for current in (-8.0, 2.0, 4.0, 6.0, 7.0, 10.0)}


@pytest.fixture(scope="module")
def axon():
    time, sweeps = steps(
        ps.presets.squid_axon(), tuple(CURRENTS.values()), start=10.0, duration=150.0, length=200.0, dt=0.02
    )
    return time, {current: sweeps[amplitude] for current, amplitude in CURRENTS.items()}


def test_it_rests_at_minus_65(axon):
    # The paper's leak is such that rest is at 0 there, -65 mV here.
    assert axon[1][2.0][0] == pytest.approx(-65.0, abs=0.1)


def test_a_spike_comes_near_the_sodium_potential_and_undershoots_rest(axon):
    # Figure 12: about 100 mV from rest to peak, then an undershoot of some 10 mV toward the potassium potential.
    shape = spike_shape(axon[0], axon[1][4.0])
    assert 95.0 < shape.peak + 65.0 < 115.0
    assert -77.0 < shape.trough < -73.0
    assert 1.0 < shape.half_width < 2.0


def test_it_fires_once_and_from_6_uA_per_cm2_on_forever(axon):
    # Trains are stable from 6.3 uA/cm2 on (Rinzel and Miller, 1980, Math Biosci 49:27-59).
    counts = {current: spike_times(axon[0], axon[1][current]).size for current in (2.0, 4.0, 6.0, 7.0, 10.0)}
    assert counts[2.0] == 0
    assert counts[4.0] == 1
    assert counts[6.0] < 3
    assert counts[7.0] >= 7


def test_a_train_starts_at_a_high_rate_and_hardly_rises_with_current(axon):
    # Excitability of type 2: no train is slower than 50 Hz.
    slow, fast = (rates(spike_times(axon[0], axon[1][current]))[-1] for current in (7.0, 10.0))
    assert 50.0 < slow < fast < 1.3 * slow


def test_it_fires_when_a_hyperpolarizing_current_ends(axon):
    # Anode break excitation, figure 22.
    spikes = spike_times(axon[0], axon[1][-8.0])
    assert spikes.size == 1
    assert np.all((spikes > 160.0) & (spikes < 170.0))
