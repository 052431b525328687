"""Trajectories in the plane of the voltage and its derivative."""

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from patch_sim.analysis import draw
from patch_sim.analysis.measurement import REASON, AbstractMeasurement, Column, NotMeasurableError, unmeasured
from patch_sim.analysis.spikes import spikes
from patch_sim.analysis.trace import check_window, resolve, trace
from patch_sim.protocols import Mode
from patch_sim.recording import Recording

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@dataclasses.dataclass(frozen=True, eq=False)
class PhasePlane(AbstractMeasurement):
    """dV/dt over V, a row for each sample: spikes are loops that begin at the threshold.

    Attributes:
        sweep: counted from 0.
        voltage: mV.
        slope: dV/dt by central differences, mV/ms.
        onsets: voltage (mV) and slope (mV/ms) at the onset of each spike, `(spikes, 2)`.
    """

    sweep: Column
    voltage: Column
    slope: Column
    onsets: np.ndarray = dataclasses.field(default_factory=lambda: np.zeros((0, 2)))

    def plot(self) -> "Figure":
        """Draw the trajectories and the onsets of spikes; needs matplotlib."""
        figure, axes = draw.figure(1, height=4.2)
        self.draw(axes)
        return figure

    def draw(self, axes: "Axes") -> None:
        """Draw the trajectories into a panel."""
        sweeps = np.unique(self.sweep.values)
        for sweep, color in zip(sweeps, draw.colors(len(sweeps)), strict=True):
            rows = self.sweep.values == sweep
            axes.plot(self.voltage.values[rows], self.slope.values[rows], color=color, linewidth=0.8)
        axes.plot(*self.onsets.T, "o", ms=3, color=draw.FIT)
        draw.label(axes, "voltage (mV)", "dV/dt (mV/ms)")
        if not len(self.voltage):
            draw.missing(axes, " ".join(self.notes))


def phase_plane(recording: Recording, window: Sequence[float] | None = None) -> PhasePlane:
    """The phase plane of a recording in current clamp.

    Args:
        recording: simulated or from a file.
        window: (start, end) in ms; None for the first step of the command, or the whole sweep.

    Raises:
        ValueError: an argument that is not what it should be.
    """
    check_window(window)
    try:
        traced = trace(recording, Mode.CURRENT_CLAMP)
        span = resolve(traced, window)
    except NotMeasurableError as error:
        return PhasePlane(*unmeasured(str(error), ("", "mV", "mV/ms")), notes=(REASON.format(error),))
    inside = traced.part(*span)
    voltage = traced.response[:, inside]
    slope = np.gradient(traced.response, traced.dt, axis=1)[:, inside]
    sweep = np.repeat(np.arange(float(voltage.shape[0])), voltage.shape[1])
    found = spikes(recording, span)
    at = found.threshold_time.values
    steep = [np.interp(t, traced.time[inside], slope[int(k)]) for t, k in zip(at, found.sweep.values, strict=True)]
    onsets = np.stack([found.threshold.values, np.array(steep, float)], axis=1)
    return PhasePlane(_samples(sweep, ""), _samples(voltage, "mV"), _samples(slope, "mV/ms"), onsets, notes=found.notes)


def _samples(values: np.ndarray, unit: str) -> Column:
    return Column(values.ravel(), unit, np.full(values.size, np.nan), ("",) * values.size)
