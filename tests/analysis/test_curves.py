"""Curves over voltage, time constants, recovery and tails: of channels whose curves are known exactly."""

import jax.numpy as jnp
import numpy as np
import pytest

import patch_sim as ps
from patch_sim.rates import Boltzmann, Gaussian
from tests.analysis.noise import current_clamp, noisy, step, voltage_clamp

OPENS = ps.Channel(
    {"n": ps.InfTauGate(inf=Boltzmann(-25.0, 7.0), tau=2.0 + Gaussian(6.0, -30.0, 25.0))}, g_max=8.0, reversal=-55.0
)
CLOSES = ps.Channel(
    {"h": ps.InfTauGate(inf=Boltzmann(-55.0, -6.0), tau=3.0 + Gaussian(8.0, -50.0, 30.0))}, g_max=8.0, reversal=40.0
)
CONDUCTANCE = 160.0  # nS, of 8 mS/cm2 on 2000 um2


def cell(channel: ps.Channel) -> ps.Neuron:
    return ps.Neuron({"X": channel}, area=2000.0, temperature=20.0)


def tau(channel: ps.Channel, gate: str, voltage: np.ndarray) -> np.ndarray:
    return np.asarray(channel.gates[gate].time_constant(jnp.asarray(voltage)))


@pytest.fixture(scope="module")
def family() -> ps.Recording:
    protocol = ps.presets.voltage_clamp.activation(tuple(range(-90, 61, 10)), holding=-90.0, duration=100.0, dt=0.05)
    return noisy(ps.simulate(cell(OPENS), protocol), 5.0)


@pytest.fixture(scope="module")
def conditioned() -> ps.Recording:
    levels = tuple(range(-110, -19, 10))
    protocol = ps.presets.inactivation(levels, holding=-110.0, conditioning=150.0, dt=0.05)
    return noisy(ps.simulate(cell(CLOSES), protocol), 5.0)


def test_i_v(family):
    found = ps.analysis.iv_curve(family)
    v = np.arange(-90.0, 61.0, 10.0)
    truth = CONDUCTANCE * (v + 55.0) / (1.0 + np.exp(-(v + 25.0) / 7.0))
    np.testing.assert_array_equal(found.voltage.values, v)
    # 10 % of 100 ms at 0.05 ms: an error of 5 pA / sqrt(200).
    np.testing.assert_allclose(found.steady.errors, 5.0 / np.sqrt(200.0), rtol=0.1)
    assert np.max(np.abs(found.steady.values - truth) / found.steady.errors) < 4.0
    assert -60.0 < found.reversal.value < -50.0  # the curve bends between these two points
    inward = found.peak.values[v < -60.0]
    assert np.all(np.abs(inward - truth[v < -60.0]) < 40.0)
    np.testing.assert_allclose(found.peak.values[v > 0.0], truth[v > 0.0], atol=20.0)
    assert found.peak_time.reasons[0] == "no peak stands out from the noise"


def test_i_v_of_an_ohmic_membrane():
    command = step(2000, 0.05, np.arange(-120.0, -19.0, 20.0), 10.0, 80.0, holding=-70.0)
    noise = np.random.default_rng(0).normal(size=command.shape)
    found = ps.analysis.iv_curve(voltage_clamp(10.0 * (command + 65.0) + noise, 0.05, command))
    assert found.slope_conductance.value == pytest.approx(10.0, rel=1e-3)
    assert found.steady_reversal.value == pytest.approx(-65.0, abs=0.1)


@pytest.mark.parametrize("reversal", [None, -55.0])
def test_g_v(family, reversal):
    found = ps.analysis.gv_curve(family, steady=True, reversal=reversal)
    assert found.half_voltage.value == pytest.approx(-25.0, abs=0.05)
    assert found.slope.value == pytest.approx(7.0, abs=0.03)
    assert found.maximum.value == pytest.approx(CONDUCTANCE, rel=1e-3)
    assert found.reversal.value == pytest.approx(-55.0, abs=0.2)
    assert np.isnan(found.reversal.error) == (reversal is not None)
    v = found.voltage.values
    far = np.abs(v + 55.0) > 8.0
    np.testing.assert_allclose(found.fraction.values[far], 1.0 / (1.0 + np.exp(-(v[far] + 25.0) / 7.0)), atol=5e-3)


