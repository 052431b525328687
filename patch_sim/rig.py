"""Continuous recording: a rig that runs on and on, while everything about it may be changed.

The time is integrated in stretches of at most `LONGEST` ms, each of which starts in the state in which the one before
ended. All stretches run the same compiled function, whatever their length and whatever numbers were changed meanwhile;
it records one sample more than it keeps, the first of the next stretch.
"""

import dataclasses
import math
import numbers
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from patch_sim.arguments import checked
from patch_sim.electrode import Electrode
from patch_sim.filters import Stream
from patch_sim.neuron import Neuron, State
from patch_sim.patch import patched
from patch_sim.protocols import AbstractClamp, CurrentClamp, Mode, VoltageClamp
from patch_sim.recording import Recording
from patch_sim.simulate import simulate
from patch_sim.solvers import Adaptive, SolverError
from patch_sim.start import initial_states
from patch_sim.stimuli import Step

LONGEST = 40.0
"""The longest stretch, ms: a call costs 1 to 2 ms whatever its length."""

_SIGNALS = ("voltage", "measured_voltage", "current", "command")
_MOST_SAMPLES = 100_000_000  # of one call
_TESTS = 4  # how many test pulses are remembered


@dataclasses.dataclass(frozen=True)
class RepeatedPulse:
    """A step on top of the holding potential, again and again, to test the membrane.

    Args:
        amplitude: mV.
        duration: ms.
        period: from one to the next, ms.

    Raises:
        ValueError: a number that is none, a time that is not positive, pulses that leave no time between them.
    """

    amplitude: float = -10.0
    duration: float = 10.0
    period: float = 50.0

    def __post_init__(self):
        _check_number("RepeatedPulse.amplitude", self.amplitude, "mV")
        _check_time("RepeatedPulse.duration", self.duration)
        _check_time("RepeatedPulse.period", self.period)
        if self.period < 1.5 * self.duration:
            raise ValueError(
                f"RepeatedPulse.period ({self.period:g} ms) must be at least one and a half times the duration "
                f"({self.duration:g} ms): a test needs a baseline"
            )


@dataclasses.dataclass(frozen=True)
class Settings:
    """What is set at a rig.

    Attributes:
        neuron: the cell.
        mode: what the amplifier holds.
        holding_current: pA, injected in current clamp.
        holding_potential: mV, commanded in voltage clamp.
        electrode: between the amplifier and the cell; None is an ideal one.
        test_pulse: added to the holding potential in voltage clamp; None for none.
    """

    neuron: Neuron
    mode: Mode
    holding_current: float
    holding_potential: float
    electrode: Electrode | None
    test_pulse: RepeatedPulse | None

    @classmethod
    def of(cls, **values: Any) -> "Settings":
        """Settings that have been looked at.

        Raises:
            ValueError: a value that is not what it should be.
        """
        if not isinstance(values["neuron"], Neuron):
            raise ValueError(f"neuron must be a Neuron, not {values['neuron']!r}")
        if values["mode"] not in (Mode.CURRENT_CLAMP, Mode.VOLTAGE_CLAMP):
            raise ValueError(f"mode must be Mode.CURRENT_CLAMP or Mode.VOLTAGE_CLAMP, not {values['mode']!r}")
        _check_number("holding_current", values["holding_current"], "pA")
        _check_number("holding_potential", values["holding_potential"], "mV")
        for name, kind in (("electrode", Electrode), ("test_pulse", RepeatedPulse)):
            if values[name] is not None and not isinstance(values[name], kind):
                raise ValueError(f"{name} must be of the class {kind.__name__}, or None, not {values[name]!r}")
        return cls(**values)

    @property
    def clamps_current(self) -> bool:
        """Whether the amplifier holds the current."""
        return self.mode is Mode.CURRENT_CLAMP

    @property
    def holding(self) -> float:
        """What is held: pA in current clamp, mV in voltage clamp."""
        return self.holding_current if self.clamps_current else self.holding_potential

    def protocol(self, duration: float, dt: float) -> AbstractClamp:
        """The clamp of some time (ms), sampled every dt (ms), with two pulses on top that are nothing yet."""
        clamp = CurrentClamp if self.clamps_current else VoltageClamp
        return clamp(_no_pulses(), duration=duration, dt=dt, holding=self.holding, electrode=self.electrode)


class _Pulse(NamedTuple):
    """A step on top of the holding level, between two samples."""

    amplitude: float
    first: int
    last: int


_NO_PULSE = _Pulse(0.0, 0, 0)


