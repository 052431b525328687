"""Losses that add and weigh."""

import abc
import dataclasses
import math
from collections.abc import Sequence
from typing import Any

import patch_sim as ps
from fitting.parameters import Space
from fitting.setup import Setup
from fitting.spikes.events import Events


class AbstractLoss(abc.ABC):
    r"""What a fit makes small: a sum of squares, of residuals in units of tolerances that are said in the open.

    `a + b` adds the sums of squares; `2.0 * a` doubles one, its residuals growing by $\sqrt 2$. `Events` goes with
    another search and can neither be added nor weighed.
    """

    @property
    @abc.abstractmethod
    def leaves(self) -> "tuple[tuple[float, AbstractLeaf], ...]":
        """What it is made of, each with its weight."""

    def __add__(self, other: Any) -> "Sum":
        if isinstance(other, Events):
            raise ValueError("fitting.Events goes with another search, and cannot be added to a loss of this one")
        return Sum((self, other)) if isinstance(other, AbstractLoss) else NotImplemented

    def __radd__(self, other: Any) -> "Sum":
        return self + other  # only what is no loss, as Events, comes here

    def __mul__(self, factor: Any) -> "Scaled":
        return Scaled(self, factor)

    __rmul__ = __mul__


class AbstractLeaf(AbstractLoss):
    """A loss that is neither sum nor multiple."""

    @property
    def leaves(self) -> "tuple[tuple[float, AbstractLeaf], ...]":
        """Itself."""
        return ((1.0, self),)

    @abc.abstractmethod
    def bind(self, recordings: Sequence[ps.Recording], setup: Setup, space: Space, weight: float) -> Any:
        """The part of an objective that compares these recordings, its squares multiplied by a weight.

        Raises:
            ValueError: recordings that cannot be compared so, or parameters that are not free.
            KeyError: a name that matches no parameter.
        """


@dataclasses.dataclass(frozen=True)
class Sum(AbstractLoss):
    """The sum of losses: `a + b`."""

    losses: tuple[AbstractLoss, ...]

    @property
    def leaves(self) -> tuple[tuple[float, AbstractLeaf], ...]:
        """The losses that are no sums themselves, each with its weight."""
        return tuple(leaf for loss in self.losses for leaf in loss.leaves)


@dataclasses.dataclass(frozen=True)
class Scaled(AbstractLoss):
    """A loss that counts so many times: `factor * loss`.

    Raises:
        ValueError: a factor that is no positive number.
    """

    loss: AbstractLoss
    factor: float

    def __post_init__(self):
        check_positive("the factor of a loss", self.factor)

    @property
    def leaves(self) -> tuple[tuple[float, AbstractLeaf], ...]:
        """The losses that are no multiples themselves, each with its weight."""
        return tuple((float(self.factor) * weight, loss) for weight, loss in self.loss.leaves)


def bound(loss: AbstractLoss, recordings: Sequence[ps.Recording], setup: Setup, space: Space) -> tuple[Any, ...]:
    """The parts of an objective: samples first, then what else compares the recordings, then what does not.

    Raises:
        ValueError: nothing that compares the recordings, two losses of samples, or as `AbstractLeaf.bind`.
        KeyError: as `AbstractLeaf.bind`.
    """
    parts = [leaf.bind(recordings, setup, space, weight) for weight, leaf in loss.leaves]
    ranks = [part.rank for part in parts]
    if min(ranks) == PRIOR:
        raise ValueError("a prior compares nothing with the recordings: fitting.Traces() + fitting.Prior(...)")
    if ranks.count(SAMPLES) > 1:
        raise ValueError("a sum holds one fitting.Traces at most: weigh it, or give weights to the samples")
    return tuple(sorted(parts, key=lambda part: part.rank))


SAMPLES, FEATURES, PRIOR = range(3)
"""The order of an objective's parts."""


def check_positive(what: str, value: Any) -> None:
    """Whether a setting is a positive number.

    Raises:
        ValueError: it is not.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < math.inf:
        raise ValueError(f"{what} must be a positive number, not {value!r}")
