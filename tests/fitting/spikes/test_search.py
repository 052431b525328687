"""Fits of a spiking cell that is known."""

import dataclasses

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import pytest

import fitting
import patch_sim as ps
from fitting.spikes.evolution import fresh
from tests.fitting.spikes.pulses import BOUNDS, CELL, LEFT_OUT, TRUTH, recording, squid

EVENTS = fitting.Events()
AROUND = 0.5 + 0.1 * np.eye(3)  # in the box, whose middle is the truth


def fit(rec, **settings):
    near = ps.with_parameters(CELL, {"channels.Na.g_max": 90.0, "channels.K.g_max": 50.0})
    defaults = {"free": list(BOUNDS), "bounds": BOUNDS, "loss": EVENTS, "evaluations": 1300, "progress": False}
    return fitting.fit(near, rec, **(defaults | settings))


@pytest.fixture(scope="module")
def family():
    return squid()


@pytest.fixture(scope="module")
def result(family):
    return fit(family)


def test_known_conductances_are_recovered(result):
    for estimate in result.estimates:
        assert estimate.value == pytest.approx(TRUTH[estimate.name], rel=0.05)
        assert estimate.unit == "mS/cm2"
        assert not estimate.at_bound
    assert result.loss < 0.5
    assert result.starts[0].loss == result.loss
    assert not any("interrupted" in warning for warning in result.warnings)


def test_sweeps_that_were_left_out_are_predicted(result):
    scores = result.spikes(squid(LEFT_OUT))
    np.testing.assert_array_equal(scores.predicted_counts, scores.observed_counts)
    assert scores.observed_counts.max() >= 2
    assert np.nanmax(np.abs(scores.latency_error)) < 0.2
    assert np.nanmax(np.abs(scores.peak_error)) < 2.0
    silent = scores.observed_counts == 0
    assert np.all(scores.subthreshold_rms[silent] < 0.3)
    assert "predicted" in str(scores)


def test_saved_and_taken_up_again(result, family, tmp_path):
    result.save(tmp_path / "fit.json")
    back = fitting.load(tmp_path / "fit.json")
    assert back.events == EVENTS
    assert back.starts == result.starts
    later = fit(family, resume=back, evaluations=300)
    assert later.loss <= 1.01 * result.loss
    with pytest.raises(ValueError, match="resume is a fit of other free parameters"):
        fit(family, resume=back, free=["channels.K.g_max"], bounds={})


def test_who_watches_sees_spikes_and_may_end_the_fit(family, monkeypatch):
    monkeypatch.setattr("fitting.outcome._INTERVAL", 0.0)
    seen = []

    def watch(result):
        seen.append(result)
        return len(seen) < 2

    result = fit(family, watch=watch)
    assert len(seen) == 2
    assert seen[1].loss <= seen[0].loss
    assert seen[1].events == EVENTS
    assert any("interrupted" in warning for warning in result.warnings)
    assert result.loss <= 1.1 * seen[1].loss  # simulated again, with more care


def test_the_best_descend_once_more_by_careful_steps(family, monkeypatch):
    monkeypatch.setattr("fitting.spikes.search.evolve", lambda *args: (fresh(AROUND, np.zeros(len(AROUND))), False))
    ended = fit(family, evaluations=1)
    monkeypatch.setattr("fitting.spikes.search._STEPS", 0)
    begun = fit(family, evaluations=1)
    assert ended.loss < 0.3 * begun.loss
    assert not any("interrupted" in warning for warning in ended.warnings)


def test_who_is_in_a_hurry_gets_what_was_searched(family, monkeypatch):
    monkeypatch.setattr("fitting.spikes.search.evolve", lambda *args: (fresh(AROUND, np.arange(3.0)), False))

    def interrupted(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr("fitting.spikes.careful.Careful.costs", interrupted)
    result = fit(family, evaluations=1)
    assert [start.loss**2 * 4 for start in result.starts] == pytest.approx([0.0, 1.0, 2.0])
    assert any("interrupted" in warning for warning in result.warnings)


# What it refuses


@pytest.fixture
def nothing_compiles(monkeypatch):
    def run(*args, **kwargs):
        pytest.fail("got as far as the search")

    monkeypatch.setattr("fitting.spikes.population.Population.compile", run)


def in_volts():
    rec = recording()
    return eqx.tree_at(lambda r: r.measured_voltage, rec, 1e-3 * rec.measured_voltage)


def one_sample():
    fields = {"measured_voltage": jnp.zeros((1, 1)), "command": jnp.zeros((1, 1))}
    return ps.Recording(time=jnp.zeros(1), mode=ps.Mode.CURRENT_CLAMP, **fields)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: recording(((), (), ())), r"no spike in the recordings.*look at the units"),
        (in_volts, r"no spike in the recordings.*look at the units"),
        (one_sample, "not evenly spaced"),
    ],
    ids=["flat", "volts", "one sample"],
)
def test_recordings_without_anything_to_fit(nothing_compiles, make, message):
    with pytest.raises(ValueError, match=message):
        fit(make())


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"budget": -1.0}, "budget must be a positive number, not -1"),
        ({"evaluations": 0}, "evaluations must be a positive number, not 0"),
        ({"weights": 2.0, "initial": -65.0}, "weights, initial: not for a fit of events"),
        ({"loss": None}, "evaluations belong to a fit of events"),
        ({"loss": dataclasses.replace(EVENTS, window=(50.0, 80.0))}, "not within the 60 ms of a sweep"),
    ],
)
def test_impossible_settings(nothing_compiles, settings, message):
    with pytest.raises(ValueError, match=message):
        fit(recording(), **settings)
