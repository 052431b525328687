"""What a fit changes: cells, and the electrode through which each of their recordings was made."""

import dataclasses
import functools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import equinox as eqx
import jax
from jaxtyping import Array

import patch_sim as ps

UNSEEN = ("noise", "pink_noise", "quantization")
"""What an electrode adds to the response without telling anything about the cell."""


class Setup(eqx.Module):
    """Cells and the electrode of each recording, with one name for each number.

    A neuron's parameter keeps its path, and is one value for all cells; `cells.K.PATH` is that of cell K alone.
    `electrode.X` is one value for all recordings, `recordings.K.electrode.X` one for recording K alone.

    Attributes:
        neurons: one for each cell.
        electrodes: one for each recording, without noise.
        cells: of which cell each recording is.
        nyquist: the highest frequency that the samples of every recording can hold, Hz.
    """

    neurons: tuple[ps.Neuron, ...]
    electrodes: tuple[ps.Electrode, ...] = ()
    cells: tuple[int, ...] = eqx.field(static=True, default=())
    nyquist: float = eqx.field(static=True, default=float("inf"))

    @property
    def rigs(self) -> tuple[tuple[ps.Neuron, ps.Electrode], ...]:
        """The cell and the electrode of each recording."""
        return tuple((self.neurons[cell], e) for cell, e in zip(self.cells, self.electrodes, strict=True))

    def match(self, *patterns: str) -> tuple[str, ...]:
        """The names that at least one pattern matches, those of all cells first.

        Raises:
            KeyError: a pattern that matches nothing.
        """
        common = [pattern for pattern in patterns if _of_all_cells(pattern)]
        own = [pattern for pattern in patterns if not _of_all_cells(pattern)]
        return ps.match(self.neurons[0], *common) + ps.match(self._named, *own)

    def parameters(self) -> dict[str, Array]:
        """The numbers by their names; what is common is the first cell's, and the first recording's."""
        return ps.parameters(self.neurons[0]) | ps.parameters(self._named)

    def limits(self) -> dict[str, Mapping[str, Any]]:
        """What is declared of each parameter: its `unit`, `above`, `at_least`, and of an electrode's `below`."""
        below = {"%": 100.0, "Hz": self.nyquist}
        named = dict(ps.limits(self.neurons[0])) | dict(ps.limits(self._named))
        return {
            name: {**declared, "below": below.get(declared.get("unit", ""))} if of_electrode(name) else declared
            for name, declared in named.items()
        }

    def with_parameters(self, values: Mapping[str, Any]) -> "Setup":
        """A setup with other numbers; what of an electrode is there and what is ideal stays as it was."""
        neurons = [ps.with_parameters(neuron, _of_cell(k, values)) for k, neuron in enumerate(self.neurons)]
        electrodes = [
            dataclasses.replace(ps.with_parameters(electrode, _of_recording(k, values)), used=electrode.used)
            for k, electrode in enumerate(self.electrodes)
        ]
        return dataclasses.replace(self, neurons=tuple(neurons), electrodes=tuple(electrodes))

    def freed(self, names: Iterable[str]) -> "Setup":
        """A setup that takes some parameters as there, also where they are ideal now."""
        now = self.parameters()
        free = {name: now[name] for name in names}

        def aware(k: int, electrode: ps.Electrode) -> ps.Electrode:
            # Under a trace what is free is unknown, and so counts as there; what is not free keeps its number.
            traced = jax.eval_shape(functools.partial(ps.with_parameters, electrode), _of_recording(k, free))
            return dataclasses.replace(electrode, used=traced.used)

        return dataclasses.replace(self, electrodes=tuple(aware(k, e) for k, e in enumerate(self.electrodes)))

    @property
    def _named(self) -> "_Named":
        shared = self.electrodes[0] if self.electrodes else None
        return _Named(shared, tuple(_Recorded(electrode) for electrode in self.electrodes), self.neurons)


class _Recorded(eqx.Module):
    electrode: ps.Electrode


class _Named(eqx.Module):
    """All but what is common to the cells, laid out so that its paths are the names of the parameters."""

    electrode: ps.Electrode | None
    recordings: tuple[_Recorded, ...]
    cells: tuple[ps.Neuron, ...]


def setup(neuron: ps.Neuron, recordings: Sequence[ps.Recording], cells: Sequence[int] | None = None) -> Setup:
    """The setup from which a fit of some recordings starts.

    Args:
        neuron: the model, of every cell.
        recordings: what was recorded.
        cells: of which cell each of them is, counted from 0. None: all are of one cell.

    Raises:
        ValueError: `cells` that are not one for each recording, or that leave one out.
    """
    cells = (0,) * len(recordings) if cells is None else tuple(cells)
    if len(cells) != len(recordings) or set(cells) != set(range(len(set(cells)))):
        raise ValueError(
            f"cells must say of which cell each of the {len(recordings)} recordings is, as [0, 0, 1] does of three, "
            f"not {list(cells)!r}"
        )
    electrodes = tuple(_silent(recording.electrode) for recording in recordings)
    nyquist = min(500.0 / recording.dt for recording in recordings)
    return Setup((neuron,) * len(set(cells)), electrodes, cells, nyquist)


def of_electrode(name: str) -> bool:
    """Whether a name (or a pattern) is one of an electrode's."""
    return name.split(".", 1)[0] in ("electrode", "recordings")


def _of_all_cells(name: str) -> bool:
    return not of_electrode(name) and name.split(".", 1)[0] != "cells"


def _of_cell(k: int, values: Mapping[str, Any]) -> dict[str, Any]:
    """The values that one cell takes, by their paths in it."""
    common = {name: value for name, value in values.items() if _of_all_cells(name)}
    return common | _under((f"cells.{k}.",), values)


def _of_recording(k: int, values: Mapping[str, Any]) -> dict[str, Any]:
    """The values that one recording's electrode takes, by their paths in it."""
    return _under(("electrode.", f"recordings.{k}.electrode."), values)


def _under(prefixes: tuple[str, ...], values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name.removeprefix(prefix): value
        for prefix in prefixes
        for name, value in values.items()
        if name.startswith(prefix)
    }


def _silent(electrode: ps.Electrode) -> ps.Electrode:
    """The same electrode without noise: what a fit compares with is the mean of what could have been recorded."""
    loud = {name: 0.0 for name in ps.parameters(electrode) if name in UNSEEN}
    return dataclasses.replace(ps.with_parameters(electrode, loud), used=None)
