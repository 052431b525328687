"""What looks wrong in a recording that could be read: a wrong unit, a wrong gain, a dead channel."""

from collections.abc import Iterator

import numpy as np

from patch_sim.protocols import Mode

_MEMBRANE = 200.0  # mV: neither a spike nor a step that a membrane survives goes further
_RESTS = (-120.0, -35.0)  # mV
_AMPLIFIER = 1e6  # pA: more than a patch pipette passes
_FEEDBLE = {"mV": 1.0, "pA": 0.5}  # a recording that stays within these was scaled for a larger unit
_LARGER = {"mV": "V", "pA": "nA or A"}


def flags(mode: Mode, response: np.ndarray, command: np.ndarray | None) -> Iterator[str]:
    """Say what looks wrong with a response and its command, both (sweeps, samples), in words.

    Args:
        mode: what the amplifier held; it decides the units.
        response: mV in current clamp, pA in voltage clamp.
        command: pA in current clamp, mV in voltage clamp.
    """
    yield from _signal("the response", response, mode.response_unit)
    if command is None:
        yield "the file does not say what was commanded"
    else:
        yield from _signal("the command", command, mode.command_unit, may_be_constant=True)
    if np.ptp(_finite(response)) == 0.0:
        yield f"the response is constant at {_finite(response).flat[0]:g} {mode.response_unit}: nothing was recorded"
    elif mode is Mode.CURRENT_CLAMP:
        yield from _rest(response, command)


def _signal(name: str, values: np.ndarray, unit: str, *, may_be_constant: bool = False) -> Iterator[str]:
    """Say what is wrong with the values of one signal."""
    bad = np.size(values) - np.count_nonzero(np.isfinite(values))
    if bad:
        yield f"{name} has {bad} samples that are not finite"
    values = _finite(values)
    low, high = float(values.min()), float(values.max())
    largest = max(-low, high)
    limit = _MEMBRANE if unit == "mV" else _AMPLIFIER
    if largest > limit:
        reaches = f"{name} reaches from {low:g} to {high:g} {unit}, beyond {limit:g} {unit}"
        yield f"{reaches}: the unit or the gain looks wrong"
    elif 0.0 < largest < _FEEDBLE[unit] and (low < high or may_be_constant):
        yield f"{name} stays within {low:g} and {high:g} {unit}: was it in {_LARGER[unit]}?"


def _rest(voltage: np.ndarray, command: np.ndarray | None) -> Iterator[str]:
    """Say whether the voltage (mV) before the command (pA) first changes is unlike a rest."""
    moved = (
        np.zeros(voltage.shape, bool) if command is None else np.broadcast_to(command, voltage.shape) != command[:, :1]
    )
    before = np.logical_or.accumulate(moved, axis=1) < 1
    rest = float(np.median(_finite(voltage[before])))
    low, high = _RESTS
    if not low <= rest <= high and abs(rest) <= _MEMBRANE:
        yield f"the rest, before the command changes, is {rest:.1f} mV: not between {low:g} and {high:g} mV"


def _finite(values: np.ndarray) -> np.ndarray:
    """The values that are finite, or one zero."""
    values = np.asarray(values)[np.isfinite(values)]
    return values if values.size else np.zeros(1)
