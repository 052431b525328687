"""Signals that carry their unit in their name, `V_mV` or `Icmd_nA`: what npz and CSV files are made of."""

import re

import numpy as np

from patch_sim.files.assemble import COMMAND_FOR_VOLTAGE, assemble
from patch_sim.files.quantity import Quantity, quantity
from patch_sim.protocols import Mode
from patch_sim.recording import Recording

_SIGNALS = {
    "v": Quantity.VOLTAGE,
    "vm": Quantity.VOLTAGE,
    "vcmd": Quantity.VOLTAGE,
    "i": Quantity.CURRENT,
    "icmd": Quantity.CURRENT,
    "time": Quantity.TIME,
    "t": Quantity.TIME,
    "dt": Quantity.TIME,
}
_NAME = re.compile(r"([A-Za-z]+)_([A-Za-z\N{MICRO SIGN}\N{GREEK SMALL LETTER MU}]+)")
_MASKS = ("fit_mask", "mask")
_NEEDS = (
    "it needs time_ms or dt_ms, and Vcmd_mV and I_pA (voltage clamp) or V_mV and Icmd_pA or I_pA (current clamp), "
    "the unit in the name"
)
_JITTER = 0.05  # of a sample: what rounding of printed times does


def is_signal(name: str) -> bool:
    """Whether a name is one that is read: a signal with its unit, or the mask."""
    match = _NAME.fullmatch(name)
    return name in _MASKS or bool(match and match[1].lower() in _SIGNALS and quantity(match[2]))


def to_recording(columns: dict[str, np.ndarray], notes: tuple[str, ...] = ()) -> Recording:
    """Make a recording of named signals, each (samples,) or (sweeps, samples); other names are left alone.

    `Vcmd` and `I` are a voltage clamp (with `V` what was measured), `V` with `Icmd` or `I` a current clamp; `Vm` is
    the membrane's voltage where it is known beside these.

    Raises:
        ValueError: a signal is missing, is there twice, or has another shape than the rest.
    """
    signals, mask = _signals(columns)
    voltage_clamp = "vcmd" in signals
    if not voltage_clamp and "v" not in signals and "vm" in signals:
        signals["v"] = signals.pop("vm")
    if voltage_clamp and "icmd" in signals:
        raise ValueError("it commands a voltage (Vcmd) and a current (Icmd)")
    response = signals.get("i" if voltage_clamp else "v")
    if response is None:
        raise ValueError(f"no response among {', '.join(map(repr, list(columns)[:8])) or 'nothing'}; {_NEEDS}")
    shape = _shape({**signals, "fit_mask": mask} if mask is not None else signals)
    time, note = _time(signals, shape[1])
    response = np.broadcast_to(response, shape)
    notes = (*notes, *note)
    if voltage_clamp:
        return assemble(
            Mode.VOLTAGE_CLAMP,
            time,
            response,
            signals["vcmd"],
            voltage=signals.get("vm"),
            measured_voltage=signals.get("v"),
            mask=mask,
            notes=notes,
        )
    command = signals.get("icmd", signals.get("i"))
    return assemble(
        Mode.CURRENT_CLAMP,
        time,
        response,
        command,
        voltage=signals.get("vm"),
        current=signals.get("i"),
        mask=mask,
        notes=notes,
    )


def from_recording(recording: Recording) -> dict[str, np.ndarray]:
    """The named signals that `to_recording` makes the same recording of; currents and states are not among them.

    Raises:
        ValueError: the recording has no response.
    """
    response = np.asarray(recording.response)
    voltage, command = recording.voltage, recording.command
    columns = {"time_ms": _times(recording)}
    if recording.mode is Mode.VOLTAGE_CLAMP:
        if command is None:
            raise ValueError("this voltage clamp recording has no command to save")
        columns |= {"Vcmd_mV": np.asarray(command), "I_pA": response}
        if recording.measured_voltage is not None:
            columns["V_mV"] = np.asarray(recording.measured_voltage)
        known = COMMAND_FOR_VOLTAGE not in recording.warnings
    else:
        columns["V_mV"] = response
        if command is not None:
            columns["Icmd_pA"] = np.asarray(command)
        if recording.current is not None and not _same(recording.current, command):
            columns["I_pA"] = np.asarray(recording.current)
        known = not _same(voltage, response)
    if voltage is not None and known:
        columns["Vm_mV"] = np.asarray(voltage)
    mask = True if recording.mask is None else recording.mask
    columns["fit_mask"] = np.array(np.broadcast_to(np.asarray(mask), response.shape))
    return columns


