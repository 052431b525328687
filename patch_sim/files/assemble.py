"""Putting a Recording together from what a file held."""

from collections.abc import Iterable
from typing import Any

import jax.numpy as jnp
import numpy as np

from patch_sim.electrode import Electrode
from patch_sim.files.checks import flags
from patch_sim.protocols import Mode
from patch_sim.recording import Recording

COMMAND_FOR_VOLTAGE = (
    "voltage is the command: what the electrode's series resistance leaves of it at the membrane was not recorded"
)
"""What is said of a voltage clamp whose membrane voltage is unknown."""


def assemble(
    mode: Mode,
    time: np.ndarray,
    response: np.ndarray,
    command: np.ndarray | None,
    *,
    voltage: np.ndarray | None = None,
    measured_voltage: np.ndarray | None = None,
    current: np.ndarray | None = None,
    mask: np.ndarray | None = None,
    electrode: Electrode | None = None,
    notes: Iterable[str] = (),
) -> Recording:
    """Make a recording of what was read, and flag what looks wrong.

    Args:
        mode: what the amplifier held.
        time: ms, (samples,).
        response: mV or pA, (sweeps, samples).
        command: pA or mV; broadcasts to the response, as all below do.
        voltage: of the membrane, mV; by default what was measured, or what was commanded.
        measured_voltage: in voltage clamp, mV.
        current: in current clamp, pA; by default what was commanded.
        mask: which samples may be scored, by default all.
        electrode: what the file says of it.
        notes: warnings that the reader has.
    """
    notes = list(notes)
    if mode is Mode.CURRENT_CLAMP:
        measured_voltage = response
        voltage = response if voltage is None else voltage
        current = command if current is None else current
    else:
        current = response
        if voltage is None and command is not None:
            voltage = command
            notes.append(COMMAND_FOR_VOLTAGE)

    def array(values: Any) -> Any:
        return None if values is None else jnp.asarray(np.broadcast_to(values, response.shape), dtype=float)

    recording = Recording(
        time=jnp.asarray(time, dtype=float),
        mode=mode,
        voltage=array(voltage),
        measured_voltage=array(measured_voltage),
        current=array(current),
        command=array(command),
        mask=np.broadcast_to(True if mask is None else mask, response.shape),
        warnings=tuple(dict.fromkeys([*notes, *flags(mode, response, command)])),
        _electrode=electrode,
    )
    return recording
