"""A neuron and what of it is free, in a file."""

import dataclasses
import json
import os
from collections.abc import Mapping
from typing import Any

import patch_sim as ps

_FORMAT = "patch_sim model 1"


@dataclasses.dataclass(frozen=True)
class Model:
    """A neuron, and what of it is free.

    Attributes:
        neuron: the cell.
        bounds: of each free parameter, `(low, high)` in its unit.
        ties: names for what several parameters have in common.
    """

    neuron: ps.Neuron
    bounds: Mapping[str, tuple[float, float]]
    ties: Mapping[str, tuple[str, ...]]

    def save(self, path: str | os.PathLike[str]) -> None:
        """Save as JSON, to be edited and loaded by `fitting.load_model`."""
        data = {"format": _FORMAT, "bounds": dict(self.bounds), "ties": dict(self.ties)}
        text = json.dumps(data | {"neuron": ps.encode(self.neuron)}, indent=1)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)


def load_model(path: str | os.PathLike[str]) -> Model:
    """Load what `Model.save` saved.

    Raises:
        ValueError: a file that is no saved model, or a neuron whose classes have not been imported.
    """
    try:
        with open(path, encoding="utf-8") as file:
            data: dict[str, Any] = json.load(file)
        if data["format"] != _FORMAT:
            raise KeyError("format")
        bounds = {name: (float(low), float(high)) for name, (low, high) in data["bounds"].items()}
        ties = {name: tuple(paths) for name, paths in data["ties"].items()}
        return Model(ps.decode(data["neuron"]), bounds, ties)
    except (json.JSONDecodeError, UnicodeDecodeError, KeyError, AttributeError, TypeError) as error:
        raise ValueError(f"{os.fspath(path)} is not a saved model") from error
