"""What comes out of a rig, simulated or read from a file."""

import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from patch_sim.electrode import Electrode
from patch_sim.neuron import State
from patch_sim.protocols import LeakSubtraction, Mode

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    # What was saved is an array, and whoever saved it knows: type checkers need not ask each time.
    Signal: TypeAlias = Any
    Signals: TypeAlias = Any
else:
    Signal = Float[Array, "sweeps samples"] | None
    Signals = dict[str, Float[Array, "sweeps samples"]] | None

SIGNALS = ("voltage", "measured_voltage", "current", "command", "currents", "states")
"""The names of what a recording can hold beside its times."""

WRITERS: dict[str, Callable[["Recording", str], None]] = {}
"""How to save, by suffix; `patch_sim.files` fills it in."""


class Recording(eqx.Module):
    """Sweeps of one clamp mode, sampled at the same times.

    A recording read from a file has the same fields as a simulated one, with `currents` and `states` empty. What
    was not saved is None.

    Attributes:
        time: ms.
        mode: what the amplifier held.
        voltage: of the membrane, mV. In a voltage-clamp file this is the command.
        measured_voltage: what the amplifier reports, mV: of the pipette, in current clamp less the bridge.
        current: what the amplifier reports, pA: positive depolarizes in current clamp, inward is negative in
            voltage clamp. Of an ideal voltage clamp it is the ionic current and C dV/dt, jumps left out.
        command: what was commanded, pA or mV.
        currents: through each channel, pA, outward positive.
        states: the gates, `states["Na.m"]`, and the pool's `states["calcium"]`, mM.
        mask: which samples may be scored.
        warnings: what looks wrong, in words.
        final_state: the neuron's state at the last sample, to go on from.
        leak_subtraction: how the amplifier subtracted the leak from the current of a voltage clamp; None for not.
    """

    time: Float[Array, " samples"]
    mode: Mode = eqx.field(static=True)
    voltage: Signal = None
    measured_voltage: Signal = None
    current: Signal = None
    command: Signal = None
    currents: Signals = eqx.field(default_factory=dict)
    states: Signals = eqx.field(default_factory=dict)
    mask: Bool[Array, "sweeps samples"] | Bool[np.ndarray, "sweeps samples"] | None = None
    warnings: tuple[str, ...] = eqx.field(static=True, default=())
    final_state: State | None = None
    leak_subtraction: LeakSubtraction | None = None
    _electrode: Electrode | None = None
    _phases: tuple[tuple[Mode, int], ...] = eqx.field(static=True, default=())

    @property
    def electrode(self) -> Electrode:
        """Through which it was recorded; of a file, an ideal one."""
        return Electrode() if self._electrode is None else self._electrode

    @property
    def modes(self) -> np.ndarray:
        """The clamp mode of each sample, `(samples,)`; of a mixed clamp they differ."""
        phases = self._phases or ((self.mode, self.time.size),)
        return np.concatenate([np.full(samples, mode, dtype=object) for mode, samples in phases])

    @property
    def phases(self) -> tuple["Recording", ...]:
        """The phases of a mixed clamp, each a recording in one clamp with times of its own; else the recording."""
        ends = np.cumsum([samples for _, samples in self._phases])
        return tuple(
            self._cut(slice(int(end) - samples, int(end)), mode)
            for end, (mode, samples) in zip(ends, self._phases, strict=True)
        ) or (self,)

    def _cut(self, span: slice, mode: Mode) -> "Recording":
        signals = {name: jax.tree.map(lambda x: x[:, span], getattr(self, name)) for name in (*SIGNALS, "mask")}
        time = self.time[span] - self.time[span.start]
        how = {"leak_subtraction": self.leak_subtraction, "_electrode": self._electrode}
        return Recording(time, mode, **signals, warnings=self.warnings, **how)

    @property
    def response(self) -> Float[Array, "sweeps samples"]:
        """What a fit scores: the voltage in current clamp (mV), the current in voltage clamp (pA)."""
        if self.mode is Mode.MIXED:
            raise ValueError("a mixed clamp has no single response: ask each of its phases, rec.phases")
        response = self.measured_voltage if self.mode is Mode.CURRENT_CLAMP else self.current
        if response is None:
            raise ValueError(f"this {self.mode.value} recording holds no response ({self.mode.response_unit})")
        return response

    @property
    def scored(self) -> np.ndarray:
        """Which samples may be scored, `(sweeps, samples)`; all of them if there is no mask."""
        return np.broadcast_to(True if self.mask is None else np.asarray(self.mask), (self.sweeps, self.time.size))

    @property
    def sweeps(self) -> int:
        """The number of sweeps."""
        signals = (self.voltage, self.measured_voltage, self.current, self.command)
        return next((signal.shape[0] for signal in signals if signal is not None), 0)

    @property
    def dt(self) -> float:
        """The sampling interval, ms.

        Raises:
            ValueError: the samples are not evenly spaced, or there is only one.
        """
        time = np.asarray(self.time)
        steps = np.diff(time.astype(float))
        # In float32 a late sample is at its time only to within a percent of the interval.
        rounding = 2.0 * np.finfo(time.dtype).eps * np.max(np.abs(time), initial=0.0)
        if steps.size == 0 or np.ptp(steps) > 1e-3 * np.median(steps) + rounding:
            raise ValueError("the samples of this recording are not evenly spaced")
        dt = np.sum(steps) / steps.size
        short = np.round(dt, 6)
        return float(short if abs(short - dt) * steps.size <= rounding else np.round(dt, 9))

    def select(self, sweeps: Sequence[int] | slice) -> "Recording":
        """The recording with only some of its sweeps: `rec.select([0, 2])`, `rec.select(slice(1, None, 2))`."""
        index = np.arange(self.sweeps)[sweeps if isinstance(sweeps, slice) else np.asarray(sweeps)]
        picked = jax.tree.map(lambda x: x[index] if jnp.ndim(x) else x, self)
        return eqx.tree_at(lambda rec: rec.time, picked, self.time)

    def with_mask(self, mask: Any) -> "Recording":
        """The recording with another mask: True where a sample may be scored; broadcasts to (sweeps, samples)."""
        mask = np.asarray(mask)
        shape = (self.sweeps, self.time.size)
        if mask.dtype != bool:
            raise ValueError(f"a mask holds True and False, not {mask.dtype}")
        try:
            mask = np.broadcast_to(mask, shape)
        except ValueError:
            raise ValueError(
                f"a mask of shape {mask.shape} does not fit {shape[0]} sweeps x {shape[1]} samples"
            ) from None
        return eqx.tree_at(lambda rec: rec.mask, self, mask, is_leaf=lambda x: x is None)

    def with_electrode(self, electrode: Electrode) -> "Recording":
        """The recording as one that was made through some electrode, which a file mostly does not tell."""
        return eqx.tree_at(lambda rec: rec._electrode, self, electrode, is_leaf=lambda x: x is None)

    def mask_edges(self, width: float) -> "Recording":
        """Leave out of the mask the time after every jump of the command, where the clamp is not yet in charge.

        A jump is a change between two samples that exceeds 1 % of the command's range and ten times all but one of
        the three changes before and the three after it, so that a sinusoid, a ramp or noise has none.

        Args:
            width: how much to leave out after each jump, ms.
        """
        if not width > 0:
            raise ValueError(f"the width to leave out must be a positive time in ms, not {width!r}")
        if self.command is None:
            raise ValueError("this recording has no command to find the edges of")
        command = np.asarray(self.command)
        jumps = _jumps(command)
        time = np.asarray(self.time)
        mask = np.array(self.scored)
        for sweep, sample in np.argwhere(jumps):
            first, last = np.searchsorted(time, [time[sample], time[sample] + width - 1e-9])
            mask[sweep, first:last] = False
        return self.with_mask(mask)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Save to a file of the suffix's kind.

        Raises:
            ValueError: a suffix that nothing writes; the message lists those that are.
        """
        suffix = os.path.splitext(os.fspath(path))[1].lower()
        if suffix not in WRITERS:
            raise ValueError(f"cannot save as {suffix or 'a file without suffix'!r}; there are: {', '.join(WRITERS)}")
        WRITERS[suffix](self, os.fspath(path))

    def plot(self) -> "Figure":
        """Draw the response over the command; needs matplotlib."""
        from matplotlib import pyplot

        figure = pyplot.figure(figsize=(8, 5), layout="constrained")
        self.draw(figure)
        return figure

    def draw(self, figure: "Figure") -> None:
        """Draw the response over the command into an empty figure, which need not be one of pyplot's."""
        from matplotlib import colormaps

        top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
        colors = colormaps["viridis"](np.linspace(0.0, 0.9, self.sweeps))
        mixed = self.mode is Mode.MIXED
        upper, lower = (self.measured_voltage, self.current) if mixed else (self.response, self.command)
        for sweep, color in enumerate(colors):
            for axes, signal in ((top, upper), (bottom, lower)):
                if signal is not None:
                    axes.plot(self.time, signal[sweep], color=color, linewidth=0.9)
        voltage_above = self.mode is not Mode.VOLTAGE_CLAMP
        for axes, voltage in ((top, voltage_above), (bottom, not voltage_above)):
            axes.set_ylabel("voltage (mV)" if voltage else "current (pA)")
        bottom.set_xlabel("time (ms)")
        for axes in (top, bottom):
            axes.spines[["top", "right"]].set_visible(False)
            axes.margins(x=0)

    def __repr__(self) -> str:
        kept = [name for name in SIGNALS if getattr(self, name) is not None]
        size = f"{self.sweeps} sweeps x {self.time.size} samples"
        return f"Recording({self.mode.value}, {size}, {', '.join(kept)}{', flagged' if self.warnings else ''})"


