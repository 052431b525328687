"""A neuron in words: what the table says, against the units and potentials that it comes from."""

import re

import jax
import jax.numpy as jnp
import pytest

import patch_sim as ps
from patch_sim import channels as c
from patch_sim.describe import formula


def row(text: str, name: str) -> str:
    """The row of a channel, its columns two blanks apart at most."""
    (found,) = (line for line in text.splitlines() if line.startswith(f"{name} "))
    return re.sub(" {2,}", "  ", found)


def relay() -> ps.Neuron:
    channels = {"Na": c.Na(reversal=50.0), "K": c.KA(), "CaT": c.CaT(), "N": c.CaNMigliore(), "Ih": c.Ih()}
    pool = ps.CalciumPool(gamma=1.0, depth=0.1, decay=5.0, resting=2.4e-4)
    return ps.Neuron(channels, area=20000.0, capacitance=0.9, temperature=34.0, calcium=pool)


def test_the_squid_axon_in_words():
    assert ps.describe(ps.presets.neuron("squid_axon")).splitlines() == [
        "membrane: 1257 um2, 12.57 pF (1 uF/cm2), 6.3 degrees C",
        "ions (inside | outside): Na 10 | 145 mM, +64.4 mV; K 140 | 3.5 mM, -88.8 mV; Ca 0.0001 | 2 mM, +119.2 mV",
        "",
        "channel  class  density         whole cell     reversal        gates  source",
        "Na       Na         120 mS/cm2        1508 nS  +50.0 mV fixed  m^3 h  Hodgkin & Huxley 1952",
        "K        K           36 mS/cm2       452.4 nS  -77.0 mV fixed  n^4    Hodgkin & Huxley 1952",
        "Leak     Leak       0.3 mS/cm2        3.77 nS  -54.3 mV fixed  -      Ohm's law",
    ]


def test_every_kind_of_reversal_is_marked_and_right():
    cell = relay()
    text = ps.describe(cell)
    calcium = float(cell.ions.with_calcium(cell.calcium.resting).Ca.reversal(cell.temperature))
    mixed = float(cell.ions.mixed_reversal(cell.channels["Ih"].sodium_permeability, cell.temperature))
    assert "Na  Na  120 mS/cm2  24000 nS  +50.0 mV fixed  m^3 h" in row(text, "Na")
    assert f"{float(cell.ions.K.reversal(cell.temperature)):+.1f} mV Nernst K  m1^4, m2^4, h1, h2" in row(text, "K")
    assert f"8e-05 cm/s  16000 um3/s  {calcium:+.1f} mV GHK flux Ca  m^2 h" in row(text, "CaT")
    assert f"{mixed:+.1f} mV GHK voltage K Na  m" in row(text, "Ih")
    assert "Ca pool | 2 mM" in text
    assert "calcium pool: 0.00024 mM at rest, 0.1 um deep, 1 of what enters stays free, decays in 5 ms" in text


def test_a_flux_of_its_own_is_looked_for():
    cell = relay()
    said = float(re.search(r"([+-][\d.]+) mV its own flux", ps.describe(cell)).group(1))
    ions = cell.ions.with_calcium(cell.calcium.resting)
    opened = {"m": jnp.ones(2), "h": jnp.ones(2)}
    below, above = cell.channels["N"].current(said + jnp.array([-0.06, 0.06]), opened, ions, cell.temperature)
    assert below < 0.0 < above
    assert re.search(r"0 nS +- its own flux", ps.describe(cell.disabled("N")))  # without a current it is nowhere


@pytest.mark.parametrize("name", c.CATALOG)
def test_every_channel_can_be_described(name):
    cell = ps.Neuron({name: c.CATALOG[name]()}, area=1000.0, temperature=20.0)
    text = ps.describe(cell)
    assert type(cell.channels[name]).source in row(text, name)
    assert "nan" not in text


def test_formulas():
    assert formula(c.Na()) == "m^3 h"
    assert formula(c.KCaBK()) == "m^3 z(Ca)^2 h"
    assert formula(c.CaTDestexhe()) == "m_inf^2 h"
    assert formula(c.NaR()) == "13 states, open: O"
    assert formula(c.Leak()) == "-"


def test_many_neurons_in_one_are_described_by_ranges():
    cell = relay()
    temperatures = jnp.array([20.0, 34.0, 27.0])
    many = jax.vmap(lambda t: ps.with_parameters(cell, {"temperature": t, "channels.K.g_max": t / 10.0}))(temperatures)
    text = ps.describe(many)
    low, high = (float(cell.ions.K.reversal(jnp.asarray(t))) for t in (34.0, 20.0))
    assert "20 to 34 degrees C" in text
    assert f"2 to 3.4 mS/cm2  400 to 680 nS  {low:+.1f} to {high:+.1f} mV Nernst K" in row(text, "K")
    assert "120 mS/cm2" in row(text, "Na")


def test_what_is_rarely_meant_is_said():
    cell = relay().without("CaT", "N").with_channels(KCa=c.KCa())
    assert ps.describe(cell).splitlines()[-1] == f"warning: {cell.warnings[0]}"


def test_a_cell_without_channels():
    assert ps.describe(ps.Neuron({}, area=1000.0, temperature=20.0)).endswith("no channels")


def test_what_cannot_be_described():
    cell = relay()
    with pytest.raises(ValueError, match="inside jit"):
        jax.jit(ps.describe)(cell)
    with pytest.raises(ValueError, match=r"along one axis, not numbers of shapes \[\(2, 3\)\]"):
        ps.describe(jax.tree.map(lambda leaf: jnp.full((2, 3), leaf), cell))
