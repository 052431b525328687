"""Jaxley on families of sweeps: Crank-Nicolson, its second-order solver, vmapped, and shared out over devices.

The squid axon by Jaxley's own HH; any other cell without calcium by one Jaxley channel for each of ours, with the
same curves, its gates solved by Jaxley's own exponential step.
"""

from typing import Any

import jax
import jax.numpy as jnp
import jaxley as jx  # ty: ignore[import-not-found]
import models
import numpy as np
from contender import Work, Works, serve
from families import BATCH, FEATURES, GRADIENT, JACOBIAN, OFFSET, Job, amplitudes, jobs
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from jaxley.channels import HH, Channel  # ty: ignore[import-not-found]
from jaxley.solver_gate import exponential_euler  # ty: ignore[import-not-found]
from work import CONDUCTANCES, REVERSALS, STEP_DURATION, STEP_START

import patch_sim as ps

SOLVER = "crank_nicolson"
MILLI = 1e-3
"""nA in a pA, and S in a mS."""


class Borrowed(Channel):
    """One of our channels as one of Jaxley's."""

    def __init__(self, name: str, channel: ps.channels.AbstractOhmicChannel):
        self.current_is_in_mA_per_cm2 = True
        super().__init__(name)
        self.ours = channel
        self.channel_params = {f"{name}_g": MILLI * float(channel.g_max)}
        self.channel_states = {f"{name}_{gate}": 0.5 for gate in channel.state_names}
        self.current_name = f"i_{name}"

    def _gates(self, values: dict) -> dict:
        return {gate: values[f"{self._name}_{gate}"] for gate in self.ours.state_names}

    def update_states(self, states, dt, v, params):
        new = {}
        for gate, value in self._gates(states).items():
            drive, total = self.ours.gates[gate].drive(v)
            new[f"{self._name}_{gate}"] = exponential_euler(value, dt, drive / total, 1.0 / total)
        return new

    def compute_current(self, states, v, params):
        opened = self.ours.open_fraction(v, self._gates(states), jnp.zeros(()))
        return params[f"{self._name}_g"] * opened * (v - self.ours.reversal)

    def init_state(self, states, v, params, delta_t):
        return {f"{self._name}_{gate}": x for gate, x in self.ours.steady_state(v, jnp.zeros(())).items()}


def compartment(name: str, rest: float) -> tuple[jx.Compartment, list[str]]:
    """The cell, and the names of its conductances."""
    ours, made = models.cell(name), jx.Compartment()
    side = float(np.sqrt(ours.area / np.pi))
    if name == "squid_axon":
        made.insert(HH())
        for key, value in REVERSALS.items():
            made.set(f"HH_e{key}", value)
        names = [f"HH_g{key}" for key in CONDUCTANCES]
        for key, value in zip(names, CONDUCTANCES.values(), strict=True):
            made.set(key, MILLI * value)
    else:
        for key, channel in ours.channels.items():
            made.insert(Borrowed(key, channel))
        names = [f"{key}_g" for key in ours.channels]
    for key, value in {"radius": side / 2, "length": side, "capacitance": float(ours.capacitance), "v": rest}.items():
        made.set(key, value)
    made.init_states()
    made.record()
    for key in names:
        made.make_trainable(key)
    return made, names


def make(argument: dict[str, Any], job: Job) -> Work:
    cell, names = compartment(argument["cell"], argument["rest"])
    parameters = cell.get_parameters()
    t = np.arange(job.samples) * job.step + 1e-9 * job.step
    shape = jnp.asarray(((t >= STEP_START) & (t < STEP_START + STEP_DURATION)).astype(float), float)

    def sweep(parameters: list, amplitude: jax.Array) -> jax.Array:
        stimuli = cell.data_stimulate(MILLI * amplitude * shape)
        # The first sample is the state after one step.
        return jx.integrate(cell, parameters, data_stimuli=stimuli, delta_t=job.step, solver=SOLVER)[0, : job.samples]

    def reduced(parameters: list, amplitude: jax.Array) -> jax.Array:
        v = sweep(parameters, amplitude)
        return jnp.stack([jnp.sum((v[:-1] < 0) & (v[1:] >= 0)), jnp.max(v)])

    def loss(parameters: list, steps: jax.Array) -> jax.Array:
        return jnp.mean((jax.vmap(sweep, (None, 0))(parameters, steps) + OFFSET) ** 2)

    each = jax.vmap(reduced if job.kind == FEATURES else sweep, (None, 0))
    run = {GRADIENT: jax.grad(loss), JACOBIAN: jax.jacfwd(each)}.get(job.kind, each)
    return batched(run, parameters, amplitudes(argument["cell"], job.sweeps), job, names)


def batched(run: Any, parameters: list, steps: np.ndarray, job: Job, names: list[str]) -> Work:
    """Compile for as many sweeps as are done at once, on one device or all."""
    apart = None
    if job.method == "sharded":
        apart = NamedSharding(Mesh(np.array(jax.devices()), "s"), PartitionSpec("s"))
    compiled = jax.jit(run)
    batches = [jax.device_put(jnp.asarray(part), apart) for part in np.split(steps, max(job.sweeps // BATCH, 1))]
    if job.kind in (GRADIENT, JACOBIAN):
        # By mS/cm2 instead of S/cm2.
        return lambda: np.stack(
            [
                MILLI * np.asarray(part[name])[..., 0]
                for part, name in zip(jax.block_until_ready(compiled(parameters, batches[0])), names, strict=True)
            ]
        )
    return lambda: np.concatenate([np.asarray(compiled(parameters, batch)) for batch in batches])


def prepare(argument: dict[str, Any]) -> Works:
    return jobs(make, argument)


if __name__ == "__main__":
    serve(prepare)
