"""Autocorrelation against closed forms, with gaps and sweep ends."""

import numpy as np
import pytest

from fitting.autocorrelation import autocorrelation, correlated_product, lag_sums, whiteness


def autoregressive(rho: float, shape: tuple[int, int], seed: int = 0) -> np.ndarray:
    """Sweeps of a process with correlation rho^k and variance 1."""
    noise = np.random.default_rng(seed).normal(size=shape)
    out = noise.copy()
    for k in range(1, shape[1]):
        out[:, k] = rho * out[:, k - 1] + np.sqrt(1 - rho**2) * noise[:, k]
    return out


def test_lag_sums_stay_within_sweeps():
    rows = np.random.default_rng(0).normal(size=(3, 17))
    expected = [sum(row[: 17 - k] @ row[k:] for row in rows) for k in range(17)]
    np.testing.assert_allclose(lag_sums(rows), expected, atol=1e-12)


def test_white_residuals_pass_and_have_no_memory():
    passed = 0  # of residuals of unequal sizes, which are no memory
    for seed in range(100):
        r = np.random.default_rng(seed).normal(size=(4, 250)) * np.linspace(0.2, 2.0, 250)
        passed += whiteness(r, np.ones(r.shape, bool)).white
    assert passed >= 96  # 99 expected
    assert autocorrelation(r, np.ones(r.shape, bool)).tolist() == [1.0]


def test_a_weak_trend_under_strong_noise_is_seen():
    # no lag has a correlation of more than 0.03, three standard errors; together they are far beyond chance
    r = np.random.default_rng(1).normal(size=(1, 10000)) + 0.17 * np.sqrt(2) * np.sin(np.arange(10000) / 300.0)
    found = whiteness(r, np.ones(r.shape, bool))
    assert not found.white
    assert found.statistic > 5
    assert found.span > 64


def test_nothing_to_test_passes():
    assert whiteness(np.zeros((2, 50)), np.ones((2, 50), bool)).white
    assert whiteness(np.ones((1, 1)), np.ones((1, 1), bool)).white


@pytest.mark.parametrize("gaps", [False, True])
def test_the_autocorrelation_time_of_a_known_process(gaps):
    r = autoregressive(0.95, (20, 1000))
    counted = np.ones(r.shape, bool)
    if gaps:
        counted[:, 100:103] = counted[:, 400:450] = counted[5, :500] = False
        r = np.where(counted, r, 1e9)  # what does not count is not looked at
    rho = autocorrelation(r, counted)
    assert 2 * rho.sum() - 1 == pytest.approx(1.95 / 0.05, rel=0.2)
    bandwidth = rho.size
    assert 100 < bandwidth < 300
    assert rho[10] / (1 - 10 / bandwidth) == pytest.approx(0.95**10, abs=0.05)


def test_the_product_with_a_correlation_matrix():
    rng = np.random.default_rng(0)
    jacobian = rng.normal(size=(3, 2, 40))
    jacobian[:, :, 11:14] = 0.0
    rho = 0.8 ** np.arange(12) * (1 - np.arange(12) / 12)
    within = np.zeros((40, 40))
    for k, value in enumerate(rho):
        within += value * (np.eye(40, k=k) + (np.eye(40, k=-k) if k else 0))
    expected = sum(jacobian[:, s] @ within @ jacobian[:, s].T for s in range(2))
    np.testing.assert_allclose(correlated_product(jacobian, rho), expected, rtol=1e-10)
    np.testing.assert_allclose(correlated_product(jacobian, np.ones(1)), np.einsum("ast,bst->ab", jacobian, jacobian))
