"""Fits at work: a few threads for all pages, and what a page sees of its own."""

import collections
import dataclasses
import threading
import time
from collections.abc import Callable

import fitting
import patch_sim as ps
from fitting.ui.predicted import Predicted, predicted
from fitting.ui.task import Task

AT_ONCE = 2
"""The fits that are at work at once; others wait."""


class Desk:
    """Threads that fit for all pages, one after the other, in the order in which they ask."""

    def __init__(self, threads: int = AT_ONCE):
        self._line: collections.deque[tuple[Work, Callable[[], None]]] = collections.deque()
        self._news = threading.Condition()
        for _ in range(threads):
            threading.Thread(target=self._serve, daemon=True).start()

    def add(self, work: "Work", job: Callable[[], None]) -> None:
        """Let a fit do something when it is its turn."""
        work.queued()
        with self._news:
            self._line.append((work, job))
            self._news.notify()

    def ahead(self, work: "Work") -> int:
        """How many stand in line before a fit."""
        with self._news:
            return next((k for k, (other, _) in enumerate(self._line) if other is work), 0)

    def _serve(self) -> None:
        while True:
            with self._news:
                self._news.wait_for(lambda: self._line)
                work, job = self._line.popleft()
            work.at(job)


class _Stopped(Exception):
    """Raised where a fit that is to end has found nothing yet."""


class Work:
    """The fit of a page.

    Attributes:
        task: what was asked for.
        phase: "waiting", "fitting", "predicting", "checking" or "done".
        said: what the search says of where it is.
        error: how it failed, or None.
        improved: grows with each better model, and with what is predicted at the end.
        best: the best so far, then the result; None before there is one.
        found: the result's prediction of all sweeps; None while the fit is not done.
    """

    def __init__(self, task: Task):
        self.task = task
        self.phase, self.said = "waiting", ""
        self.error: str | None = None
        self.improved = 0
        self.best: fitting.FitResult | None = None
        self.found: Predicted | None = None
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._begun = self._ended = time.monotonic()
        self._drawn: tuple[int, Predicted] | None = None
        self._drawing = threading.Lock()

    @property
    def seconds(self) -> float:
        """That it has been at work."""
        return (
            0.0
            if self.phase == "waiting"
            else (self._ended if self.phase == "done" else time.monotonic()) - self._begun
        )

    @property
    def busy(self) -> bool:
        """Whether there is more to come."""
        return self.phase != "done"

    @property
    def stopping(self) -> bool:
        """Whether it has been told to end."""
        return self._stop.is_set()

    def queued(self) -> None:
        """Stand in line."""
        self.phase, self.said, self.error = "waiting", "", None

    def stop(self) -> None:
        """End as soon as may be, with the best so far."""
        self._stop.set()

    close = stop

    def at(self, job: Callable[[], None]) -> None:
        """Do a job, and keep in words how it failed."""
        self._thread, self._begun = threading.current_thread(), time.monotonic()
        try:
            job()
        except _Stopped:
            self.error = "Stopped before there was a model to keep."
        except (ValueError, RuntimeError, KeyError) as error:
            self.error = str(error.args[0] if error.args else error)
        except Exception as error:  # what we did not foresee must not end the thread, and must be seen
            self.error = f"That failed, and it should not have: {error!r}"
        finally:
            self._ended, self.phase = time.monotonic(), "done"

    def fit(self) -> None:
        """Fit, and predict all sweeps."""
        if self.stopping:
            raise _Stopped
        task = self.task
        self.phase, self.said = "fitting", "compiling the model"
        result = fitting.fit(
            dataclasses.replace(task.model, bounds={}),
            self.fitted,
            free=list(task.bounds),
            bounds=task.bounds,
            loss=task.events,
            budget=task.budget,
            starts=task.starts,
            seed=task.seed,
            progress=self._hear,
            watch=self._see,
        )
        self.phase, self.said = "predicting", "the best model predicts all sweeps"
        found = predicted(result, task.recording, exact=not self.stopping)
        self.best, self.found = result, found
        self.improved += 1

    @property
    def fitted(self) -> ps.Recording:
        """The sweeps that are fitted."""
        return (
            self.task.recording
            if self.task.held_out.size == 0
            else self.task.recording.select(self.task.fitted.tolist())
        )

    def check(self) -> None:
        """Add a certificate to the result."""
        self.phase, self.said = "checking", "the solver is checked"
        held_out = self.task.recording.select(self.task.held_out.tolist()) if self.task.held_out.size else None
        assert self.best is not None
        made = fitting.certificate(self.best, held_out, progress=self._say)
        self.best = self.best.with_certificate(made)

    @property
    def done(self) -> tuple[fitting.FitResult, Predicted]:
        """What was found, and its prediction.

        Raises:
            ValueError: it is not there yet.
        """
        if self.best is None or self.found is None:
            raise ValueError("There is no fit yet.")
        if self.busy:
            raise ValueError("The fit is still being checked.")
        return self.best, self.found

    def trace(self, have: int) -> tuple[int, Predicted] | None:
        """What the best model predicts, if it is newer than what somebody has."""
        with self._drawing:
            number, best = self.improved, self.best
            if best is None or number <= have:
                return None
            if self._drawn is None or self._drawn[0] != number:
                self._drawn = number, self.found or predicted(best, self.task.recording, exact=False)
            return self._drawn

    def _say(self, line: str) -> None:
        self.said = line

    def _hear(self, line: str) -> None:
        self.said = line
        # Elsewhere than in its own thread the fit asks `_see` whether to go on, which keeps the best.
        if self.stopping and self.best is None and threading.current_thread() is self._thread:
            raise _Stopped

    def _see(self, best: fitting.FitResult) -> bool:
        if self.best is None or best.loss < self.best.loss:
            self.best = best
            self.improved += 1
        return not self.stopping
