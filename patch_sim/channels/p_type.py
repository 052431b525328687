"""P-type (high-voltage-activated) calcium channels."""

from typing import ClassVar

import equinox as eqx

from patch_sim.channels.base import AbstractGHKChannel
from patch_sim.gates import AbstractGate, InfTauGate
from patch_sim.parameters import Number, parameter
from patch_sim.rates import Boltzmann, Exponential, Gaussian, Piecewise


def _gates() -> dict[str, AbstractGate]:
    below, above = 0.26367 + Exponential(127.8, 0.0, 1 / 0.10327), 0.191 + Gaussian(3.76, -41.9, 27.8)
    tau = Piecewise(below, above, -50.0)
    return {"m": InfTauGate(Boltzmann(-19.0, 5.5), tau, reference_temperature=22.0)}


class CaP(AbstractGHKChannel):
    r"""P current of Purkinje cells: $I = P \, m \, \mathrm{GHK}(V)$.

    $$m_\infty = \frac{1}{1 + e^{-(V + 19) / 5.5}}, \quad
      \tau_m = \begin{cases} 0.26367 + 127.8 \, e^{0.10327 \, V} & V < -50 \\
                             0.191 + 3.76 \, e^{-((V + 41.9) / 27.8)^2} & V \ge -50 \end{cases}$$

    in ms near 22 degrees C, without a Q10; $\tau_m$ jumps from 0.99 to 3.65 ms, as published. Khaliq, Gouwens and Raman
    (2003), J Neurosci 23:4899-4912 (ModelDB 48332, `cap.mod`, whose flux is always that of 22 degrees C, with 273.19 K
    for 0 degrees).
    """

    p_max: Number = parameter("cm/s", at_least=0.0, default=5e-5)
    gates: dict[str, AbstractGate] = eqx.field(default_factory=_gates)
    ion: str | None = eqx.field(static=True, default="Ca")
    source: ClassVar[str] = "Khaliq et al. 2003"
