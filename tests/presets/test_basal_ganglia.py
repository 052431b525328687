"""The cells of the basal ganglia do what such cells do, or their docstrings say that they do not."""

from collections.abc import Sequence

import numpy as np
import pytest

import patch_sim as ps
from tests.presets.spikes import SOLVER, rates, spike_shape, spike_times, steps

PUBLISHED = {"channels.Na.g_max": 6.0, "channels.CaL.g_max": 0.139, "channels.Ih.g_max": 0.078}
LEVEL = -10.0  # mV; as published, a dopamine neuron's spikes end near 0


def da_steps(cell: ps.Neuron):
    amplitudes = (-150.0, 0.0, 20.0, 60.0, 100.0)
    return steps(cell, amplitudes, start=3500.0, duration=1000.0, length=5500.0, initial=-60.0)


def changed(**conductances: float) -> ps.Neuron:
    """A dopamine neuron with other conductances (mS/cm2)."""
    parameters = {f"channels.{name}.g_max": value for name, value in conductances.items()}
    return ps.with_parameters(ps.presets.dopaminergic(), parameters)


@pytest.fixture(scope="module")
def da():
    return da_steps(ps.presets.dopaminergic())


@pytest.fixture(scope="module")
def da_published():
    return da_steps(ps.with_parameters(ps.presets.dopaminergic(), PUBLISHED))


def test_a_dopamine_neuron_paces(da):
    # At 1 to 7 Hz in vitro (Yu and Canavier, 2015); 1.9 +- 0.2 Hz in the substantia nigra (Ding et al., 2011).
    spikes = spike_times(da[0], da[1][0.0], LEVEL)
    settled = np.diff(spikes[spikes > 2500.0])
    assert 1.0 < 1e3 / settled.mean() < 5.0
    assert settled.std() / settled.mean() < 0.01


def test_its_spikes_are_high_and_broad(da):
    # Ding et al. (2011), within 2 standard errors: 59.3 +- 1.4 mV, and 2.9 +- 0.2 ms from threshold to threshold.
    time, voltage = da[0], da[1][0.0]
    shape = spike_shape(time, voltage, -2, LEVEL)
    assert 56.5 < shape.height < 62.1
    top = np.flatnonzero(voltage[:-1] >= shape.peak)[-1]
    rise = time[:top][voltage[:top] < shape.threshold][-1]
    fall = time[top:][voltage[top:] < shape.threshold][0]
    assert 2.5 < fall - rise < 3.3


def test_as_published_its_spikes_are_low(da_published):
    # What the docstring says was changed, and why.
    time, voltage = da_published[0], da_published[1][0.0]
    assert voltage[time > 2000.0].max() == pytest.approx(4.0, abs=1.0)
    assert rates(spike_times(time, voltage, LEVEL))[-1] == pytest.approx(3.6, abs=0.2)


def test_as_published_it_bursts_without_sk():
    # Silence, spikes, depolarization block: "inverted square wave bursting" (Yu and Canavier, 2015, figure 4A).
    cell = ps.with_parameters(ps.presets.dopaminergic(), PUBLISHED | {"channels.KCa.g_max": 0.0})
    time, sweeps = da_steps(cell)
    voltage = sweeps[0.0]
    silent = (voltage > -45.0) & (voltage < -25.0) & (np.abs(np.gradient(voltage, time)) < 0.1)
    assert np.sum(silent) * 0.05 > 500.0
    assert voltage[time > 2000.0].min() < -60.0
    assert spike_times(time, voltage, LEVEL).size > 5


def test_without_sk_it_is_faster_but_does_not_burst():
    # What the docstring says.
    time, sweeps = da_steps(changed(KCa=0.0))
    rate = rates(spike_times(time, sweeps[0.0], LEVEL))
    assert rate[-1] == pytest.approx(5.2, abs=0.2)


def test_without_its_l_current_it_does_not_fire():
    # As in the substantia nigra, where subthreshold calcium current drives pacing (Puopolo et al., 2007).
    time, sweeps = da_steps(changed(CaL=0.0))
    assert spike_times(time, sweeps[0.0], LEVEL).size == 0
    assert np.ptp(sweeps[0.0][time > 5000.0]) < 0.1


def sag(time: np.ndarray, voltage: np.ndarray) -> float:
    """How far (mV) the voltage comes back from its lowest until the end of the step."""
    during = voltage[(time > 3500.0) & (time < 4500.0)]
    return during[-1] - during.min()


def test_it_sags_by_its_h_current(da):
    time, sweeps = da
    assert sag(time, sweeps[-150.0]) == pytest.approx(8.0, abs=1.0)
    assert sag(time, da_steps(changed(Ih=0.0))[1][-150.0]) < 0.1


