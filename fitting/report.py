"""What a fit found: printed, drawn, saved."""

import dataclasses
import os
from typing import TYPE_CHECKING, Any

import equinox as eqx
import numpy as np

import patch_sim as ps
from fitting import files
from fitting.checks import Certificate
from fitting.directions import Direction
from fitting.losses import protocol_of
from fitting.objective import Objective
from fitting.report_html import write_html
from fitting.solver import suitable
from fitting.spikes.events import Events
from fitting.spikes.scores import EventScores, event_scores

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FORMAT = "patch_sim fit 5"
"""Of a saved fit."""

AS_GOOD = 2.0**0.5
"""Times the best loss: twice the cost."""

_WIDTH = 1.96  # standard errors on either side that hold 95 % of a normal distribution
_NOT_SAVED = ("recordings", "initial", "objective")
_NOTEWORTHY = 1.2  # a correction of the standard errors that is told


@dataclasses.dataclass(frozen=True)
class Estimate:
    """One fitted parameter.

    Attributes:
        name: its path.
        value: in its unit.
        standard_error: in its unit, corrected for residuals that are correlated in time, see
            `fitting.uncertainty.uncertainty`; infinite if the data do not determine it, NaN if a bound has stopped it.
        unit: of value, error and bounds.
        low: lower bound.
        high: upper bound.
        at_bound: whether a bound has stopped it.
        white_error: the standard error if the residuals were independent from sample to sample, in its unit.
    """

    name: str
    value: float
    standard_error: float
    unit: str
    low: float
    high: float
    at_bound: bool
    white_error: float = float("nan")

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval, value -+ 1.96 standard errors, in its unit."""
        return self.value - _WIDTH * self.standard_error, self.value + _WIDTH * self.standard_error


@dataclasses.dataclass(frozen=True)
class Start:
    """How one start ended.

    Attributes:
        loss: as the result's; infinite if the start failed.
        values: of the free parameters, in the order of the table.
        steps: that it took.
        converged: whether it came to the bottom of its valley.
    """

    loss: float
    values: tuple[float, ...]
    steps: int
    converged: bool


@dataclasses.dataclass(frozen=True)
class Table:
    """The fitted parameters; prints as a table."""

    rows: tuple[Estimate, ...]

    def __str__(self) -> str:
        cells = [("parameter", "value", "standard error", "unit", "")]
        cells += [
            (row.name, f"{row.value:.6g}", f"{row.standard_error:.2g}", row.unit, "at bound" if row.at_bound else "")
            for row in self.rows
        ]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        lines = [
            f"{name:<{widths[0]}}  {value:>{widths[1]}}  {error:>{widths[2]}}  {unit:<{widths[3]}}  {flag}".rstrip()
            for name, value, error, unit, flag in cells
        ]
        return "\n".join(lines)

    __repr__ = __str__


@dataclasses.dataclass(frozen=True)
class FitResult:
    """What a fit found.

    Attributes:
        neurons: the model with the best parameters, of each cell.
        loss: root of the weighted mean square residual: in mV or pA if all recordings are of one mode; if not, in
            standard deviations of each recording's response; of other losses than the traces in their tolerances.
        rmse: of each recording, in the unit of its response.
        estimates: the free parameters.
        correlation: of their estimates, `(free, free)`.
        starts: how each start ended.
        warnings: what to know before believing the fit.
        seconds: that the fit took, compilation included.
        recordings: what was fitted; not saved.
        initial: where each of them was started, as `patch_sim.simulate` takes it; not saved.
        cells: of which cell each of them is.
        electrodes: through which each of them was made, with the best parameters and without noise.
        directions: in which parameters compensate each other so that the recordings hardly tell, worst first; each
            prints as a sentence.
        memory: of each recording, the autocorrelation time of its residuals, ms: how far apart two of them must be to
            say something of their own. One sample, where they are white.
        certificate: what was checked of the fit, if `with_certificate` added it.
        fingerprints: the SHA-256 of each recording's data, see `fitting.fingerprint`.
        version: of patch_sim, with which it was made.
        seed: of its random draws.
        events: what was compared, if not traces. Then the loss is a root mean square over sweeps in units of the
            tolerances, the standard errors are the spread of the distinct solutions in `starts` that are about as good
            as the best, and there is neither an rmse nor a correlation.
        solver: that the fit was told to take, and that draws and predicts then; None: one that suits what is simulated.
        objective: what the fit made small, as `fitting.profile`, `fitting.bootstrap` and others take it up again; not
            saved.
    """

    neurons: tuple[ps.Neuron, ...]
    loss: float
    rmse: tuple[float, ...]
    estimates: tuple[Estimate, ...]
    correlation: np.ndarray
    starts: tuple[Start, ...]
    warnings: tuple[str, ...]
    seconds: float
    recordings: tuple[ps.Recording, ...] = ()
    initial: tuple[Any, ...] = ()
    cells: tuple[int, ...] = ()
    electrodes: tuple[ps.Electrode, ...] = ()
    directions: tuple[Direction, ...] = ()
    memory: tuple[float, ...] = ()
    certificate: Certificate | None = None
    fingerprints: tuple[str, ...] = ()
    version: str = ""
    seed: int | None = None
    events: Events | None = None
    solver: ps.Solver | None = None
    objective: Objective | None = dataclasses.field(default=None, repr=False)

    @property
    def neuron(self) -> ps.Neuron:
        """The model with the best parameters, where there is one cell.

        Raises:
            ValueError: there are several; they are in `neurons`.
        """
        if len(self.neurons) > 1:
            raise ValueError(f"there are {len(self.neurons)} cells: see result.neurons, or say which, cell=0")
        return self.neurons[0]

    @property
    def rigs(self) -> tuple[tuple[ps.Neuron, ps.Electrode], ...]:
        """The cell and the electrode of each recording that was fitted."""
        return tuple((self.neurons[cell], e) for cell, e in zip(self.cells, self.electrodes, strict=True))

    @property
    def electrode(self) -> ps.Electrode:
        """The electrode, where all recordings have the same.

        Raises:
            ValueError: the recordings were made through different ones; they are in `electrodes`.
        """
        first, *others = self.electrodes or (ps.Electrode(),)
        if not all(eqx.tree_equal(first, other) for other in others):
            raise ValueError(f"the {len(self.electrodes)} recordings have different electrodes: see result.electrodes")
        return first

    @property
    def solutions(self) -> tuple[Start, ...]:
        """The starts whose loss is at most 1.4 times the best: of a fit of events, distinct and about as good."""
        return tuple(start for start in self.starts if start.loss <= AS_GOOD * self.loss)

    def table(self) -> Table:
        """The parameters with units, standard errors and a flag for those at a bound."""
        return Table(self.estimates)

    def with_certificate(self, certificate: Certificate) -> "FitResult":
        """The same result with what `fitting.certificate` said of it, to be printed and saved."""
        return dataclasses.replace(self, certificate=certificate)

    @property
    def inflation(self) -> np.ndarray:
        """How many times the standard errors are those of independent residuals, `(free,)`; NaN without an error."""
        errors = np.array([(row.standard_error, row.white_error) for row in self.estimates], dtype=float).T
        known = np.isfinite(errors).all(axis=0) & (errors[1] > 0)
        return np.where(known, errors[0] / np.where(known, errors[1], 1.0), np.nan)

    @property
    def worst_pair(self) -> tuple[str, str, float] | None:
        """The two parameters whose estimates are most correlated, and their correlation; None if there are not two."""
        size = np.abs(np.nan_to_num(np.triu(self.correlation, 1)))
        if not size.any():
            return None
        row, column = np.unravel_index(np.argmax(size), size.shape)
        return self.estimates[row].name, self.estimates[column].name, float(self.correlation[row, column])

    def predict(
        self, protocol: Any, initial: Any = None, electrode: ps.Electrode | None = None, cell: int | None = None
    ) -> ps.Recording:
        """What the fitted neuron does under a protocol, or under the command of a recording, by the solver of the fit.

        Args:
            protocol: a protocol or a recording.
            initial: where it starts, as `patch_sim.simulate` takes it.
            electrode: through which it is seen. None: for a protocol with an electrode its own; for a recording that
                was fitted, the fitted one of that recording; and else the fitted one that all recordings share.
            cell: which, where there are several; of a recording that was fitted, its own by default.

        Raises:
            ValueError: no electrode is given, and the fitted recordings have different ones; or no cell.
        """
        neuron, fitted = self._rig_of(protocol, cell)
        if isinstance(protocol, ps.Recording):
            protocol, own = protocol_of(protocol), None
        else:
            own = protocol.electrode
        electrode = electrode or own or fitted or self.electrode
        seen = dataclasses.replace(protocol, electrode=electrode)
        solver = self.solver or suitable(neuron, electrode, seen.mode, seen.command())
        return ps.simulate(neuron, seen, initial=initial, solver=solver)

    def _rig_of(self, recording: Any, cell: int | None) -> tuple[ps.Neuron, ps.Electrode | None]:
        """The cell of a recording, and its electrode if it is one that was fitted."""
        known = [rig for fitted, rig in zip(self.recordings, self.rigs, strict=False) if fitted is recording]
        neuron, electrode = known[0] if known else (None, None)
        if cell is not None and not 0 <= cell < len(self.neurons):
            raise ValueError(f"cell {cell} is not there: the {len(self.neurons)} cells are counted from 0")
        if cell is not None:
            neuron = self.neurons[cell]
        return neuron or self.neuron, electrode

    def score(
        self,
        recording: ps.Recording,
        initial: Any = None,
        electrode: ps.Electrode | None = None,
        cell: int | None = None,
    ) -> float:
        """The root mean square error (mV or pA) of the prediction of a recording, over its mask."""
        error = np.asarray(self.predict(recording, initial, electrode, cell).response) - np.asarray(recording.response)
        return float(np.sqrt(np.mean(error[recording.scored] ** 2)))

    def spikes(
        self, recording: ps.Recording, window: tuple[float, float] | None = None, cell: int | None = None
    ) -> EventScores:
        """How well the model spikes as in a recording, fitted or held out, sweep by sweep, by the exact solver.

        It is held at the recorded voltage until shortly before the window, and then let go.

        Args:
            recording: of a current clamp, with its command.
            window: `(start, end)`, ms; by default that of the fit.
            cell: which, as `predict` takes it.
        """
        events = self.events or Events()
        events = events if window is None else dataclasses.replace(events, window=window)
        neuron, electrode = self._rig_of(recording, cell)
        return event_scores(neuron, recording, events, electrode or self.electrode)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Save as JSON, all but the recordings and where they were started; of their data the SHA-256."""
        names = [field.name for field in dataclasses.fields(self) if field.name not in _NOT_SAVED]
        files.write(path, FORMAT, {name: _plain(getattr(self, name)) for name in names})

    def report(self, path: str | os.PathLike[str]) -> None:
        """Write one self-contained HTML file: parameters, certificate, warnings, recordings with model and residual.

        Families of steps have their I-V or f-I curve beside them. Needs matplotlib.
        """
        write_html(self, path)

    def plot(self) -> "Figure":
        """Draw each recording's response, the model's over it, and the residual below; needs matplotlib.

        Of a fit of events, the first recording as `EventScores.plot` draws it.
        """
        from matplotlib import pyplot

        if not self.recordings:
            raise ValueError("a loaded fit has no recordings to draw; result.predict(recording).plot() draws the model")
        if self.events is not None:
            return self.spikes(self.recordings[0]).plot()
        count = len(self.recordings)
        figure, axes = pyplot.subplots(
            2, count, sharex="col", height_ratios=(3, 1), figsize=(8 * count, 5), layout="constrained", squeeze=False
        )
        for (top, bottom), recording, initial in zip(axes.T, self.recordings, self.initial, strict=True):
            model = np.asarray(self.predict(recording, initial).response)
            data = np.asarray(recording.response)
            time = np.asarray(recording.time)
            shown = np.where(recording.scored, data, np.nan)
            top.plot(time, shown.T, color="0.6", linewidth=0.7)
            top.plot(time, model.T, color="tab:red", linewidth=0.9)
            bottom.plot(time, (np.where(recording.scored, model, np.nan) - shown).T, color="0.4", linewidth=0.5)
            unit = recording.mode.response_unit
            top.set_ylabel(f"recorded (gray), model (red) ({unit})")
            bottom.set_ylabel(f"residual ({unit})")
            bottom.set_xlabel("time (ms)")
            for panel in (top, bottom):
                panel.spines[["top", "right"]].set_visible(False)
                panel.margins(x=0)
        return figure

    def __str__(self) -> str:
        finished = sum(np.isfinite(start.loss) for start in self.starts)
        lines = [f"loss {self.loss:.6g} from {finished} of {len(self.starts)} starts in {self.seconds:.1f} s"]
        lines.append(str(self.table()))
        if self.worst_pair is not None:
            first, second, correlation = self.worst_pair
            lines.append(f"worst determined pair: {first} and {second}, correlation {correlation:+.3f}")
        lines += [str(direction) for direction in self.directions]
        lines += self._correction()
        lines += [f"warning: {warning}" for warning in self.warnings]
        lines += [str(self.certificate)] if self.certificate else []
        return "\n".join(lines)

    def _correction(self) -> list[str]:
        """By how much correlated residuals widen the standard errors, if they do."""
        known = self.inflation[np.isfinite(self.inflation)]
        if known.size == 0 or (known.max() < _NOTEWORTHY and known.min() > 1 / _NOTEWORTHY):
            return []
        least, most = f"{known.min():.2g}", f"{known.max():.2g}"
        times = least if least == most else f"{least} to {most}"
        return [
            f"standard errors are {times} times those of independent residuals, which these are not: they remember for "
            f"{max(self.memory):.3g} ms"
        ]


def _plain(value: Any) -> Any:
    if isinstance(value, eqx.Module):
        return ps.encode(value)
    if isinstance(value, ps.Solver):
        return {"kind": type(value).__name__} | {key: _plain(setting) for key, setting in vars(value).items()}
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if dataclasses.is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    return value
