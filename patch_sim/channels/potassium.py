"""Delayed-rectifier potassium channels."""

import equinox as eqx

from patch_sim.channels.base import AbstractChannel
from patch_sim.gates import Gate
from patch_sim.parameters import Number, parameter
from patch_sim.rates import Exponential, Linoid


def _gates() -> dict[str, Gate]:
    return {"n": Gate(Linoid(0.01, -55.0, 10.0), Exponential(0.125, -65.0, -80.0), power=4, q10=3.0)}


class K(AbstractChannel):
    r"""Delayed rectifier of the squid giant axon: $I = g \, n^4 (V - E_\mathrm{K})$.

    $$\alpha_n = \frac{0.01 (V + 55)}{1 - e^{-(V + 55) / 10}}, \quad \beta_n = 0.125 e^{-(V + 65) / 80}$$

    in 1/ms at 6.3 degrees C, with a Q10 of 3. Hodgkin and Huxley (1952), J Physiol 117:500-544, equations
    12 and 13, in today's sign of the voltage and with rest at -65 mV.
    """

    g_max: Number = parameter("mS/cm2", at_least=0.0, default=36.0)
    reversal: Number | None = parameter("mV", default=None)
    gates: dict[str, Gate] = eqx.field(default_factory=_gates)
    ion: str | None = eqx.field(static=True, default="K")
