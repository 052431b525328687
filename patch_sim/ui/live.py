"""Continuous mode: a rig that runs while somebody looks, in step with the clock; see `live.js`.

The browser asks some 25 times a second, and each time the rig goes on from where it was to now. Nobody asks,
nothing runs.
"""

import base64
import dataclasses
import tempfile
import threading
import time
from collections.abc import Mapping
from typing import Any

import gradio as gr
import jax.numpy as jnp
import numpy as np

from patch_sim.analysis import membrane_test
from patch_sim.protocols import Mode
from patch_sim.recording import Recording
from patch_sim.rig import LONGEST, RepeatedPulse, Rig
from patch_sim.solvers import SolverError
from patch_sim.ui import pipette
from patch_sim.ui.cell import Cell, title
from patch_sim.ui.fields import Field, parse
from patch_sim.ui.panel import panel
from patch_sim.ui.protocol import FAMILIES, MOST_CURRENT, MOST_VOLTAGE
from patch_sim.ui.session import Session, Sessions
from patch_sim.ui.traces import Signal

DT = 0.025
"""Between samples, ms."""

MOST_RECORDED = 300.0
"""The longest recording, s of the cell's time: 96 MB."""

SPEEDS = (0.1, 0.25, 0.5, 1.0, 2.0, 5.0)
"""By which the cell's time may go faster than ours."""

_FIRST = 0.04  # s: what the first answer shows
_BACKLOG = 0.25  # s: what was not asked for in so long is skipped
_PATIENCE = 0.1  # s of work for one answer; a cell that takes longer runs slower than the clock
_TEST_EVERY = 0.5  # s
_PIECE = 3_000_000  # bytes of a file in one answer

MODES = {mode.value: mode for mode in (Mode.CURRENT_CLAMP, Mode.VOLTAGE_CLAMP)}

FIELDS: tuple[Field, ...] = (
    Field("holding_current", "Holding", "pA", 0.0, -MOST_CURRENT, MOST_CURRENT, "injected all the time"),
    Field("holding_potential", "Holding", "mV", -70.0, -MOST_VOLTAGE, MOST_VOLTAGE, "commanded all the time"),
    Field("pulse_current", "Pulse", "pA", 200.0, -MOST_CURRENT, MOST_CURRENT, "on top of the holding current"),
    Field("pulse_potential", "Pulse", "mV", 40.0, -MOST_VOLTAGE, MOST_VOLTAGE, "on top of the holding potential"),
    Field("pulse_duration", "for", "ms", 5.0, DT, 10_000.0, "how long the pulse lasts"),
)


def live(sessions: Sessions) -> gr.HTML:
    """Build the panel."""
    parts = ("live_draw.js", "live_controls.js")
    return panel(
        "live",
        sessions,
        live_controls,
        pull,
        live_file,
        scripts=("form.js", "plot.js"),
        parts=parts,
        styles=("screen.css",),
    )


def live_controls(session: Session) -> dict[str, Any]:
    """The numbers that can be set, and how fast time may go."""
    return {"fields": [field.view() for field in FIELDS], "speeds": SPEEDS, "longest": MOST_RECORDED}


def pull(session: Session, request: Any) -> dict[str, Any]:
    """Do what is asked, and record up to now."""
    return session.kept.setdefault("live", Live()).pull(request)


def live_file(session: Session, first: int) -> str:
    """A piece of the last recording, from a byte on; empty at its end."""
    kept = session.kept.get("live")
    if kept is None:
        raise ValueError("there is no recording to download.")
    return base64.b64encode(kept.piece(int(first))).decode("ascii")


