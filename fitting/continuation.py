"""What makes the sum of squares of traces easy at first, by what was recorded, and is let go by degrees."""

import abc
from collections.abc import Sequence
from typing import Any

import equinox as eqx
import numpy as np
from jaxtyping import Array, Float, Int

import patch_sim as ps


class AbstractContinuation(eqx.Module):
    """A model in current clamp that knows more of a recording than its command."""

    @abc.abstractmethod
    def response(
        self, neuron: ps.Neuron, protocol: ps.CurrentClamp, initial: Any, solver: ps.Solver
    ) -> Float[Array, "sweeps samples"]:
        """What is seen of it, mV.

        Args:
            neuron: the model.
            protocol: what was commanded, with the electrode.
            initial: where each sweep starts, as `patch_sim.simulate` takes it.
            solver: as `patch_sim.simulate` takes it.
        """

    @property
    def unknowns(self) -> int:
        """How many numbers of its own a fit has to find beside the parameters: each from 0 to 1, and 1/2 at first."""
        return 0

    def placed(self, unknowns: Float[Array, " unknowns"]) -> "AbstractContinuation":
        """The same at other numbers of its own."""
        return self

    @property
    def owners(self) -> Int[Array, "sweeps samples"] | None:
        """On which of these numbers, one at most, each sample depends; None where there are none."""
        return None


def check_continuation(
    name: str, degrees: Sequence[float], unit: str, recordings: Sequence[ps.Recording], electrodes: Sequence[Any]
) -> None:
    """Whether a model can be led along some recordings, each made through an electrode.

    Args:
        name: the setting, as messages call it.
        degrees: what it was set to; nothing is checked if that is nothing.
        unit: what the degrees should be.
        recordings: what was recorded.
        electrodes: through what.

    Raises:
        ValueError: degrees that are not positive, nothing recorded in current clamp, a voltage that is not finite, or a
            pipette that has to be charged.
    """
    if not all(isinstance(degree, int | float) and 0 < degree < float("inf") for degree in degrees):
        raise ValueError(f"{name} must be positive {unit}, not {degrees!r}")
    if not degrees:
        return
    pairs = zip(recordings, electrodes, strict=True)
    clamped = [(recording, through) for recording, through in pairs if recording.mode is ps.Mode.CURRENT_CLAMP]
    if not clamped:
        raise ValueError(f"{name} needs a recorded voltage to follow: there is no current clamp among these")
    for recording, electrode in clamped:
        if not np.all(np.isfinite(np.asarray(recording.response))):
            raise ValueError(f"{name} needs a recorded voltage that is finite everywhere, masked or not")
        if "capacitance" in electrode.used:
            raise ValueError(f"{name} takes a pipette as one that need not be charged: neutralize its capacitance")
