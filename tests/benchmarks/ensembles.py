"""Families of sweeps and their derivatives at equal error, against NEURON, Jaxley, Brian2, Myokit and a kernel in C.

    uv run --group peers python tests/benchmarks/ensembles.py [--quick] [--cells squid_axon ...]

prints one table for each cell and whether the bars are met; in full it takes about an hour, most of it `all13` and its
reference. A sweep is 110 ms from rest with a step of 100 ms; in a family its current goes from 5 to 15 uA/cm2
(squid axon; `families.CURRENTS` has the other cells'). "jitted" is `ps.simulate` within `jax.jit`, as Jaxley is called.
Up to 1,000 sweeps the voltage is delivered at every step of the method (adaptive ones: every 0.025 ms), from 10,000 on
the number of spikes and the peak of each. A gradient is that of the mean of (V + 60 mV)^2 by all
conductances or permeabilities, from a start that they do not move; a Jacobian has the derivatives of every sample.

Equal error means that each method takes the longest step, or loosest tolerance, with which
- a single sweep has its spikes within 0.01 ms,
- a family of 100 is within 0.6 mV: the rms over a sweep, of the sweep in the middle of the order of errors. (Where
  the last spike hangs on the end of the step, a sweep is off by a whole spike with every method.)
- the gradient of a single sweep is within 1 % of its length, its Jacobian within 10 % (spikes that are 0.01 ms off
  make 4 to 8 % of it), and the spikes of that sweep within 0.01 ms.
A voltage must come every 0.1 ms at least. The steps of the family are then used for 1,000 and 10,000 sweeps and for its
derivatives; in its gradient those few sweeps whose last spike hangs on the end outweigh all others with every method.
Errors are against patch_sim at 1e-12. That of features is the share of sweeps with another number of spikes, that of
derivatives their distance from the exact ones by their length.

Each simulator runs in its own process, with one thread or XLA device for each core where it can use them. All works
take turns for some rounds; a time is the median over rounds, a ratio the median of the ratios within the rounds.
Building, compiling and the first call are left out. Works of more than 2 s take part in fewer rounds.

NEURON, Myokit, Brian2 and the C kernel have the squid axon only (the others would want their channels written once
more in each one's language), Jaxley also `regular_spiking`, with our curves. Left out are Jaxley's default solver and
Brian2's exponential Euler, of first order (8 and 18 mV off at 0.025 ms), and NEURON's and Myokit's 10,000 sweeps,
which take ten times as long as 1,000, and the C kernel's single sweep, as its vector lanes are sweeps. Brian2 lives
in an environment of its own, made by uv, because of the NumPy that it wants. A peer that is not installed or not
built is left out with a line that says so.
"""

import argparse
import dataclasses
import functools
import os
import sys
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
from contender import FLAGS, Contender, Failed
from families import FEATURES, GRADIENT, JACOBIAN, VOLTAGE, Job, Reference
from one_sweep import machine
from race import Result
from search import longest_step, loosest_tolerance

SPIKE, RMS = 0.01, 0.6
"""ms and mV: the errors allowed in a single sweep and in a family."""

SLOPE = {GRADIENT: 0.01, JACOBIAN: 0.1}
"""Those of a single sweep's derivatives, by their length."""

PLAIN = {"PATCH_SIM_XLA_OPTION": "0"}  # Jaxley's process imports patch_sim for the cells, and shall not get its option
FUSED = {**PLAIN, FLAGS: "--xla_backend_extra_options=xla_cpu_small_while_loop_byte_threshold=100000000"}
PACKAGES = ("brian2>=2.9", "numpy<2.4", "scipy")
BRIAN = ["uv", "run", "--no-project", "--python", sys.executable, *(f"--with={name}" for name in PACKAGES), "python"]

SECONDS_PER_TURN, CALLS_PER_TURN = 0.3, 10
"""s, and at most."""

SLOW, FEW_ROUNDS = 2.0, 3
"""s, and in how many rounds a work takes part that takes longer."""

Key = tuple[str, Job]


@dataclasses.dataclass(frozen=True)
class Peer:
    """A contender in one precision.

    Attributes:
        module: of the folder `contenders`.
        methods: by kind of job and number of sweeps, which of its methods take part.
        precision: of its floating-point numbers, bits.
        environment: see `Contender`.
        command: see `Contender`.
        cells: those that it has.
    """

    module: str
    methods: Mapping[tuple[str, int], Sequence[str]]
    precision: int = 64
    environment: Mapping[str, str] = dataclasses.field(default_factory=dict)
    command: Sequence[str] = (sys.executable,)
    cells: Sequence[str] = ("squid_axon",)

    def start(self, argument: Mapping[str, object]) -> Contender:
        """Its process."""
        jax = {"JAX_NUM_CPU_DEVICES": str(os.cpu_count()), "JAX_ENABLE_X64": str(int(self.precision == 64))}
        return Contender(self.module, {**argument, "precision": self.precision}, jax | self.environment, self.command)


