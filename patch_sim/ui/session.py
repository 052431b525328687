"""What one open page shows, and who may ask for it."""

import itertools
import secrets
import threading
import time
from typing import Any

from patch_sim.ui.traces import Traces

_LIFETIME = 24 * 3600.0
"""The second net, s: a session that nobody used for so long is freed even if its page never said goodbye."""

_serial = itertools.count(1)


class Session:
    """One open page.

    Attributes:
        token: known to this page alone; whoever names it is the page.
        traces: what the page shows, or None.
        revision: grows whenever `traces` is replaced; no two sessions share one.
        turn: whose turn it is to change `traces`; a run that sees another turn than its own has been superseded.
        busy: whether whoever has the turn is still at work.
    """

    def __init__(self):
        self.token = secrets.token_urlsafe(16)
        self.traces: Traces | None = None
        self.revision = 0
        self.turn = 0
        self.busy = False
        self.used = time.monotonic()

    def begin(self) -> int:
        """Take the turn from whoever has it."""
        self.turn, self.busy = next(_serial), True
        return self.turn

    def end(self, turn: int) -> None:
        """Give the turn back, if it was not taken away meanwhile."""
        if self.turn == turn:
            self.busy = False

    def show(self, traces: Traces) -> None:
        """Replace what the page shows."""
        self.traces, self.revision = traces, next(_serial)

    def doorbell(self, error: str | None = None) -> dict[str, Any]:
        """Tell the page what there is to fetch; all that it needs to know, so that a bell may be missed."""
        traces = self.traces
        return {
            "token": self.token,
            "revision": self.revision,
            "ready": len(traces.sweeps) if traces else 0,
            "busy": self.busy,
            "error": error,
            "warnings": traces.warnings if traces else (),
            "ring": next(_serial),
        }


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
                self._by_hash.pop(stale).begin()
            session = self._by_hash.setdefault(session_hash, Session())
            session.used = now
            return session

    def find(self, token: str) -> Session | None:
        """The session of a token, or None."""
        with self._lock:
            return next((session for session in self._by_hash.values() if session.token == token), None)

    def free(self, session_hash: str | None) -> None:
        """Forget a page; a run that still serves it stops."""
        with self._lock:
            session = self._by_hash.pop(session_hash, None)
        if session is not None:
            session.begin()

    def __len__(self) -> int:
        return len(self._by_hash)
