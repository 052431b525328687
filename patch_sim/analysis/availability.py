"""Steady-state inactivation."""

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from patch_sim.analysis import draw
from patch_sim.analysis.boltzmann import draw_boltzmann, fit_boltzmann
from patch_sim.analysis.measurement import (
    AbstractMeasurement,
    Column,
    NotMeasurableError,
    Value,
    unmeasured,
    with_errors,
)
from patch_sim.analysis.steps import check_skip, measure, segment_after
from patch_sim.analysis.trace import check_window, first_step, trace
from patch_sim.protocols import Mode
from patch_sim.recording import Recording

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclasses.dataclass(frozen=True, eq=False)
class Inactivation(AbstractMeasurement):
    r"""How much current is left available, a row for each conditioning level.

    $I = I_0 + I_1 / (1 + e^{-(V - V_{1/2}) / k})$ of the peak currents in the test step.

    Attributes:
        voltage: of the conditioning step, mV, ascending.
        peak: current in the test step, pA.
        fraction: $(I - I_0) / I_1$.
        maximum: $I_1$, pA.
        pedestal: $I_0$, pA, what does not inactivate.
        half_voltage: $V_{1/2}$, mV.
        slope: $k$, mV; negative if depolarization inactivates.
        rms: of the currents about the fitted curve, pA.
    """

    voltage: Column
    peak: Column
    fraction: Column
    maximum: Value
    pedestal: Value
    half_voltage: Value
    slope: Value
    rms: Value

    def plot(self) -> "Figure":
        """Draw the availability and the Boltzmann curve over the conditioning level; needs matplotlib."""
        figure, axes = draw.figure(1)
        draw_boltzmann(axes, self.voltage, self.fraction, self.half_voltage, self.slope, "available")
        return figure


def inactivation(
    recording: Recording,
    window: Sequence[float] | None = None,
    *,
    conditioning: Sequence[float] | None = None,
    skip: float = 0.0,
) -> Inactivation:
    """Measure the current in a test step after conditioning at many levels, and fit a Boltzmann curve.

    Args:
        recording: in voltage clamp.
        window: the test step, (start, end) in ms; None for what follows the conditioning step.
        conditioning: the conditioning step, (start, end) in ms; None for the first step of the command.
        skip: how much of the test step's start to leave out, with a capacitive transient in it, ms.

    Raises:
        ValueError: an argument that is not what it should be.
    """
    check_window(window)
    check_window(conditioning)
    check_skip(skip)
    try:
        traced = trace(recording, Mode.VOLTAGE_CLAMP)
        before = first_step(traced) if conditioning is None else (float(conditioning[0]), float(conditioning[1]))
        if before is None:
            raise NotMeasurableError("the command has no step that conditions")
        start, end = segment_after(traced, before) if window is None else (float(window[0]), float(window[1]))
        found = measure(traced, (start + skip, end))
        levels = traced.levels(before)
        order = np.argsort(levels, kind="stable")
        voltage, peak = levels[order], found.peak[order]
        fit = fit_boltzmann(voltage, peak)
    except NotMeasurableError as error:
        return Inactivation(*unmeasured(str(error), ("mV", "pA", ""), ("pA", "pA", "mV", "mV", "pA")))
    pedestal, maximum = fit.value(0, "pA"), fit.value(1, "pA")
    return Inactivation(
        voltage=Column.of(voltage, "mV"),
        peak=with_errors(peak, found.peak_error[order], "pA"),
        fraction=Column.of((peak - pedestal.value) / maximum.value, ""),
        maximum=maximum,
        pedestal=pedestal,
        half_voltage=fit.value(2, "mV"),
        slope=fit.value(3, "mV"),
        rms=Value(fit.rms, "pA"),
    )
