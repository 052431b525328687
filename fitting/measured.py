"""What is measured on recorded and simulated voltages alike, and compared."""

import abc
import math
from collections.abc import Sequence
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

import patch_sim as ps
from fitting.losses import Trace
from fitting.parameters import Space
from fitting.setup import Setup
from fitting.spikes.interpolation import filtered
from fitting.sums import FEATURES, AbstractLeaf
from fitting.windows import span


class AbstractMeasured(AbstractLeaf):
    """A loss that measures something on the voltages of a window, the model's and the data's.

    Both go through the low-pass of `fitting.spikes.interpolation` first: three poles of 0.06 ms, which take off an
    action potential no more than a recording amplifier does, and a good part of the noise, of which the model has none.
    """

    @property
    @abc.abstractmethod
    def window(self) -> tuple[float, float] | None:
        """What is looked at, ms."""

    @abc.abstractmethod
    def measure(self, voltage: Float[Array, "sweeps samples"], dt: float) -> Any:
        """What is compared of some sweeps, in arrays with a leading axis of sweeps."""

    @abc.abstractmethod
    def difference(self, model: Any, data: Any) -> Float[Array, "sweeps residuals"]:
        """The residuals of what was measured, in units of the tolerances."""

    @abc.abstractmethod
    def check(self, samples: int) -> None:
        """Whether a window of so many samples is long enough.

        Raises:
            ValueError: it is not.
        """

    def bind(self, recordings: Sequence[ps.Recording], setup: Setup, space: Space, weight: float) -> "Measured":
        """The part of an objective that compares all current clamps among some recordings.

        Raises:
            ValueError: no current clamp, a window outside a sweep or too short, samples in it that are not finite, a
                recording without a command.
        """
        name = type(self).__name__
        places, pieces = [], []
        for k, recording in enumerate(recordings):
            if recording.mode is not ps.Mode.CURRENT_CLAMP:
                continue
            if recording.command is None:
                raise ValueError("the recording holds no command, so it cannot be simulated")
            dt = recording.dt
            start, end = span(self.window, np.asarray(recording.command), dt, name)
            place = _Place(k, round(start / dt), round(end / dt), dt)
            self.check(place.last - place.first)
            data = np.asarray(recording.response)
            if not np.all(np.isfinite(data[:, : place.last])):
                raise ValueError(f"samples that fitting.{name} looks at are NaN or infinite: it takes no mask")
            places.append(place)
            pieces.append(jnp.asarray(data, dtype=float))
        if not places:
            raise ValueError(f"fitting.{name} measures voltages, and there is no current clamp among the recordings")
        targets = [self._of(piece, place) for piece, place in zip(pieces, places, strict=True)]
        size = sum(self.difference(target, target).size for target in targets)
        return Measured(self, tuple(places), int(size), math.sqrt(weight), targets)

    def _of(self, voltage: Float[Array, "sweeps samples"], place: "_Place") -> Any:
        @jax.jit
        def measured(voltage: Float[Array, "sweeps samples"]) -> Any:
            smooth = filtered(voltage, place.dt)
            return self.measure(smooth[:, place.first : place.last], place.dt)

        return measured(voltage)


class _Place(eqx.Module):
    """Where a window lies: in which recording, its samples, and the time between them (ms)."""

    recording: int = eqx.field(static=True)
    first: int = eqx.field(static=True)
    last: int = eqx.field(static=True)
    dt: float = eqx.field(static=True)


class Measured(eqx.Module):
    """The part of an objective that compares what is measured.

    Attributes:
        loss: what is measured, and the tolerances.
        places: the window of each recording.
        size: how many residuals there are.
        root_weight: by what they are multiplied.
        targets: what was measured on the data.
    """

    rank: ClassVar[int] = FEATURES

    loss: Any = eqx.field(static=True)
    places: tuple[_Place, ...]
    size: int = eqx.field(static=True)
    root_weight: float = eqx.field(static=True)
    targets: list[Any]

    def residual(self, seen: Sequence[Array], terms: Sequence[Trace], setup: Setup) -> Float[Array, " residuals"]:
        """The weighted differences between what is measured on what is seen and on the data."""
        differences = [
            self.loss.difference(self.loss._of(seen[place.recording], place), target).ravel()
            for place, target in zip(self.places, self.targets, strict=True)
        ]
        return self.root_weight * jnp.concatenate(differences)
