"""Jaxley as it ships (no XLA option), in float64: its HH channel, its default solver and its second-order one."""

import functools

import jax
import jax.numpy as jnp
import jaxley as jx  # ty: ignore[import-not-found]
from contender import Work, Works, serve
from jaxley.channels import HH  # ty: ignore[import-not-found]
from work import (
    AMPLITUDE,
    CONDUCTANCES,
    DIAMETER,
    DT,
    DURATION,
    LENGTH,
    REVERSALS,
    SAMPLES,
    STEP_DURATION,
    STEP_START,
    TARGET_NA,
)

jax.config.update("jax_enable_x64", True)

SOLVERS = ("bwd_euler", "crank_nicolson")


def cell(rest: float) -> jx.Compartment:
    compartment = jx.Compartment()
    compartment.insert(HH())
    for key, value in {"radius": DIAMETER / 2, "length": LENGTH, "capacitance": 1.0, "v": rest}.items():
        compartment.set(key, value)
    for name, reversal in REVERSALS.items():
        compartment.set(f"HH_e{name}", reversal)
    compartment.init_states()
    current = jx.step_current(STEP_START, STEP_DURATION, 1e-3 * AMPLITUDE, DT, DURATION)
    compartment.stimulate(current)
    compartment.record()
    for name, conductance in CONDUCTANCES.items():
        compartment.make_trainable(f"HH_g{name}", 1e-3 * conductance)
    return compartment


def prepare(rest: float) -> Works:
    compartment = cell(rest)
    parameters = compartment.get_parameters()
    target = [each | ({"HH_gNa": jnp.array([1e-3 * TARGET_NA])} if "HH_gNa" in each else {}) for each in parameters]

    def voltage(parameters: list, solver: str) -> jax.Array:
        return jx.integrate(compartment, parameters, delta_t=DT, solver=solver)[0, :SAMPLES]

    def sweep(solver: str) -> Work:
        run = jax.jit(lambda parameters: voltage(parameters, solver))
        return lambda: jax.block_until_ready(run(parameters))

    def gradient(solver: str) -> Work:
        expected = voltage(target, solver)
        run = jax.jit(jax.value_and_grad(lambda parameters: jnp.mean((voltage(parameters, solver) - expected) ** 2)))
        return lambda: jax.block_until_ready(run(parameters))[0]

    works: Works = {}
    for solver in SOLVERS:
        works[solver] = functools.partial(sweep, solver)
        works[f"value and gradient, {solver}"] = functools.partial(gradient, solver)
    return works


if __name__ == "__main__":
    serve(prepare)
