"""Axon text files: a protocol as the stimulus file that Clampex plays."""

import io

import numpy as np

from patch_sim.atomic import replacing
from patch_sim.protocols import AbstractProtocol, Mode

_SIGNALS = {Mode.CURRENT_CLAMP: "Icmd", Mode.VOLTAGE_CLAMP: "Vcmd"}


def write(protocol: AbstractProtocol, path: str) -> None:
    """Save what is commanded, in pA or mV: a column of times (s), and a column for each sweep.

    Clampex plays a row at each of its own samples, whatever the times say: set it to the protocol's dt, number of
    samples and number of sweeps, with the unit of the columns for the output, and the holding level that is in them.

    Raises:
        ValueError: a mixed clamp, which is commanded in two units.
    """
    if protocol.mode not in _SIGNALS:
        raise ValueError("a stimulus file has one unit, and a mixed clamp two: save its phases, protocol.phases")
    command = np.asarray(protocol.command(), dtype=float)
    times = np.arange(protocol.samples) * protocol.dt / 1e3
    signal, unit = _SIGNALS[protocol.mode], protocol.mode.command_unit
    sweeps = range(1, protocol.sweeps + 1)
    header = [
        '"AcquisitionMode=Episodic Stimulation"',
        f'"Comment={protocol.mode.value}"',
        f'"SweepStartTimesMS={",".join(f"{(sweep - 1) * protocol.duration:.3f}" for sweep in sweeps)}"',
        f'"SignalsExported={signal}"',
        "\t".join(['"Signals="', *(f'"{signal}"' for _ in sweeps)]),
    ]
    titles = ['"Time (s)"', *(f'"Trace #{sweep} ({unit})"' for sweep in sweeps)]
    with replacing(path) as file:
        table = io.TextIOWrapper(file, encoding="ascii", newline="\r\n")
        table.write("ATF\t1.0\n")
        table.write(f"{len(header)}\t{len(titles)}\n")
        table.writelines(f"{line}\n" for line in (*header, "\t".join(titles)))
        np.savetxt(table, np.column_stack([times, command.T]), fmt="%.10g", delimiter="\t")
        table.flush()
        table.detach()
