"""What a spiking neuron is fitted to: not its samples, but its events."""

import dataclasses
import itertools
import math
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

import patch_sim as ps
from fitting.spikes.interpolation import crossings, filtered
from fitting.spikes.residuals import Group, Matched, bounded_group, of_times, of_voltages
from fitting.spikes.targets import Targets, padded, targets
from fitting.windows import span

_STEP = 0.05  # ms: the longest between two samples of the model
_LEAD = 4.0  # ms from where the model is let go to the window
_TAIL = 30.0  # ms after the window
_PRELUDE_STEP = 0.5  # ms
_MORE = 6  # spikes of the model that are told beyond those of the data
_VIRTUAL = 4  # sweeps between the recorded ones
_BEYOND = 0.12  # of the strongest command
_LATITUDE = 1.0  # spikes by which a sweep that nobody recorded may be off at least


@dataclasses.dataclass(frozen=True)
class Events:
    r"""The difference between recorded and simulated spikes, and of the voltage between and around them.

    Spikes are upward crossings of a level. Compared are, for each sweep, what both have of them in order: their times
    and the latency of the first; the logarithms of the intervals; the height of the spikes; the voltage at 17 delays
    from 2 ms before to 4 ms after each, aligned on it; the voltage at 6 phases of each interval, from the start of the
    window to its end, so that ramps and afterhyperpolarizations are compared in spite of errors in time; in sweeps
    without a spike, the voltage at 60 times; and at 6 times after the window. A spike that is missing counts as one 30
    ms after the window. The number of spikes has no derivative, but steers what is kept.

    Each kind is a root mean square of $r / \sqrt{1 + (r / c)^2}$, r in units of its tolerance: what is far off
    counts no more than c.

    The model is held at the recorded voltage until 4 ms before the window and then let go, so that a cell that fires
    before it can be fitted too.

    Args:
        window: `(start, end)` of what is scored, ms. None: from the first to the last change of the command.
        level: that a spike crosses upward, mV.
        time: tolerance of a spike's time at the start of the window, ms.
        drift: how much it grows for each ms after that.
        interval: tolerance of the logarithm of an interval.
        peak: tolerance of a spike's height, mV.
        waveform: tolerance of the voltage around a spike, mV.
        jitter: how much it grows for each mV/ms of the slope, ms.
        phase: tolerance of the voltage between spikes, mV.
        silent: tolerance of the voltage without spikes, mV.
        count: tolerance of the number of spikes.
    """

    window: tuple[float, float] | None = None
    level: float = -10.0
    time: float = 1.0
    drift: float = 0.05
    interval: float = 0.2
    peak: float = 2.0
    waveform: float = 3.0
    jitter: float = 0.1
    phase: float = 2.0
    silent: float = 1.0
    count: float = 1.5

    def __post_init__(self):
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if field.name not in ("window", "level") and not (isinstance(value, int | float) and value > 0):
                raise ValueError(f"Events.{field.name} must be a positive number, not {value!r}")
        if self.window is not None and not self.window[0] < self.window[1]:
            raise ValueError(f"Events.window must be (start, end) in ms, not {self.window!r}")

    def bind(self, recording: ps.Recording) -> "EventTerm":
        """What a fit compares with one recording.

        Raises:
            ValueError: a recording that is no current clamp or has no command, a window outside it, or samples that
                are not finite.
        """
        if recording.mode is not ps.Mode.CURRENT_CLAMP:
            raise ValueError("events are those of a current clamp")
        if recording.command is None:
            raise ValueError("the recording holds no command, so it cannot be simulated")
        data, command = np.asarray(recording.response), np.asarray(recording.command)
        dt = float(recording.dt)
        start, end = span(self.window, command, dt, "Events")
        begin, stop = max(start - _LEAD, 0.0), min(end + _TAIL, data.shape[1] * dt)
        first, last = round(begin / dt), round(stop / dt)
        piece = data[:, first:last]
        if not np.all(np.isfinite(piece)):
            raise ValueError("samples that are to be scored are NaN or infinite")
        window = (start - first * dt, end - first * dt)
        found = targets(self.level, piece, dt, window)
        protocol = _clamp(command[:, first:last], dt)
        held, voltage = _prelude(data[:, :first], piece, dt)
        term = EventTerm(self, window, first * dt, len(data), protocol, held, jnp.asarray(voltage), found)
        return _with_virtual(term)


