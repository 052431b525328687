"""How long a call takes."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np

CALLS, ENOUGH = 10, 0.2
"""Calls at most, and s after which it is enough."""


def seconds(work: Callable[[], Any]) -> float:
    """The median of some calls in a row, if they are short; the first of them finds the caches cold and is left out."""
    taken: list[float] = []
    while not taken or (len(taken) < CALLS and sum(taken) < ENOUGH):
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    return float(np.median(taken[len(taken) > 1 :]))
