"""A function of scalars that is differentiated through the few numbers that its derivative is made of.

Forward mode pushes each tangent through every operation of a function: forty columns of a Jacobian repeat all of
them forty times, and each intermediate number takes forty places in memory. Where the results are a few scalars,
their partial derivatives are as few as the arguments; taken once, they turn each column into a sum of products.
"""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.custom_derivatives import SymbolicZero
from jaxtyping import Array, Bool


def by_partials(function: Callable[..., Any], apart: Bool[Array, ""] | None = None) -> Callable[..., Any]:
    r"""The same function, with tangents $\dot y = \sum_k (\partial y / \partial x_k) \, \dot x_k$.

    The partial derivatives are taken in reverse mode, once for each result. Derivatives of any kind and order work as
    before, and so do `vmap` and `jit`; worth it where many tangents meet in `vmap`.

    Args:
        function: from pytrees to a pytree, of scalars.
        apart: true, in a way that the compiler cannot foresee. It would merge what comes before a column with what
            makes it, and so do for each column, and again for each result that needs it, what is to be done once;
            only a branch keeps the parts apart. None: what is called once may be merged.
    """

    def call(*args: Any) -> Any:
        moving, still = eqx.partition(args, eqx.is_inexact_array)
        leaves, structure = jax.tree.flatten(moving)
        built: list[Any] = []

        def flat(_: Any, *leaves: Any) -> list[Any]:
            out, out_structure = jax.tree.flatten(function(*eqx.combine(jax.tree.unflatten(structure, leaves), still)))
            built[:] = [out_structure]
            return out

        differentiated = jax.custom_jvp(flat)
        kept = _merged if apart is None else _kept_apart
        differentiated.defjvp(lambda primals, tangents: _pushed(flat, primals, tangents, kept), symbolic_zeros=True)
        results = differentiated(jnp.asarray(True) if apart is None else apart, *leaves)
        return jax.tree.unflatten(built[0], results)

    return call


def _pushed(function: Callable[..., Any], primals: Any, tangents: Any, kept: Any) -> tuple[list[Any], list[Any]]:
    """The results of a flat function, and their tangents."""
    apart, *inputs = map(jnp.asarray, primals)
    moved = [k for k, tangent in enumerate(tangents[1:]) if not isinstance(tangent, SymbolicZero)]

    def of_moved(*some: Any) -> list[Any]:
        point = list(inputs)
        for k, leaf in zip(moved, some, strict=True):
            point[k] = leaf
        return function(apart, *point)

    def once() -> tuple[list[Any], list[Any]]:
        out, pull = jax.vjp(of_moved, *(inputs[k] for k in moved))
        one_hot = np.eye(len(out))
        return out, [list(pull([jnp.asarray(x, y.dtype) for x, y in zip(row, out, strict=True)])) for row in one_hot]

    def for_each_column() -> list[Any]:
        columns = [tangents[1 + k] for k in moved]
        terms = [[a * b for a, b in zip(row, columns, strict=True)] for row in partials]
        return [sum(row, jnp.zeros_like(y)) for row, y in zip(terms, out, strict=True)]

    results = jax.eval_shape(function, apart, *inputs)
    nothing = [_nothing(y) for y in results]
    out, partials = kept(apart, once, (nothing, [[_nothing(inputs[k]) for k in moved] for _ in results]))
    return out, kept(apart, for_each_column, nothing)


def _nothing(like: Any) -> Any:
    return jnp.full(like.shape, jnp.nan, like.dtype)


def _kept_apart(apart: Bool[Array, ""], make: Callable[[], Any], nothing: Any) -> Any:
    return jax.lax.cond(apart, make, lambda: nothing)


def _merged(apart: Bool[Array, ""], make: Callable[[], Any], nothing: Any) -> Any:
    return make()
