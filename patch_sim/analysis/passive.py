"""Passive properties in current clamp, and how they go with those in voltage clamp."""

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from patch_sim.analysis import draw
from patch_sim.analysis.features import features
from patch_sim.analysis.fit_curve import fit_curve
from patch_sim.analysis.measurement import AbstractMeasurement, Column, NotMeasurableError, Value, unmeasured
from patch_sim.analysis.membrane_test import MembraneTest
from patch_sim.analysis.relaxation_fit import Relaxation, relax_as_needed
from patch_sim.analysis.trace import Trace, check_clipped, check_window, resolve, trace
from patch_sim.protocols import Mode
from patch_sim.recording import Recording

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_SETTLED = 0.1  # of the step, at its end
_LAG = 0.5  # ms: what the pipette takes
_LEAST = 0.5  # mV: a weaker mean response is lost in noise
_SAGS, _UP_TO = 1.05, 0.95  # a response that turns so much above where it settles sags; it is fitted up to so far
_AGREE = 1.3  # a larger ratio of two capacitances is worth a word


@dataclasses.dataclass(frozen=True, eq=False)
class Passive(AbstractMeasurement):
    """Passive properties from steps that hyperpolarize, a row for each of them.

    Attributes:
        current: the step from what was before it, pA.
        steady: the change of voltage over the last tenth of the step, mV.
        largest: the largest change of a running mean of 1 ms, mV: before a sag.
        resting: mean voltage before the steps, mV.
        input_resistance: slope of the straight line through the steady changes over the current, MOhm.
        largest_resistance: the same of the largest changes, before a sag.
        onset_resistance: where the exponential would settle, less the bridge, MOhm: the membrane's before any sag.
        tau: the slowest time constant with which the voltage sets out, ms: of the mean of all steps, each divided by
            its current; where it sags, up to 95 % of the way to the turn.
        fast_tau: a second, faster one where the samples call for it, ms: of charge that spreads along dendrites.
        capacitance: tau over input resistance, pF, as it is often reported. Where the voltage sags, or the cell has
            dendrites, more than there is.
        onset_capacitance: tau over onset resistance, pF: both of the same exponential.
        bridge: what of the voltage jumps at the step, over the current, MOhm: a resistance in series not balanced, and
            what of the cell charges faster than is seen.
        mean: the mean response, `(samples, 3)`: time since the step (ms), measured and fitted (MOhm).
    """

    current: Column
    steady: Column
    largest: Column
    resting: Value
    input_resistance: Value
    largest_resistance: Value
    onset_resistance: Value
    tau: Value
    fast_tau: Value
    capacitance: Value
    onset_capacitance: Value
    bridge: Value
    mean: np.ndarray = dataclasses.field(default_factory=lambda: np.zeros((0, 3)))

    def plot(self) -> "Figure":
        """Draw voltage over current, and the mean onset with its fit; needs matplotlib."""
        figure, (left, right) = draw.figure(1, 2)
        if not len(self.current):
            draw.missing(left, self.input_resistance.reason)
            return figure
        draw.points(left, self.current, self.largest, color="0.6", text="largest")
        draw.points(left, self.current, self.steady, text="steady")
        left.legend(frameon=False, fontsize=8)
        draw.label(left, "current (pA)", "change of voltage (mV)", f"Rin {self.input_resistance}")
        if len(self.mean):
            right.plot(self.mean[:, 0], self.mean[:, 1], color=draw.DATA, linewidth=1.2)
            right.plot(self.mean[:, 0], self.mean[:, 2], color=draw.FIT)
            draw.label(right, "time since the step (ms)", "voltage / current (MOhm)", f"tau {self.tau}")
        else:
            draw.missing(right, self.tau.reason)
        return figure


@dataclasses.dataclass(frozen=True, eq=False)
class Capacitances(AbstractMeasurement):
    """The capacitance of one cell, four times.

    Attributes:
        current_clamp: membrane time constant over input resistance, pF.
        current_clamp_onset: the same over the resistance before any sag, pF.
        clamp_tau: by the time constant of the membrane test, pF.
        clamp_charge: by its charge, pF.
        ratio: the first over that by the clamp's time constant.
        notes: what it means if they differ.
    """

    current_clamp: Value
    current_clamp_onset: Value
    clamp_tau: Value
    clamp_charge: Value
    ratio: Value

    def plot(self) -> "Figure":
        """Draw them as bars; needs matplotlib."""
        figure, axes = draw.figure(1)
        names = {
            "tau / R": self.current_clamp,
            "tau / R before sag": self.current_clamp_onset,
            "clamp, tau": self.clamp_tau,
            "clamp, charge": self.clamp_charge,
        }
        shown = {name: value for name, value in names.items() if value.measurable}
        axes.bar(
            list(shown),
            [value.value for value in shown.values()],
            yerr=[np.nan_to_num(value.error) for value in shown.values()],
            color=draw.DATA,
            width=0.5,
        )
        draw.label(axes, "", "capacitance (pF)")
        return figure


