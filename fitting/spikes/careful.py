"""The best points once more, with care."""

from collections.abc import Sequence
from typing import Any

import jax
import numpy as np
from jaxtyping import Array, Float

import patch_sim as ps
from fitting.parameters import Space
from fitting.setup import Setup
from fitting.spikes.lanes import Lanes
from fitting.spikes.population import SOLVER, Normal, Population, filled, finite, lane_residuals

CAREFUL = ps.Exponential(SOLVER.dt / 4, order=2)
"""Steps a quarter as long as those of the search."""

_CALLED = 5  # points in one call


class Careful(Population):
    """The costs of points that are simulated in steps a quarter as long, in the precision of the model.

    Slopes of the residuals are those of the search's own steps: these differ little, while what is left of the
    residuals of a cell that spikes fast and often can be less than what longer steps make of them.
    """

    def __init__(self, space: Space, setup: Setup, lanes: Sequence[Lanes]):
        super().__init__(space, setup, lanes)
        self._whole = space, setup, tuple(lanes)
        self._costed, self._compiled = _CALLED, False

    def costs(self, us: np.ndarray, most: float) -> np.ndarray:
        """The sum of squared residuals of each row, each residual being at most `most`."""
        if not self._compiled:
            self._residuals(us[:1], most)  # or two threads would compile the same
            self._compiled = True
        return super().costs(us, most)

    def _costs(self, us: np.ndarray, most: float) -> np.ndarray:
        return finite(sum(np.sum(r**2, axis=(1, 2)) for r in self._residuals(us, most)))

    def _linearize(self, us: np.ndarray, most: float) -> Normal:
        recorded = [
            r[:, : group.term.recorded].reshape(len(us), -1)
            for r, group in zip(self._residuals(us, most), self._whole[2], strict=True)
        ]
        r = np.concatenate(recorded, axis=1)
        _, _, curvature, jacobian = self._linearized(us, most)
        slope = np.einsum("fpr,pr->pf", np.asarray(jacobian)[:, : len(us)], r)
        return np.sum(r**2, axis=1), np.nan_to_num(slope), curvature

    def _residuals(self, us: np.ndarray, most: float) -> list[np.ndarray]:
        """Of each group of sweeps, `(points, sweeps, residuals)`."""
        return [np.asarray(r)[: len(us)] for r in _residuals(*self._whole, filled(us, _CALLED), most)]


@jax.jit
def _residuals(
    space: Space, setup: Setup, lanes: tuple[Lanes, ...], us: Float[Array, "points free"], most: Any
) -> list[Array]:
    def of_group(group: Lanes) -> Array:
        sweeps = group.term.sweeps
        return lane_residuals(space, setup, (group,), us, most, [sweeps], CAREFUL).reshape(len(us), sweeps, -1)

    return [of_group(group) for group in lanes]
