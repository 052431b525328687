"""Calcium-activated potassium channels."""

from typing import ClassVar

import equinox as eqx

from patch_sim.channels.base import AbstractOhmicChannel
from patch_sim.gates import AbstractGate, CalciumGate, InfTauGate
from patch_sim.parameters import Number, parameter
from patch_sim.rates import Boltzmann, Constant, Exponential, Hill


def _sk() -> dict[str, AbstractGate]:
    return {"z": CalciumGate(Hill(4.3e-4, 4.8), Constant(1.0))}


class KCa(AbstractOhmicChannel):
    r"""Small-conductance (SK) calcium-activated potassium current: $I = g \, z \, (V - E_\mathrm{K})$.

    $$z_\infty = \frac{1}{1 + (4.3 \cdot 10^{-4} / [Ca])^{4.8}}, \quad \tau_z = 1$$

    with calcium in mM and time in ms. Kohler et al. (1996), Science 273:1709-1714, as Hay et al. (2011), PLoS Comput
    Biol 7:e1002107, has it (ModelDB 139653, `SK_E2.mod`, which adds 1e-7 mM where there is less than that).
    """

    g_max: Number = parameter("mS/cm2", at_least=0.0, default=44.1)
    reversal: Number | None = parameter("mV", default=None)
    gates: dict[str, AbstractGate] = eqx.field(default_factory=_sk)
    ion: str | None = eqx.field(static=True, default="K")
    source: ClassVar[str] = "Kohler et al. 1996, Hay et al. 2011"


def _bk() -> dict[str, AbstractGate]:
    tau_m = 0.505 + 1.0 / (Exponential(1e-3, 28.3, -10.0) + Exponential(1e-3, -91.4, 10.1))
    tau_h = 1.9 + 1.0 / (Exponential(1e-3, 49.2, -12.9) + Exponential(1e-3, -53.5, 5.2))
    return {
        "m": InfTauGate(Boltzmann(-33.9, 6.2), tau_m, power=3),
        "z": CalciumGate(Hill(1e-3, 1.0), Constant(1.0), power=2),
        "h": InfTauGate(0.085 + 0.915 * Boltzmann(-37.0, -5.8), tau_h),
    }


class KCaBK(AbstractOhmicChannel):
    r"""Big-conductance (BK) current of Purkinje cells: $I = g \, m^3 z^2 h \, (V - E_\mathrm{K})$.

    With $u = V + 5$,

    $$m_\infty = \frac{1}{1 + e^{-(u + 28.9) / 6.2}}, \quad
      \tau_m = 0.505 + \frac{1000}{e^{-(u - 33.3) / 10} + e^{(u + 86.4) / 10.1}}, \quad
      z_\infty = \frac{1}{1 + 0.001 / [Ca]}, \quad \tau_z = 1,$$

    $$h_\infty = 0.085 + \frac{0.915}{1 + e^{(u + 32) / 5.8}}, \quad
      \tau_h = 1.9 + \frac{1000}{e^{-(u - 54.2) / 12.9} + e^{(u + 48.5) / 5.2}}$$

    in ms and mM, without a temperature dependence. Khaliq, Gouwens and Raman (2003), J Neurosci 23:4899-4912 (ModelDB
    48332, `bkpkj.mod`).
    """

    g_max: Number = parameter("mS/cm2", at_least=0.0, default=7.0)
    reversal: Number | None = parameter("mV", default=None)
    gates: dict[str, AbstractGate] = eqx.field(default_factory=_bk)
    ion: str | None = eqx.field(static=True, default="K")
    source: ClassVar[str] = "Khaliq et al. 2003"
    family: ClassVar[str] = "KCa"


def _ahp() -> dict[str, AbstractGate]:
    return {"m": CalciumGate(Hill(0.025, 2.0), (1 / 0.03) * Hill(0.025, -2.0), 2, 3.0, 22.0)}


class KCaAHP(AbstractOhmicChannel):
    r"""Slow afterhyperpolarization current: $I = g \, m^2 (V - E_\mathrm{K})$.

    $$m_\infty = \frac{c}{1 + c}, \quad \tau_m = \frac{1}{0.03 (1 + c)}, \quad c = ([Ca] / 0.025)^2$$

    with calcium in mM, in ms at 22 degrees C, with a Q10 of 3. Destexhe et al. (1994), J Neurophysiol 72:803-818
    (ModelDB 3808, `iahp2.mod`, which stops the time constant at 0.1 ms; that floor, met above 0.4 mM, is left out).
    """

    g_max: Number = parameter("mS/cm2", at_least=0.0, default=10.0)
    reversal: Number | None = parameter("mV", default=None)
    gates: dict[str, AbstractGate] = eqx.field(default_factory=_ahp)
    ion: str | None = eqx.field(static=True, default="K")
    source: ClassVar[str] = "Destexhe et al. 1994"
    family: ClassVar[str] = "KCa"
