"""The panels of what is set up: the rack of channels, the protocol and the electrode."""

import json
from typing import Any

import gradio as gr
import jax.numpy as jnp
import numpy as np

from patch_sim import presets
from patch_sim.channels import AbstractMarkovChannel
from patch_sim.describe import in_custom
from patch_sim.ui import pipette
from patch_sim.ui.cell import Cell, catalog, title
from patch_sim.ui.panel import panel
from patch_sim.ui.protocol import FAMILIES, KINDS, kinds, one_sweep
from patch_sim.ui.session import Session, Sessions
from patch_sim.ui.state import State
from patch_sim.ui.traces import Signal

_POINTS = 121
"""Of a curve of a gate."""

_PREVIEWED = 12
"""The most sweeps of a preview."""


def rack(sessions: Sessions) -> gr.HTML:
    """The panel of the cell."""
    scripts = ("form.js", "curves.js")
    return panel("rack", sessions, choices, preset, view_cell, curves, check, scripts=scripts)


def protocol_panel(sessions: Sessions) -> gr.HTML:
    """The panel of the protocol, with a preview of the command."""
    return panel("protocol", sessions, protocol_kinds, family, preview, scripts=("form.js", "plot.js"))


def electrode_panel(sessions: Sessions) -> gr.HTML:
    """The panel of the electrode."""
    return panel("electrode", sessions, electrode_fields, check, scripts=("form.js",))


def choices(session: Session) -> dict[str, Any]:
    """The cells and channels that there are."""
    return {"cells": [[name, title(name)] for name in presets.neurons()], "channels": catalog()}


def preset(session: Session, name: str) -> dict[str, Any]:
    """A cell with a family of steps that suits it."""
    if name not in FAMILIES:
        raise ValueError(f"there is no cell {name!r}.")
    return State.of(name).view()


def check(session: Session, state: Any) -> dict[str, Any]:
    """What is set up, if it can be: as JSON, or as the text of a file."""
    if isinstance(state, str):
        try:
            state = json.loads(state)
        except ValueError as error:
            raise ValueError(f"this file holds no saved rig: {error}.") from error
    parsed = State.parse(state)
    parsed.cell.neuron()
    return parsed.view()


def view_cell(session: Session, cell: Any) -> dict[str, Any]:
    """What the rack shows of a cell."""
    return Cell.parse(cell).view()


def curves(session: Session, cell: Any, name: str) -> dict[str, Any]:
    """Steady states and time constants of a channel's gates over voltage; of those that read calcium, at 1 uM."""
    channels = Cell.parse(cell).neuron().channels
    if name not in channels:
        raise ValueError(f"the cell has no channel {name!r}.")
    channel = channels[name]
    v = jnp.linspace(-120.0, 60.0, _POINTS)
    axis = {"voltage": v.tolist(), "unit": "mV"}
    if isinstance(channel, AbstractMarkovChannel):
        occupancies = channel.steady_state(v, jnp.full_like(v, 1e-4))
        shown = [{"name": state, "steady": _list(occupancies[state]), "time": [0.0]} for state in channel.conducting]
        return axis | {"gates": shown}
    calcium = jnp.full_like(v, 1e-3)
    shown = [
        {
            "name": gate,
            "steady": _list(kinetics.steady_state(v, calcium)),
            "time": _list(kinetics.time_constant(v, calcium)),
        }
        for gate, kinetics in in_custom(channel).items()
    ]
    return axis | {"gates": shown}


def _list(values: Any) -> list[float]:
    return np.nan_to_num(np.asarray(values, dtype=float)).round(6).tolist()


def protocol_kinds(session: Session) -> list[dict[str, Any]]:
    """All protocols that can be chosen."""
    return kinds()


def family(session: Session, cell: str) -> dict[str, float]:
    """The steps that suit a cell."""
    return dict(FAMILIES.get(cell, {}))


def preview(session: Session, state: Any) -> dict[str, Any] | None:
    """The command of a protocol, or None of a ready one, whose currents must be searched first."""
    parsed = State.parse(state)
    if parsed.protocol.kind not in KINDS:
        return None
    protocol = parsed.built()
    shown = np.unique(np.linspace(0, protocol.sweeps - 1, _PREVIEWED).astype(int))
    times = jnp.linspace(0.0, protocol.duration, 600, endpoint=False)
    commands = [np.asarray(one_sweep(protocol, int(sweep)).command(times))[0] for sweep in shown]
    return {
        "sweeps": [Signal.encode(command).message() for command in commands],
        "duration": protocol.duration,
        "unit": protocol.mode.command_unit,
        "total": protocol.sweeps,
    }


def electrode_fields(session: Session) -> list[dict[str, Any]]:
    """The numbers of an electrode."""
    return [field.view() for field in pipette.FIELDS]