def test_it_cannot_fire_fast(da):
    # Depolarization block, near -40 mV, limits such cells to some 10 Hz (Qian et al., 2014, J Neurophysiol 112:2779).
    time, sweeps = da
    spikes = {amplitude: spike_times(time, sweeps[amplitude], LEVEL) for amplitude in (20.0, 60.0, 100.0)}
    assert 8.0 < rates(spikes[20.0][spikes[20.0] < 4500.0])[-1] < 13.0
    for amplitude in (60.0, 100.0):
        assert spikes[amplitude][spikes[amplitude] < 4500.0][-1] < 4000.0
        assert -45.0 < sweeps[amplitude][np.searchsorted(time, 4499.0)] < -30.0


def stn_sweeps(
    cell: ps.Neuron, amplitudes: Sequence[float], durations: Sequence[float], holding: Sequence[float]
) -> tuple[np.ndarray, np.ndarray]:
    """The time (ms), and the voltage (mV) under five steps at 1500 ms; alike in shape, so that they compile once."""
    step = ps.Step(list(amplitudes), 1500.0, list(durations))
    clamp = ps.CurrentClamp(step, duration=2800.0, dt=0.05, holding=list(holding))
    rec = ps.simulate(cell, clamp, initial=-58.0, save=("voltage",), solver=SOLVER)
    return np.asarray(rec.time), np.asarray(rec.voltage)


def stn_steps(cell: ps.Neuron) -> tuple[np.ndarray, dict[float, np.ndarray]]:
    amplitudes = (0.0, 10.0, 25.0, 50.0, 100.0)
    time, voltages = stn_sweeps(cell, amplitudes, [500.0] * 5, [0.0] * 5)
    return time, dict(zip(amplitudes, voltages, strict=True))


@pytest.fixture(scope="module")
def stn():
    return stn_steps(ps.presets.subthalamic())


def test_a_subthalamic_neuron_fires_by_itself(stn):
    # The paper's model at about 10 Hz.
    spikes = spike_times(stn[0], stn[1][0.0])
    assert 5.0 < rates(spikes)[-1] < 20.0
    assert np.ptp(np.diff(spikes[spikes > 1000.0])) < 1.0


def test_with_the_published_leak_it_is_almost_at_rest():
    # What the docstring says was changed, and why.
    time, sweeps = stn_steps(ps.with_parameters(ps.presets.subthalamic(), {"channels.Leak.g_max": 0.35}))
    assert rates(spike_times(time, sweeps[0.0]))[-1] == pytest.approx(4.45, abs=0.1)


def test_its_spikes_are_those_of_its_equations(stn):
    # Written anew in plain Python, and solved with steps of 5 us, exponentially for the gates.
    shape = spike_shape(stn[0], stn[1][0.0], -2)
    assert shape.threshold == pytest.approx(-48.7, abs=0.3)
    assert shape.peak == pytest.approx(37.4, abs=0.6)
    assert shape.half_width == pytest.approx(0.54, abs=0.01)
    assert shape.trough == pytest.approx(-64.7, abs=0.3)


def test_its_rate_rises_with_the_current(stn):
    # To some 100 Hz at 100 pA; steepest at the foot, and without adaptation, as the docstring says.
    time, sweeps = stn
    last = []
    for voltage in sweeps.values():
        spikes = spike_times(time, voltage)
        rate = rates(spikes[(spikes > 1500.0) & (spikes < 2000.0)])
        assert rate[-1] > 0.99 * rate[0]
        last.append(rate[-1])
    assert np.all(np.diff(np.diff(last) / np.diff(list(sweeps))) < 0.0)
    assert 90.0 < last[-1] < 115.0


def test_a_plateau_outlasts_the_pulse_only_from_below():
    # 80 ms at 50 pA, as in the paper; in cells from below -75 mV (Otsuka et al., 2001, J Neurophysiol 86:1816-1825).
    holding = np.array([-6.0, -12.0, -18.0, -48.0, -57.0])
    time, voltages = stn_sweeps(ps.presets.subthalamic(), 50.0 - holding, [80.0] * 5, holding)
    held = voltages[:, np.searchsorted(time, 1499.0)]
    spikes = [spike_times(time, voltage) for voltage in voltages]
    late = np.array([np.sum((s > 1650.0) & (s < 1800.0)) for s in spikes])
    assert np.all((held[:3] > -65.0) & (late[:3] <= 1))
    assert np.all((held[3:] < -75.0) & (late[3:] >= 5))


def test_a_rebound_burst_grows_with_the_hyperpolarization():
    # As in the paper: a burst, the longer the longer the step, that slows down; then a pause.
    durations = np.array([50.0, 100.0, 200.0, 300.0, 400.0])
    time, voltages = stn_sweeps(ps.presets.subthalamic(), [-50.0] * 5, durations, [0.0] * 5)
    lengths = []
    for duration, voltage in zip(durations, voltages, strict=True):
        spikes = spike_times(time, voltage) - 1500.0 - duration
        spikes = spikes[spikes > 0.0]
        end = int(np.argmax(np.diff(spikes) > 100.0))
        assert 90.0 < rates(spikes)[0] < 150.0
        assert np.all(np.diff(rates(spikes[: end + 1])[5:]) < 0.0)
        lengths.append(spikes[end])
    assert np.all(np.diff(lengths) > 0.0)
    assert 400.0 < lengths[0] < lengths[-1] < 750.0
