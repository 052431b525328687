"""Names, patterns and limits of a model's numbers."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import patch_sim as ps


class Part(ps.AbstractParametric):
    size: ps.Number = ps.parameter("um", above=0.0)
    count: int = eqx.field(static=True, default=2)
    _hidden: ps.Number = ps.parameter("mV", default=1.0)


class Whole(ps.AbstractParametric):
    parts: dict
    pair: tuple
    offset: ps.Number = ps.parameter("mV", at_least=-5.0, default=0.0)
    absent: ps.Number | None = ps.parameter("mM", default=None)


def whole() -> Whole:
    return Whole({"left": Part(1.0), "right": Part(2.0)}, (Part(3.0), Part(4.0)))


@pytest.fixture(scope="module")
def axon() -> ps.Neuron:
    return ps.presets.neuron("squid_axon")


def test_paths_values_and_order():
    assert {name: float(value) for name, value in ps.parameters(whole()).items()} == {
        "parts.left.size": 1.0,
        "parts.left.hidden": 1.0,
        "parts.right.size": 2.0,
        "parts.right.hidden": 1.0,
        "pair.0.size": 3.0,
        "pair.0.hidden": 1.0,
        "pair.1.size": 4.0,
        "pair.1.hidden": 1.0,
        "offset": 0.0,
    }


def test_limits_say_unit_and_range():
    declared = ps.limits(whole())
    assert declared["pair.0.size"]["unit"] == "um"
    assert declared["pair.0.size"]["above"] == 0.0
    assert declared["offset"]["at_least"] == -5.0


def test_names_of_a_neuron(axon):
    names = set(ps.parameters(axon))
    assert {"area", "capacitance", "temperature", "ions.K.outside", "channels.Leak.reversal"} <= names
    assert {"channels.Na.g_max", "channels.Na.gates.m.shift", "channels.K.gates.n.opening.slope"} <= names


def test_what_is_no_parameter(axon):
    for name in ps.parameters(axon):
        assert not name.endswith((".power", ".valence", ".temperature")), name
    assert not any(part[0] == "_" for name in ps.parameters(axon) for part in name.split("."))


def test_patterns(axon):
    assert set(ps.match(axon, "channels.*.g_max")) == {f"channels.{name}.g_max" for name in ("Na", "K", "Leak")}
    assert set(ps.match(axon, "channels.Na.gates.*.shift")) == {f"channels.Na.gates.{gate}.shift" for gate in "mh"}
    assert ps.match(axon, "channels.N*.g_max") == ("channels.Na.g_max",)
    deep = ps.match(axon, "channels.Na.**")
    assert set(deep) == {name for name in ps.parameters(axon) if name.startswith("channels.Na.")}
    assert ps.match(axon, "**") == tuple(ps.parameters(axon))
    assert ps.match(axon, "**.slope") == tuple(name for name in ps.parameters(axon) if name.endswith(".slope"))


def test_a_star_stays_within_one_part(axon):
    with pytest.raises(KeyError):
        ps.match(axon, "channels.*.shift")
    with pytest.raises(KeyError):
        ps.match(axon, "channels.Na.gates.m.opening*")


def test_a_dot_is_a_dot():
    with pytest.raises(KeyError):
        ps.match(whole(), "pairx0.size")


def test_matches_come_once_and_in_the_model_s_order(axon):
    found = ps.match(axon, "channels.K.g_max", "channels.*.g_max", "area")
    assert len(set(found)) == len(found)
    assert list(found) == [name for name in ps.parameters(axon) if name in found]


@pytest.mark.parametrize(
    ("wrong", "right"),
    [("channels.Na.gmax", "channels.Na.g_max"), ("capacitence", "capacitance"), ("ions.K.outsid", "ions.K.outside")],
)
def test_an_unknown_name_is_offered_the_nearest(axon, wrong, right):
    for call in (lambda: ps.match(axon, wrong), lambda: ps.with_parameters(axon, {wrong: 1.0})):
        with pytest.raises(KeyError) as raised:
            call()
        assert wrong in str(raised.value)
        assert right in str(raised.value)


def test_a_name_near_nothing_is_told_where_to_look(axon):
    with pytest.raises(KeyError, match="parameters"):
        ps.match(axon, "zzzzzzzzzzzzzzzz")


def test_setting_returns_a_new_model(axon):
    changed = ps.with_parameters(axon, {"channels.Na.g_max": 100.0, "temperature": 20.0})
    assert float(changed.channels["Na"].g_max) == 100.0
    assert float(axon.channels["Na"].g_max) == 120.0
    before, after = ps.parameters(axon), ps.parameters(changed)
    assert {name for name in before if before[name] != after[name]} == {"channels.Na.g_max", "temperature"}
    assert jax.tree.structure(changed) == jax.tree.structure(axon)


def test_a_pattern_sets_several_and_the_later_entry_wins(axon):
    changed = ps.with_parameters(axon, {"channels.*.g_max": 5.0, "channels.K.g_max": 7.0})
    conductances = {name: float(channel.g_max) for name, channel in changed.channels.items()}
    assert conductances == {"Na": 5.0, "K": 7.0, "Leak": 5.0}


def test_setting_what_is_private_or_in_a_tuple():
    changed = ps.with_parameters(whole(), {"pair.1.hidden": 9.0, "parts.left.size": 8.0})
    assert float(ps.parameters(changed)["pair.1.hidden"]) == 9.0
    assert float(changed.parts["left"].size) == 8.0


def test_setting_nothing_changes_nothing(axon):
    assert eqx.tree_equal(ps.with_parameters(axon, {}), axon)


def test_every_parameter_round_trips(axon):
    doubled = {name: 2.0 * value if value != 0 else value + 0.5 for name, value in ps.parameters(axon).items()}
    found = ps.parameters(ps.with_parameters(axon, doubled))
    assert {name: float(value) for name, value in found.items()} == {n: float(v) for n, v in doubled.items()}


def test_inside_jit_and_grad(axon):
    def conductance(g):
        changed = ps.with_parameters(axon, {"channels.*.g_max": g})
        return sum(channel.g_max for channel in changed.channels.values())

    assert float(jax.jit(conductance)(2.0)) == 6.0
    assert float(jax.grad(conductance)(2.0)) == 3.0
    np.testing.assert_array_equal(jax.vmap(conductance)(jnp.array([1.0, 2.0])), [3.0, 6.0])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("channels.Na.g_max", -1.0),
        ("area", 0.0),
        ("temperature", -300.0),
        ("area", float("nan")),
        ("area", "large"),
        ("area", [1.0, 2.0]),
    ],
)
def test_values_outside_the_limits(axon, name, value):
    with pytest.raises(ValueError, match=f"^{name} "):
        ps.with_parameters(axon, {name: value})


def test_messages_name_class_field_value_and_unit():
    with pytest.raises(ValueError, match=r"Part\.size must be greater than 0 um, not -1\.0"):
        Part(-1.0)
    with pytest.raises(ValueError, match=r"Part\.size must be a number in um, not 'big'"):
        Part("big")
    with pytest.raises(ValueError, match=r"Whole\.offset must be at least -5 mV, not -6\.0"):
        Whole({}, (), offset=-6.0)
    with pytest.raises(ValueError, match=r"Part\.size must be finite"):
        Part(float("nan"))


def test_numbers_become_floating_arrays():
    for value in (3, 3.0, np.float32(3), np.int64(3), jnp.asarray(3)):
        size = Part(value).size
        assert isinstance(size, jax.Array)
        assert size.dtype == float
        assert size.shape == ()
    assert Part(jnp.asarray(3.0, jnp.float32)).size.dtype == jnp.float32
