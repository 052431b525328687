"""T-type (low-voltage-activated) calcium channels."""

from typing import ClassVar

import equinox as eqx

from patch_sim.channels.base import AbstractGHKChannel, AbstractOhmicChannel
from patch_sim.gates import AbstractGate, InfTauGate, InstantGate
from patch_sim.parameters import Number, parameter
from patch_sim.rates import Boltzmann, Exponential, Piecewise


def _ghk() -> dict[str, AbstractGate]:
    tau_m = 0.612 + 1.0 / (Exponential(1.0, -132.0, -16.7) + Exponential(1.0, -16.8, 18.2))
    tau_h = Piecewise(Exponential(1.0, -467.0, 66.6), 28.0 + Exponential(1.0, -22.0, -10.5), -80.0)
    return {
        "m": InfTauGate(Boltzmann(-57.0, 6.2), tau_m, 2, 2.5, 24.0, shift=1.0),
        "h": InfTauGate(Boltzmann(-81.0, -4.0), tau_h, 1, 2.5, 24.0, shift=1.0),
    }


class CaT(AbstractGHKChannel):
    r"""T current of thalamic relay cells: $I = P \, m^2 h \, \mathrm{GHK}(V)$.

    With $u = V - 1$ (the gates' `shift`, from the fit to relay cells),

    $$m_\infty = \frac{1}{1 + e^{-(u + 57) / 6.2}}, \quad
      \tau_m = 0.612 + \frac{1}{e^{-(u + 132) / 16.7} + e^{(u + 16.8) / 18.2}}, \quad
      h_\infty = \frac{1}{1 + e^{(u + 81) / 4}}, \quad
      \tau_h = \begin{cases} e^{(u + 467) / 66.6} & u < -80 \\ 28 + e^{-(u + 22) / 10.5} & u \ge -80 \end{cases}$$

    in ms at 24 degrees C, with a Q10 of 2.5; $\tau_h$ jumps from 333.9 to 278.6 ms, as published. Huguenard and
    McCormick (1992), J Neurophysiol 68:1373-1383, as Destexhe et al. (1998), J Neurosci 18:3574-3588, has it (ModelDB
    279, `ITGHK.mod`).
    """

    p_max: Number = parameter("cm/s", at_least=0.0, default=8e-05)
    gates: dict[str, AbstractGate] = eqx.field(default_factory=_ghk)
    ion: str | None = eqx.field(static=True, default="Ca")
    source: ClassVar[str] = "Huguenard & McCormick 1992, Destexhe et al. 1998"


def _nernst() -> dict[str, AbstractGate]:
    tau_h = 30.8 + (211.4 + Exponential(1.0, -113.2, 5.0)) * Boltzmann(-84.0, -3.2)
    return {
        "m": InstantGate(Boltzmann(-57.0, 6.2), 2, shift=-2.0),
        "h": InfTauGate(Boltzmann(-81.0, -4.0), tau_h, 1, 3.0, 24.0, shift=-2.0),
    }


class CaTDestexhe(AbstractOhmicChannel):
    r"""T current with instantaneous activation: $I = g \, m_\infty^2 h \, (V - E_\mathrm{Ca})$.

    With $u = V + 2$,

    $$m_\infty = \frac{1}{1 + e^{-(u + 57) / 6.2}}, \quad h_\infty = \frac{1}{1 + e^{(u + 81) / 4}}, \quad
      \tau_h = 30.8 + \frac{211.4 + e^{(u + 113.2) / 5}}{1 + e^{(u + 84) / 3.2}}$$

    in ms at 24 degrees C, with a Q10 of 3. Destexhe et al. (1996), J Neurophysiol 76:2049-2070 (ModelDB 3343, `IT.mod`;
    also in Pospischil et al., 2008, ModelDB 123623, `IT_huguenard.mod`). Other readings of the printed time constant
    circulate; this is that of the files.
    """

    g_max: Number = parameter("mS/cm2", at_least=0.0, default=0.4)
    reversal: Number | None = parameter("mV", default=None)
    gates: dict[str, AbstractGate] = eqx.field(default_factory=_nernst)
    ion: str | None = eqx.field(static=True, default="Ca")
    source: ClassVar[str] = "Destexhe et al. 1996, Pospischil et al. 2008"
    family: ClassVar[str] = "CaT"


