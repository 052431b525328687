"""The search of a spiking neuron against what a user would otherwise take, for as long each.

All fit `fitting.stranger()` to the odd sweeps of the pyramidal cell. CMA-ES, differential evolution and ours evaluate
the same compiled batch with the same score; Adam follows the gradient of the mean squared error of the trace, and its
points are scored like the others'. Nothing compiles while the clock runs.

uv run --group peers python tests/benchmarks/fit_peers.py [--budget 90] [--seed 0] [--plot fit_peers.png]
"""

import argparse
import contextlib
import dataclasses
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cma  # ty: ignore[import-not-found]
import jax
import jax.numpy as jnp
import numpy as np
import optax
from scipy.optimize import differential_evolution

import fitting
import patch_sim as ps
from fitting.parameters import Space, space
from fitting.setup import Setup, setup
from fitting.spikes.events import EventTerm
from fitting.spikes.evolution import LAST, Budget, evolve
from fitting.spikes.lanes import joined
from fitting.spikes.population import SOLVER, Population

jax.config.update("jax_enable_x64", True)

FILE = Path(__file__).resolve().parents[3] / "shared" / "recordings" / "cc_pyr_171116sh_0018.abf"
WINDOW = (147.0, 647.0)  # ms
BATCH = 40  # points of one call of the population
SCREENED, SIGMA = 1200, 0.05  # of CMA-ES
RATE, RESTART = 0.03, 200  # of Adam, in the box; steps from each of its starts


@dataclasses.dataclass(frozen=True)
class Problem:
    """What all of them solve.

    Attributes:
        population: costs points, in the box.
        box: the free parameters.
        model: what the points change.
        term: what is compared.
        trace: the recorded voltage at the samples of the model, mV.
        held_out: the sweeps to predict.
    """

    population: Population
    box: Space
    model: Setup
    term: EventTerm
    trace: np.ndarray
    held_out: ps.Recording


class Over(Exception):
    """The time is up."""


class Clock:
    """The best cost so far, and when it came; ends a search when its time is up."""

    def __init__(self, population: Population, budget: float):
        self.population, self.ends = population, time.monotonic() + budget
        self.started = time.monotonic()
        self.best, self.u, self.seconds, self.costs = np.inf, np.full(population.free, 0.5), [0.0], [np.inf]

    def score(self, us: np.ndarray) -> np.ndarray:
        """What points cost."""
        costs = self.population.costs(us, LAST)
        k = int(np.argmin(costs))
        if costs[k] < self.best:
            self.best, self.u = float(costs[k]), us[k]
            self.seconds.append(time.monotonic() - self.started)
            self.costs.append(self.best)
        if time.monotonic() > self.ends:
            raise Over
        return costs


def load() -> Problem:
    """The pyramidal cell, and everything that has to be compiled but Adam's gradient."""
    recording = ps.read(FILE)
    train, held_out = recording.select(slice(1, None, 2)), recording.select(slice(0, None, 2))
    stranger = fitting.stranger()
    prepared = setup(stranger.neuron, (train,))
    box = space(prepared, list(stranger.bounds), stranger.bounds, stranger.ties)
    model = prepared.freed(box.paths)
    term = fitting.Events(window=WINDOW).bind(train)
    population = Population(box, model, joined((term,), model))
    for call in population.compile():
        call.result()
    step = term.protocol.dt
    times = term.begin + np.arange(round(term.protocol.duration / step)) * step
    data = np.asarray(train.response, dtype=float)
    trace = np.stack([np.interp(times, np.arange(data.shape[1]) * train.dt, sweep) for sweep in data])
    return Problem(population, box, model, term, trace, held_out)


def ours(problem: Problem, clock: Clock, seed: int) -> None:
    """`fitting.spikes.evolution.evolve`; its points are scored as the others' are at each stage."""

    def report(stage: str, u: np.ndarray, cost: float) -> None:
        clock.score(u[None])

    evolve(problem.population, Budget(clock.ends - time.monotonic(), None), seed, report)


def cma_es(problem: Problem, clock: Clock, seed: int) -> None:
    """CMA-ES from the best of as many points as ours begins with, each generation a batch, restarted where it stops."""
    rng = np.random.default_rng(seed)
    while True:
        us = rng.random((2, SCREENED, problem.population.free)).mean(axis=0)
        start = us[np.argmin(clock.score(us))]
        options = {"bounds": [0, 1], "popsize": BATCH, "seed": int(rng.integers(1, 2**31)), "verbose": -9}
        search = cma.CMAEvolutionStrategy(start, SIGMA, options)
        while not search.stop():
            points = search.ask()
            search.tell(points, clock.score(np.array(points)).tolist())


