"""What a fit changes: a neuron, and the electrode through which each of its recordings was made."""

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
    """A neuron and the electrode of each recording, with one name for each number.

    A neuron's parameter keeps its path. `electrode.X` is one value for all recordings, `recordings.K.electrode.X` one
    for recording K alone.

    Attributes:
        neuron: the cell.
        electrodes: one for each recording, without noise.
        nyquist: the highest frequency that the samples of every recording can hold, Hz.
    """

    neuron: ps.Neuron
    electrodes: tuple[ps.Electrode, ...] = ()
    nyquist: float = eqx.field(static=True, default=float("inf"))

    def match(self, *patterns: str) -> tuple[str, ...]:
        """The names that at least one pattern matches, the neuron's first.

        Raises:
            KeyError: a pattern that matches nothing.
        """
        cell = [pattern for pattern in patterns if not of_electrode(pattern)]
        rig = [pattern for pattern in patterns if of_electrode(pattern)]
        return ps.match(self.neuron, *cell) + ps.match(self._rig, *rig)

    def parameters(self) -> dict[str, Array]:
        """The numbers by their names; `electrode.X` is the first recording's."""
        return ps.parameters(self.neuron) | ps.parameters(self._rig)

    def limits(self) -> dict[str, Mapping[str, Any]]:
        """What is declared of each parameter: its `unit`, `above`, `at_least`, and of an electrode's `below`."""
        below = {"%": 100.0, "Hz": self.nyquist}
        rig = ps.limits(self._rig)
        return dict(ps.limits(self.neuron)) | {
            name: {**declared, "below": below.get(declared.get("unit", ""))} for name, declared in rig.items()
        }

    def with_parameters(self, values: Mapping[str, Any]) -> "Setup":
        """A setup with other numbers; what of an electrode is there and what is ideal stays as it was."""
        cell = {name: value for name, value in values.items() if not of_electrode(name)}
        electrodes = [
            dataclasses.replace(ps.with_parameters(electrode, _of_recording(k, values)), used=electrode.used)
            for k, electrode in enumerate(self.electrodes)
        ]
        return Setup(ps.with_parameters(self.neuron, cell), tuple(electrodes), self.nyquist)

    def freed(self, names: Iterable[str]) -> "Setup":
        """A setup that takes some parameters as there, also where they are ideal now."""
        now = self.parameters()
        free = {name: now[name] for name in names}

        def aware(k: int, electrode: ps.Electrode) -> ps.Electrode:
            # Under a trace what is free is unknown, and so counts as there; what is not free keeps its number.
            traced = jax.eval_shape(functools.partial(ps.with_parameters, electrode), _of_recording(k, free))
            return dataclasses.replace(electrode, used=traced.used)

        return Setup(self.neuron, tuple(aware(k, e) for k, e in enumerate(self.electrodes)), self.nyquist)

    @property
    def _rig(self) -> "_Rig":
        shared = self.electrodes[0] if self.electrodes else None
        return _Rig(shared, tuple(_Recorded(electrode) for electrode in self.electrodes))


class _Recorded(eqx.Module):
    electrode: ps.Electrode


class _Rig(eqx.Module):
    """All that is not the neuron, laid out so that its paths are the names of the parameters."""

    electrode: ps.Electrode | None
    recordings: tuple[_Recorded, ...]


def setup(neuron: ps.Neuron, recordings: Sequence[ps.Recording]) -> Setup:
    """The setup from which a fit of some recordings starts."""
    electrodes = tuple(_silent(recording.electrode) for recording in recordings)
    return Setup(neuron, electrodes, min(500.0 / recording.dt for recording in recordings))


def of_electrode(name: str) -> bool:
    """Whether a name (or a pattern) is one of an electrode's."""
    return name.split(".", 1)[0] in ("electrode", "recordings")


def _of_recording(k: int, values: Mapping[str, Any]) -> dict[str, Any]:
    """The values that one recording's electrode takes, by their paths in it."""
    prefixes = ("electrode.", f"recordings.{k}.electrode.")
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
