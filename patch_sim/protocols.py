"""Protocols: a clamp mode and a family of sweeps."""

import enum
import numbers
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from patch_sim.parameters import AbstractParametric
from patch_sim.stimuli import AbstractStimulus, Family, family, snap


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
    mode: eqx.AbstractVar[Mode]

    def __check_init__(self):
        name = type(self).__name__
        if not isinstance(self.stimulus, AbstractStimulus):
            raise ValueError(f"{name}.stimulus must be a stimulus such as Step, not {self.stimulus!r}")
        for key in ("duration", "dt"):
            value = getattr(self, key)
            if not isinstance(value, float) or not 0 < value < float("inf"):
                raise ValueError(f"{name}.{key} must be a positive time in ms, not {value!r}")
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


class CurrentClamp(AbstractProtocol):
    """Inject a current and record the voltage.

    Args:
        stimulus: added to the holding current, pA.
        duration: of a sweep, ms.
        dt: between samples, ms.
        holding: pA, one number or one for each sweep.
    """

    stimulus: AbstractStimulus
    duration: float = eqx.field(static=True, converter=_as_float)
    dt: float = eqx.field(static=True, converter=_as_float, default=0.025)
    holding: Family = family("pA", default=0.0)
    mode: Mode = eqx.field(static=True, default=Mode.CURRENT_CLAMP, init=False)


class VoltageClamp(AbstractProtocol):
    """Hold the voltage and record the current.

    Args:
        stimulus: added to the holding potential, mV.
        duration: of a sweep, ms.
        dt: between samples, ms.
        holding: mV, one number or one for each sweep.
    """

    stimulus: AbstractStimulus
    duration: float = eqx.field(static=True, converter=_as_float)
    dt: float = eqx.field(static=True, converter=_as_float, default=0.025)
    holding: Family = family("mV", default=-70.0)
    mode: Mode = eqx.field(static=True, default=Mode.VOLTAGE_CLAMP, init=False)
