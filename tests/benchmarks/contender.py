"""A contender of a benchmark: an own process that does its works when it is told to, and says how long they took."""

import contextlib
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

Work = Callable[[], Any]
"""One call does the work and returns when it is done: the voltage (mV), or the loss of a gradient."""

Works = Mapping[str, Callable[[], Work]]
"""What builds each work, by name."""

FLAGS = "XLA_FLAGS"


class Failed(RuntimeError):
    """A contender's process ended; the message is the last that it said."""


class Contender:
    """The parent's end: starts the process, tells it to build and to time its works, ends it.

    Args:
        module: of the folder `contenders`; calls `serve`.
        argument: what the module's `prepare` gets: anything that JSON can say.
        environment: what the process finds there, besides what stands outside; no XLA option comes from there.
        command: what runs Python.
    """

    def __init__(
        self,
        module: str,
        argument: Any,
        environment: Mapping[str, str] | None = None,
        command: Sequence[str] = (sys.executable,),
    ):
        self._errors = tempfile.TemporaryFile("w+")  # noqa: SIM115, closed when the process has ended
        self._folder = tempfile.TemporaryDirectory()
        outside = {key: value for key, value in os.environ.items() if key != FLAGS}
        self._process = subprocess.Popen(
            [*command, "-m", f"contenders.{module}", json.dumps(argument), self._folder.name],
            cwd=Path(__file__).parent,
            env=outside | dict(environment or {}),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
        )

    def works(self) -> list[str]:
        """The names of the works that are known beforehand; waits until the process is there."""
        return self._asked("works")

    def build(self, name: str) -> tuple[float, np.ndarray]:
        """Seconds that it took to build, compile and first call a work, and what that returned."""
        seconds, file = self._asked("build", name)
        value = np.load(file)
        Path(file).unlink()
        return seconds, value

    def time(self, name: str, calls: int) -> np.ndarray:
        """Seconds that each of some calls of a work takes."""
        return np.array(self._asked("time", name, calls))

    def memory(self) -> float:
        """The most memory (GB) that the process has held."""
        return self._asked("memory")

    def end(self) -> None:
        """Let the process end."""
        self._process.communicate()
        self._errors.close()
        self._folder.cleanup()

    def _asked(self, *request: Any) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with contextlib.suppress(BrokenPipeError):  # why it has ended is among the errors
            print(json.dumps(request), file=self._process.stdin, flush=True)
        line = self._process.stdout.readline()
        if line:
            return json.loads(line)
        self._process.wait()
        self._errors.seek(0)
        errors = [line for line in self._errors if re.match(r"[\w.]*(Error|Exception)\b", line)]
        self._errors.close()
        self._folder.cleanup()
        raise Failed(errors[-1].strip() if errors else f"exit code {self._process.returncode}")


def serve(prepare: Callable[[Any], Works]) -> None:
    """The process's end: build the works, and time them, as told until told no more."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what the peers print shall not come between
    works, built = prepare(json.loads(sys.argv[1])), {}

    def build(name: str) -> tuple[float, str]:
        start = time.perf_counter()
        built[name] = works[name]()
        value = built[name]()
        seconds = time.perf_counter() - start
        file = Path(sys.argv[2]) / f"{len(built)}.npy"
        np.save(file, np.ravel(value))
        return seconds, str(file)

    requests = {
        "works": lambda: list(works),
        "build": build,
        "time": lambda name, calls: [_seconds(built[name]) for _ in range(calls)],
        "memory": _memory,
    }
    for line in sys.stdin:
        request, *arguments = json.loads(line)
        print(json.dumps(requests[request](*arguments)), file=answers, flush=True)


def _seconds(work: Work) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _memory() -> float:
    """Of Linux, and not `getrusage`: that counts what the process had held that started this one."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) * 1024 / 1e9
