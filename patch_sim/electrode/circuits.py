"""The electrode as part of a circuit: what enters the membrane, in each clamp.

Commands and signals are of one sweep or of many samples: every array has the same shape. What a circuit remembers is a
dict of potentials (mV): `"pipette"`, and `"estimate"`, the amplifier's model of the membrane.
"""

import abc
from typing import Any, TypeAlias

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from patch_sim.channels import Leak
from patch_sim.electrode.electrode import Electrode
from patch_sim.neuron import Neuron

SEAL = "seal"
"""The name of the seal among the channels of a neuron that is being patched."""

_PIPETTE = "pipette"

Potentials: TypeAlias = dict[str, Float[Array, "*shape"]]


class AbstractCircuit(eqx.Module):
    """An electrode in one clamp, up to the membrane."""

    electrode: eqx.AbstractVar[Electrode]

    @property
    @abc.abstractmethod
    def is_direct(self) -> bool:
        """Whether what is commanded reaches the membrane as it is."""

    @abc.abstractmethod
    def settled(self, command: Float[Array, "*shape"], v: Float[Array, "*shape"]) -> Potentials:
        """What the circuit remembers when command and membrane (mV) have been constant."""

    @abc.abstractmethod
    def entering(
        self, command: Float[Array, "*shape"], v: Float[Array, "*shape"], held: Potentials
    ) -> Float[Array, "*shape"]:
        """$I_s$, which enters the cell, pA."""

    @abc.abstractmethod
    def slopes(self, command: Float[Array, "*shape"], v: Float[Array, "*shape"], held: Potentials) -> Potentials:
        """How fast what the circuit remembers changes, mV/ms."""

    @abc.abstractmethod
    def fastest(self, capacitance: Float[Array, ""]) -> Float[Array, ""]:
        """A rate (per ms) that nothing in the circuit exceeds, with a membrane of a capacitance (pF)."""

    @abc.abstractmethod
    def pipette(
        self, command: Float[Array, "*shape"], v: Float[Array, "*shape"], held: Potentials
    ) -> Float[Array, "*shape"]:
        """$V_p$, mV."""

    @abc.abstractmethod
    def reported(
        self, command: Float[Array, "*shape"], v: Float[Array, "*shape"], held: Potentials
    ) -> Float[Array, "*shape"]:
        """What the amplifier measures: pA in voltage clamp, mV in current clamp."""


class VoltageClampCircuit(AbstractCircuit):
    """An electrode with a series resistance, driven by an amplifier to a command in mV."""

    electrode: Electrode

    @property
    def is_direct(self) -> bool:
        """No: there is a series resistance."""
        return False

    def settled(self, command: Float[Array, "*shape"], v: Float[Array, "*shape"]) -> Potentials:
        """What the circuit remembers when command and membrane (mV) have been constant."""
        used = self.electrode.used
        held = {"estimate": command} if "slow_capacitance" in used else {}
        current = 1e3 * (command - self.electrode.shift - v) / self.electrode.clamp_resistance
        return held | ({_PIPETTE: self.electrode.behind(v, current)} if "lag" in used else {})

    def entering(
        self, command: Float[Array, "*shape"], v: Float[Array, "*shape"], held: Potentials
    ) -> Float[Array, "*shape"]:
        """$I_s$, which enters the cell, pA."""
        electrode = self.electrode
        if _PIPETTE in held:
            return 1e3 * (held[_PIPETTE] - electrode.shift - v) / electrode.series_resistance
        return 1e3 * (command + self._added(command, held) - electrode.shift - v) / electrode.clamp_resistance

    def slopes(self, command: Float[Array, "*shape"], v: Float[Array, "*shape"], held: Potentials) -> Potentials:
        """How fast what the circuit remembers changes, mV/ms."""
        electrode, slopes = self.electrode, {}
        if "estimate" in held:
            slopes["estimate"] = (command - held["estimate"]) / self._estimating
        if _PIPETTE in held:
            corrected = 1e-5 * electrode.compensation.correction * electrode.told_resistance
            target = command + self._added(command, held) + corrected * self.entering(command, v, held)
            slopes[_PIPETTE] = (target - held[_PIPETTE]) / electrode.clamp_lag
        return slopes

    def fastest(self, capacitance: Float[Array, ""]) -> Float[Array, ""]:
        """A rate (per ms) that nothing in the circuit exceeds, with a membrane of a capacitance (pF)."""
        electrode, used = self.electrode, self.electrode.used
        if "lag" in used:
            corrected = 0.01 * electrode.compensation.correction * electrode.told_resistance
            rate = (1.0 + corrected / electrode.series_resistance) / electrode.clamp_lag
            rate = rate + 1e3 / (electrode.series_resistance * capacitance)
        else:
            rate = 1e3 / (electrode.clamp_resistance * capacitance)
        return jnp.maximum(rate, 1.0 / self._estimating) if "slow_capacitance" in used else rate

    def pipette(
        self, command: Float[Array, "*shape"], v: Float[Array, "*shape"], held: Potentials
    ) -> Float[Array, "*shape"]:
        """$V_p$, mV."""
        return held[_PIPETTE] if _PIPETTE in held else self.electrode.behind(v, self.entering(command, v, held))

    def reported(
        self, command: Float[Array, "*shape"], v: Float[Array, "*shape"], held: Potentials
    ) -> Float[Array, "*shape"]:
        r"""$I_\mathrm{out}$, pA; without a lag, less the current that charges the pipette to the command."""
        slopes = self.slopes(command, v, held)
        charging = self.electrode.free_capacitance * slopes[_PIPETTE] if _PIPETTE in held else 0.0
        return self.entering(command, v, held) + charging - self._slow(command, held)

    @property
    def _estimating(self) -> Any:
        """The time constant of the amplifier's model of the membrane, ms."""
        dials = self.electrode.compensation
        return 1e-3 * (1.0 - 0.01 * dials.prediction) * self.electrode.told_resistance * dials.slow_capacitance

    def _slow(self, command: Float[Array, "*shape"], held: Potentials) -> Any:
        r"""$I_\mathrm{slow}$: what is canceled, pA."""
        if "estimate" not in held:
            return 0.0
        return self.electrode.compensation.slow_capacitance * (command - held["estimate"]) / self._estimating

    def _added(self, command: Float[Array, "*shape"], held: Potentials) -> Any:
        """What prediction adds to the command, less what correction does not see of the canceled current, mV."""
        dials = self.electrode.compensation
        return 1e-5 * self.electrode.told_resistance * (dials.prediction - dials.correction) * self._slow(command, held)


