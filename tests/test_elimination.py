"""Elimination, sparse and dense, against a library's."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from patch_sim.elimination import solve, solve_dense


def markov(rng: np.random.Generator, size: int, density: float) -> np.ndarray:
    """Five matrices 1 - h Q, with Q the generator of a random chain of widely different rates."""
    rates = 10.0 ** rng.uniform(-3.0, 4.0, (5, size, size)) * (rng.random((size, size)) < density)
    rates *= 1.0 - np.eye(size)
    return np.eye(size) * (1.0 + rates.sum(axis=1)[:, None, :]) - rates


@pytest.mark.parametrize(("size", "density"), [(1, 0.0), (2, 1.0), (7, 0.3), (12, 0.2), (9, 1.0)])
def test_it_solves(size, density):
    rng = np.random.default_rng(size)
    matrix, right = markov(rng, size, density), rng.random((5, size))
    entries = {(i, j): jnp.asarray(matrix[:, i, j]) for i, j in zip(*np.nonzero(matrix.any(axis=0)), strict=True)}
    solution = np.stack(solve({(int(i), int(j)): x for (i, j), x in entries.items()}, list(jnp.asarray(right.T))), -1)
    np.testing.assert_allclose(solution, np.linalg.solve(matrix, right[..., None])[..., 0], rtol=1e-9)
    np.testing.assert_allclose(solution.sum(axis=1), right.sum(axis=1), rtol=1e-12)  # probability stays


def test_a_chain_costs_as_much_as_it_is_long():
    def operations(size: int) -> int:
        ones = {(k, k): 3.0 for k in range(size)}
        sides = {(k, k + 1): -1.0 for k in range(size - 1)} | {(k + 1, k): -1.0 for k in range(size - 1)}

        def unknowns(right):
            return solve({place: jnp.asarray(x) for place, x in (ones | sides).items()}, list(right))

        return len(jax.make_jaxpr(unknowns)(jnp.ones(size)).eqns)

    assert operations(40) < 2.2 * operations(20)


@pytest.mark.parametrize("size", [1, 2, 7, 30])
def test_any_system_is_solved(size):
    rng = np.random.default_rng(size)
    matrix, right = rng.normal(size=(2, 5, size, size))
    matrix[:, 0, 0] = 0.0 if size > 1 else 1.0  # so that rows must be exchanged
    solution = jax.jit(jax.vmap(solve_dense))(jnp.asarray(matrix), jnp.asarray(right))
    expected = np.linalg.solve(matrix, right)
    np.testing.assert_allclose(solution, expected, rtol=1e-9, atol=1e-9 * np.abs(expected).max())


def test_what_has_no_solution_is_not_finite():
    assert not np.isfinite(solve_dense(jnp.ones((2, 2)), jnp.eye(2))).all()
