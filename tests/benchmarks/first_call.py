"""How long the first call of each preset takes, in a fresh process.

    uv run python tests/benchmarks/first_call.py [--cells squid_axon ...]

prints one table: one sweep of 110 ms with a step of 100 ms, solved as by default, all signals recorded every 0.025 ms.
The first column traces, compiles and runs; the second finds the program in JAX's persistent cache, where the first has
left it. The cells take turns for some rounds, and the fastest of each counts, since other work on the machine can only
slow it down; so does the processor's time, which feels that less. Importing JAX and building the cell are left out.
`EQX_ON_ERROR=nan`, as the app and the tests set it, lets JAX cache a program that diffrax would else put host callbacks
into.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time

import patch_sim as ps

ROUNDS = 3
FIRST, CACHED = 3.0, 1.5
"""s: the bars."""


def first_call(cell: str, cache: str) -> dict[str, float]:
    """Seconds of wall time and of the processor; the program is looked for in a folder, and left there."""
    import jax

    jax.config.update("jax_enable_x64", True)
    jax.config.update("jax_compilation_cache_dir", cache)
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    neuron = ps.presets.neuron(cell)
    protocol = ps.CurrentClamp(ps.Step(100.0, start=5.0, duration=100.0), duration=110.0, dt=0.025)
    jax.block_until_ready(jax.numpy.zeros(1))
    wall, cpu = time.perf_counter(), time.process_time()
    jax.block_until_ready(ps.simulate(neuron, protocol))
    return {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}


def in_a_fresh_process(cell: str, cache: str) -> dict[str, float]:
    """The same, in a process of its own."""
    command = [sys.executable, __file__, "--one", cell, cache]
    environment = {**os.environ, "EQX_ON_ERROR": "nan"}
    return json.loads(subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cells", nargs="*", default=list(ps.presets.neurons()), help="some of the presets")
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(first_call(*options.one)))
        return
    print(f"{'fastest of ' + str(ROUNDS):20}{'compiling':>24}{'from the cache':>24}")
    found: dict[str, list[tuple[dict[str, float], ...]]] = {cell: [] for cell in options.cells}
    for _ in range(ROUNDS):
        for cell in options.cells:
            with tempfile.TemporaryDirectory() as cache:
                found[cell].append((in_a_fresh_process(cell, cache), in_a_fresh_process(cell, cache)))
    for cell, rounds in found.items():
        fastest = [
            {key: min(one[key] for one in calls) for key in ("wall", "cpu")} for calls in zip(*rounds, strict=True)
        ]
        columns = [f"{call['wall']:8.2f} s (CPU {call['cpu']:4.1f} s)" for call in fastest]
        met = fastest[0]["wall"] < FIRST and fastest[1]["wall"] < CACHED
        print(f"{cell:20}{columns[0]:>24}{columns[1]:>24}   [{'met' if met else 'NOT'}]")


if __name__ == "__main__":
    main()
