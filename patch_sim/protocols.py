"""Protocols: a clamp mode and a family of sweeps."""

import enum
import numbers
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, Float

from patch_sim.electrode import Electrode
from patch_sim.parameters import AbstractParametric
from patch_sim.stimuli import AbstractStimulus, Family, Sum, family, snap

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WRITERS: dict[str, Callable[["AbstractProtocol", str], None]] = {}
"""How to save, by suffix; `patch_sim.files` fills it in."""


def _as_float(value: Any) -> Any:
    """Turn any real number into a float; leave anything else for the check that can name it."""
    return float(value) if isinstance(value, numbers.Real) and not isinstance(value, bool) else value


class Mode(enum.Enum):
    """What the amplifier holds."""

    CURRENT_CLAMP = "current clamp"
    VOLTAGE_CLAMP = "voltage clamp"

    @property
    def command_unit(self) -> str:
        """The unit of what is commanded."""
        return "pA" if self is Mode.CURRENT_CLAMP else "mV"

    @property
    def response_unit(self) -> str:
        """The unit of what is recorded."""
        return "mV" if self is Mode.CURRENT_CLAMP else "pA"


class AbstractProtocol(AbstractParametric):
    """What is commanded, `command(t) = holding + stimulus(t)`, for how long, and how finely it is sampled.

    Raises:
        ValueError: a duration or dt that is not a positive time, a dt longer than the duration, a stimulus
            that is none, families whose lengths differ.
    """

    stimulus: eqx.AbstractVar[AbstractStimulus]
    duration: eqx.AbstractVar[float]
    dt: eqx.AbstractVar[float]
    holding: eqx.AbstractVar[Float[Array, " sweeps"]]
    electrode: eqx.AbstractVar[Electrode | None]
    mode: eqx.AbstractVar[Mode]

    def __check_init__(self):
        name = type(self).__name__
        if self.electrode is not None and not isinstance(self.electrode, Electrode):
            raise ValueError(f"{name}.electrode must be an Electrode, not {self.electrode!r}")
        if not isinstance(self.stimulus, AbstractStimulus):
            raise ValueError(f"{name}.stimulus must be a stimulus such as Step, not {self.stimulus!r}")
        for key in ("duration", "dt"):
            value = getattr(self, key)
            if not isinstance(value, float) or not 0 < value < float("inf"):
                raise ValueError(f"{name}.{key} must be a positive time in ms, not {value!r}")
        bessel = None if self.electrode is None else self.electrode.filter
        corner = None if bessel is None else bessel.corner
        if corner is not None and not isinstance(corner, Tracer) and np.any(np.asarray(corner) >= 500.0 / self.dt):
            raise ValueError(
                f"{name}: the filter's corner of {corner:g} Hz is not below the {500.0 / self.dt:g} Hz that samples "
                f"{self.dt:g} ms apart can hold"
            )
        if self.dt > self.duration:
            raise ValueError(f"{name}.dt ({self.dt:g} ms) is longer than the duration ({self.duration:g} ms)")
        if eqx.is_array(self.holding) and self.holding.shape[0] != 1 != self.stimulus.sweeps != self.holding.shape[0]:
            raise ValueError(
                f"{name}: {self.holding.shape[0]} holding levels and {self.stimulus.sweeps} sweeps do not zip"
            )

    @property
    def sweeps(self) -> int:
        """The number of sweeps."""
        return max(self.stimulus.sweeps, self.holding.shape[0])

    @property
    def samples(self) -> int:
        """The number of samples in a sweep."""
        return round(self.duration / self.dt)

    @property
    def times(self) -> Float[Array, " samples"]:
        """When the samples are taken, ms."""
        return jnp.arange(self.samples, dtype=float) * self.dt

    def broadcast(self) -> tuple[AbstractStimulus, Float[Array, " sweeps"]]:
        """Stimulus and holding level with every array as long as there are sweeps."""
        return self.stimulus.broadcast(self.sweeps), jnp.broadcast_to(self.holding, (self.sweeps,))

    def command(self, times: Float[Array, " samples"] | None = None) -> Float[Array, "sweeps samples"]:
        """What is commanded (pA or mV) at some times (ms), by default at the samples."""
        grid = self.dt if times is None else None
        times = self.times if times is None else times

        def sweep(stimulus: AbstractStimulus, holding: Float[Array, ""]) -> Float[Array, " samples"]:
            return holding + stimulus.at(snap(times, stimulus.edges(grid)), holding)

        return jax.vmap(sweep)(*self.broadcast())

    def plot(self) -> "Figure":
        """Draw what is commanded; needs matplotlib."""
        from matplotlib import colormaps, pyplot

        figure, axes = pyplot.subplots(figsize=(8, 3), layout="constrained")
        style = "steps-post" if self.stimulus.piecewise_constant else "default"
        colors = colormaps["viridis"](np.linspace(0.0, 0.9, self.sweeps))
        for command, color in zip(np.asarray(self.command()), colors, strict=True):
            axes.plot(self.times, command, color=color, linewidth=0.9, drawstyle=style)
        axes.set_ylabel(f"{'current' if self.mode is Mode.CURRENT_CLAMP else 'voltage'} ({self.mode.command_unit})")
        axes.set_xlabel("time (ms)")
        axes.spines[["top", "right"]].set_visible(False)
        axes.margins(x=0)
        return figure

    def save(self, path: str | os.PathLike[str]) -> None:
        """Save to a file of the suffix's kind: .json, which `load_protocol` reads, or .atf, which Clampex plays.

        Raises:
            ValueError: a suffix that nothing writes; the message lists those that are.
        """
        suffix = os.path.splitext(os.fspath(path))[1].lower()
        if suffix not in WRITERS:
            raise ValueError(f"cannot save as {suffix or 'a file without suffix'!r}; there are: {', '.join(WRITERS)}")
        WRITERS[suffix](self, os.fspath(path))

    def __repr__(self) -> str:
        if not all(map(eqx.is_array, jax.tree.leaves(self))):
            return eqx.tree_pformat(self)  # something that only has the structure of a protocol
        count = f"{self.sweeps} sweep{'s' * (self.sweeps != 1)} of {self.duration:g} ms"
        electrode = "" if self.electrode is None else ", electrode"
        sampled = f"{self.samples} samples, dt {self.dt:g} ms"
        return f"{type(self).__name__}({_names(self.stimulus)}, {count}, {sampled}{electrode})"


