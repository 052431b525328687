"""The command that a digitizer plays: the epoch table of an Axon binary file, as Clampex plays it.

The rules are those of Axon's own ABFFIO library (abfhwave.cpp, PopulateEpoch.cpp, UserList.cpp).
"""

import dataclasses
import enum

import numpy as np

_HOLDING_FRACTION = 64  # of a sweep, held before the first epoch: ABFH_HOLDINGFRACTION


class Shape(enum.IntEnum):
    """What an epoch plays."""

    OFF = 0
    STEP = 1
    RAMP = 2
    PULSES = 3
    TRIANGLES = 4
    COSINES = 5
    RESISTANCE = 6
    BIPHASIC = 7


@dataclasses.dataclass(frozen=True)
class Epoch:
    """One column of the table; levels in the unit of the command, times in samples.

    Each sweep adds the `_step` of a level or a duration once more.
    """

    number: int
    shape: Shape
    level: float
    level_step: float
    duration: int
    duration_step: int
    period: int = 0
    width: int = 0


@dataclasses.dataclass(frozen=True)
class UserList:
    """Values that replace one field of one epoch, one for each sweep; the last one, or all again, for those after."""

    epoch: int
    field: str
    values: tuple[float, ...]
    repeat: bool = False

    def at(self, sweep: int) -> float:
        """The value for a sweep, counted from 0."""
        return self.values[sweep % len(self.values) if self.repeat else min(sweep, len(self.values) - 1)]


def waveform(
    epochs: list[Epoch],
    sweeps: int,
    samples: int,
    *,
    holding: float,
    user_list: UserList | None = None,
    keep_last: bool = False,
) -> np.ndarray:
    """Play a table of epochs.

    Args:
        epochs: the table.
        sweeps: how many.
        samples: in each.
        holding: the level before and after.
        user_list: what replaces a field of the table.
        keep_last: whether the last epoch's level, not the holding level, is held until the next sweep's first epoch.

    Returns:
        (sweeps, samples), in the unit of the levels.
    """
    played = np.full((sweeps, samples), holding, float)
    before = holding
    for sweep, row in enumerate(played):
        start = max(samples // _HOLDING_FRACTION, 1)
        row[:start] = level = before
        for epoch in epochs:
            if epoch.shape is Shape.OFF:
                continue
            now = _in_sweep(epoch, sweep, user_list)
            if now.duration <= 0:
                continue
            # An epoch that does not fit ends with the sweep.
            there = np.arange(min(now.duration, max(samples - start, 0)))
            row[start : start + now.duration] = _play(now, there, level, holding)
            start, level = start + now.duration, now.level
        before = level if keep_last else holding
        row[start:] = before
    return played


def _in_sweep(epoch: Epoch, sweep: int, user_list: UserList | None) -> Epoch:
    """The epoch with its values for a sweep."""
    now = dataclasses.replace(
        epoch,
        level=epoch.level + sweep * epoch.level_step,
        duration=epoch.duration + sweep * epoch.duration_step,
    )
    if user_list is None or user_list.epoch != epoch.number:
        return now
    value = user_list.at(sweep)
    return dataclasses.replace(now, **{user_list.field: value if user_list.field == "level" else int(value)})


def _play(epoch: Epoch, samples: np.ndarray, start: float, holding: float) -> np.ndarray:
    """Some samples, counted from 0, of one epoch that starts from the level before it."""
    level = epoch.level
    if epoch.shape is Shape.RAMP:
        return start + (level - start) * (samples + 1) / epoch.duration  # the last sample is at the level
    if epoch.shape is Shape.RESISTANCE:
        return np.where(samples < epoch.duration // 2, holding, level)
    if epoch.shape is Shape.STEP or epoch.period <= 0:
        return np.full(samples.size, level)
    phase = samples % epoch.period
    left_over = epoch.duration % epoch.period
    ends_whole = epoch.shape in (Shape.TRIANGLES, Shape.COSINES) or left_over < epoch.width
    whole = samples < (epoch.duration - left_over if ends_whole else epoch.duration)
    on = whole & (phase < epoch.width)
    if epoch.shape is Shape.PULSES:
        return np.where(on, level, start)
    if epoch.shape is Shape.BIPHASIC:
        return np.where(on, np.where(phase < epoch.width // 2, level, 2.0 * start - level), start)
    if epoch.shape is Shape.COSINES:
        part = 0.5 - 0.5 * np.cos(2.0 * np.pi * phase / epoch.period)
    else:
        fall = max(epoch.period - epoch.width, 1)
        part = np.where(on, phase / max(epoch.width, 1), 1.0 - (phase - epoch.width) / fall)
    return np.where(whole, start + (level - start) * part, start)