ADAPTIVE = ("Adaptive", "CVODE", "CVODES")
"""Methods with a tolerance."""

ALL = (VOLTAGE, 1), (VOLTAGE, 100), (VOLTAGE, 1000), (FEATURES, 10000)
DERIVATIVES = (GRADIENT, 1), (GRADIENT, 100), (JACOBIAN, 1), (JACOBIAN, 100)

RIG = {
    (VOLTAGE, 1): ("simulate Adaptive", "simulate Exponential", "jitted Adaptive", "jitted Exponential"),
    (VOLTAGE, 100): ("simulate Adaptive", "simulate Exponential", "ensemble Exponential", "ensemble Adaptive"),
    (VOLTAGE, 1000): ("ensemble Exponential", "ensemble Adaptive"),
    (FEATURES, 10000): ("ensemble Exponential", "ensemble Adaptive"),
    (GRADIENT, 1): ("simulate Adaptive", "simulate Exponential"),
    (GRADIENT, 100): ("ensemble Exponential", "ensemble Adaptive"),
    (JACOBIAN, 1): ("simulate Adaptive", "simulate Exponential"),
    (JACOBIAN, 100): ("ensemble Exponential", "ensemble Adaptive"),
}
JAXLEY = {key: ("vmapped", "sharded") if key[1] > 1 else ("vmapped",) for key in (*ALL, *DERIVATIVES)}
RIG_CELLS, JAXLEY_CELLS = ("squid_axon", "regular_spiking", "all13"), ("squid_axon", "regular_spiking")

PEERS = {
    "patch_sim": Peer("family_rig", RIG, cells=RIG_CELLS),
    "patch_sim, float32": Peer("family_rig", RIG, 32, cells=RIG_CELLS),
    "Jaxley as it ships": Peer("family_jaxley", JAXLEY, environment=PLAIN, cells=JAXLEY_CELLS),
    "Jaxley, XLA option": Peer("family_jaxley", JAXLEY, environment=FUSED, cells=JAXLEY_CELLS),
    "Jaxley, XLA option, float32": Peer("family_jaxley", JAXLEY, 32, FUSED, cells=JAXLEY_CELLS),
    "NEURON": Peer("family_neuron", {key: ("fixed", "CVODE") for key in ALL[:3]}),
    "Myokit": Peer("family_myokit", {key: ("CVODES",) for key in (*ALL[:3], *DERIVATIVES)}),
    "Brian2": Peer("family_brian", {key: ("rk2", "rk4") for key in ALL[1:]}, command=BRIAN),
    "C": Peer("family_kernel", {key: ("kernel",) for key in ALL[1:]}),
    "C, float32": Peer("family_kernel", {key: ("kernel",) for key in ALL[1:]}, 32),
}


def job(kind: str, sweeps: int, method: str, step: float) -> Job:
    """The job of a method, whose name may have a word for how it is called before it."""
    return Job(kind, sweeps, method, step, method.split(" ")[-1] in ADAPTIVE)


def known(cell: str) -> tuple[Reference, float]:
    """What is right for a cell, and its resting potential (mV)."""
    rig = PEERS["patch_sim"].start({"cell": cell, "reference": True})
    value = {name: rig.build(name)[1] for name in rig.works()}
    rig.end()
    voltages = [value[f"{VOLTAGE} {sweeps}"].reshape(sweeps, -1) for sweeps in (1, 100)]
    gradients = {sweeps: value[f"{GRADIENT} {sweeps}"] for sweeps in (1, 100)}
    shapes = {sweeps: (gradients[sweeps].size, sweeps, -1) for sweeps in gradients}
    jacobians = {sweeps: value[f"{JACOBIAN} {sweeps}"].reshape(shape) for sweeps, shape in shapes.items()}
    return Reference(*voltages, gradients, jacobians), float(value["rest"][0])


