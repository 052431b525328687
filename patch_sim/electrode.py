r"""What lies between the amplifier and the membrane: a pipette, its seal, and what the amplifier does about them.

The membrane at $V$ is joined to the pipette at $V_p$ by the series resistance; a current into the cell is positive:

$$I_s = (V_p - e - V) / R_s, \qquad C \frac{dV}{dt} = I_s - I_\mathrm{ion} - V / R_\mathrm{seal}.$$

**Signs.** $e$ is the liquid junction potential plus the offset: what the amplifier reads when the membrane is at 0.
A potassium gluconate pipette in saline has a junction potential of about +14 mV: a cell that the amplifier reports at
-60 mV is at -74 mV, and a cell that shall be held at -70 mV must be commanded to -56 mV (Neher (1992), Methods Enzymol
207:123-131).

**Voltage clamp.** The amplifier drives the pipette to the command, and series-resistance correction adds a part
$\alpha$ of the drop over the resistance that it was told, $V_p = V_\mathrm{cmd} + \alpha R_\mathrm{dial} I_s$, so
that

$$I_s = (V_\mathrm{cmd} - e - V) / R, \qquad R = R_s - \alpha R_\mathrm{dial}.$$

A passive membrane charges with the time constant $R C$, and is off by $R I$ in the end (Sigworth (1995), in
Single-Channel Recording, 2nd edition, ch. 4). The amplifier is taken as fast: it answers at once, and its capacitance
current is that of the moving command, without jumps.

**Current clamp.** The command charges the pipette and enters the cell through the series resistance,

$$(C_p - C_n) \frac{dV_p}{dt} = I_\mathrm{cmd} - I_s,$$

with $C_n$ neutralized, and what is reported is $V_p - R_\mathrm{bridge} I_\mathrm{cmd}$.
"""

import dataclasses
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, Float

from patch_sim.channels import Leak
from patch_sim.filters import Bessel
from patch_sim.neuron import Neuron
from patch_sim.parameters import AbstractParametric, Number, parameter

SEAL = "seal"
"""The name of the seal among the channels of a neuron that is being patched."""


class Compensation(AbstractParametric):
    r"""What the amplifier does about the electrode.

    Args:
        correction: voltage clamp: $100 \alpha$, the part of the series resistance that is corrected for, percent.
        series_resistance: $R_\mathrm{dial}$, the resistance that the correction was told, MOhm; None: the right one.
        bridge: current clamp: $R_\mathrm{bridge}$, the resistance that is balanced, MOhm.
        capacitance: $C_n$, what is neutralized of the pipette's capacitance in current clamp, and canceled in voltage
            clamp, pF.

    Raises:
        ValueError: a negative number, or a correction of 100 % and more.
    """

    correction: Number = parameter("%", at_least=0.0, default=0.0)
    series_resistance: Number | None = parameter("MOhm", above=0.0, default=None)
    bridge: Number = parameter("MOhm", at_least=0.0, default=0.0)
    capacitance: Number = parameter("pF", at_least=0.0, default=0.0)

    def __check_init__(self):
        if _known(self.correction) and not np.all(np.asarray(self.correction) < 100.0):
            raise ValueError(
                "Compensation.correction must be less than 100 %, where the amplifier oscillates, not "
                f"{self.correction}"
            )


