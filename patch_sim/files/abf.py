"""Axon binary files, ABF1 and ABF2, which Clampex and AxoScope write."""

import os
import struct
import types
import warnings
from typing import Any

import numpy as np

from patch_sim.electrode import Electrode
from patch_sim.files.assemble import assemble
from patch_sim.files.dac import Dac, dacs, input_units
from patch_sim.files.epochs import waveform
from patch_sim.files.error import RecordingError
from patch_sim.files.quantity import Quantity, quantity
from patch_sim.filters import Bessel
from patch_sim.protocols import Mode
from patch_sim.recording import Recording

_TELEGRAPHED = {0: Mode.VOLTAGE_CLAMP, 1: Mode.CURRENT_CLAMP, 2: Mode.CURRENT_CLAMP}
_ANSWERS = {Quantity.VOLTAGE: Mode.CURRENT_CLAMP, Quantity.CURRENT: Mode.VOLTAGE_CLAMP}
_CELL_UNITS = ("mV", "pA", "nA")  # V and A are those of triggers and photodiodes
_VARIABLE_LENGTH = 1
_NO_FILTER = 1e5  # Hz: what a header says where there is none
_SECTIONS = range(76, 364, 16)


def read(path: str | os.PathLike[str], *, channel: int | None = None) -> Recording:
    """Read the sweeps of an ABF file and the command that was played with them.

    Args:
        path: of the file.
        channel: which recorded channel is the response, counted from 0; by default the one that answers to the
            command.

    Raises:
        RecordingError: the file is cut short or damaged, has no such channel, or sweeps of different lengths;
            or pyabf is not installed.
    """
    pyabf = _pyabf(path)
    with open(path, "rb") as file:
        content = file.read()
    try:
        _check_size(content)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            abf = pyabf.ABF(os.fspath(path), loadData=False)
        return _recording(abf, content, channel)
    except Exception as error:  # pyabf raises whatever a damaged header leads it to
        reason = str(error) if isinstance(error, ValueError) else f"{type(error).__name__}: {error}"
        raise RecordingError(path, reason) from error


def _pyabf(path: str | os.PathLike[str]) -> types.ModuleType:
    """The library, asked for only when there is an ABF file to read."""
    try:
        import pyabf
    except ImportError as error:
        raise RecordingError(path, "reading ABF files needs pyabf: pip install patch-sim[files]") from error
    return pyabf


def _check_size(content: bytes) -> None:
    """Refuse a file that ends before its header says: pyabf may read what is left."""
    if content[:4] == b"ABF2":
        sections = [struct.unpack_from("<IIq", content, at) for at in _SECTIONS]
        if any(size * count < count or count < 0 for _, size, count in sections):
            raise ValueError("its header is damaged")
        needed = max(block * 512 + size * count for block, size, count in sections)
    else:
        points, block, kind = (struct.unpack_from(f, content, at)[0] for f, at in (("<i", 10), ("<i", 40), ("<h", 100)))
        needed = block * 512 + points * (4 if kind == 1 else 2)
    if len(content) < needed:
        raise ValueError(f"it is cut short: {len(content)} of {needed} bytes")


def _recording(abf: Any, content: bytes, channel: int | None) -> Recording:
    """Make the recording of one channel."""
    outputs = dacs(abf, content)
    units = input_units(abf, content)
    if channel is None:
        channel = _response(units, outputs)
    elif not 0 <= channel < len(units):
        raise ValueError(f"there is no channel {channel}; it has {', '.join(_channels(abf, units))}")
    data = _data(abf, content)
    telegraph = _telegraphed(abf, channel)
    dac = _answered(units[channel], _adc(abf, channel), outputs)
    mode, notes = _mode(units[channel], dac, telegraph)
    response = data[channel] * _scale(units[channel], mode.response_unit, "recorded", notes)
    command = None
    if dac is not None:
        command = _command(abf, dac, response.shape, notes) * _scale(dac.unit, mode.command_unit, "commanded", notes)
    commands = Quantity(mode.command_unit)
    beside = [k for k, unit in enumerate(units) if k != channel and unit in _CELL_UNITS and _kind(unit) is commands]
    recorded = None
    if len(beside) == 1:
        recorded = data[beside[0]] * _scale(units[beside[0]], mode.command_unit, "recorded", notes)
        if dac is None or not dac.plays or not dac.known:
            command = recorded
            notes.append(f"the command is what channel {_channels(abf, units)[beside[0]]} recorded")
        elif mode is Mode.VOLTAGE_CLAMP:
            notes.append(f"measured_voltage is what channel {_channels(abf, units)[beside[0]]} recorded")
    if command is None:
        command = np.zeros((1, response.shape[1]))
        notes.append("the file names no output in the unit of a command; the command is taken as 0")
    if mode is Mode.VOLTAGE_CLAMP:
        notes += _header_notes(abf, channel)
    dt = round(_interval(abf) * 1e-3, 9)
    return assemble(
        mode,
        np.arange(response.shape[1]) * dt,
        response,
        np.broadcast_to(command, response.shape),
        measured_voltage=recorded if mode is Mode.VOLTAGE_CLAMP else None,
        electrode=_electrode(abf, channel),
        notes=notes,
    )


