"""Local searches: from one point to the bottom of its valley."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import optax

from fitting.objective import Objective
from fitting.steps import damped

_MOST_REJECTIONS = 12
_EDGE = 1e-4  # how near to a bound a first-order search may start


class Point(NamedTuple):
    """Where a search has come to: coordinates in the box, their cost, and how many steps it took."""

    u: np.ndarray
    cost: float
    steps: int
    converged: bool


Report = Callable[[Point], bool]
"""Told of each step; answers whether to go on."""


def levenberg_marquardt(
    objective: Objective, u: np.ndarray, steps: int, report: Report, tolerance: float = 1e-8
) -> Point:
    r"""Gauss-Newton steps on the exact Jacobian, damped while they fail.

    Marquardt (1963), J Soc Ind Appl Math 11:431-441, each step the best within the box and a quarter of it
    (`fitting.steps.damped`). (Search in unbounded coordinates, with a sigmoid between, was tried and is worse: its flat
    ends look like minima, and up to 4 of 8 starts stayed there.) The search ends when a step lowers the cost by less
    than the tolerance, or when no damping finds a lower one.

    Args:
        objective: what to make small.
        u: where to start, in the box.
        steps: at most so many accepted steps.
        report: told of each accepted step.
        tolerance: relative change of the cost at which the search has converged.
    """
    cost, slope, curvature = objective.linearize(u)
    point = Point(u, cost, 0, False)
    damping = 1e-2
    while np.isfinite(cost) and np.all(np.isfinite(slope)) and point.steps < steps and report(point):
        for _ in range(_MOST_REJECTIONS):
            trial = damped(point.u, slope, curvature, np.array([damping]))[0]
            lower = objective.cost(trial)
            if lower < cost:
                break
            damping *= 4.0
        else:
            return point._replace(converged=True)
        damping = max(damping / 5.0, 1e-10)
        converged = cost - lower <= tolerance * cost
        point = Point(trial, lower, point.steps + 1, converged)
        if converged:
            break
        cost, slope, curvature = objective.linearize(trial)
    report(point)
    return point


def descend(
    objective: Objective, u: np.ndarray, steps: int, report: Report, optimizer: optax.GradientTransformation
) -> Point:
    r"""First-order steps of any optax optimizer; returns the best point it saw.

    They are taken in unbounded coordinates $x$, with $u = 1 / (1 + e^{-x})$, so that no step can leave the box, on
    half the logarithm of the cost, so that one learning rate fits all data.

    Args:
        objective: what to make small.
        u: where to start, in the box.
        steps: how many.
        report: told after each step.
        optimizer: any `optax.GradientTransformation`.
    """
    inside = np.clip(u, _EDGE, 1.0 - _EDGE)
    x = np.log(inside / (1.0 - inside))
    state = optimizer.init(x)
    best = Point(u, np.inf, 0, False)
    for taken in range(steps):
        u = 1.0 / (1.0 + np.exp(-x))
        cost, slope = objective.gradient(u)
        if not np.isfinite(cost) or not np.all(np.isfinite(slope)):
            break
        if cost < best.cost:
            best = best._replace(u=u, cost=cost)
        best = best._replace(steps=taken + 1)
        if not report(best):
            break
        updates, state = optimizer.update(slope / max(cost, 1e-300) * u * (1.0 - u), state, x)
        x = np.asarray(optax.apply_updates(x, updates))
    return best
