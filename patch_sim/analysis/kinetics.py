"""How fast currents change: time constants over voltage, and tails."""

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from patch_sim.analysis import draw
from patch_sim.analysis.boltzmann import boltzmann, fit_boltzmann, reversal_of
from patch_sim.analysis.measurement import REASON, AbstractMeasurement, Column, NotMeasurableError, Value, unmeasured
from patch_sim.analysis.relaxation_fit import Relaxation, relax_as_needed
from patch_sim.analysis.steps import Steps, check_skip, measure, segment_after, steps
from patch_sim.analysis.trace import check_clipped, check_window, first_step, trace
from patch_sim.protocols import Mode
from patch_sim.recording import Recording

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_NOISES = 5.0  # a current that changes by less than so many times its noise has no time constant


@dataclasses.dataclass(frozen=True, eq=False)
class TimeConstants(AbstractMeasurement):
    r"""$I = I_\infty + \sum_k a_k e^{-t / \tau_k}$ in each sweep, a row each.

    Attributes:
        voltage: commanded in the window, mV, ascending.
        tau: the time constant, ms; of two, that of the larger amplitude.
        second_tau: the other one, ms.
        share: of `tau` in the sum of both amplitudes.
        amplitude: of `tau` where the window begins, pA.
        plateau: $I_\infty$, pA.
    """

    voltage: Column
    tau: Column
    second_tau: Column
    share: Column
    amplitude: Column
    plateau: Column

    def plot(self) -> "Figure":
        """Draw the time constants over voltage; needs matplotlib."""
        figure, axes = draw.figure(1)
        if not np.isfinite(self.tau.values).any():
            draw.missing(axes, self.tau.reasons[0] if len(self.tau) else self.notes[0])
            return figure
        draw.points(axes, self.voltage, self.tau, text="larger amplitude")
        if np.isfinite(self.second_tau.values).any():
            draw.points(axes, self.voltage, self.second_tau, color=draw.FIT, text="smaller amplitude")
            axes.legend(frameon=False, fontsize=8)
        axes.set_yscale("log" if np.nanmax(self.tau) > 20.0 * np.nanmin(self.tau) else "linear")
        draw.label(axes, "voltage (mV)", "time constant (ms)")
        return figure


@dataclasses.dataclass(frozen=True, eq=False)
class Tail(AbstractMeasurement):
    """The currents in which channels close, a row for each sweep.

    Attributes:
        before: level of the step before, mV.
        voltage: level of the tail, mV.
        initial: current where the tail begins, pA, by the exponential drawn back to there.
        tau: ms.
        plateau: pA.
        reversal: where the initial currents change their sign over the tail's voltage, mV, with leak subtracted.
        half_voltage: of the Boltzmann curve through the initial currents over the level before, mV.
        slope: of that curve, mV.
    """

    before: Column
    voltage: Column
    initial: Column
    tau: Column
    plateau: Column
    reversal: Value
    half_voltage: Value
    slope: Value

    def plot(self) -> "Figure":
        """Draw the initial currents and the time constants; needs matplotlib."""
        figure, (top, bottom) = draw.figure(2, height=2.8)
        over, name = self.voltage, "voltage of the tail (mV)"
        if len(self.voltage) and np.ptp(self.voltage.values) == 0.0:
            over, name = self.before, "voltage before the tail (mV)"
        if not np.isfinite(self.initial.values).any():
            draw.missing(top, self.reversal.reason)
            return figure
        draw.points(top, over, self.initial)
        if self.half_voltage.measurable:
            v = np.linspace(over.values.min(), over.values.max(), 200)
            shape = boltzmann(v, self.half_voltage.value, self.slope.value)
            seen = np.isfinite(self.initial.values)
            known = boltzmann(over.values[seen], self.half_voltage.value, self.slope.value)
            ends = np.polyfit(known, self.initial.values[seen], 1)
            top.plot(v, np.polyval(ends, shape), color=draw.FIT)
        draw.points(bottom, over, self.tau)
        draw.label(top, "", "initial current (pA)")
        draw.label(bottom, name, "time constant (ms)")
        return figure


def time_constants(
    recording: Recording,
    window: Sequence[float] | None = None,
    *,
    from_peak: bool = False,
    exponentials: int = 1,
    skip: float = 0.0,
) -> TimeConstants:
    """Fit exponentials to the current of each sweep.

    Args:
        recording: in voltage clamp.
        window: where the current relaxes, (start, end) in ms; None for the first step of the command.
        from_peak: begin at the peak current of each sweep, and so see inactivation only; else where the window begins.
        exponentials: how many at most: of 2, the second is kept where the samples call for it.
        skip: how much to leave out after that beginning, ms.

    Raises:
        ValueError: an argument that is not what it should be.
    """
    check_window(window)
    check_skip(skip)
    if exponentials not in (1, 2):
        raise ValueError(f"exponentials must be 1 or 2, not {exponentials!r}")
    try:
        found = steps(recording, window, 0.0)
    except NotMeasurableError as error:
        return TimeConstants(*unmeasured(str(error), _UNITS), notes=(REASON.format(error),))
    order = np.argsort(found.level, kind="stable")
    begins = found.peak_time if from_peak else np.full_like(found.peak_time, found.window[0])
    rows = [_row(found, int(k), float(begins[k]) + skip, exponentials) for k in order]
    columns = (Column.of(column, unit) for column, unit in zip(zip(*rows, strict=True), _UNITS, strict=True))
    return TimeConstants(*columns)


