"""Axon text files: a protocol as the stimulus file that Clampex plays, and recordings."""

import io

import numpy as np

from patch_sim.atomic import replacing
from patch_sim.protocols import AbstractProtocol, Mode
from patch_sim.recording import Recording

_COMMANDS = {Mode.CURRENT_CLAMP: "Icmd", Mode.VOLTAGE_CLAMP: "Vcmd"}
_RESPONSES = {Mode.CURRENT_CLAMP: "Vm", Mode.VOLTAGE_CLAMP: "Im"}

_Signals = dict[str, tuple[str, np.ndarray]]
"""Unit and values, (sweeps, samples), of each signal."""


def write(protocol: AbstractProtocol, path: str) -> None:
    """Save what is commanded, in pA or mV: a column of times (s), and a column for each sweep.

    Clampex plays a row at each of its own samples, whatever the times say: set it to the protocol's dt, number of
    samples and number of sweeps, with the unit of the columns for the output, and the holding level that is in them.

    Raises:
        ValueError: a mixed clamp, which is commanded in two units.
    """
    mode = protocol.mode
    if mode not in _COMMANDS:
        raise ValueError("a stimulus file has one unit, and a mixed clamp two: save its phases, protocol.phases")
    time = np.arange(protocol.samples) * protocol.dt
    command = np.asarray(protocol.command(), dtype=float)
    _save(path, mode, time, protocol.duration, {_COMMANDS[mode]: (mode.command_unit, command)})


def write_recording(recording: Recording, path: str) -> None:
    """Save a column of times (s), and for each sweep a column of the response and one of the command, if it is known.

    Raises:
        ValueError: there is no response, or a mixed clamp, which has two.
    """
    response, command, mode = recording.response, recording.command, recording.mode
    signals = {_RESPONSES[mode]: (mode.response_unit, np.asarray(response, dtype=float))}
    if command is not None:
        signals[_COMMANDS[mode]] = (mode.command_unit, np.asarray(command, dtype=float))
    time = np.asarray(recording.time, dtype=float)
    _save(path, mode, time, float(time[-1] - time[0]) * time.size / max(time.size - 1, 1), signals)


def _save(path: str, mode: Mode, time: np.ndarray, duration: float, signals: _Signals) -> None:
    """Write a table of signals over time; `time` and `duration` of a sweep in ms."""
    sweeps = range(len(next(iter(signals.values()))[1]))
    columns = [(name, *signals[name], sweep) for sweep in sweeps for name in signals]
    header = [
        '"AcquisitionMode=Episodic Stimulation"',
        f'"Comment={mode.value}"',
        f'"SweepStartTimesMS={",".join(f"{sweep * duration:.3f}" for sweep in sweeps)}"',
        f'"SignalsExported={",".join(signals)}"',
        "\t".join(['"Signals="', *(f'"{name}"' for name, *_ in columns)]),
    ]
    titles = ['"Time (s)"', *(f'"Trace #{sweep + 1} ({unit})"' for _, unit, _, sweep in columns)]
    with replacing(path) as file:
        table = io.TextIOWrapper(file, encoding="ascii", newline="\r\n")
        table.write("ATF\t1.0\n")
        table.write(f"{len(header)}\t{len(titles)}\n")
        table.writelines(f"{line}\n" for line in (*header, "\t".join(titles)))
        values = np.column_stack([time / 1e3, *(values[sweep] for _, _, values, sweep in columns)])
        np.savetxt(table, values, fmt="%.10g", delimiter="\t")
        table.flush()
        table.detach()
