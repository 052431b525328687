"""The search among many valleys: local descents from many points, and recombination of the best."""

import dataclasses
import time
from collections.abc import Callable

import numpy as np

from fitting.population import Population

_FIRST, LAST = 8.0, 3.0
"""What a residual counts at most: much at first, so that what is far off pulls; later little."""

_TIGHTEN = 0.5  # of the budget, when the one becomes the other
_SCREENED = 800
_STARTS, _STEPS = 24, 5
_POOL, _OFFSPRING, _DESCENDING = 12, 64, 4
_ALIKE = 0.01  # mean distance in the box of points that are the same
_DAMPINGS = np.array([1e-2, 1e-1, 1.0, 1e1, 1e2])
_LONGEST = 0.25  # of the box
_LEAST_DAMPING, _MOST_DAMPING = 1e-6, 1e4


@dataclasses.dataclass
class Pool:
    """Points, what they cost, and how strongly each one's steps are damped.

    Attributes:
        us: `(points, free)`, in the box.
        costs: `(points,)`.
        dampings: `(points,)`.
    """

    us: np.ndarray
    costs: np.ndarray
    dampings: np.ndarray

    def __len__(self) -> int:
        return len(self.costs)

    def __getitem__(self, rows: np.ndarray) -> "Pool":
        return Pool(self.us[rows], self.costs[rows], self.dampings[rows])

    def joined(self, other: "Pool") -> "Pool":
        """Both."""
        return Pool(*(np.concatenate([getattr(p, f.name) for p in (self, other)]) for f in dataclasses.fields(self)))


@dataclasses.dataclass
class Budget:
    """What may be spent.

    Attributes:
        seconds: since `started`; None for any.
        evaluations: of the model, a Jacobian counting as one for each column and one; None for any.
        started: as `time.monotonic` tells it.
    """

    seconds: float | None
    evaluations: int | None
    started: float = dataclasses.field(default_factory=time.monotonic)

    def spent(self, population: Population) -> float:
        """The fraction that is spent."""
        of_time = 0.0 if self.seconds is None else (time.monotonic() - self.started) / self.seconds
        return max(of_time, 0.0 if self.evaluations is None else population.evaluations / self.evaluations)


Report = Callable[[str, np.ndarray, float], None]
"""Told of each stage: in words, the best point, its cost."""


def evolve(
    population: Population, budget: Budget, seed: int, report: Report, pool: Pool | None = None
) -> tuple[Pool, bool]:
    """Search a box until the budget is spent, or interrupted.

    The best of 800 random points descend by five steps of Levenberg-Marquardt each. From then on the best 12 are kept;
    64 offspring, each a member moved toward a better one and along the difference of two others (as in differential
    evolution, Storn and Price (1997), J Glob Optim 11:341-359), are screened, and the best four of each descend.

    Args:
        population: the costs.
        budget: what may be spent.
        seed: of all that is random; the same seed and number of evaluations give the same points.
        report: told of each stage.
        pool: where to go on from; None to begin.

    Returns:
        The distinct points that are left, the best first, and whether Ctrl-C came before the budget was spent.
    """
    rng = np.random.default_rng(seed)
    most = _FIRST
    steps = 0
    if pool is None:
        us = rng.random((_SCREENED, population.free))
        costs = population.costs(us, most)
        best = np.argsort(costs)[:_STARTS]
        pool = Pool(us[best], costs[best], np.full(len(best), 0.1))
        report("screened", pool.us[0], pool.costs[0])
        steps = _STEPS
    else:
        pool = dataclasses.replace(pool, costs=population.costs(pool.us, most))
    try:
        for step in range(steps):
            pool = descended(population, pool, most, budget)
            best = int(np.argmin(pool.costs))
            report(f"descent from {len(pool)} starts, step {step + 1}", pool.us[best], pool.costs[best])
        pool = distinct(pool)
        while budget.spent(population) < 1.0:
            if most > LAST and budget.spent(population) > _TIGHTEN:
                most = LAST
                pool = distinct(dataclasses.replace(pool, costs=population.costs(pool.us, most)))
            pool = _generation(population, pool, most, budget, rng)
            report("recombination", pool.us[0], pool.costs[0])
    except KeyboardInterrupt:
        return distinct(pool), True
    return pool, False


def _generation(population: Population, pool: Pool, most: float, budget: Budget, rng: np.random.Generator) -> Pool:
    children = np.stack([_child(pool, rng) for _ in range(_OFFSPRING)])
    costs = population.costs(children, most)
    born = np.argsort(costs)[:_DESCENDING]
    parents = np.arange(min(_DESCENDING, len(pool)))
    descending = pool[parents].joined(Pool(children[born], costs[born], np.full(len(born), 0.1)))
    for _ in range(_STEPS):
        descending = descended(population, descending, most, budget)
    rest = pool[np.arange(len(parents), len(pool))]
    return distinct(descending.joined(rest))


def _child(pool: Pool, rng: np.random.Generator) -> np.ndarray:
    """A member, moved toward one of the best and by the difference of two others; some coordinates stay."""
    own, first, second = rng.integers(len(pool), size=3)
    better = rng.integers(min(_DESCENDING, len(pool)))
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
    """One step of Levenberg-Marquardt from each point, the best of five dampings; where none is better, it stays."""
    if budget.spent(population) >= 1.0:
        return pool
    _, slopes, curvatures = population.linearize(pool.us, most)
    trials = np.stack(
        [
            _step(u, slope, curvature, damping * factor)
            for u, slope, curvature, damping in zip(pool.us, slopes, curvatures, pool.dampings, strict=True)
            for factor in _DAMPINGS
        ]
    )
    costs = population.costs(trials, most).reshape(len(pool), -1)
    chosen = np.argmin(costs, axis=1)
    rows = np.arange(len(pool))
    better = costs[rows, chosen] < pool.costs
    us = np.where(better[:, None], trials.reshape(len(pool), len(_DAMPINGS), -1)[rows, chosen], pool.us)
    factors = np.where(better, _DAMPINGS[chosen], _DAMPINGS[-1])
    dampings = np.clip(pool.dampings * factors, _LEAST_DAMPING, _MOST_DAMPING)
    return Pool(us, np.where(better, costs[rows, chosen], pool.costs), dampings)


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
