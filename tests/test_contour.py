"""The exponential of a sparse matrix against SciPy-free truth: the eigenvectors of chains in detailed balance."""

import jax.numpy as jnp
import numpy as np
import pytest

from patch_sim.contour import propagate


def chain(size: int, stiffness: float) -> tuple[np.ndarray, np.ndarray]:
    """A random chain in detailed balance, and the square roots of its stationary occupancies."""
    rng = np.random.default_rng(size)
    weight = rng.random(size) + 0.1
    flux = 10.0 ** rng.uniform(-2.0, stiffness, size - 1)
    matrix = np.zeros((size, size))
    for k, rate in enumerate(flux):
        for source, target in ((k, k + 1), (k + 1, k)):
            matrix[target, source] += rate / weight[source]
            matrix[source, source] -= rate / weight[source]
    return matrix, np.sqrt(weight)


def exponential(matrix: np.ndarray, root: np.ndarray, time: float) -> np.ndarray:
    values, vectors = np.linalg.eigh(matrix * root[None, :] / root[:, None])  # symmetric, by detailed balance
    return (vectors * np.exp(time * values)) @ vectors.T * root[:, None] / root[None, :]


@pytest.mark.parametrize("stiffness", [-1.0, 1.0, 5.0])
@pytest.mark.parametrize("size", [2, 5, 13])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_it_propagates(size, stiffness, dtype):
    # A fast rate's rounding is felt by the slow ones: 6e-8 of 1e3, at the stiffness that a step of 0.025 ms meets.
    stiffness = min(stiffness, 3.0) if dtype == "float32" else stiffness
    whole_error, half_error = (1e-11, 1e-9) if dtype == "float64" else (2e-5, 5e-5)
    matrix, root = chain(size, stiffness)
    start = np.random.default_rng(0).random(size)
    start /= start.sum()
    entries = {(int(i), int(j)): jnp.full(3, matrix[i, j], dtype) for i, j in zip(*np.nonzero(matrix), strict=True)}
    half, whole = propagate(entries, [jnp.full(3, part, dtype) for part in start])
    for found, time, error in ((half, 0.5, half_error), (whole, 1.0, whole_error)):
        exact = exponential(matrix, root, time) @ start
        for part, expected in zip(found, exact, strict=True):
            assert part.dtype == dtype
            np.testing.assert_allclose(part, expected, rtol=0, atol=error)
