"""Fits of spiking neurons: from a box to an ensemble of solutions within a budget."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np

import patch_sim as ps
from fitting.outcome import Watch, outcome, where
from fitting.parameters import Space
from fitting.report import AS_GOOD, FitResult, Start
from fitting.setup import Setup
from fitting.spikes.careful import Careful
from fitting.spikes.events import Events, EventTerm
from fitting.spikes.evolution import LAST, Budget, Pool, Report, best, descended, distinct, evolve, fresh, stalled
from fitting.spikes.lanes import joined
from fitting.spikes.population import Population

_POLISHED, _STEPS = 4, 10  # of the best, by at most so many steps
_SLOWLY = 0.98  # a cost that falls to no less than this, see `stalled`, is low enough
_FEWEST = 3  # solutions that have a spread


def fit_events(
    box: Space,
    setup: Setup,
    recordings: Sequence[ps.Recording],
    events: Events,
    budget: Budget,
    seed: int,
    resume: FitResult | None,
    show: ps.Progress,
    told: Callable[[FitResult], Any] | None = None,
) -> FitResult:
    """Find the parameters with which a neuron spikes as recorded; see `fitting.fit`.

    Raises:
        ValueError: recordings without a spike, or that cannot be compared; a result to resume of other parameters.
    """
    terms = tuple(events.bind(recording) for recording in recordings)
    if not any(np.any(np.asarray(term.targets.count) > 0) for term in terms):
        raise ValueError(
            f"no spike in the recordings: nothing crosses {events.level:g} mV upward in the window; look at the units "
            "and the window, lower Events.level, or fit the trace: loss=None"
        )
    begun = None if resume is None else where(resume, box)
    lanes = joined(terms, setup)
    population, careful = Population(box, setup, lanes), Careful(box, setup, lanes)

    def so_far(u: np.ndarray, cost: float) -> FitResult:
        loss, initial = _loss(cost, terms), (None,) * len(recordings)
        return outcome(
            box, setup, recordings, u, loss=loss, initial=initial, seconds=show.seconds, seed=seed, events=events
        )

    watch = Watch(told, so_far)

    def report(stage: str, u: np.ndarray, cost: float) -> None:
        spent = min(budget.spent(population), 1.0)
        show.show(f"{spent:.0%} of the budget, {stage}: best loss so far {_loss(cost, terms):.4g}")
        if not watch(u, cost):
            raise KeyboardInterrupt

    try:
        show.show("compiling the search (half a minute, the first time)")
        costs, _ = population.compile()
        costs.result()
        pool, interrupted = evolve(population, budget, seed, report, begun)
        pool, interrupted = _polished(careful, pool, interrupted, report)
    finally:
        population.close()
        careful.close()
    show.close()
    return _result(box, setup, terms, recordings, events, pool, seed, interrupted, show.seconds)


def _loss(cost: float, terms: Sequence[EventTerm]) -> float:
    """The root mean square over sweeps of what each is off by, in tolerances."""
    return math.sqrt(cost / sum(term.recorded for term in terms))


def _polished(careful: Careful, pool: Pool, hurried: bool, report: Report) -> tuple[Pool, bool]:
    """All points as they are by careful simulation; from the best few, some steps down unless somebody is in a hurry.

    Returns:
        The points, the best first, and whether Ctrl-C came, then or before.
    """
    try:
        pool = best(fresh(pool.us, careful.costs(pool.us, LAST)), len(pool))
        lowest = [pool.costs[0]]
        while not (hurried or len(lowest) > _STEPS or stalled(lowest, _SLOWLY)):
            moving = pool.descending[:_POLISHED]
            moved = descended(careful, pool[moving], LAST, Budget(None, None))
            pool = distinct(moved.joined(pool[np.setdiff1d(np.arange(len(pool)), moving)]))
            lowest.append(pool.costs[0])
            report("steps with care", pool.us[0], pool.costs[0])
    except KeyboardInterrupt:
        hurried = True
    return pool, hurried


def _result(
    box: Space,
    setup: Setup,
    terms: tuple[EventTerm, ...],
    recordings: Sequence[ps.Recording],
    events: Events,
    pool: Pool,
    seed: int,
    interrupted: bool,
    seconds: float,
) -> FitResult:
    values = np.stack([np.asarray(box.values(jnp.asarray(u)), dtype=float) for u in pool.us])
    losses = np.array([_loss(cost, terms) for cost in pool.costs])
    good = losses <= AS_GOOD * losses[0]
    warnings = [] if not interrupted else ["the fit was interrupted; this is the best so far"]
    warnings.append(
        f"errors are the spread of {int(good.sum())} distinct solutions whose loss is within {AS_GOOD - 1:.0%} of the "
        "best; one family of sweeps does not determine a cell, so believe what they have in common"
    )
    stopped = [name for name, stop in zip(box.names, box.at_bound(pool.us[0]), strict=True) if stop]
    if stopped:
        warnings.append(f"at a bound: {', '.join(stopped)}")
    return outcome(
        box,
        setup,
        recordings,
        pool.us[0],
        errors=values[good].std(axis=0, ddof=1) if good.sum() >= _FEWEST else np.inf,
        loss=float(losses[0]),
        starts=tuple(
            Start(float(loss), tuple(map(float, row)), 0, False) for loss, row in zip(losses, values, strict=True)
        ),
        warnings=tuple(warnings),
        seconds=seconds,
        initial=(None,) * len(recordings),
        seed=seed,
        events=events,
    )
