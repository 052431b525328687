"""What is known of a fit at one point of its box."""

import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np

import patch_sim as ps
from fitting.parameters import Space
from fitting.provenance import fingerprint, version
from fitting.report import Estimate, FitResult
from fitting.setup import Setup

_INTERVAL = 0.2  # s between two that are told
_SILENCE = 1.0  # s after which the best is told again, so that whoever watches can end a search that finds no better


def outcome(
    box: Space,
    setup: Setup,
    recordings: Sequence[ps.Recording],
    u: np.ndarray,
    *,
    errors: Any = np.nan,
    white_errors: Any = np.nan,
    **known: Any,
) -> FitResult:
    """A result at coordinates in the box, with no more than is `known` of it."""
    free = len(box.names)
    model = box.apply(setup, jnp.asarray(u))
    numbers = [np.asarray(box.values(jnp.asarray(u)), dtype=float), errors, box.low, box.high, white_errors]
    columns = [np.broadcast_to(np.asarray(column, dtype=float), free).tolist() for column in numbers]
    rows = zip(box.names, box.units, box.at_bound(u).tolist(), *columns, strict=True)
    unknown: dict[str, Any] = {"rmse": (), "correlation": np.full((free, free), np.nan), "starts": (), "warnings": ()}
    return FitResult(
        neurons=model.neurons,
        cells=model.cells,
        electrodes=model.electrodes,
        estimates=tuple(
            Estimate(name, value, error, unit, low, high, at_bound, white)
            for name, unit, at_bound, value, error, low, high, white in rows
        ),
        recordings=tuple(recordings),
        fingerprints=tuple(fingerprint(recording) for recording in recordings),
        version=version(),
        **(unknown | known),
    )


def where(result: FitResult, box: Space) -> np.ndarray:
    """Where the starts of a result have ended, as coordinates in a box, `(starts, free)`; those that failed left out.

    Raises:
        ValueError: a result of other parameters.
    """
    if tuple(estimate.name for estimate in result.estimates) != box.names:
        raise ValueError("resume is a fit of other free parameters")
    ended = [start.values for start in result.starts if np.isfinite(start.loss)]
    return np.stack([np.asarray(box.fraction(jnp.asarray(values))) for values in ended])


class Watch:
    """Shows somebody each better point, not too often, and hears whether to go on; for several threads.

    Args:
        show: takes a result; False ends the fit. None: nobody is there.
        make: a result from coordinates in the box and their cost.
    """

    def __init__(self, show: Callable[[FitResult], Any] | None, make: Callable[[np.ndarray, float], FitResult]):
        self._show, self._make = show, make
        self._best, self._at, self._news, self._goes_on = np.inf, None, False, True
        self._last = -np.inf
        self._lock = threading.Lock()

    def __call__(self, u: np.ndarray, cost: float) -> bool:
        """Whether to go on, after a point that may be better."""
        if self._show is None:
            return True
        with self._lock:
            if cost < self._best:
                self._best, self._at, self._news = cost, u, True
            due = time.monotonic() - self._last >= (_INTERVAL if self._news else _SILENCE)
            if self._goes_on and self._at is not None and due:
                self._news, self._last = False, time.monotonic()
                self._goes_on = self._show(self._make(self._at, self._best)) is not False
            return self._goes_on