def passive(recording: Recording, window: Sequence[float] | None = None) -> Passive:
    """Measure passive properties from steps that hyperpolarize.

    Args:
        recording: in current clamp, simulated or from a file.
        window: the step, (start, end) in ms; None for the first step of the command.

    Raises:
        ValueError: an argument that is not what it should be.
    """
    check_window(window)
    try:
        traced = trace(recording, Mode.CURRENT_CLAMP)
        span = resolve(traced, window)
        current, response = _responses(recording, traced, span)
    except NotMeasurableError as error:
        units = ("mV", "MOhm", "MOhm", "MOhm", "ms", "ms", "pF", "pF", "MOhm")
        return Passive(*unmeasured(str(error), ("pA", "mV", "mV"), units))
    from scipy import ndimage

    time = traced.dt * np.arange(response.shape[1])
    steady = np.mean(response[:, time >= (1.0 - _SETTLED) * time[-1]], axis=1)
    largest = np.min(ndimage.uniform_filter1d(response, max(1, round(1.0 / traced.dt)), axis=1), axis=1)
    before = traced.response[:, traced.part(span[0] - 50.0, span[0])]
    mean = 1e3 * np.mean(response / current[:, None], axis=0)
    onset, shown = _onset(time, mean)
    whole = _slope(current, steady)
    return Passive(
        current=Column.of(current, "pA"),
        steady=Column.of(steady, "mV"),
        largest=Column.of(largest, "mV"),
        resting=Value(float(np.mean(before)), "mV", _spread(np.mean(before, axis=1))),
        input_resistance=whole,
        largest_resistance=_slope(current, largest),
        capacitance=_over(onset["tau"], whole),
        notes=tuple(_notes(steady, largest, onset["bridge"])),
        mean=shown,
        **onset,
    )


def compare_capacitances(current_clamp: Passive, voltage_clamp: MembraneTest) -> Capacitances:
    """Put the capacitances that current clamp and voltage clamp give of one cell side by side, and say what they mean.

    Of one compartment they are one number. Charge that spreads into dendrites takes time: a membrane test sees what is
    well clamped within its transient, while the membrane time constant belongs to all of the membrane, and the input
    resistance to what the current reaches (Golowasch et al. (2009), J Neurophysiol 102:2161-2175).

    Args:
        current_clamp: of `passive`.
        voltage_clamp: of `membrane_test`.
    """
    whole, onset = current_clamp.capacitance, current_clamp.onset_capacitance
    by_tau, by_charge = voltage_clamp.capacitance_tau, voltage_clamp.capacitance_charge
    ratio, notes = _ratio(whole, by_tau), []
    if ratio.measurable and max(ratio.value, 1.0 / ratio.value) > _AGREE:
        notes.append(
            f"tau / R says {whole.value:.0f} pF, the membrane test {by_tau.value:.0f} pF by time constant and "
            f"{by_charge.value:.0f} pF by charge: this is not one compartment at rest"
        )
        if onset.value < whole.value / _AGREE:
            notes.append(
                f"the voltage sags: tau is of the time before, R of the time after; with the resistance from before "
                f"tau / R is {onset.value:.0f} pF"
            )
        notes.append(
            "a clamp charges what is near the electrode within its transient, the time constant belongs to all of the "
            "membrane with its dendrites: of one compartment take the clamp's capacitance for spikes and series "
            "resistance, tau / R for slow responses, and neither as the membrane's area"
        )
    return Capacitances(whole, onset, by_tau, by_charge, ratio, notes=tuple(notes))


