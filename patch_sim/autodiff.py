"""One function with both derivatives: forward mode by one implementation, reverse mode by another.

An adaptive solve is a `while` loop of unknown length. JAX can push tangents through it; to pull cotangents
back, diffrax needs another loop with checkpoints, and that one takes no tangents. `with_both_modes` joins the
two into one primitive, so that `jax.jvp`, `jacfwd`, `grad` and `jacrev` all work and nobody has to choose.

Reverse mode with respect to a few numbers is forward mode in as many directions at once: for up to some twenty it takes
a fraction of the time of the loop with checkpoints, to compile as to run.

Under `vmap` the members of a batch run one after the other: in lockstep, all would take the steps of the most
restless, and each would pay for the saved samples of all. Tangents that belong to one solve run together.
"""

from collections.abc import Callable, Hashable
from typing import Any

import jax
import jax.numpy as jnp
from jax.custom_batching import custom_vmap, sequential_vmap
from jax.experimental import hijax
from jax.experimental.hijax import ShapedArray, Zero
from jax.flatten_util import ravel_pytree

Function = Callable[..., Any]

_FEW = 20
"""Numbers by which reverse mode is cheaper forward."""

_Primitive: Any = getattr(hijax, "HiPrim" if hasattr(hijax, "HiPrim") else "VJPHiPrimitive")  # the latter before 0.11


def with_both_modes(forward: Function, reverse: Function, *static: Hashable) -> Function:
    """Join two implementations of one function.

    Args:
        forward: takes `static` and then pytrees of floating arrays; can be evaluated, and differentiated in
            forward mode. At module level, so that its identity can be a key of the compilation cache.
        reverse: the same function, differentiated in reverse mode by many numbers.
        static: hashable settings, passed first.
    """

    def call(*args: Any) -> Any:
        args = jax.tree.map(jnp.asarray, args)
        return _Joined(args, forward=forward, reverse=reverse, static=static)(*args)

    return call


class _Joined(_Primitive):
    """The primitive; each of its rules gives way to ordinary JAX operations."""

    forward: Function
    reverse: Function
    static: tuple[Hashable, ...]

    def __init__(self, args: tuple[Any, ...], **params: Any):
        self.params = params
        self.__dict__.update(params)
        self.in_avals = _types(args)
        self.out_aval = _types(jax.eval_shape(self.expand, *args))
        super().__init__()

    def expand(self, *args: Any) -> Any:
        return self.forward(*self.static, *args)

    def batch(self, axis_data: Any, args: tuple[Any, ...], dims: tuple[Any, ...]) -> tuple[Any, Any]:
        leaves, tree = jax.tree.flatten(args)
        axes = [dim if isinstance(dim, int) else None for dim in tree.flatten_up_to(dims)]
        if not any(isinstance(dim, int) for dim in axes):  # only what is done with the solve differs between members
            out = self(*args)
            return out, jax.tree.map(lambda _: None, out)
        batched = [jnp.moveaxis(leaf, axis, 0) for leaf, axis in zip(leaves, axes, strict=True) if axis is not None]

        def member(mapped: list[Any]) -> Any:
            rest = iter(mapped)
            return self(
                *tree.unflatten([leaf if axis is None else next(rest) for leaf, axis in zip(leaves, axes, strict=True)])
            )

        out = jax.lax.map(member, batched)
        return out, jax.tree.map(lambda _: 0, out)

    def jvp(self, primals: tuple[Any, ...], tangents: tuple[Any, ...]) -> tuple[Any, Any]:
        tangents = jax.tree.map(_instantiate, tangents, primals, is_leaf=lambda x: isinstance(x, Zero))

        def push(primals: tuple[Any, ...], tangents: tuple[Any, ...]) -> tuple[Any, Any]:
            return jax.jvp(self.expand, primals, tangents)

        together = custom_vmap(push)

        @together.def_vmap
        def _(axis_size: int, in_batched: Any, primals: tuple[Any, ...], tangents: tuple[Any, ...]) -> Any:
            axes = jax.tree.map(lambda batched: 0 if batched else None, tuple(in_batched))
            if any(jax.tree.leaves(in_batched[0])):
                value, tangent = jax.vmap(sequential_vmap(push), in_axes=axes)(primals, tangents)
                return (value, tangent), (_all(value, True), _all(tangent, True))
            side_by_side = sequential_vmap(jax.vmap(push, in_axes=axes, out_axes=(None, 0)))
            value, tangent = side_by_side(primals, tangents)
            return (value, tangent), (_all(value, False), _all(tangent, True))

        return together(primals, tangents)

    def vjp_fwd(self, nzs_in: Any, /, *args: Any) -> tuple[Any, Any]:
        pairs = zip(jax.tree.leaves(args), jax.tree.leaves(nzs_in), strict=True)
        wanted = [leaf if differentiated else None for leaf, differentiated in pairs]
        return sequential_vmap(self.expand)(*args), (args, wanted)

    def vjp_bwd_retval(self, res: Any, outgrad: Any, /) -> Any:
        outgrad = jax.tree.map(_instantiate, outgrad, self.out_aval, is_leaf=lambda x: isinstance(x, Zero))

        @sequential_vmap
        def pull(args: tuple[Any, ...], wanted: list[Any], cotangents: Any) -> Any:
            few = sum(leaf.size for leaf in jax.tree.leaves(wanted)) <= _FEW
            return self._pull_forward(args, wanted, cotangents) if few else self._pull_back(args, cotangents)

        return pull(*res, outgrad)

    def _pull_back(self, args: tuple[Any, ...], cotangents: Any) -> Any:
        return jax.vjp(lambda *args: self.reverse(*self.static, *args), *args)[1](cotangents)

    def _pull_forward(self, args: tuple[Any, ...], wanted: list[Any], cotangents: Any) -> Any:
        leaves, tree = jax.tree.flatten(args)
        point, unravel = ravel_pytree(wanted)

        def solved(point: Any) -> Any:
            rest = [leaf if own is None else own for leaf, own in zip(leaves, unravel(point), strict=True)]
            return self.expand(*tree.unflatten(rest))

        def along(direction: Any) -> Any:
            _, pushed = jax.jvp(solved, (point,), (direction,))
            return sum(map(jnp.vdot, jax.tree.leaves(cotangents), jax.tree.leaves(pushed)))

        slopes = unravel(jax.vmap(along)(jnp.eye(point.size, dtype=point.dtype)))
        pulled = [jnp.zeros_like(leaf) if own is None else own for leaf, own in zip(leaves, slopes, strict=True)]
        return tree.unflatten(pulled)


def _types(tree: Any) -> Any:
    return jax.tree.map(lambda leaf: ShapedArray(jnp.shape(leaf), jnp.result_type(leaf)), tree)


def _instantiate(tangent: Any, like: Any) -> Any:
    return jnp.zeros(like.shape, like.dtype) if isinstance(tangent, Zero) else tangent


def _all(tree: Any, batched: bool) -> Any:
    return jax.tree.map(lambda _: batched, tree)
