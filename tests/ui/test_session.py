import pytest

import patch_sim as ps
from patch_sim.ui.run import run
from patch_sim.ui.session import Session, Sessions
from patch_sim.ui.steps import Steps

SHORT = Steps(sweeps=3, start=1.0, duration=2.0, length=5.0)


def test_run_fills_a_session_sweep_by_sweep():
    session = Session()
    ready = [session.doorbell()["ready"] for _ in run(session, "squid_axon", SHORT)]
    assert ready == [0, 1, 2, 3]
    assert not session.busy
    assert session.traces.total == 3


def test_a_later_run_takes_the_turn():
    session = Session()
    early = run(session, "squid_axon", SHORT)
    next(early), next(early)
    late = run(session, "squid_axon", SHORT)
    next(late)
    assert list(early) == []
    assert session.busy
    assert len(list(late)) == 3
    assert len(session.traces.sweeps) == 3


def test_a_run_that_fails_names_sweep_and_current(monkeypatch):
    def give_up(*_, **__):
        raise ps.SolverError("sweep 0: the solver gave up")

    session = Session()
    working = run(session, "squid_axon", SHORT)
    next(working), next(working)
    monkeypatch.setattr("patch_sim.ui.run.simulate", give_up)
    with pytest.raises(ps.SolverError, match=r"Sweep 2: the solver gave up; 75 pA may be too strong"):
        next(working)
    assert not session.busy


def test_a_run_stops_when_its_page_closes():
    sessions = Sessions()
    working = run(sessions.of("page"), "squid_axon", SHORT)
    next(working)
    sessions.free("page")
    assert list(working) == []
    assert len(sessions) == 0
    sessions.free("page")


def test_sessions_are_found_by_token_only():
    sessions = Sessions()
    one, two = sessions.of("one"), sessions.of("two")
    assert sessions.of("one") is one
    assert sessions.find(one.token) is one
    assert sessions.find("one") is None
    sessions.free("one")
    assert sessions.find(one.token) is None
    assert sessions.find(two.token) is two


def test_no_two_sessions_share_a_revision_or_a_ring():
    one, two = Session(), Session()
    list(run(one, "squid_axon", SHORT))
    list(run(two, "squid_axon", SHORT))
    assert one.revision != two.revision
    assert one.doorbell()["ring"] != one.doorbell()["ring"]


def test_forgotten_sessions_are_freed():
    sessions = Sessions()
    old = sessions.of("old")
    old.used -= 25 * 3600.0
    sessions.of("new")
    assert sessions.find(old.token) is None
    assert len(sessions) == 1
