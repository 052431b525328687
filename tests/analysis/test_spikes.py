"""Action potentials and what sweeps do: on spikes drawn by hand, simulated ones, and a recorded neuron's."""

import numpy as np
import pytest

import patch_sim as ps
from patch_sim.analysis.features import adaptation, burst_runs
from tests.analysis.noise import current_clamp, step

DT = 0.02
TIME = np.arange(0.0, 300.0, DT)
COUNTS = [0, 0, 0, 0, 0, 0, 1, 1, 3, 4, 5, 6, 6, 7, 8, 8, 9]


def drawn(*peaks: float, rest: float = -70.0, height: float = 100.0, width: float = 0.5) -> np.ndarray:
    """A rest with Gaussian spikes: (samples,), mV; each falls below rest by 8 mV, 10 ms after its peak."""
    voltage = np.full_like(TIME, rest)
    for peak in peaks:
        voltage = voltage + height * np.exp(-0.5 * ((TIME - peak) / width) ** 2)
        voltage = voltage - 8.0 * np.exp(-0.5 * ((TIME - peak - 10.0) / 3.0) ** 2)
    return voltage


def test_a_spike_drawn_by_hand():
    peak = 100.0 + 0.3 * DT  # between two samples
    spikes = ps.analysis.spikes(current_clamp(drawn(peak), DT))
    assert spikes.counts == (1,)
    assert spikes.time.values[0] == pytest.approx(peak, abs=0.01 * DT)
    assert spikes.peak.values[0] == pytest.approx(30.0 - 8.0 * np.exp(-0.5 * (10.0 / 3.0) ** 2), abs=1e-4)
    # The slope of a Gaussian is 10 mV/ms where x exp(-x^2/2) is 10 * 0.5 / 100: at x = 2.845, 1.75 mV above rest.
    assert spikes.threshold.values[0] == pytest.approx(-68.25, abs=0.01)
    assert spikes.upstroke.values[0] == pytest.approx(100.0 * np.exp(-0.5) / 0.5, rel=2e-3)
    assert spikes.downstroke.values[0] == pytest.approx(-100.0 * np.exp(-0.5) / 0.5, rel=5e-2)
    half = 0.5 * (spikes.peak.values[0] + spikes.threshold.values[0]) + 70.0
    assert spikes.half_width.values[0] == pytest.approx(2.0 * 0.5 * np.sqrt(2.0 * np.log(100.0 / half)), rel=2e-3)
    assert spikes.trough.values[0] == pytest.approx(-78.0, abs=1e-4)
    assert spikes.trough_delay.values[0] == pytest.approx(10.0, abs=DT)
    assert spikes.ahp.values[0] == spikes.threshold.values[0] - spikes.trough.values[0]
    assert spikes.ahp_medium.values[0] == spikes.ahp.values[0]
    assert spikes.ahp_fast.values[0] < spikes.ahp.values[0]
    assert spikes.interval.reasons == ("it is the first spike of its sweep",)


def test_results_do_not_hang_on_the_sampling():
    fine = current_clamp(drawn(100.0), DT)
    coarse = current_clamp(drawn(100.0)[3::5], 5 * DT)
    one, other = (ps.analysis.spikes(rec) for rec in (fine, coarse))
    for name, tolerance in (("peak", 0.3), ("half_width", 0.01), ("threshold", 0.5), ("trough", 0.01)):
        a, b = getattr(one, name).values[0], getattr(other, name).values[0]
        assert a == pytest.approx(b, abs=tolerance), name


@pytest.mark.parametrize(
    ("criterion", "low", "high"),
    [
        (ps.analysis.Slope(20.0), -68.0, -66.0),
        (ps.analysis.Fraction(0.05), -69.1, -68.9),
        (ps.analysis.Curvature(), -58.0, -45.0),  # a Gaussian bends most at sqrt(3) of its widths: 22 mV above rest
    ],
)
def test_criteria_for_the_threshold(criterion, low, high):
    spikes = ps.analysis.spikes(current_clamp(drawn(100.0), DT), threshold=criterion)
    assert low < spikes.threshold.values[0] < high


def test_edges_of_a_window():
    rec = current_clamp(drawn(50.0, 100.0, 150.0), DT)
    peaks = ps.analysis.spikes(rec).time.values
    counts = [
        ps.analysis.spikes(rec, window).counts[0]
        for window in [
            (0.0, 300.0),
            (peaks[0], 300.0),
            (peaks[0] + 1e-6, 300.0),
            (0.0, peaks[2]),
            (0.0, peaks[2] + 1e-6),
        ]
    ]
    assert counts == [3, 3, 2, 2, 3]
    # What surrounds a peak is looked for outside the window too, but not what follows the last one.
    cut = ps.analysis.spikes(rec, (50.0 - DT, 50.0 + DT))
    assert cut.half_width.values[0] == ps.analysis.spikes(rec).half_width.values[0]
    assert cut.ahp_medium.reasons[0] == "the next spike or the window's end comes within 5 ms of the peak"