def _names(stimulus: AbstractStimulus) -> str:
    return " + ".join(map(_names, stimulus.stimuli)) if isinstance(stimulus, Sum) else type(stimulus).__name__


class CurrentClamp(AbstractProtocol):
    """Inject a current and record the voltage.

    Args:
        stimulus: added to the holding current, pA.
        duration: of a sweep, ms.
        dt: between samples, ms.
        holding: pA, one number or one for each sweep.
        electrode: between the amplifier and the cell; None is an ideal one.
    """

    stimulus: AbstractStimulus
    duration: float = eqx.field(static=True, converter=_as_float)
    dt: float = eqx.field(static=True, converter=_as_float, default=0.025)
    holding: Family = family("pA", default=0.0)
    electrode: Electrode | None = None
    mode: Mode = eqx.field(static=True, default=Mode.CURRENT_CLAMP, init=False)


class VoltageClamp(AbstractProtocol):
    """Hold the voltage and record the current.

    Args:
        stimulus: added to the holding potential, mV.
        duration: of a sweep, ms.
        dt: between samples, ms.
        holding: mV, one number or one for each sweep.
        electrode: between the amplifier and the cell; None is an ideal one.
    """

    stimulus: AbstractStimulus
    duration: float = eqx.field(static=True, converter=_as_float)
    dt: float = eqx.field(static=True, converter=_as_float, default=0.025)
    holding: Family = family("mV", default=-70.0)
    electrode: Electrode | None = None
    mode: Mode = eqx.field(static=True, default=Mode.VOLTAGE_CLAMP, init=False)
