"""What the page measures on a recording: a row for each sweep, what all sweeps say together, and curves to draw."""

import dataclasses
import functools
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from patch_sim import analysis
from patch_sim.analysis.boltzmann import boltzmann
from patch_sim.analysis.measurement import AbstractMeasurement, Column, NotMeasurableError, Value
from patch_sim.analysis.steps import segment_after, steps
from patch_sim.analysis.trace import first_step, resolve, trace
from patch_sim.protocols import Mode
from patch_sim.recording import Recording
from patch_sim.ui.traces import Signal

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_SMALL_STEP = 30.0  # mV: what is larger opens channels, and is no membrane test
_MOST_POINTS = 400  # of a curve of samples
_MOST_SAMPLES = 20_000  # of a trajectory
_BEFORE_SPIKE = 5.0  # ms


class Head(NamedTuple):
    """How a quantity is called: its name in the table, what the page calls it, and what it is, in one line."""

    name: str
    label: str
    tip: str


@dataclasses.dataclass(frozen=True, eq=False)
class Measured(AbstractMeasurement):
    """Several measurements of a recording as one.

    Attributes:
        recording: what was measured.
        skip: what was left out after a voltage step, ms.
        table: the columns, a row for each sweep, as they are saved.
        whole: what all sweeps say together, as it is saved.
        heads: which columns the page shows.
        statistics: which of `whole` it shows.
        plots: the curves that suit this recording, as JSON for the browser.
    """

    recording: Recording
    skip: float
    table: Mapping[str, Column]
    whole: Mapping[str, Value]
    heads: Sequence[Head]
    statistics: Sequence[Head]
    plots: Sequence[Mapping[str, Any]]

    def columns(self) -> dict[str, Column]:
        """A row for each sweep."""
        return dict(self.table)

    def values(self) -> dict[str, Value]:
        """What all sweeps say together."""
        return dict(self.whole)

    def plot(self) -> "Figure":
        """Draw the sweeps; needs matplotlib."""
        return self.recording.plot()

    def view(self) -> dict[str, Any]:
        """As JSON for the browser; where there is no number, there is the reason why."""
        columns = [self.table[head.name] for head in self.heads]
        rows = [[_number(column[row]) for column in columns] for row in range(len(columns[0]) if columns else 0)]
        values = [self.whole[head.name] for head in self.statistics]
        return {
            "columns": [
                {**head._asdict(), "unit": column.unit} for head, column in zip(self.heads, columns, strict=True)
            ],
            "rows": rows,
            "statistics": [
                {**head._asdict(), "unit": value.unit, "value": _number(value), "error": _finite(value.error)}
                for head, value in zip(self.statistics, values, strict=True)
            ],
            "notes": list(self.notes),
            "plots": [dict(plot) for plot in self.plots],
            "mode": self.recording.mode.value,
        }

    @functools.cached_property
    def relaxations(self) -> dict[str, Any]:
        """Time constants over voltage, as JSON for the browser; takes a second for many sweeps."""
        found = analysis.time_constants(self.recording, skip=self.skip)
        order = np.argsort(steps(self.recording, None, self.skip).level, kind="stable")
        return {"series": [_points(found.voltage, found.tau, order, "one exponential")]}

    def phase_plane(self, sweep: int) -> dict[str, Any]:
        """dV/dt over V of one sweep from shortly before its first spike on, as JSON for the browser.

        Raises:
            ValueError: there is no such sweep.
        """
        if not 0 <= sweep < self.recording.sweeps:
            raise ValueError(f"there is no sweep {sweep + 1}")
        traced = trace(self.recording)
        start, end = resolve(traced, None)
        latency = self.table["latency"].values[sweep]
        start += max(0.0, latency - _BEFORE_SPIKE) if np.isfinite(latency) else 0.0
        inside = traced.part(start, min(end, start + _MOST_SAMPLES * traced.dt))
        voltage = traced.response[sweep]
        signals = voltage[inside], np.gradient(voltage, traced.dt)[inside]
        return {"loop": [Signal.encode(signal).message() for signal in signals], "sweep": sweep}


def measured(recording: Recording, skip: float = 0.0) -> Measured:
    """Measure all that suits a recording.

    Args:
        recording: what the scope shows.
        skip: how much to leave out after a voltage step, with a capacitive transient in it, ms.

    Raises:
        ValueError: `skip` that is negative.
    """
    if recording.mode is Mode.CURRENT_CLAMP:
        return _current_clamp(recording)
    if recording.mode is Mode.VOLTAGE_CLAMP:
        return _voltage_clamp(recording, skip)
    return _nothing(recording, "a mixed clamp is measured phase by phase, in Python: rec.phases")


