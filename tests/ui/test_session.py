import threading
import time

import numpy as np
import pytest

import patch_sim as ps
from patch_sim.ui.cell import Cell
from patch_sim.ui.jobs import Jobs
from patch_sim.ui.protocol import Protocol
from patch_sim.ui.run import run
from patch_sim.ui.scope import extra, extras, poll
from patch_sim.ui.session import Session, Sessions
from patch_sim.ui.state import State

SHORT = State(
    Cell("squid_axon"),
    Protocol.parse({"kind": "steps", "numbers": {"sweeps": 3, "start": 1, "duration": 2, "length": 5}}),
)


def working(session: Session, state: State = SHORT):
    return run(session, session.begin(), state)


def test_run_fills_a_session_sweep_by_sweep():
    session = Session()
    ready = [session.bell()["ready"] for _ in working(session)]
    assert ready == [1, 2, 3]
    assert session.bell()["complete"]
    whole = ps.simulate(SHORT.cell.neuron(), SHORT.built())
    assert np.allclose(session.recording.voltage, whole.voltage)
    assert np.allclose(session.recording.currents["Na"], whole.currents["Na"])


def test_a_later_run_takes_the_turn():
    session = Session()
    early = working(session)
    next(early)
    late = working(session)
    assert list(early) == []
    assert len(list(late)) == 3
    assert len(session.traces.sweeps) == 3


def test_a_run_that_fails_names_sweep_and_current(monkeypatch):
    def give_up(*_, **__):
        raise ps.SolverError("sweep 0: the solver gave up")

    session = Session()
    failing = working(session)
    next(failing)
    monkeypatch.setattr("patch_sim.ui.run.simulate", give_up)
    with pytest.raises(ps.SolverError, match=r"Sweep 2: the solver gave up; 75 pA may be too strong"):
        next(failing)


def test_a_run_stops_when_its_page_closes():
    sessions = Sessions()
    session = sessions.of("page")
    session.kept["fit"] = closed = Closes()
    job = working(session)
    next(job)
    sessions.free("page")
    assert list(job) == []
    assert closed.times == 1
    assert len(sessions) == 0
    sessions.free("page")


class Closes:
    times = 0

    def close(self):
        self.times += 1


def test_polling_brings_what_is_lacking():
    session = Session()
    assert poll(session, 0, 0)["batch"] is None
    job = working(session)
    next(job)
    first = poll(session, 0, 0)
    assert len(first["batch"]["sweeps"]) == 1
    list(job)
    rest = poll(session, first["bell"]["revision"], 1)
    assert len(rest["batch"]["sweeps"]) == 2
    assert poll(session, rest["bell"]["revision"], 3)["batch"] is None
    assert len(poll(session, -1, 3)["batch"]["sweeps"]) == 3


def test_further_traces_come_by_name():
    session = Session()
    assert extras(session) == []
    list(working(session))
    names = {one["name"]: one["unit"] for one in extras(session)}
    assert names["I Na"] == "pA"
    assert "Na.m" in names
    assert len(extra(session, "I Na", 0)) == 3
    with pytest.raises(ValueError, match="Kv9"):
        extra(session, "Kv9", 0)


def test_sessions_are_found_by_token_only():
    sessions = Sessions()
    one, two = sessions.of("one"), sessions.of("two")
    assert sessions.of("one") is one
    assert sessions.find(one.token) is one
    assert sessions.find("one") is None
    sessions.free("one")
    assert sessions.find(one.token) is None
    assert sessions.find(two.token) is two


def test_forgotten_sessions_are_freed():
    sessions = Sessions()
    old = sessions.of("old")
    old.used -= 25 * 3600.0
    sessions.of("new")
    assert sessions.find(old.token) is None
    assert len(sessions) == 1


def wait_for(condition):
    end = time.monotonic() + 10.0
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


def test_pages_have_their_turns():
    order, gate = [], threading.Event()

    def job(name, steps):
        def work(session, turn):
            for _ in range(steps):
                gate.wait()
                order.append(name)
                yield

        return work

    jobs, pages = Jobs(threads=1), [Session() for _ in range(8)]
    jobs.start(pages[0], job("greedy", 100))
    for k, page in enumerate(pages[1:]):
        jobs.start(page, job(k, 2))
    gate.set()
    wait_for(lambda: not any(page.busy for page in pages))
    assert max(i for i, name in enumerate(order) if name != "greedy") < 20
    assert len(order) == 114


def test_a_job_that_fails_says_so_and_the_thread_goes_on():
    def fail(session, turn):
        yield
        raise ValueError("no such current")

    def blunder(session, turn):
        raise KeyError("oops")
        yield

    jobs, session = Jobs(threads=1), Session()
    for job, message in ((fail, "no such current"), (blunder, "should not have: KeyError('oops')")):
        jobs.start(session, job)
        wait_for(lambda: not session.busy)
        assert message in session.error
    jobs.start(session, lambda session, turn: iter([None]))
    wait_for(lambda: not session.busy)
    assert session.error is None
