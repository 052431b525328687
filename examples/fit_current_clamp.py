"""Fit a spiking neuron of which nothing is known to a family of current steps, and predict the sweeps left out.

The model is `fitting.stranger()`: eight currents with free kinetics, a passive dendrite, and what the amplifier's
bridge has left of the electrode's resistance. The current of each sweep is the file's own command. Without a file, a
pyramidal cell is recorded with noise and fitted:

    uv run examples/fit_current_clamp.py [FILE] [--train 1::2] [--test 0::2] [--window 147:647] [--budget 90]
        [--seed 0] [--json OUT] [--plot OUT.png] [--report OUT.html] [--save OUT.json]
"""

import time

STARTED = time.perf_counter()

import argparse
import json
import os
from pathlib import Path

import jax
import numpy as np

jax.config.update("jax_enable_x64", True)
if "JAX_COMPILATION_CACHE_DIR" not in os.environ:  # half a minute of compilation, the first time only
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "patch_sim"
    jax.config.update("jax_compilation_cache_dir", str(cache))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)

import fitting
import patch_sim as ps

NOISE = 0.3  # mV


def synthetic(seed: int) -> tuple[ps.Recording, tuple[float, float]]:
    """A cell of known channels, recorded with noise at nine currents, and the window of the step."""
    cell = ps.presets.neuron("regular_spiking")
    rest = float(ps.rheobase(cell, duration=200.0))
    steps = ps.Step(rest * np.linspace(-0.5, 3.5, 9), start=50.0, duration=300.0)
    electrode = ps.Electrode(series_resistance=8.0, noise=NOISE)
    protocol = ps.CurrentClamp(steps, duration=400.0, dt=0.05, electrode=electrode)
    return ps.simulate(cell, protocol, key=jax.random.key(seed)), (50.0, 350.0)


def sweeps(text: str) -> slice:
    """`1::2` as a slice."""
    try:
        return slice(*(int(part) if part else None for part in text.split(":")))
    except (TypeError, ValueError):
        raise argparse.ArgumentTypeError(f"{text!r} is no slice of sweeps such as 1::2") from None


def window(text: str) -> tuple[float, float]:
    """`147:647` as two times, ms."""
    try:
        start, end = (float(part) for part in text.split(":"))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no window such as 147:647") from None
    return start, end


def numbers(values: np.ndarray) -> list:
    """For JSON, which knows no NaN."""
    return [None if np.isnan(value) else float(value) for value in values]


def main() -> None:
    """Fit, predict, print, and write what was asked for."""
    parser = argparse.ArgumentParser(description="Fit a spiking neuron to a family of current steps.")
    parser.add_argument("file", nargs="?", type=Path, help="a current clamp; without it, one is made")
    parser.add_argument("--train", type=sweeps, default=slice(1, None, 2), help="the sweeps to fit")
    parser.add_argument("--test", type=sweeps, default=slice(0, None, 2), help="the sweeps to predict")
    parser.add_argument("--window", type=window, help="START:END of what is scored, ms; else all that is commanded")
    parser.add_argument("--budget", type=float, default=90.0, help="seconds that the search may take")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, help="write the scores of the prediction here")
    parser.add_argument("--plot", type=Path, help="draw the prediction here")
    parser.add_argument("--report", type=Path, help="write the fit as HTML here")
    parser.add_argument("--save", type=Path, help="save the fit here")
    options = parser.parse_args()

    if options.file:
        recording, span = ps.read(options.file), options.window
        for warning in recording.warnings:
            print(f"warning: {warning}")
    else:
        recording, span = synthetic(options.seed)
        span = options.window or span
    every = np.arange(recording.sweeps)
    result = fitting.fit(
        fitting.stranger(),
        recording.select(options.train),
        loss=fitting.Events(window=span),
        budget=options.budget,
        seed=options.seed,
    )
    print(f"\n{result}\n")
    scores = result.spikes(recording.select(options.test))
    seconds = time.perf_counter() - STARTED
    print(f"sweeps left out: {', '.join(map(str, every[options.test]))}\n{scores}\nin {seconds:.1f} s")
    if options.json:
        report = {
            "test_sweeps": every[options.test].tolist(),
            "observed_counts": scores.observed_counts.tolist(),
            "predicted_counts": scores.predicted_counts.tolist(),
            "latency_error_ms": numbers(scores.latency_error),
            "subthreshold_rms_mV": numbers(scores.subthreshold_rms),
            "peak_error_mV": numbers(scores.peak_error),
            "loss": result.loss,
            "seconds": seconds,
        }
        options.json.write_text(json.dumps(report, indent=1), encoding="utf-8")
    if options.plot:
        scores.plot(every[options.test]).savefig(options.plot, dpi=150)
    if options.report:
        certificate = fitting.certificate(result, recording.select(options.test))
        print(certificate)
        result.with_certificate(certificate).report(options.report)
    if options.save:
        result.save(options.save)


if __name__ == "__main__":
    main()
