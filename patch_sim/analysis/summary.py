"""A recording at a glance."""

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from patch_sim.analysis import draw
from patch_sim.analysis.current_voltage import IVCurve, iv_curve
from patch_sim.analysis.features import Features, features
from patch_sim.analysis.firing import FICurve, fi_curve
from patch_sim.analysis.measurement import AbstractMeasurement, Column, Value
from patch_sim.analysis.phase_plane import phase_plane
from patch_sim.analysis.trace import part
from patch_sim.protocols import Mode
from patch_sim.recording import Recording

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_AROUND = (3.0, 8.0)  # ms before and after the first spike


@dataclasses.dataclass(frozen=True, eq=False)
class Summary(AbstractMeasurement):
    """What a recording shows, and the pictures of it.

    Its table is that of `curve`: in current clamp the F-I curve, in voltage clamp the I-V curve.

    Attributes:
        recording: what was measured.
        curve: firing over current, or current over voltage.
        sweeps: in current clamp, the features of each sweep.
    """

    recording: Recording
    curve: FICurve | IVCurve
    sweeps: Features | None

    def columns(self) -> dict[str, Column]:
        """Those of the curve."""
        return self.curve.columns()

    def values(self) -> dict[str, Value]:
        """Those of the curve."""
        return self.curve.values()

    def plot(self) -> "Figure":
        """Draw sweeps, F-I or I-V curve, first spike and phase plane; needs matplotlib."""
        if self.sweeps is None:
            figure, (top, left) = draw.figure(2, height=3.0)
            self._draw_sweeps(top)
            self.curve.draw(left)
            return figure
        figure, (top, curve, spike, plane) = draw.figure(2, 2, height=3.0)
        self._draw_sweeps(top)
        self.curve.draw(curve)
        self._draw_spike(spike, plane)
        return figure

    def _draw_sweeps(self, axes: "Axes") -> None:
        response = np.asarray(self.recording.response)
        for values, color in zip(response, draw.colors(len(response)), strict=True):
            axes.plot(self.recording.time, values, color=color, linewidth=0.6)
        name = "voltage" if self.recording.mode is Mode.CURRENT_CLAMP else "current"
        draw.label(axes, "time (ms)", f"{name} ({self.recording.mode.response_unit})")
        axes.margins(x=0)

    def _draw_spike(self, axes: "Axes", plane: "Axes") -> None:
        """The first spike of the weakest current that has one, over time and in the phase plane."""
        found = None if self.sweeps is None else self.sweeps.spikes
        if found is None or not len(found.time):
            for panel in (axes, plane):
                draw.missing(panel, "there are no spikes")
            return
        sweep, at = int(found.sweep.values[0]), float(found.time.values[0])
        time = np.asarray(self.recording.time)
        around = part(self.recording.select([sweep]), max(at - _AROUND[0], time[0]), min(at + _AROUND[1], time[-1]))
        since = np.asarray(around.time) - at
        axes.plot(since, np.asarray(around.response)[0], color=draw.DATA)
        onset, threshold = found.threshold_time.values[0] - at, found.threshold.values[0]
        axes.plot([onset], [threshold], "o", ms=4, color=draw.FIT)
        width = found.half_width[0]
        draw.label(axes, "time since the peak (ms)", "voltage (mV)", f"first spike, sweep {sweep}: half-width {width}")
        phase_plane(around, (float(around.time[0]), float(around.time[-1]))).draw(plane)


def summary(recording: Recording, window: Sequence[float] | None = None) -> Summary:
    """Measure what a recording shows: firing and features in current clamp, currents in voltage clamp.

    Args:
        recording: simulated or from a file.
        window: the step, (start, end) in ms; None for the first step of the command.

    Raises:
        ValueError: an argument that is not what it should be.
    """
    if not isinstance(recording, Recording):
        raise ValueError(f"summary takes a Recording, not {recording!r}")
    if recording.mode is Mode.CURRENT_CLAMP:
        curve = fi_curve(recording, window)
        return Summary(recording, curve, features(recording, window), notes=(*curve.notes, *recording.warnings))
    curve = iv_curve(recording, window)
    return Summary(recording, curve, None, notes=(*curve.notes, *recording.warnings))
