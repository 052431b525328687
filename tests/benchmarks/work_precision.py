"""What exactness costs, as a picture: error over time for a sweep.

    uv run python tests/benchmarks/work_precision.py [work_precision.png]

The squid axon, 110 ms with a step of 100 ms, in float64. A single sweep of 10 uA/cm2 and a family of 1,000 sweeps
from 5 to 15 uA/cm2, which run on one XLA device for each core: by `Adaptive` at tolerances from 1e-3 to 1e-9, the
voltage every 0.025 ms, and by `Exponential` at steps from 0.1 to 0.006 ms, the voltage at every step. Left the rms
over a sweep, right the worst error of a spike, both against 1e-12 and of the sweep in the middle of the order of
errors. All works take turns for some rounds; a time is the median. Compiling is left out.
"""

import devices as devices  # first

# isort: split
import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import matplotlib.pyplot as plt
import numpy as np
from clock import seconds
from contenders.family_rig import make, reference
from families import GRADIENT, VOLTAGE, Job, Reference
from search import STEP_START

CELL, MANY = "squid_axon", 1000
TOLERANCES = tuple(10.0**-k for k in range(3, 10))
STEPS = tuple(STEP_START / n for n in (50, 100, 200, 400, 800))
ROUNDS = 5

TICKS = (0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
"""ms."""

LABELS = {"one sweep, Adaptive": (0, 3, 6), "one sweep, Exponential": (0, 1, 4)}
"""The points whose tolerance or step is written beside them."""
CURVES = {
    "one sweep, Adaptive": ("simulate Adaptive", 1, TOLERANCES),
    "one sweep, Exponential": ("simulate Exponential", 1, STEPS),
    "1,000 sweeps, Adaptive": ("ensemble Adaptive", MANY, TOLERANCES),
    "1,000 sweeps, Exponential": ("ensemble Exponential", MANY, STEPS),
}
STYLES = {"one": "-", "1,000": "--"}
COLORS = {"Adaptive": "#0b6e99", "Exponential": "#d1495b"}


def known() -> Reference:
    """What is right."""
    works = {name: np.asarray(build()()) for name, build in reference(CELL).items() if not name.startswith(GRADIENT)}
    return Reference(*(works[f"{VOLTAGE} {sweeps}"].reshape(sweeps, -1) for sweeps in (1, 100)), {})


def measured(right: Reference) -> dict[str, np.ndarray]:
    """Of each curve the points: time for a sweep (ms), rms (mV), spike error (ms)."""
    jobs = {
        (name, k): Job(VOLTAGE, sweeps, method, step, method.endswith("Adaptive"))
        for name, (method, sweeps, steps) in CURVES.items()
        for k, step in enumerate(steps)
    }
    works: dict[Any, Callable[[], Any]] = {key: make(CELL, job) for key, job in jobs.items()}
    errors = {}
    for key, job in jobs.items():
        value = np.ravel(works[key]())
        errors[key] = right.error(job, value), right.spike_error(job, value)
    rounds = [{key: seconds(work) / jobs[key].sweeps for key, work in works.items()} for _ in range(ROUNDS)]
    taken = {key: 1e3 * float(np.median([each[key] for each in rounds])) for key in works}
    return {name: np.array([(taken[key], *errors[key]) for key in jobs if key[0] == name]) for name in CURVES}


def picture(curves: dict[str, np.ndarray], path: Path) -> None:
    """Both sides, the same lines."""
    figure, both = plt.subplots(1, 2, figsize=(9.5, 4.0), layout="constrained", sharex=True)
    for column, (axes, label) in enumerate(zip(both, ("rms error (mV)", "worst spike error (ms)"), strict=True), 1):
        for name, points in curves.items():
            style, color = STYLES[name.split()[0]], COLORS[name.split()[-1]]
            axes.plot(points[:, 0], points[:, column], f"o{style}", color=color, markersize=4, label=name)
        axes.set(xscale="log", yscale="log", xlabel="time for a sweep (ms)", ylabel=label)
        axes.set_xticks(TICKS, [f"{tick:g}" for tick in TICKS])
        axes.minorticks_off()
        axes.grid(which="major", color="0.9", linewidth=0.6)
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
    both[1].axhline(0.01, color="0.5", linewidth=1, linestyle=":")
    both[1].annotate(
        "0.01 ms",
        (1.0, 0.01),
        (-4, 3),
        xycoords=("axes fraction", "data"),
        textcoords="offset points",
        ha="right",
        color="0.4",
        fontsize=9,
    )
    for name, indices in LABELS.items():
        for k in indices:
            step, adaptive = CURVES[name][2][k], name.endswith("Adaptive")
            text, place = (f"{step:.0e}", (-7, -3)) if adaptive else (f"{step:.2g} ms", (6, 2))
            style = {"ha": "right" if adaptive else "left", "color": "0.4", "fontsize": 8}
            both[0].annotate(text, curves[name][k, :2], place, textcoords="offset points", **style)
    both[0].legend(frameon=False, fontsize=9)
    figure.savefig(path, dpi=160)


def main() -> None:
    """Measure and draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("path", nargs="?", type=Path, default=Path("work_precision.png"))
    path = parser.parse_args().path
    jax.config.update("jax_enable_x64", True)
    curves = measured(known())
    for name, points in curves.items():
        print(name, *(f"  {t:.3f} ms: {rms:.1e} mV, {spike:.1e} ms" for t, rms, spike in points), sep="\n")
    picture(curves, path)


if __name__ == "__main__":
    main()
