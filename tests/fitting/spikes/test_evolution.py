"""The search on costs whose lowest point is known."""

import itertools

import numpy as np
import pytest

from fitting.spikes.evolution import LAST, Budget, descended, distinct, evolve, fresh
from fitting.spikes.population import Population

FREE = 3
BEST = np.array([0.3, 0.6, 0.9])


class Known(Population):
    """The sum of squares of two bent valleys and a line; points outside of the box are told."""

    def __init__(self):
        self.free, self.evaluations, self.calls, self.interrupt_at = FREE, 0, 0, None

    def residuals(self, us):
        assert np.all((us >= 0.0) & (us <= 1.0))
        x, y, z = (us - BEST).T
        return np.stack([5.0 * (y - 4.0 * x**2), x, 3.0 * (z + x * y)], axis=1)

    def costs(self, us, most):
        self.calls += 1
        if self.calls == self.interrupt_at:
            raise KeyboardInterrupt
        self.evaluations += len(us)
        return np.sum(self.residuals(us) ** 2, axis=1)

    def linearize(self, us, most):
        self.evaluations += len(us) * (1 + self.free)
        x, y, _ = (us - BEST).T
        one, none = np.ones(len(us)), np.zeros(len(us))
        rows = [[-40.0 * x, 5.0 * one, none], [one, none, none], [3.0 * y, 3.0 * x, 3.0 * one]]
        jacobian = np.stack([np.stack(row, axis=1) for row in rows], axis=1)
        r = self.residuals(us)
        return np.sum(r**2, axis=1), np.einsum("prf,pr->pf", jacobian, r), np.einsum("prf,prg->pfg", jacobian, jacobian)


def nothing(stage, u, cost):
    pass


def search(evaluations=3000, seed=0, begun=None, known=None, report=nothing):
    known = known or Known()
    found, interrupted = evolve(known, Budget(None, evaluations), seed, report, begun)
    return found, interrupted, known


def test_the_lowest_point_is_found():
    pool, interrupted, _ = search()
    np.testing.assert_allclose(pool.us[0], BEST, atol=1e-4)
    assert not interrupted
    assert np.all(np.diff(pool.costs) >= 0)


def test_the_seed_and_the_number_of_evaluations_decide():
    first, again, other = (search(1300, seed)[0] for seed in (0, 0, 1))
    np.testing.assert_array_equal(first.us, again.us)
    np.testing.assert_array_equal(first.costs, again.costs)
    assert other.us.shape != first.us.shape or np.any(other.us != first.us)


@pytest.mark.parametrize("evaluations", [1, 900, 1500, 3000])
def test_no_more_is_spent_than_one_round_beyond_the_budget(evaluations):
    *_, known = search(evaluations)
    most = max(24 * (1 + FREE) + 24 * 5, 64 + 12)  # in one step of the first descent, and in the screening of children
    assert min(evaluations, 1200) <= known.evaluations <= max(evaluations, 1200) + most


def test_what_is_told_of_each_stage():
    told = []
    pool, *_ = search(report=lambda stage, u, cost: told.append((stage, cost)))
    stages = [stage for stage, _ in told]
    assert stages[:3] == ["descent from 24 points", "descent from 12 points", "descent from 8 points"]
    assert stages[-1] == "recombination"
    assert all(b <= a for (_, a), (_, b) in itertools.pairwise(told))
    assert told[-1][1] == pool.costs[0]


@pytest.mark.parametrize("call", [3, 9, 15])
def test_ctrl_c_keeps_the_best_so_far(call):
    known = Known()
    known.interrupt_at = call
    pool, interrupted, _ = search(known=known)
    assert interrupted
    assert 1 <= len(pool) <= 12
    assert np.all(np.diff(pool.costs) >= 0)
    np.testing.assert_allclose(np.sum(known.residuals(pool.us) ** 2, axis=1), pool.costs)


