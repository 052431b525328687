"""Pytrees as few arrays, and back."""

import jax
import jax.numpy as jnp
import numpy as np

import patch_sim as ps
from patch_sim.packing import packed, unpacked


def test_a_tree_comes_back_as_it_was():
    tree = {
        "cell": ps.presets.neuron("squid_axon"),
        "none": None,
        "single": jnp.arange(6, dtype=jnp.float32).reshape(2, 3),
        "whole": (jnp.asarray(3), jnp.asarray([True, False])),
        "empty": jnp.zeros((0, 2)),
    }
    vectors, layout = packed(tree)
    assert len(vectors) == 4  # two precisions, integers, truth
    again = jax.jit(unpacked, static_argnames="layout")(vectors, layout=layout)
    assert jax.tree.structure(again) == jax.tree.structure(tree)
    for found, expected in zip(jax.tree.leaves(again), jax.tree.leaves(tree), strict=True):
        assert found.dtype == expected.dtype
        np.testing.assert_array_equal(found, expected)
