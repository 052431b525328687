"""Transient sodium channels."""

from typing import Any, ClassVar

import equinox as eqx

from patch_sim.channels.base import AbstractOhmicChannel
from patch_sim.gates import AbstractGate, Gate
from patch_sim.parameters import Number, parameter
from patch_sim.rates import Exponential, Linoid, Sigmoid


def _squid() -> dict[str, AbstractGate]:
    return {
        "m": Gate(Linoid(0.1, -40.0, 10.0), Exponential(4.0, -65.0, -18.0), power=3, q10=3.0),
        "h": Gate(Exponential(0.07, -65.0, -20.0), Sigmoid(1.0, -35.0, 10.0), q10=3.0),
    }


class Na(AbstractOhmicChannel):
    r"""Transient sodium current of the squid giant axon: $I = g \, m^3 h \, (V - E_\mathrm{Na})$.

    $$\alpha_m = \frac{0.1 (V + 40)}{1 - e^{-(V + 40) / 10}}, \quad \beta_m = 4 e^{-(V + 65) / 18}, \quad
      \alpha_h = 0.07 e^{-(V + 65) / 20}, \quad \beta_h = \frac{1}{1 + e^{-(V + 35) / 10}}$$

    in 1/ms at 6.3 degrees C, with a Q10 of 3. Hodgkin and Huxley (1952), J Physiol 117:500-544, equations
    20, 21, 23, 24, in today's sign of the voltage and with rest at -65 mV.
    """

    g_max: Number = parameter("mS/cm2", at_least=0.0, default=120.0)
    reversal: Number | None = parameter("mV", default=None)
    gates: dict[str, AbstractGate] = eqx.field(default_factory=_squid)
    ion: str | None = eqx.field(static=True, default="Na")
    source: ClassVar[str] = "Hodgkin & Huxley 1952"


def _traub_miles(threshold: Any) -> dict[str, AbstractGate]:
    m = Gate(Linoid(0.32, threshold + 13.0, 4.0), Linoid(0.28, threshold + 40.0, -5.0), 3, 3.0, 36.0)
    h = Gate(Exponential(0.128, threshold + 17.0, -18.0), Sigmoid(4.0, threshold + 40.0, 5.0), 1, 3.0, 36.0)
    return {"m": m, "h": h}


class NaTraubMiles(AbstractOhmicChannel):
    r"""Transient sodium current of hippocampal and cortical cells: $I = g \, m^3 h \, (V - E_\mathrm{Na})$.

    $$\alpha_m = \frac{0.32 (13 - u)}{e^{(13 - u) / 4} - 1}, \quad \beta_m = \frac{0.28 (u - 40)}{e^{(u - 40) / 5} - 1},
      \quad \alpha_h = 0.128 e^{(17 - u) / 18}, \quad \beta_h = \frac{4}{1 + e^{(40 - u) / 5}}$$

    in 1/ms at 36 degrees C, with $u = V - V_T$ and a Q10 of 3. Traub and Miles (1991), Neuronal Networks of the
    Hippocampus, as Pospischil et al. (2008), Biol Cybern 99:427-441, and Destexhe use it (ModelDB 123623,
    `HH_traub.mod`). That file starts at m = h = 0 instead of the steady state; this one does not.

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
    family: ClassVar[str] = "Na"

    def __init__(self, g_max: Any = 50.0, reversal: Any = None, threshold: Any = -55.0):
        self.gates = _traub_miles(threshold)
        self.g_max = g_max
        self.reversal = reversal
        self.ion = "Na"


def _hay() -> dict[str, AbstractGate]:
    m = Gate(Linoid(0.182, -38.0, 6.0), Linoid(0.124, -38.0, -6.0), 3, 2.3, 21.0)
    h = Gate(Linoid(0.015, -66.0, -6.0), Linoid(0.015, -66.0, 6.0), 1, 2.3, 21.0)
    return {"m": m, "h": h}


class NaHay(AbstractOhmicChannel):
    r"""Transient sodium current of layer 5 pyramidal cells, NaTa_t: $I = g \, m^3 h \, (V - E_\mathrm{Na})$.

    $$\alpha_m, \beta_m = 0.182, 0.124 \times \frac{\pm (V + 38)}{1 - e^{\mp (V + 38) / 6}}, \quad
      \alpha_h, \beta_h = 0.015 \times \frac{\mp (V + 66)}{1 - e^{\pm (V + 66) / 6}}$$

    in 1/ms at 21 degrees C, with a Q10 of 2.3. Colbert and Pan (2002), Nat Neurosci 5:533-538, as Hay et al.
    (2011), PLoS Comput Biol 7:e1002107, has it (ModelDB 139653, `NaTa_t.mod`, which fixes 34 degrees C).
    """

    g_max: Number = parameter("mS/cm2", at_least=0.0, default=2040.0)
    reversal: Number | None = parameter("mV", default=None)
    gates: dict[str, AbstractGate] = eqx.field(default_factory=_hay)
    ion: str | None = eqx.field(static=True, default="Na")
    source: ClassVar[str] = "Colbert & Pan 2002, Hay et al. 2011"
    family: ClassVar[str] = "Na"
