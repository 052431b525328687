"""Windows, steps, slices of a recording."""

import numpy as np
import pytest

import patch_sim as ps
from patch_sim.analysis.measurement import NotMeasurableError
from patch_sim.analysis.trace import check_clipped, first_step, resolve, trace
from tests.analysis.noise import current_clamp, step

DT = 0.1
COMMAND = step(1000, DT, [-50.0, 0.0, 50.0], 20.0, 50.0)
REC = current_clamp(-60.0 + 0.1 * COMMAND, DT, COMMAND)


def test_the_first_step_is_found():
    assert first_step(trace(REC)) == pytest.approx((20.0, 70.0))
    # What is the same in all sweeps is no family; of one sweep any change is a step.
    before = np.where(np.arange(1000) < 100, 10.0, COMMAND)
    assert first_step(trace(current_clamp(before, DT, before))) == pytest.approx((20.0, 70.0))
    assert first_step(trace(REC.select([0]))) == pytest.approx((20.0, 70.0))
    assert first_step(trace(REC.select([1]))) is None
    ramp = np.linspace(0.0, 1.0, 1000)
    assert first_step(trace(current_clamp(ramp, DT, ramp))) is None


def test_windows():
    traced = trace(REC)
    assert resolve(traced, None) == pytest.approx((20.0, 70.0))
    assert resolve(traced, (5.0, 30.0)) == (5.0, 30.0)
    assert resolve(trace(REC.select([1])), None) == pytest.approx((0.0, 100.0))
    with pytest.raises(NotMeasurableError, match="the window from 50 to 200 ms is not within the sweep, 0 to 100 ms"):
        resolve(traced, (50.0, 200.0))


@pytest.mark.parametrize("window", [(3.0, 3.0), (5.0, 3.0), (1.0,), (0.0, float("nan")), (0.0, float("inf"))])
@pytest.mark.parametrize(
    "measure",
    [
        ps.analysis.spikes,
        ps.analysis.features,
        ps.analysis.fi_curve,
        ps.analysis.iv_curve,
        ps.analysis.gv_curve,
        ps.analysis.inactivation,
        ps.analysis.time_constants,
        ps.analysis.tail,
        ps.analysis.passive,
        ps.analysis.membrane_test,
        ps.analysis.impedance,
        ps.analysis.calcium_transient,
        ps.analysis.phase_plane,
        ps.analysis.summary,
    ],
)
def test_what_is_no_window_is_refused(measure, window):
    with pytest.raises(ValueError, match=r"window must be \(start, end\) in ms with start before end"):
        measure(REC, window)


def test_clipped_traces_are_told_from_those_that_settle():
    t = np.arange(0.0, 200.0, 0.1)
    settles = np.round(-60.0 + 10.0 * np.exp(-t / 3.0), 3)
    check_clipped(settles, "mV")
    check_clipped(np.full(100, -60.0), "mV")
    rounded = np.nextafter(-60.0, np.repeat([0.0, -100.0, 0.0], 30))  # a simulated rest
    check_clipped(rounded, "mV")
    check_clipped(rounded.astype(np.float32), "mV")
    check_clipped(np.sin(t), "mV")
    with pytest.raises(NotMeasurableError, match=r"the trace is clipped at 0\.5 mV"):
        check_clipped(np.minimum(np.sin(t), 0.5), "mV")


def test_part_and_last():
    cut = ps.analysis.part(REC, 15.0, 40.0)
    assert cut.time.size == 250
    assert float(cut.time[0]) == pytest.approx(15.0)
    np.testing.assert_array_equal(cut.voltage, REC.voltage[:, 150:400])
    np.testing.assert_array_equal(cut.command, REC.command[:, 150:400])
    end = ps.analysis.last(REC, 30.0)
    assert end.time.size == 300
    assert float(end.time[-1]) == float(REC.time[-1])
    assert ps.analysis.last(REC, 1e6).time.size == 1000
    with pytest.raises(ValueError, match=r"no sample lies from 200 to 300 ms; the sweep is 0 to 99\.9 ms"):
        ps.analysis.part(REC, 200.0, 300.0)
    with pytest.raises(ValueError, match=r"duration must be a positive time in ms, not 0\.0"):
        ps.analysis.last(REC, 0.0)


def test_a_simulations_channels_are_cut_too():
    cell = ps.presets.neuron("squid_axon")
    rec = ps.simulate(cell, ps.CurrentClamp(ps.Step([100.0], 2.0, 5.0), duration=10.0, dt=0.1))
    end = ps.analysis.last(rec, 4.0)
    assert end.currents["Na"].shape == (1, 40)
    assert end.states["Na.m"].shape == (1, 40)
    assert end.final_state is not None
    assert ps.analysis.part(rec, 1.0, 4.0).final_state is None