class Tape:
    """A recording that grows in a file of no name, in single precision; memory holds none of it.

    Args:
        mode: of the recording.
    """

    def __init__(self, mode: Mode):
        self.mode = mode
        self.samples = 0
        self._raw = {name: tempfile.TemporaryFile() for name in ("response", "command")}  # noqa: SIM115

    @property
    def seconds(self) -> float:
        """How long it is."""
        return self.samples * DT / 1e3

    def append(self, response: np.ndarray, command: np.ndarray) -> None:
        """Record some samples, up to the longest recording."""
        room = round(MOST_RECORDED * 1e3 / DT) - self.samples
        for name, values in (("response", response), ("command", command)):
            self._raw[name].write(values[:room].astype("<f4").tobytes())
        self.samples += min(response.size, room)

    def finished(self) -> Any:
        """The recording as an open npz file, which `patch_sim.read` reads."""
        response, command = ("V_mV", "Icmd_pA") if self.mode is Mode.CURRENT_CLAMP else ("I_pA", "Vcmd_mV")
        columns: dict[str, Any] = {response: self._mapped("response"), command: self._mapped("command")}
        file = tempfile.TemporaryFile()  # noqa: SIM115
        np.savez(file, dt_ms=np.asarray(DT), **columns)
        self.close()
        return file

    def _mapped(self, name: str) -> np.ndarray:
        self._raw[name].flush()
        return np.memmap(self._raw[name], dtype="<f4", mode="r", shape=(self.samples,))

    def close(self) -> None:
        """Let go of what was recorded."""
        for file in self._raw.values():
            file.close()


