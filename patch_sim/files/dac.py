"""The outputs of a digitizer, as the header of an Axon binary file describes them."""

import dataclasses
import struct
from typing import Any

from patch_sim.files.epochs import Epoch, Shape, UserList
from patch_sim.files.quantity import Quantity, quantity

_NO_WAVEFORM, _EPOCH_TABLE = 0, 1
_OLD_TABLE = -1  # of a header that is too short for ours
_EPISODIC = 5  # the only way of recording that plays waveforms, whatever the table of another says
_FIRST_EPOCH_PARAMETER = 11  # of a user list; then come these fields, for each epoch one number
_EPOCH_PARAMETERS = ("digital", "level", "duration", "period", "width")
_ABF1_HEADER = 6144


@dataclasses.dataclass(frozen=True)
class Dac:
    """One output; levels in its own unit."""

    number: int
    unit: str
    holding: float
    source: int
    epochs: list[Epoch]
    keep_last: bool
    user_list: UserList | None
    stimulus_file: str
    conditioned: bool
    leak_subtracted: bool

    @property
    def plays(self) -> bool:
        """Whether it plays a waveform."""
        return self.source != _NO_WAVEFORM

    @property
    def known(self) -> bool:
        """Whether the header tells what it plays."""
        return self.source in (_NO_WAVEFORM, _EPOCH_TABLE)

    @property
    def commands(self) -> Quantity | None:
        """What it commands."""
        measured = quantity(self.unit)
        return measured[0] if measured else None


def dacs(abf: Any, header: bytes) -> list[Dac]:
    """The outputs in a header that pyabf has read.

    Args:
        abf: the pyabf.ABF.
        header: the file's bytes, for what pyabf does not read or reads from the wrong place.
    """
    found = _abf1(abf, header) if abf.abfVersion["major"] == 1 else _abf2(abf, header)
    if abf.nOperationMode == _EPISODIC:
        return found
    return [dataclasses.replace(dac, source=_NO_WAVEFORM) for dac in found]


def _abf1(abf: Any, header: bytes) -> list[Dac]:
    head = abf._headerV1
    holdings = struct.unpack_from("<4f", header, 1394)  # pyabf takes the epochs' levels for these
    if abf.dataByteStart < _ABF1_HEADER:
        # A short header ends where the data begin: what pyabf takes for the epoch table is data.
        (source,) = struct.unpack_from("<h", header, 1438)
        return [
            _plain(number, head.sDACChannelUnit[number], holdings[number], _OLD_TABLE if source and not number else 0)
            for number in range(4)
        ]
    enabled, varied, repeated = (struct.unpack_from("<4h", header, at) for at in (3360, 3368, 4400))
    found = []
    for number in range(2):
        epochs = [
            _epoch(
                at % 10,
                head.nEpochType[at],
                head.fEpochInitLevel[at],
                head.fEpochLevelInc[at],
                head.lEpochInitDuration[at],
                head.lEpochDurationInc[at],
            )
            for at in range(10 * number, 10 * number + 10)
        ]
        text = header[3376 + 256 * number : 3632 + 256 * number].split(b"\x00")[0].decode("latin-1")
        found.append(
            Dac(
                number=number,
                unit=head.sDACChannelUnit[number],
                holding=holdings[number],
                source=head.nWaveformSource[number] if head.nWaveformEnable[number] else _NO_WAVEFORM,
                epochs=epochs,
                keep_last=bool(head.nInterEpisodeLevel[number]),
                user_list=_user_list(varied[number], text, repeated[number], 10) if enabled[number] else None,
                stimulus_file=head.sDACFilePath[number],
                conditioned=bool(struct.unpack_from("<2h", header, 3260)[number]),
                leak_subtracted=bool(struct.unpack_from("<2h", header, 4456)[number]),
            )
        )
    return found + [_plain(number, head.sDACChannelUnit[number], holdings[number]) for number in (2, 3)]


