"""Samples of the posterior against its normal approximation."""

import sys

import jax
import numpy as np
import pytest

import fitting
from tests.fitting.test_bootstrap import fitted


@pytest.fixture
def relaxed():
    """Blackjax adds whole numbers to floating ones and vectors to matrices, which the tests forbid our own code."""
    jax.config.update("jax_numpy_dtype_promotion", "standard")
    jax.config.update("jax_numpy_rank_promotion", "allow")
    yield
    jax.config.update("jax_numpy_dtype_promotion", "strict")
    jax.config.update("jax_numpy_rank_promotion", "raise")


@pytest.mark.slow
@pytest.mark.parametrize("rho", [0.0, 0.9])
def test_a_passive_cell_has_the_normal_posterior(rho, relaxed):
    result = fitted(rho)
    found = fitting.posterior(result, samples=400, seed=2, progress=False)
    assert found.values.shape == (4, 100, 2)
    errors = np.array([row.standard_error for row in result.estimates])
    best = np.array([row.value for row in result.estimates])
    np.testing.assert_allclose((found.flat.mean(axis=0) - best) / errors, 0.0, atol=0.35)
    np.testing.assert_allclose(found.flat.std(axis=0) / errors, 1.0, atol=0.3)
    assert found.correlation[0, 1] == pytest.approx(result.correlation[0, 1], abs=0.2)
    assert found.temper == pytest.approx(1.0) if rho == 0.0 else found.temper < 0.3
    assert found.divergences == 0
    assert np.all(found.spread < 1.1)
    assert np.all(found.effective > 50)
    assert str(found).splitlines()[1].startswith(found.names[0])
    again = fitting.posterior(result, samples=16, seed=5, progress=False).values
    np.testing.assert_array_equal(again, fitting.posterior(result, samples=16, seed=5, progress=False).values)


def test_what_cannot_be_sampled(tmp_path, monkeypatch):
    result = fitted(0.0)
    with pytest.raises(ValueError, match="samples must be a multiple of 4, at least 16, not 30"):
        fitting.posterior(result, samples=30)
    monkeypatch.setitem(sys.modules, "blackjax", None)
    with pytest.raises(ImportError, match=r"pip install patch-sim\[posterior\]"):
        fitting.posterior(result)
    result.save(tmp_path / "fit.json")
    with pytest.raises(ValueError, match="a loaded fit has no recordings"):
        fitting.posterior(fitting.load(tmp_path / "fit.json"))
