"""The search among many valleys: local descents from many points, and recombination of the best."""

import dataclasses
import functools
import time
from collections.abc import Callable, Sequence

import numpy as np

from fitting.spikes.population import Population
from fitting.steps import damped

_FIRST, LAST = 8.0, 3.0
"""What a residual counts at most: much at first, so that what is far off pulls; later little."""

_APART = 0.5  # of the budget, for searches of their own
_STALLED = 3  # generations, or steps, over which a cost must fall
_SLOWLY = 0.85  # what a search of its own must bring, see `stalled`
_SCREENED = 1200
_HALVING = ((24, 2), (12, 3), (8, 3))  # points that descend at first, and by how many steps
_POOL, _OFFSPRING, _DESCENDING, _STEPS = 12, 64, 8, 5
_PARENTS = 4  # of those that descend, at most
_KEPT = 8  # of each search, when they are joined
_ALIKE = 0.01  # mean distance in the box of points that are the same
_DAMPINGS = np.array([1e-2, 1e-1, 1.0, 1e1, 1e2])
_HARDER = 1e3  # by what the damping grows where none of these was enough
_TRIES = 2
_FLAT = 1e-3  # relative: a step down by less counts as none
_LEAST_SCALE = 1e-3  # what a parameter is taken to matter at least, relative to the one that matters most
_LEAST_DAMPING, _MOST_DAMPING = 1e-6, 1e4


@dataclasses.dataclass
class Pool:
    """Points, what they cost, and how their descents stand.

    Attributes:
        us: `(points, free)`, in the box.
        costs: `(points,)`.
        dampings: of their steps, `(points,)`.
        failures: how often no damping has led down from there, `(points,)`; twice, and the point is at its bottom.
        slopes: J'r, `(points, free)`; NaN where it is not known.
        curvatures: J'J, `(points, free, free)`.
    """

    us: np.ndarray
    costs: np.ndarray
    dampings: np.ndarray
    failures: np.ndarray
    slopes: np.ndarray
    curvatures: np.ndarray

    def __len__(self) -> int:
        return len(self.costs)

    def __getitem__(self, rows: np.ndarray) -> "Pool":
        return Pool(*(getattr(self, field.name)[rows] for field in dataclasses.fields(self)))

    def joined(self, other: "Pool") -> "Pool":
        """Both."""
        return Pool(*(np.concatenate([getattr(p, f.name) for p in (self, other)]) for f in dataclasses.fields(self)))

    @property
    def descending(self) -> np.ndarray:
        """The numbers of the points that are not at their bottom."""
        return np.flatnonzero(self.failures < _TRIES)


def fresh(us: np.ndarray, costs: np.ndarray) -> Pool:
    """Points from which nothing has descended yet."""
    count, free = us.shape
    unknown = np.full((count, free), np.nan), np.full((count, free, free), np.nan)
    return Pool(us, costs, np.full(count, 0.1), np.zeros(count, dtype=int), *unknown)


@dataclasses.dataclass
class Budget:
    """What may be spent.

    Attributes:
        seconds: since `started`; None for any.
        evaluations: of the model, a Jacobian counting as one for each column and one; None for any.
        started: as `time.monotonic` tells it.
    """

    seconds: int | float | None
    evaluations: int | float | None
    started: float = dataclasses.field(default_factory=time.monotonic)

    def spent(self, population: Population) -> float:
        """The fraction that is spent."""
        of_time = 0.0 if self.seconds is None else (time.monotonic() - self.started) / self.seconds
        return max(of_time, 0.0 if self.evaluations is None else population.evaluations / self.evaluations)


Report = Callable[[str, np.ndarray, float], None]
"""Told of each stage: in words, the best point, its cost."""


def evolve(
    population: Population, budget: Budget, seed: int, report: Report, begun: np.ndarray | None = None
) -> tuple[Pool, bool]:
    """Search a box until the budget is spent, or interrupted.

    For half of the budget one search after the other begins at random points and goes on until it stalls: each
    comes to rest in a valley of its own, and how low that is, is luck. The rest is for recombining the best of all.

    Args:
        population: the costs.
        budget: what may be spent.
        seed: of all that is random; the same seed and number of evaluations give the same points.
        report: told of each stage.
        begun: where to go on from, `(points, free)`; None to begin.

    Returns:
        The distinct points that are left, the best first, and whether Ctrl-C came before the budget was spent.

    Raises:
        KeyboardInterrupt: it came before there was any point.
    """
    search = _Search(population, budget, np.random.default_rng(seed), report)
    try:
        if begun is None:
            search.apart()
        search.together(search.found.us if begun is None else begun)
    except KeyboardInterrupt:
        if not search.pools:
            raise
        return distinct(search.found), True
    return distinct(search.found), False


