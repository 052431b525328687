"""What can be free in a fit, for people to choose from."""

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

import patch_sim as ps
from fitting.model import Model
from fitting.parameters import space
from fitting.setup import setup

_ELECTRODE = ("series_resistance", "pipette_capacitance", "seal_resistance", "offset", "current_offset")
_NAMES = {
    "capacitance": "Capacitance",
    "electrode.series_resistance": "Series resistance",
    "electrode.pipette_capacitance": "Pipette capacitance",
    "electrode.seal_resistance": "Seal resistance",
    "electrode.offset": "Voltage offset",
    "electrode.current_offset": "Current offset",
}


@dataclasses.dataclass(frozen=True)
class Row:
    """A parameter that can be free.

    Attributes:
        path: its name in the library.
        group: under which heading it stands.
        free: whether it is free if nobody says otherwise.
        label: for people.
        unit: of its bounds.
        low: default lower bound.
        high: default upper bound.
    """

    path: str
    group: str
    free: bool
    label: str
    unit: str
    low: float
    high: float


def rows(model: Model, recording: ps.Recording) -> list[Row]:
    """What can be free of a model: all that it brings bounds for, or if it brings none what people mostly fit.

    These are conductances, free by default; the leak's reversal and the capacitance, free by default in current clamp;
    other reversals, the electrode, shifts and speeds of gates. A channel without conductance has nothing to fit.
    """
    prepared = setup(model.neuron, (recording,))
    if model.bounds:
        found = {path: ("Parameters of the model", True) for path in model.bounds}
    else:
        now = prepared.parameters()
        found = {
            path: (group, free)
            for path, group, free in _of_a_cell(model.neuron, recording.mode)
            if path in now and now[path].shape == ()
        }
    box = space(prepared, list(found), model.bounds, model.ties)
    limits = zip(box.names, box.units, box.low.tolist(), box.high.tolist(), strict=True)
    order = {name: k for k, name in enumerate(found)}
    made = [Row(name, *found[name], label(name), unit, low, high) for name, unit, low, high in limits]
    return sorted(made, key=lambda row: order[row.path])


def _of_a_cell(neuron: ps.Neuron, mode: ps.Mode) -> Iterator[tuple[str, str, bool]]:
    charged = mode is ps.Mode.CURRENT_CLAMP
    numbers = ps.parameters(neuron)
    sizes = {
        name: path
        for name in neuron.channels
        for path in (f"channels.{name}.g_max", f"channels.{name}.p_max")
        if path in numbers and numbers[path] > 0
    }
    for path in sizes.values():
        yield path, "Conductances", True
    yield "capacitance", "Membrane", charged
    for name in sizes:
        yield f"channels.{name}.reversal", "Membrane", charged and name == "Leak"
    for name in _ELECTRODE:
        yield f"electrode.{name}", "Electrode", False
    for path in numbers:
        if path.startswith(tuple(f"channels.{name}.gates." for name in sizes)) and path.endswith((".shift", ".speed")):
            yield path, "Kinetics", False


def label(path: str) -> str:
    """A parameter's name for people: `Na g_max`, `Na m shift`, `Series resistance`."""
    parts = [part for part in path.split(".") if part not in ("channels", "gates")]
    return _NAMES.get(path) or " ".join(parts)


def parse(available: list[Row], wanted: Any) -> dict[str, tuple[float, float]]:
    """The bounds of what the browser wants free: from path to `[low, high]`, where None is the default.

    Raises:
        ValueError: nothing, something that cannot be free, or what are no bounds; the message names it.
    """
    known = {row.path: row for row in available}
    if not isinstance(wanted, Mapping) or not wanted:
        raise ValueError("Nothing is free: tick at least one parameter.")
    bounds = {}
    for path, pair in wanted.items():
        if path not in known:
            raise ValueError(f"{path} cannot be free in this model.")
        row = known[path]
        if not isinstance(pair, list | tuple) or len(pair) != 2:
            raise ValueError(f"{row.label}: bounds are two numbers, not {pair!r}.")
        low, high = (_number(row, at, given) for at, given in zip((row.low, row.high), pair, strict=True))
        if not low < high:
            raise ValueError(f"{row.label}: the lower bound, {low:g} {row.unit}, must be below the upper, {high:g}.")
        bounds[path] = (low, high)
    return {path: bounds[path] for path in known if path in bounds}


def _number(row: Row, default: float, given: Any) -> float:
    if given is None:
        return default
    if isinstance(given, bool) or not isinstance(given, int | float) or not abs(given) < float("inf"):
        raise ValueError(f"{row.label}: {given!r} is not a bound{f' in {row.unit}' if row.unit else ''}.")
    return float(given)
