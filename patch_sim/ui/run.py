"""Simulate for the page, one sweep after the other."""

from collections.abc import Iterator

from patch_sim import presets
from patch_sim.protocols import Mode
from patch_sim.simulate import simulate
from patch_sim.solvers import SolverError
from patch_sim.ui.session import Session
from patch_sim.ui.steps import DT, Steps
from patch_sim.ui.traces import Traces


def title(preset: str) -> str:
    """A preset's name for people: `Squid axon`."""
    name = preset.replace("_", " ")
    return name[0].upper() + name[1:]


def sweeps(preset: str, steps: Steps) -> Iterator[Traces]:
    """Simulate a step family and yield its traces after each sweep: always the same object, which grows.

    Raises:
        SolverError: the solver gave up; the message says in which sweep and at what current.
    """
    cell = presets.neuron(preset)
    samples = steps.protocol(0).samples
    traces = Traces(title(preset), Mode.CURRENT_CLAMP, 0.0, DT, samples, steps.sweeps)
    for sweep in range(steps.sweeps):
        try:
            recording = simulate(cell, steps.protocol(sweep), save=("measured_voltage", "command"))
        except SolverError as error:
            current = f"{steps.amplitudes[sweep]:g} pA"
            raise SolverError(f"Sweep {sweep + 1}: the solver gave up; {current} may be too strong.") from error
        traces.extend(recording)
        yield traces


def run(session: Session, preset: str, steps: Steps) -> Iterator[None]:
    """Simulate into a session, yield at the start and after each sweep, and stop when something else takes the turn.

    Raises:
        SolverError: the solver gave up; the sweeps before stay.
    """
    turn = session.begin()
    try:
        yield
        for traces in sweeps(preset, steps):
            if session.turn != turn:
                return
            if session.traces is not traces:
                session.show(traces)
            yield
    finally:
        session.end(turn)