def test_edges_of_a_sweep():
    rising = drawn(50.0)[(TIME >= 49.8) & (TIME < 80.0)]
    spikes = ps.analysis.spikes(current_clamp(rising, DT))
    assert spikes.counts == (0,)  # 8 mV of it are seen before the peak
    rising = drawn(50.0)[(TIME >= 49.5) & (TIME < 80.0)]
    spikes = ps.analysis.spikes(current_clamp(rising, DT))
    assert spikes.counts == (1,)
    assert spikes.threshold.reasons[0] == "the criterion for its onset is met nowhere before it"
    assert spikes.amplitude.reasons == spikes.threshold.reasons
    before = drawn(50.0)[TIME < 50.0 - DT]
    assert ps.analysis.spikes(current_clamp(before, DT)).counts == (0,)
    falling = drawn(50.0)[TIME < 50.4]
    assert ps.analysis.spikes(current_clamp(falling, DT)).half_width.reasons[0].startswith("the sweep does not show")


def test_noise_makes_no_spikes():
    noise = np.random.default_rng(0).normal(size=TIME.size)
    assert ps.analysis.spikes(current_clamp(drawn(50.0, 100.0) + noise, DT)).counts == (2,)
    assert ps.analysis.spikes(current_clamp(-20.0 + noise, DT)).counts == (0,)


def test_clipped_spikes():
    spikes = ps.analysis.spikes(current_clamp(np.minimum(drawn(50.0), 10.0), DT))
    assert spikes.counts == (1,)
    assert spikes.peak.reasons == ("the trace is clipped at 10 mV",)
    assert spikes.half_width.reasons == spikes.peak.reasons
    assert np.isfinite(spikes.threshold.values[0])


def test_arguments_that_are_wrong():
    with pytest.raises(ValueError, match=r"Slope\.slope must be positive, in mV/ms, not 0\.0"):
        ps.analysis.Slope(0.0)
    with pytest.raises(ValueError, match=r"Fraction\.fraction must be between 0 and 1, not 1\.0"):
        ps.analysis.Fraction(1.0)


def test_reasons_instead_of_numbers():
    rec = current_clamp(
        np.stack([drawn(), drawn(50.0), drawn(50.0, 100.0)]), DT, step(TIME.size, DT, [0.0, 1.0, 2.0], 20.0, 200.0)
    )
    each = ps.analysis.features(rec)
    none, one = "the sweep has no spike", "the sweep has only one spike"
    assert each.latency.reasons == (none, "", "")
    assert each.first_interval.reasons == (none, one, "")
    assert each.adaptation.reasons == (none, one, "the sweep has no two intervals between spikes")
    assert each.half_width.reasons[0] == none
    assert each.steady.reasons == ("", "the sweep has spikes in the window", "the sweep has spikes in the window")
    outside = ps.analysis.features(rec, (200.0, 400.0))
    assert outside.latency.reasons[0] == "the window from 200 to 400 ms is not within the sweep, 0 to 300 ms"
    clamped = ps.Recording(rec.time, ps.Mode.VOLTAGE_CLAMP, rec.voltage, None, rec.voltage, rec.command)
    wrong = ps.analysis.features(clamped)
    assert wrong.rate.reasons[0] == "this is a recording in voltage clamp, and it takes one in current clamp"
    assert "not measurable, because this is a recording in voltage clamp" in str(ps.analysis.spikes(clamped))
    broken = ps.analysis.spikes(current_clamp(np.where(TIME == 0.0, np.nan, drawn(50.0)), DT))
    assert broken.notes == ("not measurable, because 1 samples are not finite",)


def test_intervals():
    each = ps.analysis.features(current_clamp(drawn(50.0, 60.0, 80.0, 120.0), DT), (20.0, 220.0))
    assert each.count.values[0] == 4
    assert each.rate.values[0] == 20.0
    assert each.latency.values[0] == pytest.approx(30.0, abs=1e-2)
    assert each.first_interval.values[0] == pytest.approx(10.0, abs=1e-2)
    assert each.mean_interval.values[0] == pytest.approx(70.0 / 3.0, abs=1e-2)
    assert each.interval_cv.values[0] == pytest.approx(np.std([10.0, 20.0, 40.0], ddof=1) / (70.0 / 3.0), abs=1e-3)
    assert each.adaptation.values[0] == pytest.approx(1.0 / 3.0, abs=1e-3)
    assert adaptation(np.array([10.0, 10.0, 10.0])) == 0.0


