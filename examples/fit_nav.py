"""Fit a sodium channel, and the electrode in front of it, to recordings at several series-resistance compensations.

A sodium current of 10 nA through 4.5 MOhm moves the membrane by 45 mV: at 0 % compensation the clamp is lost, and only
a model with the electrode in it can say what the channel did. The channel is I = g m^3 h (V - E_Na). A gate opens and
closes with rates k exp(V / v), each with its own k and v; where depolarization drives it, the rate ends at a limit,

    1 / (1 / (k exp(V / v)) + 1 / limit),

as if a step that knows no voltage followed the one that does: sodium channels hardly inactivate faster from some
depolarization on (Aldrich, Corey and Stevens (1983), Nature 306:436-441). The membrane is behind a series resistance,
of which the amplifier corrects a part with some lag, a pipette with a capacitance that this correction feeds back too,
P/N leak subtraction, and a Bessel filter. All recordings are fitted together: one cell behind one pipette; the
correction, where there was any, and an offset from the first recording are each recording's own. Then the same cell is
fitted without an electrode, as if the clamp were ideal, and what is left of both fits is compared.

A folder holds NAME_<N>CP.csv for a compensation of N percent: a header with the test potentials (mV), and below each
the current (nA) of 10 ms at -100 mV, 20 ms at the test potential and 10 ms at -100 mV, at 25 kHz; beside it
NAME_<N>CP_meta.csv with rseries_Mohm. All of 9 to 15 ms is scored, less the baseline before the step; the error is
also told without the first 0.28 ms of the step. Without a folder, recordings are made from known parameters, with
noise, and these are recovered:

    uv run examples/fit_nav.py [FOLDER] [--predict FILE.csv] [--starts 4] [--json OUT] [--plot OUT.png]
"""

import time

STARTED = time.perf_counter()

import argparse
import csv
import dataclasses
import functools
import json
import re
from collections.abc import Sequence
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
TOO_MUCH = 2.0  # times the error of the model with an electrode
SOLVER = ps.Exponential(0.005)
"""For the search; what is reported is simulated again, exactly."""
LEAK = ps.LeakSubtraction(subsweeps=4, polarity=-1)
"""What is linear, and with it the capacity transients, has left the recordings; at -1 no channel opens meanwhile."""


class Rate(ps.AbstractParametric):
    """A rate k exp(V / v)."""

    k: ps.Number = ps.parameter("1/ms", above=0.0)
    v: ps.Number = ps.parameter("mV")

    def __call__(self, voltage: jax.Array) -> jax.Array:
        return self.k * jnp.exp(voltage / self.v)


class LimitedRate(ps.AbstractParametric):
    """A rate k exp(V / v) that does not exceed a limit."""

    k: ps.Number = ps.parameter("1/ms", above=0.0)
    v: ps.Number = ps.parameter("mV")
    limit: ps.Number = ps.parameter("1/ms", above=0.0)

    def __call__(self, voltage: jax.Array) -> jax.Array:
        return 1.0 / (jnp.exp(-voltage / self.v) / self.k + 1.0 / self.limit)


def sodium_cell() -> ps.Neuron:
    """A cell of 10 pF with sodium channels as they were published for NaV1.5 at 37 degrees C, hardly limited."""
    gates = {
        "m": ps.Gate(opening=LimitedRate(8.743, 13.78, 100.0), closing=Rate(0.1276, -23.25), power=3),
        "h": ps.Gate(opening=Rate(1.187e-5, -9.328), closing=LimitedRate(2.723, 14.91, 100.0)),
    }
    channel = ps.Channel(gates, g_max=600.0 / ps.units.whole_cell_conductance(1.0, AREA), ion="Na")
    sodium = ps.Ion(inside=10.0, outside=140.0)
    return ps.Neuron({"Na": channel}, area=AREA, temperature=35.0, ions=ps.Ions(Na=sodium))


def electrode(correction: float, series_resistance: float) -> ps.Electrode:
    """A pipette (MOhm), as the amplifier was set (%)."""
    dials = ps.Compensation(correction=correction, lag=0.06)
    glass = {"series_resistance": series_resistance, "pipette_capacitance": 5.0}
    return ps.Electrode(**glass, compensation=dials, filter=ps.Bessel(6000.0, poles=4))


M, H = "channels.Na.gates.m", "channels.Na.gates.h"
CELL = {
    "channels.Na.g_max": (30.0, 600.0),  # mS/cm2: 0.3 to 6 uS
    "ions.Na.inside": (3.0, 30.0),  # mM: a reversal potential of 102 to 41 mV
    "capacitance": (0.8, 1.25),  # uF/cm2: 8 to 12.5 pF; the amplifier read 10
    f"{M}.opening.k": (5.0, 100.0),
    f"{M}.opening.v": (10.0, 50.0),
    f"{M}.opening.limit": (4.0, 200.0),
    f"{M}.closing.k": (0.05, 10.0),
    f"{M}.closing.v": (-60.0, -12.0),
    f"{H}.opening.k": (1e-3, 0.3),
    f"{H}.opening.v": (-200.0, -15.0),
    f"{H}.closing.k": (2.0, 60.0),
    f"{H}.closing.v": (8.0, 40.0),
    f"{H}.closing.limit": (2.0, 50.0),
}
GLASS = {
    "electrode.series_resistance": (2.0, 8.0),  # MOhm
    "electrode.pipette_capacitance": (1.0, 40.0),  # pF, beyond what was canceled
    "electrode.compensation.lag": (0.02, 0.2),  # ms
    "electrode.filter.corner": (2500.0, 10000.0),  # Hz
}
CELL_ALONE = {name: pair for name, pair in CELL.items() if name != "capacitance"}
"""What an ideal clamp can tell of the cell: leak subtraction takes the capacity current."""
CORRECTION, OFFSET = (f"recordings.{{}}.electrode.{name}" for name in ("compensation.correction", "offset"))  # %, mV

