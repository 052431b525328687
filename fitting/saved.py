"""A fit out of a file."""

import os
from typing import Any

import numpy as np

import patch_sim as ps
from fitting import files
from fitting.checks import Certificate, Check
from fitting.directions import Direction
from fitting.report import FORMAT, Estimate, FitResult, Start
from fitting.spikes.events import Events


def load(path: str | os.PathLike[str]) -> FitResult:
    """Load what `FitResult.save` saved.

    Raises:
        ValueError: a file that is no saved fit, or a model whose classes have not been imported.
    """
    return files.read(path, FORMAT, _result, "fit")


def _result(data: dict[str, Any]) -> FitResult:
    return FitResult(
        neurons=tuple(ps.decode(neuron) for neuron in data["neurons"]),
        loss=data["loss"],
        rmse=tuple(data["rmse"]),
        estimates=tuple(Estimate(**row) for row in data["estimates"]),
        correlation=np.array(data["correlation"], dtype=float),
        starts=tuple(
            Start(row["loss"], tuple(row["values"]), row["steps"], row["converged"]) for row in data["starts"]
        ),
        cells=tuple(data["cells"]),
        electrodes=tuple(ps.decode(electrode) for electrode in data["electrodes"]),
        directions=tuple(_direction(row) for row in data["directions"]),
        memory=tuple(data["memory"]),
        certificate=_certificate(data["certificate"]),
        fingerprints=tuple(data["fingerprints"]),
        version=data["version"],
        seed=data["seed"],
        events=_events(data["events"]),
        solver=_solver(data["solver"]),
        warnings=tuple(data["warnings"]),
        seconds=data["seconds"],
    )


def _certificate(data: dict[str, Any] | None) -> Certificate | None:
    return None if data is None else Certificate(tuple(Check(**row) for row in data["checks"]))


def _events(data: dict[str, Any] | None) -> Events | None:
    if data is None:
        return None
    settings: dict[str, Any] = dict(data)
    settings["window"] = settings["window"] and tuple(settings["window"])
    return Events(**settings)


def _solver(data: dict[str, Any] | None) -> ps.Solver | None:
    if data is None:
        return None
    kinds = {kind.__name__: kind for kind in (ps.Adaptive, ps.Exponential)}
    settings = {key: ps.decode(value) if key == "method" else value for key, value in data.items() if key != "kind"}
    return kinds[data["kind"]](**settings)


def _direction(row: dict[str, Any]) -> Direction:
    names, change, units = (tuple(row[name]) for name in ("names", "change", "units"))
    return Direction(names, change, units, row["spread"], row["compensation"], row["correlation"])
