"""Ask which neuron would have given a recording."""

import dataclasses
import functools
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
import optax

import patch_sim as ps
from fitting.continuation import AbstractContinuation, check_continuation
from fitting.losses import Trace, trace
from fitting.model import Model
from fitting.multistart import Search, draw, polish, screened
from fitting.objective import Objective
from fitting.outcome import Watch, outcome, where
from fitting.parameters import space
from fitting.report import FitResult, Start
from fitting.search import Point, Report, descend, levenberg_marquardt
from fitting.setup import Setup, setup
from fitting.shooting import shooting
from fitting.solver import suitable
from fitting.spikes.events import Events
from fitting.spikes.evolution import Budget
from fitting.spikes.search import fit_events
from fitting.sums import PRIOR, SAMPLES, AbstractLoss, bound
from fitting.synchronization import synchronization
from fitting.traces import Traces, scales
from fitting.uncertainty import uncertainty
from fitting.warm_start import check_warm_start, warm_started

_SECONDS = 90.0
_AGREE = 0.01  # relative difference of losses that counts as the same valley


def fit(
    neuron: ps.Neuron | Model,
    recordings: ps.Recording | Sequence[ps.Recording],
    *,
    free: Sequence[str] | None = None,
    bounds: Mapping[str, tuple[float, float]] | None = None,
    cells: Sequence[int] | None = None,
    ties: Mapping[str, Sequence[str]] | None = None,
    loss: AbstractLoss | Events | None = None,
    budget: int | float | None = None,
    evaluations: int | None = None,
    resume: FitResult | None = None,
    starts: int = 8,
    screen: int = 200,
    steps: int = 100,
    seed: int = 0,
    weights: Any = None,
    initial: Any = None,
    optimizer: optax.GradientTransformation | None = None,
    synchronize: Sequence[float] = (),
    shoot: Sequence[float] = (),
    warm_start: bool = False,
    solver: ps.Solver | None = None,
    progress: bool | Callable[[str], None] = True,
    watch: Callable[[FitResult], Any] | None = None,
) -> FitResult:
    """Find the parameters with which a neuron, seen through its electrodes, gives recordings.

    Without a loss, every recording is scored sample by sample where its mask allows: the voltage of a current clamp,
    the current of a voltage clamp. Recordings of different modes are each divided by the standard deviation of their
    response, so that mV and pA can be added. Each start is the best of `screen` points drawn at random within the
    bounds, and is polished by Levenberg-Marquardt on the exact Jacobian, or by an optax optimizer.

    Other losses add and weigh: `loss=fitting.Traces(0.5) + 0.5 * fitting.PhasePlane() + fitting.Prior({...})`, of
    `Traces`, `SoftFeatures`, `PhasePlane`, `Prior` and `passive_prior`, each with its tolerances; `Events` stands
    alone.

    A spiking neuron is fitted by `loss=fitting.Events(...)`: its spikes, and the voltage around and between them, are
    compared, and a population of points is searched until the budget is spent, see
    `fitting.spikes.evolution.evolve`; from the best, a few steps by careful simulation follow. Its result is an
    ensemble; `fitting.stranger()` is a model for a cell of which nothing is known:

        result = fitting.fit(fitting.stranger(), recording, loss=fitting.Events(window=(147.0, 647.0)), budget=90.0)

    Each recording is simulated through its own `electrode`, without the noise. What is free of it is named as the
    cell's parameters are: `electrode.series_resistance` is one value for all recordings,
    `recordings.1.electrode.offset` that of the second of them, and `recordings.*.electrode.offset` one for each.

    With `cells=[0, 0, 1]` the third recording is of another cell. What is free by its path is then common to all
    cells, and what is free as `cells.*.PATH` has a value in each: the kinetics of
    `free=["channels.Na.gates.*", "cells.*.channels.*.g_max"]` are shared, the conductances are not.

    Args:
        neuron: the model; parameters that are not free keep their values. A `fitting.Model` brings what is free,
            bounds and ties with it.
        recordings: one or several, simulated or read from files.
        free: paths or patterns of the free parameters: `["channels.*.g_max", "electrode.series_resistance"]`.
        bounds: from path or pattern to `(low, high)`, in the parameter's unit. By default a factor of 100 either way
            for what must be positive, a factor of 5 for a slope, 30 mV for another voltage; and of an electrode what
            electrodes have, see `fitting.parameters.space`.
        cells: of which cell each recording is, counted from 0; by default all are of one.
        ties: names for what several parameters have in common: `{"E_K": ["channels.K.reversal",
            "channels.M.reversal"]}`; they are free, and have bounds, by that name.
        loss: what is compared; None for the traces.
        budget: seconds that the search may take, compilation included; of events, 90 if nothing else is said. What
            follows it takes some more.
        evaluations: simulations of the model that the search of events may take instead, a Jacobian counting as one for
            each free parameter and one: the same seed and number give the same result.
        resume: a result, or a saved one that was loaded, of the same free parameters: where its starts have ended is
            where these begin.
        starts: how many; 1 starts from the neuron as it is, without a search, and a number of the electrode that is
            ideal from the middle of its bounds.
        screen: how many points to draw for each start.
        steps: at most so many for each start.
        seed: of the random draws; the same seed gives the same starts.
        weights: of the samples, broadcasting to (sweeps, samples); for several recordings a list of them.
        initial: where each sweep starts, as `patch_sim.simulate` takes it; for several recordings a list.
        optimizer: any optax optimizer, `optax.adam(0.05)`, to use first-order steps instead.
        synchronize: conductances (nS) by which the recorded voltage of a current clamp holds the model at first, the
            largest first, `(30.0, 10.0, 3.0)`; the fit at each begins where the one before has ended, and a last one
            without follows. For traces with spikes, whose sum of squares has many valleys; see
            `fitting.synchronization`.
        shoot: lengths (ms) of the pieces of a current clamp which each start anew near the recorded voltage, the
            shortest first, `(5.0, 20.0)`: for the same traces, and used in the same way, see `fitting.shooting`.
        warm_start: whether every point that is drawn first gets the conductances and the capacitance, as far as they
            are free, with which its currents balance at the recorded voltage, see `fitting.warm_start`.
        solver: as `patch_sim.simulate` takes it; None is `Adaptive()`, with `ImplicitGates` where a membrane with gates
            faster than 50/ms is clamped through a series resistance. What is given here draws and predicts later, too.
        progress: whether to show progress (of what takes more than two seconds), or a function that takes each line.
        watch: a function that takes the best so far, whenever it is better: a result without errors, which can be
            drawn. It is called while the search waits, from any thread, by one at a time, at most five times a second;
            and again once a second while nothing is better. False from it ends the fit with the best so far. While the
            model is held or starts anew in pieces, the loss is that of what is compared then.

    Returns:
        A `FitResult`. Ctrl-C while starts are polished ends the fit with the best so far.

    Raises:
        KeyError: a pattern that matches no parameter.
        ValueError: bounds, weights, losses or recordings that cannot be used, settings that do not go together; nothing
            has been compiled then.
        RuntimeError: no start gave a model that can be simulated.
    """
    show = ps.Progress(progress)
    model = neuron if isinstance(neuron, Model) else Model(neuron, {}, {})
    recordings = tuple(recordings) if isinstance(recordings, Sequence) else (recordings,)
    _check(model.neuron, recordings, starts, screen, steps)
    _check_budget(loss, budget, evaluations, resume)
    if isinstance(loss, Events):
        unused = {
            "synchronize": tuple(synchronize) or None,
            "shoot": tuple(shoot) or None,
            "warm_start": warm_start or None,
        }
        _check_unused(weights=weights, initial=initial, optimizer=optimizer, solver=solver, **unused)
    prepared = setup(model.neuron, recordings, cells)
    free = list(model.bounds) if free is None else free
    box = space(prepared, free, _bounds(model, free, bounds), {**model.ties, **(ties or {})})
    prepared = prepared.freed(box.paths)
    check_continuation("synchronize", synchronize, "conductances in nS", recordings, prepared.electrodes)
    check_continuation("shoot", shoot, "lengths in ms", recordings, prepared.electrodes)
    if synchronize and shoot:
        raise ValueError("synchronize and shoot both lead a model along the recorded voltage: take one of them")
    if warm_start:
        check_warm_start(box, prepared, recordings)
    if isinstance(loss, Events):
        seconds = _SECONDS if budget is None and evaluations is None else budget
        limit = Budget(seconds, evaluations)
        return fit_events(box, prepared, recordings, loss, limit, seed, resume, show, watch)
    told, solver = solver, solver or _suitable(recordings, prepared)
    loss = Traces() if loss is None else loss
    terms = _terms(model.neuron, recordings, weights, initial, scales(loss, recordings))
    objective = Objective(box, prepared, terms, solver, bound(loss, recordings, prepared, box))

    if shoot and not (objective.samples and all(part.rank in (SAMPLES, PRIOR) for part in objective.parts)):
        raise ValueError("shoot compares samples: loss=fitting.Traces(), to which priors at most are added")
    leads: list[Callable[[ps.Recording], AbstractContinuation | None]] = [
        *(functools.partial(synchronization, conductance=k) for k in synchronize),
        *(functools.partial(shooting, length=length) for length in shoot),
    ]
    stages = [*(_led(objective, recordings, lead) for lead in leads), objective]
    if resume is not None:
        first = where(resume, box)
    else:
        first = np.asarray(box.fraction(box.start))[None] if starts == 1 else draw(box, starts * screen, seed)
        first = warm_started(box, prepared, recordings, first, show) if warm_start else first
        first = first if starts == 1 else screened(stages[0], first, starts, show)
    search = (
        functools.partial(levenberg_marquardt, steps=steps)
        if optimizer is None
        else functools.partial(descend, steps=steps, optimizer=optimizer)
    )

    def so_far(u: np.ndarray, cost: float) -> FitResult:
        initial, seconds = tuple(term.initial for term in terms), show.seconds
        known = {"initial": initial, "seconds": seconds, "seed": seed, "solver": told}
        return outcome(box, prepared, recordings, u, loss=_loss(objective, cost), **known)

    ends = np.inf if budget is None else time.monotonic() + budget - show.seconds
    points, interrupted = _polished(
        stages, first, functools.partial(_searched, search), show, lambda: Watch(watch, so_far), ends
    )
    show.close()
    result, overflow = _result(objective, recordings, points, seed, show)
    return _with_warnings(dataclasses.replace(result, solver=told), interrupted, overflow)