KNOWN = {"channels.Na.g_max": 100.0, "ions.Na.inside": 15.0, f"{M}.opening.k": 40.0, f"{M}.opening.v": 17.0,
         f"{M}.opening.limit": 20.0, f"{M}.closing.k": 0.6, f"{M}.closing.v": -23.0, f"{H}.opening.k": 0.01,
         f"{H}.opening.v": -60.0, f"{H}.closing.k": 20.0, f"{H}.closing.v": 14.0,
         f"{H}.closing.limit": 6.0}  # fmt: skip
GLASS_KNOWN = {"pipette_capacitance": 20.0, "compensation.lag": 0.08}  # pF, ms
KNOWN_RESISTANCE, KNOWN_CORRECTION, NOISE = 4.0, 74.0, 10.0  # MOhm, %, pA; the amplifier was told 4.5 and 80


def protocol(levels: np.ndarray, through: ps.Electrode) -> ps.VoltageClamp:
    """What is scored of a family of steps to some levels (mV)."""
    steps = ps.Step(levels - HOLDING, STEP - FIRST, LAST - STEP)
    clamp = ps.VoltageClamp(steps, holding=HOLDING, duration=LAST - FIRST, dt=DT, electrode=through)
    return dataclasses.replace(clamp, leak_subtraction=LEAK)


def recording(levels: np.ndarray, through: ps.Electrode, current: Any) -> ps.Recording:
    """A recorded family: a simulated one with the measured current (pA) in place of its own."""
    simulated = ps.simulate(sodium_cell(), protocol(levels, through))
    return eqx.tree_at(lambda rec: rec.current, simulated, jnp.asarray(current))


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
        through = ps.with_parameters(electrode(true, KNOWN_RESISTANCE), GLASS_KNOWN)
        clean = ps.simulate(cell, protocol(levels, through)).response
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
    signals = {"current": rec.current, "command": rec.command}
    return ps.Recording(rec.time, rec.mode, **signals, mask=rec.mask, leak_subtraction=rec.leak_subtraction)


def errors(result: fitting.FitResult, start: float = FIRST) -> list[float]:
    """The root mean square error (pA) of each recording before the step and from a time (ms) on, simulated exactly."""
    scored = np.asarray(result.recordings[0].time) + FIRST
    kept = (scored < STEP - DT / 2) | (scored > start - DT / 2)
    pairs = zip(result.recordings, result.electrodes, strict=True)
    return [result.score(rec.with_mask(kept), electrode=through) for rec, through in pairs]


def total(errors: list[float]) -> float:
    """That of recordings of one length together (pA)."""
    return float(np.sqrt(np.mean(np.square(errors))))


def noise(recordings: Sequence[ps.Recording]) -> float:
    """The standard deviation (pA) of the current before the step."""
    before = np.asarray(recordings[0].time) + FIRST < STEP - DT / 2
    return float(np.sqrt(np.mean([np.var(np.asarray(rec.current)[:, before]) for rec in recordings])))


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


def told(result: fitting.FitResult) -> dict[str, Any]:
    """Say what was found and what is left, and return it."""
    recordings, found = result.recordings, errors(result)
    rmse, masked, floor = total(found), total(errors(result, STEP + TRANSIENT)), noise(recordings)
    seconds = time.perf_counter() - STARTED
    print(f"\n{result}\n")
    for rec, error in zip(recordings, found, strict=True):
        print(f"{correction(rec):g} % compensation: RMSE {error:.1f} pA")
    print(f"RMSE {rmse:.1f} pA in {seconds:.1f} s, compilation included; {rmse / floor:.1f} times the noise")
    print(f"without the first {TRANSIENT:g} ms of the step: RMSE {masked:.1f} pA")
    return {"rmse_pA": rmse, "masked_rmse_pA": masked, "recordings_rmse_pA": found, "noise_pA": floor,
            "seconds": seconds, "parameters": estimates(result)}  # fmt: skip


def told_without_electrode(ideal: fitting.FitResult, report: dict[str, Any]) -> dict[str, Any]:
    """Say what is left where no electrode is in the model, next to what is left with one, and return it."""
    rmse, times, more = ideal.loss, ideal.loss / report["noise_pA"], ideal.loss / report["rmse_pA"]
    print(f"without an electrode in the model: RMSE {rmse:.1f} pA, {times:.1f} times the noise")
    if more > TOO_MUCH:
        print(f"something is missing there: it leaves {more:.1f} times as much as the model with the electrode.")
        print("The membrane was not at the command: do not believe that channel.")
    return {"without_electrode_rmse_pA": rmse, "something_is_missing_without_electrode": more > TOO_MUCH}


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
    report = told(result)
    ideal = fit([bare(rec) for rec in recordings], free=list(CELL_ALONE), bounds=CELL_ALONE)
    report |= told_without_electrode(ideal, report)
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
