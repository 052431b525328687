"""What the page may ask of a fit, without a browser."""

import json
import time

import jax.numpy as jnp
import numpy as np
import pytest

import fitting
import patch_sim as ps
from fitting.ui import panel
from fitting.ui.free import parse, rows
from fitting.ui.models import herg
from fitting.ui.task import Task
from fitting.ui.told import applied
from fitting.ui.work import Desk, Work
from patch_sim.ui.session import Session
from patch_sim.ui.state import State
from patch_sim.ui.traces import Traces

STATE = State.of("squid_axon")
CELL = STATE.cell.neuron()
NA, K = "channels.Na.g_max", "channels.K.g_max"


@pytest.fixture(scope="module")
def clamped():
    steps = ps.Step([20.0, 60.0, 90.0], 1.0, 4.0)
    return ps.simulate(CELL, ps.VoltageClamp(steps, holding=-70.0, duration=6.0, dt=0.05))


@pytest.fixture(scope="module")
def spiking():
    return ps.simulate(CELL, ps.CurrentClamp(ps.Step([0.0, 200.0], 2.0, 10.0), duration=20.0, dt=0.05))


def session(recording):
    page = Session()
    page.show(Traces.of(recording, "test"), recording)
    return page


def request(**changes):
    plain = {"model": "rig", "free": {NA: [None, None]}, "sweeps": "all", "loss": "traces"}
    return plain | {"numbers": {"starts": 2, "budget": 20.0}} | changes


def task(recording, state=STATE, **changes):
    return Task.parse(session(recording), state.view(), request(**changes))


# What can be chosen


def test_voltage_clamp_suggests_conductances_and_samples(clamped):
    told = panel.choices(session(clamped), STATE.view(), "rig")
    json.dumps(told, allow_nan=False)
    assert {row["path"] for row in told["rows"] if row["free"]} == {NA, K, "channels.Leak.g_max"}
    assert told["loss"] == "traces"
    assert [name for name, _, _ in told["losses"]] == ["traces"]
    assert {one["name"]: one["usable"] for one in told["models"]} == {"rig": True, "stranger": False, "herg": True}
    assert panel.choices(session(clamped), STATE.view(), "")["model"] == "rig"
    assert ("Holding", "\u221270.0 mV") in told["read"]["facts"]


def test_spikes_suggest_events_within_the_step(spiking):
    told = panel.choices(session(spiking), STATE.view(), "stranger")
    assert told["model"] == "stranger"
    assert len(told["rows"]) == 41
    assert told["loss"] == "events"
    numbers = {field["name"]: field["default"] for field in told["fields"]}
    assert (numbers["from"], numbers["to"], numbers["budget"]) == (2.0, 12.0, 90.0)
    assert dict(told["read"]["facts"])["Spikes"] == "0, 1"


def test_current_clamp_frees_leak_and_capacitance(spiking):
    free = {row.path for row in rows(fitting.Model(CELL, {}, {}), spiking) if row.free}
    assert {"capacitance", "channels.Leak.reversal"} < free


def test_a_channel_that_is_off_cannot_be_free(clamped):
    paths = {row.path for row in rows(fitting.Model(CELL.disabled("K"), {}, {}), clamped)}
    assert NA in paths
    assert not any(path.startswith("channels.K.") for path in paths)


def test_nothing_is_shown_yet():
    assert "run the protocol" in panel.choices(Session(), STATE.view(), "rig")["reason"]
    with pytest.raises(ValueError, match="There is no fit yet"):
        panel.result(Session())


def test_herg_is_the_model_of_the_example(clamped):
    model = herg()
    cell = model.neuron
    v = jnp.array([-120.0, -40.0, 30.0])
    gate = cell.channels["hERG"].gates["a"]
    opening = 1e-3 * jnp.exp(0.05 * v)
    np.testing.assert_allclose(gate.time_constant(v), 1.0 / (opening + 1e-3 * jnp.exp(-0.05 * v)), rtol=1e-12)
    assert len(rows(model, clamped)) == 9


# What is wrong with a request


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"free": {}}, "Nothing is free"),
        ({"free": {"channels.Na.p_max": [None, None]}}, "cannot be free"),
        ({"free": {NA: [5.0, 1.0]}}, "Na g_max: the lower bound, 5 mS/cm2, must be below the upper, 1"),
        ({"free": {NA: ["much", None]}}, "Na g_max: 'much' is not a bound in mS/cm2"),
        ({"free": {NA: [-1.0, None]}}, "must not go below 0"),
        ({"free": {NA: [1.0]}}, "bounds are two numbers"),
        ({"model": "stranger"}, "for a current clamp, and this is a voltage clamp"),
        ({"model": "nobody"}, "no model"),
        ({"loss": "events"}, "Spikes are those of a current clamp"),
        ({"loss": "luck"}, "no such loss"),
        ({"numbers": {"budget": 1e6}}, "Time: 1e\\+06 s is too much; it must be at most 600 s"),
        ({"numbers": {"starts": "many"}}, "Starts: 'many' is not a number"),
    ],
)
def test_bad_requests_are_refused_before_anything_runs(clamped, changes, message):
    with pytest.raises(ValueError, match=message):
        task(clamped, **changes)


