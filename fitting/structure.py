"""Whether residuals are noise or the trace of something that the model misses."""

import dataclasses

import numpy as np
from scipy import special

from fitting.autocorrelation import lag_sums, whiteness

_NOISE_MEMORY = 1.0  # ms; a filter of 1 kHz or faster has forgotten by then
_FEWEST = 30  # blocks, to judge slow structure by
_MATERIAL = 0.1  # of the residuals' size: structure below is told by no one
_BURST = 1e-3  # probability of a burst in residuals without


@dataclasses.dataclass(frozen=True)
class Structure:
    """What of residuals is structured.

    Attributes:
        slow: root mean square of what persists for 2 ms and more, in the residuals' unit; 0 if none is significant.
        burst: the largest mean square within 1 ms, over that of the noise; 1 if none is significant.
    """

    slow: float
    burst: float

    @property
    def found(self) -> bool:
        """Whether there is any."""
        return self.slow > 0.0 or self.burst > 1.0


def structure(residual: np.ndarray, counted: np.ndarray, dt: float) -> Structure:
    """Look for structure in residuals that outlasts noise, and for bursts.

    Noise of an amplifier is correlated by its filter, for less than 1 ms if that is 1 kHz or faster. So residuals that
    are not white from sample to sample are averaged over blocks of 1 ms, and the multiple variance-ratio test,
    `fitting.autocorrelation.whiteness`, looks at blocks that are at least two apart. A short error, as after a step
    through an electrode that the model lacks, leaves a burst: a block whose mean square is beyond what chi-square
    allows the noise, whose size is taken from the median block.

    Args:
        residual: `(sweeps, samples)`.
        counted: `(sweeps, samples)`.
        dt: ms.
    """
    size = max(1, round(_NOISE_MEMORY / dt))
    mean, square, full = _blocks(residual, counted, size)
    return Structure(_slow(residual, counted, mean, full), _burst(square, full, size))


def _slow(residual: np.ndarray, counted: np.ndarray, mean: np.ndarray, full: np.ndarray) -> float:
    if whiteness(residual, counted).white:
        return 0.0
    if full.sum() < _FEWEST:
        mean, full, first = residual, counted, 1
    else:
        first = 2
    if whiteness(mean, full, first).white:
        return 0.0
    pairs = np.round(lag_sums(full.astype(float)))
    sums = lag_sums(np.where(full, mean, 0.0))
    lag = min(first, sums.size - 1)
    persists = float(np.sqrt(max(sums[lag] / max(pairs[lag], 1.0), 0.0)))
    return persists if persists > _MATERIAL * float(np.sqrt(np.mean(residual[counted] ** 2))) else 0.0


def _burst(square: np.ndarray, full: np.ndarray, size: int) -> float:
    """The largest mean square of a block, over that of the noise, if it is not by chance."""
    if full.sum() < _FEWEST:
        return 1.0
    typical = float(np.median(square[full])) / (1.0 - 2.0 / (9.0 * size)) ** 3  # the median of chi-square
    # filtered noise has fewer independent samples in a block: at the least one
    spread = float(np.subtract(*np.percentile(square[full], [75, 25]))) / max(typical, 1e-300)
    freedom = float(np.clip(2.0 * (1.349 / max(spread, 1e-6)) ** 2, 1.0, size))
    largest = float(square[full].max()) / max(typical, 1e-300)
    limit = float(special.chdtri(freedom, _BURST / full.sum())) / freedom
    return largest if largest > 2.0 * limit else 1.0


def _blocks(residual: np.ndarray, counted: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Means and mean squares of blocks, and in which of them all samples count."""
    sweeps, samples = residual.shape
    kept = samples // size * size
    shape = (sweeps, kept // size, size)
    blocks = np.where(counted, residual, 0.0)[:, :kept].reshape(shape)
    full = np.all(counted[:, :kept].reshape(shape), axis=2)
    return blocks.mean(axis=2), (blocks**2).mean(axis=2), full
