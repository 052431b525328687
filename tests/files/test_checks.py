"""What is flagged, and what is not."""

import numpy as np
import pytest

from patch_sim.files.checks import flags
from patch_sim.protocols import Mode

CC, VC = Mode.CURRENT_CLAMP, Mode.VOLTAGE_CLAMP
NOISE = np.random.default_rng(0).normal(size=(2, 100))
STEP = np.where(np.arange(100) < 30, 0.0, 50.0) * np.ones((2, 1))


@pytest.mark.parametrize(
    ("mode", "response", "command"),
    [
        (CC, -65.0 + NOISE, STEP),
        (CC, np.where(STEP > 0.0, 20.0, -65.0) + NOISE, STEP),
        (CC, -65.0 + NOISE, 0.0 * STEP),
        (CC, -65.0 + 0.0 * NOISE + STEP / 10.0, STEP),
        (VC, 100.0 * NOISE, STEP - 70.0),
        (VC, 5000.0 * NOISE, STEP - 120.0),
        (VC, 5.0 * NOISE, 0.0 * STEP),
    ],
)
def test_nothing_is_said_of_sound_recordings(mode, response, command):
    assert list(flags(mode, response, command)) == []


@pytest.mark.parametrize(
    ("mode", "response", "command", "said"),
    [
        (CC, np.where(STEP > 0.0, 700.0, -1200.0), STEP, "reaches from -1200 to 700 mV"),
        (CC, -12.0 + NOISE, STEP, "the rest, before the command changes, is -12"),
        (CC, -150.0 + NOISE, STEP, "the rest"),
        (CC, -0.065 + 0.001 * NOISE, STEP, "was it in V?"),
        (CC, np.where(NOISE > 2.0, np.nan, NOISE - 60.0), STEP, "not finite"),
        (CC, np.full((2, 100), np.nan), STEP, "nothing was recorded"),
        (CC, np.full((2, 100), -60.0), STEP, "nothing was recorded"),
        (CC, -65.0 + NOISE, STEP * 1e-3, "the command stays within 0 and 0.05 pA: was it in nA"),
        (CC, -65.0 + NOISE, None, "does not say what was commanded"),
        (VC, 0.01 * NOISE, STEP - 70.0, "the response stays within"),
        (VC, 1e7 * NOISE, STEP - 70.0, "beyond 1e\\+06 pA"),
        (VC, 100.0 * NOISE, (STEP - 70.0) * 1e-3, "was it in V?"),
        (VC, 100.0 * NOISE, np.full((1, 100), -0.07), "was it in V?"),
        (VC, 100.0 * NOISE, (STEP - 70.0) * 1e3, "the command reaches"),
        (VC, 100.0 * NOISE, np.where(STEP > 0.0, np.inf, 0.0), "the command has 140 samples"),
    ],
)
def test_what_looks_wrong_is_said(mode, response, command, said):
    assert any(said.replace("\\", "") in flag for flag in flags(mode, response, command))
