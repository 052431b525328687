"""What the scope draws: sweeps as 16-bit numbers, small enough to travel and finer than a screen."""

import base64
import dataclasses
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from patch_sim.protocols import Mode
from patch_sim.recording import Recording

MISSING = -32768
"""The code of a sample that is not a number."""

MOST_SAMPLES = 10_000_000
"""The most samples, over all sweeps, that the page takes."""

_BATCH = 1_000_000
"""The samples that one answer to the browser may hold, but at least one sweep."""


@dataclasses.dataclass(frozen=True)
class Signal:
    """One signal of one sweep: `value = offset + scale * code`.

    Attributes:
        codes: -32767 to 32767, or `MISSING`.
        offset: in the signal's unit.
        scale: in the signal's unit.
    """

    codes: NDArray[np.int16]
    offset: float
    scale: float

    @classmethod
    def encode(cls, values: ArrayLike) -> "Signal":
        """Spread the 16 bits over the range of the values; what is not finite becomes `MISSING`."""
        values = np.asarray(values, dtype=float)
        finite = np.isfinite(values)
        low, high = (values[finite].min(), values[finite].max()) if finite.any() else (0.0, 0.0)
        offset, scale = low + (high - low) / 2.0, (high - low) / 65534.0 or 1.0
        codes = np.where(finite, np.rint((np.where(finite, values, offset) - offset) / scale), MISSING)
        return cls(codes.astype("<i2"), float(offset), float(scale))

    def message(self) -> dict[str, Any]:
        """As JSON for the browser."""
        data = base64.b64encode(self.codes.tobytes()).decode("ascii")
        return {"offset": self.offset, "scale": self.scale, "data": data}


@dataclasses.dataclass(frozen=True)
class Sweep:
    """One sweep.

    Attributes:
        level: of the command, where it tells the sweeps apart, pA or mV; None without a command.
        response: mV or pA.
        command: pA or mV.
    """

    level: float | None
    response: Signal
    command: Signal | None

    def message(self) -> dict[str, Any]:
        """As JSON for the browser."""
        command = None if self.command is None else self.command.message()
        return {"level": self.level, "response": self.response.message(), "command": command}


@dataclasses.dataclass(frozen=True)
class Traces:
    """Sweeps on one time axis; they may still be arriving.

    Attributes:
        title: whose sweeps they are.
        mode: says the units.
        start: time of the first sample, ms.
        step: between samples, ms.
        samples: in a sweep.
        total: the sweeps there will be.
        sweeps: those that are here; only ever appended to.
        warnings: what looks wrong, in words; of a simulation, known with its first sweep.
    """

    title: str
    mode: Mode
    start: float
    step: float
    samples: int
    total: int
    sweeps: list[Sweep] = dataclasses.field(default_factory=list)
    warnings: list[str] = dataclasses.field(default_factory=list)

    @classmethod
    def of(cls, recording: Recording, title: str) -> "Traces":
        """All sweeps of a recording.

        Raises:
            ValueError: it is too long for the page, is not evenly sampled, or holds no response.
        """
        samples = recording.time.size
        if recording.sweeps * samples > MOST_SAMPLES:
            raise ValueError(
                f"it has {recording.sweeps * samples:,} samples, and the page draws at most {MOST_SAMPLES:,}; "
                "cut it, or read it in Python with ps.read"
            )
        traces = cls(
            title,
            recording.mode,
            float(recording.time[0]),
            recording.dt,
            samples,
            recording.sweeps,
        )
        traces.extend(recording)
        return traces

    def extend(self, recording: Recording) -> None:
        """Append the sweeps of a recording on the same time axis."""
        self.warnings.extend(note for note in recording.warnings if note not in self.warnings)
        response = [Signal.encode(values) for values in np.asarray(recording.response)]
        if recording.command is None:
            self.sweeps.extend(Sweep(None, signal, None) for signal in response)
            return
        command = np.asarray(recording.command, dtype=float)
        for level, signal, values in zip(_levels(command), response, command, strict=True):
            self.sweeps.append(Sweep(level, signal, Signal.encode(values)))

    def message(self, first: int) -> dict[str, Any]:
        """The sweeps from one on, as many as go into one answer, as JSON for the browser."""
        batch = self.sweeps[first : first + max(1, _BATCH // self.samples)]
        return {
            "title": self.title,
            "responseUnit": self.mode.response_unit,
            "commandUnit": self.mode.command_unit,
            "start": self.start,
            "step": self.step,
            "samples": self.samples,
            "total": self.total,
            "sweeps": [sweep.message() for sweep in batch],
        }


def _levels(command: NDArray[np.floating]) -> list[float | None]:
    """Each sweep's command where the sweeps differ most; of equal sweeps, where it is farthest from its beginning."""
    spread = np.ptp(command, axis=0)
    if not np.nanmax(spread, initial=0.0) > 0.0:
        spread = np.abs(command[0] - command[0, 0])
    levels = command[:, np.argmax(np.nan_to_num(spread))]
    return [float(level) if np.isfinite(level) else None for level in levels]
