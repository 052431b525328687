"""Protocols in one clamp: a family of sweeps."""

import dataclasses
import numbers
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, Float

from patch_sim.dynamic_clamp import DynamicClamp
from patch_sim.electrode import Electrode
from patch_sim.protocols.base import AbstractProtocol, Mode
from patch_sim.protocols.leak_subtraction import LeakSubtraction
from patch_sim.stimuli import AbstractStimulus, Family, Scaled, Sum, family, snap


def _as_float(value: Any) -> Any:
    """Turn any real number into a float; leave anything else for the check that can name it."""
    return float(value) if isinstance(value, numbers.Real) and not isinstance(value, bool) else value


class AbstractClamp(AbstractProtocol):
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
    def _families(self) -> tuple[Any, ...]:
        """Everything with a leading axis of sweeps."""
        return (self.stimulus, self.holding)

    @property
    def sweeps(self) -> int:
        """The number of sweeps."""
        return max(leaf.shape[0] for leaf in jax.tree.leaves(self._families))

    @property
    def summary(self) -> str:
        """What there is, in a word or two."""
        return _names(self.stimulus)

    @property
    def _drawstyle(self) -> str:
        """How matplotlib joins the samples."""
        return "steps-post" if self.stimulus.piecewise_constant else "default"

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

    def __repr__(self) -> str:
        if not all(map(eqx.is_array, jax.tree.leaves(self))):
            return eqx.tree_pformat(self)  # something that only has the structure of a protocol
        count = f"{self.sweeps} sweep{'s' * (self.sweeps != 1)} of {self.duration:g} ms"
        electrode = "" if self.electrode is None else ", electrode"
        sampled = f"{self.samples} samples, dt {self.dt:g} ms"
        return f"{type(self).__name__}({self.summary}, {count}, {sampled}{electrode})"


def _names(stimulus: AbstractStimulus) -> str:
    return " + ".join(map(_names, stimulus.stimuli)) if isinstance(stimulus, Sum) else type(stimulus).__name__


class CurrentClamp(AbstractClamp):
    """Inject a current and record the voltage.

    Args:
        stimulus: added to the holding current, pA.
        duration: of a sweep, ms.
        dt: between samples, ms.
        holding: pA, one number or one for each sweep.
        electrode: between the amplifier and the cell; None is an ideal one.
        dynamic_clamp: conductances that a computer adds to the cell; None for none.
    """

    stimulus: AbstractStimulus
    duration: float = eqx.field(static=True, converter=_as_float)
    dt: float = eqx.field(static=True, converter=_as_float, default=0.025)
    holding: Family = family("pA", default=0.0)
    electrode: Electrode | None = None
    dynamic_clamp: DynamicClamp | None = None
    mode: Mode = eqx.field(static=True, default=Mode.CURRENT_CLAMP, init=False)

    def __check_init__(self):
        virtual = self.dynamic_clamp
        if virtual is None:
            return
        if not isinstance(virtual, DynamicClamp):
            raise ValueError(f"CurrentClamp.dynamic_clamp must be a DynamicClamp, not {virtual!r}")
        lengths = {leaf.shape[0] for leaf in jax.tree.leaves((self.stimulus, virtual.conductances))} - {1}
        if len(lengths) > 1:
            raise ValueError(f"CurrentClamp: currents and conductances of {sorted(lengths)} sweeps do not zip")

    @property
    def _families(self) -> tuple[Any, ...]:
        """Everything with a leading axis of sweeps."""
        waveforms = None if self.dynamic_clamp is None else self.dynamic_clamp.conductances
        return (self.stimulus, self.holding, waveforms)


class VoltageClamp(AbstractClamp):
    """Hold the voltage and record the current.

    Args:
        stimulus: added to the holding potential, mV.
        duration: of a sweep, ms.
        dt: between samples, ms.
        holding: mV, one number or one for each sweep.
        electrode: between the amplifier and the cell; None is an ideal one.
        leak_subtraction: how to measure and take away what is linear; None for not to.
    """

    stimulus: AbstractStimulus
    duration: float = eqx.field(static=True, converter=_as_float)
    dt: float = eqx.field(static=True, converter=_as_float, default=0.025)
    holding: Family = family("mV", default=-70.0)
    electrode: Electrode | None = None
    leak_subtraction: LeakSubtraction | None = None
    mode: Mode = eqx.field(static=True, default=Mode.VOLTAGE_CLAMP, init=False)

    def __check_init__(self):
        if self.leak_subtraction is not None and not isinstance(self.leak_subtraction, LeakSubtraction):
            raise ValueError(f"VoltageClamp.leak_subtraction must be a LeakSubtraction, not {self.leak_subtraction!r}")

    @property
    def subsweep(self) -> "VoltageClamp":
        """The protocol of one leak subsweep; only where there is a leak subtraction."""
        leak: Any = self.leak_subtraction
        stimulus, holding = self.broadcast()
        factor = jnp.full_like(holding, leak.factor)
        own = holding if leak.holding is None else jnp.broadcast_to(leak.holding, holding.shape)
        return dataclasses.replace(self, stimulus=Scaled(stimulus, factor, holding), holding=own, leak_subtraction=None)
