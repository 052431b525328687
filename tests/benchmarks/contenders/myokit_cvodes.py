"""Myokit: CVODES at 1e-6, without and with its forward sensitivities."""

import myokit  # ty: ignore[import-not-found]
import numpy as np
from contender import Work, Works, serve
from equations import steady_gates
from work import CONDUCTANCES, DT, DURATION, REVERSALS, STEP_DENSITY, STEP_DURATION, STEP_START

TOLERANCE = 1e-6

MODEL = """
[[model]]
cell.V = {v!r}
cell.m = {m!r}
cell.h = {h!r}
cell.n = {n!r}

[engine]
time = 0 in [ms] bind time
pace = 0 bind pace

[cell]
use engine.pace
g_Na = {Na}
g_K = {K}
g_Leak = {Leak}
i_Na = g_Na * m^3 * h * (V - {E_Na})
i_K = g_K * n^4 * (V - {E_K})
i_Leak = g_Leak * (V - {E_Leak})
dot(V) = pace - i_Na - i_K - i_Leak
dot(m) = a * (1 - m) - b * m
    a = 0.1 * (V + 40) / (1 - exp(-(V + 40) / 10))
    b = 4 * exp(-(V + 65) / 18)
dot(h) = a * (1 - h) - b * h
    a = 0.07 * exp(-(V + 65) / 20)
    b = 1 / (1 + exp(-(V + 35) / 10))
dot(n) = a * (1 - n) - b * n
    a = 0.01 * (V + 55) / (1 - exp(-(V + 55) / 10))
    b = 0.125 * exp(-(V + 65) / 80)
"""


def simulation(rest: float, *sensitivities: tuple[list[str], list[str]]) -> myokit.Simulation:
    gates = dict(zip("mhn", steady_gates(rest).tolist(), strict=True))
    reversals = {f"E_{name}": value for name, value in REVERSALS.items()}
    model = myokit.parse_model(MODEL.format(v=rest, **gates, **CONDUCTANCES, **reversals))
    protocol = myokit.Protocol()
    protocol.schedule(STEP_DENSITY, STEP_START, STEP_DURATION)
    compiled = myokit.Simulation(model, protocol, *sensitivities)
    compiled.set_tolerance(TOLERANCE, TOLERANCE)
    return compiled


def sweep(rest: float) -> Work:
    compiled = simulation(rest)

    def run() -> np.ndarray:
        compiled.reset()
        return compiled.run(DURATION, log=["cell.V"], log_interval=DT)["cell.V"]

    return run


def jacobian(rest: float) -> Work:
    compiled = simulation(rest, (["cell.V"], [f"cell.g_{name}" for name in CONDUCTANCES]))

    def run() -> np.ndarray:
        compiled.reset()
        return compiled.run(DURATION, log=["cell.V"], log_interval=DT)[0]["cell.V"]

    return run


def prepare(rest: float) -> Works:
    return {"CVODES 1e-6": lambda: sweep(rest), "value and Jacobian": lambda: jacobian(rest)}


if __name__ == "__main__":
    serve(prepare)
