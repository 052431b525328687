r"""The exponential of a small sparse matrix times a vector, by an integral around its spectrum.

$$e^{A} p = \frac{1}{2 \pi i} \int_\Gamma e^{z} (z - A)^{-1} p \; dz$$

The trapezoidal rule on a contour that opens to the left converges geometrically where the spectrum lies near the
negative real axis, however far out: each node costs the elimination of one sparse system, and A may be as stiff as it
likes. The contour is the cotangent of Weideman (2006), SIAM J Numer Anal 44:2342-2362; Trefethen, Weideman and
Schmelzer (2006), BIT 46:653-670.
"""

from collections.abc import Mapping, Sequence
from typing import TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Complex, Float, Inexact

from patch_sim.elimination import Entry, solve

Vector: TypeAlias = Sequence[Inexact[Array, "*shape"]]

_NODES = {4: 14, 8: 28}
"""By the bytes of a number: 1e-6 in single and 1e-10 in double precision, at half the time as well."""


def propagate(matrix: Mapping[Entry, Float[Array, "*shape"]], vector: Vector) -> tuple[Vector, Vector]:
    """The vectors $e^{A/2} p$ and $e^A p$, for every element of their arrays at once.

    Both from the same systems: the contour of the whole time serves for its half too, with a few nodes more.

    Args:
        matrix: the nonzero entries of A, whose spectrum lies near the negative real axis, and its whole diagonal, by
            row and column.
        vector: p.
    """
    like = _complex(vector[0]).dtype
    nodes, half, whole = (jnp.asarray(x, like) for x in _contour(_NODES[vector[0].dtype.itemsize]))

    def resolvent(z: Complex[Array, ""]) -> Vector:
        """The vector (z - A)^-1 p."""
        shifted = {place: _complex(-entry) for place, entry in matrix.items()}
        for k in range(len(vector)):
            shifted[k, k] = z + shifted[k, k]
        return solve(shifted, [_complex(part) for part in vector])

    resolved = jax.vmap(resolvent)(nodes)

    def collected(weight: Complex[Array, " nodes"]) -> Vector:
        return [jnp.tensordot(weight, part, axes=1).real for part in resolved]

    return collected(half), collected(whole)


def _complex(x: Float[Array, "*shape"]) -> Complex[Array, "*shape"]:
    return jax.lax.complex(x, jnp.zeros_like(x))


def _contour(size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The nodes of the upper half, and what each adds, with its mirror image, after half the time and the whole."""
    angle = np.pi * np.arange(1, size, 2) / size
    cotangent = 1.0 / np.tan(0.6407 * angle)
    z = size * (0.5017 * angle * cotangent - 0.6122 + 0.2645j * angle)
    slope = 0.5017 * cotangent - 0.5017 * 0.6407 * angle / np.sin(0.6407 * angle) ** 2 + 0.2645j
    return z, -2j * slope * np.exp(0.5 * z), -2j * slope * np.exp(z)
