"""Transient sodium channels."""

import equinox as eqx

from patch_sim.channels.base import AbstractChannel
from patch_sim.gates import Gate
from patch_sim.parameters import Number, parameter
from patch_sim.rates import Exponential, Linoid, Sigmoid


def _gates() -> dict[str, Gate]:
    return {
        "m": Gate(Linoid(0.1, -40.0, 10.0), Exponential(4.0, -65.0, -18.0), power=3, q10=3.0),
        "h": Gate(Exponential(0.07, -65.0, -20.0), Sigmoid(1.0, -35.0, 10.0), q10=3.0),
    }


class Na(AbstractChannel):
    r"""Transient sodium current of the squid giant axon: $I = g \, m^3 h \, (V - E_\mathrm{Na})$.

    $$\alpha_m = \frac{0.1 (V + 40)}{1 - e^{-(V + 40) / 10}}, \quad \beta_m = 4 e^{-(V + 65) / 18}, \quad
      \alpha_h = 0.07 e^{-(V + 65) / 20}, \quad \beta_h = \frac{1}{1 + e^{-(V + 35) / 10}}$$

    in 1/ms at 6.3 degrees C, with a Q10 of 3. Hodgkin and Huxley (1952), J Physiol 117:500-544, equations
    20, 21, 23, 24, in today's sign of the voltage and with rest at -65 mV.
    """

    g_max: Number = parameter("mS/cm2", at_least=0.0, default=120.0)
    reversal: Number | None = parameter("mV", default=None)
    gates: dict[str, Gate] = eqx.field(default_factory=_gates)
    ion: str | None = eqx.field(static=True, default="Na")
