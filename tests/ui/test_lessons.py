"""Every number in the text of a lesson is what its setups give."""

import numpy as np
import pytest

import patch_sim as ps
from patch_sim.recording import Recording
from patch_sim.ui.lessons import CONDUCTANCES, LESSONS, REFRACTORINESS, SERIES_RESISTANCE, THRESHOLD, Lesson
from patch_sim.ui.state import State


def run(lesson: Lesson, title: str) -> list[Recording]:
    """The recordings of the setups of a step."""
    (step,) = (step for step in lesson.steps if step.title == title)
    return [ps.simulate(state.cell.neuron(), state.built()) for state in step.setups.values()]


def spikes(recording: Recording) -> list[list[float]]:
    """When the membrane crosses -10 mV upward, ms, by sweep."""
    above = np.asarray(recording.voltage) > -10.0
    return [np.asarray(recording.time)[1:][~sweep[:-1] & sweep[1:]].tolist() for sweep in above]


def counts(recording: Recording) -> list[int]:
    return [len(times) for times in spikes(recording)]


def peaks(recording: Recording) -> np.ndarray:
    return np.asarray(recording.voltage).max(axis=1)


def inward(recording: Recording) -> tuple[np.ndarray, np.ndarray]:
    """The peaks (nA) of the inward current during a step, and the membrane potential (mV) at each."""
    during = np.flatnonzero((recording.time > 5.3) & (recording.time < 14.9))
    at = np.argmin(np.asarray(recording.current)[:, during], axis=1)[:, None]
    current, voltage = (
        np.take_along_axis(np.asarray(signal)[:, during], at, 1)[:, 0]
        for signal in (recording.current, recording.voltage)
    )
    return current / 1e3, voltage


def test_every_setup_can_be_sent_and_read_back():
    states = [state for lesson in LESSONS for step in lesson.steps for state in step.setups.values()]
    assert len(states) == 28
    for state in states:
        assert State.parse(state.view()).built().samples > 0


def test_all_or_none():
    (shocks,) = run(THRESHOLD, "All or none")
    assert counts(shocks) == [0, 0, 0, 1, 1, 1, 1]
    assert peaks(shocks)[[3, 6]] == pytest.approx([36.0, 39.0], abs=0.5)
    times = spikes(shocks)
    assert [times[3][0] - 5.0, times[6][0] - 5.0] == pytest.approx([4.2, 2.4], abs=0.05)


def test_strength_and_duration():
    brief, long = run(THRESHOLD, "Strength and duration")
    assert counts(brief) == [0, 0, 0, 1, 1, 1, 1]  # 180 pA is the fourth
    assert counts(long) == [0, 0, 0, 0, 1, 1, 1]  # 30 pA is the fifth
    at_end = np.asarray(brief.voltage)[3, brief.time <= 5.5][-1]
    assert at_end == pytest.approx(-58.0, abs=1.0)


def test_slow_ramp():
    fast, slow = run(THRESHOLD, "A slow ramp")
    assert (counts(fast), counts(slow)) == ([1], [0])
    assert peaks(slow)[0] == pytest.approx(-56.0, abs=0.5)


def test_anode_break():
    (steps,) = run(THRESHOLD, "Anode break")
    assert counts(steps) == [1, 0]
    assert steps.voltage.min(axis=1)[0] == pytest.approx(-76.0, abs=0.5)
    assert spikes(steps)[0][0] - 40.0 == pytest.approx(4.7, abs=0.06)


def test_pairs_of_shocks():
    far, near, nearest = (run(REFRACTORINESS, f"{interval} ms apart")[0] for interval in (25, 10, 5))
    assert (counts(far), counts(near), counts(nearest)) == ([2, 2, 2], [1, 2, 2], [1, 1, 1])
    voltage = np.asarray(far.voltage)
    assert np.max(voltage[:, far.time < 14.0], 1) == pytest.approx(np.max(voltage[:, far.time > 30.0], 1), abs=0.1)
    voltage = np.asarray(near.voltage)[1:]
    fallen = np.max(voltage[:, near.time < 14.0], 1) - np.max(voltage[:, near.time > 15.0], 1)
    assert np.all((fallen > 4.0) & (fallen < 6.0))
    before = np.searchsorted(near.time, 15.0) - 1
    gates = [[near.states[name][0, sample] for name in ("Na.h", "K.n")] for sample in (0, before)]
    assert np.asarray(gates) == pytest.approx(np.array([[0.60, 0.32], [0.49, 0.40]]), abs=0.006)


