"""CSV files: a column for each signal and sweep, `time_ms,V_mV_1,V_mV_2,Icmd_pA_1,...`."""

import csv
import io
import os
import re

import numpy as np

from patch_sim.atomic import replacing
from patch_sim.files.columns import from_recording, is_signal, to_recording
from patch_sim.files.error import RecordingError
from patch_sim.recording import Recording

_SWEEP = re.compile(r"(.+)_(\d+)")
_WARNING = "# warning: "
_WORDS = {"true": "1", "false": "0", "": "nan"}


def read(path: str | os.PathLike[str]) -> Recording:
    """Read columns separated by comma, semicolon or tab, named in the first row; lines that begin with # are skipped.

    The names are those of npz files; a number at the end is the sweep's, a column without one stands for all sweeps.

    Raises:
        RecordingError: the file is not such a table, or a signal is missing.
    """
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            lines = file.readlines()
        notes = tuple(line[len(_WARNING) :].strip() for line in lines if line.startswith(_WARNING))
        return to_recording(_sweeps(_table(lines)), notes)
    except UnicodeDecodeError as error:
        raise RecordingError(path, "it is not text") from error
    except (ValueError, csv.Error, OSError) as error:
        raise RecordingError(path, str(error)) from error


def write(recording: Recording, path: str) -> None:
    """Save a recording as a table that `read` returns, number for number; channel currents and states are left out.

    Raises:
        ValueError: there is no response to save.
    """
    columns: dict[str, np.ndarray] = {}
    for name, values in from_recording(recording).items():
        if name == "fit_mask":
            values = values.astype(int)
        if values.ndim == 1 or values.shape[0] == 1:
            columns[name] = values.reshape(-1)
        else:
            columns |= {f"{name}_{sweep}": row for sweep, row in enumerate(values, start=1)}
    with replacing(path) as file:
        table = io.TextIOWrapper(file, encoding="utf-8", newline="")
        table.writelines(f"{_WARNING}{' '.join(warning.split())}\n" for warning in recording.warnings)
        writer = csv.writer(table, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(zip(*(values.tolist() for values in columns.values()), strict=True))
        table.flush()
        table.detach()


def _table(lines: list[str]) -> dict[str, np.ndarray]:
    """The columns that are read, (samples,) each, by name; the others as empty arrays."""
    numbered = [(number, line) for number, line in enumerate(lines, start=1) if line.strip() and line.strip()[0] != "#"]
    if not numbered:
        raise ValueError("it holds no table")
    delimiter = max(",;\t", key=numbered[0][1].count)
    rows = list(csv.reader((line for _, line in numbered), delimiter=delimiter, strict=True))
    names = [name.strip() for name in rows[0]]
    wanted = [index for index, name in enumerate(names) if is_signal(_base(name)[0])]
    if len(set(names)) < len(names):
        raise ValueError(f"a column is there twice: {max(names, key=names.count)!r}")
    if not wanted:
        return {name: np.zeros(0) for name in names[:8]}
    if len(rows) < 2:
        raise ValueError("there are no samples under the names of the columns")
    numbers = [number for number, _ in numbered]
    for number, row in zip(numbers, rows, strict=False):
        if len(row) != len(names):
            raise ValueError(f"line {number} has {len(row)} values under {len(names)} names")
    columns = {name: np.zeros(0) for name in names}
    for index in wanted:
        entries = [row[index].strip() for row in rows[1:]]
        try:
            columns[names[index]] = np.array([_number(entry, delimiter) for entry in entries])
        except ValueError as error:
            raise ValueError(f"column {names[index]!r}: {error}") from error
    return columns


def _number(entry: str, delimiter: str) -> float:
    """The number in a cell; an empty one is not a number."""
    if delimiter == ";":  # then a comma may be a decimal one
        entry = entry.replace(",", ".")
    return float(_WORDS.get(entry.lower(), entry))


def _sweeps(columns: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The columns of one signal put together: (sweeps, samples), or (samples,) where one stands for all sweeps."""
    gathered: dict[str, dict[int, np.ndarray]] = {}
    for name, values in columns.items():
        base, sweep = _base(name)
        if sweep in gathered.setdefault(base, {}):
            raise ValueError(f"sweep {sweep} of {base} is there twice")
        gathered[base][sweep] = values
    shared = {base: sweeps[0] for base, sweeps in gathered.items() if list(sweeps) == [0]}
    numbered = {base: sweeps for base, sweeps in gathered.items() if base not in shared}
    numbers = {base: sorted(sweeps) for base, sweeps in numbered.items()}
    mixed = [base for base, sweeps in numbers.items() if 0 in sweeps]
    if mixed:
        raise ValueError(f"{mixed[0]} is there with and without a sweep's number")
    if len({tuple(sweeps) for sweeps in numbers.values()}) > 1:
        raise ValueError(f"the signals have different sweeps: {numbers}")
    return shared | {base: np.stack([sweeps[key] for key in numbers[base]]) for base, sweeps in numbered.items()}


def _base(name: str) -> tuple[str, int]:
    """The name of a signal without its sweep, and the sweep; 0 if there is none."""
    match = _SWEEP.fullmatch(name)
    return (match[1], int(match[2])) if match and is_signal(match[1]) else (name, 0)