class CurrentClampCircuit(AbstractCircuit):
    """An electrode through which a command in pA is injected."""

    electrode: Electrode

    @property
    def is_direct(self) -> bool:
        """Whether no pipette takes a part of the current to charge itself."""
        return "capacitance" not in self.electrode.used

    def settled(self, command: Float[Array, "*shape"], v: Float[Array, "*shape"]) -> Potentials:
        """What the circuit remembers when command and membrane (mV) have been constant."""
        return {} if self.is_direct else {_PIPETTE: self.pipette(command, v, {})}

    def entering(
        self, command: Float[Array, "*shape"], v: Float[Array, "*shape"], held: Potentials
    ) -> Float[Array, "*shape"]:
        """$I_s$, which enters the cell, pA."""
        if _PIPETTE not in held:
            return command
        return 1e3 * (held[_PIPETTE] - self.electrode.shift - v) / self.electrode.series_resistance

    def slopes(self, command: Float[Array, "*shape"], v: Float[Array, "*shape"], held: Potentials) -> Potentials:
        """How fast what the circuit remembers changes, mV/ms."""
        if _PIPETTE not in held:
            return {}
        return {_PIPETTE: (command - self.entering(command, v, held)) / self.electrode.free_capacitance}

    def fastest(self, capacitance: Float[Array, ""]) -> Float[Array, ""]:
        """A rate (per ms) that nothing in the circuit exceeds, with a membrane of a capacitance (pF)."""
        if self.is_direct:
            return jnp.zeros_like(capacitance)
        return 1e3 / self.electrode.series_resistance * (1.0 / capacitance + 1.0 / self.electrode.free_capacitance)

    def pipette(
        self, command: Float[Array, "*shape"], v: Float[Array, "*shape"], held: Potentials
    ) -> Float[Array, "*shape"]:
        """$V_p$, mV."""
        return held[_PIPETTE] if _PIPETTE in held else self.electrode.behind(v, command)

    def reported(
        self, command: Float[Array, "*shape"], v: Float[Array, "*shape"], held: Potentials
    ) -> Float[Array, "*shape"]:
        """$V_p$ less the bridge, mV."""
        pipette = self.pipette(command, v, held)
        balanced = "bridge" in self.electrode.used
        return pipette - 1e-3 * self.electrode.compensation.bridge * command if balanced else pipette


def sealed(neuron: Neuron, electrode: Electrode) -> Neuron:
    """A neuron with the seal in parallel to its membrane."""
    return _leaky(neuron, SEAL, electrode.seal_resistance, 0.0) if "seal" in electrode.used else neuron


def clamped(neuron: Neuron, electrode: Electrode, command: Float[Array, ""]) -> Neuron:
    """A neuron held at a command (mV) through the series resistance, which is a leak to the command."""
    return _leaky(neuron, _PIPETTE, electrode.clamp_resistance, command - electrode.shift)


def _leaky(neuron: Neuron, name: str, resistance: Any, reversal: Any) -> Neuron:
    """A neuron with a resistance (MOhm) to a potential (mV) beside its membrane."""
    leak = Leak(g_max=1e5 / (resistance * neuron.area), reversal=jnp.asarray(reversal, dtype=float))
    if name in neuron.channels:
        raise ValueError(f"a channel cannot be named {name!r} in a neuron that is patched")
    return neuron.with_channels(**{name: leak})
