"""What cannot be is refused where it is written, in words: the thing, the value, the unit, and what would be right."""

import dataclasses
import inspect
import math
import re

import jax.numpy as jnp
import pytest

import patch_sim as ps
from patch_sim import channels as c


def beyond(limits) -> list[float]:
    """Values that limits of a parameter rule out; none, if it has no limits but must be finite."""
    above, at_least = limits.get("above"), limits.get("at_least")
    return ([above, above - 1.0] if above is not None else []) + ([at_least - 1.0] if at_least is not None else [])


def arguments() -> list:
    """Every number that a class of the package takes, with each value that it must refuse."""
    classes = [*c.CATALOG.values(), ps.CalciumPool, ps.Ion, ps.Gate, ps.InfTauGate, ps.CalciumGate, ps.InstantGate]
    cases = []
    for cls in classes:
        fields = {field.name: field.metadata for field in dataclasses.fields(cls) if "unit" in field.metadata}
        for name in fields.keys() & inspect.signature(cls).parameters.keys():
            cases += [(cls, name, value) for value in [*beyond(fields[name]), math.nan, math.inf]]
    return sorted(cases, key=lambda case: (case[0].__name__, case[1]))


REQUIRED = {
    ps.Ion: {"inside": 1.0, "outside": 1.0},
    ps.Gate: {"opening": ps.rates.Constant(1.0), "closing": ps.rates.Constant(1.0)},
    ps.InstantGate: {"inf": ps.rates.Boltzmann(0.0, 1.0)},
    **{
        gate: {"inf": ps.rates.Constant(1.0), "tau": ps.rates.Constant(1.0)} for gate in (ps.InfTauGate, ps.CalciumGate)
    },
}


@pytest.mark.parametrize(("cls", "name", "value"), arguments(), ids=str)
def test_a_number_beyond_its_limits(cls, name, value):
    with pytest.raises(ValueError, match=rf"^{cls.__name__}\.{name} must be .*not {value}") as raised:
        cls(**(REQUIRED.get(cls, {}) | {name: value}))
    unit = next(field.metadata["unit"] for field in dataclasses.fields(cls) if field.name == name)
    assert unit in str(raised.value) or "finite" in str(raised.value)


@pytest.mark.parametrize("preset", ["squid_axon", "purkinje"])
def test_a_parameter_beyond_its_limits(preset):
    cell = ps.presets.neuron(preset)
    limits = ps.limits(cell)
    assert any("above" in declared for declared in limits.values())
    for path, declared in limits.items():
        for value in [*beyond(declared), math.nan]:
            with pytest.raises(ValueError, match=f"^{re.escape(path)} must be "):
                ps.with_parameters(cell, {path: value})


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("area", 0.0, r"Neuron\.area must be greater than 0 um2, not 0\.0"),
        ("area", -1.0, r"Neuron\.area must be greater than 0 um2, not -1\.0"),
        ("capacitance", 0.0, r"Neuron\.capacitance must be greater than 0 uF/cm2, not 0\.0"),
        ("capacitance", math.inf, r"Neuron\.capacitance must be finite, not inf"),
        ("temperature", -274.0, r"Neuron\.temperature must be at least -273\.15 degrees C, not -274\.0"),
        ("temperature", math.nan, r"Neuron\.temperature must be finite, not nan"),
    ],
)
def test_impossible_membranes(name, value, message):
    with pytest.raises(ValueError, match=message):
        ps.Neuron(**({"channels": c.Na() + c.K(), "area": 1.0, "temperature": 20.0} | {name: value}))


def test_at_the_edge_of_what_is_legal():
    cell = ps.Neuron(c.Na(g_max=0.0) + c.Leak(), area=1e-9, capacitance=1e-9, temperature=-273.15)
    assert jnp.isfinite(cell.area)
    assert ps.CalciumPool(gamma=0.0).gamma == 0.0


def test_a_calcium_activated_channel_named_twice():
    with pytest.raises(ValueError, match=r"two channels are named 'KCa' \(KCa and KCaAHP\)"):
        c.CaL() + c.KCa() + c.KCaAHP()
