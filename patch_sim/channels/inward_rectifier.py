"""Inwardly rectifying potassium channels."""

from typing import ClassVar

import equinox as eqx

from patch_sim.channels.base import AbstractOhmicChannel
from patch_sim.gates import AbstractGate, InfTauGate
from patch_sim.parameters import Number, parameter
from patch_sim.rates import Boltzmann, Exponential


def _gates() -> dict[str, AbstractGate]:
    tau = 1.0 / (Exponential(0.00610779, 0.0, -67.0828) + Exponential(0.0817741, 0.0, 67.0828))
    return {"m": InfTauGate(Boltzmann(-98.92, -10.89), tau, reference_temperature=33.0)}


class Kir(AbstractOhmicChannel):
    r"""Inward rectifier of dentate granule cells: $I = g \, m \, (V - E_\mathrm{K})$.

    $$m_\infty = \frac{1}{1 + e^{(V + 98.92) / 10.89}}, \quad
      \tau_m = \frac{1}{0.00610779 \, e^{-V / 67.0828} + 0.0817741 \, e^{V / 67.0828}}$$

    in ms, without a temperature dependence. Stegen et al. (2012), Cereb Cortex 22:2087-2101, as Yim et al. (2015),
    Hippocampus 25:297-308, has it (ModelDB 185355, `Kir.mod`, which corrects a misprint of the paper). The gate follows
    V, not V - E_K: when the outside potassium is changed, shift it along with E_K.
    """

    g_max: Number = parameter("mS/cm2", at_least=0.0, default=0.0144)
    reversal: Number | None = parameter("mV", default=None)
    gates: dict[str, AbstractGate] = eqx.field(default_factory=_gates)
    ion: str | None = eqx.field(static=True, default="K")
    source: ClassVar[str] = "Stegen et al. 2012, Yim et al. 2015"
