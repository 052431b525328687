"""Least squares with honest errors, for every curve of this package."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from patch_sim.analysis.measurement import NotMeasurableError, Value


@dataclasses.dataclass(frozen=True, eq=False)
class Fit:
    """A curve through points.

    Attributes:
        values: of the parameters, `(parameters,)`.
        covariance: of the parameters.
        predict: the fitted curve.
        rms: root of the mean square residual, in the unit of the points.
        freedom: points less parameters.
        stretch: how many of the points say as much as one that is independent of its neighbors.
    """

    values: np.ndarray
    covariance: np.ndarray
    predict: Callable[[np.ndarray], np.ndarray]
    rms: float
    freedom: int
    stretch: float = 1.0

    @property
    def errors(self) -> np.ndarray:
        """The standard errors."""
        return np.sqrt(np.diag(self.covariance))

    def value(self, k: int, unit: str) -> Value:
        """One of the parameters."""
        return Value(float(self.values[k]), unit, float(self.errors[k]))

    def derived(self, function: Callable[[np.ndarray], float], unit: str) -> Value:
        """What follows from the parameters, its error to first order."""
        steps = np.maximum(1e-6 * np.abs(self.values), 1e-3 * self.errors)
        steps = np.where(steps > 0.0, steps, 1e-9)
        slope = np.array(
            [(function(self.values + h) - function(self.values - h)) / (2.0 * np.sum(h)) for h in np.diag(steps)]
        )
        return Value(float(function(self.values)), unit, float(np.sqrt(slope @ self.covariance @ slope)))


def fit_curve(
    curve: Callable[..., np.ndarray],
    x: np.ndarray,
    y: np.ndarray,
    start: Sequence[float],
    *,
    weights: np.ndarray | None = None,
    bounds: Any = (-np.inf, np.inf),
    samples: bool = False,
) -> Fit:
    r"""Fit a curve by least squares.

    The covariance of the parameters is $s^2 (J^T J)^{-1}$ with the residual variance $s^2$ of the fit itself. Where
    the points are neighboring samples, what is left over is often alike from one to the next; then the covariance is
    multiplied by $1 + 2 \sum_k \rho_k$ with their correlations $\rho_k$ up to the first that noise alone would have.
    Of few points an error covers the truth as often as of Student's t: of four points on a line in 58 % of cases.

    Args:
        curve: of x and the parameters.
        x: where the points are, `(points,)`.
        y: the points, `(points,)`.
        start: of the parameters.
        weights: 1 over the relative standard deviation of each point; None for equal ones.
        bounds: of the parameters, lower and upper ones.
        samples: whether the points are neighboring samples.

    Raises:
        NotMeasurableError: there are too few points, or no curve fits.
    """
    from scipy import optimize

    freedom = x.size - len(start)
    if freedom < 1:
        raise NotMeasurableError(f"{x.size} points are too few to fit {len(start)} parameters and know their errors")
    weights = np.ones(x.size) if weights is None else weights
    try:
        found = optimize.least_squares(
            lambda p: (curve(x, *p) - y) * weights, start, bounds=bounds, x_scale="jac", max_nfev=2000
        )
    except ValueError as error:
        raise NotMeasurableError(f"the fit failed: {error}") from error
    if not found.success or not np.isfinite(found.cost):
        raise NotMeasurableError("the fit did not come to an end")
    return finish(found.x, found.jac, found.fun, lambda z: curve(z, *found.x), samples=samples)


def finish(
    values: np.ndarray,
    jacobian: np.ndarray,
    residual: np.ndarray,
    predict: Callable[[np.ndarray], np.ndarray],
    *,
    samples: bool = False,
) -> Fit:
    """A fit, from its Jacobian and residual at the end.

    Raises:
        NotMeasurableError: the points do not determine the parameters.
    """
    freedom = residual.size - values.size
    scale = np.maximum(np.linalg.norm(jacobian, axis=0), 1e-300)
    curvature = (jacobian / scale).T @ (jacobian / scale)
    if not np.isfinite(curvature).all() or np.linalg.cond(curvature) > 1e13:
        raise NotMeasurableError("the points do not determine all parameters of the curve")
    stretch = _stretch(residual) if samples else 1.0
    variance = np.sum(residual**2) / freedom * stretch
    covariance = variance * np.linalg.inv(curvature) / np.outer(scale, scale)
    return Fit(values, covariance, predict, float(np.sqrt(np.mean(residual**2))), freedom, stretch)


def _stretch(residual: np.ndarray) -> float:
    """How many samples say as much as one that is independent of its neighbors."""
    centered = residual - np.mean(residual)
    size = 1 << (2 * residual.size - 1).bit_length()
    power = np.abs(np.fft.rfft(centered, size)) ** 2
    correlation = np.fft.irfft(power, size)[: residual.size // 2]
    if not correlation[0] > 0.0:
        return 1.0
    correlation /= correlation[0]
    stop = int(np.argmax(correlation <= 2.0 / np.sqrt(residual.size))) or correlation.size
    return float(1.0 + 2.0 * np.sum(correlation[1:stop]))
