"""Writing Axon binary files, of the older kind, ABF1: its header is simple, and whatever reads ABF reads it."""

import struct
from typing import NamedTuple

import numpy as np

from patch_sim.atomic import replacing
from patch_sim.protocols import Mode
from patch_sim.recording import Recording

_BLOCK, _HEADER = 512, 6144  # bytes
_VERSION = 1.83
_EPISODIC = 5
_RANGE, _RESOLUTION = 8.0, 2**15  # the digitizer's full scale, V, and the steps up to it
_LARGEST = 2**15 - 1
_MOST_NUMBERS = 2**29  # places in the file are 32-bit numbers


class _Channel(NamedTuple):
    """What one input recorded, (sweeps, samples), in its unit; `step` is that of the digitizer, in the same unit."""

    name: str
    unit: str
    values: np.ndarray
    step: float


def write(recording: Recording, path: str) -> None:
    """Save response and command as the two channels of an episodic file, in 16 bits each.

    A step of the 16 bits is a power of two, so that whole numbers of mV and pA stay what they are. Sweeps begin at time
    0. The mask, the electrode, channel currents and states are left out.

    Raises:
        ValueError: there is no response, or samples that are not evenly spaced, not finite, or too many.
    """
    channels, interval = _channels(recording), recording.dt
    data = np.stack([channel.values for channel in channels], axis=-1)
    if data.size > _MOST_NUMBERS:
        raise ValueError(f"{data.size:,} numbers are more than the {_MOST_NUMBERS:,} that an ABF file holds")
    codes = np.rint(data / [channel.step for channel in channels]).astype("<i2")
    header = _header(recording.mode, channels, interval, *codes.shape[:2])
    sweep = codes.shape[1] * codes.shape[2]
    starts = np.array([(k * sweep, sweep) for k in range(codes.shape[0])], "<i4")
    with replacing(path) as file:
        for part in (header, codes.tobytes(), starts.tobytes()):
            file.write(part + bytes(-len(part) % _BLOCK))


def _channels(recording: Recording) -> list[_Channel]:
    """The response, and the command if it is known."""
    response, command, mode = recording.response, recording.command, recording.mode
    names = ("Vm", "Icmd") if mode is Mode.CURRENT_CLAMP else ("Im", "Vcmd")
    channels = [_channel(names[0], mode.response_unit, response)]
    return channels if command is None else [*channels, _channel(names[1], mode.command_unit, command)]


def _channel(name: str, unit: str, values: object) -> _Channel:
    values = np.asarray(values, dtype=float)
    if not np.isfinite(values).all():
        raise ValueError(f"{name} has samples that are not numbers, which ABF cannot hold; save as .npz or .csv")
    largest = np.max(np.abs(values), initial=0.0)
    exponent = np.ceil(np.log2(largest / _LARGEST)) if largest > 0.0 else -8.0
    return _Channel(name, unit, values, float(2.0 ** np.clip(exponent, -60.0, 60.0)))


def _header(mode: Mode, channels: list[_Channel], interval: float, sweeps: int, samples: int) -> bytes:
    """The header; names in the comments are those of Axon's own description of the format."""
    count, numbers = len(channels), sweeps * samples * len(channels)
    header = bytearray(_HEADER)

    def put(at: int, form: str, *values: object) -> None:
        struct.pack_into(f"<{form}", header, at, *values)

    put(0, "4sfhihi", b"ABF ", _VERSION, _EPISODIC, numbers, 0, sweeps)  # ... lActualAcqLength, lActualEpisodes
    put(32, "fhh", _VERSION, 1, 0)  # fHeaderVersionNumber, nFileType, nMSBinFormat
    put(40, "i", _HEADER // _BLOCK)  # lDataSectionPtr
    put(92, "iih", (_HEADER + 2 * numbers + _BLOCK - 1) // _BLOCK, sweeps, 0)  # lSynchArrayPtr, ...Size, nDataFormat
    put(120, "hf", count, 1e3 * interval / count)  # nADCNumChannels, fADCSampleInterval (us)
    put(138, "iii", samples * count, 0, sweeps)  # lNumSamplesPerEpisode, lPreTriggerSamples, lEpisodesPerRun
    put(244, "ffii", _RANGE, _RANGE, _RESOLUTION, _RESOLUTION)  # fADCRange, fDACRange, lADCResolution, lDACResolution
    put(260, "h", int(mode is Mode.CURRENT_CLAMP))  # nExperimentType
    put(294, "16s", b"patch_sim".ljust(16))  # sCreatorInfo
    put(378, "16h", *range(16))  # nADCPtoLChannelMap
    put(410, "16h", *range(count), *[-1] * (16 - count))  # nADCSamplingSeq
    put(442, "160s", b" " * 160)  # sADCChannelName
    put(602, "128s", b" " * 128)  # sADCUnits
    for at in (730, 922, 1050):  # fADCProgrammableGain, fInstrumentScaleFactor, fSignalGain
        put(at, "16f", *[1.0] * 16)
    for k, channel in enumerate(channels):
        put(442 + 10 * k, "10s", channel.name.encode().ljust(10))
        put(602 + 8 * k, "8s", channel.unit.encode().ljust(8))
        put(922 + 4 * k, "f", _RANGE / _RESOLUTION / channel.step)  # fInstrumentScaleFactor, V per unit
    put(1306, "72s", b" " * 72)  # sDACChannelName, sDACChannelUnits
    if count > 1:
        put(1306, "10s", channels[1].name.encode().ljust(10))
        put(1346, "8s", channels[1].unit.encode().ljust(8))
        put(1394, "f", channels[1].values[0, 0])  # fDACHoldingLevel
    return bytes(header)
