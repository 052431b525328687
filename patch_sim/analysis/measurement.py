"""What a measurement hands back: numbers with their units and errors, or the reason why there is none."""

import abc
import csv
import dataclasses
import io
import json
import math
import os
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Measured: TypeAlias = float | int | str
"""A number, or in words why there is none."""

REASON = "not measurable, because {}"
_MOST_ROWS = 60


class NotMeasurableError(Exception):
    """Raised inside a measurement by what finds that it has nothing to measure; its message ends up as a reason."""


def attempt(measure: Callable[..., float], *args: Any) -> Measured:
    """What a function measures, or why it cannot."""
    try:
        return float(measure(*args))
    except NotMeasurableError as error:
        return str(error)


@dataclasses.dataclass(frozen=True)
class Value:
    """One number.

    Args:
        value: the number; NaN if there is none.
        unit: its unit.
        error: its standard error, in the same unit; NaN where none is known.
        reason: why there is no number, else empty.

    Raises:
        ValueError: a NaN without a reason, or a number with one.
    """

    value: float
    unit: str
    error: float = math.nan
    reason: str = ""

    def __post_init__(self):
        if math.isnan(self.value) != bool(self.reason):
            raise ValueError(f"a value is a number or has a reason why not, not {self.value!r} and {self.reason!r}")

    @classmethod
    def of(cls, measured: Measured, unit: str, error: float = math.nan) -> "Value":
        """A value of a number, or of the reason why there is none."""
        return cls(math.nan, unit, reason=measured) if isinstance(measured, str) else cls(float(measured), unit, error)

    @property
    def measurable(self) -> bool:
        """Whether there is a number."""
        return not self.reason

    def __float__(self) -> float:
        return self.value

    def __str__(self) -> str:
        if self.reason:
            return REASON.format(self.reason)
        error = "" if math.isnan(self.error) else f" +- {_text(self.error, self.error)}"
        return f"{_text(self.value, self.error)}{error} {self.unit}".strip()


@dataclasses.dataclass(frozen=True, eq=False)
class Column:
    """One quantity over the rows of a table; `np.asarray(column)` gives the numbers.

    Args:
        values: the numbers, `(rows,)`; NaN where there is none.
        unit: their unit.
        errors: their standard errors, `(rows,)`; NaN where none is known.
        reasons: why there is no number in a row, else empty.
    """

    values: np.ndarray
    unit: str
    errors: np.ndarray
    reasons: tuple[str, ...]

    @classmethod
    def of(cls, items: Iterable[Value | Measured], unit: str) -> "Column":
        """A column of numbers, of reasons why there are none, or of values."""
        rows = [item if isinstance(item, Value) else Value.of(item, unit) for item in items]
        values, errors = (np.array([getattr(row, name) for row in rows], float) for name in ("value", "error"))
        return cls(values, unit, errors, tuple(row.reason for row in rows))

    def __getitem__(self, row: int) -> Value:
        return Value(float(self.values[row]), self.unit, float(self.errors[row]), self.reasons[row])

    def __len__(self) -> int:
        return len(self.values)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.array(self.values, dtype=dtype, copy=copy)


@dataclasses.dataclass(frozen=True, eq=False)
class AbstractMeasurement(abc.ABC):
    """Columns, which make a table, single values, and notes: what to beware of.

    Prints as a table, is written as CSV and JSON, becomes a pandas frame, and plots itself.
    """

    notes: tuple[str, ...] = dataclasses.field(default=(), kw_only=True)

    @abc.abstractmethod
    def plot(self) -> "Figure":
        """Draw it; needs matplotlib."""

    def columns(self) -> dict[str, Column]:
        """The columns of the table by name; all have the same rows."""
        return {name: field for name, field in self._fields() if isinstance(field, Column)}

    def values(self) -> dict[str, Value]:
        """The single values by name."""
        return {name: field for name, field in self._fields() if isinstance(field, Value)}

    def to_csv(self, path: str | os.PathLike[str] | None = None) -> str:
        """The table as CSV with the unit in each head, errors and reasons beside their numbers; also to a file.

        Single values stand before the table in lines that start with `#`, or are the table if there is no other.
        """
        columns, values = self.columns(), self.values()
        text = io.StringIO()
        write = csv.writer(text, lineterminator="\n").writerow
        if not columns:
            write(("quantity", "value", "unit", "standard error", "reason"))
            for name, value in values.items():
                write((name, _plain(value.value), value.unit, _plain(value.error), value.reason))
            return _written(text.getvalue(), path)
        text.writelines(f"# {name}: {value}\n" for name, value in values.items())
        text.writelines(f"# {note}\n" for note in self.notes)
        wide = [(name, *_used(column)) for name, column in columns.items()]
        write([head for name, column, parts in wide for head in _heads(name, column, parts)])
        for row in range(len(next(iter(columns.values())))):
            write([cell for _, column, parts in wide for cell in _cells(column[row], parts)])
        return _written(text.getvalue(), path)

    def to_json(self, path: str | os.PathLike[str] | None = None) -> str:
        """Everything as JSON, `null` where there is no number; also to a file."""
        columns = {
            name: {
                "unit": column.unit,
                "values": [_plain(x) for x in column.values],
                "errors": [_plain(x) for x in column.errors],
                "reasons": list(column.reasons),
            }
            for name, column in self.columns().items()
        }
        values = {
            name: {"value": _plain(v.value), "unit": v.unit, "error": _plain(v.error), "reason": v.reason}
            for name, v in self.values().items()
        }
        data = {"measurement": type(self).__name__, "columns": columns, "values": values, "notes": list(self.notes)}
        return _written(json.dumps(data, indent=1), path)

    def to_pandas(self) -> Any:
        """The table as a pandas DataFrame, which needs pandas; of single values if there is no other table."""
        import pandas

        return pandas.read_csv(io.StringIO(self.to_csv()), comment="#")

    def _fields(self) -> list[tuple[str, Any]]:
        return [(field.name, getattr(self, field.name)) for field in dataclasses.fields(self)]

    def __str__(self) -> str:
        columns, values = self.columns(), self.values()
        blocks = []
        if columns:
            blocks.append(_table(columns))
        if values:
            width = max(map(len, values))
            blocks.append("\n".join(f"{name:<{width}}  {value}" for name, value in values.items()))
        notes = [f"{name}: {said}" for name, column in columns.items() for said in _said(column)]
        notes += [f"note: {note}" for note in self.notes]
        return "\n".join([*blocks, *notes])

    __repr__ = __str__


