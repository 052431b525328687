"""Protocols that change the clamp within a sweep."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from patch_sim.protocols.base import AbstractProtocol, Mode
from patch_sim.protocols.clamps import AbstractClamp


class MixedClamp(AbstractProtocol):
    """One clamp after the other in the same sweep, as in voltage clamp, then current clamp, then voltage clamp.

    Each phase starts in the state in which the one before has left the cell. The times of its stimulus count from its
    own start. A pipette starts a phase settled, unless the phase before followed its potential too.

    Args:
        phases: `CurrentClamp` and `VoltageClamp` protocols, all with the same dt.

    Raises:
        ValueError: fewer than two phases, what is no such protocol, intervals that differ, a phase that does not end
            with a sample, numbers of sweeps that do not zip.
    """

    phases: tuple[AbstractClamp, ...]
    mode: Mode = eqx.field(static=True, default=Mode.MIXED, init=False)

    def __init__(self, phases: Sequence[AbstractClamp]):
        if not isinstance(phases, Sequence) or len(phases) < 2 or not all(isinstance(p, AbstractClamp) for p in phases):
            raise ValueError(f"MixedClamp takes a list of at least two clamps, not {phases!r}")
        if len({phase.dt for phase in phases}) > 1:
            raise ValueError(f"MixedClamp: all phases need the same dt, not {[phase.dt for phase in phases]} ms")
        sweeps = {phase.sweeps for phase in phases} - {1}
        if len(sweeps) > 1:
            raise ValueError(f"MixedClamp: phases of {sorted(sweeps)} sweeps do not zip")
        for phase in phases:
            if abs(phase.samples * phase.dt - phase.duration) > 1e-6 * phase.dt:
                raise ValueError(
                    f"MixedClamp: a phase of {phase.duration:g} ms is no whole number of samples {phase.dt:g} ms apart"
                )
        self.phases = tuple(_spread(phase, max(sweeps, default=1)) for phase in phases)

    @property
    def duration(self) -> float:
        """Of a sweep, ms."""
        return sum(phase.duration for phase in self.phases)

    @property
    def dt(self) -> float:
        """Between samples, ms."""
        return self.phases[0].dt

    @property
    def sweeps(self) -> int:
        """The number of sweeps."""
        return self.phases[0].sweeps

    @property
    def summary(self) -> str:
        """What there is, in a word or two."""
        return ", then ".join(f"{phase.mode.value} ({phase.summary})" for phase in self.phases)

    @property
    def _drawstyle(self) -> str:
        """How matplotlib joins the samples."""
        return "steps-post"

    def command(self, times: Float[Array, " samples"] | None = None) -> Float[Array, "sweeps samples"]:
        """What is commanded at the samples, pA or mV.

        Raises:
            ValueError: times, which only the phases can tell.
        """
        if times is not None:
            raise ValueError("a MixedClamp is commanded at its samples; ask its phases for other times")
        return jnp.concatenate([phase.command() for phase in self.phases], axis=1)

    def __repr__(self) -> str:
        count = f"{self.sweeps} sweep{'s' * (self.sweeps != 1)} of {self.duration:g} ms"
        return f"MixedClamp({self.summary}, {count}, {self.samples} samples, dt {self.dt:g} ms)"


def _spread(phase: AbstractClamp, sweeps: int) -> Any:
    return dataclasses.replace(phase, holding=jnp.broadcast_to(phase.holding, (sweeps,)))
