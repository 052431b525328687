"""The numbers of a pytree as few arrays.

What a compiled program takes is handed to each device array by array: where several take the forty numbers of a cell,
that is longer than many a sweep.
"""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Shaped


@dataclasses.dataclass(frozen=True)
class Layout:
    """What became of which leaf.

    Attributes:
        structure: the tree.
        leaves: the shape and the type of each leaf.
    """

    structure: Any
    leaves: tuple[tuple[tuple[int, ...], str], ...]


def packed(tree: Any) -> tuple[dict[str, Shaped[np.ndarray, " numbers"]], Layout]:
    """The leaves of a tree of arrays, one vector for each type; not while JAX traces."""
    leaves, structure = jax.tree.flatten(tree)
    arrays = [np.asarray(leaf) for leaf in leaves]
    parts: dict[str, list[np.ndarray]] = {}
    for array in arrays:
        parts.setdefault(array.dtype.str, []).append(array.ravel())
    layout = Layout(structure, tuple((array.shape, array.dtype.str) for array in arrays))
    return {kind: np.concatenate(part) for kind, part in parts.items()}, layout


def unpacked(vectors: dict[str, Shaped[Array, " numbers"]], layout: Layout) -> Any:
    """The tree again."""
    begin = dict.fromkeys(vectors, 0)
    leaves = []
    for shape, kind in layout.leaves:
        end = begin[kind] + int(np.prod(shape))
        leaves.append(jnp.reshape(vectors[kind][begin[kind] : end], shape))
        begin[kind] = end
    return jax.tree.unflatten(layout.structure, leaves)
