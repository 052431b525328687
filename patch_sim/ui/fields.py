"""Numbers that a person enters: their names, units and limits, and how they are checked."""

import dataclasses
import math
from collections.abc import Iterable, Mapping
from typing import Any


@dataclasses.dataclass(frozen=True)
class Field:
    """A number on the page.

    Attributes:
        name: its key in what the browser sends.
        label: for people.
        unit: "" for a pure number.
        default: what it is until somebody changes it.
        low: the least that it may be.
        high: the most that it may be.
        tip: what it is, in one line.
        whole: whether it is a count.
    """

    name: str
    label: str
    unit: str
    default: float | int
    low: float | int = -math.inf
    high: float | int = math.inf
    tip: str = ""
    whole: bool = False

    def parse(self, value: Any) -> float | int:
        """Check what was entered.

        Raises:
            ValueError: it is no number or out of the limits, by its label, and the limit.
        """
        in_unit = f" in {self.unit}" if self.unit else ""
        if value is None or value == "":
            raise ValueError(f"{self.label}: the field is empty; it wants a number{in_unit}.")
        try:
            number = math.nan if isinstance(value, bool) else float(value)
        except (TypeError, ValueError):
            number = math.nan
        if not math.isfinite(number):
            raise ValueError(f"{self.label}: {value!r} is not a number{in_unit}.")
        if self.whole and (number != int(number) or not self.low <= number <= self.high):
            raise ValueError(f"{self.label}: {number:g} is not a whole number from {self.low:g} to {self.high:g}.")
        if not self.low <= number <= self.high:
            much, at, limit = ("little", "least", self.low) if number < self.low else ("much", "most", self.high)
            unit = f" {self.unit}" if self.unit else ""
            raise ValueError(f"{self.label}: {number:g}{unit} is too {much}; it must be at {at} {limit:,.10g}{unit}.")
        return int(number) if self.whole else number

    def view(self) -> dict[str, Any]:
        """As JSON for the browser, which knows no infinity."""
        plain = dataclasses.asdict(self)
        return {key: None if isinstance(x, float) and math.isinf(x) else x for key, x in plain.items()}


def parse(fields: Iterable[Field], numbers: Any) -> dict[str, float | int]:
    """All numbers of some fields, those that are not given at their defaults.

    Raises:
        ValueError: what is no mapping, a name that no field has, a number that a field refuses.
    """
    fields = tuple(fields)
    if not isinstance(numbers, Mapping):
        raise ValueError(f"numbers by name are wanted, not {numbers!r}.")
    unknown = set(numbers) - {field.name for field in fields}
    if unknown:
        raise ValueError(f"there is no field {sorted(map(str, unknown))[0]!r} here.")
    return {field.name: field.parse(numbers.get(field.name, field.default)) for field in fields}
