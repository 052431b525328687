"""A model for a neuron about which nothing is known."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fitting
import patch_sim as ps
from fitting.parameters import space
from fitting.setup import setup
from tests.fitting.spikes.pulses import recording

MODEL = fitting.stranger()


@pytest.fixture(scope="module")
def prepared():
    return setup(MODEL.neuron, (recording(),))


@pytest.fixture(scope="module")
def box(prepared):
    return space(prepared, list(MODEL.bounds), MODEL.bounds, MODEL.ties)


def test_every_bound_is_a_legal_range_that_holds_the_neuron_as_it_is(box):
    assert set(box.names) == set(MODEL.bounds)
    for name, low, high in zip(box.names, box.low, box.high, strict=True):
        assert (float(low), float(high)) == MODEL.bounds[name]
    parameters = ps.parameters(MODEL.neuron)
    for name, paths in zip(box.names, box.targets, strict=True):
        low, high = MODEL.bounds[name]
        assert name.startswith("electrode.") or all(low <= float(parameters[path]) <= high for path in paths), name


def test_it_is_made_in_the_precision_that_jax_has_then():
    with jax.enable_x64(False):
        assert {x.dtype for x in ps.parameters(fitting.stranger().neuron).values()} == {jnp.dtype("float32")}


def test_what_is_tied_moves_together(prepared, box):
    freed = prepared.freed(box.paths)
    for corner in (0.0, 1.0):
        point = box.apply(freed, jnp.full(len(box.names), corner))
        found = ps.parameters(point.neurons[0])
        for name, paths in MODEL.ties.items():
            np.testing.assert_allclose([float(found[path]) for path in paths], MODEL.bounds[name][int(corner)])


def test_reversals_are_all_free():
    reversals = {path for path in ps.parameters(MODEL.neuron) if path.endswith("reversal")}
    tied = {path for paths in MODEL.ties.values() for path in paths}
    assert reversals - tied == {"channels.Ih.reversal"}


def test_as_it_is_it_can_be_simulated():
    protocol = ps.CurrentClamp(ps.Step([0.0, 300.0], 5.0, 20.0), duration=30.0, dt=0.1)
    rec = ps.simulate(MODEL.neuron, protocol, initial=-70.0, solver=ps.Exponential(0.05))
    assert np.all(np.isfinite(rec.voltage))
    assert np.max(rec.voltage[1]) > np.max(rec.voltage[0]) + 5.0
    assert -95.0 < float(rec.voltage[0, -1]) < -50.0