class EventTerm(eqx.Module):
    """The events of one recording, and how to simulate it.

    Attributes:
        loss: the tolerances.
        window: what is scored, ms from where the model is let go.
        protocol: what is commanded from there on.
        prelude: what the membrane is held at before; None if there is nothing before.
        voltage: at which each sweep is let go, as measured, mV.
        targets: the events of the data.
        begin: when in the recording the model is let go, ms.
        recorded: how many of the sweeps were recorded; of those that follow, only the count is known.
    """

    loss: Events = eqx.field(static=True)
    window: tuple[float, float] = eqx.field(static=True)
    begin: float = eqx.field(static=True)
    recorded: int = eqx.field(static=True)
    protocol: ps.CurrentClamp
    prelude: ps.VoltageClamp | None
    voltage: Float[Array, " sweeps"]
    targets: Targets

    @property
    def sweeps(self) -> int:
        """How many sweeps there are."""
        return self.voltage.shape[0]

    def rows(self, which: Int[Array | np.ndarray, " rows"]) -> "EventTerm":
        """Some of them, by their numbers."""
        return eqx.tree_at(families, self, [jnp.asarray(family)[which] for family in families(self)])

    def simulate(self, neuron: ps.Neuron, electrode: ps.Electrode, solver: Any) -> Float[Array, "sweeps samples"]:
        """What a neuron behind an electrode gives, mV: held as recorded, and then let go."""
        # What the amplifier filters is far above what the low-pass of the events lets through.
        used = tuple(name for name in electrode.used if name != "filter")
        electrode = dataclasses.replace(electrode, filter=None, used=used)
        protocol = dataclasses.replace(self.protocol, electrode=electrode)
        left = electrode.series_resistance - electrode.compensation.bridge
        injected = self.protocol.holding + electrode.current_offset
        voltage = self.voltage - 1e-3 * left * injected - electrode.shift
        initial: Any = voltage
        if self.prelude is not None:
            held: Any = ps.simulate(neuron, self.prelude, save=("voltage",)).final_state
            initial = ps.State(voltage, held.gates, held.calcium)
        rec = ps.simulate(neuron, protocol, initial=initial, save=("measured_voltage",), solver=solver)
        return rec.measured_voltage

    def residual(
        self, neuron: ps.Neuron, electrode: ps.Electrode, solver: Any, most: Any = jnp.inf
    ) -> Float[Array, " residuals"]:
        """The residuals of a neuron behind an electrode, in units of the tolerances, each at most `most`."""
        measured = self.simulate(neuron, electrode, solver)
        smooth = filtered(measured, self.protocol.dt)
        return jax.vmap(lambda v, target: self._score(v, target, most))(smooth, self.targets).ravel()

    def _spikes(self, v: Float[Array, " samples"]) -> tuple[Float[Array, " spikes"], Int[Array, ""]]:
        """The times of the first spikes in the window, infinite beyond the last, and how many there are in all."""
        start, end = self.window
        most = self.targets.times.shape[1] + _MORE
        times, _, _ = crossings(v, self.protocol.dt, self.loss.level, most)
        inside = (times >= start) & (times < end)
        return jnp.sort(jnp.where(inside, times, jnp.inf)), jnp.sum(inside)

    def _score(self, v: Float[Array, " samples"], target: Any, most: Any) -> Float[Array, " residuals"]:
        """The residuals of one sweep, of its filtered voltage."""
        times, count = self._spikes(v)
        matched = Matched(target, times[: target.times.shape[0]], jnp.minimum(target.count, count), count)
        events = [
            *of_times(self.loss, self.window, matched, times),
            *of_voltages(self.loss, self.window, matched, v, self.protocol.dt),
        ]
        known = target.latitude == 0.0
        of_events = [jnp.where(known, bounded_group(group, most), 0.0) for group in events]
        off = count.astype(v.dtype) - target.expected
        off = jnp.sign(off) * jnp.maximum(jnp.abs(off) - target.latitude, 0.0) / self.loss.count
        return jnp.concatenate([*of_events, bounded_group(Group(off[None], True, 1), most)])


