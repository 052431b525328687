"""What differentiable features of many sweeps cost, as a part of what their simulation costs, in one run.

uv run python tests/benchmarks/soft_features.py
"""

import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import patch_sim as ps
from patch_sim.analysis import soft

jax.config.update("jax_enable_x64", True)

SWEEPS, ROUNDS, DT, BLOCK = 1000, 5, 0.1, 64
DURATION = 110.0


def features(voltage: jax.Array) -> dict[str, Any]:
    """Of one sweep."""
    edges = jnp.linspace(-100.0, 60.0, 17), jnp.linspace(-400.0, 400.0, 17)
    return {
        "count": soft.count(voltage),
        "latency": soft.latency(voltage, DT),
        "sag": soft.sag(voltage, DT),
        "windows": soft.windows(voltage, 20),
        "first spike": soft.spike(voltage, DT),
        "phase density": soft.phase_density(voltage, DT, *edges),
    }


def seconds(call: Callable[[], Any]) -> float:
    """Of one call, to its end."""
    start = time.perf_counter()
    jax.block_until_ready(call())
    return time.perf_counter() - start


def main() -> None:
    """Print the ratio of medians over rounds in which all take turns."""
    cell = ps.presets.neuron("squid_axon")
    clamp = ps.CurrentClamp(ps.Step(np.linspace(0.0, 400.0, SWEEPS), 5.0, 100.0), duration=DURATION, dt=DT)
    solvers = {"the default solver": None, "exponential steps of 0.09 ms": ps.Exponential(0.09)}
    voltage = ps.simulate(cell, clamp, save=("voltage",)).voltage
    works: dict[str, Callable[[], Any]] = {
        name: (lambda solver=solver: ps.simulate(cell, clamp, save=("voltage",), solver=solver).voltage)
        for name, solver in solvers.items()
    }
    names = list(jax.eval_shape(features, voltage[0]))
    for name in names:
        one = jax.jit(jax.vmap(lambda v, name=name: features(v)[name]))
        works[name] = lambda one=one: one(voltage)
    together = {
        "all at once": jax.jit(jax.vmap(features)),
        f"all at once, {BLOCK} sweeps at a time": jax.jit(lambda v: jax.lax.map(features, v, batch_size=BLOCK)),
    }
    works |= {name: (lambda every=every: every(voltage)) for name, every in together.items()}
    for work in works.values():
        seconds(work)
    taken = {name: [] for name in works}
    for _ in range(ROUNDS):
        for name, work in works.items():
            taken[name].append(seconds(work))
    median = {name: float(np.median(times)) for name, times in taken.items()}
    print(f"{SWEEPS} sweeps of {DURATION:g} ms, sampled every {DT:g} ms; part of the simulation's time")
    for solver in solvers:
        print(f"{solver}: {1e3 * median[solver]:.0f} ms")
        for name in (*names, *together):
            print(f"  {name}: {1e3 * median[name]:.1f} ms, {100.0 * median[name] / median[solver]:.1f} %")


if __name__ == "__main__":
    main()