class Race:
    """The contenders of one cell: what each is asked to do, and how long it took."""

    def __init__(self, cell: str, quick: bool):
        self.cell, self.missing, self.results = cell, {}, {}
        self._largest, self._rounds = (100, 3) if quick else (10000, 11)
        self._running: dict[str, Contender] = {}
        self._slow: dict[Key, bool] = {}
        self._steps: dict[tuple[str, str, str, bool], float | None] = {}
        self.reference, self._rest = known(cell)

    def run(self) -> None:
        """All of it."""
        built: dict[Key, tuple[float, np.ndarray]] = {}
        for name, peer in PEERS.items():
            if self.cell in peer.cells:
                print(f"{self.cell}: {name}", file=sys.stderr)
                try:
                    built |= self._built(name, peer)
                except (Failed, OSError) as failure:
                    self._running.pop(name, None)
                    self.missing[name] = str(failure)
        rounds = [dict(self._turns(built, k)) for k in range(self._rounds)]
        for contender in self._running.values():
            contender.end()
        for key, (first, value) in built.items():
            self.results[key] = Result(np.array([turn.get(key, np.nan) for turn in rounds]), first, value)

    def _built(self, name: str, peer: Peer) -> dict[Key, tuple[float, np.ndarray]]:
        """Start a contender, find its steps, and let it build its works."""
        contender = self._running[name] = peer.start({"cell": self.cell, "rest": self._rest})
        built = {}
        for (kind, sweeps), methods in peer.methods.items():
            for method in methods if sweeps <= self._largest else ():
                step = self._step(name, contender, method, kind if sweeps == 1 else VOLTAGE, sweeps == 1)
                if step is None:
                    self.missing[f"{name}, {method}, {sweeps} sweeps"] = "no step is exact enough"
                    continue
                work = job(kind, sweeps, method, step)
                built[name, work] = contender.build(work.name)
        return built

    def _step(self, name: str, contender: Contender, method: str, kind: str, single: bool) -> float | None:
        """The step of a method, for the voltage or derivatives of a single sweep, or for a family."""
        key = name, method.split(" ")[-1], kind, single
        if key not in self._steps:
            search = loosest_tolerance if key[1] in ADAPTIVE else longest_step
            self._steps[key] = search(functools.partial(self._error, contender, method, kind, single), 1.0)
        return self._steps[key]

    def _error(self, contender: Contender, method: str, kind: str, single: bool, step: float) -> float:
        """The error of a method, in units of what is allowed."""
        work = job(kind, 1 if single else 100, method, step)
        value = contender.build(work.name)[1]
        if not np.all(np.isfinite(value)):
            return float("inf")
        if kind in SLOPE:
            error = self.reference.error(work, value) / SLOPE[kind]
            return max(error, self._error(contender, method, VOLTAGE, True, step))
        return self.reference.spike_error(work, value) / SPIKE if single else self.reference.error(work, value) / RMS

    def _turns(self, built: Mapping[Key, tuple[float, np.ndarray]], k: int) -> Iterator[tuple[Key, float]]:
        """One round: the median time of each work."""
        for name, work in built:
            if k >= FEW_ROUNDS and self._slow[name, work]:
                continue
            seconds = self._running[name].time(work.name, 1)[0]
            self._slow[name, work] = seconds > SLOW
            calls = min(int(SECONDS_PER_TURN / seconds), CALLS_PER_TURN)
            # The first of several calls finds the caches cold.
            yield (name, work), float(np.median(self._running[name].time(work.name, calls))) if calls > 1 else seconds


def ratio(one: Result, other: Result) -> np.ndarray:
    """How many times as long as another work one took: quartiles over the rounds in which both took part."""
    both = np.isfinite(one.seconds) & np.isfinite(other.seconds)
    return np.percentile(one.seconds[both] / other.seconds[both], [25, 50, 75]) if np.any(both) else np.full(3, np.nan)


class Table:
    """What a race of one cell came to."""

    def __init__(self, race: Race):
        self._results, self._reference = race.results, race.reference

    def print(self) -> None:
        """One line for each work, the fastest of ours in each block being the measure of the others."""
        blocks = dict.fromkeys((work.kind, work.sweeps) for _, work in self._results)
        for kind, sweeps in blocks:
            print(f"\n{kind + ', ' + format(sweeps, ',') + ' sweep' + 's' * (sweeps > 1):54}", end="")
            print(f"{'step':>9}{'time':>13}{'ratio':>8}{'error':>12}{'first call':>12}")
            ours = self.fastest(kind, sweeps, "patch_sim")
            for key in self._results:
                if (key[1].kind, key[1].sweeps) == (kind, sweeps):
                    print(self._line(key, ours))

    def _line(self, key: Key, ours: Key) -> str:
        work, result = key[1], self._results[key]
        step = f"{work.step:.0e}" if work.adaptive else f"{work.step:.4f}"
        single = work.kind == VOLTAGE and work.sweeps == 1
        error = (self._reference.spike_error if single else self._reference.error)(work, result.value)
        unit = {VOLTAGE: " ms" if single else " mV"}.get(work.kind, "   ")
        times = ratio(result, self._results[ours])[1]
        seconds = np.nanmedian(result.seconds)
        name = f"{key[0]}: {work.method}"
        return f"{name:54}{step:>9}{1e3 * seconds:10.2f} ms{times:8.2f}{error:9.1e}{unit}{result.first:10.2f} s"

    def fastest(self, kind: str, sweeps: int, name: str, method: str = "") -> Key | None:
        """The fastest work of a contender."""
        keys = [key for key in self._results if key[0] == name and (key[1].kind, key[1].sweeps) == (kind, sweeps)]
        keys = [key for key in keys if key[1].method.endswith(method)]
        return min(keys, key=lambda key: np.nanmedian(self._results[key].seconds), default=None)

    def bar(self, kind: str, sweeps: int, peer: str, times: float, method: str = "") -> str:
        """Whether a peer takes so many times as long as we do."""
        theirs, ours = self.fastest(kind, sweeps, peer, method), self.fastest(kind, sweeps, "patch_sim")
        claim = f"{kind}, {sweeps:,}: {peer} {method}".rstrip() + f" / patch_sim, at least {times:g}"
        if theirs is None or ours is None:
            return f"[ ? ] {claim}: not measured"
        low, middle, high = ratio(self._results[theirs], self._results[ours])
        return f"[{'met' if middle >= times else 'NOT'}] {claim}: {middle:.2f} ({low:.2f} to {high:.2f})"