def _nothing(recording: Recording, why: str) -> Measured:
    return Measured(recording, 0.0, {}, {}, (), (), (), notes=(why,))


# ---------------------------------------------------------------- current clamp

_FIRST = {
    "first_threshold": "threshold",
    "first_amplitude": "amplitude",
    "first_half_width": "half_width",
}
"""Of the first spike of a sweep, and what `Spikes` calls it."""

_CURRENT_HEADS = (
    Head("sweep", "#", "the sweep"),
    Head("current", "I", "injected in the step"),
    Head("count", "spikes", "spikes in the step"),
    Head("rate", "rate", "spikes over the length of the step"),
    Head("latency", "latency", "from the beginning of the step to the peak of the first spike"),
    Head("first_threshold", "thresh.", "threshold of the first spike: where dV/dt passes 10 mV/ms"),
    Head("first_amplitude", "height", "of the first spike, from threshold to peak"),
    Head("first_half_width", "width", "of the first spike, at half its height"),
    Head("rest", "rest", "mean voltage in the 50 ms before the step"),
    Head("steady", "steady", "mean voltage in the last tenth of the step, if no spike is in it"),
    Head("sag", "sag", "how far the voltage comes back from its lowest point by the end of the step"),
)
_CURRENT_STATISTICS = (
    Head("rheobase", "Rheobase", "the weakest step that makes it fire"),
    Head("gain", "F\u2013I gain", "slope of the firing rate over the current"),
    Head("input_resistance", "Input resistance", "slope of the steady voltage over the current, hyperpolarized"),
    Head("tau", "Time constant", "with which the voltage sets out, hyperpolarized"),
    Head("capacitance", "Capacitance", "time constant over input resistance"),
)


def _current_clamp(recording: Recording) -> Measured:
    each, curve, rest = analysis.features(recording), analysis.fi_curve(recording), analysis.passive(recording)
    spikes = each.spikes
    first = {sweep: row for row, sweep in reversed(list(enumerate(spikes.sweep.values.astype(int).tolist())))}
    columns = each.columns()
    for name, of_spike in _FIRST.items():
        column, missing = getattr(spikes, of_spike), columns[of_spike]
        cells = [column[first[k]] if k in first else missing[k] for k in range(len(missing))]
        columns[name] = Column.of(cells, column.unit)
    whole = {"rheobase": curve.rheobase, "gain": curve.gain} | rest.values()
    notes = tuple(dict.fromkeys((*curve.notes, *rest.notes)))
    plots = (_firing(each, curve), _phase(first), _intervals(spikes), _settling(each), _onset(rest))
    shown = [plot for plot in plots if plot is not None]
    return Measured(recording, 0.0, columns, whole, _CURRENT_HEADS, _CURRENT_STATISTICS, shown, notes=notes)


def _firing(each: analysis.Features, curve: analysis.FICurve) -> dict[str, Any] | None:
    if not each.count.values.any() or np.unique(each.current.values).size < 2 or any(each.current.reasons):
        return None
    order = np.argsort(each.current.values, kind="stable")
    series = [
        _points(curve.current, curve.first_rate, order, "first interval", faint=True),
        _points(curve.current, curve.rate, order, "spikes in the step", joined=True),
    ]
    return _plot("fi", "F\u2013I", "firing rate over current", "current (pA)", "rate (Hz)", series)


def _phase(first: Mapping[int, int]) -> dict[str, Any] | None:
    if not first:
        return None
    tip = "dV/dt over V: each spike is a loop, which leaves the rest at its threshold"
    return _plot("phase", "Phase", tip, "voltage (mV)", "dV/dt (mV/ms)", later=True, sweep=min(first))


def _intervals(spikes: analysis.Spikes) -> dict[str, Any] | None:
    series = []
    for sweep in range(len(spikes.counts)):
        times = spikes.of(sweep)
        if times.size > 2:
            y = np.diff(times)
            series.append({"x": _rounded(times[1:]), "y": _rounded(y), "sweeps": [sweep] * y.size, "joined": True})
    tip = "time from one spike to the next, over time: does the firing adapt?"
    return _plot("isi", "Intervals", tip, "time (ms)", "interval (ms)", series) if series else None


def _settling(each: analysis.Features) -> dict[str, Any] | None:
    used = np.isfinite(each.steady.values) & np.isfinite(each.current.values)
    if np.unique(each.current.values[used]).size < 2:
        return None
    series = [_points(each.current, each.steady, np.arange(len(used)), "end of the step")]
    tip = "where the voltage settles over the current, without spikes"
    return _plot("vi", "V\u2013I", tip, "current (pA)", "voltage (mV)", series)