class Electrode(AbstractParametric):
    """The pipette, its seal, and the amplifier's filter and noise; by default an ideal one.

    Every number is a leaf that can be fitted. Those that are 0 (or a seal without end) when a simulation starts cost
    nothing; under `jit`, that is when the electrode was made or last given a parameter.

    Args:
        series_resistance: MOhm.
        pipette_capacitance: pF.
        seal_resistance: MOhm, in parallel to the membrane, without a preference for any ion.
        junction_potential: mV; positive if the membrane is more negative than reported, see above.
        offset: mV, an error of the amplifier's zero, of the same sign.
        compensation: what the amplifier does about these.
        filter: a `Bessel` filter of the response; None for none.
        noise: standard deviation of the response's white noise, pA in voltage clamp and mV in current clamp.
        pink_noise: that of its 1/f noise.
        used: what of it is not ideal; found out.

    Raises:
        ValueError: a number outside its limits, more correction or neutralization than there is something to correct.
    """

    series_resistance: Number = parameter("MOhm", at_least=0.0, default=0.0)
    pipette_capacitance: Number = parameter("pF", at_least=0.0, default=0.0)
    seal_resistance: Number = parameter("MOhm", above=0.0, infinite=True, default=np.inf)
    junction_potential: Number = parameter("mV", default=0.0)
    offset: Number = parameter("mV", default=0.0)
    compensation: Compensation = eqx.field(default_factory=Compensation)
    filter: Bessel | None = None
    noise: Number = parameter("", at_least=0.0, default=0.0)
    pink_noise: Number = parameter("", at_least=0.0, default=0.0)
    used: Any = eqx.field(static=True, default=None)

    def __post_init__(self):
        if self.used is None:
            self.used = tuple(self._not_ideal()) if isinstance(self.compensation, Compensation) else ()

    def __check_init__(self):
        if not isinstance(self.compensation, Compensation):
            raise ValueError(f"Electrode.compensation must be a Compensation, not {self.compensation!r}")
        if self.filter is not None and not isinstance(self.filter, Bessel):
            raise ValueError(f"Electrode.filter must be a Bessel or None, not {self.filter!r}")
        left = 1.0 if self.compensation.series_resistance is None else self.clamp_resistance
        if _known(left) and np.any(np.asarray(left) <= 0.0):
            raise ValueError(
                f"Electrode: a correction of {self.compensation.correction} % of {self.compensation.series_resistance} "
                f"MOhm leaves nothing of the series resistance of {self.series_resistance} MOhm: the amplifier would "
                "oscillate"
            )
        if _known(self.free_capacitance) and np.any(np.asarray(self.free_capacitance) < 0.0):
            raise ValueError(
                f"Electrode: {self.compensation.capacitance} pF neutralized exceed the pipette's "
                f"{self.pipette_capacitance} pF: the amplifier would oscillate"
            )

    @property
    def clamp_resistance(self) -> Any:
        r"""$R$: what correction leaves of the series resistance, MOhm."""
        dial = self.compensation.series_resistance
        told = self.series_resistance if dial is None else dial
        return self.series_resistance - 0.01 * self.compensation.correction * told

    @property
    def free_capacitance(self) -> Any:
        """What neutralization leaves of the pipette's capacitance, pF."""
        return self.pipette_capacitance - self.compensation.capacitance

    @property
    def shift(self) -> Any:
        """$e$: by how much the amplifier reads more than the membrane has, mV."""
        return self.junction_potential + self.offset

    def refreshed(self) -> "Electrode":
        """The same electrode, aware of what has been changed in it."""
        return self if set(self._not_ideal()) <= set(self.used) else dataclasses.replace(self, used=None)

    def _not_ideal(self) -> list[str]:
        """What is there, or may be: what a function that is being traced does not know counts as there."""
        parts = [
            ("bridge", self.compensation.bridge, 0.0),
            ("capacitance", self.pipette_capacitance, self.compensation.capacitance),
            ("noise", self.noise, 0.0),
            ("noise", self.pink_noise, 0.0),
            ("seal", self.seal_resistance, np.inf),
            ("series_resistance", self.series_resistance, 0.0),
            ("shift", self.junction_potential, 0.0),
            ("shift", self.offset, 0.0),
        ]
        there = {name for name, value, ideal in parts if _differ(value, ideal)}
        return sorted(there | ({"filter"} if self.filter is not None else set()))

    def sealed(self, neuron: Neuron) -> Neuron:
        """A neuron with the seal in parallel to its membrane."""
        return _leaky(neuron, SEAL, self.seal_resistance, 0.0) if "seal" in self.used else neuron

    def clamped(self, neuron: Neuron, command: Float[Array, ""]) -> Neuron:
        """A neuron held at a command (mV) through the series resistance, which is a leak to the command."""
        return _leaky(neuron, "pipette", self.clamp_resistance, command - self.shift)

    def clamp_current(self, command: Float[Array, "*shape"], v: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
        """$I_s$ (pA) in voltage clamp, at a command and a membrane potential (mV)."""
        return 1e3 * (command - self.shift - v) / self.clamp_resistance

    def entering(self, pipette: Float[Array, "*shape"], v: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
        """$I_s$ (pA), at the potentials of pipette and membrane (mV)."""
        return 1e3 * (pipette - self.shift - v) / self.series_resistance

    def pipette(self, v: Float[Array, "*shape"], current: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
        """$V_p$ (mV) while a current (pA) enters the cell."""
        return v + self.shift + 1e-3 * self.series_resistance * current

    def reported(self, response: Float[Array, "sweeps samples"], dt: float, key: Any) -> Float[Array, "sweeps samples"]:
        """A response as it is recorded at samples `dt` (ms) apart: filtered, and then with noise."""
        if self.filter is not None:
            response = self.filter.filtered(response, dt)
        if "noise" not in self.used:
            return response
        white, pink = jax.random.split(key)
        white = jax.random.normal(white, response.shape, response.dtype)
        pink = _pink(jax.random.normal(pink, response.shape, response.dtype))
        return response + self.noise * white + self.pink_noise * pink


def _pink(white: Float[Array, "sweeps samples"]) -> Float[Array, "sweeps samples"]:
    """White noise shaped to a power that falls as 1/f, of standard deviation 1 and mean 0."""
    samples = white.shape[1]
    frequency = np.fft.rfftfreq(samples)
    gain = np.sqrt(np.divide(1.0, frequency, out=np.zeros_like(frequency), where=frequency > 0))
    twice = np.where((np.arange(gain.size) == 0) | (2 * np.arange(gain.size) == samples), 1.0, 2.0)
    gain = gain / max(np.sqrt(np.sum(twice * gain**2) / samples), np.finfo(float).tiny)
    spectrum = jnp.fft.rfft(white, axis=1)
    return jnp.fft.irfft(spectrum * jnp.asarray(gain, spectrum.dtype)[None], samples, axis=1)


def _leaky(neuron: Neuron, name: str, resistance: Any, reversal: Any) -> Neuron:
    """A neuron with a resistance (MOhm) to a potential (mV) beside its membrane."""
    leak = Leak(g_max=1e5 / (resistance * neuron.area), reversal=jnp.asarray(reversal, dtype=float))
    if name in neuron.channels:
        raise ValueError(f"a channel cannot be named {name!r} in a neuron that is patched")
    return neuron.with_channels(**{name: leak})


def _differ(value: Any, ideal: Any) -> bool:
    return not _known(value) or not _known(ideal) or bool(np.any(np.asarray(value) != np.asarray(ideal)))


def _known(value: Any) -> bool:
    return eqx.is_array_like(value) and not isinstance(value, Tracer)
