"""Fit a sodium channel, and the electrode in front of it, to recordings at several series-resistance compensations.

A sodium current of 10 nA through 4.5 MOhm moves the membrane by 45 mV: at 0 % compensation the clamp is lost, and only
a model with the electrode in it can say what the channel did. The channel is I = g m^3 h (V - E_Na), where

    m opens with k exp(V / v) and closes with k exp(V / v), and so does h,

each with its own k and v, on a membrane behind a series resistance, of which the amplifier corrects a part with some
lag, and a Bessel filter. All recordings are fitted together: one cell behind one pipette; the correction, where there
was any, and an offset from the first recording are each recording's own. Then the same cell is fitted without an
electrode, as if the clamp were ideal.

A folder holds NAME_<N>CP.csv for a compensation of N percent: a header with the test potentials (mV), and below each
the current (nA) of 10 ms at -100 mV, 20 ms at the test potential and 10 ms at -100 mV, at 25 kHz; beside it
NAME_<N>CP_meta.csv with rseries_Mohm. Scored are 9 to 15 ms, less the baseline before the step, without the first
0.28 ms of the step: its capacity transients were canceled in the recordings and are not in the model. Without a folder,
recordings are made from known parameters, with noise, and these are recovered:

    uv run examples/fit_nav.py [FOLDER] [--predict FILE.csv] [--starts 4] [--json OUT] [--plot OUT.png]
"""

import time

STARTED = time.perf_counter()

import argparse
import csv
import functools
import json
import re
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

jax.config.update("jax_enable_x64", True)

import fitting
import patch_sim as ps

DT, HOLDING = 0.04, -100.0  # ms, mV
FIRST, STEP, LAST = 9.0, 10.0, 15.0  # ms: what is scored, and where the step is
TRANSIENT = 0.28  # ms
AREA = 1000.0  # um2, of 10 pF
SOLVER = ps.Adaptive(rtol=1e-4, atol=1e-4, method=ps.solvers.ImplicitGates(), max_steps=5000)
"""Errors of a few pA; and rates may become as fast as they like."""


class Rate(ps.AbstractParametric):
    """A rate k exp(V / v)."""

    k: ps.Number = ps.parameter("1/ms", above=0.0)
    v: ps.Number = ps.parameter("mV")

    def __call__(self, voltage: jax.Array) -> jax.Array:
        return self.k * jnp.exp(voltage / self.v)


def sodium_cell() -> ps.Neuron:
    """A cell of 10 pF with sodium channels as they were published for NaV1.5 at 37 degrees C."""
    gates = {
        "m": ps.Gate(opening=Rate(8.743, 13.78), closing=Rate(0.1276, -23.25), power=3),
        "h": ps.Gate(opening=Rate(1.187e-5, -9.328), closing=Rate(2.723, 14.91)),
    }
    channel = ps.Channel(gates, g_max=600.0 / ps.units.whole_cell_conductance(1.0, AREA), ion="Na")
    sodium = ps.Ion(inside=10.0, outside=140.0)
    return ps.Neuron({"Na": channel}, area=AREA, temperature=35.0, ions=ps.Ions(Na=sodium))


def electrode(correction: float, series_resistance: float) -> ps.Electrode:
    """A pipette (MOhm), as the amplifier was set (%)."""
    dials = ps.Compensation(correction=correction, lag=0.03)
    return ps.Electrode(series_resistance=series_resistance, compensation=dials, filter=ps.Bessel(6000.0, poles=4))


M, H = "channels.Na.gates.m", "channels.Na.gates.h"
CELL = {
    "channels.Na.g_max": (20.0, 200.0),  # mS/cm2: 0.2 to 2 uS
    "ions.Na.inside": (3.0, 30.0),  # mM: a reversal potential of 102 to 41 mV
    "capacitance": (0.8, 1.25),  # uF/cm2: 8 to 12.5 pF; the amplifier read 10
    f"{M}.opening.k": (2.0, 100.0),
    f"{M}.opening.v": (10.0, 60.0),
    f"{M}.closing.k": (0.05, 20.0),
    f"{M}.closing.v": (-100.0, -12.0),
    f"{H}.opening.k": (1e-7, 0.1),
    f"{H}.opening.v": (-100.0, -7.0),
    f"{H}.closing.k": (0.3, 10.0),
    f"{H}.closing.v": (10.0, 100.0),
}
GLASS = {
    "electrode.series_resistance": (1.0, 10.0),  # MOhm
    "electrode.compensation.lag": (0.005, 0.1),  # ms
    "electrode.filter.corner": (3000.0, 12000.0),  # Hz
}
CORRECTION, OFFSET = (f"recordings.{{}}.electrode.{name}" for name in ("compensation.correction", "offset"))  # %, mV

