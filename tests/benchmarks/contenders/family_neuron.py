"""NEURON on families of sweeps: a process on each core. The squid axon only, by `hh`.

Processes because `hh` without its tables gives wrong voltages in all but the first of NEURON's own threads.
"""

import concurrent.futures
import functools
import multiprocessing
import os
from typing import Any

import numpy as np
from contender import Work, Works, serve
from contenders.neuron_cvode import cell
from families import BATCH, FEATURES, Job, amplitudes, features, jobs
from neuron import h  # ty: ignore[import-not-found]
from work import DURATION, STEP_DURATION, STEP_START

SHARED = 100
"""Sweeps from which on they are shared out over processes."""


def cells(steps: np.ndarray, dt: float) -> tuple[Any, ...]:
    """A cell for each sweep, its clamp and what is recorded; gone when Python lets them go."""
    sections = [cell() for _ in steps]
    clamps = [h.IClamp(section(0.5)) for section in sections]
    records = [h.Vector().record(section(0.5)._ref_v, dt) for section in sections]
    for clamp, amplitude in zip(clamps, steps, strict=True):
        clamp.delay, clamp.dur, clamp.amp = STEP_START, STEP_DURATION, 1e-3 * amplitude
    return sections, clamps, records


def simulated(steps: np.ndarray, job: Job, rest: float) -> np.ndarray:
    """The voltage of some sweeps that NEURON solves in one go."""
    made = cells(steps, job.dt)
    solver, context = h.CVode(), h.ParallelContext()
    solver.active(int(job.adaptive))
    if job.adaptive:
        solver.atol(job.step)
    else:
        h.dt, h.secondorder = job.step, 2
    context.set_maxstep(10)
    h.finitialize(rest)
    context.psolve(DURATION)
    return np.stack([record.as_numpy()[: job.samples] for record in made[2]])


def delivered(steps: np.ndarray, job: Job, rest: float) -> np.ndarray:
    voltage = simulated(steps, job, rest)
    return features(voltage) if job.kind == FEATURES else voltage


def make(argument: dict[str, Any], job: Job) -> Work:
    """Many cells in one go share what a fixed step costs; with CVODE they would share one step, and each goes alone."""
    cores = os.cpu_count() or 1
    size = 1 if job.adaptive else -(-min(job.sweeps, BATCH) // cores)
    steps = amplitudes("squid_axon", job.sweeps)
    batches = [steps[i : i + size] for i in range(0, job.sweeps, size)]
    batch = functools.partial(delivered, job=job, rest=argument["rest"])
    if job.sweeps < SHARED:
        return lambda: np.concatenate([batch(part) for part in batches])
    return lambda: np.concatenate([*processes().map(batch, batches, chunksize=-(-len(batches) // cores // 4))])


@functools.cache
def processes() -> concurrent.futures.Executor:
    """One for all works: processes forked beside the threads of another pool may never end."""
    return concurrent.futures.ProcessPoolExecutor(os.cpu_count(), multiprocessing.get_context("fork"))


def prepare(argument: dict[str, Any]) -> Works:
    return jobs(make, argument)


if __name__ == "__main__":
    serve(prepare)