def _reticular() -> dict[str, AbstractGate]:
    tau_m = 3.0 + 1.0 / (Exponential(1.0, -25.0, 10.0) + Exponential(1.0, -100.0, -15.0))
    tau_h = 85.0 + 1.0 / (Exponential(1.0, -46.0, 4.0) + Exponential(1.0, -405.0, -50.0))
    return {
        "m": InfTauGate(Boltzmann(-50.0, 7.4), tau_m, 2, 2.5, 24.0),
        "h": InfTauGate(Boltzmann(-78.0, -5.0), tau_h, 1, 2.5, 24.0),
    }


class CaTHuguenardPrince(AbstractOhmicChannel):
    r"""T current of thalamic reticular cells, slower than that of relay cells: $I = g \, m^2 h \, (V - E_\mathrm{Ca})$.

    $$m_\infty = \frac{1}{1 + e^{-(V + 50) / 7.4}}, \quad
      \tau_m = 3 + \frac{1}{e^{(V + 25) / 10} + e^{-(V + 100) / 15}}, \quad
      h_\infty = \frac{1}{1 + e^{(V + 78) / 5}}, \quad
      \tau_h = 85 + \frac{1}{e^{(V + 46) / 4} + e^{-(V + 405) / 50}}$$

    in ms at 24 degrees C, with a Q10 of 2.5. Huguenard and Prince (1992), J Neurosci 12:3804-3817, as Destexhe et al.
    (1996), J Neurosci 16:169-185, has it (ModelDB 17663, `IT2.mod` as `re1_cc.oc` sets it). The equations are the same
    in every copy of that file, the rest is not: with the Q10 of 5 and 3 that this one has by default and Destexhe et
    al. (1994), J Neurophysiol 72:803-818 (ModelDB 3670) keeps, activation at 36 degrees C is 2.3 times as fast; there
    and in Destexhe et al. (1996), J Neurophysiol 76:2049-2070 (ModelDB 3343), all curves lie 2 mV to the left.
    """

    g_max: Number = parameter("mS/cm2", at_least=0.0, default=3.0)
    reversal: Number | None = parameter("mV", default=None)
    gates: dict[str, AbstractGate] = eqx.field(default_factory=_reticular)
    ion: str | None = eqx.field(static=True, default="Ca")
    source: ClassVar[str] = "Huguenard & Prince 1992, Destexhe et al. 1996"
    family: ClassVar[str] = "CaT"


def _hay() -> dict[str, AbstractGate]:
    return {
        "m": InfTauGate(Boltzmann(-40.0, 6.0), 5.0 + 20.0 * Boltzmann(-35.0, -5.0), 2, 2.3, 21.0),
        "h": InfTauGate(Boltzmann(-90.0, -6.4), 20.0 + 50.0 * Boltzmann(-50.0, -7.0), 1, 2.3, 21.0),
    }


class CaTHay(AbstractOhmicChannel):
    r"""Low-voltage-activated calcium current of layer 5 cells, Ca_LVAst: $I = g \, m^2 h \, (V - E_\mathrm{Ca})$.

    With $u = V + 10$,

    $$m_\infty = \frac{1}{1 + e^{-(u + 30) / 6}}, \quad \tau_m = 5 + \frac{20}{1 + e^{(u + 25) / 5}}, \quad
      h_\infty = \frac{1}{1 + e^{(u + 80) / 6.4}}, \quad \tau_h = 20 + \frac{50}{1 + e^{(u + 40) / 7}}$$

    in ms at 21 degrees C, with a Q10 of 2.3. Avery and Johnston (1996), J Neurosci 16:5567-5582, and Randall and Tsien
    (1997), as Hay et al. (2011), PLoS Comput Biol 7:e1002107, has it (ModelDB 139653, `Ca_LVAst.mod`).
    """

    g_max: Number = parameter("mS/cm2", at_least=0.0, default=3.43)
    reversal: Number | None = parameter("mV", default=None)
    gates: dict[str, AbstractGate] = eqx.field(default_factory=_hay)
    ion: str | None = eqx.field(static=True, default="Ca")
    source: ClassVar[str] = "Avery & Johnston 1996, Hay et al. 2011"
    family: ClassVar[str] = "CaT"
