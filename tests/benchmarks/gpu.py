"""How fast an ensemble runs on whatever devices JAX finds: made for a GPU.

    uv run --extra cuda python tests/benchmarks/gpu.py [SWEEPS ...]

prints, for each number of sweeps (1,000, 10,000 and 100,000 unless said otherwise) and for both precisions, how many
cell-steps and how many gradients a second are computed. The work is the squid axon, 110 ms with a step of 100 ms, in
steps of 0.025 ms, each sweep with conductances of its own and reduced to its number of spikes; the gradient, in
forward mode, is that of its mean voltage by three conductances. Compilation is left out and stated apart.
"""

import sys
import time

import jax
import jax.numpy as jnp

import patch_sim as ps

DT, DURATION = 0.025, 110.0
STEPS = round(DURATION / DT)
BOUNDS = {"channels.Na.g_max": (90.0, 150.0), "channels.K.g_max": (30.0, 45.0), "channels.Leak.g_max": (0.2, 0.4)}


def spikes(recording: ps.Recording) -> jax.Array:
    v = recording.voltage[0]
    return jnp.sum((v[:-1] < 0.0) & (v[1:] >= 0.0))


def mean(recording: ps.Recording) -> jax.Array:
    return jnp.mean(recording.voltage[0])


def seconds(sweeps: int, dtype: type, **options) -> tuple[float, float]:
    """The time of the first call and of the second."""
    cell = jax.tree.map(lambda x: x.astype(dtype), ps.presets.neuron("squid_axon"))
    clamp = ps.CurrentClamp(ps.Step(125.0, 5.0, 100.0), duration=DURATION, dt=DT)
    clamp = jax.tree.map(lambda x: x.astype(dtype), clamp)
    table = ps.draw(BOUNDS, sweeps, seed=0)
    times = []
    for _ in range(2):
        start = time.perf_counter()
        made = ps.ensemble(
            cell, clamp, table, initial=jnp.asarray(-65.0, dtype), solver=ps.Exponential(DT), memory=8.0, **options
        )
        times.append(time.perf_counter() - start)
        assert made.finite.all()
    return times[0], times[1]


def main() -> None:
    jax.config.update("jax_enable_x64", True)
    sizes = [int(size) for size in sys.argv[1:]] or [1_000, 10_000, 100_000]
    print(", ".join(f"{device.device_kind} ({device.platform})" for device in jax.devices()))
    print(f"{'sweeps':>8}  {'':8}  {'sweeps/s':>10}  {'cell-steps/s':>12}  {'gradients/s':>11}  {'compiling':>9}")
    for size in sizes:
        for dtype in (jnp.float32, jnp.float64):
            first, value = seconds(size, dtype, reduce=spikes)
            _, gradient = seconds(size, dtype, reduce=mean, derivatives=tuple(BOUNDS))
            rates = f"{size / value:10,.0f}  {size * STEPS / value:12,.3g}  {size / gradient:11,.0f}"
            print(f"{size:8,}  {jnp.dtype(dtype).name:8}  {rates}  {first - value:7.1f} s", flush=True)


if __name__ == "__main__":
    main()