def test_bursts():
    assert burst_runs(np.array([0.0, 5.0, 9.0, 50.0, 55.0, 100.0, 104.0, 108.0, 112.0])) == [(0, 2), (5, 8)]
    assert burst_runs(np.array([])) == []
    assert burst_runs(np.array([1.0])) == []


def test_sag_and_rebound():
    on = (TIME >= 50.0) & (TIME < 250.0)
    after = TIME >= 250.0
    voltage = np.where(on, -85.0 - 10.0 * np.exp(-(TIME - 50.0) / 20.0) * (1.0 - np.exp(-(TIME - 50.0) / 2.0)), -70.0)
    voltage = voltage + np.where(after, 4.0 * np.exp(-0.5 * ((TIME - 270.0) / 5.0) ** 2), 0.0)
    each = ps.analysis.features(current_clamp(voltage, DT, np.where(on, -100.0, 0.0)))
    assert each.rest.values[0] == -70.0
    assert each.steady.values[0] == pytest.approx(-85.0, abs=0.01)
    lowest = voltage.min()
    assert each.sag.values[0] == pytest.approx(-85.0 - lowest, abs=0.2)
    assert each.sag_ratio.values[0] == pytest.approx((-85.0 - lowest) / (-70.0 - lowest), abs=0.01)
    assert each.rebound.values[0] == pytest.approx(4.0, abs=0.05)
    assert each.rebound_spikes.values[0] == 0


def test_counts_of_a_recorded_neuron(shared):
    rec = ps.read(shared / "recordings" / "cc_pyr_171116sh_0018.abf")
    assert list(ps.analysis.spikes(rec, (147.0, 647.0)).counts) == COUNTS
    assert list(ps.analysis.spikes(rec).counts) == COUNTS  # the first step is found
    curve = ps.analysis.fi_curve(rec)
    assert curve.rheobase.value == 50.0
    assert curve.rheobase.error == pytest.approx(25.0 / np.sqrt(12.0))
    assert curve.gain.value == pytest.approx(0.066, abs=0.005)
    # The last 1353 ms of the same sweeps, as of a stream that goes on.
    tail = ps.analysis.last(rec, 1353.0)
    assert sum(ps.analysis.spikes(tail, (1647.0, 2147.0)).counts) == sum(
        ps.analysis.spikes(rec, (1647.0, 2147.0)).counts
    )


def test_a_stream_is_measured_by_its_end():
    rec = current_clamp(drawn(50.0, 200.0, 250.0), DT)
    each = ps.analysis.features(ps.analysis.last(rec, 150.0))
    assert each.count.values[0] == 2
    assert each.rate.values[0] == pytest.approx(2.0 / 0.15)


def test_f_i_curve_of_a_ladder():
    voltage = np.stack(
        [drawn(), drawn(100.0), drawn(100.0, 150.0), drawn(80.0, 120.0, 160.0), drawn(80.0, 110.0, 140.0, 180.0)]
    )
    order = [3, 0, 2, 1, 4]
    command = step(TIME.size, DT, 10.0 * np.arange(5.0), 50.0, 200.0)
    curve = ps.analysis.fi_curve(current_clamp(voltage[order], DT, command[order]))
    np.testing.assert_array_equal(curve.current.values, 10.0 * np.arange(5.0))
    np.testing.assert_allclose(curve.rate.values, [0.0, 5.0, 10.0, 15.0, 20.0])
    assert curve.rheobase.value == 10.0
    assert curve.gain.value == pytest.approx(0.5)
    np.testing.assert_allclose(curve.first_rate.values[2:], 1e3 / np.array([50.0, 40.0, 30.0]), rtol=1e-3)
    assert curve.last_rate.values[4] == pytest.approx(25.0, rel=1e-3)
    silent = ps.analysis.fi_curve(current_clamp(np.stack([drawn()] * 2), DT, command[:2]))
    assert silent.rheobase.reason == "no sweep has a spike"
    firing = ps.analysis.fi_curve(current_clamp(voltage[1:], DT, command[1:]))
    assert firing.rheobase.reason == "the cell fires in the weakest step too"
    unknown = ps.analysis.fi_curve(current_clamp(voltage, DT))
    assert unknown.rheobase.reason == "the recording holds no command"