def test_bad_windows_and_sweeps(spiking):
    with pytest.raises(ValueError, match="must end later"):
        task(spiking, loss="events", numbers={"from": 5.0, "to": 5.0})
    with pytest.raises(ValueError, match="not within the 20 ms"):
        task(spiking, loss="events", numbers={"from": 5.0, "to": 50.0})
    with pytest.raises(ValueError, match="only one sweep"):
        task(spiking.select([0]), sweeps="even")


def test_too_many_samples_name_the_limit(clamped, monkeypatch):
    monkeypatch.setattr("fitting.ui.task.MOST_SAMPLES", 300)
    with pytest.raises(ValueError, match="360 samples are more than the 300"):
        task(clamped)
    assert task(clamped, sweeps="odd").held_out.tolist() == [1]


def test_defaults_hold_where_no_bound_is_given(clamped):
    available = rows(fitting.Model(CELL, {}, {}), clamped)
    assert parse(available, {NA: [None, 500.0]}) == {NA: (pytest.approx(1.2), 500.0)}


def test_a_file_is_seen_through_the_rigs_electrode(clamped):
    state = State(STATE.cell, STATE.protocol, {"series_resistance": 7.0})
    asked = task(clamped, state, numbers={"leave_out": 0.5})
    assert float(asked.recording.electrode.series_resistance) == 7.0
    assert not asked.recording.scored.all()
    own = clamped.with_electrode(ps.Electrode(series_resistance=3.0))
    assert float(task(own, state).recording.electrode.series_resistance) == 3.0


# Fits


def finished(work, seconds=120.0):
    end = time.monotonic() + seconds
    while work.busy:
        assert time.monotonic() < end
        time.sleep(0.02)
    return work


def test_a_fit_finds_the_cell_and_goes_into_the_rig(clamped):
    desk = Desk(1)
    moved = State.parse(STATE.view() | {"cell": {"base": "squid_axon", "numbers": {NA: 60.0, K: 90.0}}})
    work = Work(task(clamped, moved, free={NA: [10.0, 1000.0], K: [1.0, 300.0]}, sweeps="odd"))
    desk.add(work, work.fit)
    result, predicted = finished(work).done
    assert work.error is None
    view, unknown = applied(work.task, result.estimates, moved)
    assert view["cell"]["numbers"] == pytest.approx({NA: 120.0, K: 36.0}, rel=1e-4)
    assert unknown == []
    assert predicted.error(clamped, work.task.held_out) < 0.1
    json.dumps(panel.told.found(work.task, result, predicted), allow_nan=False)
    assert work.trace(0)[1] is predicted
    assert work.trace(work.improved) is None
    desk.add(work, work.check)
    assert finished(work).best.certificate.passed


def test_a_fit_that_stands_in_line_can_be_stopped(clamped):
    desk = Desk(0)
    first, second = Work(task(clamped)), Work(task(clamped))
    desk.add(first, first.fit)
    desk.add(second, second.fit)
    assert (desk.ahead(first), desk.ahead(second)) == (0, 1)
    second.close()
    second.at(second.fit)
    assert second.error == "Stopped before there was a model to keep."
    with pytest.raises(ValueError, match="no fit yet"):
        second.done  # noqa: B018


def test_what_fails_is_told_in_words(clamped):
    flat = task(clamped)
    work = Work(flat)
    work.at(lambda: fitting.fit(CELL, clamped, free=["channels.Nope.g_max"]))
    assert "no parameter matches" in work.error
    work.at(lambda: 1 / 0)
    assert "it should not have" in work.error


def test_what_the_rig_has_no_number_for_is_told(clamped):
    asked = task(clamped)
    made = fitting.Estimate("electrode.seal_resistance", 500.0, 1.0, "MOhm", 10.0, 1e5, False)
    offset = fitting.Estimate("electrode.offset", 2.0, 1.0, "mV", -10.0, 10.0, False)
    view, unknown = applied(asked, (made, offset), STATE)
    assert view["electrode"] == {"seal": 2.0}
    assert unknown == ["Voltage offset"]


def test_a_file_with_spikes_suggests_a_stranger(shared):
    recording = ps.read(shared / "recordings" / "cc_pyr_171116sh_0018.abf").select([0, 12])
    told = panel.choices(session(recording), STATE.view(), "")
    assert (told["model"], told["loss"]) == ("stranger", "events")
    assert panel.choices(session(recording), STATE.view(), "rig")["model"] == "rig"