def _suitable(recordings: tuple[ps.Recording, ...], prepared: Setup) -> ps.Solver:
    """The solver for recordings whose fit names none: of what suits each, what suits all."""
    pairs = zip(recordings, prepared.rigs, strict=True)
    solvers = [suitable(*rig, recording.mode, recording.command) for recording, rig in pairs]
    return next((solver for solver in solvers if solver != ps.Adaptive()), ps.Adaptive())


def _searched(search: Callable[..., Point], objective: Objective, u: np.ndarray, report: Report) -> Point:
    """Search from some free parameters to others."""

    def ended(point: Point) -> Point:
        return point._replace(u=objective.end(point.u))

    return ended(search(objective, objective.begin(u), report=lambda point: report(ended(point))))


def _polished(
    stages: list[Objective],
    first: np.ndarray,
    search: Search,
    show: ps.Progress,
    watch: Callable[[], Watch],
    ends: float,
) -> tuple[list[Point], bool]:
    """Search from some points, and at each further stage from where that has led, until it `ends`.

    Every stage has the same share of the time that is left.
    """
    for number, stage in enumerate(stages):
        now = time.monotonic()
        points, interrupted = polish(stage, first, search, show, watch(), now + (ends - now) / (len(stages) - number))
        if interrupted:
            return [point._replace(cost=stages[-1].cost(point.u)) for point in points], True
        first = np.stack([point.u for point in points])
    return points, False


