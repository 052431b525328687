"""Brian2's C++ standalone mode on families of sweeps, threads on all cores. The squid axon only.

One work is one run of the program that Brian2 writes and compiles, its start and what it writes to the disk included.
"""

import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import brian2 as b  # ty: ignore[import-not-found]
import numpy as np
from contender import Work, Works, serve
from equations import steady_gates
from families import FEATURES, Job, densities, features, jobs
from work import CONDUCTANCES, DURATION, REVERSALS, STEP_DURATION, STEP_START

THREADED = 1000
"""Sweeps from which on threads are worth their waiting for each other."""

MODEL = """
dv/dt = (on * amplitude - {Na} * m**3 * h * (v - {E_Na}) - {K} * n**4 * (v - {E_K}) - {Leak} * (v - {E_Leak})) / ms : 1
dm/dt = (0.1 * (v + 40) / (1 - exp(-(v + 40) / 10)) * (1 - m) - 4.0 * exp(-(v + 65) / 18) * m) / ms : 1
dh/dt = (0.07 * exp(-(v + 65) / 20) * (1 - h) - h / (1 + exp(-(v + 35) / 10))) / ms : 1
dn/dt = (0.01 * (v + 55) / (1 - exp(-(v + 55) / 10)) * (1 - n) - 0.125 * exp(-(v + 65) / 80) * n) / ms : 1
on = int(t >= {start} * ms - dt / 2) * int(t < {end} * ms - dt / 2) : 1 (constant over dt)
amplitude : 1
"""


def make(argument: dict[str, Any], job: Job) -> Work:
    folder = tempfile.TemporaryDirectory()
    b.device.reinit()
    b.device.activate(build_on_run=False)
    b.prefs.codegen.cpp.extra_compile_args_gcc = ["-O3", "-march=native", "-ffast-math", "-w"]
    b.prefs.devices.cpp_standalone.openmp_threads = os.cpu_count() if job.sweeps >= THREADED else 0
    b.prefs.core.default_float_dtype = np.dtype(f"float{argument['precision']}").type
    b.defaultclock.dt = job.step * b.ms
    reversals = {f"E_{name}": value for name, value in REVERSALS.items()}
    text = MODEL.format(**CONDUCTANCES, **reversals, start=STEP_START, end=STEP_START + STEP_DURATION)
    group = b.NeuronGroup(job.sweeps, text, method=job.method)
    group.v = argument["rest"]
    group.m, group.h, group.n = steady_gates(argument["rest"])
    group.amplitude = densities(job.sweeps)
    monitor = b.StateMonitor(group, "v", record=True)
    network = b.Network(group, monitor)
    network.run(DURATION * b.ms)
    b.device.build(directory=folder.name, run=False)

    # By hand, because Brian2 itself runs only what it has built last.
    results = Path(folder.name) / "results" / Path(b.device.get_array_filename(monitor.variables["v"])).name

    def run(keep: object = folder) -> np.ndarray:
        del keep
        subprocess.run(["./main"], cwd=folder.name, check=True)
        voltage = np.fromfile(results, b.prefs.core.default_float_dtype).reshape(-1, job.sweeps).T
        return features(voltage) if job.kind == FEATURES else voltage

    return run


def prepare(argument: dict[str, Any]) -> Works:
    b.set_device("cpp_standalone", build_on_run=False)
    return jobs(make, argument)


if __name__ == "__main__":
    serve(prepare)
