"""A contender of a benchmark: an own process that does its works when it is told to, and says how long they took."""

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

Work = Callable[[], Any]
"""One call does the work and returns when it is done: the voltage (mV), or the loss of a gradient."""

Works = dict[str, Callable[[], Work]]
"""What builds each work, by name."""


class Failed(RuntimeError):
    """A contender's process ended; the message is the last that it said."""


class Contender:
    """The parent's end: starts the process, tells it to time its works, ends it.

    Args:
        module: of the folder `contenders`; calls `serve`.
        rest: the potential (mV) at which every sweep starts.
    """

    def __init__(self, module: str, rest: float):
        self._errors = tempfile.TemporaryFile("w+")  # noqa: SIM115, closed when the process has ended
        self._process = subprocess.Popen(
            [sys.executable, "-m", f"contenders.{module}", repr(rest)],
            cwd=Path(__file__).parent,
            env={key: value for key, value in os.environ.items() if key != "XLA_FLAGS"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
        )

    def build(self) -> dict[str, tuple[float, np.ndarray]]:
        """Seconds that it took to build, compile and first call each work, and what that returned; waits for them."""
        return {name: (seconds, np.array(result)) for name, (seconds, result) in self._answer().items()}

    def time(self, name: str, calls: int) -> np.ndarray:
        """Seconds that each of some calls of a work takes."""
        assert self._process.stdin is not None
        print(json.dumps([name, calls]), file=self._process.stdin, flush=True)
        return np.array(self._answer())

    def end(self) -> None:
        """Let the process end."""
        self._process.communicate()
        self._errors.close()

    def _answer(self) -> Any:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if line:
            return json.loads(line)
        self._process.communicate()
        self._errors.seek(0)
        errors = [line for line in self._errors if re.match(r"[\w.]*(Error|Exception)\b", line)]
        self._errors.close()
        raise Failed(errors[-1].strip() if errors else f"exit code {self._process.returncode}")


def serve(prepare: Callable[[float], Works]) -> None:
    """The process's end: build the works for a resting potential, then time them as told until told no more."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what the peers print shall not come between
    works, built = {}, {}
    for name, build in prepare(float(sys.argv[1])).items():
        start = time.perf_counter()
        works[name] = build()
        result = works[name]()
        built[name] = time.perf_counter() - start, np.ravel(result).tolist()
    print(json.dumps(built), file=answers, flush=True)
    for line in sys.stdin:
        name, calls = json.loads(line)
        print(json.dumps([_seconds(works[name]) for _ in range(calls)]), file=answers, flush=True)


def _seconds(work: Work) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start
