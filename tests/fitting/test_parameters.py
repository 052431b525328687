"""The box in which a fit searches."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import patch_sim as ps
from fitting.parameters import space
from fitting.setup import Setup

CELL = ps.presets.neuron("squid_axon")
SETUP = Setup((CELL,))
MIXED = {
    "channels.Na.g_max": (1.0, 1000.0),  # positive: log
    "channels.Leak.reversal": (-80.0, -40.0),  # a voltage: linear
    "channels.Na.gates.h.opening.slope": (-60.0, -5.0),  # negative, on a log scale
    "channels.K.gates.n.shift": (-10.0, 10.0),  # both signs: linear
}


def box(bounds=MIXED):
    return space(SETUP, list(bounds), bounds)


def test_scale_and_bounds():
    b = box()
    scale = dict(zip(b.names, b.logarithmic, strict=True))
    assert scale == dict(zip(MIXED, [True, False, True, False], strict=True))
    low, high = (dict(zip(b.names, map(float, x), strict=True)) for x in (b.low, b.high))
    assert {name: (low[name], high[name]) for name in b.names} == MIXED
    assert dict(zip(b.names, b.units, strict=True))["channels.Na.g_max"] == "mS/cm2"


def test_corners_and_middle():
    b = box()
    values = {k: dict(zip(b.names, b.values(jnp.full(4, k)).tolist(), strict=True)) for k in (0.0, 0.5, 1.0)}
    for name, (low, high) in MIXED.items():
        assert values[0.0][name] == pytest.approx(low, rel=1e-12)
        assert values[1.0][name] == pytest.approx(high, rel=1e-12)
    assert values[0.5]["channels.Na.g_max"] == pytest.approx(np.sqrt(1000.0), rel=1e-12)
    assert values[0.5]["channels.Leak.reversal"] == pytest.approx(-60.0, rel=1e-12)
    assert values[0.5]["channels.Na.gates.h.opening.slope"] == pytest.approx(-np.sqrt(300.0), rel=1e-12)
    assert values[0.5]["channels.K.gates.n.shift"] == pytest.approx(0.0, abs=1e-12)


def test_there_and_back():
    b = box()
    u = b.draw(jax.random.key(0), 20)
    assert u.shape == (20, 4)
    assert np.all((u >= 0) & (u <= 1))
    np.testing.assert_allclose([b.fraction(b.values(x)) for x in u], u, rtol=1e-10, atol=1e-12)


def test_what_lies_outside_is_moved_to_the_bound():
    b = box()
    np.testing.assert_allclose(b.fraction(jnp.full(4, 1e6)), 1.0, rtol=1e-12)
    np.testing.assert_allclose(b.fraction(jnp.full(4, -1e6)), 0.0, atol=1e-12)


def test_values_are_differentiable_in_every_corner():
    b = box()
    for k in (0.0, 1.0):
        for jacobian in (jax.jacfwd(b.values), jax.jacrev(b.values)):
            found = jacobian(jnp.full(4, k))
            assert np.all(np.isfinite(found))
            assert np.all(np.diag(found) != 0)


def test_apply_sets_the_neuron():
    b = box()
    found = ps.parameters(b.apply(SETUP, jnp.full(4, 1.0)).neurons[0])
    for name, (_, high) in MIXED.items():
        assert float(found[name]) == pytest.approx(high, rel=1e-12)
    others = set(found) - set(MIXED)
    assert all(found[name] == ps.parameters(CELL)[name] for name in others)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("channels.Na.g_max", (1.2, 12_000.0)),
        ("channels.Leak.reversal", (-84.3, -24.3)),
        ("channels.Na.gates.m.opening.slope", (2.0, 50.0)),
        ("channels.Na.gates.m.closing.slope", (-90.0, -3.6)),
    ],
)
def test_default_bounds(name, expected):
    b = space(SETUP, [name])
    assert (float(b.low[0]), float(b.high[0])) == pytest.approx(expected, rel=1e-12)


def test_patterns_and_the_later_entry_wins():
    b = space(SETUP, ["channels.*.g_max"], {"channels.*.g_max": (1.0, 10.0), "channels.K.g_max": (2.0, 20.0)})
    assert len(b.names) == 3
    assert {n: float(h) for n, h in zip(b.names, b.high, strict=True)}["channels.K.g_max"] == 20.0
    assert space(SETUP, "channels.K.g_max").names == ("channels.K.g_max",)


G = "channels.Na.g_max"


@pytest.mark.parametrize(
    ("free", "bounds", "message"),
    [
        ([], {}, "nothing is free"),
        ([G], {G: (10.0, 1.0)}, r"channels\.Na\.g_max must be finite and in order, not \(10, 1\)"),
        ([G], {G: (1.0, 1.0)}, r"must be finite and in order"),
        ([G], {G: (1.0, float("inf"))}, r"must be finite and in order"),
        ([G], {G: (float("nan"), 1.0)}, r"must be finite and in order"),
        ([G], {G: 5.0}, r"bounds of channels\.Na\.g_max must be \(low, high\), not 5\.0"),
        ([G], {G: (1.0, 2.0, 3.0)}, r"must be \(low, high\)"),
        ([G], {G: ("a", "b")}, r"must be \(low, high\)"),
        ([G], {G: (-1.0, 10.0)}, r"channels\.Na\.g_max must not go below 0 mS/cm2, but its bounds are \(-1, 10\)"),
        (["temperature"], {"temperature": (-300.0, 10.0)}, r"temperature must not go below -273\.15 degrees C"),
        ([G], {"area": (1.0, 10.0)}, r"bounds are given for area, which is not free"),
        (["temperature"], {}, r"no default bounds for temperature"),
    ],
)
def test_impossible_boxes(free, bounds, message):
    with pytest.raises(ValueError, match=message):
        space(SETUP, free, bounds)


@pytest.mark.parametrize(("free", "bounds"), [(["channels.Na.gmax"], {}), ([G], {"channels.Na.gmax": (1.0, 2.0)})])
def test_what_matches_nothing(free, bounds):
    with pytest.raises(KeyError, match=r"channels\.Na\.gmax.*channels\.Na\.g_max"):
        space(SETUP, free, bounds)


def test_a_bound_of_0_for_what_must_be_greater():
    with pytest.raises(ValueError, match="area"):
        space(SETUP, ["area"], {"area": (0.0, 1000.0)})
