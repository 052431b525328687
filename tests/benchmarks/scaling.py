"""How time grows with the number of sweeps and of channels, as a picture.

    uv run python tests/benchmarks/scaling.py [scaling.png]

Left: 1 to 100,000 sweeps of the squid axon (110 ms, a step of 100 ms) with `ensemble`, reduced to the number of
spikes and the peak, by constant steps of 0.025 ms and by the adaptive default, in float64 and, for the steps, in
float32; one XLA device for each core. Right: one sweep of cells with 3 to 13 channels, from `models.py`, with
`simulate`. All works take turns for some rounds, those of more than 5 s for one; a point is the median. Compiling is
left out.
"""

import devices as devices  # first

# isort: split
import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import matplotlib.pyplot as plt
import models
import numpy as np
from clock import seconds
from contenders.family_rig import features, protocol
from families import amplitudes

import patch_sim as ps

SWEEPS = (1, 10, 100, 1000, 10_000, 100_000)
CHANNELS = tuple(range(3, models.NUMBER + 1))
SOLVERS = {"constant steps of 0.025 ms": ps.Exponential(0.025), "adaptive, 1e-6": ps.Adaptive()}
MOST_ADAPTIVE = 10_000
CURRENT = 200.0
"""pA: of the cells with more and more channels."""

DT = 0.025
ROUNDS, SLOW = 5, 5.0
TICKS = (1, 2, 5, 10, 20, 50, 100)
"""ms."""

NOTES = {9: "calcium and its pool", 13: "13-state Markov scheme"}
"""What comes with a channel."""

STYLES = {"adaptive": "o-#0b6e99", "float32": "o:#d1495b", "constant": "o-#d1495b"}
"""Marker, line and color by a word of a curve's name."""

Curve = dict[int, Callable[[], Any]]


def over_sweeps(solver: Any, most: int) -> Curve:
    """The works of the left side."""
    neuron = ps.presets.neuron("squid_axon")

    def work(sweeps: int) -> Callable[[], Any]:
        members = {"protocol.stimulus.amplitude": amplitudes("squid_axon", sweeps)}
        clamp = protocol(0.0, DT)
        return lambda: ps.ensemble(neuron, clamp, members, reduce=features, solver=solver, progress=False)

    return {sweeps: work(sweeps) for sweeps in SWEEPS if sweeps <= most}


def over_channels(solver: Any) -> Curve:
    """The works of the right side."""

    def work(number: int) -> Callable[[], Any]:
        neuron, clamp = models.with_channels(number), protocol(CURRENT, DT)
        return lambda: jax.block_until_ready(ps.simulate(neuron, clamp, save=("voltage",), solver=solver).voltage)

    return {number: work(number) for number in CHANNELS}


def timed(curves: dict[str, Curve]) -> dict[str, dict[int, float]]:
    """The median seconds of each work of each curve."""
    works = [(name, size, work) for name, curve in curves.items() for size, work in curve.items()]
    found: dict[tuple[str, int], list[float]] = {(name, size): [] for name, size, _ in works}
    for _, _, work in works:
        work()
    for _ in range(ROUNDS):
        for name, size, work in works:
            taken = found[name, size]
            if not taken or taken[0] < SLOW:
                taken.append(seconds(work))
    return {name: {size: float(np.median(found[name, size])) for size in curve} for name, curve in curves.items()}


def drawn(axes: Any, curves: dict[str, dict[int, float]], unit: float) -> None:
    """One side: a line for each curve."""
    for name, points in curves.items():
        style = next(style for word, style in STYLES.items() if word in name)
        values = [unit * seconds for seconds in points.values()]
        axes.plot([*points], values, style[:2], color=style[2:], markersize=4, label=name)
    axes.legend(frameon=False, fontsize=9)
    axes.grid(which="major", color="0.9", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


def picture(sweeps: dict[str, dict[int, float]], channels: dict[str, dict[int, float]], path: Path) -> None:
    """Both sides."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(9.5, 3.8), layout="constrained")
    drawn(left, sweeps, 1.0)
    left.set(xscale="log", yscale="log", xlabel="sweeps of the squid axon", ylabel="time (s)")
    last, seconds = list(sweeps["constant steps of 0.025 ms"].items())[-1]
    left.plot([last / 1000, last], [seconds / 1000 * 0.5, seconds * 0.5], ":", color="0.5", linewidth=1)
    left.annotate(
        "proportional", (last / 30, seconds / 30 * 0.5), (6, -12), textcoords="offset points", color="0.4", fontsize=9
    )
    drawn(right, channels, 1e3)
    right.set(xlabel="channels of the cell", ylabel="time of one sweep (ms)", xticks=CHANNELS[::2], yscale="log")
    right.set_yticks(TICKS, [f"{tick:g}" for tick in TICKS])
    right.minorticks_off()
    for number, text in NOTES.items():
        highest = 1e3 * max(points[number] for points in channels.values())
        place = {"xytext": (-8, 0), "textcoords": "offset points", "ha": "right", "va": "center"}
        right.annotate(text, (number, highest), color="0.4", fontsize=9, **place)
    figure.savefig(path, dpi=160)


def main() -> None:
    """Measure and draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("path", nargs="?", type=Path, default=Path("scaling.png"))
    path = parser.parse_args().path
    fixed, adaptive = SOLVERS
    limits = {fixed: SWEEPS[-1], adaptive: MOST_ADAPTIVE}
    single = timed({f"{fixed}, float32": over_sweeps(SOLVERS[fixed], SWEEPS[-1])})
    jax.config.update("jax_enable_x64", True)
    sweeps = timed({name: over_sweeps(solver, limits[name]) for name, solver in SOLVERS.items()}) | single
    channels = timed({name: over_channels(solver) for name, solver in SOLVERS.items()})
    for name, points in (sweeps | {f"channels, {name}": points for name, points in channels.items()}).items():
        print(name, ", ".join(f"{size:,}: {1e3 * seconds:.2f} ms" for size, seconds in points.items()))
    picture(sweeps, channels, path)


if __name__ == "__main__":
    main()
