"""Recordings that are simulated side by side, and one after the other."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fitting
import patch_sim as ps
from fitting.parameters import space
from fitting.setup import setup
from fitting.spikes.lanes import joined
from fitting.spikes.population import SOLVER, _costs
from tests.fitting.spikes.pulses import CELL, squid

OFFSETS = "recordings.*.electrode.current_offset"
MOST = 8.0


@pytest.fixture(scope="module")
def recordings() -> list[ps.Recording]:
    return [squid(), squid([15.0, 40.0, 200.0], **{"channels.K.g_max": 45.0}), squid([60.0, 150.0])]


def side_by_side(recordings, cells, free, u) -> float:
    """The sum of squares of all sweeps, simulated by one program."""
    prepared, box, terms = parts(recordings, cells, free)
    lanes = joined(terms, prepared)
    assert [group.recordings for group in lanes] == [(0, 1, 2)]
    return float(_costs(box, prepared, lanes, jnp.asarray(u)[None], jnp.asarray(MOST))[0])


def one_by_one(recordings, cells, free, u) -> float:
    """The same, recording by recording."""
    prepared, box, terms = parts(recordings, cells, free)
    rigs = box.apply(prepared, jnp.asarray(u)).rigs
    alone = [residual(term, *rig) for term, rig in zip(terms, rigs, strict=True)]
    return float(sum(np.sum(np.asarray(r) ** 2) for r in alone))


def parts(recordings, cells, free):
    prepared = setup(CELL, recordings, cells)
    box = space(prepared, free)
    return prepared.freed(box.paths), box, [fitting.Events().bind(rec) for rec in recordings]


@jax.jit
def residual(term, neuron, electrode):
    return term.residual(neuron, electrode, SOLVER, MOST)


@pytest.mark.slow
def test_they_cost_the_same_with_an_offset_of_their_own(recordings):
    free = ["channels.Na.g_max", OFFSETS]
    together = side_by_side(recordings, None, free, [0.45, 0.4, 0.5, 0.7])
    assert together == pytest.approx(one_by_one(recordings, None, free, [0.45, 0.4, 0.5, 0.7]), rel=1e-6)
    shifted = side_by_side(recordings, None, free, [0.45, 0.7, 0.5, 0.4])
    assert abs(shifted - together) > 1e-3 * together


def test_they_cost_the_same_when_of_two_cells(recordings):
    point = [0, 1, 0], ["cells.*.channels.K.g_max"], [0.5, 0.55]
    assert side_by_side(recordings, *point) == pytest.approx(one_by_one(recordings, *point), rel=1e-6)


def test_what_was_recorded_comes_first(recordings):
    terms = [fitting.Events().bind(rec) for rec in recordings]
    (group,) = joined(terms, setup(CELL, recordings))
    assert group.term.recorded == sum(term.recorded for term in terms) == 9
    assert group.term.sweeps == sum(term.sweeps for term in terms)
    np.testing.assert_array_equal(group.owners[:9], [0, 0, 0, 0, 1, 1, 1, 2, 2])
    np.testing.assert_array_equal(group.term.targets.latitude[:9], 0.0)
    assert np.all(np.asarray(group.term.targets.latitude[9:]) > 0.0)


@pytest.mark.slow
def test_other_protocols_and_electrodes_stay_apart(recordings):
    first = recordings[0]
    longer = ps.simulate(CELL, ps.CurrentClamp(ps.Step(100.0, start=8.0, duration=30.0), duration=50.0, dt=0.05))
    glass = eqx.tree_at(
        lambda rec: rec._electrode, first, ps.Electrode(series_resistance=5.0), is_leaf=lambda x: x is None
    )
    several = [first, longer, glass, first]
    terms = [fitting.Events().bind(rec) for rec in several]
    assert [group.recordings for group in joined(terms, setup(CELL, several))] == [(0, 3), (1,), (2,)]
