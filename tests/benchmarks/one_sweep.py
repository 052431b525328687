"""One sweep and its derivatives, against NEURON, Myokit and Jaxley.

    uv run --group peers python tests/benchmarks/one_sweep.py

prints one table and whether the bars are met; it takes a minute or two. The work is classic HH at 6.3 degrees C, 110 ms
with a step of 10 uA/cm2 for 100 ms, from rest, sampled every 0.025 ms, in float64. Each simulator runs in its own
process, without XLA options from outside. A time is the median over rounds in which all take turns; a ratio is the
median of the ratios within the rounds. Building, compiling and the first call are left out and stated apart. A spike
error is the worst against patch_sim at 1e-12, which is checked with another method and with SciPy on the paper's
equations. The peers record the voltage; our sweep is set against theirs with all its signals, and with the voltage
alone. Of the bars of the sweep against a CVODE one suffices. Nothing fails here because a machine is slow: what can be
wrong is tested elsewhere.

A peer that is not installed is left out. Myokit compiles its models: it wants a C compiler and SUNDIALS with its
headers (Debian: `apt-get install gcc libsundials-dev`).
"""

import importlib.metadata
import os
import platform
import textwrap
from collections.abc import Mapping
from pathlib import Path

import equations
import numpy as np
from race import Result, once, race
from work import SAMPLES, spike_error

CONTENDERS = {"patch_sim": "rig", "Myokit": "myokit_cvodes", "NEURON": "neuron_cvode", "Jaxley": "jaxley_hh"}
"""Where each one's works are, in the folder `contenders`."""

PACKAGES = ("patch-sim", "jax", "jaxlib", "diffrax", "myokit", "neuron", "jaxley")

SWEEP = ("patch_sim", "all signals")
VOLTAGE = ("patch_sim", "voltage")
JACOBIAN = ("patch_sim", "value and Jacobian")
MYOKIT = ("Myokit", "CVODES 1e-6")
NEURON = ("NEURON", "CVODE 1e-6")

Results = Mapping[tuple[str, str], Result]


def machine() -> str:
    """The processor, and the versions of what runs on it."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    models = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    versions = [f"{name} {version}" for name in PACKAGES if (version := _version(name))]
    return f"{os.cpu_count()} cores, {(models or [platform.machine()])[0]}\n{', '.join(versions)}"


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def checked_reference(rest: float) -> tuple[np.ndarray, str]:
    """The voltage (mV) at 1e-12, and how well it agrees with two others."""
    ours = once("reference", rest)
    others = {"Dopri8": ours["Dopri8"], "SciPy's DOP853 on the paper's equations": equations.trace()}
    agreement = [f"{spike_error(other, ours['Tsit5']):.0e} ms with {name}" for name, other in others.items()]
    return ours["Tsit5"], f"reference: patch_sim at 1e-12; its spike times agree to {', '.join(agreement)}"


def table(results: Results, reference: np.ndarray) -> str:
    """One line for each work, sweeps before derivatives."""
    derivatives = [key for key in results if key[1].startswith("value and")]
    sweeps = [key for key in results if key not in derivatives]
    header = f"{{:42}}{'time':>10}{'ratio':>9}{'spike error':>15}{'first call':>12}"
    return "\n".join(
        [
            header.format("one sweep"),
            *(line(key, results[key], results[SWEEP], reference) for key in sweeps),
            "",
            header.format("derivatives by 3 conductances"),
            *(line(key, results[key], results[JACOBIAN], reference) for key in derivatives),
        ]
    )


def line(key: tuple[str, str], result: Result, ours: Result, reference: np.ndarray) -> str:
    """Name, time, ratio to ours, spike error if there is a trace, and what the first call took."""
    traced = result.value.size == SAMPLES
    error = f"{spike_error(result.value, reference):.1e} ms" if traced else ""
    milliseconds, ratio = 1e3 * np.median(result.seconds), result.ratio(ours)[1]
    return f"{': '.join(key):42}{milliseconds:7.2f} ms{ratio:9.2f}{error:>15}{result.first:10.2f} s"


def bars(results: Results, reference: np.ndarray) -> list[str]:
    """What is asked for, what was found, and whether it is met."""
    gradients = [key for key in results if key[0] == "Jaxley" and key[1].startswith("value and")]
    fastest = min(gradients, key=lambda key: np.median(results[key].seconds), default=("Jaxley", "gradient"))
    error = spike_error(results[SWEEP].value, reference)
    return [
        f"[{_mark(error <= 0.01)}] spike error of the sweep at most 0.01 ms: {error:.1e} ms",
        bar(results, MYOKIT, SWEEP, at_least=4.0),
        bar(results, MYOKIT, VOLTAGE, at_least=4.0),
        bar(results, NEURON, SWEEP, at_least=20.0),
        bar(results, JACOBIAN, VOLTAGE, at_most=3.0),
        bar(results, fastest, JACOBIAN, at_least=10.0),
    ]


def bar(
    results: Results,
    one: tuple[str, str],
    other: tuple[str, str],
    at_least: float = 0.0,
    at_most: float = np.inf,
) -> str:
    """Whether one work takes as many times as long as another as it should, with quartiles over the rounds."""
    wanted = f"at least {at_least:g}" if at_least else f"at most {at_most:g}"
    claim = f"{': '.join(one)} / {': '.join(other)}, {wanted}"
    if one not in results:
        return f"[ ? ] {claim}: not measured"
    low, ratio, high = results[one].ratio(results[other])
    return f"[{_mark(at_least <= ratio <= at_most)}] {claim}: {ratio:.2f} ({low:.2f} to {high:.2f})"


def _mark(met: bool) -> str:
    return "met" if met else "NOT"


def main() -> None:
    """Measure and print."""
    rest = equations.rest()
    reference, agreement = checked_reference(rest)
    results, missing = race(CONTENDERS, rest)
    print(machine(), agreement, "", table(results, reference), "", *bars(results, reference), sep="\n")
    for name, reason in missing.items():
        print(f"{name} is missing: {textwrap.shorten(reason, 100)}")
    if missing:
        print("all peers: uv run --group peers python tests/benchmarks/one_sweep.py")


if __name__ == "__main__":
    main()
