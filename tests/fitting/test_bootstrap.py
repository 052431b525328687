"""Errors from resampled residuals against the formula, on made and real recordings."""

import importlib.util
from pathlib import Path

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import pytest

import fitting
import patch_sim as ps
from fitting.bootstrap import _resampled
from tests.fitting.test_autocorrelation import autoregressive

ROOT = Path(__file__).resolve().parents[2]
G, E = "channels.Leak.g_max", "channels.Leak.reversal"
LEAK = ps.Neuron({"Leak": ps.channels.Leak(g_max=0.2, reversal=-55.0)}, area=1000.0, temperature=20.0)
STEPS = ps.VoltageClamp(ps.Step([-20.0, 10.0, 40.0], 10.0, 70.0), duration=100.0, dt=0.2, holding=-70.0)


def fitted(rho: float) -> fitting.FitResult:
    clean = ps.simulate(LEAK, STEPS)
    noise = 5.0 * autoregressive(rho, clean.response.shape, seed=3)
    recording = eqx.tree_at(lambda rec: rec.current, clean, clean.response + jnp.asarray(noise)).mask_edges(2.0)
    return fitting.fit(LEAK, recording, free=[G, E], starts=1, progress=False)


@pytest.mark.parametrize("rho", [0.0, 0.9])
def test_the_formula_agrees_with_resampling(rho):
    result = fitted(rho)
    found = fitting.bootstrap(result, repeats=100, seed=1, progress=False)
    formula = np.array([row.standard_error for row in result.estimates])
    np.testing.assert_allclose(found.standard_errors / formula, 1.0, atol=0.35)
    assert found.names == (E, G) or found.names == (G, E)
    assert found.values.shape == (100, 2)
    if rho:
        assert np.all(result.inflation > 2)
        assert "times those of independent residuals" in str(result)
        np.testing.assert_allclose(fitting.bootstrap(result, block=0.2, repeats=100, progress=False).standard_errors,
                                   [row.white_error for row in result.estimates], rtol=0.35)  # fmt: skip
    else:
        np.testing.assert_allclose(result.inflation, 1.0, rtol=1e-12)
        assert "independent residuals" not in str(result)
        assert found.blocks == (pytest.approx(0.2),)
    low, high = found.intervals.T
    assert np.all((low < [row.value for row in result.estimates]) & (high > [row.value for row in result.estimates]))


def test_the_seed_decides():
    result = fitted(0.0)
    once, again, other = (fitting.bootstrap(result, repeats=3, seed=s, progress=False).values for s in (1, 1, 2))
    np.testing.assert_array_equal(once, again)
    assert not np.any(once == other)


def test_blocks_are_successive_samples_of_one_sweep():
    counted = np.ones((2, 20), bool)
    counted[0, 7] = counted[1, 12:] = False
    rows = np.arange(40.0).reshape(2, 20)
    rows[~counted] = 1e9
    drawn = _resampled(rows, counted, 5, np.random.default_rng(0))
    assert np.all(drawn[~counted] == 0.0)
    following = {6.0: 8.0, 19.0: 0.0, 31.0: 20.0}  # over the gap, and around each sweep
    for row, use in zip(drawn + rows[counted].mean(), counted, strict=True):
        for block in np.split(np.round(row[use]), np.arange(5, use.sum(), 5)):
            assert [following.get(value, value + 1) for value in block[:-1]] == block[1:].tolist()


def test_what_cannot_be_resampled(tmp_path):
    result = fitted(0.0)
    with pytest.raises(ValueError, match=r"block must be from 0\.2 ms, one sample, to 96 ms"):
        fitting.bootstrap(result, block=100.0)
    with pytest.raises(ValueError, match="repeats must be a whole number of at least 2, not 1"):
        fitting.bootstrap(result, repeats=1)
    result.save(tmp_path / "fit.json")
    with pytest.raises(ValueError, match="a loaded fit has no recordings to fit again"):
        fitting.bootstrap(fitting.load(tmp_path / "fit.json"))


def herg() -> object:
    """The example's module."""
    spec = importlib.util.spec_from_file_location("fit_herg", ROOT / "examples" / "fit_herg.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
def test_herg_errors_are_those_of_resampling(shared):
    example = herg()
    recording = ps.read(shared / "recordings" / "vc_herg_cho_cell5_sine.npz")
    result = fitting.fit(example.herg_cell(), recording, free=list(example.PATHS.values()), bounds=example.BOUNDS,
                         starts=2, screen=100)  # fmt: skip
    found = fitting.bootstrap(result, repeats=200, seed=0)
    formula = np.array([row.standard_error for row in result.estimates])
    ratio = formula / found.standard_errors
    print(f"\nblocks of {found.blocks[0]:.0f} ms; standard error, over that of white residuals, over the bootstrap's:")
    for row, times, one in zip(result.estimates, result.inflation, ratio, strict=True):
        print(f"{example.NAMES[row.name]}  {row.value:10.4g} +- {row.standard_error:8.2g}  {times:5.1f}  {one:5.2f}")
    print(result)
    assert np.all((ratio > 1 / 1.5) & (ratio < 1.5))
    assert np.all(result.inflation > 10)
