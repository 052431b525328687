"""Delayed-rectifier potassium channels."""

from typing import Any, ClassVar

import equinox as eqx

from patch_sim.channels.base import AbstractOhmicChannel
from patch_sim.gates import AbstractGate, Gate, InfTauGate
from patch_sim.parameters import Number, parameter
from patch_sim.rates import Boltzmann, Exponential, Gaussian, Line, Linoid, Piecewise


def _squid() -> dict[str, AbstractGate]:
    return {"n": Gate(Linoid(0.01, -55.0, 10.0), Exponential(0.125, -65.0, -80.0), power=4, q10=3.0)}


class K(AbstractOhmicChannel):
    r"""Delayed rectifier of the squid giant axon: $I = g \, n^4 (V - E_\mathrm{K})$.

    $$\alpha_n = \frac{0.01 (V + 55)}{1 - e^{-(V + 55) / 10}}, \quad \beta_n = 0.125 e^{-(V + 65) / 80}$$

    in 1/ms at 6.3 degrees C, with a Q10 of 3. Hodgkin and Huxley (1952), J Physiol 117:500-544, equations
    12 and 13, in today's sign of the voltage and with rest at -65 mV.
    """

    g_max: Number = parameter("mS/cm2", at_least=0.0, default=36.0)
    reversal: Number | None = parameter("mV", default=None)
    gates: dict[str, AbstractGate] = eqx.field(default_factory=_squid)
    ion: str | None = eqx.field(static=True, default="K")
    source: ClassVar[str] = "Hodgkin & Huxley 1952"


class KTraubMiles(AbstractOhmicChannel):
    r"""Delayed rectifier of hippocampal and cortical cells: $I = g \, n^4 (V - E_\mathrm{K})$.

    $$\alpha_n = \frac{0.032 (15 - u)}{e^{(15 - u) / 5} - 1}, \quad \beta_n = 0.5 e^{(10 - u) / 40}$$

    in 1/ms at 36 degrees C, with $u = V - V_T$ and a Q10 of 3. Sources as of `NaTraubMiles`.

    Args:
        g_max: mS/cm2.
        reversal: mV.
        threshold: $V_T$, mV: -55 for regular-spiking, -52 for thalamic relay cells.
    """

    g_max: Number = parameter("mS/cm2", at_least=0.0)
    reversal: Number | None = parameter("mV", default=None)
    gates: dict[str, AbstractGate]
    ion: str | None = eqx.field(static=True)
    source: ClassVar[str] = "Traub & Miles 1991, Pospischil et al. 2008"
    family: ClassVar[str] = "K"

    def __init__(self, g_max: Any = 5.0, reversal: Any = None, threshold: Any = -55.0):
        opening = Linoid(0.032, threshold + 15.0, 5.0)
        self.gates = {"n": Gate(opening, Exponential(0.5, threshold + 10.0, -40.0), 4, 3.0, 36.0)}
        self.g_max = g_max
        self.reversal = reversal
        self.ion = "K"


def _kv3() -> dict[str, AbstractGate]:
    return {"m": InfTauGate(Boltzmann(18.7, 9.7), 4.0 * Boltzmann(-46.56, 44.14), reference_temperature=34.0)}


class KFastHay(AbstractOhmicChannel):
    r"""Fast non-inactivating potassium current, SKv3_1 (Kv3.1): $I = g \, m \, (V - E_\mathrm{K})$.

    $$m_\infty = \frac{1}{1 + e^{-(V - 18.7) / 9.7}}, \quad \tau_m = \frac{4}{1 + e^{-(V + 46.56) / 44.14}}$$

    Rettig et al. (1992), EMBO J 11:2473-2486, as Hay et al. (2011), PLoS Comput Biol 7:e1002107, has it (ModelDB
    139653, `SKv3_1.mod`), without a temperature dependence.
    """

    g_max: Number = parameter("mS/cm2", at_least=0.0, default=693.0)
    reversal: Number | None = parameter("mV", default=None)
    gates: dict[str, AbstractGate] = eqx.field(default_factory=_kv3)
    ion: str | None = eqx.field(static=True, default="K")
    source: ClassVar[str] = "Rettig et al. 1992, Hay et al. 2011"
    family: ClassVar[str] = "K"


def _persistent() -> dict[str, AbstractGate]:
    fall = Piecewise(Exponential(175.03, -10.0, 1 / 0.026), Exponential(13.0, -10.0, -1 / 0.026), -60.0)
    slow = Line(1010.0, -65.0, 24.0) * Gaussian(1.0, -85.0, 48.0)
    return {
        "m": InfTauGate(Boltzmann(-11.0, 12.0), 1.25 + fall, 2, 2.3, 21.0),
        "h": InfTauGate(Boltzmann(-64.0, -11.0), 360.0 + slow, 1, 2.3, 21.0),
    }


class KSlowHay(AbstractOhmicChannel):
    r"""Slowly inactivating potassium current, K_Pst: $I = g \, m^2 h \, (V - E_\mathrm{K})$.

    With $u = V + 10$,

    $$m_\infty = \frac{1}{1 + e^{-(u + 1) / 12}}, \quad
      \tau_m = 1.25 + \begin{cases} 175.03 \, e^{0.026 u} & u < -50 \\ 13 \, e^{-0.026 u} & u \ge -50 \end{cases}, \quad
      h_\infty = \frac{1}{1 + e^{(u + 54) / 11}}, \quad
      \tau_h = 360 + [1010 + 24 (u + 55)] \, e^{-((u + 75) / 48)^2}$$

    in ms at 21 degrees C, with a Q10 of 2.3. Korngreen and Sakmann (2000), J Physiol 525:621-639, as Hay et al.
    (2011), PLoS Comput Biol 7:e1002107, has it (ModelDB 139653, `K_Pst.mod`, which fixes 34 degrees C).
    """

    g_max: Number = parameter("mS/cm2", at_least=0.0, default=2.23)
    reversal: Number | None = parameter("mV", default=None)
    gates: dict[str, AbstractGate] = eqx.field(default_factory=_persistent)
    ion: str | None = eqx.field(static=True, default="K")
    source: ClassVar[str] = "Korngreen & Sakmann 2000, Hay et al. 2011"
    family: ClassVar[str] = "K"
