"""M-type (muscarine-sensitive) potassium channels."""

from typing import ClassVar

import equinox as eqx

from patch_sim.channels.base import AbstractOhmicChannel
from patch_sim.gates import AbstractGate, Gate, InfTauGate
from patch_sim.parameters import Number, parameter
from patch_sim.rates import Boltzmann, Exponential


def _yamada() -> dict[str, AbstractGate]:
    tau = 1000.0 / (Exponential(3.3, -35.0, 20.0) + Exponential(1.0, -35.0, -20.0))
    return {"m": InfTauGate(Boltzmann(-35.0, 10.0), tau, 1, 2.3, 36.0)}


class M(AbstractOhmicChannel):
    r"""M current: $I = g \, m \, (V - E_\mathrm{K})$.

    $$m_\infty = \frac{1}{1 + e^{-(V + 35) / 10}}, \quad
      \tau_m = \frac{1000}{3.3 \, e^{(V + 35) / 20} + e^{-(V + 35) / 20}}$$

    in ms at 36 degrees C, with a Q10 of 2.3. Yamada, Koch and Adams (1989), as Pospischil et al. (2008), Biol Cybern
    99:427-441, has it (ModelDB 123623, `IM_cortex.mod`). Another file with the same citation (ModelDB 3808, `im.mod`)
    multiplies both exponentials by 3.3, which is another current.
    """

    g_max: Number = parameter("mS/cm2", at_least=0.0, default=0.07)
    reversal: Number | None = parameter("mV", default=None)
    gates: dict[str, AbstractGate] = eqx.field(default_factory=_yamada)
    ion: str | None = eqx.field(static=True, default="K")
    source: ClassVar[str] = "Yamada et al. 1989, Pospischil et al. 2008"


def _adams() -> dict[str, AbstractGate]:
    return {"m": Gate(Exponential(3.3e-3, -35.0, 10.0), Exponential(3.3e-3, -35.0, -10.0), 1, 2.3, 21.0)}


class MAdams(AbstractOhmicChannel):
    r"""M current, five times faster than `M`: $I = g \, m \, (V - E_\mathrm{K})$.

    $$\alpha = 0.0033 \, e^{0.1 (V + 35)}, \quad \beta = 0.0033 \, e^{-0.1 (V + 35)}$$

    in 1/ms at 21 degrees C, with a Q10 of 2.3. Adams, Brown and Constanti (1982), J Physiol 330:537-572, as Hay et al.
    (2011), PLoS Comput Biol 7:e1002107, has it (ModelDB 139653, `Im.mod`, which fixes 34 degrees C).
    """

    g_max: Number = parameter("mS/cm2", at_least=0.0, default=0.0675)
    reversal: Number | None = parameter("mV", default=None)
    gates: dict[str, AbstractGate] = eqx.field(default_factory=_adams)
    ion: str | None = eqx.field(static=True, default="K")
    source: ClassVar[str] = "Adams et al. 1982, Hay et al. 2011"
    family: ClassVar[str] = "M"
