"""Resurgent sodium channels."""

from collections.abc import Mapping
from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from patch_sim.channels.markov import AbstractMarkovChannel
from patch_sim.gates import AbstractGate
from patch_sim.parameters import Number, parameter, replaced
from patch_sim.rates import Exponential


def _alpha() -> Exponential:
    return Exponential(150.0, 0.0, 20.0)


def _beta() -> Exponential:
    return Exponential(3.0, 0.0, -20.0)


def _zeta() -> Exponential:
    return Exponential(0.03, 0.0, -25.0)


class NaR(AbstractMarkovChannel):
    r"""Resurgent sodium current of Purkinje cells: $I = g \, O \, (V - E_\mathrm{Na})$.

    A 13-state scheme: five closed states, an open one, one that the cell's own blocker plugs, and six inactivated ones,

    $$C_1 \rightleftharpoons \dots \rightleftharpoons C_5 \rightleftharpoons O \rightleftharpoons B, \qquad
      I_1 \rightleftharpoons \dots \rightleftharpoons I_5 \rightleftharpoons I_6, \qquad
      C_k \rightleftharpoons I_k, \quad O \rightleftharpoons I_6$$

    with $C_k \to C_{k+1}$ at $(5 - k) \alpha$ and back at $k \beta$, on the inactivated side at $a$ and $b$ times
    these; $C_5 \to O$ and $I_5 \to I_6$ at $\gamma$ and back at $\delta$; $O \to B$ at $\epsilon$ and back at
    $\zeta$; $C_k \to I_k$ at $C_\mathrm{on} a^{k-1}$ and back at $C_\mathrm{off} b^{k-1}$; $O \to I_6$ at
    $O_\mathrm{on}$ and back at $O_\mathrm{off}$;

    $$\alpha = 150 e^{V / 20}, \quad \beta = 3 e^{-V / 20}, \quad \zeta = 0.03 e^{-V / 25}, \quad
      a = (O_\mathrm{on} / C_\mathrm{on})^{1/4}, \quad b = (O_\mathrm{off} / C_\mathrm{off})^{1/4}$$

    in 1/ms near 22 degrees C. Raman and Bean (2001), Biophys J 80:729-737; Khaliq, Gouwens and Raman (2003), J Neurosci
    23:4899-4912 (ModelDB 48332, `rsg.mod`, which has no temperature dependence, and whose initial block has two slips
    that start it off its steady state). A Q10 of 3 is what others have added; here it is 1 unless you say so.

    At +40 mV the fastest rates exceed 10,000/ms; `patch_sim.solvers.ImplicitGates`, the default for a current clamp of
    such a cell, does not have to follow them with its steps.

    Attributes:
        g_max: mS/cm2.
        reversal: mV.
        shift: moves the voltage dependence to the right, mV.
        speed: multiplies all rates.
    """

    g_max: Number = parameter("mS/cm2", at_least=0.0, default=15.0)
    reversal: Number | None = parameter("mV", default=None)
    alpha: Exponential = eqx.field(default_factory=_alpha)
    beta: Exponential = eqx.field(default_factory=_beta)
    gamma: Number = parameter("1/ms", at_least=0.0, default=150.0)
    delta: Number = parameter("1/ms", at_least=0.0, default=40.0)
    epsilon: Number = parameter("1/ms", at_least=0.0, default=1.75)
    zeta: Exponential = eqx.field(default_factory=_zeta)
    closed_on: Number = parameter("1/ms", above=0.0, default=0.005)
    closed_off: Number = parameter("1/ms", above=0.0, default=0.5)
    open_on: Number = parameter("1/ms", above=0.0, default=0.75)
    open_off: Number = parameter("1/ms", above=0.0, default=0.005)
    q10: Number = parameter("", above=0.0, default=1.0)
    reference_temperature: Number = parameter("degrees C", at_least=-273.15, default=22.0)
    shift: Number = parameter("mV", default=0.0)
    speed: Number = parameter("", above=0.0, default=1.0)
    temperature: Number | None = parameter("degrees C", at_least=-273.15, default=None)
    gates: dict[str, AbstractGate] = eqx.field(default_factory=dict)
    ion: str | None = eqx.field(static=True, default="Na")
    source: ClassVar[str] = "Raman & Bean 2001, Khaliq et al. 2003"
    states: ClassVar[tuple[str, ...]] = ("C1", "C2", "C3", "C4", "C5", "O", "B", "I1", "I2", "I3", "I4", "I5", "I6")
    conducting: ClassVar[tuple[str, ...]] = ("O",)

    def at(self, temperature: Float[Array, ""] | None) -> "NaR":
        """The same channel at a temperature (degrees C); None for its reference temperature."""
        return replaced(self, temperature=temperature)

    def transitions(
        self, v: Float[Array, "*shape"], calcium: Float[Array, "*#shape"]
    ) -> Mapping[tuple[str, str], Float[Array, "*shape"]]:
        """The rate (1/ms) of each transition, by where it leaves and where it goes, at a voltage (mV)."""
        u = v - self.shift
        alpha, beta, one = self.alpha(u), self.beta(u), jnp.ones_like(u)
        a, b = (self.open_on / self.closed_on) ** 0.25, (self.open_off / self.closed_off) ** 0.25
        rates = {}
        for k in range(1, 5):
            rates[f"C{k}", f"C{k + 1}"], rates[f"C{k + 1}", f"C{k}"] = (5 - k) * alpha, k * beta
            rates[f"I{k}", f"I{k + 1}"], rates[f"I{k + 1}", f"I{k}"] = (5 - k) * alpha * a, k * beta * b
        for k in range(1, 6):
            rates[f"C{k}", f"I{k}"] = one * self.closed_on * a ** (k - 1)
            rates[f"I{k}", f"C{k}"] = one * self.closed_off * b ** (k - 1)
        for closed, opened in (("C5", "O"), ("I5", "I6")):
            rates[closed, opened], rates[opened, closed] = one * self.gamma, one * self.delta
        rates["O", "B"], rates["B", "O"] = one * self.epsilon, self.zeta(u)
        rates["O", "I6"], rates["I6", "O"] = one * self.open_on, one * self.open_off
        pace = self.speed
        if self.temperature is not None:
            pace = pace * self.q10 ** ((self.temperature - self.reference_temperature) / 10.0)
        return {transition: pace * rate for transition, rate in rates.items()}
