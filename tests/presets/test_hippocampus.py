"""The CA1 pyramidal cell does what CA1 cells do, or its docstring says that it does not.

Bands are the mean and one standard deviation of the cells recorded by Chevaleyre and Siegelbaum (2010), Neuron
66:560-572, Pike et al. (2000), J Physiol 529:205-213, and Staff et al. (2000), J Neurophysiol 84:2398-2408.
"""

import numpy as np
import pytest

import patch_sim as ps
from tests.presets.spikes import rates, spike_shape, spike_times, steps


def ca1_steps(cell: ps.Neuron):
    return steps(cell, (-100.0, 100.0, 150.0, 200.0, 300.0, 500.0), start=100.0, duration=800.0, length=1400.0)


@pytest.fixture(scope="module")
def ca1():
    return ca1_steps(ps.presets.ca1_pyramidal())


def test_it_rests_where_the_source_does(ca1):
    # The source starts at rest, at -71.96 mV; -71.9 +- 3.4 mV (Chevaleyre), though -62 +- 5 mV (Pike).
    assert ca1[1][100.0][0] == pytest.approx(-71.96, abs=0.2)


def test_input_resistance_and_time_constant(ca1):
    # 107 +- 30 MOhm (Chevaleyre); 22 +- 11 ms (Pike).
    time, sweeps = ca1
    voltage = sweeps[-100.0] - sweeps[-100.0][0]
    final = voltage[np.searchsorted(time, 899.0)]
    assert 77.0 < final / -0.1 < 137.0
    reached = time[np.flatnonzero(voltage < (1.0 - np.exp(-1.0)) * final)[0]] - 100.0
    assert 11.0 < reached < 33.0


def test_a_spike_is_that_of_a_ca1_cell(ca1):
    # Threshold -46.3 +- 2.7 mV, half-width 0.95 +- 0.13 ms (Staff); height 95 +- 5 mV (Chevaleyre).
    shape = spike_shape(ca1[0], ca1[1][200.0])
    assert -49.0 < shape.threshold < -43.6
    assert 90.0 < shape.height < 100.0
    assert 0.82 < shape.half_width < 1.08


def test_as_published_a_spike_is_small_and_brief():
    # What the docstring says was changed, and why.
    speeds = {"channels.Na.gates.h.speed": 3.7, "channels.K.gates.n.speed": 3.7}
    cell = ps.with_parameters(ps.presets.ca1_pyramidal(), speeds | {"channels.K.g_max": 6.0})
    time, sweeps = ca1_steps(cell)
    shape = spike_shape(time, sweeps[200.0])
    assert 12.0 < shape.peak < 17.0
    assert shape.half_width == pytest.approx(0.29, abs=0.01)


def test_rheobase(ca1):
    # 213 +- 94 pA (Staff).
    counts = {amplitude: spike_times(ca1[0], ca1[1][amplitude]).size for amplitude in (100.0, 200.0)}
    assert counts[100.0] == 0
    assert counts[200.0] >= 1


@pytest.mark.parametrize("amplitude", [300.0, 500.0])
def test_it_adapts(ca1, amplitude):
    # To about half of the first rate, within 250 ms, by its M current.
    spikes = spike_times(ca1[0], ca1[1][amplitude])
    rate = rates(spikes)
    assert np.all(np.diff(rate) < 0.1)
    assert 0.4 < rate[-1] / rate[0] < 0.6
    assert rate[spikes[:-1] > 350.0].max() < 1.05 * rate[-1]


def test_a_train_is_followed_by_an_afterhyperpolarization(ca1):
    # A medium one, of the M current, that is over within some hundred ms.
    time, sweeps = ca1
    after = sweeps[500.0] - sweeps[500.0][0]
    assert -8.0 < after[np.searchsorted(time, 950.0)] < -2.0
    assert -1.0 < after[-1] < 0.0


def test_no_sag(ca1):
    # It has no H current; recorded cells sag by 8 mV from -100 mV (Chevaleyre).
    time, sweeps = ca1
    during = sweeps[-100.0][(time > 100.0) & (time < 900.0)]
    assert during[-1] - during.min() < 0.2