def _led(
    objective: Objective,
    recordings: tuple[ps.Recording, ...],
    lead: Callable[[ps.Recording], AbstractContinuation | None],
) -> Objective:
    """An objective with a model that is led along the recorded voltages."""
    pairs = zip(objective.terms, recordings, strict=True)
    terms = tuple(dataclasses.replace(term, continuation=lead(recording)) for term, recording in pairs)
    return dataclasses.replace(objective, terms=terms)


def _check(neuron: Any, recordings: tuple[Any, ...], starts: Any, screen: Any, steps: Any) -> None:
    if not isinstance(neuron, ps.Neuron):
        raise ValueError(f"neuron must be a Neuron, not {neuron!r}")
    if not recordings or not all(isinstance(recording, ps.Recording) for recording in recordings):
        raise ValueError("recordings must be a Recording or a list of them")
    for name, value in {"starts": starts, "screen": screen, "steps": steps}.items():
        if not isinstance(value, int) or value < 1:
            raise ValueError(f"{name} must be a whole number of at least 1, not {value!r}")


def _check_budget(loss: Any, budget: Any, evaluations: Any, resume: Any) -> None:
    if loss is not None and not isinstance(loss, AbstractLoss | Events):
        raise ValueError(f"loss must be a loss such as fitting.Traces() or fitting.Events(...), or None, not {loss!r}")
    for name, value in {"budget": budget, "evaluations": evaluations}.items():
        if value is not None and not (isinstance(value, int | float) and value > 0):
            raise ValueError(f"{name} must be a positive number, not {value!r}")
    if not isinstance(loss, Events) and evaluations is not None:
        raise ValueError("evaluations belong to a fit of events: loss=fitting.Events(...)")
    if resume is not None and not isinstance(resume, FitResult):
        raise ValueError(f"resume must be a FitResult, as fitting.load(path) gives, not {resume!r}")


