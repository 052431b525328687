"""Functions that are differentiated through their partial derivatives."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from patch_sim.partials import by_partials


def function(x, pair):
    y, z = pair["y"], pair["z"]
    return {"first": jnp.sin(x * y) + z, "second": (x * jnp.exp(-z), x)}


POINT = (0.7, {"y": -1.3, "z": 0.4})
DIRECTION = (0.3, {"y": 1.1, "z": -0.6})


def arrays(tree):
    return jax.tree.map(jnp.asarray, tree)


@pytest.mark.parametrize("apart", [None, True], ids=["merged", "apart"])
def test_value_and_both_derivatives_are_the_same(apart):
    wrapped = by_partials(function, None if apart is None else jnp.asarray(apart))
    for mode in (jax.jacfwd, jax.jacrev):
        found, expected = (mode(f, argnums=(0, 1))(*arrays(POINT)) for f in (wrapped, function))
        assert jax.tree.all(jax.tree.map(lambda a, b: bool(jnp.allclose(a, b)), found, expected))
    found, expected = (f(*arrays(POINT)) for f in (wrapped, function))
    assert jax.tree.all(jax.tree.map(lambda a, b: bool(a == b), found, expected))


def test_second_derivatives_are_the_same():
    def curvature(f):
        return jax.hessian(lambda x: f(x, arrays(POINT[1]))["first"])(0.7)

    found, expected = curvature(by_partials(function)), curvature(function)
    np.testing.assert_allclose(found, expected)


def test_in_lockstep_some_arguments_may_be_common():
    wrapped = by_partials(function, jnp.asarray(True))

    def pushed(f, x, z):
        return jax.jvp(lambda x: f(x, {"y": jnp.asarray(2.0), "z": z})["second"][0], (x,), (1.0,))[1]

    xs, zs = jnp.linspace(0.0, 1.0, 5), jnp.linspace(0.0, 2.0, 3)
    both = [jax.vmap(lambda x, f=f: jax.vmap(lambda z: pushed(f, x, z))(zs))(xs) for f in (wrapped, function)]
    np.testing.assert_allclose(*both)


@pytest.mark.parametrize("apart", [None, True], ids=["merged", "apart"])
def test_in_lockstep_some_results_may_be_common(apart):
    """One result has no axis of its own, and its tangent must not get one from what only others depend on."""

    def both(wrapped):
        def member(s, x):
            first, second = wrapped(s, x * s)
            return jnp.stack([first, first]), second

        return jax.jacfwd(jax.jit(lambda s: jax.vmap(lambda x: member(s, x))(jnp.arange(3.0))))(0.5)

    def plain(a, b):
        return jnp.sin(a), a * b

    found = both(by_partials(plain, None if apart is None else jnp.asarray(apart)))
    jax.tree.map(np.testing.assert_allclose, found, both(plain))


def test_only_scalars_are_differentiated():
    with pytest.raises(AssertionError, match="scalars"):
        jax.jvp(by_partials(jnp.sin), (jnp.ones(2),), (jnp.ones(2),))


def test_what_is_not_a_number_passes_through():
    doubled = by_partials(lambda x, times: x * times)
    assert float(jax.grad(lambda x: doubled(x, 3))(2.0)) == 3.0
