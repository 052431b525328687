"""The longest step, or the loosest tolerance, that is exact enough."""

import itertools
import math
from collections.abc import Callable

STEP_START = 5.0
"""ms: what all steps divide, so that the onset of the current is at a sample."""

COARSEST, FINEST = 50, 8000
"""Steps in 5 ms: the voltage is wanted every 0.1 ms at least."""

TOLERANCES = tuple(10.0 ** (-k / 2) for k in range(5, 19))

CLOSE = 0.85
"""An error of so much of what is allowed is near enough."""

MOST = 7
"""Trials."""


def longest_step(error: Callable[[float], float], allowed: float, first: int = 200) -> float | None:
    """The longest step (ms) at which an error that grows like a power of the step is allowed; None if none is found."""
    tried: dict[int, float] = {}
    number, order = first, 2.0
    for _ in range(MOST):
        tried[number] = error(STEP_START / number)
        good = [n for n in tried if tried[n] <= allowed]
        if good and (min(good) == COARSEST or tried[min(good)] >= CLOSE * allowed):
            break
        finite = sorted(n for n in tried if math.isfinite(tried[n]) and tried[n] > 0)
        if len(finite) > 1 and tried[finite[0]] > tried[finite[-1]]:
            order = math.log(tried[finite[0]] / tried[finite[-1]]) / math.log(finite[-1] / finite[0])
            order = min(max(order, 0.8), 5.0)
        found = tried[number]
        grown = (found / (0.95 * allowed)) ** (1.0 / order) if math.isfinite(found) and found > 0 else 2.0
        number = int(min(max(math.ceil(number * grown), COARSEST), FINEST))
        if number in tried:
            break
    good = [n for n in tried if tried[n] <= allowed]
    return STEP_START / min(good) if good else None


def loosest_tolerance(error: Callable[[float], float], allowed: float) -> float | None:
    """The loosest tolerance at which an error is allowed, and at the next tighter one too; None if none is."""
    ahead = error(TOLERANCES[0])
    for tolerance, tighter in itertools.pairwise(TOLERANCES):
        found, ahead = ahead, error(tighter)
        if max(found, ahead) <= allowed:
            return tolerance
    return None
