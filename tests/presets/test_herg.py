"""The protocols for hERG are those that were published, and played."""

import jax
import numpy as np

import patch_sim as ps


def command(protocol: ps.VoltageClamp) -> np.ndarray:
    return np.asarray(jax.jit(ps.VoltageClamp.command)(protocol))[0]


def test_the_sine_is_what_was_played_to_a_cell(shared):
    with np.load(shared / "recordings/vc_herg_cho_cell5_sine.npz") as file:
        played, dt = file["Vcmd_mV"], float(file["dt_ms"])
    # the recording begins a sample early
    ours = command(ps.presets.herg_sine(dt=dt))
    assert ours.size == played.size
    np.testing.assert_allclose(ours[:-1], played[1:], atol=1e-4)


def test_the_staircase():
    protocol = ps.presets.herg_staircase(dt=1.0)
    voltage = command(protocol)
    assert (protocol.duration, voltage[0], voltage[-1]) == (15400.0, -80.0, -80.0)
    # the ramps of the paper: -120 to -80 mV in 400 ms for the leak, and down by 0.4 mV/ms from -70 to -110 mV
    np.testing.assert_allclose(voltage[300:700], -120.0 + 0.1 * np.arange(400), atol=1e-9)
    np.testing.assert_allclose(voltage[14410:14510], -70.0 - 0.4 * np.arange(100), atol=1e-9)
    stairs = voltage[3400:13400:500]
    np.testing.assert_array_equal(voltage[3400:13400], np.repeat(stairs, 500))
    up, down = stairs[:10], stairs[10:]
    np.testing.assert_array_equal(up[::2], [-40, -20, 0, 20, 40])
    np.testing.assert_array_equal(up[1::2], up[::2] - 20)
    np.testing.assert_array_equal(down[::2], up[::-2] + 20)
    np.testing.assert_array_equal(down[1::2], down[::2] - 40)
    before = {200: -80, 275: -120, 800: -80, 1000: 40, 2000: -120, 2500: -80}
    after = {13500: -80, 14000: 40, 14405: -70, 14600: -120}
    for time, level in (before | after).items():
        assert voltage[time] == level
