"""Long work for many pages on a few threads, so that no page waits for another's to end."""

import queue
import threading
from collections.abc import Callable, Iterator

from patch_sim.solvers import SolverError
from patch_sim.ui.session import Session


class Jobs:
    """Threads that work for all pages in turn, a step of one and then a step of the next.

    A job is an iterator: each `next` is a step, after which its page may look. A page has one job at a time; a new one
    takes the place of the old, which ends at its next step.
    """

    def __init__(self, threads: int = 2):
        self._waiting: queue.SimpleQueue[tuple[Session, int, Iterator[None]]] = queue.SimpleQueue()
        for _ in range(threads):
            threading.Thread(target=self._work, daemon=True).start()

    def start(self, session: Session, job: Callable[[Session, int], Iterator[None]]) -> None:
        """Begin a job for a page, in place of the one that it has; it is told its page and its turn."""
        turn = session.begin()
        self._waiting.put((session, turn, job(session, turn)))

    def _work(self) -> None:
        while True:
            session, turn, job = self._waiting.get()
            if session.turn != turn:
                continue
            try:
                next(job)
            except StopIteration:
                session.end(turn)
            except (ValueError, SolverError) as error:
                session.end(turn, str(error))
            except Exception as error:  # what we did not foresee must not end the thread, and must be seen
                session.end(turn, f"That failed, and it should not have: {error!r}")
            else:
                self._waiting.put((session, turn, job))
