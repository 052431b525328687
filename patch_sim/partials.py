"""A function of scalars that is differentiated through the few numbers that its derivative is made of.

Forward mode pushes each tangent through every operation of a function: forty columns of a Jacobian repeat all of
them forty times, and each intermediate number takes forty places in memory. Where the results are a few scalars,
their partial derivatives are as few as the arguments; taken once, they turn each column into a sum of products.
"""

from collections.abc import Callable, Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.custom_derivatives import SymbolicZero
from jax.interpreters.partial_eval import dce_jaxpr
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
    assert all(x.ndim == 0 for x in inputs), "functions of scalars only: vmap them"
    moved = [k for k, tangent in enumerate(tangents[1:]) if not isinstance(tangent, SymbolicZero)]

    def of_moved(*some: Any) -> list[Any]:
        point = list(inputs)
        for k, leaf in zip(moved, some, strict=True):
            point[k] = leaf
        return function(apart, *point)

    arguments, columns = [inputs[k] for k in moved], [tangents[1 + k] for k in moved]
    results, reached = _dependence(of_moved, arguments)

    def once() -> tuple[list[Any], list[Any]]:
        out, push = jax.linearize(of_moved, *arguments)
        pulls = [jax.linear_transpose(lambda *columns, k=k: push(*columns)[k], *arguments) for k in range(len(out))]
        rows = [pull(jnp.ones_like(y)) for pull, y in zip(pulls, out, strict=True)]
        return out, [[row[k] for k in own] for row, own in zip(rows, reached, strict=True)]

    def for_each_column() -> list[Any]:
        pushed = []
        for y, row, own in zip(out, partials, reached, strict=True):
            terms = [slope * columns[k] for slope, k in zip(row, own, strict=True)]
            pushed.append(sum(terms, jnp.zeros_like(y)))
        return pushed

    nothing = [_nothing(y) for y in results]
    out, partials = kept(apart, once, (nothing, [[_nothing(arguments[k]) for k in own] for own in reached]))
    return out, kept(apart, for_each_column, nothing)


def _dependence(function: Callable[..., Any], arguments: Sequence[Any]) -> tuple[Sequence[Any], list[list[int]]]:
    """What a function returns (shapes and types), and on which arguments each result depends.

    A slope that is 0 because there is none would make a tangent depend on more than its result does; where `vmap` gives
    an axis to the one and not to the other, `jvp` of it fails (jax 0.10).
    """
    traced = jax.make_jaxpr(function)(*arguments)
    used = [dce_jaxpr(traced.jaxpr, list(row))[1] for row in np.eye(len(traced.out_avals), dtype=bool)]
    return traced.out_avals, [[k for k, reaches in enumerate(row) if reaches] for row in used]


def _nothing(like: Any) -> Any:
    return jnp.full(like.shape, jnp.nan, like.dtype)


def _kept_apart(apart: Bool[Array, ""], make: Callable[[], Any], nothing: Any) -> Any:
    return jax.lax.cond(apart, make, lambda: nothing)


def _merged(apart: Bool[Array, ""], make: Callable[[], Any], nothing: Any) -> Any:
    return make()
