"""Many starts: drawn in the bounds, screened in one batch, polished side by side."""

import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait

import jax
import numpy as np

import patch_sim as ps
from fitting.objective import Objective
from fitting.parameters import Space
from fitting.search import Point, Report

_CHUNK = 50

Search = Callable[[Objective, np.ndarray, Report], Point]


def draw(space: Space, count: int, seed: int) -> np.ndarray:
    """Draw points in the bounds; the same seed gives the same."""
    return np.asarray(space.draw(jax.random.key(seed), count))


def screened(objective: Objective, points: np.ndarray, starts: int, progress: ps.Progress) -> np.ndarray:
    """Take, for each start, the best of its own share of some points.

    Args:
        objective: what is small at the best.
        points: `(starts * share, free)`, in the box.
        starts: how many.
        progress: is shown how far it is.

    Returns:
        Coordinates in the box, `(starts, free)`.
    """
    chunks = np.array_split(points, max(1, len(points) // _CHUNK))
    width = max(len(chunk) for chunk in chunks)
    done = 0
    costs = []
    with ThreadPoolExecutor(_workers()) as pool:
        # Chunks of one length, the last point repeated if need be: one compilation serves all.
        padded = [np.concatenate([chunk, chunk[-1:].repeat(width - len(chunk), axis=0)]) for chunk in chunks]
        for chunk, cost in zip(chunks, pool.map(objective.costs, padded), strict=True):
            costs.append(cost[: len(chunk)])
            done += len(chunk)
            progress.show(f"screened {done} of {len(points)} points")
    best = np.argmin(np.concatenate(costs).reshape(starts, -1), axis=1)
    return points.reshape(starts, -1, points.shape[1])[np.arange(starts), best]


def polish(
    objective: Objective,
    starts: np.ndarray,
    search: Search,
    progress: ps.Progress,
    watch: Callable[[np.ndarray, float], bool] = lambda u, cost: True,
    ends: float = np.inf,
) -> tuple[list[Point], bool]:
    """Search from each start, as many side by side as there are processors.

    Ctrl-C, False from who watches, or the time at which it `ends` (as `time.monotonic` tells it), ends the searches and
    keeps what they have found.

    Returns:
        Where each search has come to, in the order of the starts, and whether it was interrupted.
    """
    stop = threading.Event()
    reached = [Point(u, np.inf, 0, False) for u in starts]

    def run(index: int) -> Point:
        def report(point: Point) -> bool:
            reached[index] = point
            loss = np.sqrt(min(p.cost for p in reached) / objective.weight)
            progress.show(f"start {index + 1} of {len(starts)}, step {point.steps}: best loss so far {loss:.6g}")
            if not watch(point.u, point.cost):
                stop.set()
            return not stop.is_set() and time.monotonic() < ends

        return reached[index] if stop.is_set() else search(objective, starts[index], report)

    with ThreadPoolExecutor(_workers()) as pool:
        futures = [pool.submit(run, index) for index in range(len(starts))]
        try:
            waiting = set(futures)
            while waiting:
                _, waiting = wait(waiting, timeout=0.5, return_when=FIRST_COMPLETED)
        except KeyboardInterrupt:
            stop.set()
            for future in futures:
                future.cancel()
    for index, future in enumerate(futures):
        if not future.cancelled():
            reached[index] = future.result()
    return reached, stop.is_set()


def _workers() -> int:
    return os.cpu_count() or 1
