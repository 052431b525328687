"""Conductance over voltage."""

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from patch_sim.analysis import draw
from patch_sim.analysis.boltzmann import believed, boltzmann, draw_boltzmann, reversal_of
from patch_sim.analysis.fit_curve import Fit, fit_curve
from patch_sim.analysis.measurement import AbstractMeasurement, Column, NotMeasurableError, Value, unmeasured
from patch_sim.analysis.steps import check_skip, steps
from patch_sim.analysis.trace import check_window
from patch_sim.recording import Recording

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclasses.dataclass(frozen=True, eq=False)
class GVCurve(AbstractMeasurement):
    r"""Conductance over voltage, a row for each sweep.

    The currents are fitted, $I = G (V - E) / (1 + e^{-(V - V_{1/2}) / k})$, which weighs each as it was measured, and
    the uncertainty of $E$ goes into that of the others; the conductance of a row is $I / (V - E)$.

    Attributes:
        voltage: commanded, mV, ascending.
        conductance: nS.
        fraction: of the fitted maximum.
        maximum: $G$, nS.
        half_voltage: $V_{1/2}$, mV.
        slope: $k$, mV; positive if depolarization opens.
        reversal: $E$, mV; without an error if it was given.
        rms: of the currents about the fitted curve, pA.
    """

    voltage: Column
    conductance: Column
    fraction: Column
    maximum: Value
    half_voltage: Value
    slope: Value
    reversal: Value
    rms: Value

    def plot(self) -> "Figure":
        """Draw the conductance and the Boltzmann curve over voltage; needs matplotlib."""
        figure, axes = draw.figure(1)
        draw_boltzmann(axes, self.voltage, self.fraction, self.half_voltage, self.slope, "conductance / maximum")
        return figure


def gv_curve(
    recording: Recording,
    window: Sequence[float] | None = None,
    *,
    reversal: float | None = None,
    steady: bool = False,
    skip: float = 0.0,
) -> GVCurve:
    """Measure the conductance over the voltage, and fit a Boltzmann curve.

    Args:
        recording: a family of voltage steps, with leak subtracted or without any.
        window: the step, (start, end) in ms; None for the first step of the command.
        reversal: of the current, mV; None to fit it, for which steps must come near it.
        steady: take the steady current instead of the peak.
        skip: how much of the window's start to leave out, with a capacitive transient in it, ms.

    Raises:
        ValueError: an argument that is not what it should be.
    """
    check_window(window)
    check_skip(skip)
    try:
        found = steps(recording, window, skip)
        order = np.argsort(found.level, kind="stable")
        voltage, current = found.level[order], (found.steady if steady else found.peak)[order]
        errors = (found.steady_error if steady else found.peak_error)[order]
        crossing = reversal_of(voltage, current, errors)
        fit = _fit_conductance(voltage, current, reversal, crossing)
    except NotMeasurableError as error:
        return GVCurve(*unmeasured(str(error), ("mV", "nS", ""), ("nS", "mV", "mV", "mV", "pA")))
    equilibrium = fit.value(3, "mV") if reversal is None else Value(float(reversal), "mV")
    drive = voltage - equilibrium.value
    far = np.abs(drive) > 1.0
    maximum = fit.value(0, "nS")
    conductance = np.divide(current, drive, out=np.full_like(current, np.nan), where=far)
    conductance_error = np.divide(errors, np.abs(drive), out=np.full_like(current, np.nan), where=far)
    return GVCurve(
        voltage=Column.of(voltage, "mV"),
        conductance=_near(conductance, conductance_error, "nS"),
        fraction=_near(conductance / maximum.value, conductance_error / abs(maximum.value), ""),
        maximum=maximum,
        half_voltage=fit.value(1, "mV"),
        slope=fit.value(2, "mV"),
        reversal=equilibrium,
        rms=Value(fit.rms, "pA"),
    )


def _fit_conductance(voltage: np.ndarray, current: np.ndarray, reversal: float | None, crossing: Value) -> Fit:
    """The parameters G, V1/2, k and, unless it is known, E."""
    spread = np.ptp(voltage)
    if reversal is None:
        if not crossing.measurable:
            raise NotMeasurableError(f"the reversal potential is not known: {crossing.reason}; say reversal=")
        start = crossing.value
    else:
        start = float(reversal)
    drive = voltage - start
    conductance = current[np.abs(drive) > 0.05 * spread] / drive[np.abs(drive) > 0.05 * spread]
    most = float(conductance[np.argmax(np.abs(conductance))])
    middle = float(voltage[np.abs(drive) > 0.05 * spread][np.argmin(np.abs(conductance - most / 2.0))])

    def known(v: np.ndarray, g: float, half: float, k: float) -> np.ndarray:
        return g * (v - start) * boltzmann(v, half, k)

    def free(v: np.ndarray, g: float, half: float, k: float, e: float) -> np.ndarray:
        return g * (v - e) * boltzmann(v, half, k)

    guess = [most, middle, spread / 12.0]
    fit = (
        fit_curve(free, voltage, current, [*guess, start])
        if reversal is None
        else fit_curve(known, voltage, current, guess)
    )
    return believed(fit, fit.values[1], fit.values[2], voltage)


def _near(values: np.ndarray, errors: np.ndarray, unit: str) -> Column:
    """A column of conductances, with the reason where there is no driving force."""
    reason = "the step is within 1 mV of the reversal potential"
    return Column.of(
        [
            Value(float(v), unit, float(e)) if np.isfinite(v) else Value.of(reason, unit)
            for v, e in zip(values, errors, strict=True)
        ],
        unit,
    )
