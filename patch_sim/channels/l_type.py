"""L-type (high-voltage-activated) calcium channels."""

from typing import ClassVar

import equinox as eqx

from patch_sim.channels.base import AbstractOhmicChannel
from patch_sim.gates import AbstractGate, Gate
from patch_sim.parameters import Number, parameter
from patch_sim.rates import Exponential, Linoid, Sigmoid


def _gates() -> dict[str, AbstractGate]:
    m = Gate(Linoid(0.055, -27.0, 3.8), Exponential(0.94, -75.0, -17.0), 2, reference_temperature=36.0)
    h = Gate(Exponential(4.57e-4, -13.0, -50.0), Sigmoid(0.0065, -15.0, 28.0), 1, reference_temperature=36.0)
    return {"m": m, "h": h}


class CaL(AbstractOhmicChannel):
    r"""High-voltage-activated calcium current: $I = g \, m^2 h \, (V - E_\mathrm{Ca})$.

    $$\alpha_m = \frac{0.055 (-27 - V)}{e^{(-27 - V) / 3.8} - 1}, \quad \beta_m = 0.94 \, e^{-(V + 75) / 17}, \quad
      \alpha_h = 4.57 \cdot 10^{-4} \, e^{-(V + 13) / 50}, \quad \beta_h = \frac{0.0065}{1 + e^{-(V + 15) / 28}}$$

    in 1/ms near 36 degrees C, without a Q10. Reuveni et al. (1993), J Neurosci 13:4609-4621, as Pospischil et al.
    (2008), Biol Cybern 99:427-441 (ModelDB 123623, `IL_gutnick.mod`, which is NaN at -27 mV and starts at m = h = 0)
    and Hay et al. (2011) (`Ca_HVA.mod`) have it.
    """

    g_max: Number = parameter("mS/cm2", at_least=0.0, default=0.1)
    reversal: Number | None = parameter("mV", default=None)
    gates: dict[str, AbstractGate] = eqx.field(default_factory=_gates)
    ion: str | None = eqx.field(static=True, default="Ca")
    source: ClassVar[str] = "Reuveni et al. 1993, Pospischil et al. 2008"
