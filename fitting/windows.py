"""The stretch of a recording that a loss looks at."""

from typing import Any

import numpy as np


def span(window: tuple[float, float] | None, command: np.ndarray, dt: float, owner: str) -> tuple[float, float]:
    """A window `(start, end)` in ms; None is from the first to the last change of the command.

    Args:
        window: ms, or None.
        command: `(sweeps, samples)`.
        dt: between samples, ms.
        owner: whose window it is, for the message.

    Raises:
        ValueError: a window that is not within the sweep.
    """
    duration = command.shape[1] * dt
    if window is not None:
        start, end = window
        if not 0 <= start < end <= duration + dt / 2:
            raise ValueError(f"{owner}.window {start:g} to {end:g} ms is not within the {duration:g} ms of a sweep")
        return float(start), min(float(end), duration)
    changes = np.flatnonzero(np.any(command[:, 1:] != command[:, :-1], axis=0)) + 1
    if len(changes) == 0:
        return 0.0, duration
    return float(changes[0] * dt), (float(changes[-1] * dt) if len(changes) > 1 else duration)


def check_window(window: Any, owner: str) -> None:
    """Whether a window is None or two times in order.

    Raises:
        ValueError: it is not.
    """
    pair = isinstance(window, tuple) and len(window) == 2 and all(isinstance(t, int | float) for t in window)
    if window is not None and not (pair and window[0] < window[1]):
        raise ValueError(f"{owner}.window must be (start, end) in ms, not {window!r}")