def test_g_v_of_the_squid_axons_sodium():
    protocol = ps.presets.voltage_clamp.activation(tuple(range(-80, 81, 10)), holding=-90.0, duration=8.0, dt=0.01)
    rec = ps.simulate(ps.presets.neuron("squid_axon").disabled("K").disabled("Leak"), protocol)
    found = ps.analysis.gv_curve(rec)
    # m^3 h is no Boltzmann curve: the stated error says so.
    assert found.reversal.error > 0.5
    assert found.reversal.value == pytest.approx(50.0, abs=3.0 * found.reversal.error)
    assert ps.analysis.iv_curve(rec).reversal.value == pytest.approx(50.0, abs=0.5)
    times = ps.analysis.iv_curve(rec).peak_time.values
    assert np.all(np.diff(times[6:12]) < 0.0)  # the stronger the step the earlier the peak


def test_inactivation(conditioned):
    found = ps.analysis.inactivation(conditioned)
    assert found.half_voltage.value == pytest.approx(-55.0, abs=0.1)
    assert found.slope.value == pytest.approx(-6.0, abs=0.1)
    v = found.voltage.values
    np.testing.assert_array_equal(v, np.arange(-110.0, -19.0, 10.0))
    np.testing.assert_allclose(found.fraction.values, 1.0 / (1.0 + np.exp((v + 55.0) / 6.0)), atol=0.01)
    again = ps.analysis.inactivation(conditioned, (160.0, 180.0), conditioning=(10.0, 160.0))
    assert again.half_voltage.value == found.half_voltage.value


def test_time_constants(family):
    found = ps.analysis.time_constants(family)
    v, seen = found.voltage.values, np.isfinite(found.tau.values)
    assert np.count_nonzero(seen) >= 11
    off = (found.tau.values - tau(OPENS, "n", v))[seen]
    assert np.max(np.abs(off) / found.tau.errors[seen]) < 4.0
    np.testing.assert_allclose(off[v[seen] >= -30.0], 0.0, atol=0.02)
    assert found.tau.reasons[0] == "no time constant can be told from the noise"
    assert found.second_tau.reasons[-1] == "one exponential was fitted"


def test_two_time_constants():
    time = np.arange(0.0, 120.0, 0.05)
    t = np.maximum(time - 10.0, 0.0)
    current = np.where(time < 10.0, 0.0, 100.0 - 600.0 * np.exp(-t / 3.0) - 200.0 * np.exp(-t / 20.0))
    rec = voltage_clamp(current + np.random.default_rng(0).normal(size=t.size), 0.05, np.where(time < 10.0, -80.0, 0.0))
    two = ps.analysis.time_constants(rec, exponentials=2)
    assert two.tau[0].value == pytest.approx(3.0, abs=4.0 * two.tau[0].error)
    assert two.second_tau[0].value == pytest.approx(20.0, abs=4.0 * two.second_tau[0].error)
    assert two.share.values[0] == pytest.approx(0.75, abs=0.01)
    assert two.tau[0].error < 0.05
    one = ps.analysis.time_constants(rec)
    assert 3.0 < one.tau[0].value < 20.0


def test_inactivation_from_the_peak_on():
    time = np.arange(0.0, 60.0, 0.05)
    t = np.maximum(time - 10.0, 0.0)
    current = 1000.0 * (np.exp(-t / 0.3) - np.exp(-t / 5.0)) + np.random.default_rng(0).normal(size=t.size)
    rec = voltage_clamp(current, 0.05, np.where(time < 10.0, -80.0, 0.0))
    found = ps.analysis.time_constants(rec, from_peak=True, skip=1.0)
    assert found.tau[0].value == pytest.approx(5.0, abs=4.0 * found.tau[0].error)
    assert found.tau[0].error < 0.05