_UNITS = ("mV", "ms", "ms", "", "pA", "pA")


def _row(found: Steps, sweep: int, begin: float, most: int) -> list[Value | float | str]:
    level = float(found.level[sweep])
    if not np.isfinite(begin):
        return [level, *["no peak stands out from the noise"] * 5]
    try:
        fitted = _relaxation(found, sweep, begin, most)
    except NotMeasurableError as error:
        return [level, *[str(error)] * 5]
    fit, count = fitted.fit, fitted.count
    large = int(np.argmax(np.abs(fitted.amplitudes)))
    second: Value | str = "one exponential is enough" if most == 2 else "one exponential was fitted"
    share: Value | float = 1.0
    if count == 2:
        second = fit.value(3 + (1 - large), "ms")
        share = float(abs(fitted.amplitudes[large]) / np.sum(np.abs(fitted.amplitudes)))
    return [level, fit.value(1 + count + large, "ms"), second, share, fit.value(1 + large, "pA"), fit.value(0, "pA")]


def _relaxation(found: Steps, sweep: int, begin: float, most: int) -> Relaxation:
    """The exponentials in one sweep from a time on, to the end of the window."""
    inside = found.traced.part(begin, found.window[1])
    current, time = found.traced.response[sweep, inside], found.traced.time[inside]
    if current.size < 8:
        raise NotMeasurableError(f"only {current.size} samples are left to fit")
    check_clipped(current, "pA")
    if np.ptp(current) < _NOISES * found.noise[sweep]:
        raise NotMeasurableError("the current does not change by more than its noise")
    return relax_as_needed(time - begin, current, most)


def tail(
    recording: Recording,
    window: Sequence[float] | None = None,
    *,
    skip: float = 0.0,
) -> Tail:
    """Measure tail currents: after steps to one level the reversal potential, or at one level the activation.

    Args:
        recording: in voltage clamp.
        window: the tail, (start, end) in ms; None for the first step of the command if something precedes it that is
            not the holding level, or else for what follows it.
        skip: how much of the tail's start to leave out, with a capacitive transient in it, ms.

    Raises:
        ValueError: an argument that is not what it should be.
    """
    check_window(window)
    check_skip(skip)
    units = ("mV", "mV", "pA", "ms", "pA")
    try:
        traced = trace(recording, Mode.VOLTAGE_CLAMP)
        if window is None:
            step = first_step(traced)
            if step is None:
                raise NotMeasurableError("the command has no step")
            opened = traced.part(traced.time[0], step[0])
            same = traced.command is not None and np.ptp(traced.command[:, opened]) == 0.0
            window = segment_after(traced, step) if same else step
        found = measure(traced, (float(window[0]), float(window[1])))
        before = traced.levels((max(window[0] - 1.0, traced.time[0]), window[0]))
    except NotMeasurableError as error:
        return Tail(*unmeasured(str(error), units, ("mV", "mV", "mV")))
    rows = [_tail_row(found, k, float(before[k]), skip) for k in range(len(before))]
    columns: list[Any] = [Column.of(column, unit) for column, unit in zip(zip(*rows, strict=True), units, strict=True)]
    return Tail(*columns, *_tail_curve(*columns[:3]))


def _tail_row(found: Steps, sweep: int, before: float, skip: float) -> list[Value | float | str]:
    level, begin = float(found.level[sweep]), found.window[0]
    try:
        fit = _relaxation(found, sweep, begin + skip, 1).fit
    except NotMeasurableError as error:
        return [before, level, *[str(error)] * 3]
    initial = fit.derived(lambda p: p[0] + p[1] * np.exp(skip / p[2]), "pA")
    return [before, level, initial, fit.value(2, "ms"), fit.value(0, "pA")]


def _tail_curve(before: Column, voltage: Column, initial: Column) -> list[Value]:
    """Reversal, half-voltage and slope."""
    seen = np.isfinite(initial.values)
    if not seen.any():
        return [Value.of(f"of the tails, {initial.reasons[0]}", "mV")] * 3
    if np.ptp(voltage.values) > 0.0:
        order = np.argsort(voltage.values[seen], kind="stable")
        known = Value.of("the level before the tail is the same in all sweeps", "mV")
        return [
            reversal_of(voltage.values[seen][order], initial.values[seen][order], initial.errors[seen][order]),
            known,
            known,
        ]
    reversal = Value.of("the tail's level is the same in all sweeps", "mV")
    try:
        if np.ptp(before.values) == 0.0:
            raise NotMeasurableError("the level before the tail is the same in all sweeps")
        fit = fit_boltzmann(before.values[seen], initial.values[seen])
    except NotMeasurableError as error:
        return [reversal, *[Value.of(str(error), "mV")] * 2]
    return [reversal, fit.value(2, "mV"), fit.value(3, "mV")]