@pytest.mark.parametrize("begun", [None, np.full((1, FREE), 0.5)])
def test_ctrl_c_before_there_is_a_point_is_ctrl_c(begun):
    known = Known()
    known.interrupt_at = 1
    with pytest.raises(KeyboardInterrupt):
        search(known=known, begun=begun)


def test_searches_of_their_own_begin_anew_and_the_best_of_each_go_on():
    class Floored(Known):
        """At its bottom a search stalls."""

        def __init__(self):
            super().__init__()
            self.screened, self.joined = [], None

        def costs(self, us, most):
            if len(us) == 1200:
                self.screened.append(us)
            if most == LAST and self.joined is None:
                self.joined = us
            return 1.0 + super().costs(us, most)

    *_, known = search(20_000, known=Floored())
    searches = len(known.screened)
    assert searches > 2
    assert np.all(known.screened[0] != known.screened[1])
    assert searches <= len(known.joined) <= 8 * searches


def test_it_goes_on_from_where_it_was():
    first, *_ = search(1000)
    later, *_ = search(800, seed=1, begun=first.us)
    assert later.costs[0] <= first.costs[0]
    same, _, known = search(1, begun=first.us)
    assert same.costs[0] == pytest.approx(first.costs[0])
    assert known.evaluations == len(first)


def test_near_duplicates_are_dropped():
    us = np.array([[0.5, 0.5, 0.5], [0.5, 0.5, 0.52], [0.5, 0.5, 0.6], [0.1, 0.1, 0.1]])
    pool = fresh(us, np.array([3.0, 2.0, 4.0, 1.0]))
    pool.dampings = np.arange(4.0)
    kept = distinct(pool)
    np.testing.assert_array_equal(kept.costs, [1.0, 2.0, 4.0])
    np.testing.assert_array_equal(kept.us, us[[3, 1, 2]])
    np.testing.assert_array_equal(kept.dampings, [3.0, 1.0, 2.0])
    many = np.linspace(0.0, 1.0, 30)[:, None].repeat(3, axis=1)
    assert len(distinct(fresh(many, np.arange(30.0)))) == 12


def test_a_descent_never_climbs_and_stays_within_a_quarter_of_the_box():
    known = Known()
    us = np.random.default_rng(0).random((24, FREE))
    pool = fresh(us, known.costs(us, LAST))
    after = descended(known, pool, LAST, Budget(None, 10**6))
    assert np.all(after.costs <= pool.costs)
    assert np.max(np.abs(after.us - pool.us)) <= 0.25 + 1e-12
    assert np.mean(after.costs < pool.costs) > 0.9
    stuck = after.costs == pool.costs
    np.testing.assert_allclose(after.dampings[stuck], 100.0)
    np.testing.assert_array_equal(after.failures[stuck], 1)


def test_where_no_damping_leads_down_the_same_jacobian_is_tried_once_more():
    class Flat(Known):
        def costs(self, us, most):
            self.evaluations += len(us)
            return np.ones(len(us))

    known = Flat()
    pool = fresh(np.full((2, FREE), 0.5), np.ones(2))
    spent = []
    for _ in range(3):
        pool = descended(known, pool, LAST, Budget(None, 10**6))
        spent.append(known.evaluations)
    jacobians, trials = 2 * (1 + FREE), 2 * 5
    assert spent == [jacobians + trials, jacobians + 2 * trials, jacobians + 2 * trials]
    assert len(pool.descending) == 0


def test_what_a_bound_stops_is_held_and_the_rest_goes_on():
    class Beyond(Known):
        def residuals(self, us):
            assert np.all((us >= 0.0) & (us <= 1.0))
            return us - np.array([1.5, 0.5, -0.5])

        def linearize(self, us, most):
            self.evaluations += len(us) * 4
            r = self.residuals(us)
            return np.sum(r**2, axis=1), r, np.broadcast_to(np.eye(3), (len(us), 3, 3))

    pool, *_ = search(2000, known=Beyond())
    np.testing.assert_allclose(pool.us[0], [1.0, 0.5, 0.0], atol=1e-6)
