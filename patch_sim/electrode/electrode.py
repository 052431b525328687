r"""A pipette, its seal, and what the amplifier does about them.

The membrane at $V$ is joined to the pipette at $V_p$ by the series resistance; a current into the cell is positive:

$$I_s = (V_p - e - V) / R_s, \qquad C \frac{dV}{dt} = I_s - I_\mathrm{ion} - V / R_\mathrm{seal}.$$

**Signs.** $e$ is the liquid junction potential plus the offset: what the amplifier reads when the membrane is at 0.
A potassium gluconate pipette in saline has a junction potential of about +14 mV: a cell that the amplifier reports at
-60 mV is at -74 mV, and a cell that shall be held at -70 mV must be commanded to -56 mV (Neher (1992), Methods Enzymol
207:123-131).

**Voltage clamp.** The amplifier drives the pipette to the command and to what compensation adds, with a lag $\tau$:

$$\tau \frac{dV_p}{dt} = V_\mathrm{cmd} + R_\mathrm{dial} (\alpha I_\mathrm{out} + \beta I_\mathrm{slow}) - V_p,
\qquad I_\mathrm{out} = I_s + (C_p - C_n) \frac{dV_p}{dt} - I_\mathrm{slow}.$$

*Correction* feeds back the part $\alpha$ of the drop that the reported current $I_\mathrm{out}$ makes over the
resistance that was told. *Slow cancellation* takes away the current that would charge the capacitance that was told,
$I_\mathrm{slow} = C_\mathrm{dial} \, dV_\mathrm{est}/dt$, by a model of the membrane's potential,

$$(1 - \beta) R_\mathrm{dial} C_\mathrm{dial} \frac{dV_\mathrm{est}}{dt} = V_\mathrm{cmd} - V_\mathrm{est},$$

and *prediction* adds the part $\beta$ of the drop that this current makes. What is canceled is not corrected for; that
is what prediction is for. (Sigworth (1995), in Single-Channel Recording, 2nd edition, ch. 4, figures 18 and 19; Lei et
al. (2020), Phil Trans R Soc A 378:20190348, and with prediction in their later model. They have two more time
constants, of the clamp, 0.8 us, and of the current's reading, 7.5 us; here the filter is what slows the reading. The
40 us of their summing amplifier are the lag.)

Without a lag the pipette follows at once, so that $I_s = (V_\mathrm{cmd} + \dots - e - V) / (R_s - \alpha
R_\mathrm{dial})$: a passive membrane charges with the time constant $(R_s - \alpha R_\mathrm{dial}) C$, and is off by
that resistance times the current in the end. The pipette's own capacity current is then that of the moving command,
without jumps.

**Current clamp.** The command charges the pipette and enters the cell through the series resistance,

$$(C_p - C_n) \frac{dV_p}{dt} = I_\mathrm{cmd} - I_s,$$

with $C_n$ neutralized, and what is reported is $V_p - R_\mathrm{bridge} I_\mathrm{cmd}$.

An offset of the current is injected, and balanced by the bridge, as if it were part of $I_\mathrm{cmd}$; in voltage
clamp it is added to what is reported, and leak subtraction takes it away again.
"""

import dataclasses
import weakref
from typing import Any

import equinox as eqx
import jax
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, Float

from patch_sim.electrode.compensation import Compensation, differ, known
from patch_sim.electrode.readout import pink, quantized
from patch_sim.filters import Bessel
from patch_sim.parameters import AbstractParametric, Number, parameter

_LOOKED_AT: dict[int, weakref.ref] = {}
"""The electrodes that know what is there, by identity: a change makes another object, and to look takes time."""


