"""Voltage protocols that tell all of a hERG channel's kinetics in a few seconds."""

import math
from typing import Any

from patch_sim.protocols import VoltageClamp
from patch_sim.stimuli import AbstractStimulus, Levels, Sine

_STAIRS = (-40, -60, -20, -40, 0, -20, 20, 0, 40, 20, 40, 0, 20, -20, 0, -40, -20, -60, -40)


def herg_sine(*, dt: Any = 0.1) -> VoltageClamp:
    r"""The sinusoidal protocol of Beattie et al. (2018), J Physiol 596:1813-1828: 8 s from -80 mV.

    From 3 s to 6.5 s, in mV and ms,
    $V = -30 + 54 \sin(0.007 (t - 2500)) + 26 \sin(0.037 (t - 2500)) + 10 \sin(0.19 (t - 2500))$;
    before and after it steps to -120 and 40 mV, for leak, availability and conductance.

    Args:
        dt: between samples, ms.
    """
    before = [(-80.0, 250.0), (-120.0, 50.0), (-80.0, 200.0), (40.0, 1000.0), (-120.0, 500.0), (-80.0, 1000.0)]
    stimulus: AbstractStimulus = Levels([*before, (-30.0, 3500.0), (-120.0, 500.0), (-80.0, 1000.0)])
    for amplitude, rate in ((54.0, 0.007), (26.0, 0.037), (10.0, 0.19)):  # mV, rad/ms
        frequency, phase = rate * 1e3 / (2.0 * math.pi), 500.0 * rate
        wave = Sine(amplitude=amplitude, frequency=frequency, start=3000.0, duration=3500.0, phase=phase)
        stimulus = stimulus + wave
    return VoltageClamp(stimulus, duration=8000.0, dt=dt, holding=-80.0)


def herg_staircase(*, dt: Any = 0.1) -> VoltageClamp:
    """The staircase protocol of Lei et al. (2019), Biophys J 117:2438-2454: 15.4 s from -80 mV.

    A ramp for the leak and a first activation; steps of 500 ms, up and down between -60 and 40 mV; and, after a step to
    40 mV, a ramp through the reversal potential of potassium.

    Args:
        dt: between samples, ms.
    """
    levels = [(-80.0, 250.0), (-120.0, 50.0), (-80.0, 400.0), (-80.0, 200.0)]
    levels += [(40.0, 1000.0), (-120.0, 500.0), (-80.0, 1000.0)]
    levels += [(float(stair), 500.0) for stair in _STAIRS]
    levels += [(-80.0, 1000.0), (40.0, 500.0), (-70.0, 10.0), (-110.0, 100.0), (-120.0, 390.0), (-80.0, 500.0)]
    return VoltageClamp(Levels(levels, ramps=(2, len(levels) - 3)), duration=15400.0, dt=dt, holding=-80.0)