def joined(phases: Sequence[Recording]) -> Recording:
    """The recording of a mixed clamp, out of those of its phases, which follow each other without a gap."""
    first, last = phases[0], phases[-1]
    dt = first.time[1] - first.time[0]

    def along_time(*parts: Any) -> Any:
        return jnp.concatenate(parts, axis=1)

    signals = {name: jax.tree.map(along_time, *(getattr(phase, name) for phase in phases)) for name in SIGNALS}
    return Recording(
        time=dt * jnp.arange(sum(phase.time.size for phase in phases), dtype=first.time.dtype),
        mode=Mode.MIXED,
        **signals,
        mask=along_time(*(phase.mask for phase in phases)),
        warnings=tuple(dict.fromkeys(note for phase in phases for note in phase.warnings)),
        final_state=last.final_state,
        _electrode=last._electrode,
        _phases=tuple((phase.mode, phase.time.size) for phase in phases),
    )


def _jumps(command: np.ndarray) -> np.ndarray:
    """Where (sweeps, samples) the command has jumped since the sample before."""
    change = np.abs(np.diff(command, axis=1, prepend=command[:, :1]))
    padded = np.pad(change, ((0, 0), (3, 3)))
    around = np.stack([np.roll(padded, shift, axis=1)[:, 3:-3] for shift in (-3, -2, -1, 1, 2, 3)])
    return (change > 0.01 * np.ptp(command)) & (change > 10.0 * np.sort(around, axis=0)[-2])
