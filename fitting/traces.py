"""Samples as a loss."""

import dataclasses
import math
from collections.abc import Sequence
from typing import Any, ClassVar

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

import patch_sim as ps
from fitting.losses import Trace
from fitting.parameters import Space
from fitting.setup import Setup
from fitting.sums import SAMPLES, AbstractLeaf, AbstractLoss, check_positive


@dataclasses.dataclass(frozen=True)
class Traces(AbstractLeaf):
    r"""The difference of recorded and simulated responses, sample by sample, as a fit without a loss makes small.

    $$\sum_k w_k \, (\hat y_k - y_k)^2 / \sigma^2$$

    over what the mask allows, $y$ being the voltage (mV) of a current clamp and the current (pA) of a voltage clamp.
    Beside a `Prior`, $\sigma$ should be the standard deviation of the noise, or larger where the noise has a memory:
    that is what says how much the samples know.

    Args:
        tolerance: $\sigma$, mV or pA, or one for each recording. None: 1, and where recordings of different modes
            come together the standard deviation of each one's response.

    Raises:
        ValueError: a tolerance that is no positive number.
    """

    tolerance: float | Sequence[float] | None = None

    def __post_init__(self):
        if self.tolerance is not None:
            for one in _list(self.tolerance):
                check_positive("Traces.tolerance", one)

    def bind(self, recordings: Sequence[ps.Recording], setup: Setup, space: Space, weight: float) -> "Samples":
        """The part of an objective that scores samples; `scales` hands weight and tolerance to its terms."""
        return Samples()

    def scales(self, recordings: Sequence[ps.Recording]) -> list[float]:
        r"""What $\sigma$ is in each recording, mV or pA.

        Raises:
            ValueError: as many tolerances as there are not recordings, or one for both mV and pA.
        """
        mixed = len({recording.mode for recording in recordings}) > 1
        if self.tolerance is None:
            return [_spread(recording) if mixed else 1.0 for recording in recordings]
        given = _list(self.tolerance)
        if len(given) == 1 and not mixed:
            return [float(given[0])] * len(recordings)
        if len(given) != len(recordings):
            raise ValueError(f"Traces.tolerance must be one for each of the {len(recordings)} recordings")
        return [float(one) for one in given]


class Samples(eqx.Module):
    """The part of an objective that scores samples."""

    rank: ClassVar[int] = SAMPLES

    def residual(self, seen: Sequence[Array], terms: Sequence[Trace], setup: Setup) -> Float[Array, " residuals"]:
        """The weighted differences of what is seen, `(sweeps, samples)` of each recording, and the data."""
        return jnp.concatenate([term.difference(response) for term, response in zip(terms, seen, strict=True)])


def scales(loss: AbstractLoss, recordings: Sequence[ps.Recording]) -> list[float]:
    """What one unit of residual stands for in each recording, mV or pA, the weight of the samples included."""
    weight, traces = next((leaf for leaf in loss.leaves if isinstance(leaf[1], Traces)), (1.0, Traces()))
    assert isinstance(traces, Traces)
    return [scale / math.sqrt(weight) for scale in traces.scales(recordings)]


def _list(tolerance: Any) -> list[Any]:
    return list(tolerance) if isinstance(tolerance, list | tuple) else [tolerance]


def _spread(recording: ps.Recording) -> float:
    """The standard deviation of the samples that may be scored."""
    return float(np.std(np.asarray(recording.response)[recording.scored])) or 1.0
