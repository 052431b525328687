"""Fit a two-gate hERG model to a voltage-clamp recording, from random starts.

The model is the one of Clerx et al. (2019), Biophys J 117:2420-2437, I = g a r (V - E_K), where

    a opens with p1 exp(p2 V)  and closes with p3 exp(-p4 V),
    r opens with p7 exp(-p8 V) and closes with p5 exp(p6 V),   g = p9.

Without a recording, it makes one from known parameters, with noise, and recovers them:

    uv run examples/fit_herg.py [RECORDING.npz] [--predict OTHER.npz] [--starts 8] [--json OUT] [--plot OUT.png]
"""

import time

STARTED = time.perf_counter()

import argparse
import json
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

jax.config.update("jax_enable_x64", True)

import fitting
import patch_sim as ps


class Rate(ps.AbstractParametric):
    """A rate k exp(+-s V)."""

    sign: int = eqx.field(static=True)
    k: ps.Number = ps.parameter("1/ms", above=0.0)
    s: ps.Number = ps.parameter("1/mV", above=0.0)

    def __call__(self, v: jax.Array) -> jax.Array:
        return self.k * jnp.exp(self.sign * self.s * v)


def herg_cell(p1=1e-3, p2=0.05, p3=1e-3, p4=0.05, p5=1e-2, p6=0.05, p7=1e-2, p8=0.05, p9=100.0) -> ps.Neuron:
    """A CHO cell of 20 pF with hERG channels; p9 in nS."""
    gates = {
        "a": ps.Gate(opening=Rate(+1, p1, p2), closing=Rate(-1, p3, p4)),
        "r": ps.Gate(opening=Rate(-1, p7, p8), closing=Rate(+1, p5, p6)),
    }
    area = 2000.0  # um2
    herg = ps.Channel(gates, g_max=p9 / ps.units.whole_cell_conductance(1.0, area), ion="K")
    return ps.Neuron({"hERG": herg}, area=area, temperature=21.4, ions=ps.Ions(K=ps.Ion(inside=130.0, outside=4.0)))


PATHS = {
    "p1": "channels.hERG.gates.a.opening.k",
    "p2": "channels.hERG.gates.a.opening.s",
    "p3": "channels.hERG.gates.a.closing.k",
    "p4": "channels.hERG.gates.a.closing.s",
    "p5": "channels.hERG.gates.r.closing.k",
    "p6": "channels.hERG.gates.r.closing.s",
    "p7": "channels.hERG.gates.r.opening.k",
    "p8": "channels.hERG.gates.r.opening.s",
    "p9": "channels.hERG.g_max",
}
NAMES = {path: name for name, path in PATHS.items()}

# Starts are drawn evenly on a log scale: over five decades for a rate, a factor of 40 for a slope, two decades for g.
BOUNDS = {
    "channels.hERG.gates.*.*.k": (1e-5, 1.0),
    "channels.hERG.gates.*.*.s": (0.005, 0.2),
    "channels.hERG.g_max": (0.5, 50.0),  # mS/cm2: 10 to 1000 nS
}

KNOWN = dict(p1=2.3e-4, p2=0.07, p3=3.4e-5, p4=0.055, p5=0.087, p6=0.009, p7=5.2e-3, p8=0.032, p9=150.0)

STEPS = (
    (-80, 250),
    (-120, 50),
    (-80, 200),
    (40, 1000),
    (-120, 500),
    (-80, 1000),
    (-30, 3500),
    (-120, 500),
    (-80, 1000),
)


def synthetic_recording(seed: int) -> ps.Recording:
    """The sinusoidal protocol of Beattie et al. (2018), J Physiol 596:1813-1828, on a known cell, 10 pA of noise."""
    dt = 0.2
    command = np.concatenate([np.full(round(length / dt), float(level)) for level, length in STEPS])
    t = np.arange(command.size) * dt
    sine = 54 * np.sin(0.007 * (t - 2500)) + 26 * np.sin(0.037 * (t - 2500)) + 10 * np.sin(0.19 * (t - 2500))
    command += np.where((t >= 3000) & (t < 6500), sine, 0.0)
    clamp = ps.VoltageClamp(ps.Samples(command + 80.0, dt), holding=-80.0, duration=command.size * dt, dt=dt)
    clean = ps.simulate(herg_cell(**KNOWN), clamp)
    noise = 10.0 * jax.random.normal(jax.random.key(seed), clean.response.shape)
    return eqx.tree_at(lambda rec: rec.current, clean, clean.response + noise).mask_edges(5.0)


def estimates(result: fitting.FitResult) -> list[dict]:
    """The fitted parameters under the paper's names, the conductance as that of the whole cell."""
    nanosiemens = float(ps.units.whole_cell_conductance(1.0, result.neuron.area))
    rows = []
    for row in result.estimates:
        factor, unit = (nanosiemens, "nS") if NAMES[row.name] == "p9" else (1.0, row.unit)
        error = row.standard_error * factor if np.isfinite(row.standard_error) else None
        rows.append({"name": NAMES[row.name], "value": row.value * factor, "unit": unit, "standard_error": error})
    return sorted(rows, key=lambda row: row["name"])


def main() -> None:
    """Fit, print, and write what was asked for."""
    parser = argparse.ArgumentParser(description="Fit a two-gate hERG model to a voltage-clamp recording.")
    parser.add_argument("recording", nargs="?", help="npz, CSV or ABF; without it, one is made from known parameters")
    parser.add_argument("--predict", help="another recording of the same cell, to predict")
    parser.add_argument("--starts", type=int, default=8)
    parser.add_argument("--screen", type=int, default=200, help="random points from which each start is the best")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, help="write the result here")
    parser.add_argument("--plot", type=Path, help="draw recording, model and residual here")
    options = parser.parse_args()

    recording = ps.read(options.recording) if options.recording else synthetic_recording(options.seed)
    for warning in recording.warnings:
        print(f"note: {warning}")
    result = fitting.fit(
        herg_cell(),
        recording,
        free=list(PATHS.values()),
        bounds=BOUNDS,
        starts=options.starts,
        screen=options.screen,
        seed=options.seed,
    )
    predicted = result.score(ps.read(options.predict)) if options.predict else None

    print(f"\nRMSE {result.loss:.3f} pA; of each start: {', '.join(f'{start.loss:.3f}' for start in result.starts)}")
    for row in estimates(result):
        known = "" if options.recording else f"   known: {KNOWN[row['name']]:g}"
        error = "not determined" if row["standard_error"] is None else f"+- {row['standard_error']:.2g}"
        print(f"{row['name']} = {row['value']:.5g} {error} {row['unit']}{known}")
    if result.worst_pair:
        first, second, correlation = result.worst_pair
        print(f"worst determined pair: {NAMES[first]} and {NAMES[second]}, correlation {correlation:+.3f}")
    for warning in result.warnings:
        print(f"warning: {warning}")
    if predicted is not None:
        print(f"prediction of {options.predict}: RMSE {predicted:.3f} pA")
    if options.plot:
        result.plot().savefig(options.plot, dpi=150)
    seconds = time.perf_counter() - STARTED
    print(f"{seconds:.1f} s, compilation included")
    if options.json:
        report = {"rmse_pA": result.loss, "seconds": seconds, "starts": [start.loss for start in result.starts]}
        report["parameters"] = estimates(result)
        if predicted is not None:
            report["predict_rmse_pA"] = predicted
        options.json.write_text(json.dumps(report, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