def _abf2(abf: Any, header: bytes) -> list[Dac]:
    dac, table = abf._dacSection, abf._epochPerDacSection
    strings = _strings(header)
    lists = _user_lists(abf, header, strings)
    found = []
    for at, number in enumerate(dac.nDACNum):
        epochs = [
            _epoch(
                table.nEpochNum[row],
                table.nEpochType[row],
                table.fEpochInitLevel[row],
                table.fEpochLevelInc[row],
                table.lEpochInitDuration[row],
                table.lEpochDurationInc[row],
                table.lEpochPulsePeriod[row],
                table.lEpochPulseWidth[row],
            )
            for row, owner in enumerate(table.nDACNum)
            if owner == number
        ]
        found.append(
            Dac(
                number=number,
                unit=strings[dac.lDACChannelUnitsIndex[at]],
                holding=dac.fDACHoldingLevel[at],
                source=dac.nWaveformSource[at] if dac.nWaveformEnable[at] else _NO_WAVEFORM,
                epochs=epochs,
                keep_last=bool(dac.nInterEpisodeLevel[at]),
                user_list=lists.get(number),
                stimulus_file=strings[dac.lDACFilePathIndex[at]],
                conditioned=bool(dac.nConditEnable[at]),
                leak_subtracted=bool(dac.nLeakSubtractType[at]),
            )
        )
    return found


def input_units(abf: Any, header: bytes) -> list[str]:
    """The unit of each recorded channel, empty where there is none."""
    if abf.abfVersion["major"] == 1:
        return [unit.strip("? ") for unit in abf.adcUnits]
    strings = _strings(header)
    return [strings[index] for index in abf._adcSection.lADCUnitsIndex]


def _strings(header: bytes) -> list[str]:
    """The strings of an ABF2 file, by their index.

    pyabf looks for the first of them after the last two zero bytes, and counts wrongly when one of them is empty.
    """
    block, size, _ = struct.unpack_from("<IIq", header, 220)
    cells = header[block * 512 + 44 : block * 512 + size].split(b"\x00")
    return ["", *(cell.decode("latin-1").strip() for cell in cells)]


def _user_lists(abf: Any, header: bytes, strings: list[str]) -> dict[int, UserList | None]:
    """The user lists of an ABF2 file by the output that they are for; pyabf does not play them."""
    block, size, count = struct.unpack_from("<IIq", header, 172)
    # Clampex 11 has 50 epochs, those before had 10, and the parameters are numbered by that.
    epochs = 50 if abf.creatorVersion["major"] >= 11 else 10
    lists = {}
    for entry in range(count):
        # nULEnable is not asked: Axon's own reader takes the entry's presence for it.
        dac, _, parameter, repeat, text = struct.unpack_from("<hhhhi", header, block * 512 + entry * size)
        lists[dac] = _user_list(parameter, strings[text], repeat, epochs)
    return lists


def _user_list(parameter: int, text: str, repeat: int, epochs: int) -> UserList | None:
    """A user list of an epoch's field that makes the command; None for any other."""
    if parameter >= _FIRST_EPOCH_PARAMETER + 10 * len(_EPOCH_PARAMETERS):
        epochs = 50
    field, epoch = divmod(parameter - _FIRST_EPOCH_PARAMETER, epochs)
    values = tuple(float(value) for value in text.replace(",", " ").split())
    if not 1 <= field < len(_EPOCH_PARAMETERS) or not values:
        return None
    return UserList(epoch=epoch, field=_EPOCH_PARAMETERS[field], values=values, repeat=bool(repeat))


def _epoch(number: int, shape: int, *numbers: Any) -> Epoch:
    return Epoch(number, Shape(shape), *numbers)


def _plain(number: int, unit: str, holding: float, source: int = _NO_WAVEFORM) -> Dac:
    """An output of which no more is known than what it holds."""
    return Dac(number, unit, holding, source, [], False, None, "", False, False)