def _clamp(command: np.ndarray, dt: float) -> ps.CurrentClamp:
    step = dt / math.ceil(dt / _STEP * (1.0 - 1e-9))
    samples = round(command.shape[1] * dt / step)
    holding = command[:, 0]
    stimulus = ps.Samples(command - holding[:, None], dt)
    return ps.CurrentClamp(stimulus, duration=samples * step, dt=step, holding=holding)


def _prelude(before: np.ndarray, piece: np.ndarray, dt: float) -> tuple[ps.VoltageClamp | None, np.ndarray]:
    """What each membrane is held at before the model is let go, and the voltage then."""
    width = max(round(_PRELUDE_STEP / dt), 1)
    blocks = before.shape[1] // width
    voltage = piece[:, : max(round(0.25 / dt), 1)].mean(axis=1)
    if blocks < 2:
        return None, voltage
    means = before[:, before.shape[1] - blocks * width :].reshape(len(before), blocks, width).mean(axis=2)
    holding = means[:, 0]  # where the gates start at rest
    stimulus = ps.Samples(means - holding[:, None], width * dt)
    return ps.VoltageClamp(stimulus, duration=blocks * width * dt, dt=width * dt, holding=holding), voltage


def families(term: EventTerm) -> list[Any]:
    """Everything with a leading axis of sweeps."""
    clamps: list[Any] = [term.protocol] if term.prelude is None else [term.protocol, term.prelude]
    of_clamps = [part for clamp in clamps for part in (clamp.stimulus.values, clamp.holding)]
    return [*of_clamps, term.voltage, *jax.tree.leaves(term.targets)]


def _with_virtual(term: EventTerm) -> EventTerm:
    """The same with sweeps that nobody recorded, behind those that somebody did.

    A cell may fit every recorded sweep and fall silent between two of them, in depolarization block or for a gap in its
    firing. Halfway between neighbors in the order of their mean command, where at least one of the two spikes, the
    count must lie between theirs by a spike at least, or within one of their mean; and beyond the strongest command,
    by 12 % of it, likewise between the last count and the straight line through the last two: many cells begin with
    a jump, and saturate. These counts have no derivative, but steer what is kept.
    """
    samples: Any = term.protocol.stimulus
    values, holding = np.asarray(samples.values), np.asarray(term.protocol.holding)
    command = values + holding[:, None]
    order = np.argsort(command.mean(axis=1), kind="stable").tolist()
    counts = np.asarray(term.targets.count, dtype=float)
    pairs = [(a, b) for a, b in itertools.pairwise(order) if max(counts[a], counts[b]) > 0]
    if not pairs:
        return term
    kept = np.unique(np.linspace(0, len(pairs) - 1, min(_VIRTUAL, len(pairs))).round().astype(int))
    rows = [(*pairs[k], 0.5) for k in kept] + [(*pairs[-1], 1.0 + _reach(command, pairs[-1]))]
    first, second, share = (np.array(column) for column in zip(*rows, strict=True))

    def between(x: np.ndarray) -> np.ndarray:
        weight = share.reshape(-1, *[1] * (x.ndim - 1))
        return (1.0 - weight) * x[first] + weight * x[second]

    joined = term.rows(np.concatenate([np.arange(len(counts)), second]))
    stimulus = ps.Samples(np.concatenate([values, between(values)]), samples.dt)
    protocol = dataclasses.replace(joined.protocol, stimulus=stimulus, holding=np.append(holding, between(holding)))
    ends = np.stack([counts[first], counts[second]])
    ends[0, -1] = max(between(counts)[-1], 0.0)  # beyond the strongest: what the line says there
    expected = np.append(counts, ends.mean(axis=0))
    latitude = np.maximum(np.abs(np.diff(ends, axis=0))[0] / 2.0 - 1.0, _LATITUDE)
    latitude = np.append(np.zeros(len(counts)), latitude)
    room = max(joined.targets.times.shape[1], math.ceil(np.max(expected + latitude)) + 1 - _MORE)
    targets = dataclasses.replace(joined.targets, expected=jnp.asarray(expected), latitude=jnp.asarray(latitude))
    return dataclasses.replace(joined, protocol=protocol, targets=padded(targets, room))


def _reach(command: np.ndarray, pair: tuple[int, int]) -> float:
    """How far 12 % of the strongest command reach, in distances from the one before."""
    before, strongest = (command[k].mean() - command[k, 0] for k in pair)
    return _BEYOND * strongest / (strongest - before) if strongest > before else 0.0
