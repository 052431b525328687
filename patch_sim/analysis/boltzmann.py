"""Boltzmann curves and reversal potentials, which several measurements fit."""

from typing import TYPE_CHECKING

import numpy as np

from patch_sim.analysis import draw
from patch_sim.analysis.fit_curve import Fit, fit_curve
from patch_sim.analysis.measurement import Column, NotMeasurableError, Value

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def boltzmann(v: np.ndarray, half: float, slope: float) -> np.ndarray:
    r"""$1 / (1 + e^{-(V - V_{1/2}) / k})$."""
    return 1.0 / (1.0 + np.exp(np.clip(-(v - half) / slope, -500.0, 500.0)))


def fit_boltzmann(voltage: np.ndarray, current: np.ndarray) -> Fit:
    """The parameters pedestal, amplitude, V1/2, k."""
    low, high = current[np.argmin(voltage)], current[np.argmax(voltage)]
    rises = abs(high) > abs(low)
    pedestal, amplitude = (low, high - low) if rises else (high, low - high)
    middle = float(voltage[np.argmin(np.abs(current - (low + high) / 2.0))])

    def curve(v: np.ndarray, zero: float, one: float, half: float, k: float) -> np.ndarray:
        return zero + one * boltzmann(v, half, k)

    guess = [pedestal, amplitude, middle, (1.0 if rises else -1.0) * np.ptp(voltage) / 12.0]
    fit = fit_curve(curve, voltage, current, guess)
    return believed(fit, fit.values[2], fit.values[3], voltage)


def believed(fit: Fit, half: float, slope: float, voltage: np.ndarray) -> Fit:
    """A fit whose Boltzmann curve bends within the voltages.

    Raises:
        NotMeasurableError: it does not.
    """
    if not voltage.min() <= half <= voltage.max():
        raise NotMeasurableError(
            f"the fitted half-voltage, {half:.3g} mV, is outside the steps, {voltage.min():g} to {voltage.max():g} mV"
        )
    if abs(slope) > np.ptp(voltage):
        raise NotMeasurableError("the current does not saturate within the steps")
    return fit


def reversal_of(voltage: np.ndarray, current: np.ndarray, errors: np.ndarray) -> Value:
    """Where a current changes its sign last, on the straight line between the two points around.

    Points that are within three errors of 0 have no sign. The error is that of the two currents: where the I-V curve
    bends between them, it is not all.
    """
    errors = np.nan_to_num(errors)
    signed = np.flatnonzero(np.abs(current) > 3.0 * errors)
    changes = np.flatnonzero(np.diff(np.sign(current[signed])) != 0)
    if changes.size == 0:
        return Value.of("the current does not change its sign within the steps", "mV")
    k, after = signed[changes[-1]], signed[changes[-1] + 1]
    rise, width = current[after] - current[k], voltage[after] - voltage[k]
    error = abs(width) * np.hypot(current[after] * errors[k], current[k] * errors[after]) / rise**2
    return Value(float(voltage[k] - current[k] * width / rise), "mV", float(error))


def draw_boltzmann(axes: "Axes", voltage: Column, fraction: Column, half: Value, slope: Value, name: str) -> None:
    """Draw fractions over voltage and the Boltzmann curve through them."""
    if not half.measurable:
        draw.missing(axes, half.reason)
        return
    v = np.linspace(voltage.values.min(), voltage.values.max(), 300)
    axes.plot(v, boltzmann(v, half.value, slope.value), color=draw.FIT)
    draw.points(axes, voltage, fraction)
    axes.set_ylim(-0.2, 1.3)  # near the reversal potential a conductance can be anything
    axes.set_ylim(-0.2, 1.3)  # near the reversal potential a conductance can be anything
    draw.label(axes, "voltage (mV)", name, f"half at {half}, slope {slope}")