class _Template:
    """The clamp of a stretch, made once: only the numbers of its pulses are filled in, since to make one takes a ms.

    Args:
        settings: of the rig.
        duration: of a stretch, ms.
        dt: between samples, ms.
    """

    def __init__(self, settings: Settings, duration: float, dt: float):
        self.dt = dt
        bare = dataclasses.replace(settings, electrode=_analog(settings.electrode))
        leaves, self._structure = jax.tree.flatten(bare.protocol(duration, dt))
        pulses = len(jax.tree.leaves(_no_pulses()))  # a clamp's first field is its stimulus
        self._dtype, self._others = leaves[0].dtype, leaves[pulses:]

    def filled(self, sample: int, pulses: tuple[_Pulse, ...]) -> AbstractClamp:
        """The clamp from a sample on."""
        seen = [(p.amplitude, (p.first - sample) * self.dt, (p.last - p.first) * self.dt) for p in pulses]
        numbers = np.reshape(seen, (-1, 1)).astype(self._dtype)
        return jax.tree.unflatten(self._structure, [*numbers, *self._others])


@dataclasses.dataclass(frozen=True)
class _Moment:
    """Where a rig is: all that changes while it runs.

    Attributes:
        sample: the number of samples so far.
        state: of the neuron and the electrode.
        filter: what the filter remembers; None at its start.
        draws: how often noise was drawn.
    """

    sample: int
    state: State
    filter: Stream | None = None
    draws: int = 0


