"""How fast a current recovers from inactivation, by pairs of steps."""

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from patch_sim.analysis import draw
from patch_sim.analysis.fit_curve import fit_curve
from patch_sim.analysis.measurement import AbstractMeasurement, Column, NotMeasurableError, Value, unmeasured
from patch_sim.analysis.steps import check_skip, measure
from patch_sim.analysis.trace import Segment, Trace, trace
from patch_sim.protocols import Mode
from patch_sim.recording import Recording

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclasses.dataclass(frozen=True, eq=False)
class Recovery(AbstractMeasurement):
    r"""The peak in the second step over that in the first, a row for each gap between them.

    Fitted by $A - B e^{-t / \tau}$.

    Attributes:
        gap: ms, ascending.
        fraction: of the peaks less the currents on which the steps end.
        tau: ms.
        complete: $A$, to which it recovers.
        lost: $B$, what the first step took.
    """

    gap: Column
    fraction: Column
    tau: Value
    complete: Value
    lost: Value

    def plot(self) -> "Figure":
        """Draw the recovery over the gap; needs matplotlib."""
        figure, axes = draw.figure(1)
        if not self.tau.measurable:
            draw.missing(axes, self.tau.reason)
            return figure
        t = np.geomspace(self.gap.values[self.gap.values > 0.0].min(), self.gap.values.max(), 300)
        axes.plot(t, self.complete.value - self.lost.value * np.exp(-t / self.tau.value), color=draw.FIT)
        draw.points(axes, self.gap, self.fraction)
        axes.set_xscale("log")
        draw.label(axes, "gap (ms)", "second / first peak", f"time constant {self.tau}")
        return figure


def recovery(recording: Recording, *, skip: float = 0.0) -> Recovery:
    """Measure the recovery between two steps to the same level, with a gap that differs between sweeps.

    Args:
        recording: in voltage clamp.
        skip: how much of each step's start to leave out, with a capacitive transient in it, ms.

    Raises:
        ValueError: an argument that is not what it should be.
    """
    check_skip(skip)
    try:
        traced = trace(recording, Mode.VOLTAGE_CLAMP)
        pairs = [_pair(traced, sweep) for sweep in range(traced.response.shape[0])]
        gap = np.array([second.start - first.end for first, second in pairs])
        fraction = np.array([_fraction(traced, sweep, *pair, skip) for sweep, pair in enumerate(pairs)])
        order = np.argsort(gap)
        gap, fraction = gap[order], fraction[order]
        lost = float(fraction[-1] - fraction[0])
        tau = float(gap[int(np.argmax(fraction > fraction[0] + 0.63 * lost))])
        fit = fit_curve(
            lambda t, a, b, tau: a - b * np.exp(-t / tau),
            gap,
            fraction,
            (float(fraction[-1]), lost, max(tau, 1e-3)),
            bounds=((-np.inf, -np.inf, 1e-3), np.inf),
        )
        if fit.values[2] > 3.0 * gap[-1]:
            raise NotMeasurableError(f"gaps up to {gap[-1]:g} ms are too short for a time constant")
    except NotMeasurableError as error:
        return Recovery(*unmeasured(str(error), ("ms", ""), ("ms", "", "")))
    return Recovery(
        Column.of(gap, "ms"), Column.of(fraction, ""), fit.value(2, "ms"), fit.value(0, ""), fit.value(1, "")
    )


def _pair(traced: Trace, sweep: int) -> tuple[Segment, Segment]:
    """The first two steps to one level that is not the holding level, with something between them."""
    segments = traced.segments(sweep)
    for first in segments[1:]:
        later = [s for s in segments if s.start > first.end and abs(s.level - first.level) < 0.5]
        if later:
            return first, later[0]
    raise NotMeasurableError(f"sweep {sweep} has no two steps to one level")


def _fraction(traced: Trace, sweep: int, first: Segment, second: Segment, skip: float) -> float:
    one = dataclasses.replace(
        traced, response=traced.response[[sweep]], command=None if traced.command is None else traced.command[[sweep]]
    )
    inactivated = measure(one, (first.start + skip, first.end))
    recovered = measure(one, (second.start + skip, second.end))
    # The second step may be too short to inactivate: both are counted from where the first one ends.
    return float((recovered.peak - inactivated.steady)[0] / (inactivated.peak - inactivated.steady)[0])
