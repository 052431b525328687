"""Cells put together: sums of channels, and a neuron with more, fewer, renamed and disabled ones."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import patch_sim as ps
from patch_sim import channels as c
from patch_sim.simulate import _run

FAMILIES = {"Na", "NaP", "NaR", "K", "KA", "M", "Kir", "KCa", "Ih", "CaL", "CaT", "CaN", "CaP", "Leak"}
REST = jnp.asarray(-60.0)


def cell(**changes) -> ps.Neuron:
    return ps.Neuron(c.Na() + c.K() + c.Leak(), **({"area": 1000.0, "temperature": 6.3} | changes))


def test_channels_add_up_to_a_cell():
    added = c.NaTraubMiles(50.0) + c.KTraubMiles(5.0) + c.Leak(0.1, -70.0)
    named = {"Na": c.NaTraubMiles(50.0), "K": c.KTraubMiles(5.0), "Leak": c.Leak(0.1, -70.0)}
    assert list(added) == list(named)
    one, other = (ps.Neuron(channels, area=1000.0, temperature=36.0) for channels in (added, named))
    assert jax.tree.structure(one) == jax.tree.structure(other)
    assert all(map(np.array_equal, jax.tree.leaves(one), jax.tree.leaves(other)))


def test_every_sum_of_three_is_the_same():
    first, second, third = c.Na(), {"Kv3": c.KFastHay()}, c.Leak()
    expected = ["Na", "Kv3", "Leak"]
    assert list(first + second + third) == list(first + (third.__radd__(second))) == expected
    assert list(second + first) == ["Kv3", "Na"]
    assert list(sum([c.Na(), c.K()], start={})) == ["Na", "K"]


@pytest.mark.parametrize("name", c.CATALOG)
def test_a_channel_is_named_by_its_family(name):
    (family,) = c.CATALOG[name]() + {}
    assert family in FAMILIES
    assert name.startswith(family)


def test_a_channel_of_your_own_is_named_by_its_class():
    class KD(c.AbstractOhmicChannel):
        g_max: ps.Number = ps.parameter("mS/cm2", default=1.0)
        reversal: ps.Number | None = ps.parameter("mV", default=-90.0)
        gates: dict = None
        ion: str | None = "K"
        source = "a test"

    assert list(c.Na() + KD(gates={})) == ["Na", "KD"]


def test_two_of_one_name():
    with pytest.raises(ValueError, match=r"two channels are named 'KCa' \(KCa and KCaBK\): add one as {'other_name'"):
        c.KCa() + c.Na() + c.KCaBK()
    with pytest.raises(ValueError, match=r"two channels are named 'Na' \(NaHay and Na\)"):
        {"Na": c.NaHay()} + c.Na()
    with pytest.raises(ValueError, match="two channels are named 'b'"):
        c.Na() + {"b": c.K()} + {"b": c.K()}
    assert list(c.KCa() + {"BK": c.KCaBK()}) == ["KCa", "BK"]


@pytest.mark.parametrize("other", [1, "K", None, [c.K()]])
def test_only_channels_add_to_channels(other):
    for add in (lambda: c.Na() + other, lambda: other + c.Na(), lambda: c.Na() + c.K() + other):
        with pytest.raises(TypeError):
            add()


def test_adding_and_replacing():
    more = cell().with_channels(KCa=c.KCa(2.0), Na=c.NaHay())
    assert set(more.channels) == {"Na", "K", "Leak", "KCa"}
    assert isinstance(more.channels["Na"], c.NaHay)
    assert float(more.channels["KCa"].g_max) == 2.0
    assert set(cell().channels) == {"Na", "K", "Leak"}
    # what is taken from a cell at one temperature follows that of the other
    warm = cell(temperature=36.0).with_channels(K2=cell().channels["K"])
    k, k2 = (warm.channels[name].gates["n"].time_constant(REST) for name in ("K", "K2"))
    assert float(k) == float(k2)


def test_removing():
    assert set(cell().without("Na", "K").channels) == {"Leak"}
    assert cell().without("Na", "K", "Leak").channels == {}
    assert set(cell().without("Na", "K", "Leak").with_channels(K=c.K()).channels) == {"K"}
    passive = cell().without("Na", "K")
    assert float(passive.resting_state(jnp.asarray(0.0)).voltage) == pytest.approx(-54.3)


def test_renaming():
    renamed = cell().renamed(Na="NaT", K="Na")
    assert {name: type(channel) for name, channel in renamed.channels.items()} == {
        "NaT": c.Na,
        "Na": c.K,
        "Leak": c.Leak,
    }
    before, after = (neuron.currents(neuron.steady_state(REST)) for neuron in (cell(), renamed))
    assert float(after["NaT"]) == float(before["Na"])
    assert "channels.NaT.gates.m.shift" in ps.parameters(renamed)


def test_disabling_lets_no_current_through_and_compiles_nothing():
    whole = cell().with_channels(CaT=c.CaT(), N=c.CaNMigliore(), R=c.NaR())
    names = ("Na", "CaT", "N", "R")
    disabled = whole.disabled(*names)
    currents = disabled.currents(disabled.steady_state(REST))
    assert all(float(currents[name]) == 0.0 for name in names)
    assert float(currents["K"]) == float(whole.currents(whole.steady_state(REST))["K"]) != 0.0
    clamp = ps.VoltageClamp(ps.Step(40.0, 1.0, 1.0), holding=-70.0, duration=3.0, dt=0.5)
    ps.simulate(cell(), clamp)
    compiled = _run._cache_size()
    ps.simulate(cell().disabled("Na"), clamp)
    assert _run._cache_size() == compiled


def test_a_disabled_channel_can_be_differentiated_back():
    def sodium(neuron: ps.Neuron) -> jax.Array:
        return neuron.currents(neuron.steady_state(REST))["Na"]

    slope = jax.grad(lambda neuron: sodium(neuron))(cell().disabled("Na")).channels["Na"].g_max
    assert float(slope) == pytest.approx(float(sodium(cell())) / 120.0)


def test_composing_works_where_numbers_are_traced():
    def total(g: jax.Array) -> jax.Array:
        neuron = cell().with_channels(K2=c.K(g_max=g)).renamed(Na="NaT").without("Leak").disabled("K")
        return neuron.currents(neuron.steady_state(REST))["K2"]

    densities = jnp.array([1.0, 36.0])
    expected = [float(cell().currents(cell().steady_state(REST))["K"]) * scale for scale in (1.0 / 36.0, 1.0)]
    np.testing.assert_allclose(jax.jit(jax.vmap(total))(densities), expected, rtol=1e-12)


@pytest.mark.parametrize("change", ["without", "disabled"])
def test_unknown_names(change):
    with pytest.raises(KeyError, match="no channel 'NaT' in this neuron; there are: Na, K, Leak"):
        getattr(cell(), change)("K", "NaT")
    with pytest.raises(KeyError, match="no channel 'NaT' in this neuron"):
        cell().renamed(NaT="K")


def test_impossible_changes():
    with pytest.raises(ValueError, match="two channels would be named 'K'"):
        cell().renamed(Na="K")
    with pytest.raises(ValueError, match=r"a channel's name must be a plain word .*, not 'Na\.1'"):
        cell().renamed(Na="Na.1")
    with pytest.raises(ValueError, match="channel 'x' carries 'Xe'"):
        cell().with_channels(x=c.Channel({}, g_max=1.0, ion="Xe"))


def test_a_channel_without_a_conductance_cannot_be_disabled():
    class Pump(c.AbstractChannel):
        gates: dict = None
        ion: str | None = None
        source = "a test"
        needs = ()

        def current(self, v, states, ions, temperature):
            return jnp.ones_like(v)

    with pytest.raises(ValueError, match="Pump has neither a g_max nor a p_max to be 0"):
        cell().with_channels(pump=Pump(gates={})).disabled("pump")


POOL = ps.CalciumPool()


@pytest.mark.parametrize(
    ("channels", "pool", "said"),
    [
        (c.Na() + c.K(), None, ()),
        (c.CaL() + c.K(), None, ()),
        (c.CaL() + c.KCa(), POOL, ()),
        (c.KCa() + c.K(), None, ("KCa reads calcium that stays at ions.Ca.inside: no channel carries calcium",)),
        (c.KCa() + c.K(), POOL, ("KCa reads calcium that stays at calcium.resting: no channel carries calcium",)),
        (
            c.CaT() + c.KCa() + {"BK": c.KCaBK()},
            None,
            ("KCa, BK read calcium that stays at ions.Ca.inside: there is no pool for CaT to fill",),
        ),
    ],
)
def test_what_is_legal_but_rarely_meant_is_said(channels, pool, said):
    neuron = ps.Neuron(channels, area=1000.0, temperature=34.0, calcium=pool)
    assert neuron.warnings == said
    under_jit = []
    jax.jit(lambda neuron: under_jit.append(neuron.warnings))(neuron)
    assert [set(warning.split(" read")[0].split(", ")) for warning in under_jit[0]] == [
        set(warning.split(" read")[0].split(", ")) for warning in said
    ]
