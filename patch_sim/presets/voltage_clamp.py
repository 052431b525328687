"""Families of voltage steps that take a current apart."""

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp

from patch_sim.protocols import Mode, VoltageClamp
from patch_sim.recording import Recording
from patch_sim.stimuli import Levels, Samples, Step


def activation(
    levels: Any = tuple(range(-80, 61, 10)),
    *,
    holding: Any = -90.0,
    before: Any = 10.0,
    duration: Any = 30.0,
    after: Any = 10.0,
    dt: Any = 0.025,
) -> VoltageClamp:
    """Steps to many levels: how a current opens, and the I-V curve.

    Args:
        levels: of the steps, mV.
        holding: mV, before and after.
        before: ms at the holding level.
        duration: of the steps, ms.
        after: ms at the holding level.
        dt: between samples, ms.
    """
    return _clamp([(holding, before), (levels, duration)], holding, after, dt)


def inactivation(
    levels: Any = tuple(range(-120, -9, 10)),
    *,
    holding: Any = -90.0,
    before: Any = 10.0,
    conditioning: Any = 200.0,
    test: Any = 0.0,
    duration: Any = 20.0,
    after: Any = 10.0,
    dt: Any = 0.025,
) -> VoltageClamp:
    """A test step after conditioning at many levels: how much of a current each leaves available at steady state.

    Args:
        levels: of the conditioning step, mV.
        holding: mV, before and after.
        before: ms at the holding level.
        conditioning: for how long, ms.
        test: level of the test step, mV.
        duration: of the test step, ms.
        after: ms at the holding level.
        dt: between samples, ms.
    """
    return _clamp([(holding, before), (levels, conditioning), (test, duration)], holding, after, dt)


def recovery(
    gaps: Any = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0),
    *,
    holding: Any = -90.0,
    before: Any = 10.0,
    level: Any = 0.0,
    first: Any = 30.0,
    between: Any = None,
    second: Any = 10.0,
    after: Any = 10.0,
    dt: Any = 0.025,
) -> VoltageClamp:
    """Two steps with a growing gap between them: how fast a current recovers from the inactivation by the first.

    Args:
        gaps: between the steps, ms.
        holding: mV, before and after.
        before: ms at the holding level.
        level: of both steps, mV.
        first: duration of the first step, ms.
        between: level in the gap, mV; None for the holding level.
        second: duration of the second step, ms.
        after: ms at the holding level, at least.
        dt: between samples, ms.
    """
    gap = (holding if between is None else between, gaps)
    return _clamp([(holding, before), (level, first), gap, (level, second)], holding, after, dt)


def deactivation(
    levels: Any = tuple(range(-120, -29, 10)),
    *,
    holding: Any = -90.0,
    before: Any = 10.0,
    opening: Any = 20.0,
    opening_duration: Any = 5.0,
    duration: Any = 50.0,
    after: Any = 10.0,
    dt: Any = 0.025,
) -> VoltageClamp:
    """Steps to many levels after one that opens the channels: the tail currents in which they close, and reverse.

    Args:
        levels: of the tails, mV.
        holding: mV, before and after.
        before: ms at the holding level.
        opening: level that opens the channels, mV.
        opening_duration: how long, ms.
        duration: of the tails, ms.
        after: ms at the holding level.
        dt: between samples, ms.
    """
    return _clamp([(holding, before), (opening, opening_duration), (levels, duration)], holding, after, dt)


def envelope(
    durations: Any = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0),
    *,
    holding: Any = -90.0,
    before: Any = 10.0,
    level: Any = 20.0,
    tail: Any = -50.0,
    tail_duration: Any = 50.0,
    after: Any = 10.0,
    dt: Any = 0.025,
) -> VoltageClamp:
    """A step of growing duration, then a tail: how the tails begin shows how channels open, at one driving force.

    Args:
        durations: of the step, ms.
        holding: mV, before and after.
        before: ms at the holding level.
        level: of the step, mV.
        tail: level of the tail, mV.
        tail_duration: ms.
        after: ms at the holding level, at least.
        dt: between samples, ms.
    """
    return _clamp([(holding, before), (level, durations), (tail, tail_duration)], holding, after, dt)


def resurgent(
    levels: Any = tuple(range(-80, -9, 10)),
    *,
    holding: Any = -90.0,
    before: Any = 10.0,
    opening: Any = 30.0,
    opening_duration: Any = 10.0,
    duration: Any = 100.0,
    after: Any = 10.0,
    dt: Any = 0.025,
) -> VoltageClamp:
    """Repolarization to many levels after a step that blocks and inactivates: the sodium current that flows again then.

    Raman and Bean (1997), J Neurosci 17:4517-4526, depolarized to 30 mV, and saw it between -60 and -20 mV; how long
    each level lasts is a choice.

    Args:
        levels: of the repolarization, mV.
        holding: mV, before and after.
        before: ms at the holding level.
        opening: level of the first step, mV.
        opening_duration: ms.
        duration: of the repolarization, ms.
        after: ms at the holding level.
        dt: between samples, ms.
    """
    return _clamp([(holding, before), (opening, opening_duration), (levels, duration)], holding, after, dt)


def membrane_test(
    *,
    step: Any = -10.0,
    holding: Any = -70.0,
    before: Any = 20.0,
    duration: Any = 50.0,
    after: Any = 50.0,
    dt: Any = 0.02,
) -> VoltageClamp:
    """One small step: input resistance, and with an electrode its series resistance and the cell's capacitance.

    Args:
        step: mV, on top of the holding level.
        holding: mV.
        before: ms at the holding level.
        duration: of the step, ms.
        after: ms at the holding level.
        dt: between samples, ms.
    """
    return VoltageClamp(Step(step, before, duration), duration=before + duration + after, dt=dt, holding=holding)


def action_potential_clamp(recording: Recording, sweeps: Sequence[int] | slice = slice(None)) -> VoltageClamp:
    """Command what was recorded in current clamp: which currents flow during an action potential.

    The voltage goes in straight lines from sample to sample. Each sweep is held at its first sample, where the gates
    start at steady state: begin the recording at rest.

    Args:
        recording: in current clamp, simulated or from a file, evenly sampled.
        sweeps: which of its sweeps.

    Raises:
        ValueError: a recording of another mode or without a voltage, uneven samples, a voltage that is not finite.
    """
    if not isinstance(recording, Recording) or recording.mode is not Mode.CURRENT_CLAMP:
        raise ValueError(f"action_potential_clamp takes a recording in current clamp, not {recording!r}")
    voltage = recording.select(sweeps).response
    holding = voltage[:, 0]
    samples = Samples(voltage - holding[:, None], recording.dt, linear=True)
    return VoltageClamp(samples, duration=voltage.shape[1] * recording.dt, dt=recording.dt, holding=holding)


def _clamp(levels: list[tuple[Any, Any]], holding: Any, after: Any, dt: Any) -> VoltageClamp:
    """A protocol of levels and their lengths (mV, ms) that lasts until some time after the end of the longest sweep."""
    stimulus = Levels(levels)
    duration = float(jnp.max(jnp.sum(stimulus.lengths, axis=1))) + after
    return VoltageClamp(stimulus, duration=duration, dt=dt, holding=holding)
