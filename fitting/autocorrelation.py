"""Residuals that remember: their autocorrelation within sweeps, and whether there is any."""

import dataclasses

import numpy as np
from scipy import fft, special

_WINDOW = 5.0  # autocorrelation times; Sokal's advice is 4 to 10
_LONGEST_WINDOW = 0.1  # of all samples: beyond it, a lag is seen too few times
_MOST_SPAN = 0.1  # of all samples, for a variance ratio: fewer than 10 spans have no normal distribution
_WHITE = 0.01  # the probability of calling white residuals correlated


@dataclasses.dataclass(frozen=True)
class Whiteness:
    """The multiple variance-ratio test of residuals against independence.

    Attributes:
        statistic: the largest standardized deviation of a variance ratio from 1, positive for residuals that persist.
        span: in how many samples it lies.
        p_value: the probability of as much in independent residuals (Bonferroni over the spans).
    """

    statistic: float
    span: int
    p_value: float

    @property
    def white(self) -> bool:
        """Whether the residuals pass at the 1 % level."""
        return self.p_value >= _WHITE


def lag_sums(rows: np.ndarray) -> np.ndarray:
    """The sum over all rows of x_t x_(t+k), for each lag k: `(..., rows, samples)` to `(..., samples)`."""
    samples = rows.shape[-1]
    size = fft.next_fast_len(2 * samples - 1, real=True)
    power = np.sum(np.abs(fft.rfft(rows, size)) ** 2, axis=-2)
    return np.asarray(fft.irfft(power, size))[..., :samples]


def whiteness(residual: np.ndarray, counted: np.ndarray, first: int = 1) -> Whiteness:
    r"""Test residuals for autocorrelation at all time scales.

    $$V(q) = 1 + 2 \sum_{k<q} (1 - k/q) \hat\rho_k, \qquad
      z(q) = \frac{V(q) - 1}{\sqrt{\sum_{k<q} (2 (1 - k/q))^2 \delta_k}}, \qquad
      \delta_k = \frac{\sum_t r_t^2 r_{t+k}^2}{(\sum_t r_t^2)^2}$$

    for q = 2, 4, 8... samples, up to a tenth of all: the variance ratio of Lo & MacKinlay (1988), Rev Financ Stud
    1:41-66, with its standard error for residuals of unequal size; the largest over q after Chow & Denning (1993),
    J Econometrics 58:385-401. A long weak trend, which no single lag shows, adds up in it.

    Args:
        residual: `(sweeps, samples)`.
        counted: `(sweeps, samples)`, which of them count. Pairs across a gap keep their true distance, pairs from two
            sweeps are none.
        first: the shortest lag that is looked at.
    """
    r = np.where(counted, residual, 0.0)
    total = float(np.sum(r**2))
    longest = min(r.shape[1] - 1, int(counted.sum() * _MOST_SPAN))
    spans = first * 2 ** np.arange(1, int(np.log2(max(longest / first, 1.0))) + 1)
    if total == 0.0 or spans.size == 0:
        return Whiteness(0.0, 1, 1.0)
    rho = lag_sums(r) / total
    variance = np.maximum(lag_sums(r**2), 0.0) / total**2
    z = np.array([_standardized(rho, variance, int(q), first) for q in spans])
    largest = int(np.argmax(np.abs(z)))
    p_value = min(1.0, spans.size * 2.0 * float(special.ndtr(-abs(z[largest]))))
    return Whiteness(float(z[largest]), int(spans[largest]), p_value)


def _standardized(rho: np.ndarray, variance: np.ndarray, span: int, first: int) -> float:
    weight = 2.0 * (1.0 - np.arange(first, span) / span)
    return float(weight @ rho[first:span] / max(np.sqrt(weight**2 @ variance[first:span]), 1e-300))


def autocorrelation(residual: np.ndarray, counted: np.ndarray) -> np.ndarray:
    r"""The autocorrelation of residuals within their sweeps, tapered so that it makes a covariance.

    $$\rho_k = (1 - k/L) \frac{n}{n_k} \frac{\sum_t r_t r_{t+k}}{\sum_t r_t^2}, \qquad k < L$$

    with Bartlett's taper, as Newey & West (1987), Econometrica 55:703-708. A masked sample counts as missing, not as
    zero: the $n_k$ pairs are those of which both were scored (Parzen 1963, Sankhya A 25:383-392). The bandwidth L is
    the shortest that is five times the autocorrelation time $1 + 2 \sum_{k<L} \hat\rho_k$ of what lies within it, the
    self-consistent window of Madras & Sokal (1988), J Stat Phys 50:109-186, at most a tenth of all samples. The rules
    of Andrews (1991) and Newey & West (1994) take the memory from the first few lags; white noise on a slow error, as
    in a recording sampled at 10 kHz, misleads these. Residuals that pass `whiteness` have a bandwidth of 1.

    Args:
        residual: `(sweeps, samples)`.
        counted: `(sweeps, samples)`.

    Returns:
        $\rho$ at lags from 0, `(bandwidth,)`.
    """
    if whiteness(residual, counted).white:
        return np.ones(1)
    r = np.where(counted, residual, 0.0)
    pairs = np.maximum(np.round(lag_sums(counted.astype(float))), 1.0)
    rho = lag_sums(r) / pairs
    rho = rho / rho[0]
    longest = max(2, min(rho.size, int(pairs[0] * _LONGEST_WINDOW)))
    times = 1.0 + 2.0 * np.cumsum(rho[1:longest])
    enough = np.arange(2, longest + 1) >= _WINDOW * times
    bandwidth = 2 + int(np.argmax(enough)) if enough.any() else longest
    return rho[:bandwidth] * (1.0 - np.arange(bandwidth) / bandwidth)


def correlated_product(jacobian: np.ndarray, rho: np.ndarray) -> np.ndarray:
    r"""The product $J^T R J$ with the correlation matrix of residuals, $R_{ts} = \rho_{|t-s|}$ within a sweep.

    Args:
        jacobian: `(free, sweeps, samples)`, 0 where a sample does not count.
        rho: `(lags,)`.

    Returns:
        `(free, free)`, without negative eigenvalues.
    """
    free, sweeps, samples = jacobian.shape
    flat = jacobian.reshape(free, sweeps * samples)
    if rho.size == 1 or free == 0:
        return flat @ flat.T
    size = fft.next_fast_len(samples + rho.size, real=True)
    kernel = np.zeros(size)
    kernel[: rho.size] = rho
    kernel[size - rho.size + 1 :] = rho[:0:-1]
    response = fft.rfft(kernel).real
    smooth = np.stack([np.asarray(fft.irfft(fft.rfft(rows, size) * response, size))[:, :samples] for rows in jacobian])
    product = flat @ smooth.reshape(flat.shape).T
    values, vectors = np.linalg.eigh((product + product.T) / 2.0)
    return (vectors * np.maximum(values, 0.0)) @ vectors.T
