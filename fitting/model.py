"""A neuron and what of it is free, in a file."""

import dataclasses
import os
from collections.abc import Mapping
from typing import Any

import patch_sim as ps
from fitting import files

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
        data = {"bounds": dict(self.bounds), "ties": dict(self.ties), "neuron": ps.encode(self.neuron)}
        files.write(path, _FORMAT, data)


def load_model(path: str | os.PathLike[str]) -> Model:
    """Load what `Model.save` saved.

    Raises:
        ValueError: a file that is no saved model, or a neuron whose classes have not been imported.
    """
    return files.read(path, _FORMAT, _model, "model")


def _model(data: dict[str, Any]) -> Model:
    bounds = {name: (float(low), float(high)) for name, (low, high) in data["bounds"].items()}
    ties = {name: tuple(paths) for name, paths in data["ties"].items()}
    return Model(ps.decode(data["neuron"]), bounds, ties)