KNOWN = {"channels.Na.g_max": 90.0, f"{M}.opening.k": 20.0, f"{M}.opening.v": 25.0, f"{M}.closing.k": 1.0,
         f"{M}.closing.v": -30.0, f"{H}.opening.k": 1e-3, f"{H}.opening.v": -18.0, f"{H}.closing.k": 2.5,
         f"{H}.closing.v": 25.0}  # fmt: skip
KNOWN_RESISTANCE, KNOWN_CORRECTION, NOISE = 5.2, 74.0, 20.0  # MOhm, %, pA; the amplifier was told 4.5 and 80


def protocol(levels: np.ndarray, through: ps.Electrode) -> ps.VoltageClamp:
    """What is scored of a family of steps to some levels (mV)."""
    steps = ps.Step(levels - HOLDING, STEP - FIRST, LAST - STEP)
    return ps.VoltageClamp(steps, holding=HOLDING, duration=LAST - FIRST, dt=DT, electrode=through)


def recording(levels: np.ndarray, through: ps.Electrode, current: Any) -> ps.Recording:
    """A recorded family: a simulated one with the measured current (pA) in place of its own."""
    simulated = ps.simulate(sodium_cell(), protocol(levels, through))
    return eqx.tree_at(lambda rec: rec.current, simulated, jnp.asarray(current)).mask_edges(TRANSIENT)


def read(path: Path) -> ps.Recording:
    """A file's current in pA, less its baseline, and what the amplifier was told."""
    levels = np.loadtxt(path, delimiter=",", max_rows=1)
    current = 1e3 * np.loadtxt(path, delimiter=",", skiprows=1).T
    with path.with_name(f"{path.stem}_meta.csv").open(encoding="utf-8") as file:
        told = float(next(csv.DictReader(file))["rseries_Mohm"])
    t = np.arange(current.shape[1]) * DT
    baseline, scored = (t > STEP - 2.0) & (t < STEP - DT), (t > FIRST - DT / 2) & (t < LAST - DT / 2)
    current = current - current[:, baseline].mean(axis=1, keepdims=True)
    return recording(levels, electrode(correction_of(path), told), current[:, scored])


def correction_of(path: Path) -> float:
    """The compensation (%) that a file's name tells."""
    found = re.search(r"_(\d+)CP$", path.stem)
    if found is None:
        raise SystemExit(f"{path}: the name should tell the compensation, as NAME_80CP.csv does")
    return float(found[1])


def recordings_of(folder: Path) -> list[ps.Recording]:
    """The recordings of a folder, in the order of their compensation."""
    paths = sorted((path for path in folder.glob("*CP.csv")), key=correction_of)
    if not paths:
        raise SystemExit(f"{folder} holds no NAME_<N>CP.csv")
    return [read(path) for path in paths]


def synthetic_recordings(seed: int) -> list[ps.Recording]:
    """A known cell at 0 and 80 %, recorded with noise."""
    levels, cell = np.arange(-60.0, 40.0, 20.0), ps.with_parameters(sodium_cell(), KNOWN)
    recordings = []
    for told, true, key in zip(
        (0.0, 80.0), (0.0, KNOWN_CORRECTION), jax.random.split(jax.random.key(seed)), strict=True
    ):
        clean = ps.simulate(cell, protocol(levels, electrode(true, KNOWN_RESISTANCE))).response
        noise = NOISE * jax.random.normal(key, clean.shape)
        recordings.append(recording(levels, electrode(told, 4.5), clean + noise))
    return recordings


def correction(rec: ps.Recording) -> float:
    """The correction (%) of a recording's electrode."""
    return float(rec.electrode.compensation.correction)


def predicted_through(result: fitting.FitResult, rec: ps.Recording) -> ps.Electrode:
    """The fitted electrode at another recording's compensation: what a dial is worth is read off the fitted ones."""
    told = [0.0, *(correction(fitted) for fitted in result.recordings)]
    worth = [0.0, *(float(through.compensation.correction) for through in result.electrodes)]
    nearest = int(np.argmin([abs(correction(rec) - percent) for percent in told[1:]]))
    percent = np.interp(correction(rec), told, worth)
    return ps.with_parameters(result.electrodes[nearest], {"compensation.correction": percent})


def bare(rec: ps.Recording) -> ps.Recording:
    """The same recording, as if nothing stood between amplifier and membrane."""
    return ps.Recording(rec.time, rec.mode, current=rec.current, command=rec.command, mask=rec.mask)


