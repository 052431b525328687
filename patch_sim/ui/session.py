"""What one open page shows, and who may ask for it."""

import itertools
import secrets
import threading
import time
from typing import Any

from patch_sim.recording import Recording
from patch_sim.ui.traces import Traces

_LIFETIME = 24 * 3600.0
"""The second net, s: a session that nobody used for so long is freed even if its page never said goodbye."""

_serial = itertools.count(1)


class Session:
    """One open page.

    Attributes:
        token: known to this page alone; whoever names it is the page.
        traces: what the scope shows, or None.
        recording: the same in full, once it is complete.
        revision: grows whenever `traces` is replaced; no two sessions share one.
        turn: whose turn it is to change `traces`; a job that sees another turn than its own has been superseded.
        busy: whether whoever has the turn is still at work.
        error: how the last work failed, or None.
        kept: what panels keep for this page, by name; what has a `close` is closed with the page.
    """

    def __init__(self):
        self.token = secrets.token_urlsafe(16)
        self.traces: Traces | None = None
        self.recording: Recording | None = None
        self.revision = 0
        self.turn = 0
        self.busy = False
        self.error: str | None = None
        self.kept: dict[str, Any] = {}
        self.used = time.monotonic()

    def begin(self) -> int:
        """Take the turn from whoever has it."""
        self.turn, self.busy, self.error = next(_serial), True, None
        return self.turn

    def end(self, turn: int, error: str | None = None) -> None:
        """Give the turn back, if it was not taken away meanwhile."""
        if self.turn == turn:
            self.busy, self.error = False, error

    def show(self, traces: Traces, recording: Recording | None = None) -> None:
        """Replace what the page shows."""
        self.traces, self.recording, self.revision = traces, recording, next(_serial)

    def complete(self, traces: Traces, recording: Recording) -> None:
        """All sweeps of some traces are there."""
        if self.traces is not traces:
            self.show(traces)
        self.recording = recording

    def bell(self) -> dict[str, Any]:
        """What there is to fetch; all that the page needs to know, so that one answer may be missed."""
        traces = self.traces
        return {
            "revision": self.revision,
            "ready": len(traces.sweeps) if traces else 0,
            "complete": self.recording is not None,
            "busy": self.busy,
            "error": self.error,
            "warnings": list(traces.warnings) if traces else [],
        }

    def close(self) -> None:
        """Stop what works for the page, and let go of what it holds."""
        self.begin()
        for thing in self.kept.values():
            if hasattr(thing, "close"):
                thing.close()


class Sessions:
    """All open pages, by gradio's session hash and by token."""

    def __init__(self):
        self._by_hash: dict[str | None, Session] = {}
        self._lock = threading.Lock()

    def of(self, session_hash: str | None) -> Session:
        """The session of a page, a new one if it has none (any more)."""
        now = time.monotonic()
        with self._lock:
            for stale in [key for key, session in self._by_hash.items() if now - session.used > _LIFETIME]:
                self._by_hash.pop(stale).close()
            session = self._by_hash.setdefault(session_hash, Session())
            session.used = now
            return session

    def find(self, token: Any) -> Session | None:
        """The session of a token, or None."""
        with self._lock:
            found = next((session for session in self._by_hash.values() if session.token == token), None)
        if found is not None:
            found.used = time.monotonic()
        return found

    def free(self, session_hash: str | None) -> None:
        """Forget a page; what still works for it stops."""
        with self._lock:
            session = self._by_hash.pop(session_hash, None)
        if session is not None:
            session.close()

    def __len__(self) -> int:
        return len(self._by_hash)