BARS: list[Callable[[Table], str]] = [
    functools.partial(Table.bar, kind=kind, sweeps=sweeps, peer=peer, times=times, method=method)
    for kind, sweeps, peer, times, method in [
        (VOLTAGE, 1, "Myokit", 5.0, "CVODES"),
        (VOLTAGE, 1, "NEURON", 25.0, "CVODE"),
        (VOLTAGE, 1, "Jaxley, XLA option", 2.0, ""),
        (VOLTAGE, 1, "Jaxley as it ships", 2.0, ""),
        (VOLTAGE, 1000, "Jaxley as it ships", 2.5, ""),
        (VOLTAGE, 1000, "Jaxley, XLA option", 2.5, ""),
        (VOLTAGE, 1000, "NEURON", 5.0, ""),
        (VOLTAGE, 1000, "Brian2", 3.0, ""),
        (VOLTAGE, 1000, "C", 0.5, ""),
        (GRADIENT, 1, "Jaxley as it ships", 10.0, ""),
        (GRADIENT, 1, "Jaxley, XLA option", 3.0, ""),
        (GRADIENT, 100, "Jaxley as it ships", 10.0, ""),
        (GRADIENT, 100, "Jaxley, XLA option", 3.0, ""),
    ]
]
"""At most twice the time of the C kernel is at least half of ours."""

FEW, MANY, GIGABYTES = 100_000, 1_000_000, 2.0
"""Sweeps, sweeps and GB."""


def memory(rounds: int = 3) -> list[str]:
    """A million sweeps reduced to features: memory, and time for a sweep against that of a tenth of them."""
    works = [job(FEATURES, sweeps, "ensemble Exponential", 0.025) for sweeps in (FEW, MANY)]
    runs = [PEERS["patch_sim"].start({"cell": "squid_axon"}) for _ in works]
    for run, work in zip(runs, works, strict=True):
        run.build(work.name)
    each = np.array(
        [
            [run.time(work.name, 1)[0] / work.sweeps for run, work in zip(runs, works, strict=True)]
            for _ in range(rounds)
        ]
    )
    held = [run.memory() for run in runs]
    for run in runs:
        run.end()
    change = float(np.median(each[:, 1] / each[:, 0])) - 1.0
    times = " and ".join(f"{1e6 * seconds:.1f} us" for seconds in np.median(each, axis=0))
    marks = ["met" if met else "NOT" for met in (held[1] < GIGABYTES, abs(change) <= 0.1)]
    return [
        f"[{marks[0]}] {MANY:,} sweeps stay under {GIGABYTES:g} GB: {held[1]:.2f} GB ({FEW:,}: {held[0]:.2f} GB)",
        f"[{marks[1]}] time for a sweep of {FEW:,} and of {MANY:,}, within 10 %: {times}, {100 * change:+.1f} %",
    ]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="at most 100 sweeps, few rounds, no million")
    parser.add_argument("--cells", nargs="*", default=list(RIG_CELLS), help="some of the cells")
    options = parser.parse_args()
    print(machine())
    for cell in options.cells:
        race = Race(cell, options.quick)
        race.run()
        table = Table(race)
        print(f"\n=== {cell}")
        table.print()
        print("", *[bar(table) for bar in BARS], sep="\n")
        for name, reason in race.missing.items():
            print(f"{name} is missing: {textwrap.shorten(reason, 120)}")
        sys.stdout.flush()
    if not options.quick:
        print("", *memory(), sep="\n")


if __name__ == "__main__":
    main()
