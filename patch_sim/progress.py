"""What a long computation says while it runs."""

import sys
import threading
import time
from collections.abc import Callable

_QUIET = 2.0  # s; what takes longer shows progress
_INTERVAL = 0.1  # s, on a terminal or to a function
_INTERVAL_IN_A_LOG = 2.0  # s


class Progress:
    """Shows one line of progress, rewritten in place on a terminal; nothing in the first two seconds.

    Args:
        target: True for the standard error stream, False for silence, or a function that takes each line.
    """

    def __init__(self, target: bool | Callable[[str], None] = True):
        self._say = target if callable(target) else (self._write if target else None)
        self._start = self._last = time.monotonic()
        self._interval = _INTERVAL if callable(target) or sys.stderr.isatty() else _INTERVAL_IN_A_LOG
        self._width = 0
        self._lock = threading.Lock()

    @property
    def seconds(self) -> float:
        """Since the start."""
        return time.monotonic() - self._start

    def show(self, line: str) -> None:
        """Show a line, unless another was shown a moment ago."""
        now = time.monotonic()
        with self._lock:
            if self._say is None or now - self._last < self._interval or now - self._start < _QUIET:
                return
            self._last = now
            self._say(line)

    def close(self) -> None:
        """End the line."""
        if self._width:
            sys.stderr.write("\n" if sys.stderr.isatty() else "")
            sys.stderr.flush()

    def _write(self, line: str) -> None:
        line = f"{self.seconds:5.1f} s  {line}"
        if sys.stderr.isatty():
            sys.stderr.write("\r" + line.ljust(self._width))
        else:
            sys.stderr.write(line + "\n")
        sys.stderr.flush()
        self._width = max(self._width, len(line))
