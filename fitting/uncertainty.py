"""How well the data determine what was fitted."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np

from fitting.objective import Objective

_SINGULAR = 1e-13
_INVOLVED = 1e-3  # share of a parameter in an undetermined direction that leaves it undetermined


@dataclasses.dataclass(frozen=True)
class Uncertainty:
    """Standard errors and correlations of the free parameters.

    Attributes:
        standard_errors: `(free,)`, in each parameter's unit; infinite where the data do not determine it, NaN for
            a parameter that a bound has stopped.
        correlation: `(free, free)`; NaN beside a parameter without a standard error.
    """

    standard_errors: np.ndarray
    correlation: np.ndarray


def uncertainty(objective: Objective, u: np.ndarray) -> Uncertainty:
    r"""Estimate the covariance of the parameters at the best point.

    $$\mathrm{cov} = s^2 (J^T J)^{-1}, \qquad s^2 = \frac{r^T r}{n - p}$$

    carried from the coordinates of the box to the parameters by the derivative of the scale; parameters that a bound
    has stopped are held there. This is true for residuals that are independent from sample to sample. Those of a
    real recording rarely are: where the model misses something they are correlated, and the true errors are larger.
    """
    cost, _, curvature = objective.linearize(u)
    inside = ~objective.space.at_bound(u)
    noise = cost / max(objective.scored - int(inside.sum()), 1)
    slope = np.asarray(jax.jvp(objective.space.values, (jnp.asarray(u),), (jnp.ones(u.size, u.dtype),))[1])

    errors = np.full(u.size, np.nan)
    correlation = np.full((u.size, u.size), np.nan)
    inner = np.ix_(inside, inside)
    root = np.sqrt(np.maximum(np.diag(curvature), 1e-300))
    inverse, determined = _inverse((curvature / np.outer(root, root))[inner])
    deviation = np.sqrt(np.diag(inverse))
    errors[inside] = np.where(determined, np.sqrt(noise) * deviation / root[inside] * np.abs(slope[inside]), np.inf)
    sign = np.sign(slope[inside])
    correlation[inner] = inverse / np.outer(deviation, deviation) * np.outer(sign, sign)
    lost = np.flatnonzero(inside)[~determined]
    correlation[lost, :] = correlation[:, lost] = np.nan
    return Uncertainty(errors, correlation)


def _inverse(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The inverse of a symmetric matrix within the directions that it determines, and which rows these fix."""
    if matrix.size == 0:
        return matrix, np.zeros(0, bool)
    values, vectors = np.linalg.eigh(matrix)
    known = values > _SINGULAR * max(values.max(), 1e-300)
    inverse = (vectors[:, known] / values[known]) @ vectors[:, known].T
    inverse[np.diag_indices_from(inverse)] = np.maximum(np.diag(inverse), 1e-300)
    return inverse, ~np.any(np.abs(vectors[:, ~known]) > _INVOLVED, axis=1)
