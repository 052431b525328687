"""How fast an ensemble runs on a GPU, and what bounds it there.

    uv run --extra cuda python tests/benchmarks/gpu.py [SWEEPS ...]

prints, for each number of sweeps (1,000, 10,000, 100,000 and a million unless said otherwise) and for both precisions,
how many cell-steps and how many gradients a second are computed, how long one time step of all sweeps takes, and the
memory held at the most. The work is the squid axon, 110 ms with a step of 100 ms, in steps of 0.025 ms, each sweep with
conductances of its own and reduced to its number of spikes; the gradient, in forward mode and by steps of second order,
is that of its mean voltage by three conductances. Cell and table are made before, as one would in a search; compilation
is left out and stated apart. The CPU cores of the
machine do 10,000 sweeps of the same, for comparison.

Then it profiles: how many kernels a time step is made of, how long they run, and how much of the time the device is
busy. The less it is, the more the time is that of launching kernels; a device that is busy is bounded by its memory or
its arithmetic, and time grows with the sweeps.
"""

import functools
import gzip
import json
import pathlib
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from typing import Any

import devices  # noqa: F401 - one XLA device for each CPU core
import jax
import jax.numpy as jnp
import numpy as np

import patch_sim as ps

DT, DURATION = 0.025, 110.0
STEPS = round(DURATION / DT)
BOUNDS = {"channels.Na.g_max": (90.0, 150.0), "channels.K.g_max": (30.0, 45.0), "channels.Leak.g_max": (0.2, 0.4)}
SIZES, ON_CPU = (1_000, 10_000, 100_000, 1_000_000), 10_000
PROFILED = (1_000, jnp.float32), (100_000, jnp.float64), (100_000, jnp.float32)  # each in one chunk
MEMORY = 0.5
"""The share of a device's memory that an ensemble may use; without that figure, `CPU_MEMORY` GB."""
CPU_MEMORY = 8.0


def spikes(recording: ps.Recording) -> jax.Array:
    v = recording.voltage[0]
    return jnp.sum((v[:-1] < 0.0) & (v[1:] >= 0.0))


def mean(recording: ps.Recording) -> jax.Array:
    return jnp.mean(recording.voltage[0])


GRADIENT: dict[str, Any] = {"reduce": mean, "derivatives": tuple(BOUNDS), "order": 2}


def work(sweeps: int, dtype: type, on: Sequence[Any], order: int = 3, **options: Any) -> Callable[[], ps.Ensemble]:
    """An ensemble that can be run."""
    cell = jax.tree.map(lambda x: x.astype(dtype), ps.presets.neuron("squid_axon"))
    clamp = ps.CurrentClamp(ps.Step(125.0, 5.0, 100.0), duration=DURATION, dt=DT)
    clamp = jax.tree.map(lambda x: x.astype(dtype), clamp)
    initial, solver, table = jnp.asarray(-65.0, dtype), ps.Exponential(DT, order), ps.draw(BOUNDS, sweeps, seed=0)
    limit = (on[0].memory_stats() or {}).get("bytes_limit")
    memory = CPU_MEMORY if limit is None else MEMORY * limit / 1e9
    options |= {"initial": initial, "solver": solver, "memory": memory, "devices": on, "progress": False}
    return functools.partial(ps.ensemble, cell, clamp, table, **options)


def seconds(*args: Any, **options: Any) -> tuple[float, float, ps.Ensemble]:
    """The time of the first call and of the quickest of three more, and what they returned."""
    run, times = work(*args, **options), []
    for _ in range(4):
        start = time.perf_counter()
        made = run()
        times.append(time.perf_counter() - start)
        assert made.finite.all()
    return times[0], min(times[1:]), made


def table(sizes: Sequence[int], on: Sequence[Any]) -> None:
    """One line for each number of sweeps and each precision."""
    heads = ["sweeps", "", "sweeps/s", "cell-steps/s", "us a step", "gradients/s", "compiling", "memory"]
    print("  ".join(f"{head:>12}" for head in heads))
    for size in sizes:
        for dtype in (jnp.float32, jnp.float64):
            first, value, made = seconds(size, dtype, on, reduce=spikes)
            _, gradient, _ = seconds(size, dtype, on, **GRADIENT)
            held = (on[0].memory_stats() or {}).get("peak_bytes_in_use")
            cells = [f"{size:,}", jnp.dtype(dtype).name, f"{size / value:,.0f}", f"{size * STEPS / value:,.3g}"]
            cells += [f"{value / STEPS * 1e6:,.1f}", f"{size / gradient:,.0f}", f"{first - value:.1f} s"]
            cells.append("" if held is None else f"{held / 1e9:.1f} GB")
            print("  ".join(f"{cell:>12}" for cell in cells), f" ({np.mean(made.values):.3f} spikes)", flush=True)


def profile(sweeps: int, dtype: type, on: Sequence[Any], **options: Any) -> None:
    """What the device did in the middle of one call."""
    run = work(sweeps, dtype, on, **options)
    run()  # compiles, if need be
    settings = jax.profiler.ProfileOptions()
    settings.python_tracer_level = settings.host_tracer_level = 0
    with tempfile.TemporaryDirectory() as folder:
        with jax.profiler.trace(folder, create_perfetto_trace=True, profiler_options=settings):
            run()
        kernels = sorted(_kernels(pathlib.Path(folder)), key=lambda e: e["ts"])
    middle = kernels[len(kernels) // 10 : -len(kernels) // 10]  # without what goes before the time loop, and after it
    steps = 0.8 * STEPS
    busy = sum(e["dur"] for e in middle)
    span = middle[-1]["ts"] + middle[-1]["dur"] - middle[0]["ts"]
    name = f"{sweeps:,} sweeps, {jnp.dtype(dtype).name}{', gradient' if 'derivatives' in options else ''}"
    print(
        f"{name}: {len(middle) / steps:.1f} kernels a step, of {busy / len(middle):.1f} us each; "
        f"{span / steps:.1f} us a step, in {busy / span:.0%} of which the device computes",
        flush=True,
    )


def _kernels(folder: pathlib.Path) -> list[dict[str, Any]]:
    """What ran on the streams of a GPU, from the trace of JAX's profiler."""
    with gzip.open(next(folder.rglob("perfetto_trace.json.gz")), "rt") as file:
        events = json.load(file)["traceEvents"]
    labels = [e for e in events if e.get("name") in ("process_name", "thread_name")]
    gpus = {e["pid"] for e in labels if e["name"] == "process_name" and "GPU" in e["args"]["name"]}
    threads = [e for e in labels if e["name"] == "thread_name" and e["pid"] in gpus]
    streams = {(e["pid"], e["tid"]) for e in threads if e["args"]["name"].startswith("Stream")}
    return [e for e in events if "dur" in e and (e["pid"], e["tid"]) in streams]


def main() -> None:
    jax.config.update("jax_enable_x64", True)
    sizes = [int(size) for size in sys.argv[1:]] or SIZES
    cpu, found = jax.devices("cpu"), jax.devices()
    print(", ".join(f"{device.device_kind} ({device.platform})" for device in found))
    table(sizes, found)
    if found[0].platform == "cpu":
        return
    print(f"\n{len(cpu)} CPU cores of the same machine:")
    table([ON_CPU], cpu)
    print()
    for size, dtype in PROFILED:
        profile(size, dtype, found, reduce=spikes)
    profile(*PROFILED[-1], found, **GRADIENT)


if __name__ == "__main__":
    main()
