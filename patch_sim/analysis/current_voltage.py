"""Currents over voltage."""

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from patch_sim.analysis import draw
from patch_sim.analysis.boltzmann import reversal_of
from patch_sim.analysis.fit_curve import fit_curve
from patch_sim.analysis.measurement import (
    AbstractMeasurement,
    Column,
    NotMeasurableError,
    Value,
    unmeasured,
    with_errors,
)
from patch_sim.analysis.steps import check_skip, steps
from patch_sim.analysis.trace import check_window
from patch_sim.recording import Recording

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@dataclasses.dataclass(frozen=True, eq=False)
class IVCurve(AbstractMeasurement):
    """Current over voltage, a row for each sweep.

    Attributes:
        voltage: commanded in the window, mV, ascending.
        peak: the current furthest from the holding current, pA, with the error that noise gives it.
        peak_time: since the window's start, ms.
        steady: mean over the last tenth of the window, pA.
        slope_conductance: of the straight line through the steady currents, nS.
        reversal: where the straight line between the two peaks around their last change of sign crosses 0, mV.
        steady_reversal: the same of the steady currents, mV.
    """

    voltage: Column
    peak: Column
    peak_time: Column
    steady: Column
    slope_conductance: Value
    reversal: Value
    steady_reversal: Value

    def plot(self) -> "Figure":
        """Draw peak and steady currents over voltage; needs matplotlib."""
        figure, axes = draw.figure(1)
        self.draw(axes)
        return figure

    def draw(self, axes: "Axes") -> None:
        """Draw the currents into a panel."""
        if not len(self.voltage):
            draw.missing(axes, self.reversal.reason)
            return
        axes.axhline(0.0, color="0.8", linewidth=0.8)
        draw.points(axes, self.voltage, self.peak, text="peak")
        draw.points(axes, self.voltage, self.steady, color=draw.FIT, text="steady")
        draw.label(axes, "voltage (mV)", "current (pA)")
        axes.legend(frameon=False, fontsize=8)


def iv_curve(recording: Recording, window: Sequence[float] | None = None, *, skip: float = 0.0) -> IVCurve:
    """Measure peak and steady currents over the voltage.

    Args:
        recording: a family of voltage steps, simulated or from a file.
        window: the step, (start, end) in ms; None for the first step of the command.
        skip: how much of the window's start to leave out, with a capacitive transient in it, ms.

    Raises:
        ValueError: an argument that is not what it should be.
    """
    check_window(window)
    check_skip(skip)
    try:
        found = steps(recording, window, skip)
    except NotMeasurableError as error:
        return IVCurve(*unmeasured(str(error), ("mV", "pA", "ms", "pA"), ("nS", "mV", "mV")))
    order = np.argsort(found.level, kind="stable")
    level = found.level[order]
    return IVCurve(
        voltage=Column.of(level, "mV"),
        peak=with_errors(found.peak[order], found.peak_error[order], "pA"),
        peak_time=Column.of(
            [
                t - found.window[0] + skip if np.isfinite(t) else "no peak stands out from the noise"
                for t in found.peak_time[order]
            ],
            "ms",
        ),
        steady=with_errors(found.steady[order], found.steady_error[order], "pA"),
        slope_conductance=_conductance(level, found.steady[order]),
        reversal=reversal_of(level, found.peak[order], found.peak_error[order]),
        steady_reversal=reversal_of(level, found.steady[order], found.steady_error[order]),
    )


def _conductance(voltage: np.ndarray, current: np.ndarray) -> Value:
    try:
        return fit_curve(lambda v, a, g: a + g * v, voltage, current, (0.0, 1.0)).value(1, "nS")
    except NotMeasurableError as error:
        return Value.of(str(error), "nS")