def _check_unused(**settings: Any) -> None:
    given = [name for name, value in settings.items() if value is not None]
    if given:
        raise ValueError(f"{', '.join(given)}: not for a fit of events, which has a search and a start of its own")


def _bounds(model: Model, free: Sequence[str], bounds: Mapping[str, Any] | None) -> dict[str, Any]:
    """A model's own bounds of what is free, and what is said of them."""
    own = {name: pair for name, pair in model.bounds.items() if name in free}
    return own | dict(bounds or {})


def _terms(
    neuron: ps.Neuron, recordings: tuple[ps.Recording, ...], weights: Any, initial: Any, scales: list[float]
) -> tuple[Trace, ...]:
    several = len(recordings) > 1
    lists = []
    for name, value in {"weights": weights, "initial": initial}.items():
        if value is None or not several:
            lists.append([value] * len(recordings))
        elif isinstance(value, list | tuple) and len(value) == len(recordings):
            lists.append(list(value))
        else:
            raise ValueError(f"{name} must be a list with one entry for each of the {len(recordings)} recordings")
    terms = tuple(trace(*row) for row in zip(recordings, *lists, scales, strict=True))
    for term in terms:
        ps.check_initial(neuron, term.protocol, term.initial)
    return terms


def _result(
    objective: Objective, recordings: tuple[ps.Recording, ...], points: list[Point], seed: int, progress: ps.Progress
) -> tuple[FitResult, bool]:
    """The result at the best point, and whether its derivatives overflow."""
    best = min(points, key=lambda point: point.cost)
    if not np.isfinite(best.cost):
        raise RuntimeError(
            "no start gave a model that can be simulated: look at the bounds, and try patch_sim.simulate on the neuron"
        )
    box = objective.space
    pairs = zip(objective.terms, box.apply(objective.setup, jnp.asarray(best.u)).rigs, strict=True)
    found = uncertainty(objective, best.u)
    result = outcome(
        box,
        objective.setup,
        recordings,
        best.u,
        errors=found.standard_errors,
        white_errors=found.white_errors,
        loss=_loss(objective, best.cost),
        rmse=tuple(_rmse(*rig, term, objective.solver) for term, rig in pairs),
        correlation=found.correlation,
        starts=tuple(
            Start(
                _loss(objective, point.cost),
                tuple(map(float, box.values(jnp.asarray(point.u)))),
                point.steps,
                point.converged,
            )
            for point in points
        ),
        seconds=progress.seconds,
        initial=tuple(term.initial for term in objective.terms),
        directions=found.directions,
        memory=tuple(t * rec.dt for t, rec in zip(found.memory[: len(objective.recorded)], recordings, strict=False)),
        seed=seed,
        objective=objective,
    )
    return result, found.overflow


def _loss(objective: Objective, cost: float) -> float:
    return float(np.sqrt(cost / objective.weight))


def _rmse(neuron: ps.Neuron, electrode: ps.Electrode, term: Trace, solver: ps.Solver) -> float:
    """Root mean square error (mV or pA) over the weighted samples."""
    residual = np.asarray(term.residual(neuron, electrode, solver)) * float(term.scale)
    return float(np.sqrt(np.sum(residual**2) / float(term.weight)))


def _with_warnings(result: FitResult, interrupted: bool, overflow: bool) -> FitResult:
    """Say what a reader should know before believing the fit."""
    warnings = []
    if interrupted:
        warnings.append("the fit was interrupted; this is the best so far")
    losses = np.array([start.loss for start in result.starts])
    agree = int(np.sum(losses <= result.loss * (1 + _AGREE)))
    if len(losses) > 1 and agree < max(2, len(losses) / 2):
        warnings.append(
            f"the starts disagree: only {agree} of {len(losses)} came within {_AGREE:.0%} of the best loss, so a "
            "better one may exist; try more starts or narrower bounds"
        )
    failed = int(np.sum(~np.isfinite(losses)))
    if failed and not interrupted:
        warnings.append(f"{failed} of {len(losses)} starts failed: their model could not be simulated")
    stopped = [estimate.name for estimate in result.estimates if estimate.at_bound]
    if stopped:
        warnings.append(f"at a bound: {', '.join(stopped)}")
    if overflow:
        warnings.append(
            "the derivatives at the best point overflow, so nothing is known of its errors; gates that are much faster "
            "than 50/ms want solver=ps.Adaptive(method=ps.solvers.ImplicitGates())"
        )
        return dataclasses.replace(result, warnings=tuple(warnings))
    lost = [estimate.name for estimate in result.estimates if np.isposinf(estimate.standard_error)]
    if lost:
        warnings.append(f"the recording does not determine {', '.join(lost)}")
    return dataclasses.replace(result, warnings=tuple(warnings))