def _signals(columns: dict[str, np.ndarray]) -> tuple[dict[str, np.ndarray], np.ndarray | None]:
    """The signals in the house's units, by their lower-case name without it, two axes each; and the mask."""
    signals: dict[str, np.ndarray] = {}
    mask = None
    for name, values in columns.items():
        if name in _MASKS:
            mask = _mask(name, values)
            continue
        match = _NAME.fullmatch(name)
        if not match or not is_signal(name):
            continue
        measured, scale = quantity(match[2]) or (None, 1.0)
        signal = {"t": "time"}.get(match[1].lower(), match[1].lower())
        if measured is not _SIGNALS[signal]:
            raise ValueError(f"{name!r}: {match[2]} is not a unit of {_SIGNALS[signal].name.lower()}")
        if signal in signals:
            raise ValueError(f"{signal} is there twice")
        signals[signal] = _numbers(name, values) * scale
    return signals, mask


def _numbers(name: str, values: np.ndarray) -> np.ndarray:
    """The values of a signal, checked, with two axes."""
    if values.dtype.kind not in "fiu" or values.ndim > 2 or values.size == 0:
        raise ValueError(f"{name!r} is not (samples,) or (sweeps, samples) numbers")
    return np.atleast_2d(values).astype(float)


def _mask(name: str, values: np.ndarray) -> np.ndarray:
    """The mask, checked, with two axes."""
    if values.dtype.kind not in "fiub" or values.ndim > 2 or not np.isin(values, (0, 1)).all():
        raise ValueError(f"{name!r} holds other things than True and False")
    return np.atleast_2d(values).astype(bool)


def _shape(signals: dict[str, np.ndarray]) -> tuple[int, int]:
    """The (sweeps, samples) that all signals broadcast to; a signal of one sweep stands for all."""
    shapes = {name: values.shape for name, values in signals.items() if name != "dt"}
    samples = {shape[1] for shape in shapes.values()}
    sweeps = {shape[0] for shape in shapes.values()} - {1}
    if len(samples) > 1 or len(sweeps) > 1:
        said = ", ".join(f"{name} {sweeps} x {samples}" for name, (sweeps, samples) in shapes.items())
        raise ValueError(f"the signals have different numbers of sweeps or samples: {said}")
    return max(sweeps, default=1), samples.pop()


def _time(signals: dict[str, np.ndarray], samples: int) -> tuple[np.ndarray, tuple[str, ...]]:
    """The sample times, ms, and a note if they were put in order."""
    if "time" not in signals:
        if "dt" not in signals or signals["dt"].size != 1 or not 0.0 < signals["dt"].item() < np.inf:
            raise ValueError(f"no sampling times, and no positive sampling interval; {_NEEDS}")
        return np.arange(samples) * signals["dt"].item(), ()
    time = signals["time"]
    if time.shape[0] != 1 or not np.isfinite(time).all() or not (np.diff(time) > 0.0).all():
        raise ValueError("time must be one series of increasing times, shared by all sweeps")
    time = time[0]
    if samples < 3:
        return time, ()
    dt = (time[-1] - time[0]) / (samples - 1)
    even = time[0] + np.arange(samples) * dt
    off = np.abs(time - even).max() / dt
    if off < 1e-6:
        return time, ()
    if off < _JITTER:
        return even, (f"the times in the file are rounded; taken as one sample every {dt:.6g} ms",)
    return time, ("the samples are not evenly spaced in time",)


def _times(recording: Recording) -> np.ndarray:
    """The sample times, ms, without what float32 has left of an even spacing."""
    time = np.asarray(recording.time)
    if time.dtype == np.float64 or time.size < 2:
        return time.astype(float)
    even = np.arange(time.size) * recording.dt if _is_even(recording) else time.astype(float)
    return even if np.allclose(time, even, rtol=4.0 * np.finfo(time.dtype).eps, atol=0.0) else time.astype(float)


def _is_even(recording: Recording) -> bool:
    """Whether the recording knows its sampling interval."""
    try:
        return recording.dt > 0.0
    except ValueError:
        return False


def _same(one: object, other: object) -> bool:
    """Whether two arrays, or two Nones, are the same."""
    if one is None or other is None:
        return one is other
    return np.array_equal(np.asarray(one), np.asarray(other), equal_nan=True)
