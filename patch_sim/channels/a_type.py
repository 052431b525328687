"""Transient (A-type) potassium channels."""

from typing import ClassVar

import equinox as eqx
from jaxtyping import Array, Float

from patch_sim.channels.base import AbstractOhmicChannel, States
from patch_sim.gates import AbstractGate, InfTauGate
from patch_sim.parameters import Number, parameter
from patch_sim.rates import Boltzmann, Constant, Exponential, Gaussian, Piecewise


def _huguenard() -> dict[str, AbstractGate]:
    activation = 0.37 + 1.0 / (Exponential(1.0, -35.82, 19.69) + Exponential(1.0, -79.69, -12.7))
    inactivation = 1.0 / (Exponential(1.0, -46.05, 5.0) + Exponential(1.0, -238.4, -37.45))
    return {
        "m1": InfTauGate(Boltzmann(-60.0, 8.5), activation, 4, 2.8, 23.0),
        "h1": InfTauGate(Boltzmann(-78.0, -6.0), Piecewise(inactivation, Constant(19.0), -63.0), 1, 2.8, 23.0),
        "m2": InfTauGate(Boltzmann(-36.0, 20.0), activation, 4, 2.8, 23.0),
        "h2": InfTauGate(Boltzmann(-78.0, -6.0), Piecewise(inactivation, Constant(60.0), -73.0), 1, 2.8, 23.0),
    }


class KA(AbstractOhmicChannel):
    r"""A-type current of thalamic relay cells: $I = g \, (0.6 \, m_1^4 h_1 + 0.4 \, m_2^4 h_2) (V - E_\mathrm{K})$.

    $$m_{1\infty} = \frac{1}{1 + e^{-(V + 60) / 8.5}}, \quad m_{2\infty} = \frac{1}{1 + e^{-(V + 36) / 20}}, \quad
      h_\infty = \frac{1}{1 + e^{(V + 78) / 6}}, \quad
      \tau_m = 0.37 + \frac{1}{e^{(V + 35.82) / 19.69} + e^{-(V + 79.69) / 12.7}},$$

    $\tau_h = 1 / (e^{(V + 46.05) / 5} + e^{-(V + 238.4) / 37.45})$ below -63 mV (for $h_1$) or -73 mV (for $h_2$), and
    19 or 60 ms above, with the jump that this makes; in ms at 23 degrees C, with a Q10 of 2.8. Huguenard and McCormick
    (1992), J Neurophysiol 68:1373-1383, from data of Huguenard, Coulter and Prince (1991), as Amarillo et al. (2014)
    has it (ModelDB 251881, `TC_iA.mod`, which rounds some digits). A widespread file (ModelDB 3808, `ia.mod`) puts
    the 0.37 ms inside the denominator; that is a mistake and makes activation at -60 mV twice as fast.
    """

    g_max: Number = parameter("mS/cm2", at_least=0.0, default=5.5)
    reversal: Number | None = parameter("mV", default=None)
    fast: Number = parameter("", at_least=0.0, default=0.6)
    gates: dict[str, AbstractGate] = eqx.field(default_factory=_huguenard)
    ion: str | None = eqx.field(static=True, default="K")
    source: ClassVar[str] = "Huguenard & McCormick 1992"

    def open_fraction(
        self, v: Float[Array, "*shape"], states: States, calcium: Float[Array, "*#shape"]
    ) -> Float[Array, "*shape"]:
        """The fraction of channels that conduct: `fast` of them by m1 and h1, the others by m2 and h2."""
        m1, h1, m2, h2 = (self.gated(name, v, states, calcium) for name in ("m1", "h1", "m2", "h2"))
        return self.fast * m1 * h1 + (1.0 - self.fast) * m2 * h2


def _connor_stevens() -> dict[str, AbstractGate]:
    activation = (Exponential(0.0761, -94.22, 31.84) * Boltzmann(-1.17, -28.93)) ** (1 / 3)
    return {
        "a": InfTauGate(activation, 0.3632 + 1.158 * Boltzmann(-55.96, -20.12), 3),
        "b": InfTauGate(Boltzmann(-53.3, -14.54) ** 4, 1.24 + 2.678 * Boltzmann(-50.0, -16.027)),
    }


class KAConnorStevens(AbstractOhmicChannel):
    r"""A-type current of crab axons: $I = g \, a^3 b \, (V - E_\mathrm{A})$.

    $$a_\infty = \left[ \frac{0.0761 \, e^{(V + 94.22) / 31.84}}{1 + e^{(V + 1.17) / 28.93}} \right]^{1/3}, \quad
      \tau_a = 0.3632 + \frac{1.158}{1 + e^{(V + 55.96) / 20.12}}, \quad
      b_\infty = \left[ \frac{1}{1 + e^{(V + 53.3) / 14.54}} \right]^4, \quad
      \tau_b = 1.24 + \frac{2.678}{1 + e^{(V + 50) / 16.027}}$$

    Connor, Walter and McKown (1977), Biophys J 18:81-102, in the form of Dayan and Abbott (2001), Theoretical
    Neuroscience, section 6.1; conductance and reversal as commonly given with it, not checked in the paper. The fit of
    $a_\infty$ exceeds 1 by up to 1.4 % above 40 mV.
    """

    g_max: Number = parameter("mS/cm2", at_least=0.0, default=47.7)
    reversal: Number | None = parameter("mV", default=-75.0)
    gates: dict[str, AbstractGate] = eqx.field(default_factory=_connor_stevens)
    ion: str | None = eqx.field(static=True, default="K")
    source: ClassVar[str] = "Connor et al. 1977, Dayan & Abbott 2001"
    family: ClassVar[str] = "KA"


def _hay() -> dict[str, AbstractGate]:
    return {
        "m": InfTauGate(Boltzmann(-10.0, 19.0), 0.34 + Gaussian(0.92, -81.0, 59.0), 4, 2.3, 21.0),
        "h": InfTauGate(Boltzmann(-76.0, -10.0), 8.0 + Gaussian(49.0, -83.0, 23.0), 1, 2.3, 21.0),
    }


class KAHay(AbstractOhmicChannel):
    r"""Transient potassium current of layer 5 pyramidal cells, K_Tst: $I = g \, m^4 h \, (V - E_\mathrm{K})$.

    With $u = V + 10$,

    $$m_\infty = \frac{1}{1 + e^{-u / 19}}, \quad \tau_m = 0.34 + 0.92 \, e^{-((u + 71) / 59)^2}, \quad
      h_\infty = \frac{1}{1 + e^{(u + 66) / 10}}, \quad \tau_h = 8 + 49 \, e^{-((u + 73) / 23)^2}$$

    in ms at 21 degrees C, with a Q10 of 2.3. Korngreen and Sakmann (2000), J Physiol 525:621-639, as Hay et al.
    (2011), PLoS Comput Biol 7:e1002107, has it (ModelDB 139653, `K_Tst.mod`, which fixes 34 degrees C).
    """

    g_max: Number = parameter("mS/cm2", at_least=0.0, default=81.2)
    reversal: Number | None = parameter("mV", default=None)
    gates: dict[str, AbstractGate] = eqx.field(default_factory=_hay)
    ion: str | None = eqx.field(static=True, default="K")
    source: ClassVar[str] = "Korngreen & Sakmann 2000, Hay et al. 2011"
    family: ClassVar[str] = "KA"
