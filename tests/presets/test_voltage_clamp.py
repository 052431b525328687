"""Families of voltage steps: what they command, and what they take apart."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import patch_sim as ps

AXON = ps.presets.neuron("squid_axon")


def command(protocol: ps.VoltageClamp) -> np.ndarray:
    return np.asarray(jax.jit(ps.VoltageClamp.command)(protocol))


def stretches(protocol: ps.VoltageClamp) -> list[list[tuple[float, float]]]:
    """For each sweep the levels (mV) and how long each is held (ms)."""
    found = []
    for sweep in command(protocol):
        starts = np.flatnonzero(np.append(True, np.diff(sweep) != 0))
        lengths = np.diff(np.append(starts, sweep.size)) * protocol.dt
        found.append([(float(sweep[start]), round(float(n), 6)) for start, n in zip(starts, lengths, strict=True)])
    return found


@pytest.mark.parametrize(
    ("protocol", "expected"),
    [
        (
            ps.presets.activation([-40, 20], holding=-90, before=2, duration=3, after=1, dt=0.5),
            [[(-90, 2), (-40, 3), (-90, 1)], [(-90, 2), (20, 3), (-90, 1)]],
        ),
        (
            ps.presets.inactivation([-120, -50], before=2, conditioning=5, duration=3, after=1, dt=0.5),
            [[(-90, 2), (-120, 5), (0, 3), (-90, 1)], [(-90, 2), (-50, 5), (0, 3), (-90, 1)]],
        ),
        (
            ps.presets.recovery([1, 4], before=2, first=3, second=2, after=1, dt=0.5),
            [
                [(-90, 2), (0, 3), (-90, 1), (0, 2), (-90, 4)],
                [(-90, 2), (0, 3), (-90, 4), (0, 2), (-90, 1)],
            ],
        ),
        (
            ps.presets.recovery(1, between=-120, before=2, first=3, second=2, after=1, dt=0.5),
            [[(-90, 2), (0, 3), (-120, 1), (0, 2), (-90, 1)]],
        ),
        (
            ps.presets.deactivation([-100, -50], before=2, opening_duration=3, duration=2, after=1, dt=0.5),
            [[(-90, 2), (20, 3), (-100, 2), (-90, 1)], [(-90, 2), (20, 3), (-50, 2), (-90, 1)]],
        ),
        (
            ps.presets.envelope([1, 3], before=2, tail_duration=2, after=1, dt=0.5),
            [[(-90, 2), (20, 1), (-50, 2), (-90, 3)], [(-90, 2), (20, 3), (-50, 2), (-90, 1)]],
        ),
        (
            ps.presets.resurgent([-40, -20], before=2, opening_duration=3, duration=2, after=1, dt=0.5),
            [[(-90, 2), (30, 3), (-40, 2), (-90, 1)], [(-90, 2), (30, 3), (-20, 2), (-90, 1)]],
        ),
        (
            ps.presets.membrane_test(step=5, holding=-60, before=2, duration=3, after=1, dt=0.5),
            [[(-60, 2), (-55, 3), (-60, 1)]],
        ),
    ],
)
def test_what_is_commanded(protocol, expected):
    assert stretches(protocol) == expected


def test_recovery_follows_inactivation_as_it_is_removed():
    gaps = np.array([1.0, 2.0, 4.0, 8.0, 16.0, 32.0])
    rec = ps.simulate(AXON, ps.presets.recovery(gaps, first=60.0, dt=0.05), save=("currents",))
    time, sodium = np.asarray(rec.time), np.asarray(rec.currents["Na"])
    first = sodium[:, (time > 10.0) & (time < 20.0)].min(axis=1)
    peaks = [trace[(time > 70.0 + gap) & (time < 80.0 + gap)].min() for trace, gap in zip(sodium, gaps, strict=True)]
    fraction = np.array(peaks) / first
    h = AXON.channels["Na"].gates["h"]
    tau, rest, inactivated = (float(x) for x in (
        h.time_constant(jnp.asarray(-90.0)), h.steady_state(jnp.asarray(-90.0)), h.steady_state(jnp.asarray(0.0))
    ))  # fmt: skip
    assert np.all(np.diff(fraction) > 0)
    np.testing.assert_allclose(fraction, 1.0 - (1.0 - inactivated / rest) * np.exp(-gaps / tau), atol=0.1)


def test_the_current_of_an_action_potential_clamp_is_the_one_that_was_injected():
    pulse = ps.CurrentClamp(ps.Step(100.0, 2.0, 1.0), duration=20.0, dt=0.01)
    recorded = ps.simulate(AXON, pulse, save=("voltage", "measured_voltage", "current", "currents"))
    clamp = ps.presets.action_potential_clamp(recorded)
    np.testing.assert_allclose(command(clamp), recorded.voltage, atol=1e-12)
    played = ps.simulate(AXON, clamp, save=("current", "currents"))
    for name in ("Na", "K"):
        size = np.abs(recorded.currents[name]).max()
        np.testing.assert_allclose(played.currents[name], recorded.currents[name], atol=1e-3 * size)
    # the membrane's capacitance takes what the channels give; what is left is what the amplifier had injected
    time = np.asarray(recorded.time)
    away = (np.abs(time - 2.0) > 0.1) & (np.abs(time - 3.0) > 0.1) & (time < 19.9)
    sodium = float(jnp.abs(recorded.currents["Na"]).max())
    np.testing.assert_allclose(played.current[0, away], recorded.current[0, away], atol=0.02 * sodium)


def test_which_sweeps_are_clamped():
    voltage = np.array([[-65.0, -60.0, -50.0], [-70.0, 10.0, -70.0]])
    rec = ps.Recording(jnp.arange(3.0) * 0.1, ps.Mode.CURRENT_CLAMP, measured_voltage=jnp.asarray(voltage))
    np.testing.assert_allclose(command(ps.presets.action_potential_clamp(rec)), voltage)
    second = ps.presets.action_potential_clamp(rec, [1])
    np.testing.assert_allclose(command(second), voltage[1:])
    np.testing.assert_array_equal(second.holding, [-70.0])
    with pytest.raises(ValueError, match="takes a recording in current clamp, not Recording"):
        ps.presets.action_potential_clamp(ps.Recording(rec.time, ps.Mode.VOLTAGE_CLAMP))
    with pytest.raises(ValueError, match="holds no response"):
        ps.presets.action_potential_clamp(ps.Recording(rec.time, ps.Mode.CURRENT_CLAMP))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ps.presets.activation([]), r"Levels"),
        (lambda: ps.presets.activation(["high"]), r"Levels\.levels must be a number"),
        (lambda: ps.presets.recovery([-1.0]), r"Levels\.lengths must be at least 0 ms"),
        (lambda: ps.presets.activation(dt=0.0), r"VoltageClamp\.dt must be a positive time in ms"),
        (lambda: ps.presets.membrane_test(duration=-1.0), r"Step\.duration must be at least 0 ms"),
    ],
)
def test_impossible_families(make, message):
    with pytest.raises(ValueError, match=message):
        make()