def test_highest_rate():
    slow, fast = run(REFRACTORINESS, "The highest rate")
    assert (counts(slow), counts(fast)) == ([10], [10])
    assert np.diff(spikes(fast)[0])[1:] == pytest.approx(10.0, abs=0.1)


def test_sodium():
    control, off = run(CONDUCTANCES, "Sodium: the upstroke")
    assert [peaks(control)[0], peaks(off)[0]] == pytest.approx([40.0, -54.0], abs=0.5)
    assert [control.voltage[0, 0], off.voltage[0, 0]] == pytest.approx([-65.0, -65.8], abs=0.05)


def test_delayed_rectifier():
    def width(recording: Recording) -> float:
        half = (recording.voltage[0, 0] + peaks(recording)[0]) / 2
        return float(np.sum(recording.voltage[0] > half)) * 0.025

    control, quarter, tenth = run(CONDUCTANCES, "Delayed rectifier: the downstroke")
    assert [width(control), width(quarter)] == pytest.approx([0.85, 1.4], abs=0.04)
    assert 1.0 < peaks(quarter)[0] - peaks(control)[0] < 1.4
    assert [tenth.voltage[0, tenth.time > after][0] for after in (30.0, 59.9)] == pytest.approx([-12.0, -12.0], abs=0.5)


def test_m_current():
    control, off = run(CONDUCTANCES, "M current: adaptation")
    assert (counts(control), counts(off)) == ([11], [26])
    intervals = np.diff(spikes(control)[0])
    assert np.all(np.diff(intervals) > 0)
    assert intervals[[0, -1]] == pytest.approx([18.0, 57.0], abs=0.5)
    assert np.diff(spikes(off)[0]) == pytest.approx(15.1, abs=0.06)


def test_rebound():
    control, off = run(CONDUCTANCES, "T-type calcium: the rebound burst")
    assert (counts(control), counts(off)) == ([5], [0])
    assert spikes(control)[0][0] - 400.0 == pytest.approx(64.0, abs=0.5)


def test_ideal_clamp_and_loss_of_control():
    peak, _ = inward(run(SERIES_RESISTANCE, "An ideal clamp")[0])
    assert np.argmin(peak) == 6  # 0 mV
    assert peak[[1, 6, 10]] == pytest.approx([-1.5, -27.4, -6.8], abs=0.06)
    lost, _ = inward(run(SERIES_RESISTANCE, "Loss of control")[0])
    assert np.argmin(lost) == 1  # -50 mV
    assert lost[:2] == pytest.approx([-0.1, -13.9], abs=0.06)


def test_voltage_error_is_the_resistance_times_the_current():
    (ideal, error) = (inward(each) for each in run(SERIES_RESISTANCE, "The voltage error"))
    assert (ideal[0][0], ideal[1][0]) == pytest.approx((-27.4, 0.0), abs=0.06)
    assert (error[0][0], error[1][0]) == pytest.approx((-7.5, 37.0), abs=0.5)
    assert error[1][0] == pytest.approx(-5.0 * error[0][0], abs=0.1)


def test_compensation():
    _, corrected = run(SERIES_RESISTANCE, "Compensation")
    current, voltage = inward(corrected)
    assert (current[0], voltage[0]) == pytest.approx((-16.2, 24.0), abs=0.5)
    assert voltage[0] == pytest.approx(-1.5 * current[0], abs=0.1)


def test_bridge():
    off, balanced = run(SERIES_RESISTANCE, "In current clamp")
    before, after, end = np.searchsorted(off.time, [20.0, 20.0, 219.9]) + np.array([-1, 0, 0])
    read = np.asarray(off.measured_voltage)[0]
    assert read[after] - read[before] == pytest.approx(-4.0, abs=0.1)
    assert read[end] == pytest.approx(-81.2, abs=0.06)
    assert [off.voltage[0, end], balanced.measured_voltage[0, end]] == pytest.approx([-77.2, -77.2], abs=0.06)
