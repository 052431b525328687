"""How well the data determine what was fitted."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np

from fitting.autocorrelation import autocorrelation, correlated_product
from fitting.directions import Direction, natural_scale, weak_directions
from fitting.objective import Objective

_SINGULAR = 1e-13
_INVOLVED = 1e-3  # share of a parameter in an undetermined direction that leaves it undetermined
_FEWEST = 0.1  # of the samples: degrees of freedom that remain, however long the residuals remember


@dataclasses.dataclass(frozen=True)
class Uncertainty:
    r"""Standard errors and correlations of the free parameters.

    Attributes:
        standard_errors: `(free,)`, in each parameter's unit, corrected for the residuals' autocorrelation; infinite
            where the data do not determine it, NaN for a parameter that a bound has stopped.
        white_errors: `(free,)`, what they would be for independent residuals.
        correlation: `(free, free)`; NaN beside a parameter without a standard error.
        directions: in which parameters compensate each other, worst first.
        memory: of each recording, and behind them of each loss of features, how many successive residuals say as much
            as one that is independent: $1 + 2 \sum_k \rho_k$.
        overflow: whether the derivatives have no numbers: then nothing is known.
    """

    standard_errors: np.ndarray
    white_errors: np.ndarray
    correlation: np.ndarray
    directions: tuple[Direction, ...]
    memory: tuple[float, ...]
    overflow: bool = False


def uncertainty(objective: Objective, u: np.ndarray) -> Uncertainty:
    r"""Estimate the covariance of the parameters at the best point.

    $$\mathrm{cov} = (J^T J)^{-1} \Big(\sum_k s_k^2 J_k^T R_k J_k\Big) (J^T J)^{-1}, \qquad
      s_k^2 = \frac{r_k^T r_k}{n_k - \mathrm{tr}((J^T J)^{-1} J_k^T R_k J_k)}$$

    carried from the coordinates of the box to the parameters by the derivative of the scale; parameters that a bound
    has stopped are held there. $R_k$ is the correlation of the residuals of recording k, estimated from them, see
    `fitting.autocorrelation.autocorrelation`: the sandwich of Newey & West (1987), Econometrica 55:703-708. For white
    residuals of one recording it is $s^2 (J^T J)^{-1}$.

    The features of a loss count as a recording whose residuals are independent, and the residuals of priors as having a
    variance of 1. Features of the samples that are scored beside them are not independent of these, and what both know
    is counted twice.

    It takes the residuals for a stationary process that is independent from sweep to sweep, as `fitting.bootstrap`
    does. Where the model misses something, that is an approximation: the same error in every sweep of a family, or one
    that follows the sensitivity to a parameter, shifts the estimate by more than any error bar says.
    """
    r, jacobian = objective.jacobian(u)
    with np.errstate(over="ignore", invalid="ignore"):
        overflow = not np.all(np.isfinite(jacobian @ jacobian.T))
    jacobian = np.zeros_like(jacobian) if overflow else jacobian
    values, slope = jax.jvp(objective.space.values, (jnp.asarray(u),), (jnp.ones(u.size, u.dtype),))
    values, slope = np.asarray(values), np.asarray(slope)
    inside = ~objective.space.at_bound(u)
    curvature = jacobian @ jacobian.T
    root = np.sqrt(np.maximum(np.diag(curvature), 1e-300))
    scaled = (jacobian / root[:, None])[inside]
    inverse, determined = _inverse(scaled @ scaled.T)

    known = scaled[:, r.size - objective.priors :]  # of a variance of 1, which needs no estimate
    middle = known @ known.T
    memory = []
    for counted, rows, part in parts(objective, r, scaled):
        rho = autocorrelation(rows, counted)
        correlated = correlated_product(part, rho)
        count = max(int(counted.sum()), 1)
        freedom = max(count - float(np.sum(inverse * correlated)), _FEWEST * count)
        middle += max(float(np.sum(rows**2)), 1e-200) / freedom * correlated
        memory.append(float(2.0 * np.sum(rho) - 1.0))
    covariance = inverse @ middle @ inverse
    compared = r[: r.size - objective.priors]
    noise = float(compared @ compared) / max(objective.scored - int(inside.sum()), 1)
    white = noise * inverse + (1.0 - noise) * (inverse @ known @ known.T @ inverse)
    width = np.abs(slope[inside]) / root[inside]

    def errors(matrix: np.ndarray) -> np.ndarray:
        full = np.full(u.size, np.nan)
        full[inside] = np.where(determined, np.sqrt(np.maximum(np.diag(matrix), 0.0)) * width, np.inf)
        return full

    natural, sizes, units = natural_scale(objective.space, values, slope)
    stretch = (natural / root)[inside]
    names = [name for name, free in zip(objective.space.names, inside, strict=True) if free]
    directions = weak_directions(
        scaled @ scaled.T / np.outer(stretch, stretch),
        covariance * np.outer(stretch, stretch),
        names,
        sizes[inside],
        [unit for unit, free in zip(units, inside, strict=True) if free],
    )
    sign = np.sign(slope)
    correlation = _correlation(covariance, inside, determined) * np.outer(sign, sign)
    return Uncertainty(errors(covariance), errors(white), correlation, directions, tuple(memory), overflow)


def parts(
    objective: Objective, residual: np.ndarray, jacobian: np.ndarray
) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Cut residuals `(residuals,)` and Jacobian `(free, residuals)` into recordings, each laid out sweep by sweep.

    Features come after them, each a sweep of its own, and priors are left out.

    Returns:
        Of each recording `counted` and the residuals, `(sweeps, samples)`, and the Jacobian, `(free, sweeps, samples)`.
    """
    found, start = [], 0
    for counted in objective.counted:
        end = start + counted.size
        rows = residual[start:end].reshape(counted.shape)
        found.append((counted, rows, jacobian[:, start:end].reshape(len(jacobian), *counted.shape)))
        start = end
    return found


def _correlation(covariance: np.ndarray, inside: np.ndarray, determined: np.ndarray) -> np.ndarray:
    correlation = np.full((inside.size, inside.size), np.nan)
    deviation = np.sqrt(np.maximum(np.diag(covariance), 1e-300))
    correlation[np.ix_(inside, inside)] = covariance / np.outer(deviation, deviation)
    lost = np.flatnonzero(inside)[~determined]
    correlation[lost, :] = correlation[:, lost] = np.nan
    return correlation


def _inverse(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The inverse of a symmetric matrix within the directions that it determines, and which rows these fix."""
    if matrix.size == 0:
        return matrix, np.zeros(0, bool)
    values, vectors = np.linalg.eigh(matrix)
    known = values > _SINGULAR * max(values.max(), 1e-300)
    inverse = (vectors[:, known] / values[known]) @ vectors[:, known].T
    return inverse, ~np.any(np.abs(vectors[:, ~known]) > _INVOLVED, axis=1)
