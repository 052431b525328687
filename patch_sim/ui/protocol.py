"""The protocol on the page: one of the kinds below, with its numbers, or one of the ready ones."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import patch_sim as ps
from patch_sim import presets
from patch_sim.electrode import Electrode
from patch_sim.neuron import Neuron
from patch_sim.protocols import AbstractProtocol, Mode
from patch_sim.protocols.clamps import AbstractClamp
from patch_sim.ui.fields import Field, parse
from patch_sim.ui.traces import MOST_SAMPLES
from patch_sim.ui.written import Writer, Written

MOST_SWEEPS = 500
"""The most sweeps that the page runs at once."""

MOST_CURRENT = 1e6
"""The strongest current, of either sign, pA: more than any patch amplifier gives."""

MOST_VOLTAGE = 500.0
"""The farthest command, of either sign, mV."""

SHORTEST_DT = 0.001
"""Between samples, ms."""

Numbers = Mapping[str, float | int]


def _current(name: str, label: str, default: float, tip: str) -> Field:
    return Field(name, label, "pA", default, -MOST_CURRENT, MOST_CURRENT, tip)


def _voltage(name: str, label: str, default: float, tip: str) -> Field:
    return Field(name, label, "mV", default, -MOST_VOLTAGE, MOST_VOLTAGE, tip)


def _time(name: str, label: str, default: float, tip: str, low: float = 0.0) -> Field:
    return Field(name, label, "ms", default, low, 1e7, tip)


def _frequency(name: str, label: str, default: float, tip: str) -> Field:
    return Field(name, label, "Hz", default, 0.01, 1e4, tip)


def _count(name: str, label: str, default: int, tip: str, high: int = MOST_SWEEPS) -> Field:
    return Field(name, label, "", default, 1, high, tip, whole=True)


_SWEEPS = _count("sweeps", "Sweeps", 6, "how many, evenly from the first amplitude to the last")


def _frame(mode: Mode, length: float) -> tuple[Field, ...]:
    """What every kind has: how long, from where, and how finely sampled."""
    holding = (
        _current("holding", "Holding", 0.0, "injected before, during and after the stimulus")
        if mode is Mode.CURRENT_CLAMP
        else _voltage("holding", "Holding", -70.0, "the potential before and after the stimulus")
    )
    return (
        _time("length", "Sweep length", length, "how long a sweep lasts", low=0.025),
        holding,
        _time("dt", "Sampling", 0.025, "between two samples", low=SHORTEST_DT),
    )


@dataclasses.dataclass(frozen=True)
class Kind:
    """A kind of protocol that a person can set up.

    Attributes:
        name: its key.
        label: for people.
        tip: what it is for, in one line.
        mode: the clamp.
        fields: its numbers.
        stimulus: makes the stimulus, above the holding level, of the package and the numbers.
    """

    name: str
    label: str
    tip: str
    mode: Mode
    fields: tuple[Field, ...]
    stimulus: Callable[[Any, Numbers], Any]

    def build(self, numbers: Numbers, electrode: Any, make: Any = ps) -> Any:
        """The protocol, or with a `Writer` for the package how to build it.

        Raises:
            ValueError: numbers that do not go together, or more samples than the page takes.
        """
        length, dt, sweeps = numbers["length"], numbers["dt"], int(numbers.get("sweeps", 1))
        samples = sweeps * length / dt
        if samples > MOST_SAMPLES:
            raise ValueError(
                f"Sweep length: {sweeps} sweep{'s' * (sweeps > 1)} of {length:g} ms are {samples:,.0f} samples, and "
                f"the page runs at most {MOST_SAMPLES:,}; make the sweeps at most {MOST_SAMPLES * dt / sweeps:,.0f} ms "
                "long, or fewer."
            )
        if dt > length:
            raise ValueError(f"Sampling: {dt:g} ms is longer than a sweep.")
        if numbers["start"] >= length:
            raise ValueError(f"Start: {numbers['start']:g} ms is too late; the sweep is over after {length:g} ms.")
        clamp = make.CurrentClamp if self.mode is Mode.CURRENT_CLAMP else make.VoltageClamp
        stimulus, holding = self.stimulus(make, numbers), numbers["holding"]
        return clamp(stimulus, duration=length, dt=dt, holding=holding, electrode=electrode)


def _levels(n: Numbers) -> np.ndarray:
    """The amplitudes of a family."""
    return np.linspace(n["first"], n["last"], int(n["sweeps"]))


def _above(n: Numbers, *names: str) -> list[Any]:
    """Potentials as amplitudes above the holding one."""
    return [n[name] - n["holding"] for name in names]


def _train(make: Any, amplitude: Any, n: Numbers) -> Any:
    return make.PulseTrain(amplitude, n["start"], n["width"], n["frequency"], int(n["count"]))


_CC, _VC = Mode.CURRENT_CLAMP, Mode.VOLTAGE_CLAMP
_PULSES = (
    _time("start", "Start", 20.0, "when the first pulse begins"),
    _time("width", "Width", 2.0, "of a pulse"),
    _frequency("frequency", "Frequency", 40.0, "of the pulses"),
    _count("count", "Pulses", 5, "how many in a sweep", high=10_000),
)

KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind(
            "steps",
            "Steps",
            "square pulses of growing amplitude: threshold, f-I curve, sag",
            _CC,
            (
                _current("first", "From", -50.0, "amplitude in the first sweep"),
                _current("last", "To", 200.0, "amplitude in the last sweep"),
                _SWEEPS,
                _time("start", "Step start", 10.0, "when the step begins"),
                _time("duration", "Step duration", 100.0, "how long the step lasts"),
                *_frame(_CC, 150.0),
            ),
            lambda make, n: make.Step(_levels(n), n["start"], n["duration"]),
        ),
        Kind(
            "ramp",
            "Ramp",
            "a current that grows steadily: at what current does the cell begin to fire?",
            _CC,
            (
                _current("first", "From", 0.0, "where the ramp begins"),
                _current("last", "To", 400.0, "where the ramp ends"),
                _time("start", "Ramp start", 20.0, "when the ramp begins"),
                _time("duration", "Ramp duration", 400.0, "how long it takes", low=0.025),
                *_frame(_CC, 500.0),
            ),
            lambda make, n: make.Ramp(n["last"] - n["first"], n["start"], n["duration"], n["first"]),
        ),
        Kind(
            "pulses",
            "Pulse train",
            "short equal pulses: refractoriness, reliability",
            _CC,
            (
                _current("first", "From", 200.0, "amplitude in the first sweep"),
                _current("last", "To", 400.0, "amplitude in the last sweep"),
                dataclasses.replace(_SWEEPS, default=2),
                *_PULSES,
                *_frame(_CC, 200.0),
            ),
            lambda make, n: _train(make, _levels(n), n),
        ),
        Kind(
            "sine",
            "Sinusoid",
            "an oscillating current: phase locking",
            _CC,
            (
                _current("amplitude", "Amplitude", 100.0, "from the middle to the peak"),
                _current("offset", "Offset", 50.0, "around which it oscillates"),
                _frequency("frequency", "Frequency", 20.0, "of the oscillation"),
                _time("start", "Start", 20.0, "when it begins"),
                _time("duration", "Duration", 400.0, "how long it lasts", low=0.025),
                *_frame(_CC, 500.0),
            ),
            lambda make, n: make.Sine(n["amplitude"], n["frequency"], n["start"], n["duration"], n["offset"]),
        ),
        Kind(
            "chirp",
            "Chirp",
            "a sinusoid whose frequency rises: resonance and impedance",
            _CC,
            (
                _current("amplitude", "Amplitude", 20.0, "from the middle to the peak"),
                _frequency("low", "First frequency", 1.0, "at the beginning"),
                _frequency("high", "Last frequency", 100.0, "at the end"),
                _time("start", "Start", 50.0, "when it begins"),
                _time("duration", "Duration", 2000.0, "how long it lasts", low=0.025),
                *_frame(_CC, 2100.0),
            ),
            lambda make, n: make.Chirp(n["amplitude"], n["low"], n["high"], n["start"], n["duration"]),
        ),
        Kind(
            "noise",
            "Noise",
            "a fluctuating current as of many synapses: reliability of spike times",
            _CC,
            (
                _current("mean", "Mean", 50.0, "of the current"),
                dataclasses.replace(_current("sd", "Deviation", 50.0, "standard deviation of the current"), low=0.0),
                _time("tau", "Time constant", 3.0, "after which it has forgotten itself", low=0.2),
                _count("sweeps", "Sweeps", 3, "each with noise of its own"),
                Field("seed", "Seed", "", 0, 0, 2**31, "the same number gives the same noise", whole=True),
                _time("start", "Start", 20.0, "when it begins"),
                _time("duration", "Duration", 400.0, "how long it lasts", low=1.0),
                *_frame(_CC, 500.0),
            ),
            lambda make, n: make.Noise(
                n["sd"],
                n["start"],
                n["duration"],
                mean=n["mean"],
                time_constant=n["tau"],
                seed=[int(n["seed"]) + k for k in range(int(n["sweeps"]))],
            ),
        ),
        Kind(
            "voltage_steps",
            "Voltage steps",
            "steps to many potentials: I-V curve, activation",
            _VC,
            (
                _voltage("first", "From", -90.0, "potential of the first sweep"),
                _voltage("last", "To", 50.0, "potential of the last sweep"),
                dataclasses.replace(_SWEEPS, default=15),
                _time("start", "Step start", 5.0, "when the step begins"),
                _time("duration", "Step duration", 20.0, "how long the step lasts"),
                *_frame(_VC, 30.0),
            ),
            lambda make, n: make.Step(_levels(n) - n["holding"], n["start"], n["duration"]),
        ),
        Kind(
            "two_steps",
            "Conditioning and test step",
            "a conditioning step to many potentials, then a test step: inactivation",
            _VC,
            (
                _voltage("first", "From", -120.0, "conditioning potential of the first sweep"),
                _voltage("last", "To", -10.0, "conditioning potential of the last sweep"),
                dataclasses.replace(_SWEEPS, default=12),
                _time("start", "Conditioning start", 5.0, "when it begins"),
                _time("conditioning", "Conditioning", 50.0, "how long it lasts"),
                _voltage("test", "Test", 0.0, "potential of the test step"),
                _time("duration", "Test duration", 10.0, "how long the test step lasts"),
                *_frame(_VC, 75.0),
            ),
            lambda make, n: (
                make.Step(_levels(n) - n["holding"], n["start"], n["conditioning"])
                + make.Step(*_above(n, "test"), n["start"] + n["conditioning"], n["duration"])
            ),
        ),
        Kind(
            "voltage_ramp",
            "Voltage ramp",
            "a potential that rises steadily: a quick I-V curve",
            _VC,
            (
                _voltage("first", "From", -120.0, "where the ramp begins"),
                _voltage("last", "To", 50.0, "where the ramp ends"),
                _time("start", "Ramp start", 20.0, "when the ramp begins"),
                _time("duration", "Ramp duration", 200.0, "how long it takes", low=0.025),
                *_frame(_VC, 250.0),
            ),
            lambda make, n: make.Ramp(n["last"] - n["first"], n["start"], n["duration"], *_above(n, "first")),
        ),
        Kind(
            "voltage_pulses",
            "Voltage pulse train",
            "equal steps one after the other: use-dependent inactivation",
            _VC,
            (_voltage("level", "To", 0.0, "potential of the pulses"), *_PULSES, *_frame(_VC, 200.0)),
            lambda make, n: _train(make, _above(n, "level")[0], n),
        ),
    )
}
"""What can be set up, by name."""

READY = {f"ready:{name}": name for name in presets.protocols()}
"""The ready protocols, by key."""


FAMILIES: dict[str, Numbers] = {
    cell: dict(zip(("first", "last", "sweeps", "start", "duration", "length"), numbers, strict=True))
    for cell, numbers in {
        "squid_axon": (-50.0, 200.0, 6, 10.0, 100.0, 150.0),
        "regular_spiking": (-300.0, 900.0, 5, 100.0, 400.0, 600.0),
        "fast_spiking": (-250.0, 1000.0, 6, 100.0, 300.0, 500.0),
        "thalamic_relay": (-400.0, 400.0, 5, 200.0, 300.0, 800.0),
        "thalamic_reticular": (-150.0, 150.0, 5, 200.0, 300.0, 800.0),
        "ca1_pyramidal": (-200.0, 400.0, 5, 100.0, 400.0, 600.0),
        "purkinje": (-100.0, 100.0, 5, 100.0, 300.0, 500.0),
        "dopaminergic": (-150.0, 50.0, 5, 500.0, 800.0, 1800.0),
        "subthalamic": (-50.0, 50.0, 5, 200.0, 400.0, 900.0),
        "layer5_pyramidal": (-100.0, 300.0, 5, 50.0, 300.0, 450.0),
    }.items()
}
"""For each cell a family of current steps that shows what it does."""


@dataclasses.dataclass(frozen=True)
class Protocol:
    """What is run.

    Attributes:
        kind: a key of `KINDS` or of `READY`.
        numbers: those of the kind that differ from its defaults.
    """

    kind: str
    numbers: Numbers = dataclasses.field(default_factory=dict)

    @classmethod
    def parse(cls, data: Any) -> "Protocol":
        """Check what the browser, or a file, says.

        Raises:
            ValueError: no kind of that name, or a number that is wrong by itself.
        """
        if not isinstance(data, Mapping) or data.get("kind") not in KINDS.keys() | READY.keys():
            raise ValueError("this describes no protocol: its kind is not among those of the page.")
        kind, numbers = data["kind"], data.get("numbers", {})
        if kind in READY:
            return cls(kind)
        return cls(kind, parse(KINDS[kind].fields, numbers))

    @property
    def mode(self) -> Mode | None:
        """The clamp; None where only building it tells."""
        return KINDS[self.kind].mode if self.kind in KINDS else None

    def build(self, neuron: Neuron, electrode: Electrode | None) -> AbstractProtocol:
        """The protocol for a cell; a ready one may search the cell's rheobase first, which takes seconds.

        Raises:
            ValueError: numbers that do not go together, or a cell that the protocol does not suit.
        """
        if self.kind in KINDS:
            return KINDS[self.kind].build(parse(KINDS[self.kind].fields, self.numbers), electrode)
        return dataclasses.replace(presets.protocol(READY[self.kind], neuron), electrode=electrode)

    def code(self) -> str:
        """The lines of Python that build it, of a `cell` and an `electrode`."""
        if self.kind in KINDS:
            made = KINDS[self.kind].build(parse(KINDS[self.kind].fields, self.numbers), Written("electrode"), Writer())
            return f"protocol = {made}"
        return (
            f'protocol = ps.presets.protocol("{READY[self.kind]}", cell)\n'
            "protocol = dataclasses.replace(protocol, electrode=electrode)"
        )


def one_sweep(protocol: AbstractProtocol, sweep: int) -> AbstractProtocol:
    """The protocol of one sweep alone, so that the number of sweeps does not compile anew."""
    if not isinstance(protocol, AbstractClamp):
        return protocol
    stimulus, holding = protocol.broadcast()
    stimulus, holding = jax.tree.map(lambda x: jnp.asarray(x)[sweep : sweep + 1], (stimulus, holding))
    return dataclasses.replace(protocol, stimulus=stimulus, holding=holding)


def kinds() -> list[dict[str, Any]]:
    """All that can be chosen, as JSON for the browser."""
    own = [
        {
            "name": kind.name,
            "label": kind.label,
            "tip": kind.tip,
            "mode": kind.mode.value,
            "fields": [field.view() for field in kind.fields],
        }
        for kind in KINDS.values()
    ]
    ready = [
        {
            "name": key,
            "label": name,
            "tip": "ready made, its currents scaled to the cell",
            "mode": "ready",
            "fields": [],
        }
        for key, name in READY.items()
    ]
    return own + ready
