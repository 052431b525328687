"""Standard errors from resampled residuals: slower than the formula, and without its linear algebra."""

import dataclasses
from collections.abc import Callable

import jax.numpy as jnp
import numpy as np

import patch_sim as ps
from fitting.autocorrelation import autocorrelation
from fitting.objective import Objective
from fitting.report import FitResult
from fitting.uncertainty import parts

_STEPS = 3  # Gauss-Newton steps of each refit
_HALVINGS = 4


@dataclasses.dataclass(frozen=True)
class Bootstrap:
    """The parameters refitted to resampled recordings.

    Attributes:
        names: the free parameters.
        values: of each refit, `(repeats, free)`, in each one's unit; a parameter that a bound has stopped stays there.
        blocks: the length of the blocks, of each recording, ms.
    """

    names: tuple[str, ...]
    values: np.ndarray
    blocks: tuple[float, ...]

    @property
    def standard_errors(self) -> np.ndarray:
        """The standard deviation over the repeats, `(free,)`."""
        return np.std(self.values, axis=0, ddof=1)

    @property
    def intervals(self) -> np.ndarray:
        """From the 2.5th to the 97.5th percentile, `(free, 2)`."""
        return np.percentile(self.values, [2.5, 97.5], axis=0).T


def bootstrap(
    result: FitResult,
    *,
    block: float | None = None,
    repeats: int = 200,
    seed: int = 0,
    progress: bool | Callable[[str], None] = True,
) -> Bootstrap:
    r"""Refit recordings that are the best prediction plus resampled blocks of its residuals.

    $$y^* = \hat y - \sqrt{n / (n - p)} \; r^*, \qquad r^* \text{ of moving blocks of } r - \bar r$$

    The moving-block bootstrap of Künsch (1989), Ann Stat 17:1217-1241, on circles, Politis & Romano (1992), in LePage &
    Billard (eds), Exploring the Limits of Bootstrap, 263-270, so that the ends count as much as the middle. A block is
    of successive scored samples of one sweep, from any sweep of the same recording; it steps over gaps of the mask.
    Each refit takes three Gauss-Newton steps from the best point, the first with the Jacobian there. As the formula for
    the standard errors, it takes the residuals for stationary.

    Args:
        result: of `fitting.fit`.
        block: length, ms; None for the bandwidth that the standard errors take, five autocorrelation times of each
            recording's residuals, a single sample if these are white.
        repeats: how many recordings are made up; the standard error is known to 1/sqrt(2 repeats).
        seed: of the random draws.
        progress: whether to show progress, or a function that takes each line.

    Raises:
        ValueError: a loaded fit, which has no recordings; a loss that holds more than samples; a block longer than the
            scored samples of all sweeps.
    """
    objective, u = of_samples(result)
    if not isinstance(repeats, int) or repeats < 2:
        raise ValueError(f"repeats must be a whole number of at least 2, not {repeats!r}")
    r, jacobian = objective.jacobian(u)
    pieces = [(counted, rows) for counted, rows, _ in parts(objective, r, jacobian)]
    lengths = [_length(block, *piece, rec.dt) for piece, rec in zip(pieces, result.recordings, strict=True)]
    inside = ~objective.space.at_bound(u)
    widen = np.sqrt(objective.scored / max(objective.scored - int(inside.sum()), 1))
    show, rng, values = ps.Progress(progress), np.random.default_rng(seed), []
    for repeat in range(repeats):
        drawn = [
            _resampled(rows, counted, length, rng).ravel()
            for (counted, rows), length in zip(pieces, lengths, strict=True)
        ]
        refitted = _refit(objective, u, widen * np.concatenate(drawn) - r, (r, jacobian), inside)
        values.append(np.asarray(objective.space.values(jnp.asarray(refitted))))
        show.show(f"refitted {repeat + 1} of {repeats} resampled recordings")
    show.close()
    blocks = tuple(length * rec.dt for length, rec in zip(lengths, result.recordings, strict=True))
    return Bootstrap(objective.space.names, np.array(values), blocks)


def refittable(result: FitResult) -> tuple[Objective, np.ndarray]:
    """What a fit made small, and where in the box its best point is.

    Raises:
        ValueError: a loaded fit.
    """
    if result.objective is None:
        raise ValueError("a loaded fit has no recordings to fit again: run fitting.fit on them")
    best = jnp.asarray([row.value for row in result.estimates], dtype=float)
    return result.objective, np.asarray(result.objective.space.fraction(best))


def of_samples(result: FitResult) -> tuple[Objective, np.ndarray]:
    """The same of a fit that compared nothing but samples, so that all residuals have one variance, of the noise.

    Raises:
        ValueError: a loaded fit, or one of another loss.
    """
    objective, u = refittable(result)
    if objective.mixed:
        raise ValueError("this takes all residuals for samples with one noise, and the loss holds more than Traces")
    return objective, u


def _length(block: float | None, counted: np.ndarray, rows: np.ndarray, dt: float) -> int:
    """The length of a block in samples."""
    longest = int(counted.sum(axis=1).max())
    if block is None:
        return min(autocorrelation(rows, counted).size, longest)
    length = round(block / dt) if block > 0 else 0
    if not 1 <= length <= longest:
        raise ValueError(
            f"block must be from {dt:g} ms, one sample, to {longest * dt:g} ms, all that is scored of a sweep, "
            f"not {block:g} ms"
        )
    return length


def _resampled(rows: np.ndarray, counted: np.ndarray, length: int, rng: np.random.Generator) -> np.ndarray:
    """Fill the samples that count with blocks of them, less their mean; the others are 0."""
    sweeps = [row[use] - rows[counted].mean() for row, use in zip(rows, counted, strict=True) if use.any()]
    sizes = np.array([sweep.size for sweep in sweeps])
    out = np.zeros_like(rows)
    for row, use in zip(out, counted, strict=True):
        blocks = []
        for _ in range(-(-int(use.sum()) // length)):
            sweep = sweeps[rng.choice(sizes.size, p=sizes / sizes.sum())]
            blocks.append(np.take(sweep, rng.integers(sweep.size) + np.arange(length), mode="wrap"))
        row[use] = np.concatenate([*blocks, np.zeros(0)])[: int(use.sum())]
    return out


def _refit(
    objective: Objective, u: np.ndarray, shift: np.ndarray, best: tuple[np.ndarray, np.ndarray], inside: np.ndarray
) -> np.ndarray:
    """Gauss-Newton on shifted residuals, each step halved until it lowers the cost."""
    r, jacobian = best
    for taken in range(_STEPS):
        if taken:
            r, jacobian = objective.jacobian(u)
        cost = float(np.sum((r + shift) ** 2))
        step = np.zeros_like(u)
        step[inside] = np.linalg.lstsq(
            jacobian[inside] @ jacobian[inside].T, -jacobian[inside] @ (r + shift), rcond=1e-13
        )[0]
        for _ in range(_HALVINGS):
            trial = np.clip(u + step, 0.0, 1.0)
            if float(np.sum((objective.residual(trial) + shift) ** 2)) < cost:
                u = trial
                break
            step = step / 2.0
        else:
            break
    return u