def test_recovery():
    gaps = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0]
    protocol = ps.presets.recovery(gaps, holding=-110.0, first=60.0, second=10.0, dt=0.05)
    found = ps.analysis.recovery(noisy(ps.simulate(cell(CLOSES), protocol), 5.0))
    np.testing.assert_allclose(found.gap.values, gaps, atol=1e-6)
    assert found.tau.value == pytest.approx(float(tau(CLOSES, "h", np.array([-110.0]))[0]), abs=4.0 * found.tau.error)
    assert found.complete.value == pytest.approx(1.0, abs=0.01)


def test_tails_reverse():
    protocol = ps.presets.deactivation(
        tuple(range(-110, -19, 10)), opening=40.0, opening_duration=30.0, duration=40.0, dt=0.05
    )
    found = ps.analysis.tail(noisy(ps.simulate(cell(OPENS), protocol), 5.0))
    v, seen = found.voltage.values, np.isfinite(found.tau.values)
    np.testing.assert_array_equal(found.before.values, 40.0)
    assert found.reversal.value == pytest.approx(-55.0, abs=0.1)
    assert np.max(np.abs(found.tau.values - tau(OPENS, "n", v))[seen] / found.tau.errors[seen]) < 4.0
    np.testing.assert_allclose(found.initial.values[seen], CONDUCTANCE * (v + 55.0)[seen], rtol=0.01, atol=5.0)
    assert found.half_voltage.reason == "the level before the tail is the same in all sweeps"


def test_tails_activate():
    levels = tuple(range(-70, 31, 10))
    stimulus = ps.Levels([(-90.0, 10.0), (levels, 80.0), (-80.0, 30.0)])
    protocol = ps.VoltageClamp(stimulus, holding=-90.0, duration=120.0, dt=0.05)
    found = ps.analysis.tail(noisy(ps.simulate(cell(OPENS), protocol), 5.0))
    np.testing.assert_array_equal(found.before.values, levels)
    assert found.half_voltage.value == pytest.approx(-25.0, abs=0.2)
    assert found.slope.value == pytest.approx(7.0, abs=0.2)
    assert found.reversal.reason == "the tail's level is the same in all sweeps"


def test_nothing_to_measure(family):
    analysis = ps.analysis
    in_current_clamp = current_clamp(np.zeros(100), 0.1, np.zeros(100))
    wrong = "this is a recording in current clamp, and it takes one in voltage clamp"
    for measure in (analysis.iv_curve, analysis.gv_curve, analysis.inactivation, analysis.tail, analysis.recovery):
        assert all(value.reason == wrong for value in measure(in_current_clamp).values().values())
    assert wrong in str(analysis.time_constants(in_current_clamp))
    few = analysis.gv_curve(family.select([0, 1, 2]), reversal=-55.0)
    assert "3 points are too few to fit 3 parameters" in few.half_voltage.reason
    assert analysis.gv_curve(family.select(slice(0, 5)), steady=True, reversal=-55.0).half_voltage.reason
    short = analysis.time_constants(family, (10.0, 12.0))
    assert any("too short for a time constant" in reason for reason in short.tau.reasons)
    tiny = analysis.iv_curve(family, (10.0, 10.2))
    assert "samples" in tiny.reversal.reason
    assert analysis.recovery(family).tau.reason == "sweep 0 has no two steps to one level"
    assert "no other level follows" in analysis.inactivation(family, conditioning=(110.0, 120.0)).half_voltage.reason


@pytest.mark.parametrize(
    "measure", [ps.analysis.iv_curve, ps.analysis.gv_curve, ps.analysis.tail, ps.analysis.recovery]
)
def test_arguments_that_are_wrong(family, measure):
    with pytest.raises(ValueError, match=r"skip must be a time of at least 0 ms, not -1\.0"):
        measure(family, skip=-1.0)
    with pytest.raises(ValueError, match="exponentials must be 1 or 2, not 3"):
        ps.analysis.time_constants(family, exponentials=3)