def estimates(result: fitting.FitResult) -> list[dict]:
    """The fitted parameters; no error where none could be determined."""
    return [
        {"name": row.name, "value": row.value, "unit": row.unit,
         "standard_error": row.standard_error if np.isfinite(row.standard_error) else None}
        for row in result.estimates
    ]  # fmt: skip


def draw(result: fitting.FitResult, path: Path) -> None:
    """Draw, for each compensation, what was recorded, predicted before and after the fit, and what the membrane did."""
    from matplotlib import colormaps, pyplot

    count = len(result.recordings)
    figure, axes = pyplot.subplots(count, 4, sharex=True, squeeze=False, figsize=(14, 3 * count), layout="constrained")
    for column, first in enumerate(axes[0, [0, 0, 0, 3]]):
        for panel in axes[:, column]:
            if panel is not first:
                panel.sharey(first)
    titles = ("recorded (nA)", "published channel (nA)", "fitted (nA)", "fitted: membrane (mV)")
    for panel, title in zip(axes[0], titles, strict=True):
        panel.set_title(title, fontsize="medium")
    for row, rec in zip(axes, result.recordings, strict=True):
        before = ps.simulate(sodium_cell(), protocol(np.asarray(rec.command[:, -1]), rec.electrode))
        after = result.predict(rec)
        traces = (rec.response / 1e3, before.response / 1e3, after.response / 1e3, after.voltage)
        for panel, trace, masked in zip(row, traces, (True, True, True, False), strict=True):
            shown = np.where(rec.scored | (not masked), trace, np.nan)
            for line, color in zip(shown, colormaps["viridis"](np.linspace(0.0, 0.9, rec.sweeps)), strict=True):
                panel.plot(FIRST + np.asarray(rec.time), line, color=color, linewidth=0.8)
            panel.spines[["top", "right"]].set_visible(False)
            panel.set_xlim(STEP - 0.2, STEP + 2.8)
        row[0].set_ylabel(f"{correction(rec):g} % compensation")
    for panel in axes[-1]:
        panel.set_xlabel("time (ms)")
    figure.savefig(path, dpi=150)


def main() -> None:
    """Fit, print, and write what was asked for."""
    parser = argparse.ArgumentParser(description="Fit a sodium channel and the electrode in front of it.")
    parser.add_argument("folder", nargs="?", type=Path, help="of NAME_<N>CP.csv; without it, recordings are made")
    parser.add_argument("--predict", type=Path, help="another recording of the same cell, to predict")
    parser.add_argument("--starts", type=int, default=4)
    parser.add_argument("--screen", type=int, default=60, help="random points from which each start is the best")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, help="write the result here")
    parser.add_argument("--plot", type=Path, help="draw recordings, prediction, fit and membrane potential here")
    options = parser.parse_args()

    recordings = recordings_of(options.folder) if options.folder else synthetic_recordings(options.seed)
    bounds = CELL | GLASS
    bounds |= {CORRECTION.format(k): (20.0, 97.0) for k, rec in enumerate(recordings) if correction(rec) > 0}
    bounds |= {OFFSET.format(k): (-10.0, 10.0) for k in range(1, len(recordings))}
    fit = functools.partial(
        fitting.fit,
        sodium_cell(),
        starts=options.starts,
        screen=options.screen,
        seed=options.seed,
        solver=SOLVER,
    )
    result = fit(recordings, free=list(bounds), bounds=bounds)
    print(f"\n{result}\n")
    for rec, rmse in zip(recordings, result.rmse, strict=True):
        print(f"{correction(rec):g} % compensation: RMSE {rmse:.1f} pA")
    seconds = time.perf_counter() - STARTED
    print(f"RMSE {result.loss:.1f} pA in {seconds:.1f} s, compilation included")
    report = {"rmse_pA": result.loss, "recordings_rmse_pA": result.rmse, "seconds": seconds}
    report["parameters"] = estimates(result)

    ideal = fit([bare(rec) for rec in recordings], free=list(CELL), bounds=CELL)
    print(f"without an electrode in the model: RMSE {ideal.loss:.1f} pA")
    report["without_electrode_rmse_pA"] = ideal.loss
    if options.predict:
        other = read(options.predict)
        report["predict_rmse_pA"] = result.score(other, electrode=predicted_through(result, other))
        print(f"prediction of {options.predict.name}: RMSE {report['predict_rmse_pA']:.1f} pA")
    if options.plot:
        draw(result, options.plot)
    if options.json:
        options.json.write_text(json.dumps(report, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
