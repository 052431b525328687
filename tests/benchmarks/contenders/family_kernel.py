"""A hand-written C kernel on all cores: what the processor allows. The squid axon only; wants gcc and OpenMP."""

import ctypes
import os
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from contender import Work, Works, serve
from equations import steady_gates
from families import FEATURES, Job, densities, jobs
from work import STEP_DURATION, STEP_START

TYPES = {64: (np.float64, "double", "exp", "fabs"), 32: (np.float32, "float", "expf", "fabsf")}
FLAGS = "-O3 -march=native -mprefer-vector-width=512 -ffast-math -fopenmp -shared -fPIC"


def compiled(precision: int) -> Callable[..., None]:
    _, real, exp, fabs = TYPES[precision]
    macros = [f"-DREAL={real}", f"-DEXP={exp}", f"-DFABS={fabs}"]
    source = Path(__file__).with_name("kernel.c")
    with tempfile.TemporaryDirectory() as folder:
        library = str(Path(folder) / "kernel.so")
        subprocess.run(["gcc", *FLAGS.split(), *macros, str(source), "-o", library, "-lm"], check=True)
        return ctypes.CDLL(library).march


def make(argument: dict[str, Any], march: Callable[..., None], job: Job) -> Work:
    dtype = TYPES[argument["precision"]][0]
    amplitudes = densities(job.sweeps).astype(dtype)
    start = np.array([argument["rest"], *steady_gates(argument["rest"])])
    edges = [ctypes.c_double(x) for x in (job.dt, STEP_START, STEP_START + STEP_DURATION)]
    reduce = job.kind == FEATURES

    def run() -> np.ndarray:
        out = np.empty((2 if reduce else job.samples, job.sweeps), dtype)
        pointers = [array.ctypes.data_as(ctypes.c_void_p) for array in (amplitudes, start, out)]
        march(pointers[0], job.sweeps, job.samples, *edges, pointers[1], int(reduce), pointers[2])
        return out.T

    return run


def prepare(argument: dict[str, Any]) -> Works:
    os.environ["OMP_NUM_THREADS"] = str(os.cpu_count())
    return jobs(make, argument, compiled(argument["precision"]))


if __name__ == "__main__":
    serve(prepare)
