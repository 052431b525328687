"""The search among many valleys: local descents from many points, and recombination of the best."""

import dataclasses
import time
from collections.abc import Callable

import numpy as np

from fitting.spikes.population import Population

_FIRST, LAST = 8.0, 3.0
"""What a residual counts at most: much at first, so that what is far off pulls; later little."""

_TIGHTEN = 0.6  # of the search, when the one becomes the other
_SCREENED = 1200
_HALVING = ((24, 2), (12, 3), (8, 3))  # points that descend at first, and by how many steps
_POOL, _OFFSPRING, _DESCENDING, _STEPS = 12, 64, 8, 5
_PARENTS = 4  # of those that descend, at most
_ALIKE = 0.01  # mean distance in the box of points that are the same
_DAMPINGS = np.array([1e-2, 1e-1, 1.0, 1e1, 1e2])
_HARDER = 1e3  # by what the damping grows where none of these was enough
_TRIES = 2
_FLAT = 1e-3  # relative: a step down by less counts as none
_LONGEST = 0.25  # of the box
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

    The best of 1,200 random points descend by steps of Levenberg-Marquardt, fewer and fewer of them. From then on the
    best 12 are kept; 64 offspring, each a member moved toward a better one and along the difference of two others (as
    in differential evolution, Storn and Price (1997), J Glob Optim 11:341-359), are screened; and four of the best and
    four of the offspring descend by five steps, or more of these where the best are at their bottom.

    Args:
        population: the costs.
        budget: what may be spent.
        seed: of all that is random; the same seed and number of evaluations give the same points.
        report: told of each stage.
        begun: where to go on from, `(points, free)`; None to begin.

    Returns:
        The distinct points that are left, the best first, and whether Ctrl-C came before the budget was spent.
    """
    rng = np.random.default_rng(seed)
    # The mean of two: near the corners of a box of forty dimensions no cell is like any that lives.
    us = rng.random((2, _SCREENED, population.free)).mean(axis=0) if begun is None else begun
    pool = fresh(us, population.costs(us, _FIRST))
    most, spent = _FIRST, budget.spent(population)
    try:
        for count, steps in _HALVING:
            pool = pool[np.argsort(pool.costs, kind="stable")[:count]]
            report(f"descent from {len(pool)} points", pool.us[0], pool.costs[0])
            for _ in range(steps):
                pool = descended(population, pool, most, budget)
        pool = distinct(pool)
        while budget.spent(population) < 1.0:
            if most > LAST and budget.spent(population) > spent + _TIGHTEN * (1.0 - spent):
                most = LAST
                pool = distinct(fresh(pool.us, population.costs(pool.us, most)))
            pool = _generation(population, pool, most, budget, rng)
            report("recombination", pool.us[0], pool.costs[0])
    except KeyboardInterrupt:
        return distinct(pool), True
    return distinct(pool), False


def _generation(population: Population, pool: Pool, most: float, budget: Budget, rng: np.random.Generator) -> Pool:
    children = np.stack([_child(pool, rng) for _ in range(_OFFSPRING)])
    costs = population.costs(children, most)
    parents = pool.descending[:_PARENTS]
    born = np.argsort(costs, kind="stable")[: _DESCENDING - len(parents)]
    moving = pool[parents].joined(fresh(children[born], costs[born]))
    for _ in range(_STEPS):
        moving = descended(population, moving, most, budget)
    return distinct(moving.joined(pool[np.setdiff1d(np.arange(len(pool)), parents)]))


def _child(pool: Pool, rng: np.random.Generator) -> np.ndarray:
    """A member, moved toward one of the best and by the difference of two others; some coordinates stay."""
    own, first, second = rng.integers(len(pool), size=3)
    better = rng.integers(min(_PARENTS, len(pool)))
    reach = rng.uniform(0.3, 1.0)
    us = pool.us
    child = us[own] + reach * rng.random() * (us[better] - us[own]) + reach * (us[first] - us[second])
    child += rng.normal(0.0, 0.05, child.size) * (rng.random(child.size) < 0.1)
    child = np.where(rng.random(child.size) < 0.9, child, us[own])
    beyond = (child < 0.0) | (child > 1.0)  # a share of the way to the bound, so that not all end on it
    return np.where(beyond, 0.7 * np.clip(child, 0.0, 1.0) + 0.3 * us[own], child)


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
            [_step(pool.us[k], pool.slopes[k], pool.curvatures[k], pool.dampings[k] * factor) for factor in _DAMPINGS]
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


def _step(u: np.ndarray, slope: np.ndarray, curvature: np.ndarray, damping: float) -> np.ndarray:
    """A damped Gauss-Newton step within the box, no longer than a quarter of it; what a bound stops is held there."""
    free = ~(((u <= 0) & (slope > 0)) | ((u >= 1) & (slope < 0)))
    step = np.zeros_like(u)
    scale = np.diag(curvature)
    scale = np.maximum(scale, 1e-3 * scale.max() + 1e-6)
    inner = np.ix_(free, free)
    step[free] = np.linalg.solve((curvature + damping * np.diag(scale))[inner], -slope[free])
    step *= min(1.0, _LONGEST / max(np.max(np.abs(step)), 1e-12))
    return np.clip(u + step, 0.0, 1.0)
