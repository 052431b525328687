"""Persistent sodium channels."""

from typing import ClassVar

import equinox as eqx

from patch_sim.channels.base import AbstractOhmicChannel
from patch_sim.gates import AbstractGate, InfTauGate
from patch_sim.parameters import Number, parameter
from patch_sim.rates import Boltzmann, Linoid


def _gates() -> dict[str, AbstractGate]:
    opening, closing = Linoid(0.182, -38.0, 6.0), Linoid(0.124, -38.0, -6.0)
    recovery, inactivation = Linoid(2.88e-6, -17.0, -4.63), Linoid(6.94e-6, -64.4, 2.63)
    return {
        "m": InfTauGate(Boltzmann(-52.6, 4.6), 6.0 / (opening + closing), 3, 2.3, 21.0),
        "h": InfTauGate(Boltzmann(-48.8, -10.0), 1.0 / (recovery + inactivation), 1, 2.3, 21.0),
    }


class NaP(AbstractOhmicChannel):
    r"""Persistent sodium current: $I = g \, m^3 h \, (V - E_\mathrm{Na})$.

    $$m_\infty = \frac{1}{1 + e^{-(V + 52.6) / 4.6}}, \quad h_\infty = \frac{1}{1 + e^{(V + 48.8) / 10}}, \quad
      \tau_h = \frac{1}{2.88 \cdot 10^{-6} \, \frac{V + 17}{e^{(V + 17) / 4.63} - 1}
      + 6.94 \cdot 10^{-6} \, \frac{V + 64.4}{1 - e^{-(V + 64.4) / 2.63}}}$$

    and $\tau_m$ six times that of the transient current (`NaHay`), in ms at 21 degrees C, with a Q10 of 2.3.
    Magistretti and Alonso (1999), J Gen Physiol 114:491-509, as Hay et al. (2011), PLoS Comput Biol 7:e1002107, has it
    (ModelDB 139653, `Nap_Et2.mod`). That file cubes what was measured as the whole activation, so that half of it lies
    at -46.4 instead of -52.6 mV; its $\tau_m$ and both Q10 are assumptions of the model, not measurements of the paper.
    """

    g_max: Number = parameter("mS/cm2", at_least=0.0, default=1.7)
    reversal: Number | None = parameter("mV", default=None)
    gates: dict[str, AbstractGate] = eqx.field(default_factory=_gates)
    ion: str | None = eqx.field(static=True, default="Na")
    source: ClassVar[str] = "Magistretti & Alonso 1999, Hay et al. 2011"
