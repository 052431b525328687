"""Two implementations of one function, joined into one that has both derivatives."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from patch_sim import autodiff
from patch_sim.autodiff import with_both_modes


def forward(count: int, x, tree):
    """y <- sin(x y + a), `count` times, in a loop that reverse mode cannot take."""

    def body(carry):
        k, y = carry
        return k + 1, jnp.sin(x * y + tree["a"])

    _, y = jax.lax.while_loop(lambda carry: carry[0] < count, body, (0, tree["b"]))
    return {"y": y, "twice": 2.0 * y}


def reverse(count: int, x, tree):
    """The same, in a loop that reverse mode can take."""

    def body(y, _):
        return jnp.sin(x * y + tree["a"]), None

    y, _ = jax.lax.scan(body, tree["b"], None, length=count)
    return {"y": y, "twice": 2.0 * y}


def joined(x, a, b):
    out = with_both_modes(forward, reverse, 5)(x, {"a": a, "b": b})
    return out["y"] + 0.5 * out["twice"]


def plain(x, a, b):
    out = reverse(5, x, {"a": a, "b": b})
    return out["y"] + 0.5 * out["twice"]


@pytest.fixture(params=[autodiff._FEW, 0], ids=["few", "many"])
def ways(request, monkeypatch):
    """Reverse mode by either of its ways."""
    monkeypatch.setattr(autodiff, "_FEW", request.param)


POINT = (jnp.asarray(0.7), jnp.asarray(0.3), jnp.asarray(-0.2))
XS = jnp.linspace(0.1, 2.0, 7)


def test_value():
    assert float(joined(*POINT)) == pytest.approx(float(plain(*POINT)), rel=1e-14)
    assert float(jax.jit(joined)(*POINT)) == pytest.approx(float(plain(*POINT)), rel=1e-14)


def test_reverse_mode_alone_would_not_do():
    with pytest.raises(ValueError, match=r"[Rr]everse-mode"):
        jax.grad(lambda x: forward(5, x, {"a": x, "b": x})["y"])(0.7)


@pytest.mark.parametrize("derivative", [jax.grad, jax.jacrev, jax.jacfwd])
@pytest.mark.parametrize("wrap", [lambda f: f, jax.jit])
@pytest.mark.usefixtures("ways")
def test_both_modes(derivative, wrap):
    found = wrap(derivative(joined, argnums=(0, 1, 2)))(*POINT)
    np.testing.assert_allclose(found, derivative(plain, argnums=(0, 1, 2))(*POINT), rtol=1e-12)


def test_the_reverse_implementation_is_only_taken_for_reverse_mode_by_many_numbers():
    taken = []

    def spy(x, others):
        taken.append("reverse")
        return jnp.sum(x**2) + others

    function = with_both_modes(lambda x, others: jnp.sum(x**2) + others, spy)
    few, many = jnp.arange(float(autodiff._FEW)), jnp.arange(autodiff._FEW + 1.0)
    np.testing.assert_allclose(jax.jacfwd(function)(many, 1.0), 2.0 * many)
    np.testing.assert_allclose(jax.grad(function)(few, 1.0), 2.0 * few)
    np.testing.assert_allclose(jax.grad(lambda x: function(many, x))(1.0), 1.0)  # what is not asked for does not count
    assert taken == []
    np.testing.assert_allclose(jax.grad(function)(many, 1.0), 2.0 * many)
    assert taken


@pytest.mark.usefixtures("ways")
def test_only_some_arguments_are_differentiated():
    found = jax.grad(lambda a: joined(POINT[0], a, POINT[2]))(POINT[1])
    assert float(found) == pytest.approx(float(jax.grad(plain, argnums=1)(*POINT)), rel=1e-12)
    _, tangent = jax.jvp(lambda b: joined(POINT[0], POINT[1], b), (POINT[2],), (jnp.asarray(1.0),))
    assert float(tangent) == pytest.approx(float(jax.grad(plain, argnums=2)(*POINT)), rel=1e-12)


@pytest.mark.usefixtures("ways")
def test_an_output_that_is_not_used():
    def first(x):
        return with_both_modes(forward, reverse, 5)(x, {"a": x, "b": x})["y"]

    expected = jax.grad(lambda x: reverse(5, x, {"a": x, "b": x})["y"])(0.4)
    assert float(jax.grad(first)(0.4)) == pytest.approx(float(expected), rel=1e-12)


@pytest.mark.usefixtures("ways")
@pytest.mark.parametrize("axes", [(0, None, None), (None, 0, 0), (0, 0, 0)])
def test_vmap_of_value_and_derivatives(axes):
    args = [XS if axis == 0 else value for axis, value in zip(axes, POINT, strict=True)]
    for transform in (
        lambda f: f,
        lambda f: jax.grad(f, argnums=(0, 1)),
        lambda f: jax.jacfwd(f, argnums=(0, 1)),
    ):
        found = jax.jit(jax.vmap(transform(joined), in_axes=axes))(*args)
        expected = jax.vmap(transform(plain), in_axes=axes)(*args)
        np.testing.assert_allclose(found, expected, rtol=1e-11)


def test_vmap_over_another_axis_and_twice():
    grid = jnp.linspace(0.1, 1.0, 6).reshape(2, 3)
    found = jax.vmap(lambda row: jax.vmap(lambda x: joined(x, *POINT[1:]))(row), in_axes=1)(grid)
    expected = jax.vmap(lambda row: jax.vmap(lambda x: plain(x, *POINT[1:]))(row), in_axes=1)(grid)
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_many_tangents_of_one_point_share_its_value():
    directions = jnp.eye(3)

    def push(direction):
        return jax.jvp(joined, POINT, tuple(direction))

    value, tangents = jax.vmap(push, out_axes=(None, 0))(directions)
    assert value.shape == ()
    np.testing.assert_allclose(tangents, jax.grad(plain, argnums=(0, 1, 2))(*POINT), rtol=1e-12)


def test_one_solve_has_one_trace_in_a_jit():
    traces = []

    def counted(x):
        traces.append(None)
        return x**3

    function = jax.jit(with_both_modes(counted, counted))
    function(2.0)
    before = len(traces)
    assert float(function(3.0)) == 27.0
    assert len(traces) == before


def test_members_that_differ_only_in_what_is_done_with_the_solve():
    def scaled(c):
        return c * joined(*POINT)

    push = jax.vmap(lambda tangent: jax.jvp(scaled, (POINT[0],), (tangent,)), out_axes=(None, 0))
    value, tangents = push(XS)
    assert float(value) == pytest.approx(float(scaled(POINT[0])), rel=1e-14)
    np.testing.assert_allclose(tangents, XS * joined(*POINT), rtol=1e-12)
    np.testing.assert_allclose(jax.vmap(scaled)(XS), XS * joined(*POINT), rtol=1e-12)