@dataclasses.dataclass
class _Search:
    """What was found so far.

    Attributes:
        population: the costs.
        budget: what may be spent.
        rng: decides what is random.
        report: told of each stage.
        pools: by each search; the last is the one that goes on. The best is the first of its pool.
    """

    population: Population
    budget: Budget
    rng: np.random.Generator
    report: Report
    pools: list[Pool] = dataclasses.field(default_factory=list)

    @property
    def found(self) -> Pool:
        """All points."""
        return functools.reduce(Pool.joined, self.pools)

    def apart(self) -> None:
        """Search anew, again and again."""
        begun = self.budget.spent(self.population)
        ends = begun + _APART * (1.0 - begun)
        while not self.pools or self.budget.spent(self.population) < ends:
            self._begin()
            lowest = [self.pools[-1].costs[0]]
            while self.budget.spent(self.population) < ends and not stalled(lowest, _SLOWLY):
                self._recombine(_FIRST)
                lowest.append(self.pools[-1].costs[0])
            self.pools[-1] = best(self.pools[-1], _KEPT)

    def together(self, us: np.ndarray) -> None:
        """Recombine points until the budget is spent."""
        self.pools = [distinct(fresh(us, self.population.costs(us, LAST)))]
        while self.budget.spent(self.population) < 1.0:
            self._recombine(LAST)

    def _begin(self) -> None:
        """The best of 1,200 random points descend by steps of Levenberg-Marquardt, fewer and fewer of them."""
        # The mean of two: near the corners of a box of forty dimensions no cell is like any that lives.
        us = self.rng.random((2, _SCREENED, self.population.free)).mean(axis=0)
        self.pools.append(fresh(us, self.population.costs(us, _FIRST)))
        for count, steps in _HALVING:
            self.pools[-1] = best(self.pools[-1], count)
            self._tell(f"descent from {count} points")
            for _ in range(steps):
                self.pools[-1] = descended(self.population, self.pools[-1], _FIRST, self.budget)
        self.pools[-1] = distinct(self.pools[-1])

    def _recombine(self, most: float) -> None:
        self.pools[-1] = _generation(self.population, self.pools[-1], most, self.budget, self.rng)
        self._tell("recombination")

    def _tell(self, stage: str) -> None:
        pool = min(self.pools, key=lambda pool: pool.costs[0])
        self.report(stage, pool.us[0], pool.costs[0])


def _generation(population: Population, pool: Pool, most: float, budget: Budget, rng: np.random.Generator) -> Pool:
    """Four of the best and four of 64 offspring descend by five steps, or more of these if the best are at a bottom."""
    children = np.stack([_child(pool, rng) for _ in range(_OFFSPRING)])
    costs = population.costs(children, most)
    parents = pool.descending[:_PARENTS]
    born = np.argsort(costs, kind="stable")[: _DESCENDING - len(parents)]
    moving = pool[parents].joined(fresh(children[born], costs[born]))
    for _ in range(_STEPS):
        moving = descended(population, moving, most, budget)
    return distinct(moving.joined(pool[np.setdiff1d(np.arange(len(pool)), parents)]))


def _child(pool: Pool, rng: np.random.Generator) -> np.ndarray:
    """A member, moved toward one of the best and along the difference of two others; some coordinates stay.

    As in differential evolution: Storn and Price (1997), J Glob Optim 11:341-359.
    """
    own, first, second = rng.integers(len(pool), size=3)
    better = rng.integers(min(_PARENTS, len(pool)))
    reach = rng.uniform(0.3, 1.0)
    us = pool.us
    child = us[own] + reach * rng.random() * (us[better] - us[own]) + reach * (us[first] - us[second])
    child += rng.normal(0.0, 0.05, child.size) * (rng.random(child.size) < 0.1)
    child = np.where(rng.random(child.size) < 0.9, child, us[own])
    beyond = (child < 0.0) | (child > 1.0)  # a share of the way to the bound, so that not all end on it
    return np.where(beyond, 0.7 * np.clip(child, 0.0, 1.0) + 0.3 * us[own], child)


def stalled(costs: Sequence[float], share: float) -> bool:
    """Whether costs, the latest last, have over three of them fallen to no less than a share."""
    return len(costs) > _STALLED and bool(costs[-1] > share * costs[-1 - _STALLED])


def best(pool: Pool, count: int) -> Pool:
    """The best points, the best first."""
    return pool[np.argsort(pool.costs, kind="stable")[:count]]


def distinct(pool: Pool) -> Pool:
    """The best 12 that are not nearly the same, the best first."""
    kept: list[int] = []
    for k in np.argsort(pool.costs, kind="stable"):
        if all(np.mean(np.abs(pool.us[k] - pool.us[j])) > _ALIKE for j in kept):
            kept.append(int(k))
    return pool[np.array(kept[:_POOL])]


def descended(population: Population, pool: Pool, most: float, budget: Budget) -> Pool:
    """One step of Levenberg-Marquardt from each point that is not at its bottom: the best of five dampings.

    Where none leads down, the point stays, and the next step from there is damped more, by the same Jacobian.
    """
    rows = pool.descending
    if budget.spent(population) >= 1.0 or len(rows) == 0:
        return pool
    pool = pool[np.arange(len(pool))]
    unknown = rows[np.isnan(pool.slopes[rows, 0])]
    if len(unknown):
        _, pool.slopes[unknown], pool.curvatures[unknown] = population.linearize(pool.us[unknown], most)
    trials = np.stack(
        [
            damped(pool.us[k], pool.slopes[k], pool.curvatures[k], pool.dampings[k] * _DAMPINGS, _LEAST_SCALE)
            for k in rows
        ]
    )
    costs = population.costs(trials.reshape(-1, trials.shape[-1]), most).reshape(len(rows), -1)
    for k, points, cost in zip(rows, trials, costs, strict=True):
        best = int(np.argmin(cost))
        if cost[best] < pool.costs[k]:
            steep = pool.costs[k] - cost[best] > _FLAT * pool.costs[k]
            pool.us[k], pool.costs[k], pool.slopes[k] = points[best], cost[best], np.nan
            pool.dampings[k] = np.clip(pool.dampings[k] * _DAMPINGS[best], _LEAST_DAMPING, _MOST_DAMPING)
            pool.failures[k] = 0 if steep else pool.failures[k] + 1
        else:
            pool.dampings[k] = min(pool.dampings[k] * _HARDER, _MOST_DAMPING)
            pool.failures[k] += 1
    return pool
