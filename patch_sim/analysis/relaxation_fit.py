"""One or two exponentials through the samples of a relaxation."""

import dataclasses
from collections.abc import Callable

import numpy as np

from patch_sim.analysis.fit_curve import Fit, finish
from patch_sim.analysis.measurement import NotMeasurableError

_GRID = 24
_EVIDENCE = 10.0  # difference of BIC above which a second exponential is believed

Basis = Callable[[np.ndarray, float], np.ndarray]


@dataclasses.dataclass(frozen=True, eq=False)
class Relaxation:
    r"""$y(t) = y_\infty + \sum_k a_k e^{-t / \tau_k}$, or what a filter makes of it.

    Attributes:
        taus: the time constants, ascending, ms.
        amplitudes: of each.
        plateau: $y_\infty$.
        fit: with the parameters in the order plateau, amplitudes, time constants.
    """

    fit: Fit

    @property
    def count(self) -> int:
        """How many exponentials."""
        return (self.fit.values.size - 1) // 2

    @property
    def plateau(self) -> float:
        """Where it settles."""
        return float(self.fit.values[0])

    @property
    def amplitudes(self) -> np.ndarray:
        """Of each exponential, at t = 0."""
        return self.fit.values[1 : 1 + self.count]

    @property
    def taus(self) -> np.ndarray:
        """The time constants, ms."""
        return self.fit.values[1 + self.count :]


def decay(time: np.ndarray, tau: float) -> np.ndarray:
    r"""$e^{-t / \tau}$."""
    return np.exp(-time / tau)


def relax(
    time: np.ndarray,
    signal: np.ndarray,
    count: int = 1,
    *,
    basis: Basis = decay,
    step: Callable[[np.ndarray], np.ndarray] = np.ones_like,
) -> Relaxation:
    """Fit exponentials to a relaxation that begins at time 0.

    The amplitudes are eliminated (variable projection, Golub and Pereyra (1973), SIAM J Numer Anal 10:413-432), so that
    only the time constants are searched: over a grid first, from the best of which a fit goes on.

    Args:
        time: ms, `(samples,)`.
        signal: `(samples,)`.
        count: 1 or 2 exponentials.
        basis: what of time and time constant stands for an exponential.
        step: what of time stands for the plateau.

    Raises:
        NotMeasurableError: the samples are too few or too short for a time constant, or show none.
    """
    from scipy import optimize

    if time.size < 4 * (count + 1):
        raise NotMeasurableError(f"{time.size} samples are too few to fit {count} exponentials")
    span, dt = float(time[-1] - time[0]), float(time[1] - time[0])
    low, high = np.log(0.3 * dt), np.log(10.0 * span)
    grid = np.linspace(low + 0.5, high - 1.0, _GRID)

    plateau = step(time)

    def solve(logs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        design = np.stack([plateau, *(basis(time, float(np.exp(log))) for log in logs)], axis=1)
        return design, np.linalg.lstsq(design, signal, rcond=None)[0]

    def residual(logs: np.ndarray) -> np.ndarray:
        design, weights = solve(logs)
        return design @ weights - signal

    starts = [(one,) for one in grid] if count == 1 else [(a, b) for a in grid[::2] for b in grid[::2] if b > a + 0.5]
    costs = [np.sum(residual(np.array(start)) ** 2) for start in starts]
    found = optimize.least_squares(residual, starts[int(np.argmin(costs))], bounds=(low, high), x_scale=0.3)
    logs = np.sort(found.x)
    taus = np.exp(logs)
    design, weights = solve(logs)
    h = 1e-4
    slopes = [
        weight * (basis(time, tau * (1 + h)) - basis(time, tau * (1 - h))) / (2 * h * tau)
        for weight, tau in zip(weights[1:], taus, strict=True)
    ]
    jacobian = np.concatenate([design, np.stack(slopes, axis=1)], axis=1)

    def predict(t: np.ndarray) -> np.ndarray:
        return weights[0] * step(t) + sum(w * basis(t, float(tau)) for w, tau in zip(weights[1:], taus, strict=True))

    fit = finish(np.concatenate([weights, taus]), jacobian, design @ weights - signal, predict, samples=True)
    if taus[-1] > span:
        raise NotMeasurableError(f"{span:.3g} ms are too short for a time constant: the fit says {taus[-1]:.3g} ms")
    if np.any(fit.errors[-count:] > 0.5 * taus) or np.any(taus < dt):
        raise NotMeasurableError("no time constant can be told from the noise")
    return Relaxation(fit)


def relax_as_needed(
    time: np.ndarray,
    signal: np.ndarray,
    most: int = 2,
    *,
    basis: Basis = decay,
    step: Callable[[np.ndarray], np.ndarray] = np.ones_like,
) -> Relaxation:
    """One exponential, or two if they fit so much better that the Bayesian information criterion says so, by 10.

    Args:
        time: ms, `(samples,)`.
        signal: `(samples,)`.
        most: 1 or 2.
        basis: as of `relax`.
        step: as of `relax`.

    Raises:
        NotMeasurableError: not even one can be fitted.
    """
    one = relax(time, signal, basis=basis, step=step)
    try:
        two = relax(time, signal, 2, basis=basis, step=step) if most > 1 else one
    except NotMeasurableError:
        return one
    n = time.size / two.fit.stretch
    gain = 2.0 * n * np.log(one.fit.rms / max(two.fit.rms, 1e-300)) - 2.0 * np.log(n)
    return two if gain > _EVIDENCE else one