def _onset(rest: analysis.Passive) -> dict[str, Any] | None:
    if not len(rest.mean):
        return None
    tip = "mean response to the hyperpolarizing steps, over their current, with the exponential fitted"
    return _plot("onset", "Onset", tip, "time (ms)", "V / I (MOhm)", _fitted(rest.mean))


# ---------------------------------------------------------------- voltage clamp

_VOLTAGE_HEADS = (
    Head("sweep", "#", "the sweep"),
    Head("voltage", "V", "commanded in the step"),
    Head("peak", "peak", "the current farthest from the holding current"),
    Head("peak_time", "to peak", "time from the beginning of the step to the peak"),
    Head("steady", "steady", "mean current in the last tenth of the step"),
)
_IV_STATISTICS = (
    Head("slope_conductance", "Slope conductance", "of the straight line through the steady currents"),
    Head("reversal", "Reversal, peak", "where the peak current changes its sign"),
    Head("steady_reversal", "Reversal, steady", "where the steady current changes its sign"),
)
_GV_STATISTICS = (
    Head("gv_maximum", "Largest conductance", "of the Boltzmann curve through the peak currents"),
    Head("gv_half_voltage", "Half activation", "V1/2 of that curve"),
    Head("gv_slope", "Slope of activation", "k of that curve; positive if depolarization opens"),
)
_AVAILABLE_STATISTICS = (
    Head("available_half_voltage", "Half inactivation", "V1/2 of the current in the test step, after conditioning"),
    Head("available_slope", "Slope of inactivation", "k of that curve; negative if depolarization inactivates"),
)
_TEST_HEADS = (
    Head("access", "Rs", "access (series) resistance"),
    Head("membrane", "Rm", "membrane resistance"),
    Head("capacitance", "Cm", "membrane capacitance, by the time constant"),
)
_TEST_STATISTICS = (
    Head("access_resistance", "Rs", "access (series) resistance, of the mean transient"),
    Head("membrane_resistance", "Rm", "membrane resistance, of the mean transient"),
    Head("capacitance_tau", "Cm", "membrane capacitance, by the time constant"),
    Head("capacitance_charge", "Cm, by charge", "membrane capacitance, by the area of the transient"),
    Head("input_resistance", "Input resistance", "at the end of the step; includes Rs"),
    Head("tau", "Time constant", "of the transient"),
)


def _voltage_clamp(recording: Recording, skip: float) -> Measured:
    try:
        found = steps(recording, None, skip)
        before, after = _levels_around(recording)
    except NotMeasurableError as error:
        return _nothing(recording, f"not measurable, because {error}")
    curve = analysis.iv_curve(recording, skip=skip)
    order = np.argsort(found.level, kind="stable")
    columns = {"sweep": Column.of(range(recording.sweeps), "")}
    columns |= {name: _reordered(column, np.argsort(order)) for name, column in curve.columns().items()}
    notes = curve.notes
    if np.ptp(found.level) < 0.1 and 0.1 < np.max(np.abs(found.level - before)) <= _SMALL_STEP:
        test = analysis.membrane_test(recording)
        columns |= {name: column for name, column in test.columns().items() if len(column) == recording.sweeps}
        heads = _VOLTAGE_HEADS + (_TEST_HEADS if "access" in columns else ())
        plots = [_transient(test)] if len(test.mean) else []
        return Measured(recording, skip, columns, test.values(), heads, _TEST_STATISTICS, plots, notes=test.notes)
    whole, statistics, plots = curve.values(), _IV_STATISTICS, []
    if np.unique(found.level).size > 1:
        plots = [_currents(curve, order), _relaxations()]
    tested = after is not None and np.ptp(after) < 0.1 and np.max(np.abs(after - before)) > 0.1
    boltzmanns = _available(recording, order) if tested else _conductance(recording, skip, order)
    if plots and boltzmanns is not None:
        values, heads, plot = boltzmanns
        whole, statistics = whole | values, statistics + heads
        plots.insert(1, plot)
    return Measured(recording, skip, columns, whole, _VOLTAGE_HEADS, statistics, plots, notes=notes)


def _levels_around(recording: Recording) -> tuple[np.ndarray, np.ndarray | None]:
    """The commanded levels (mV, `(sweeps,)`) before and after the first step, None if nothing comes after.

    Raises:
        NotMeasurableError: there is no step.
    """
    traced = trace(recording, Mode.VOLTAGE_CLAMP)
    step = first_step(traced)
    if step is None:
        raise NotMeasurableError("the command has no step")
    before = traced.levels((float(traced.time[0]), step[0]))
    try:
        return before, traced.levels(segment_after(traced, step))
    except NotMeasurableError:
        return before, None


