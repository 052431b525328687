"""The published cells do what they are published for."""

import json

import jax.numpy as jnp
import numpy as np
import pytest

import patch_sim as ps
from tests import cells

REFERENCE = {
    "squid_axon": "hh_squid",
    "regular_spiking": "rs_pospischil",
    "thalamic_relay": "tc_lts",
    "layer5_pyramidal": "l5_hay_soma",
}
SOLVER = ps.Adaptive(1e-4, 1e-4)


def spike_times(name: str, amplitude: float, start: float, duration: float, length: float) -> np.ndarray:
    step = ps.CurrentClamp(ps.Step(amplitude, start, duration), duration=length, dt=0.1)
    v = np.asarray(ps.simulate(ps.presets.neuron(name), step, save=("voltage",), solver=SOLVER).voltage[0])
    return 0.1 * np.flatnonzero((v[:-1] < 0.0) & (v[1:] >= 0.0))


@pytest.mark.parametrize("name", ps.presets.neurons())
def test_it_rests_where_a_neuron_does(name):
    cell = ps.presets.neuron(name)
    rest = cell.resting_state(jnp.asarray(0.0))
    assert -85.0 < rest.voltage < -60.0


@pytest.mark.parametrize("name", ps.presets.neurons())
def test_it_is_the_cell_of_the_reference(shared, name):
    data = json.loads((shared / "reference/cclamp.json").read_text())["cells"][REFERENCE[name]]
    cell, reference = ps.presets.neuron(name), cells.neuron(data, data["celsius"])
    v = jnp.linspace(-90.0, 40.0, 14)
    ours, theirs = (neuron.derivative(neuron.steady_state(v), jnp.full_like(v, 10.0)) for neuron in (cell, reference))
    np.testing.assert_allclose(ours.voltage, theirs.voltage, rtol=1e-10)


def test_unknown_cell():
    with pytest.raises(KeyError, match="squid_axon, regular_spiking"):
        ps.presets.neuron("axon")


def test_regular_spiking_adapts():
    assert spike_times("regular_spiking", 300.0, 50.0, 400.0, 500.0).size == 0
    spikes = spike_times("regular_spiking", 750.0, 50.0, 400.0, 500.0)
    intervals = np.diff(spikes)
    assert 4 <= spikes.size <= 8
    assert intervals[-1] > 1.5 * intervals[0]


def test_relay_cell_bursts_on_rebound():
    assert np.all(spike_times("thalamic_relay", 300.0, 100.0, 200.0, 500.0) < 300.0)
    burst = spike_times("thalamic_relay", -400.0, 100.0, 200.0, 500.0)
    assert burst.size >= 3
    assert np.all(burst > 300.0)
    assert np.diff(burst).min() < 10.0
