import json

import jax
import numpy as np
import pytest

import patch_sim as ps
from patch_sim.ui.cell import Cell, catalog, title

CHANGED = {
    "base": "squid_axon",
    "added": {"M": "M", "KCa": "KCa", "CaL": "CaL"},
    "off": ["K"],
    "pool": True,
    "numbers": {"channels.Na.g_max": 100.0, "temperature": 10.0},
}


def same(one: ps.Neuron, other: ps.Neuron) -> bool:
    return jax.tree.structure(one) == jax.tree.structure(other) and jax.tree.all(jax.tree.map(np.allclose, one, other))


def test_a_cell_is_a_preset_and_its_changes():
    neuron = Cell.parse(CHANGED).neuron()
    assert float(neuron.channels["Na"].g_max) == 100.0
    assert float(neuron.channels["K"].g_max) == 0.0
    assert float(neuron.temperature) == 10.0
    assert set(neuron.channels) == {"Na", "K", "Leak", "M", "KCa", "CaL"}
    assert neuron.calcium is not None
    assert same(Cell("squid_axon").neuron(), ps.presets.neuron("squid_axon"))


@pytest.mark.parametrize("data", [{"base": "dopaminergic"}, CHANGED])
def test_its_code_builds_it(data):
    cell = Cell.parse(data)
    names = {"ps": ps}
    exec(cell.code(), names)
    assert same(names["cell"], cell.neuron())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"base": "octopus"}, r"no cell 'octopus'; there are squid_axon, "),
        ({"base": ["squid_axon"]}, r"no cell \['squid_axon'\]"),
        ({"added": {"X": "os.system"}}, r"classes of the catalog"),
        ({"added": {"not a name": "M"}}, r"plain word"),
        ({"off": ["Kv9"]}, r"no channel 'Kv9' in this neuron"),
        ({"off": "K"}, r"list of names"),
        ({"numbers": {"channels.Na.gmax": 1.0}}, r"nearest: channels.Na.g_max"),
        ({"numbers": {"channels.Na.g_max": -1.0}}, r"channels.Na.g_max must be at least 0 mS/cm2"),
        ({"numbers": {"channels.Na.g_max": "much"}}, r"paths with numbers"),
        ({"numbers": {"temperature": float("nan")}}, r"paths with numbers"),
        ({"glia": True}, r"describes no cell"),
    ],
)
def test_what_is_no_cell_says_why(changes, message):
    with pytest.raises(ValueError, match=message):
        Cell.parse(CHANGED | changes).neuron()


@pytest.mark.parametrize("base", ps.presets.neurons())
def test_every_preset_has_a_view(base):
    view = json.loads(json.dumps(Cell(base).view(), allow_nan=False))
    cell = ps.presets.neuron(base)
    assert [row["name"] for row in view["channels"]] == list(cell.channels)
    for row in view["channels"]:
        assert row["source"]
        assert row["size"]["value"] == float(ps.parameters(cell)[row["size"]["path"]])
        assert row["size"]["unit"] in {"mS/cm2", "cm/s"}
        whole = (
            ps.units.whole_cell_permeability if row["wholeCell"]["unit"] == "um3/s" else ps.units.whole_cell_conductance
        )
        assert row["wholeCell"]["perArea"] * 1000.0 == pytest.approx(float(whole(1.0, 1000.0)))
    assert view["about"]
    assert title(base)[0].isupper()


def test_every_channel_of_the_catalog_can_be_added():
    for channel in catalog():
        view = Cell("squid_axon", {"more": channel["class"]}).view()
        assert view["channels"][-1]["added"]
        assert channel["about"]
        assert "$" not in channel["about"]