def _currents(curve: analysis.IVCurve, order: np.ndarray) -> dict[str, Any]:
    series = [
        _points(curve.voltage, curve.steady, order, "steady", faint=True, joined=True),
        _points(curve.voltage, curve.peak, order, "peak", joined=True),
    ]
    return _plot("iv", "I\u2013V", "peak and steady current over voltage", "voltage (mV)", "current (pA)", series)


def _conductance(recording: Recording, skip: float, order: np.ndarray) -> tuple[Any, Any, Any] | None:
    """Values, their heads and the curve of the conductance over voltage, if a Boltzmann curve fits."""
    curve = analysis.gv_curve(recording, skip=skip)
    if not curve.half_voltage.measurable:
        return None
    values = {f"gv_{name}": value for name, value in curve.values().items()}
    series = [_sigmoid(curve), _points(curve.voltage, curve.fraction, order, "peak current over driving force")]
    tip = "conductance over voltage, of its maximum, with the Boltzmann curve fitted to the currents"
    plot = _plot("gv", "g\u2013V", tip, "voltage (mV)", "g / maximum", series, low=-0.1, high=1.3)
    return values, _GV_STATISTICS, plot


def _available(recording: Recording, order: np.ndarray) -> tuple[Any, Any, Any] | None:
    """The same of the current in a test step over the conditioning voltage."""
    curve = analysis.inactivation(recording)
    if not curve.half_voltage.measurable:
        return None
    values = {f"available_{name}": value for name, value in curve.values().items()}
    series = [_sigmoid(curve), _points(curve.voltage, curve.fraction, order, "peak current in the test step")]
    tip = "current that is left in the test step over the conditioning voltage, with the Boltzmann curve"
    plot = _plot("available", "h\u2013V", tip, "conditioning (mV)", "available", series, low=-0.1, high=1.3)
    return values, _AVAILABLE_STATISTICS, plot


def _relaxations() -> dict[str, Any]:
    tip = "time constant of one exponential through each step, over voltage"
    return _plot("tau", "\u03c4\u2013V", tip, "voltage (mV)", "\u03c4 (ms)", later=True)


def _transient(test: analysis.MembraneTest) -> dict[str, Any]:
    tip = "mean response over the step, with the exponential fitted"
    return _plot("transient", "Transient", tip, "time (ms)", "I / V (nS)", _fitted(test.mean))


# ---------------------------------------------------------------- curves as JSON


def _plot(name: str, label: str, tip: str, x: str, y: str, series: Any = (), **more: Any) -> dict[str, Any]:
    return {"name": name, "label": label, "tip": tip, "x": x, "y": y, "series": list(series), **more}


def _points(x: Column, y: Column, order: np.ndarray, label: str, **look: Any) -> dict[str, Any]:
    """The points of two columns whose rows are the sweeps of an order; those that are not numbers left out."""
    used = np.flatnonzero(np.isfinite(x.values) & np.isfinite(y.values))
    points = {"x": _rounded(x.values[used]), "y": _rounded(y.values[used]), "sweeps": order[used].tolist()}
    return {"label": label, **points, **look}


def _sigmoid(curve: analysis.GVCurve | analysis.Inactivation) -> dict[str, Any]:
    voltage = np.linspace(curve.voltage.values[0], curve.voltage.values[-1], 100)
    fitted = boltzmann(voltage, curve.half_voltage.value, curve.slope.value)
    return {"label": "Boltzmann", "x": _rounded(voltage), "y": _rounded(fitted), "line": True}


def _fitted(mean: np.ndarray) -> list[dict[str, Any]]:
    """Measured and fitted samples, `(samples, 3)` with their times, thinned to what a small plot shows."""
    time, values, fitted = mean[:: max(1, len(mean) // _MOST_POINTS)].T
    return [
        {"label": "mean", "x": _rounded(time), "y": _rounded(values), "line": True, "faint": True},
        {"label": "fit", "x": _rounded(time), "y": _rounded(fitted), "line": True},
    ]


def _rounded(values: np.ndarray) -> list[float]:
    return [float(f"{value:.6g}") for value in values]


def _reordered(column: Column, rows: np.ndarray) -> Column:
    return Column(column.values[rows], column.unit, column.errors[rows], tuple(column.reasons[k] for k in rows))


def _number(value: Value) -> float | str:
    """The number, or why there is none."""
    if value.reason:
        return value.reason
    return value.value if math.isfinite(value.value) else "it is not finite"


def _finite(number: float) -> float | None:
    return number if math.isfinite(number) else None
