"""What every protocol is."""

import abc
import enum
import os
from collections.abc import Callable
from typing import TYPE_CHECKING

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from patch_sim.parameters import AbstractParametric

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WRITERS: dict[str, Callable[["AbstractProtocol", str], None]] = {}
"""How to save, by suffix; `patch_sim.files` fills it in."""


class Mode(enum.Enum):
    """What the amplifier holds."""

    CURRENT_CLAMP = "current clamp"
    VOLTAGE_CLAMP = "voltage clamp"
    MIXED = "mixed clamp"

    @property
    def command_unit(self) -> str:
        """The unit of what is commanded."""
        return {Mode.CURRENT_CLAMP: "pA", Mode.VOLTAGE_CLAMP: "mV", Mode.MIXED: "pA or mV"}[self]

    @property
    def response_unit(self) -> str:
        """The unit of what is recorded."""
        return {Mode.CURRENT_CLAMP: "mV", Mode.VOLTAGE_CLAMP: "pA", Mode.MIXED: "mV or pA"}[self]


class AbstractProtocol(AbstractParametric):
    """What is commanded, in which clamp (`mode`), for how long (`duration`, ms), and how finely sampled (`dt`, ms)."""

    if TYPE_CHECKING:
        # Type checkers take equinox's AbstractVar for a field, the first of its subclasses'.
        @property
        def duration(self) -> float:
            """Of a sweep, ms."""
            ...

        @property
        def dt(self) -> float:
            """Between samples, ms."""
            ...

        @property
        def mode(self) -> Mode:
            """What is held."""
            ...

    else:
        duration: eqx.AbstractVar[float]
        dt: eqx.AbstractVar[float]
        mode: eqx.AbstractVar[Mode]

    @property
    @abc.abstractmethod
    def sweeps(self) -> int:
        """The number of sweeps."""

    @property
    @abc.abstractmethod
    def summary(self) -> str:
        """What there is, in a word or two."""

    @abc.abstractmethod
    def command(self, times: Float[Array, " samples"] | None = None) -> Float[Array, "sweeps samples"]:
        """What is commanded (pA or mV) at some times (ms), by default at the samples."""

    @property
    def samples(self) -> int:
        """The number of samples in a sweep."""
        return round(self.duration / self.dt)

    @property
    def times(self) -> Float[Array, " samples"]:
        """When the samples are taken, ms; as precise as the numbers of the protocol."""
        numbers = [leaf.dtype for leaf in jax.tree.leaves(self) if eqx.is_inexact_array(leaf)]
        return jnp.arange(self.samples, dtype=jnp.result_type(*numbers) if numbers else float) * self.dt

    def plot(self) -> "Figure":
        """Draw what is commanded; needs matplotlib."""
        from matplotlib import colormaps, pyplot

        figure, axes = pyplot.subplots(figsize=(8, 3), layout="constrained")
        colors = colormaps["viridis"](np.linspace(0.0, 0.9, self.sweeps))
        for command, color in zip(np.asarray(self.command()), colors, strict=True):
            axes.plot(self.times, command, color=color, linewidth=0.9, drawstyle=self._drawstyle)
        quantity = {Mode.CURRENT_CLAMP: "current", Mode.VOLTAGE_CLAMP: "voltage", Mode.MIXED: "command"}[self.mode]
        axes.set_ylabel(f"{quantity} ({self.mode.command_unit})")
        axes.set_xlabel("time (ms)")
        axes.spines[["top", "right"]].set_visible(False)
        axes.margins(x=0)
        return figure

    @property
    @abc.abstractmethod
    def _drawstyle(self) -> str:
        """How matplotlib joins the samples."""

    def save(self, path: str | os.PathLike[str]) -> None:
        """Save to a file of the suffix's kind: .json, which `load_protocol` reads, or .atf, which Clampex plays.

        Raises:
            ValueError: a suffix that nothing writes; the message lists those that are.
        """
        suffix = os.path.splitext(os.fspath(path))[1].lower()
        if suffix not in WRITERS:
            raise ValueError(f"cannot save as {suffix or 'a file without suffix'!r}; there are: {', '.join(WRITERS)}")
        WRITERS[suffix](self, os.fspath(path))