class Electrode(AbstractParametric):
    """The pipette, its seal, and the amplifier's filter and noise; by default an ideal one.

    Every number is a leaf that can be fitted. Those that are 0 (or a seal without end) when a simulation starts cost
    nothing; under `jit`, that is when the electrode was made or last given a parameter. What is sampled is what the
    protocol says: every `dt`.

    Args:
        series_resistance: MOhm.
        pipette_capacitance: pF.
        seal_resistance: MOhm, in parallel to the membrane, without a preference for any ion.
        junction_potential: mV; positive if the membrane is more negative than reported, see above.
        offset: mV, an error of the amplifier's zero, of the same sign.
        current_offset: pA, what the amplifier injects beyond its command, or reports beyond what flows.
        compensation: what the amplifier does about these.
        filter: a `Bessel` filter of the response; None for none.
        noise: standard deviation of the response's white noise, pA in voltage clamp and mV in current clamp.
        pink_noise: that of its 1/f noise.
        quantization: the step of the analog-to-digital converter, pA or mV; derivatives do not see it.
        used: what of it is not ideal; found out.

    Raises:
        ValueError: a number outside its limits, more correction or neutralization than there is something to correct,
            a lag so short that the amplifier would oscillate.
    """

    series_resistance: Number = parameter("MOhm", at_least=0.0, default=0.0)
    pipette_capacitance: Number = parameter("pF", at_least=0.0, default=0.0)
    seal_resistance: Number = parameter("MOhm", above=0.0, infinite=True, default=np.inf)
    junction_potential: Number = parameter("mV", default=0.0)
    offset: Number = parameter("mV", default=0.0)
    current_offset: Number = parameter("pA", default=0.0)
    compensation: Compensation = eqx.field(default_factory=Compensation)
    filter: Bessel | None = None
    noise: Number = parameter("", at_least=0.0, default=0.0)
    pink_noise: Number = parameter("", at_least=0.0, default=0.0)
    quantization: Number = parameter("", at_least=0.0, default=0.0)
    used: Any = eqx.field(static=True, default=None)

    def __post_init__(self):
        if self.used is None:
            self.used = tuple(self._not_ideal()) if isinstance(self.compensation, Compensation) else ()

    def __check_init__(self):
        dials = self.compensation
        if not isinstance(dials, Compensation):
            raise ValueError(f"Electrode.compensation must be a Compensation, not {dials!r}")
        if self.filter is not None and not isinstance(self.filter, Bessel):
            raise ValueError(f"Electrode.filter must be a Bessel or None, not {self.filter!r}")
        left = 1.0 if dials.series_resistance is None else self.clamp_resistance
        if known(left) and np.any(np.asarray(left) <= 0.0):
            raise ValueError(
                f"Electrode: a correction of {dials.correction} % of {dials.series_resistance} MOhm leaves nothing of "
                f"the series resistance of {self.series_resistance} MOhm: the amplifier would oscillate"
            )
        if known(self.free_capacitance) and np.any(np.asarray(self.free_capacitance) < 0.0):
            raise ValueError(
                f"Electrode: {dials.capacitance} pF neutralized exceed the pipette's {self.pipette_capacitance} pF: "
                "the amplifier would oscillate"
            )
        if known(self.clamp_lag) and np.any((np.asarray(self.clamp_lag) <= 0.0) & (np.asarray(dials.lag) > 0.0)):
            raise ValueError(
                f"Electrode: with a lag of {dials.lag} ms, correcting for what {self.free_capacitance} pF of the "
                "pipette take makes the amplifier oscillate; cancel more of them, correct less, or lag more"
            )

    @property
    def told_resistance(self) -> Any:
        r"""$R_\mathrm{dial}$: what the amplifier takes the series resistance for, MOhm."""
        dial = self.compensation.series_resistance
        return self.series_resistance if dial is None else dial

    @property
    def clamp_resistance(self) -> Any:
        r"""$R_s - \alpha R_\mathrm{dial}$: what correction leaves of the series resistance, MOhm."""
        return self.series_resistance - 0.01 * self.compensation.correction * self.told_resistance

    @property
    def clamp_lag(self) -> Any:
        r"""$\tau$ less what correction gains on it by feeding back the pipette's own capacity current, ms."""
        alpha = 0.01 * self.compensation.correction
        return self.compensation.lag - 1e-3 * alpha * self.told_resistance * self.free_capacitance

    @property
    def free_capacitance(self) -> Any:
        """What neutralization leaves of the pipette's capacitance, pF."""
        return self.pipette_capacitance - self.compensation.capacitance

    @property
    def shift(self) -> Any:
        """$e$: by how much the amplifier reads more than the membrane has, mV."""
        return self.junction_potential + self.offset if "shift" in self.used else 0.0

    def behind(self, v: Float[Array, "*shape"], current: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
        """$V_p$ (mV) of a pipette through which a current (pA) enters the cell."""
        reading = v + self.shift if "shift" in self.used else v
        return reading + 1e-3 * self.series_resistance * current if "series_resistance" in self.used else reading

    def refreshed(self, before: "Electrode | None" = None) -> "Electrode":
        """The same electrode, aware of what has been changed in it.

        Args:
            before: the electrode before the change: what is not known now, but was changed, counts as there; what was
                not changed is as it was.
        """
        looked_at = _LOOKED_AT.get(id(self))
        if before is None and looked_at is not None and looked_at() is self:
            return self
        there, everything_known = set(self.used), True
        olds = (self if before is None else before)._numbers()
        for (name, value, ideal), (_, *old) in zip(self._numbers(), olds, strict=True):
            unknown = isinstance(value, Tracer) or isinstance(ideal, Tracer)
            everything_known &= not unknown
            changed = value is not old[0] or ideal is not old[1]
            if changed if unknown else differ(value, ideal):
                there.add(name)
        if len(there) > len(self.used):
            return dataclasses.replace(self, used=tuple(sorted(there)))
        if everything_known:
            identity = id(self)
            _LOOKED_AT[identity] = weakref.ref(self, lambda _: _LOOKED_AT.pop(identity, None))
        return self

    def _not_ideal(self) -> list[str]:
        """What is there, or may be: what a function that is being traced does not know counts as there."""
        there = {name for name, value, ideal in self._numbers() if differ(value, ideal)}
        return sorted(there | ({"filter"} if self.filter is not None else set()))

    def _numbers(self) -> list[tuple[str, Any, Any]]:
        """What can be there, by which number, and the ideal of that."""
        dials = self.compensation
        return [
            ("bridge", dials.bridge, 0.0),
            ("capacitance", self.pipette_capacitance, dials.capacitance),
            ("current_offset", self.current_offset, 0.0),
            ("lag", dials.lag, 0.0),
            ("noise", self.noise, 0.0),
            ("noise", self.pink_noise, 0.0),
            ("quantization", self.quantization, 0.0),
            ("seal", self.seal_resistance, np.inf),
            ("series_resistance", self.series_resistance, 0.0),
            ("shift", self.junction_potential, 0.0),
            ("shift", self.offset, 0.0),
            ("slow_capacitance", dials.slow_capacitance, 0.0),
        ]

    def reported(
        self, response: Float[Array, "sweeps samples"], dt: float, key: Any, traces: int = 1
    ) -> Float[Array, "sweeps samples"]:
        """A response as it is recorded at samples `dt` (ms) apart: filtered, then with noise, then in steps.

        Args:
            response: what the amplifier has measured, pA or mV.
            dt: between samples, ms.
            key: of the noise.
            traces: from how many recorded traces the response was calculated, each of which has noise of its own.
        """
        if self.filter is not None:
            response = self.filter.filtered(response, dt)
        if "noise" in self.used:
            keys = jax.random.split(key)
            white, flicker = (jax.random.normal(key, response.shape, response.dtype) for key in keys)
            response = response + traces**0.5 * (self.noise * white + self.pink_noise * pink(flicker))
        return quantized(response, self.quantization) if "quantization" in self.used else response
