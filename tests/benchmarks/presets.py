"""One second of each preset at the defaults, against real time and against the squid axon.

    uv run python tests/benchmarks/presets.py

prints one table. Each cell gets a step for 800 of 1,000 ms, from the start that `simulate` gives it, solved as by
default and recorded every 0.1 ms, the voltage only. The current is twice what just makes a resting cell fire, from 10
pA on; a cell that fires by itself gets none. The cells take turns for some rounds; a time is the median over the
rounds, a ratio the median of the ratios within the rounds. Compiling is left out.
"""

import time

import jax
import numpy as np

import patch_sim as ps

DURATION, DT = 1000.0, 0.1
"""ms."""

START, LENGTH = 100.0, 800.0
"""ms: of the step."""

TRIED = 10.0 * 2.0 ** np.arange(10)
"""pA."""

ROUNDS, MEASURE = 9, "squid_axon"


def protocol(amplitude: float) -> ps.CurrentClamp:
    """One sweep of one second."""
    return ps.CurrentClamp(ps.Step(amplitude=amplitude, start=START, duration=LENGTH), duration=DURATION, dt=DT)


def spikes(neuron: ps.Neuron, amplitude: float) -> int:
    """How often it fires."""
    v = np.asarray(ps.simulate(neuron, protocol(amplitude), save=("voltage",)).voltage)[0]
    return int(np.sum((v[:-1] < 0) & (v[1:] >= 0)))


def current(neuron: ps.Neuron) -> float:
    """The current (pA) that it gets."""
    if spikes(neuron, 0.0):
        return 0.0
    enough = next((amplitude for amplitude in TRIED if spikes(neuron, float(amplitude))), TRIED[-1])
    return 2.0 * float(enough)


def seconds(neuron: ps.Neuron, amplitude: float) -> float:
    """How long the second takes."""
    start = time.perf_counter()
    jax.block_until_ready(ps.simulate(neuron, protocol(amplitude), save=("voltage",)).voltage)
    return time.perf_counter() - start


def main() -> None:
    """Measure and print."""
    jax.config.update("jax_enable_x64", True)
    cells = {name: ps.presets.neuron(name) for name in ps.presets.neurons()}
    currents = {name: current(cell) for name, cell in cells.items()}
    rounds = [{name: seconds(cell, currents[name]) for name, cell in cells.items()} for _ in range(ROUNDS)]
    print(f"{'':20}{'channels':>9}{'current':>11}{'spikes':>8}{'time':>12}{'x real time':>13}{'/ squid axon':>14}")
    for name, cell in cells.items():
        taken = float(np.median([each[name] for each in rounds]))
        ratio = float(np.median([each[name] / each[MEASURE] for each in rounds]))
        count = spikes(cell, currents[name])
        line = f"{name:20}{len(cell.channels):9}{currents[name]:8.0f} pA{count:8}{1e3 * taken:9.1f} ms"
        print(f"{line}{1e-3 * DURATION / taken:13.0f}{ratio:14.1f}")


if __name__ == "__main__":
    main()