def evolution(problem: Problem, clock: Clock, seed: int) -> None:
    """Differential evolution as scipy has it, a generation at a time."""
    free = problem.population.free
    differential_evolution(
        lambda us: clock.score(us.T if us.ndim > 1 else us[None]),
        [(0.0, 1.0)] * free,
        popsize=max(2 * BATCH // free, 1),
        maxiter=10**6,
        tol=0.0,
        rng=seed,
        polish=False,
        updating="deferred",
        vectorized=True,
    )


def gradient(problem: Problem) -> Callable[[Any], Any]:
    """The mean squared error of the trace and its gradient, compiled."""
    term, model, box = (
        jax.tree.map(lambda x: x.astype(jnp.float32) if jnp.issubdtype(jnp.asarray(x).dtype, jnp.floating) else x, part)
        for part in (problem.term.rows(np.arange(problem.term.recorded)), problem.model, problem.box)
    )
    trace = jnp.asarray(problem.trace, jnp.float32)

    def error(u: Any) -> Any:
        point = box.apply(model, u)
        return jnp.mean((term.simulate(*point.rigs[0], SOLVER) - trace) ** 2)

    compiled = jax.jit(jax.value_and_grad(error))
    jax.block_until_ready(compiled(jnp.full(problem.population.free, 0.5, jnp.float32)))
    return compiled


def adam(problem: Problem, clock: Clock, seed: int, error: Callable[[Any], Any]) -> None:
    """Adam on the error of the trace, from the best of a batch, and again from another."""
    rng = np.random.default_rng(seed)
    optimizer = optax.adam(RATE)
    while True:
        us = rng.random((BATCH, problem.population.free))
        u = jnp.asarray(us[np.argmin(clock.score(us))], jnp.float32)
        state = optimizer.init(u)
        for _ in range(RESTART):
            _, slope = error(u)
            update, state = optimizer.update(jnp.nan_to_num(slope), state)
            u = jnp.clip(u + update, 0.0, 1.0)
            clock.score(np.asarray(u, dtype=float)[None])


def counts(problem: Problem, u: np.ndarray) -> str:
    """The spikes of a point in the sweeps left out, and how many of these are within one."""
    point = problem.box.apply(problem.model, jnp.asarray(u))
    solver = ps.Exponential(SOLVER.dt / 4)
    ((neuron, electrode),) = point.rigs
    scores = fitting.event_scores(neuron, problem.held_out, problem.term.loss, electrode, solver=solver)
    good = np.sum(np.abs(scores.predicted_counts - scores.observed_counts) <= 1)
    return f"{' '.join(map(str, scores.predicted_counts))} | {good} of {len(scores.observed_counts)}"


def draw(clocks: dict[str, Clock], path: Path) -> None:
    """The best cost against the time."""
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7, 4), layout="constrained")
    for name, clock in clocks.items():
        ends = clock.ends - clock.started
        axes.step([*clock.seconds[1:], ends], [*clock.costs[1:], clock.best], where="post", label=name)
    axes.set(xlabel="time (s)", ylabel="best cost", yscale="log")
    axes.legend(frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=150)


def main() -> None:
    """Let each search for as long, and print what it found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--budget", type=float, default=90.0, help="seconds for each")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--plot", type=Path, default=Path("fit_peers.png"))
    options = parser.parse_args()
    problem = load()
    error = gradient(problem)
    searches = {
        "fitting": ours,
        "CMA-ES (pycma)": cma_es,
        "differential evolution (scipy)": evolution,
        "Adam on the trace (optax)": lambda *arguments: adam(*arguments, error=error),
    }
    clocks: dict[str, Clock] = {}
    print("| search | best cost | held-out counts | within 1 |\n| --- | --- | --- | --- |")
    for name, search in searches.items():
        clocks[name] = Clock(problem.population, options.budget)
        with contextlib.suppress(Over):
            search(problem, clocks[name], options.seed)
        print(f"| {name} | {clocks[name].best:.4g} | {counts(problem, clocks[name].u)} |", flush=True)
    problem.population.close()
    draw(clocks, options.plot)


if __name__ == "__main__":
    main()