def _kind(unit: str) -> Quantity | None:
    measured = quantity(unit)
    return measured[0] if measured else None


def _response(units: list[str], outputs: list[Dac]) -> int:
    """The channel that answers to what is commanded: a voltage to a current, or a current to a voltage."""
    commanded = {dac.commands for dac in outputs if dac.plays} or {dac.commands for dac in outputs}

    def rank(channel: int) -> tuple[bool, bool, int]:
        kind = _kind(units[channel])
        answers = kind in _ANSWERS and bool(commanded - {kind, None})
        return (not answers, units[channel] not in _CELL_UNITS, channel)

    return min(range(len(units)), key=rank)


def _answered(unit: str, adc: int, outputs: list[Dac]) -> Dac | None:
    """The output whose command a channel answers to: of the other quantity, playing, of the same headstage."""

    def rank(dac: Dac) -> int:
        other = dac.commands is not None and dac.commands is not _kind(unit)
        same = dac.number == adc
        return [other and dac.plays and same, other and dac.plays, other and same, dac.plays, other, True].index(True)

    named = [dac for dac in outputs if dac.commands in _ANSWERS]
    return min(named, key=rank, default=None)


def _mode(unit: str, dac: Dac | None, telegraph: Mode | None) -> tuple[Mode, list[str]]:
    """What was held, by the units of response and command; by the amplifier's word where these contradict."""
    kind, commands = _kind(unit), dac.commands if dac else None
    answer = _ANSWERS.get(kind) if kind else None
    commanded = {Quantity.CURRENT: Mode.CURRENT_CLAMP, Quantity.VOLTAGE: Mode.VOLTAGE_CLAMP}.get(
        commands or Quantity.TIME
    )
    if answer and (commanded is None or commanded is answer):
        if telegraph not in (None, answer):
            return answer, [f"the amplifier reported {telegraph.value}, but the units are those of {answer.value}"]
        return answer, []
    mode = telegraph or commanded or answer
    if mode is None:
        raise ValueError(f"neither the recorded unit {unit!r} nor the command tells voltage from current")
    if answer is None:
        return mode, []
    return mode, [f"the units contradict each other: {unit} recorded, {dac.unit if dac else '?'} commanded"]


def _scale(unit: str, house: str, verb: str, notes: list[str]) -> float:
    """What to multiply by to get the house's unit; 1, and a note, if the unit is none of that kind."""
    measured = quantity(unit)
    if measured and measured[0].value == house:
        return measured[1]
    label = f"labeled {unit}" if unit else "without a unit"
    notes.append(f"what was {verb} is {label}; its numbers are taken as {house} and may be wrong")
    return 1.0


def _data(abf: Any, content: bytes) -> np.ndarray:
    """The recorded channels in their own units, (channels, sweeps, samples)."""
    channels, sweeps = abf.channelCount, abf.sweepCount
    lengths = set(abf._synchArraySection.lLength) if abf.abfVersion["major"] == 2 and sweeps > 1 else set()
    if len(lengths) > 1 or (abf.nOperationMode == _VARIABLE_LENGTH and sweeps > 1 and not lengths):
        raise ValueError(f"its {sweeps} sweeps have different lengths")
    if abf.dataPointCount < 1:
        raise ValueError("it holds no samples")
    if abf.dataPointCount % (channels * sweeps):
        raise ValueError(f"{abf.dataPointCount} samples do not make {sweeps} sweeps of {channels} channels")
    raw = np.frombuffer(content, abf._dtype, abf.dataPointCount, abf.dataByteStart)
    data = np.moveaxis(raw.reshape(sweeps, -1, channels), 2, 0).astype(float)
    if abf._dtype == np.int16:
        gains = np.asarray(abf._dataGain, float)
        if abf.abfVersion["major"] == 1 and abf.dataByteStart < 6144:
            gains = gains * _misread_gains(abf)
        data = data * gains[:, None, None] + np.asarray(abf._dataOffset, float)[:, None, None]
    return data


