"""Small linear systems, solved by operations of which a compiler knows everything, inside a loop as outside.

A library's factorization would be a call out of a compiled function, one element of a batch after the other.
"""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Inexact

Entry: TypeAlias = tuple[int, int]


def solve_dense(matrix: Float[Array, "n n"], right: Float[Array, "n columns"]) -> Float[Array, "n columns"]:
    """Solve a linear system by Gauss and Jordan's elimination with the largest pivot of each column.

    Args:
        matrix: of the system; where it is singular, the result is not finite.
        right: the right-hand sides.
    """
    size = right.shape[0]
    number = jnp.arange(size)[:, None]

    def eliminate(k: Any, rows: Any) -> Any:
        pivot = jnp.argmax(jnp.where(number[:, 0] < k, -1.0, jnp.abs(rows[:, k])))
        row = rows[pivot, None] / rows[pivot, k]
        rows = jnp.where(number == pivot, rows[k, None], rows)
        return jnp.where(number == k, row, rows - rows[:, k, None] * row)

    return jax.lax.fori_loop(0, size, eliminate, jnp.concatenate([matrix, right], axis=1))[:, size:]


def solve(
    matrix: Mapping[Entry, Inexact[Array, "*shape"]], right: Sequence[Inexact[Array, "*shape"]]
) -> list[Inexact[Array, "*shape"]]:
    """Solve a linear system whose zeros are known beforehand, for every element of its arrays at once.

    Gaussian elimination, the least connected unknown first, every zero left out: a chain of n states costs n, not
    n^3, and only elementwise operations reach the compiler. There is no pivoting, since a matrix $1 - h Q$, with the
    generator Q of a Markov chain, needs none: its columns are dominated by their diagonal (Funderlic and Plemmons
    (1981), Linear Algebra Appl 41:99-106).

    Args:
        matrix: its nonzero entries by row and column, counted from 0, the whole diagonal among them.
        right: the right-hand side.
    """
    matrix, right = dict(matrix), list(right)
    order = []
    while len(order) < len(right):
        pivot = _least_connected(matrix, set(range(len(right))) - set(order))
        rows, columns = _neighbors(matrix, pivot, order)
        for row in rows:
            factor = matrix[row, pivot] / matrix[pivot, pivot]
            right[row] = right[row] - factor * right[pivot]
            for column in columns:
                change = factor * matrix[pivot, column]
                matrix[row, column] = matrix[row, column] - change if (row, column) in matrix else -change
        order.append(pivot)
    for place, pivot in reversed(list(enumerate(order))):
        _, columns = _neighbors(matrix, pivot, order[:place])
        known = sum((matrix[pivot, column] * right[column] for column in columns), 0.0)
        right[pivot] = (right[pivot] - known) / matrix[pivot, pivot]
    return right


def _neighbors(matrix: Mapping[Entry, Array], pivot: int, done: Sequence[int]) -> tuple[list[int], list[int]]:
    """The rows that have an entry in a pivot's column, and the columns in its row, of those not yet eliminated."""
    rows = [row for row, column in matrix if column == pivot and row != pivot and row not in done]
    columns = [column for row, column in matrix if row == pivot and column != pivot and column not in done]
    return rows, columns


def _least_connected(matrix: Mapping[Entry, Array], left: set[int]) -> int:
    def fill(pivot: int) -> int:
        rows, columns = _neighbors(matrix, pivot, [k for k, _ in matrix if k not in left])
        return len(rows) * len(columns)

    return min(sorted(left), key=fill)
