"""Myokit's CVODES on families of sweeps, one after the other. The squid axon only."""

from typing import Any

import myokit  # ty: ignore[import-not-found]
import numpy as np
from contender import Work, Works, serve
from contenders.myokit_cvodes import MODEL
from equations import steady_gates
from families import GRADIENT, JACOBIAN, OFFSET, VOLTAGE, Job, densities, jobs
from work import CONDUCTANCES, DT, DURATION, REVERSALS, STEP_DURATION, STEP_START


def make(argument: dict[str, Any], job: Job) -> Work:
    rest, levels = argument["rest"], densities(job.sweeps).tolist()
    gates = dict(zip("mhn", steady_gates(rest).tolist(), strict=True))
    reversals = {f"E_{name}": value for name, value in REVERSALS.items()}
    text = MODEL.format(v=rest, **gates, **CONDUCTANCES, **reversals)
    model = myokit.parse_model(text.replace("dot(V) = pace", "amplitude = 1\ndot(V) = amplitude * pace"))
    protocol = myokit.Protocol()
    protocol.schedule(1.0, STEP_START, STEP_DURATION)
    wanted = [(["cell.V"], [f"cell.g_{name}" for name in CONDUCTANCES])] if job.kind != VOLTAGE else []
    compiled = myokit.Simulation(model, protocol, *wanted)
    compiled.set_tolerance(job.step, job.step)

    def sweep(density: float) -> np.ndarray:
        compiled.reset()
        compiled.set_constant("cell.amplitude", density)
        found = compiled.run(DURATION, log=["cell.V"], log_interval=DT)
        if job.kind == VOLTAGE:
            return np.array(found["cell.V"])
        voltage, slopes = np.array(found[0]["cell.V"]), np.array(found[1])[:, 0]
        if job.kind == JACOBIAN:
            return slopes.T
        return np.mean(2.0 * (voltage[:, None] + OFFSET) * slopes, axis=0)

    def run() -> np.ndarray:
        found = np.stack([sweep(density) for density in levels])
        if job.kind == GRADIENT:
            return found.mean(axis=0)
        return found.swapaxes(0, 1) if job.kind == JACOBIAN else found

    return run


def prepare(argument: dict[str, Any]) -> Works:
    return jobs(make, argument)


if __name__ == "__main__":
    serve(prepare)