def _misread_gains(abf: Any) -> np.ndarray:
    """The gains that pyabf divided by, read from the data that follow a short header."""
    head = abf._headerV1
    used = [(head.nTelegraphEnable[adc], head.fTelegraphAdditGain[adc]) for adc in head.nADCSamplingSeq]
    return np.array([gain if enabled == 1 else 1.0 for enabled, gain in used[: abf.channelCount]])


def _command(abf: Any, dac: Dac, shape: tuple[int, ...], notes: list[str]) -> np.ndarray:
    """What an output played, (sweeps, samples), in its own unit."""
    sweeps, samples = shape
    holding = dac.holding if np.isfinite(dac.holding) and abs(dac.holding) < 1e6 else 0.0
    if not dac.known:
        file = dac.stimulus_file.replace("\\", "/").split("/")[-1].strip("\x00 ")
        why = f"it was played from the file {file}" if file else "the header tells it in a way that is not read"
        notes.append(f"the command is unknown and given as the holding level: {why}")
    if not dac.plays or not dac.known:
        return np.full(shape, holding)
    if dac.conditioned:
        notes.append("a conditioning train was played before each sweep; the command does not show it")
    if dac.leak_subtracted:
        notes.append("the leak was subtracted while recording (P/N)")
    if abf.abfVersion["major"] == 2 and abf._protocolSection.nAlternateDACOutputState:
        notes.append("two outputs took turns; the command is given as if this one had played in every sweep")
    return waveform(dac.epochs, sweeps, samples, holding=holding, user_list=dac.user_list, keep_last=dac.keep_last)


def _interval(abf: Any) -> float:
    """Between samples of one channel, us; pyabf rounds the rate to whole Hz."""
    if abf.abfVersion["major"] == 1:
        return abf._headerV1.fADCSampleInterval * abf.channelCount
    return abf._protocolSection.fADCSequenceInterval


def _adc(abf: Any, channel: int) -> int:
    """The number of the digitizer's input."""
    return abf._headerV1.nADCSamplingSeq[channel] if abf.abfVersion["major"] == 1 else abf._adcSection.nADCNum[channel]


def _telegraphed(abf: Any, channel: int) -> Mode | None:
    """What the amplifier said that it held."""
    if abf.abfVersion["major"] == 1:
        return None
    section = abf._adcSection
    return _TELEGRAPHED.get(section.nTelegraphMode[channel]) if section.nTelegraphEnable[channel] else None


def _electrode(abf: Any, channel: int) -> Electrode | None:
    """The amplifier's low-pass filter, if it reported one; those that report are four-pole Bessel filters."""
    if abf.abfVersion["major"] == 1 or not abf._adcSection.nTelegraphEnable[channel]:
        return None
    corner = abf._adcSection.fTelegraphFilter[channel]
    passes_all = not 0.0 < corner < _NO_FILTER
    return None if passes_all else Electrode(filter=Bessel(corner, poles=4))


def _header_notes(abf: Any, channel: int) -> list[str]:
    """What the header says of the electrode and the cell, for there is no field to keep it in."""
    if abf.abfVersion["major"] == 1:
        return []
    section = abf._adcSection
    access, capacitance = section.fTelegraphAccessResistance[channel], section.fTelegraphMembraneCap[channel]
    notes = []
    if access > 0.0:
        notes.append(f"the amplifier reported an access resistance of {access:.3g} MOhm")
    if capacitance > 0.0:
        notes.append(f"the amplifier's capacitance compensation was set to {capacitance:.3g} pF")
    return notes


def _channels(abf: Any, units: list[str]) -> list[str]:
    """How to call the channels."""
    return [
        f"{k} ({name}, {unit or 'no unit'})" for k, (name, unit) in enumerate(zip(abf.adcNames, units, strict=True))
    ]