def _responses(recording: Recording, traced: Trace, window: tuple[float, float]) -> tuple[np.ndarray, np.ndarray]:
    """Currents (pA) and responses (mV, less what was before) of the sweeps whose step hyperpolarizes."""
    before = traced.part(window[0] - 50.0, window[0])
    if before.stop - before.start < 3:
        raise NotMeasurableError("the sweep begins with the step")
    amplitude = traced.levels(window) - traced.levels((window[0] - 50.0, window[0]))
    quiet = np.array(features(recording, window).count.values) == 0
    used = np.flatnonzero((amplitude < 0.0) & quiet)
    if used.size == 0:
        raise NotMeasurableError("no step hyperpolarizes the cell")
    inside = traced.part(*window)
    for sweep in used:
        check_clipped(traced.response[sweep, inside], "mV")
    response = traced.response[used, inside] - np.mean(traced.response[used, before], axis=1)[:, None]
    if np.mean(np.abs(response[:, -max(1, response.shape[1] // 10) :])) < _LEAST:
        raise NotMeasurableError(f"the steps change the voltage by less than {_LEAST:g} mV")
    return amplitude[used], response


_ONSET = {"tau": "ms", "fast_tau": "ms", "bridge": "MOhm", "onset_resistance": "MOhm", "onset_capacitance": "pF"}


def _onset(time: np.ndarray, mean: np.ndarray) -> tuple[dict[str, Value], np.ndarray]:
    """What the onset of a mean response (MOhm) says, and the response with its fit."""
    from scipy import ndimage

    dt = time[1] - time[0]
    smooth = ndimage.uniform_filter1d(mean, max(1, round(2.0 / dt)))
    settled = float(np.mean(mean[time >= (1.0 - _SETTLED) * time[-1]]))
    sags = np.max(smooth) > _SAGS * settled
    stop = int(np.argmax(smooth > _UP_TO * np.max(smooth))) if sags else time.size
    used = slice(round(_LAG / dt), stop)
    try:
        found = relax_as_needed(time[used], mean[used])
    except NotMeasurableError as error:
        return {name: Value.of(str(error), unit) for name, unit in _ONSET.items()}, np.zeros((0, 3))
    return _of_onset(found), np.stack([time[used], mean[used], found.fit.predict(time[used])], axis=1)


def _of_onset(found: Relaxation) -> dict[str, Value]:
    fit, count = found.fit, found.count
    return {
        "tau": fit.value(2 * count, "ms"),
        "fast_tau": fit.value(3, "ms") if count == 2 else Value.of("one exponential describes the onset", "ms"),
        "bridge": fit.derived(lambda p: float(np.sum(p[: 1 + count])), "MOhm"),
        "onset_resistance": fit.derived(lambda p: -float(np.sum(p[1 : 1 + count])), "MOhm"),
        "onset_capacitance": fit.derived(lambda p: -1e3 * float(p[2 * count] / np.sum(p[1 : 1 + count])), "pF"),
    }


def _slope(current: np.ndarray, voltage: np.ndarray) -> Value:
    """The slope of voltage over current through the origin's neighborhood, MOhm; of few steps, their mean ratio."""
    try:
        fit = fit_curve(lambda x, a, b: a + b * x, current, voltage, (0.0, 0.1))
    except NotMeasurableError:
        ratios = 1e3 * voltage / current
        return Value(float(np.mean(ratios)), "MOhm", _spread(ratios))
    return Value(1e3 * float(fit.values[1]), "MOhm", 1e3 * float(fit.errors[1]))


def _over(tau: Value, resistance: Value) -> Value:
    """A time constant (ms) over a resistance (MOhm), pF."""
    if not tau.measurable:
        return Value.of(tau.reason, "pF")
    relative = np.hypot(tau.error / tau.value, np.nan_to_num(resistance.error) / resistance.value)
    capacitance = 1e3 * tau.value / resistance.value
    return Value(capacitance, "pF", float(relative * capacitance))


def _ratio(upper: Value, lower: Value) -> Value:
    for value in (upper, lower):
        if not value.measurable:
            return Value.of(value.reason, "")
    ratio = upper.value / lower.value
    errors = np.nan_to_num([upper.error / upper.value, lower.error / lower.value])
    return Value(ratio, "", float(ratio * np.hypot(*errors)))


def _spread(values: np.ndarray) -> float:
    return float(np.std(values, ddof=1) / np.sqrt(values.size)) if values.size > 1 else np.nan


def _notes(steady: np.ndarray, largest: np.ndarray, bridge: Value) -> list[str]:
    notes = []
    sag = float(np.mean(1.0 - steady / largest))
    if sag > 0.1:
        notes.append(
            f"the voltage sags back by {100 * sag:.0f} %: a current opens, the steady resistance is not passive"
        )
    if bridge.measurable and bridge.value > 1.0 and bridge.value > 3.0 * bridge.error:
        notes.append(f"{bridge} appear at once: the bridge is not balanced, or a fast part of the cell")
    return notes
