"""The cell on the page: a preset and what has been changed of it."""

import dataclasses
import functools
import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from patch_sim import presets
from patch_sim.calcium import CalciumPool
from patch_sim.channels import CATALOG, AbstractChannel
from patch_sim.describe import formula
from patch_sim.neuron import Neuron
from patch_sim.parameters import limits, parameters, with_parameters
from patch_sim.units import whole_cell_conductance, whole_cell_permeability

_PARTS = {"base", "added", "off", "pool", "numbers"}


def title(preset: str) -> str:
    """A preset's name for people: `Squid axon`."""
    name = preset.replace("_", " ").replace("ca1", "CA1")
    return name[0].upper() + name[1:]


@dataclasses.dataclass(frozen=True)
class Cell:
    """A preset and the changes to it: small enough for a link, and enough to write down as code.

    Attributes:
        base: the name of the preset.
        added: channels that it does not have, from name to class.
        off: the names of channels that are switched off.
        pool: whether it is given a calcium pool, if it has none.
        numbers: parameters that differ, by path.
    """

    base: str
    added: Mapping[str, str] = dataclasses.field(default_factory=dict)
    off: tuple[str, ...] = ()
    pool: bool = False
    numbers: Mapping[str, float] = dataclasses.field(default_factory=dict)

    @classmethod
    def parse(cls, data: Any) -> "Cell":
        """Check what the browser, or a file, says.

        Raises:
            ValueError: it describes no cell; the message says what of it.
        """
        if not isinstance(data, Mapping) or not {"base"} <= set(data) <= _PARTS:
            raise ValueError("this describes no cell: it wants a base and the changes to it.")
        base, added, numbers = data["base"], data.get("added", {}), data.get("numbers", {})
        off, pool = data.get("off", []), data.get("pool", False)
        if base not in presets.neurons():
            raise ValueError(f"there is no cell {base!r}; there are {', '.join(presets.neurons())}.")
        if not isinstance(added, Mapping) or not all(isinstance(one, str) and one in CATALOG for one in added.values()):
            raise ValueError(f"added channels are names with classes of the catalog, not {added!r}.")
        if not isinstance(numbers, Mapping) or not all(_is_number(value) for value in numbers.values()):
            raise ValueError(f"changed numbers are paths with numbers, not {numbers!r}.")
        if not isinstance(off, list | tuple) or not all(isinstance(name, str) for name in off):
            raise ValueError(f"what is off is a list of names, not {off!r}.")
        return cls(base, dict(added), tuple(off), bool(pool), {path: float(x) for path, x in numbers.items()})

    def neuron(self) -> Neuron:
        """The neuron.

        Raises:
            ValueError: a change that cannot be made; the message says which.
        """
        return _neuron(json.dumps(dataclasses.asdict(self), sort_keys=True))

    def code(self) -> str:
        """The lines of Python that build it."""
        lines = [f'cell = ps.presets.neuron("{self.base}")']
        if self.added:
            channels = ", ".join(f"{name}=ps.channels.{kind}()" for name, kind in self.added.items())
            lines.append(f"cell = cell.with_channels({channels})")
        if self.pool:
            lines.append("cell = cell.with_calcium(ps.CalciumPool())")
        if self.numbers:
            numbers = ", ".join(f'"{path}": {value:.6g}' for path, value in self.numbers.items())
            lines.append(f"cell = ps.with_parameters(cell, {{{numbers}}})")
        if self.off:
            lines.append(f"cell = cell.disabled({', '.join(map(repr, self.off))})".replace("'", '"'))
        return "\n".join(lines)

    def view(self) -> dict[str, Any]:
        """What the rack shows: of each channel and of the membrane their numbers, as they are without the changes."""
        cell = _composed(self.base, self.added, self.pool)
        numbers, declared = parameters(cell), limits(cell)
        plain = [path for path in numbers if not path.startswith("channels.") and np.ndim(numbers[path]) == 0]
        return {
            "about": _about(self.base),
            "channels": [_row(name, channel, name in self.added) for name, channel in cell.channels.items()],
            "membrane": [_number(path, float(numbers[path]), declared[path]) for path in plain],
            "warnings": list(self.neuron().warnings),
        }


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and bool(np.isfinite(value))


@functools.lru_cache(maxsize=64)
def _neuron(text: str) -> Neuron:
    """The neuron of a cell as JSON: a page asks for the same one again and again."""
    cell = Cell.parse(json.loads(text))
    try:
        neuron = _composed(cell.base, cell.added, cell.pool)
        return with_parameters(neuron, cell.numbers).disabled(*cell.off)
    except KeyError as error:
        raise ValueError(str(error.args[0])) from error


def _composed(base: str, added: Mapping[str, str], pool: bool) -> Neuron:
    return _compose(base, tuple(added.items()), pool)


@functools.lru_cache(maxsize=64)
def _compose(base: str, added: tuple[tuple[str, str], ...], pool: bool) -> Neuron:
    neuron = presets.neuron(base)
    if added:
        classes: dict[str, Any] = {name: CATALOG[kind] for name, kind in added}
        neuron = neuron.with_channels(**{name: channel() for name, channel in classes.items()})
    if pool and neuron.calcium is None:
        neuron = neuron.with_calcium(CalciumPool())
    return neuron


def _about(base: str) -> str:
    """The first paragraph of a preset's docstring."""
    return " ".join((getattr(presets, base).__doc__ or "").strip().split("\n\n")[0].split())


def _row(name: str, channel: AbstractChannel, added: bool) -> dict[str, Any]:
    """What the rack shows of one channel."""
    size = "p_max" if hasattr(channel, "p_max") else "g_max"
    own = {path: float(value) for path, value in parameters(channel).items() if np.ndim(value) == 0}
    per_area = (whole_cell_permeability if size == "p_max" else whole_cell_conductance)(1.0, 1.0)
    declared = limits(channel)
    return {
        "name": name,
        "class": type(channel).__name__,
        "source": channel.source,
        "formula": formula(channel),
        "added": added,
        "size": _number(f"channels.{name}.{size}", own.pop(size), declared[size]),
        "wholeCell": {"unit": "um3/s" if size == "p_max" else "nS", "perArea": float(per_area)},
        "numbers": [
            _number(f"channels.{name}.{path}", value, declared[path])
            for path, value in own.items()
            if not path.startswith("gates.") or path.endswith((".shift", ".speed"))
        ],
    }


def _number(path: str, value: float, declared: Mapping[str, Any]) -> dict[str, Any]:
    low = declared.get("above") if declared.get("above") is not None else declared.get("at_least")
    return {"path": path, "label": _label(path), "value": value, "unit": declared.get("unit", ""), "low": low}


_LABELS = {
    "area": "Membrane area",
    "capacitance": "Capacitance",
    "temperature": "Temperature",
    "calcium.gamma": "Calcium that stays free",
    "calcium.depth": "Calcium pool depth",
    "calcium.decay": "Calcium decay",
    "calcium.resting": "Calcium at rest",
}


def _label(path: str) -> str:
    """A parameter's name for people: `Na outside`, `h shift`."""
    parts = path.split(".")
    return _LABELS.get(path) or " ".join(parts[-2:] if parts[0] == "ions" or "gates" in parts else parts[-1:])


def catalog() -> list[dict[str, str]]:
    """Every channel that can be added: its class, and where it comes from."""
    return [{"class": name, "source": str(kind.source), "about": _about_class(kind)} for name, kind in CATALOG.items()]


def _about_class(kind: type) -> str:
    """The first line of a channel's docstring, without its formula."""
    return (kind.__doc__ or "").strip().splitlines()[0].partition(": $")[0].rstrip(".")
