"""patch_sim, as a user calls it."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from contender import Work, Works, serve
from jaxtyping import Array, Float
from work import AMPLITUDE, CONDUCTANCES, DT, DURATION, STEP_DURATION, STEP_START, TARGET_NA

import patch_sim as ps

jax.config.update("jax_enable_x64", True)

NAMES = [f"channels.{name}.g_max" for name in CONDUCTANCES]


def protocol() -> ps.CurrentClamp:
    step = ps.Step(amplitude=AMPLITUDE, start=STEP_START, duration=STEP_DURATION)
    return ps.CurrentClamp(step, duration=DURATION, dt=DT)


def sweep(**options: Any) -> Work:
    cell, clamp = ps.presets.neuron("squid_axon"), protocol()
    return lambda: jax.block_until_ready(ps.simulate(cell, clamp, **options).voltage)


def voltage(conductances: Float[Array, "3"]) -> Float[Array, " samples"]:
    cell = ps.with_parameters(ps.presets.neuron("squid_axon"), dict(zip(NAMES, conductances, strict=True)))
    found = ps.simulate(cell, protocol(), save=("voltage",)).voltage
    assert found is not None
    return found[0]


def jacobian() -> Work:
    """One solve that carries the three tangents along."""

    def both(x: Float[Array, "3"]) -> tuple[Float[Array, " samples"], Float[Array, "samples 3"]]:
        return jax.vmap(lambda tangent: jax.jvp(voltage, (x,), (tangent,)), out_axes=(None, -1))(jnp.eye(3))

    return called(both)


def gradient() -> Work:
    target = voltage(jnp.array([*(CONDUCTANCES | {"Na": TARGET_NA}).values()]))
    return called(jax.value_and_grad(lambda x: jnp.mean((voltage(x) - target) ** 2)))


def called(function: Callable) -> Work:
    compiled, conductances = jax.jit(function), jnp.array([*CONDUCTANCES.values()])
    return lambda: jax.block_until_ready(compiled(conductances))[0]


def prepare(rest: float) -> Works:
    del rest  # the rig finds it by itself
    return {
        "all signals": sweep,
        "voltage": lambda: sweep(save=("voltage",)),
        "voltage, 1e-4": lambda: sweep(save=("voltage",), solver=ps.Adaptive(1e-4, 1e-4)),
        "value and Jacobian": jacobian,
        "value and gradient": gradient,
    }


if __name__ == "__main__":
    serve(prepare)
