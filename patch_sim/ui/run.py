"""Simulate for the page, one sweep after the other."""

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from patch_sim import presets
from patch_sim.protocols import AbstractProtocol
from patch_sim.recording import SIGNALS, Recording
from patch_sim.simulate import simulate
from patch_sim.solvers import SolverError
from patch_sim.ui.protocol import one_sweep
from patch_sim.ui.session import Session
from patch_sim.ui.state import State
from patch_sim.ui.traces import MOST_SAMPLES, Traces

_MOST_KEPT = 3_000_000
"""The most samples, over all sweeps, of which channel currents and gates are kept."""


def sweeps(state: State) -> Iterator[tuple[Traces, Recording | None]]:
    """Simulate a family and yield its traces after each sweep: always the same object, which grows.

    With the last comes the whole recording.

    Raises:
        ValueError: numbers that do not go together, or a family that is too large for the page.
        SolverError: the solver gave up; the message says in which sweep.
    """
    cell, protocol = state.cell.neuron(), state.built()
    total = protocol.sweeps * protocol.samples
    if total > MOST_SAMPLES:
        raise ValueError(f"{total:,} samples are more than the {MOST_SAMPLES:,} that the page runs.")
    save = SIGNALS if total <= _MOST_KEPT else ("voltage", "measured_voltage", "current", "command")
    traces = Traces(state.title, protocol.mode, 0.0, protocol.dt, protocol.samples, protocol.sweeps)
    recordings: list[Recording] = []
    for sweep in range(protocol.sweeps):
        one, key = one_sweep(protocol, sweep), jax.random.key(sweep) if state.electrode.get("noise") else None
        try:
            recordings.append(simulate(cell, one, save=save, key=key))
        except SolverError as error:
            raise SolverError(f"Sweep {sweep + 1}: {_reason(one, error)}") from error
        traces.extend(recordings[-1])
        yield traces, stacked(recordings) if sweep + 1 == protocol.sweeps else None


def _reason(protocol: AbstractProtocol, error: SolverError) -> str:
    """Why a sweep failed, to somebody who turns knobs."""
    command = np.asarray(protocol.command())
    strongest = command.flat[np.argmax(np.abs(command))]
    unit = protocol.mode.command_unit
    return f"the solver gave up; {strongest:g} {unit} may be too strong for this cell ({error})."


def stacked(recordings: Sequence[Recording]) -> Recording:
    """One recording of the sweeps of several, which have the same times."""
    first = recordings[0]
    signals = {
        name: jax.tree.map(_joined, *(getattr(each, name) for each in recordings)) for name in (*SIGNALS, "mask")
    }
    warnings = tuple(dict.fromkeys(note for each in recordings for note in each.warnings))
    return dataclasses.replace(first, **signals, warnings=warnings, final_state=None)


def _joined(*parts: Any) -> jax.Array:
    return jnp.asarray(np.concatenate(parts))  # by numpy, since JAX would compile for each number of sweeps


def run(session: Session, turn: int, state: State) -> Iterator[None]:
    """Simulate into a session, and yield after each sweep so that others have their turn.

    Raises:
        ValueError: numbers that do not go together.
        SolverError: the solver gave up; the sweeps before stay.
    """
    for traces, recording in sweeps(state):
        if session.turn != turn:
            return
        if recording is not None:
            session.complete(traces, recording)
        elif session.traces is not traces:
            session.show(traces)
        yield


def first_state() -> State:
    """What is set up when a page opens."""
    return State.of(presets.neurons()[0])


def opening(session: Session, turn: int) -> Iterator[None]:
    """The run that a page opens with."""
    return run(session, turn, first_state())
