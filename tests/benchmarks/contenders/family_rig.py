"""patch_sim on families of sweeps, as a user calls it: one XLA device for each core."""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import models
import numpy as np
from contender import Work, Works, serve
from families import FEATURES, FINE, GRADIENT, JACOBIAN, OFFSET, SLOPES, VOLTAGE, Job, amplitudes, jobs
from jaxtyping import Array, Float
from work import DURATION, STEP_DURATION, STEP_START

import patch_sim as ps

TOLERANCE = 1e-12


def protocol(amplitude: Any, dt: float) -> ps.CurrentClamp:
    step = ps.Step(amplitude=amplitude, start=STEP_START, duration=STEP_DURATION)
    return ps.CurrentClamp(step, duration=DURATION, dt=dt)


def conductances(neuron: ps.Neuron) -> list[str]:
    return [path for path in ps.parameters(neuron) if path.endswith((".g_max", ".p_max"))]


def features(recording: ps.Recording) -> Float[Array, "sweeps 2"]:
    v = recording.voltage
    assert v is not None
    return jnp.stack([jnp.sum((v[:, :-1] < 0) & (v[:, 1:] >= 0), axis=1), jnp.max(v, axis=1)], axis=1)


def loss(recording: ps.Recording) -> Float[Array, ""]:
    assert recording.voltage is not None
    return jnp.mean((recording.voltage + OFFSET) ** 2)


def start(neuron: ps.Neuron, job: Job) -> Any:
    """Rest; for derivatives the same state whatever the conductances, as the others have it."""
    return neuron.resting_state().voltage if job.kind in (GRADIENT, JACOBIAN) else None


def alone(neuron: ps.Neuron, solver: Any, job: Job, steps: np.ndarray) -> Callable[[], Any]:
    """By `simulate`, all sweeps in one protocol."""
    clamp, initial = protocol(steps, job.dt), start(neuron, job)
    if job.kind == VOLTAGE:
        return lambda: ps.simulate(neuron, clamp, save=("voltage",), solver=solver).voltage
    paths = conductances(neuron)

    def kept(values: list) -> Float[Array, "..."]:
        changed = ps.with_parameters(neuron, dict(zip(paths, values, strict=True)))
        recording = ps.simulate(changed, clamp, initial=initial, save=("voltage",), solver=solver)
        return loss(recording) if job.kind == GRADIENT else recording.voltage

    compiled, values = jax.jit(jax.jacfwd(kept)), [ps.parameters(neuron)[path] for path in paths]
    return lambda: jnp.stack(compiled(values))


def compiled(neuron: ps.Neuron, solver: Any, job: Job, steps: np.ndarray) -> Callable[[], Any]:
    """By `simulate` within `jax.jit`, of conductances and current, as Jaxley's users call theirs."""
    paths = conductances(neuron)

    @jax.jit
    def run(values: list, steps: Float[Array, " sweeps"]) -> Any:
        changed = ps.with_parameters(neuron, dict(zip(paths, values, strict=True)))
        return ps.simulate(changed, protocol(steps, job.dt), save=("voltage",), solver=solver).voltage

    values, amplitudes = [ps.parameters(neuron)[path] for path in paths], jnp.asarray(steps, float)
    return lambda: run(values, amplitudes)


def together(neuron: ps.Neuron, solver: Any, job: Job, steps: np.ndarray) -> Callable[[], Any]:
    """By `ensemble`, one sweep for each member."""
    members, clamp = {"protocol.stimulus.amplitude": steps}, protocol(0.0, job.dt)
    initial = start(neuron, job)
    run = functools.partial(ps.ensemble, neuron, clamp, members, initial=initial, solver=solver, progress=False)
    if job.kind == FEATURES:
        return lambda: run(reduce=features).values
    paths = conductances(neuron)
    if job.kind == GRADIENT:
        slopes = functools.partial(run, reduce=loss, derivatives=paths)
        return lambda: np.array([np.mean(slope) for slope in map(slopes().derivatives.get, paths)])
    if job.kind == JACOBIAN:
        return lambda: np.stack([slope["voltage"] for slope in map(run(derivatives=paths).derivatives.get, paths)])
    return lambda: run().values["voltage"]


def make(cell: str, job: Job) -> Work:
    by, method = job.method.split(" ")
    neuron, steps = models.cell(cell), amplitudes(cell, job.sweeps)
    solver = ps.Adaptive(job.step, job.step) if method == "Adaptive" else ps.Exponential(job.step)
    run = {"simulate": alone, "jitted": compiled, "ensemble": together}[by](neuron, solver, job, steps)
    return lambda: jax.block_until_ready(run())


def reference(cell: str) -> Works:
    """The resting potential, the voltage and its derivatives at 1e-12."""
    exactly, neuron = ps.Adaptive(TOLERANCE, TOLERANCE), models.cell(cell)

    def of(kind: str, sweeps: int) -> Work:
        job = Job(kind, sweeps, "", FINE if kind == VOLTAGE else SLOPES)
        return together(neuron, exactly, job, amplitudes(cell, sweeps))

    kinds = VOLTAGE, GRADIENT, JACOBIAN
    works = {f"{kind} {sweeps}": functools.partial(of, kind, sweeps) for kind in kinds for sweeps in (1, 100)}
    return works | {"rest": lambda: lambda: neuron.resting_state().voltage}


def prepare(argument: dict[str, Any]) -> Works:
    if argument.get("reference"):
        return reference(argument["cell"])
    return jobs(make, argument["cell"])


if __name__ == "__main__":
    serve(prepare)