class Rig:
    """A neuron that is being recorded from, without an end.

        rig = ps.Rig(cell, holding_current=100.0)
        rec = rig.advance(200.0)              # the next 200 ms
        rig.set(neuron=ps.with_parameters(cell, {"channels.K.g_max": 20.0}))
        rig.pulse(50.0, 2.0)
        rec = rig.advance(200.0)              # the 200 ms after those

    It starts at rest, as `simulate` does. What is set counts from the next sample on, and moves neither the membrane
    (but for an ideal voltage clamp, which does) nor the gates; those of a channel that was not there start at their
    steady state. Only another structure compiles anew: a channel that comes or goes, another mode, a number of the
    electrode that was ideal. The electrode's 1/f noise has nothing slower than a stretch of 40 ms.

    Args:
        neuron: the cell.
        mode: what the amplifier holds: `Mode.CURRENT_CLAMP` or `Mode.VOLTAGE_CLAMP`.
        holding_current: pA, injected in current clamp.
        holding_potential: mV, commanded in voltage clamp.
        electrode: between the amplifier and the cell; None is an ideal one.
        test_pulse: added to the holding potential in voltage clamp; None for none.
        dt: between samples, ms.
        key: of `jax.random`, for the electrode's noise; None is `jax.random.key(0)`.

    Raises:
        ValueError: an argument that is not what it should be.
        SolverError: there is no resting potential to start from.
    """

    def __init__(
        self,
        neuron: Neuron,
        *,
        mode: Mode = Mode.CURRENT_CLAMP,
        holding_current: float = 0.0,
        holding_potential: float = -70.0,
        electrode: Electrode | None = None,
        test_pulse: RepeatedPulse | None = None,
        dt: float = 0.025,
        key: Any = None,
    ):
        _check_time("dt", dt)
        if dt > 0.1 * LONGEST:
            raise ValueError(f"dt must be at most {0.1 * LONGEST:g} ms, not {dt!r}")
        self.dt = float(dt)
        self._length = round(LONGEST / self.dt)
        self._key = jax.random.key(0) if key is None else key
        self._use(
            Settings.of(
                neuron=neuron,
                mode=mode,
                holding_current=holding_current,
                holding_potential=holding_potential,
                electrode=electrode,
                test_pulse=test_pulse,
            )
        )
        self._pulse = _NO_PULSE
        self._tested_since = 0  # the sample at which the first test pulse began
        self._tests: dict[str, np.ndarray] = {}  # the last response and command, for `test_sweeps`
        self._moment = _Moment(0, self._start())

    @property
    def settings(self) -> Settings:
        """What is set."""
        return self._settings

    @property
    def time(self) -> float:
        """How long it has run, ms."""
        return self._moment.sample * self.dt

    @property
    def state(self) -> State:
        """The state of the neuron now."""
        return self._moment.state

    def set(self, **changes: Any) -> None:
        """Change some of the settings, all at once or none of them.

        Args:
            changes: `neuron`, `mode`, `holding_current` (pA), `holding_potential` (mV), `electrode`, `test_pulse`.

        Raises:
            ValueError: a name or a value that is not what it should be; the rig stays as it was.
        """
        before = self._settings
        values = {field.name: getattr(before, field.name) for field in dataclasses.fields(Settings)}
        unknown = changes.keys() - values.keys()
        if unknown:
            raise ValueError(f"a rig has no setting {sorted(unknown)[0]!r}; it has {', '.join(values)}")
        after = Settings.of(**values | changes)
        self._use(after)
        moment = dataclasses.replace(self._moment, state=_moved(self._moment.state, after.neuron))
        if (before.mode, before.test_pulse) != (after.mode, after.test_pulse):
            self._tested_since, self._tests = moment.sample, {}
        if before.mode is not after.mode:
            self._pulse, moment = _NO_PULSE, dataclasses.replace(moment, filter=None)
        self._moment = moment

    def pulse(self, amplitude: float, duration: float) -> None:
        """Begin a step on top of the holding level now, in place of one that is still on.

        Args:
            amplitude: pA or mV.
            duration: ms.

        Raises:
            ValueError: an amplitude that is no number, a duration that is no positive time.
        """
        _check_number("amplitude", amplitude, self._settings.mode.command_unit)
        _check_time("duration", duration)
        now = self._moment.sample
        self._pulse = _Pulse(float(amplitude), now, now + max(1, round(duration / self.dt)))

    def advance(self, duration: float) -> Recording:
        """Record the next stretch of time.

        Args:
            duration: ms, rounded to whole samples.

        Returns:
            A recording of one sweep, whose times go on from those of the last; with the voltages, the current and the
            command. Its `final_state` is the state at its end, one `dt` after its last sample.

        Raises:
            ValueError: a duration that is not positive, or of more than 100 million samples.
            SolverError: the solver gave up; the rig is as it was before the call.
        """
        _check_time("duration", duration)
        samples = round(duration / self.dt)
        if not 1 <= samples <= _MOST_SAMPLES:
            raise ValueError(
                f"duration must be between {self.dt:g} and {_MOST_SAMPLES * self.dt:g} ms, not {duration!r}"
            )
        first, moment, parts = self._moment.sample, self._moment, []
        while moment.sample < first + samples:
            moment, part = self._next(moment, first + samples - moment.sample)
            parts.append(part)
        signals = {name: np.concatenate([part[name] for part in parts]) for name in _SIGNALS}
        self._moment = moment
        self._remember(signals)
        time = np.arange(first, first + samples) * self.dt
        return self._recording(time, {name: signal[None] for name, signal in signals.items()}, moment.state)

    def test_sweeps(self) -> Recording | None:
        """The last test pulses as sweeps that begin a while before them, for `analysis.membrane_test`.

        None if the test pulse is off or has not been on for a period.
        """
        test = self._settings.test_pulse
        if test is None or not self._tests:
            return None
        duration, period = (round(time / self.dt) for time in (test.duration, test.period))
        lead = (period - duration) // 2
        end = self._moment.sample - self._tested_since
        begin = end - self._tests["command"].size
        onsets = range(-(-(begin + lead) // period) * period, end - period + lead + 1, period)
        spans = [slice(onset - lead - begin, onset - lead + period - begin) for onset in onsets][-_TESTS:]
        if not spans:
            return None
        signals = {name: np.stack([signal[span] for span in spans]) for name, signal in self._tests.items()}
        return self._recording(np.arange(period) * self.dt, signals, None)

    def _start(self) -> State:
        """The state to start from."""
        protocol = self._settings.protocol(LONGEST, self.dt)
        state = _strong(_rest(self._settings.neuron, protocol))
        if not np.all(np.isfinite(state.voltage)):
            raise SolverError(
                f"the cell has no resting potential under {self._settings.holding:g} "
                f"{self._settings.mode.command_unit}; hold with less"
            )
        return state

    def _use(self, settings: Settings) -> None:
        """Take settings that are good together."""
        checked(settings.neuron, settings.protocol(LONGEST, self.dt), None, _SIGNALS, Adaptive(), self._key)
        self._template = _Template(settings, (self._length + 1) * self.dt, self.dt)
        self._digital = None if settings.electrode is None else dataclasses.replace(settings.electrode, filter=None)
        self._settings = settings

    def _next(self, moment: _Moment, most: int) -> tuple[_Moment, dict[str, np.ndarray]]:
        """Integrate a stretch of at most so many samples; the rig does not change."""
        test, following = self._test_pulse(moment.sample)
        samples = min(most, self._length, following - moment.sample)
        # Beyond the stretch all times are its end: one shape for all, and the solver stops there.
        times = jax.device_put(np.minimum(np.arange(self._length + 1), samples) * self.dt)
        protocol = self._template.filled(moment.sample, (self._pulse, test))
        neuron = self._settings.neuron
        try:
            recorded = simulate(neuron, protocol, initial=moment.state, times=times, save=_SIGNALS)
        except SolverError as error:
            raise SolverError(
                f"the rig stopped after {moment.sample * self.dt:g} ms, within the next {samples * self.dt:g} ms: the "
                "solver gave up. Look for values of the cell or the command that make the equations explode"
            ) from error
        part = {name: np.asarray(getattr(recorded, name))[0, :samples] for name in _SIGNALS}
        state = _strong(recorded.final_state)
        return self._reported(_Moment(moment.sample + samples, state, moment.filter, moment.draws), part)

    def _test_pulse(self, sample: int) -> tuple[_Pulse, int]:
        """The test pulse that began last at a sample, and when the next one begins."""
        test = self._settings.test_pulse
        if test is None or self._settings.clamps_current:
            return _NO_PULSE, sample + self._length
        duration, period = (round(time / self.dt) for time in (test.duration, test.period))
        first = sample - (sample - self._tested_since) % period
        return _Pulse(test.amplitude, first, first + duration), first + period

    def _reported(self, moment: _Moment, part: dict[str, np.ndarray]) -> tuple[_Moment, dict[str, np.ndarray]]:
        """What the amplifier makes of the response of a stretch: filtered, then with noise, then in steps."""
        electrode = self._settings.electrode
        if electrode is None or self._digital is None:
            return moment, part
        name = "measured_voltage" if self._settings.clamps_current else "current"
        response, stream, draws = part[name], moment.filter, moment.draws
        if electrode.filter is not None:
            stream = Stream.of(electrode.filter, self.dt, stream, response[0])
            response, stream = stream.passed(response)
        if {"noise", "quantization"} & set(electrode.used):
            padded = np.zeros((1, self._length))
            padded[0, : response.size] = response
            key, draws = jax.random.fold_in(self._key, draws), draws + 1
            response = np.asarray(_digitized(self._digital, padded, key))[0, : response.size]
        return dataclasses.replace(moment, filter=stream, draws=draws), part | {name: response}

    def _remember(self, signals: dict[str, np.ndarray]) -> None:
        """Keep what `test_sweeps` may want."""
        test = self._settings.test_pulse
        if test is None or self._settings.clamps_current:
            return
        most = (_TESTS + 1) * round(test.period / self.dt)
        for name in ("current", "command"):
            before = self._tests.get(name, np.zeros(0))
            self._tests[name] = np.concatenate([before, signals[name]])[-most:]

    def _recording(self, time: np.ndarray, signals: dict[str, np.ndarray], state: State | None) -> Recording:
        settings = self._settings
        time, kept = jax.device_put((time, dict[str, Any](signals)))
        return Recording(
            time,
            settings.mode,
            **kept,
            warnings=settings.neuron.warnings,
            final_state=state,
            _electrode=settings.electrode,
        )


def _no_pulses() -> Any:
    return Step(0.0, 0.0, 0.0) + Step(0.0, 0.0, 0.0)


@jax.jit
def _rest(neuron: Neuron, protocol: AbstractClamp) -> State:
    state, _ = initial_states(patched(neuron, protocol), protocol, None)
    own = {name: gates for name, gates in state.gates.items() if name in neuron.channels}
    return State(state.voltage, own, state.calcium, state.electrode)


@jax.jit
def _digitized(electrode: Electrode, response: Any, key: Any) -> Any:
    return electrode.reported(response, 1.0, key)


def _analog(electrode: Electrode | None) -> Electrode | None:
    """An electrode without what happens to its response afterwards."""
    if electrode is None:
        return None
    plain = {"filter": None, "noise": 0.0, "pink_noise": 0.0, "quantization": 0.0, "used": None}
    return dataclasses.replace(electrode, **plain)


def _moved(state: State, neuron: Neuron) -> State:
    """A state for another neuron: what both have stays, the rest is at its steady state."""
    if neuron.owns(state):
        return state
    calcium = None
    if neuron.calcium is not None:
        calcium = jnp.broadcast_to(neuron.calcium.resting, (1,)) if state.calcium is None else state.calcium
    settled = neuron.settled(state.voltage, calcium)
    gates = {
        name: state.gates[name] if set(state.gates.get(name, ())) == set(gates) else gates
        for name, gates in settled.gates.items()
    }
    return _strong(State(settled.voltage, gates, settled.calcium, state.electrode))


def _strong(state: Any) -> State:
    """A state whose numbers are all of the same kind to JAX, so that none of them compiles anew."""
    return jax.tree.map(lambda x: jax.device_put(np.asarray(x)) if x.weak_type else x, state)


def _check_number(name: str, value: Any, unit: str) -> None:
    if not isinstance(value, numbers.Real) or isinstance(value, bool) or not math.isfinite(value):
        raise ValueError(f"{name} must be a finite number in {unit}, not {value!r}")


def _check_time(name: str, value: Any) -> None:
    if not isinstance(value, numbers.Real) or isinstance(value, bool) or not 0.0 < value < math.inf:
        raise ValueError(f"{name} must be a positive time in ms, not {value!r}")