def with_errors(values: np.ndarray, errors: np.ndarray, unit: str) -> Column:
    """A column of numbers with their standard errors."""
    return Column.of([Value(float(v), unit, float(e)) for v, e in zip(values, errors, strict=True)], unit)


def unmeasured(reason: str, columns: Sequence[str], values: Sequence[str] = ()) -> list[Any]:
    """The columns without rows and the values without numbers of a measurement, by their units, with the reason why."""
    return [*(Column.of([], unit) for unit in columns), *(Value.of(reason, unit) for unit in values)]


def _table(columns: dict[str, Column]) -> str:
    """The columns under their names and units, a dash where there is no number."""
    rows = len(next(iter(columns.values())))
    shown = min(rows, _MOST_ROWS)
    texts = [[name, column.unit, *(_short(column[row]) for row in range(shown))] for name, column in columns.items()]
    widths = [max(map(len, text)) for text in texts]
    lines = [
        "  ".join(f"{cell:>{width}}" for cell, width in zip(line, widths, strict=True))
        for line in zip(*texts, strict=True)
    ]
    return "\n".join([*lines, *([f"... {rows - shown} more rows"] if rows > shown else [])])


def _said(column: Column) -> list[str]:
    """Why there are no numbers in a column: each reason once, with its rows."""
    reasons = dict.fromkeys(reason for reason in column.reasons if reason)
    rows = {reason: [k for k, other in enumerate(column.reasons) if other == reason] for reason in reasons}
    return [f"{REASON.format(reason)} (row {_ranges(which)})" for reason, which in rows.items()]


def _ranges(rows: list[int]) -> str:
    """Numbers with neighbors drawn together: 0-2, 5."""
    starts = [k for k in rows if k - 1 not in rows]
    ends = [k for k in rows if k + 1 not in rows]
    return ", ".join(str(a) if a == b else f"{a}-{b}" for a, b in zip(starts, ends, strict=True))


def _short(value: Value) -> str:
    if value.reason:
        return "-"
    error = "" if math.isnan(value.error) else f" +- {_text(value.error, value.error)}"
    return _text(value.value, value.error) + error


def _text(value: float, error: float = math.nan) -> str:
    """A number to two digits of its error, or to four digits."""
    if math.isfinite(error) and error > 0.0 and math.isfinite(value):
        decimals = 1 - math.floor(math.log10(error))
        if -3 <= decimals <= 8:
            return f"{value:.{max(decimals, 0)}f}"
    if math.isnan(error) and value and 1e-3 <= abs(value) < 1e5:
        return f"{value:.{max(3 - math.floor(math.log10(abs(value))), 0)}f}".rstrip("0").rstrip(".") or "0"
    return f"{value:.2g}" if math.isfinite(error) else f"{value:.4g}"


def _used(column: Column) -> tuple[Column, tuple[str, ...]]:
    """Which parts of a column say something."""
    errors = ("error",) if np.isfinite(column.errors).any() else ()
    return column, ("value", *errors, *(("reason",) if any(column.reasons) else ()))


def _heads(name: str, column: Column, parts: tuple[str, ...]) -> list[str]:
    unit = f" ({column.unit})" if column.unit else ""
    words = {"value": f"{name}{unit}", "error": f"{name} standard error{unit}", "reason": f"{name} reason"}
    return [words[part] for part in parts]


def _cells(value: Value, parts: tuple[str, ...]) -> list[Any]:
    return [_plain(cell) if isinstance(cell := getattr(value, part), float) else cell for part in parts]


def _plain(number: float) -> float | int | None:
    """A number for a file: an integer as one, nothing for what is not finite."""
    if not math.isfinite(number):
        return None
    return int(number) if float(number).is_integer() and abs(number) < 1e15 else float(number)


def _written(text: str, path: str | os.PathLike[str] | None) -> str:
    if path is not None:
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
    return text
