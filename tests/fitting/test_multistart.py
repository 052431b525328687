"""Drawing, screening and polishing of many starts, on a known function."""

import threading

import numpy as np
import pytest

import patch_sim as ps
from fitting import multistart
from fitting.objective import Objective
from fitting.parameters import space
from fitting.search import Point
from fitting.setup import Setup
from patch_sim import Progress

NAMES = ["channels.Na.g_max", "channels.K.g_max", "channels.Leak.g_max"]
BOX = space(Setup((ps.presets.neuron("squid_axon"),)), NAMES)
QUIET = Progress(False)


class Bowl(Objective):
    """The distance to (0.2, 0.5, 0.8), and how often it was asked."""

    def __init__(self):
        object.__setattr__(self, "space", BOX)
        object.__setattr__(self, "widths", [])

    weight = 4.0

    def cost(self, u):
        return float(np.sum((u - np.array([0.2, 0.5, 0.8])) ** 2))

    def costs(self, us):
        self.widths.append(len(us))
        return np.array([self.cost(u) for u in us])


@pytest.mark.parametrize(("starts", "screen"), [(3, 40), (2, 75), (5, 1), (4, 13)])
def test_each_start_is_the_best_of_its_own_points(starts, screen):
    bowl, drawn = Bowl(), multistart.draw(BOX, starts * screen, 7)
    found = multistart.screened(bowl, drawn, starts, QUIET)
    points = drawn.reshape(starts, screen, 3)
    costs = np.array([[bowl.cost(u) for u in row] for row in points])
    np.testing.assert_array_equal(found, points[np.arange(starts), costs.argmin(axis=1)])
    assert len(set(bowl.widths)) == 1  # one shape, one compilation


def test_the_seed_decides():
    first, again, other = (multistart.draw(BOX, 60, seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.any(first == other)


def test_screening_says_how_far_it_is(monkeypatch):
    lines = []
    monkeypatch.setattr("patch_sim.progress._QUIET", 0.0)
    monkeypatch.setattr("patch_sim.progress._INTERVAL", 0.0)
    multistart.screened(Bowl(), multistart.draw(BOX, 200, 0), 4, Progress(lines.append))
    assert lines[-1] == "screened 200 of 200 points"


def step_to(cost):
    def search(objective, u, report):
        report(Point(u, cost(u), 1, True))
        return Point(u, cost(u), 1, True)

    return search


def test_polished_in_the_order_of_the_starts():
    starts = np.arange(15.0).reshape(5, 3)
    points, interrupted = multistart.polish(Bowl(), starts, step_to(lambda u: float(u[0])), QUIET)
    assert not interrupted
    assert [point.cost for point in points] == starts[:, 0].tolist()


def test_progress_tells_the_best_loss(monkeypatch):
    lines = []
    monkeypatch.setattr("patch_sim.progress._QUIET", 0.0)
    monkeypatch.setattr("patch_sim.progress._INTERVAL", 0.0)
    multistart.polish(Bowl(), np.ones((1, 3)), step_to(lambda u: 16.0), Progress(lines.append))
    assert lines == ["start 1 of 1, step 1: best loss so far 2"]  # the root of 16 over the weight 4


def test_an_interrupt_keeps_what_was_found(monkeypatch):
    begun = threading.Event()

    def interrupt(*args, **kwargs):
        assert begun.wait(10.0)
        raise KeyboardInterrupt

    def search(objective, u, report):
        point = Point(u, float(u[0]) + 1.0, 0, False)
        while report(point):  # until told to stop
            point = point._replace(steps=point.steps + 1)
            begun.set()
        return point

    monkeypatch.setattr(multistart, "wait", interrupt)
    points, interrupted = multistart.polish(Bowl(), np.zeros((1, 3)), search, QUIET)
    assert interrupted
    assert points[0].cost == 1.0


def test_an_error_in_a_search_is_not_lost():
    def search(objective, u, report):
        raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken"):
        multistart.polish(Bowl(), np.zeros((2, 3)), search, QUIET)
