"""The electrode on the page."""

from typing import Any

import patch_sim as ps
from patch_sim.ui.fields import Field, parse

FIELDS: tuple[Field, ...] = (
    Field("series_resistance", "Series resistance", "MOhm", 0.0, 0.0, 200.0, "of the pipette and what clogs it"),
    Field("pipette_capacitance", "Pipette capacitance", "pF", 0.0, 0.0, 100.0, "of the glass wall and the holder"),
    Field("seal", "Seal leak", "nS", 0.0, 0.0, 100.0, "conductance beside the membrane; 1 nS is a seal of 1 GOhm"),
    Field("junction_potential", "Junction potential", "mV", 0.0, -50.0, 50.0, "how much more negative the membrane is"),
    Field("bridge", "Bridge balance", "MOhm", 0.0, 0.0, 200.0, "current clamp: resistance that is made up for"),
    Field("neutralization", "Capacitance neutralization", "pF", 0.0, 0.0, 100.0, "of the pipette, in both clamps"),
    Field("correction", "Rs correction", "%", 0.0, 0.0, 95.0, "voltage clamp: the part of Rs that is made up for"),
    Field("prediction", "Rs prediction", "%", 0.0, 0.0, 95.0, "voltage clamp: how much the charging is sped up"),
    Field("whole_cell", "Whole-cell capacitance", "pF", 0.0, 0.0, 1000.0, "voltage clamp: canceled charging current"),
    Field("filter", "Filter", "kHz", 0.0, 0.0, 100.0, "corner of the 4-pole Bessel filter; 0 is none"),
    Field("noise", "Noise", "pA or mV", 0.0, 0.0, 1000.0, "standard deviation of what is recorded"),
)


def electrode(numbers: Any, make: Any = ps) -> Any:
    """The electrode of the numbers, or with a `Writer` for the package how to build it; None if it is ideal.

    Raises:
        ValueError: a number that is wrong, or several that do not go together.
    """
    n = parse(FIELDS, numbers)
    dials = {
        "correction": n["correction"],
        "prediction": n["prediction"],
        "slow_capacitance": n["whole_cell"],
        "capacitance": n["neutralization"],
        "bridge": n["bridge"],
    }
    parts: dict[str, Any] = {
        "series_resistance": n["series_resistance"],
        "pipette_capacitance": n["pipette_capacitance"],
        "seal_resistance": n["seal"] and 1e3 / n["seal"],
        "junction_potential": n["junction_potential"],
        "compensation": any(dials.values()) and make.Compensation(**_used(dials)),
        "filter": n["filter"] and make.Bessel(1e3 * n["filter"]),
        "noise": n["noise"],
    }
    return make.Electrode(**_used(parts)) if _used(parts) else None


def _used(arguments: dict[str, Any]) -> dict[str, Any]:
    """Without those that are as in an ideal electrode."""
    return {name: value for name, value in arguments.items() if value}
