"""Protocols: what is commanded, for how long, how finely."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import patch_sim as ps

STEP = ps.Step([1.0, 2.0], 1.0, 2.0)
CLAMPS = [ps.CurrentClamp, ps.VoltageClamp]


@pytest.mark.parametrize("clamp", CLAMPS)
def test_command_is_holding_plus_stimulus(clamp):
    found = clamp(STEP, duration=5.0, dt=1.0, holding=-3.0).command()
    np.testing.assert_array_equal(found, [[-3, -2, -2, -3, -3], [-3, -1, -1, -3, -3]])


def test_holding_levels_make_sweeps_too():
    clamp = ps.VoltageClamp(ps.Step(10.0, 1.0, 1.0), duration=3.0, dt=1.0, holding=[-80.0, -60.0])
    assert clamp.sweeps == 2
    np.testing.assert_array_equal(clamp.command(), [[-80, -70, -80], [-60, -50, -60]])
    zipped = ps.VoltageClamp(STEP, duration=2.0, dt=1.0, holding=[-80.0, -60.0])
    np.testing.assert_array_equal(zipped.command(), [[-80, -79], [-60, -58]])


@pytest.mark.parametrize(
    ("duration", "dt", "samples"), [(5.0, 0.1, 50), (110.0, 0.025, 4400), (0.3, 0.1, 3), (1.0, 1.0, 1)]
)
def test_sample_k_is_at_k_dt(duration, dt, samples):
    clamp = ps.CurrentClamp(STEP, duration=duration, dt=dt)
    assert clamp.samples == samples
    np.testing.assert_array_equal(clamp.times, np.arange(samples) * dt)


def test_command_at_other_times():
    clamp = ps.CurrentClamp(STEP, duration=5.0, dt=1.0)
    np.testing.assert_array_equal(clamp.command(jnp.array([0.999, 1.0, 2.999, 3.0])), [[0, 1, 1, 0], [0, 2, 2, 0]])


def test_modes_and_their_units():
    assert ps.CurrentClamp(STEP, duration=5.0).mode is ps.Mode.CURRENT_CLAMP
    assert ps.VoltageClamp(STEP, duration=5.0).mode is ps.Mode.VOLTAGE_CLAMP
    assert (ps.Mode.CURRENT_CLAMP.command_unit, ps.Mode.CURRENT_CLAMP.response_unit) == ("pA", "mV")
    assert (ps.Mode.VOLTAGE_CLAMP.command_unit, ps.Mode.VOLTAGE_CLAMP.response_unit) == ("mV", "pA")


def test_a_protocol_is_a_pytree_of_its_numbers():
    clamp = ps.CurrentClamp(STEP, duration=5.0, dt=1.0, holding=2.0)
    doubled = jax.tree.map(lambda x: 2 * x, clamp)
    assert (doubled.duration, doubled.dt) == (5.0, 1.0)
    np.testing.assert_array_equal(doubled.command(), [[4, 4, 6, 6, 6], [4, 4, 8, 8, 8]])


@pytest.mark.parametrize("clamp", CLAMPS)
@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"duration": -1.0}, r"duration must be a positive time in ms, not -1\.0"),
        ({"duration": 0.0}, r"duration must be a positive time in ms, not 0\.0"),
        ({"duration": float("nan")}, r"duration must be a positive time in ms, not nan"),
        ({"duration": float("inf")}, r"duration must be a positive time in ms, not inf"),
        ({"duration": 5.0, "dt": 0.0}, r"dt must be a positive time in ms, not 0\.0"),
        ({"duration": 5.0, "dt": -0.1}, r"dt must be a positive time in ms, not -0\.1"),
        ({"duration": 5.0, "dt": 6.0}, r"dt \(6 ms\) is longer than the duration \(5 ms\)"),
        ({"duration": 5.0, "holding": float("nan")}, r"holding must be finite"),
        ({"duration": 5.0, "holding": "rest"}, r"holding must be a number in (pA|mV), not 'rest'"),
        ({"duration": 5.0, "holding": [0.0, 1.0, 2.0]}, r"3 holding levels and 2 sweeps do not zip"),
    ],
)
def test_impossible_protocols(clamp, settings, message):
    with pytest.raises(ValueError, match=rf"{clamp.__name__}.*{message}"):
        clamp(STEP, **settings)


def test_a_protocol_says_what_it_is():
    assert repr(ps.CurrentClamp(STEP, duration=5.0)) == "CurrentClamp(Step, 2 sweeps of 5 ms, 200 samples, dt 0.025 ms)"
    both = ps.VoltageClamp(ps.Step(1.0, 1.0, 1.0) + ps.Ramp(1.0, 1.0, 1.0), duration=0.5, dt=0.1)
    assert repr(both) == "VoltageClamp(Step + Ramp, 1 sweep of 0.5 ms, 5 samples, dt 0.1 ms)"
    assert repr(ps.VoltageClamp(STEP, duration=5.0, electrode=ps.Electrode())).endswith(" ms, electrode)")
    said = []
    jax.jit(lambda clamp: said.append(repr(clamp)))(both)
    assert said == [repr(both)]
    assert "holding=0" in repr(jax.tree.map(lambda leaf: 0, both))


@pytest.mark.parametrize(("clamp", "label"), [(ps.CurrentClamp, "current (pA)"), (ps.VoltageClamp, "voltage (mV)")])
def test_a_protocol_draws_itself(clamp, label):
    figure = clamp(STEP, duration=5.0, dt=1.0).plot()
    (axes,) = figure.axes
    assert axes.get_ylabel() == label
    assert [np.ptp(line.get_ydata()) for line in axes.lines] == [1.0, 2.0]
    assert {line.get_drawstyle() for line in axes.lines} == {"steps-post"}
    ramp = clamp(ps.Ramp(1.0, 0.0, 1.0), duration=5.0, dt=1.0).plot()
    assert ramp.axes[0].lines[0].get_drawstyle() == "default"


def test_files_of_other_kinds():
    with pytest.raises(ValueError, match=r"cannot save as '\.abf'; there are: \.json, \.atf"):
        ps.CurrentClamp(STEP, duration=5.0).save("steps.abf")
    with pytest.raises(ValueError, match="cannot save as 'a file without suffix'"):
        ps.CurrentClamp(STEP, duration=5.0).save("steps")
