"""The published cells do what they are published for."""

import json

import jax.numpy as jnp
import numpy as np
import pytest

import patch_sim as ps
from patch_sim.stability import is_stable
from tests import cells

REFERENCE = {
    "squid_axon": "hh_squid",
    "regular_spiking": "rs_pospischil",
    "thalamic_relay": "tc_lts",
    "layer5_pyramidal": "l5_hay_soma",
}
SPONTANEOUS = ("purkinje", "dopaminergic", "subthalamic")


@pytest.mark.parametrize("name", ps.presets.neurons())
def test_it_rests_where_a_neuron_does_or_does_not_rest(name):
    cell, nothing = ps.presets.neuron(name), jnp.asarray(0.0)
    rest = cell.resting_state(nothing)
    if name in SPONTANEOUS:
        assert not is_stable(cell, rest, nothing)
    else:
        assert is_stable(cell, rest, nothing)
        assert -85.0 < rest.voltage < -60.0


@pytest.mark.parametrize("name", REFERENCE)
def test_it_is_the_cell_of_the_reference(shared, name):
    data = json.loads((shared / "reference/cclamp.json").read_text())["cells"][REFERENCE[name]]
    cell, reference = ps.presets.neuron(name), cells.neuron(data, data["celsius"])
    v = jnp.linspace(-90.0, 40.0, 14)
    ours, theirs = (neuron.derivative(neuron.steady_state(v), jnp.full_like(v, 10.0)) for neuron in (cell, reference))
    np.testing.assert_allclose(ours.voltage, theirs.voltage, rtol=1e-10)


def test_unknown_cell():
    with pytest.raises(KeyError, match="squid_axon, regular_spiking"):
        ps.presets.neuron("axon")