class Live:
    """The rig of one page."""

    def __init__(self):
        self._lock = threading.Lock()
        self._rig: Rig | None = None
        self._asked: float | None = None  # when the page asked last, s
        self._serial = 0  # of the request that set something last
        self._test_at = 0.0  # when to test the membrane next, s
        self._tape: Tape | None = None
        self._file: Any = None
        self._closed = False

    def pull(self, request: Any) -> dict[str, Any]:
        """Do what is asked and record on, in the order: stop the tape, set, pulse, start the tape, record.

        Where the cell cannot go on, it stays where it is, and the answer says so.

        Args:
            request: `serial`, by which the page counts its requests; `speed`; `fresh` if time stood still since the
                last request; and, where there is something to do, `set`, `pulse` and `record`.

        Raises:
            ValueError: what is asked for cannot be done; what was before goes on.
        """
        with self._lock:
            if self._closed:
                raise ValueError("this page has been closed.")
            if not isinstance(request, Mapping) or not isinstance(request.get("serial"), int):
                raise ValueError("this is no request: it wants a serial number.")
            if request.get("speed") not in SPEEDS:
                raise ValueError(f"the speed must be one of {', '.join(f'{speed:g}' for speed in SPEEDS)}.")
            answer: dict[str, Any] = {}
            if request.get("record") is False:
                answer |= self._stop_tape()
            if request.get("set") is not None and request["serial"] > self._serial:
                self._serial = request["serial"]
                answer |= self._set(request["set"])
            rig = self._rig
            if rig is None:
                raise ValueError("there is no cell yet.")
            if request.get("pulse") is not None:
                self._pulse(rig, request["pulse"])
            if request.get("record") is True and self._tape is None:
                self._tape = Tape(rig.settings.mode)
            try:
                answer |= self._record(rig, request["speed"], bool(request.get("fresh")))
            except SolverError as error:
                return answer | {"stopped": f"The cell cannot go on like this: {error}."}
            return answer | self._test(rig)

    def piece(self, first: int) -> bytes:
        """Some bytes of the recorded file."""
        with self._lock:
            if self._file is None or first < 0:
                raise ValueError("there is no recording to download.")
            self._file.seek(first)
            return self._file.read(_PIECE)

    def close(self) -> None:
        """Let go of everything."""
        with self._lock:
            self._closed, self._rig = True, None
            for thing in (self._tape, self._file):
                if thing is not None:
                    thing.close()
            self._tape = self._file = None

    def _set(self, data: Any) -> dict[str, Any]:
        """Take what is set up on the page; a recording ends where the clamp changes."""
        if not isinstance(data, Mapping) or data.get("mode") not in MODES:
            raise ValueError("this describes no rig: it wants a cell, an electrode and a clamp.")
        cell, mode = Cell.parse(data.get("cell")), MODES[data["mode"]]
        numbers = parse(FIELDS, data.get("numbers", {}))
        settings: dict[str, Any] = {
            "neuron": cell.neuron(),
            "mode": mode,
            "electrode": pipette.electrode(data.get("electrode", {})),
            "holding_current": numbers["holding_current"],
            "holding_potential": numbers["holding_potential"],
            "test_pulse": RepeatedPulse() if data.get("test") else None,
        }
        if self._rig is None:
            self._rig, ended = Rig(dt=DT, **settings), {}
        else:
            ended = self._stop_tape() if self._rig.settings.mode is not mode else {}
            self._rig.set(**settings)
        family = FAMILIES[cell.base]
        span = 1.5 * max(abs(family["first"]), abs(family["last"]))
        return {"title": title(cell.base), "span": span, "warnings": list(self._rig.settings.neuron.warnings)} | ended

    def _pulse(self, rig: Rig, numbers: Any) -> None:
        parsed = parse(FIELDS, numbers)
        clamps_current = rig.settings.mode is Mode.CURRENT_CLAMP
        rig.pulse(parsed["pulse_current" if clamps_current else "pulse_potential"], parsed["pulse_duration"])

    def _stop_tape(self) -> dict[str, Any]:
        if self._tape is None:
            return {}
        if self._file is not None:
            self._file.close()
        tape, self._tape = self._tape, None
        self._file = tape.finished() if tape.samples else None
        return {"file": {"seconds": tape.seconds}} if self._file is not None else {}

    def _record(self, rig: Rig, speed: float, fresh: bool) -> dict[str, Any]:
        """Go on to now, or as far as there is patience for."""
        now = time.monotonic()
        passed = _FIRST if fresh or self._asked is None else min(now - self._asked, _BACKLOG)
        self._asked = now
        first, wanted, parts = round(rig.time / DT), max(DT, 1e3 * passed * speed), []
        while wanted >= DT and (not parts or time.monotonic() - now < _PATIENCE):
            parts.append(rig.advance(min(wanted, LONGEST)))
            wanted -= LONGEST
        response, command = (_joined(parts, name) for name in ("response", "command"))
        if self._tape is not None:
            self._tape.append(response, command)
        ended = self._stop_tape() if self._tape is not None and self._tape.seconds >= MOST_RECORDED else {}
        return {
            "first": first,
            "step": DT,
            "samples": response.size,
            "mode": rig.settings.mode.value,
            "response": Signal.encode(response).message(),
            "command": Signal.encode(command).message(),
            "recorded": None if self._tape is None else self._tape.seconds,
        } | ended

    def _test(self, rig: Rig) -> dict[str, Any]:
        """What the last test pulses say of the membrane, now and then: in a fifth of the time at most."""
        settings, now = rig.settings, time.monotonic()
        if settings.test_pulse is None or settings.mode is not Mode.VOLTAGE_CLAMP or now < self._test_at:
            return {}
        if settings.electrode is None or "series_resistance" not in settings.electrode.used:
            return {"test": {"why": "an ideal clamp charges the membrane at once; it takes a series resistance"}}
        sweeps = rig.test_sweeps()
        if sweeps is None:
            return {}
        mean = {name: jnp.mean(getattr(sweeps, name), axis=0, keepdims=True) for name in ("current", "command")}
        test = membrane_test(dataclasses.replace(sweeps, **mean))
        done = time.monotonic()
        self._test_at = done + max(_TEST_EVERY, 5.0 * (done - now))
        values = {"Rs": test.access_resistance, "Rm": test.membrane_resistance, "Cm": test.capacitance_tau}
        reasons = [value.reason for value in values.values() if value.reason]
        return {"test": {"why": reasons[0]} if reasons else {name: value.value for name, value in values.items()}}


def _joined(parts: list[Recording], name: str) -> np.ndarray:
    return np.concatenate([np.asarray(getattr(part, name))[0] for part in parts])
