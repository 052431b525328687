"""N-type calcium channels."""

from typing import ClassVar

import equinox as eqx
from jaxtyping import Array, Float

from patch_sim.channels.base import AbstractChannel, AbstractGHKChannel, States
from patch_sim.electrochemistry import Ions
from patch_sim.gates import AbstractGate, Gate, InfTauGate
from patch_sim.parameters import Number, parameter
from patch_sim.rates import Boltzmann, Constant, Exponential, Linoid, Sigmoid, linoid


def _wolf() -> dict[str, AbstractGate]:
    tau_m = 1.0 / (Linoid(0.03856, -17.19, -15.22) + Exponential(0.3842, 0.0, 23.82)) / 3.0
    return {
        "m": InfTauGate(Boltzmann(-8.7, 7.4), tau_m, 2, reference_temperature=35.0),
        "h": InfTauGate(Boltzmann(-74.8, -6.5), Constant(70.0) / 3.0, 1, reference_temperature=35.0),
    }


class CaN(AbstractGHKChannel):
    r"""N current of medium spiny neurons: $I = P \, m^2 (0.21 \, h + 0.79) \, \mathrm{GHK}(V)$.

    $$m_\infty = \frac{1}{1 + e^{-(V + 8.7) / 7.4}}, \quad
      \tau_m = \frac{1}{3} \left/ \left[ 0.03856 \, \frac{V + 17.19}{e^{(V + 17.19) / 15.22} - 1}
      + 0.3842 \, e^{V / 23.82} \right] \right., \quad
      h_\infty = \frac{1}{1 + e^{(V + 74.8) / 6.5}}, \quad \tau_h = \frac{70}{3}$$

    in ms at 35 degrees C; the 3 takes the rates there from 22 degrees C. Wolf et al. (2005), J Neurosci 25:9080-9095,
    after Churchill and MacVicar (1998), Kasai and Neher (1992), McNaughton and Randall (1997) (ModelDB 112834,
    `can.mod`).
    """

    p_max: Number = parameter("cm/s", at_least=0.0, default=1e-05)
    inactivating: Number = parameter("", at_least=0.0, default=0.21)
    gates: dict[str, AbstractGate] = eqx.field(default_factory=_wolf)
    ion: str | None = eqx.field(static=True, default="Ca")
    source: ClassVar[str] = "Wolf et al. 2005"

    def open_fraction(
        self, v: Float[Array, "*shape"], states: States, calcium: Float[Array, "*#shape"]
    ) -> Float[Array, "*shape"]:
        """The fraction of channels that conduct; only the part `inactivating` of them inactivates."""
        m, h = (self.gated(name, v, states, calcium) for name in ("m", "h"))
        return m * (self.inactivating * h + 1.0 - self.inactivating)


def _migliore() -> dict[str, AbstractGate]:
    m = Gate(Linoid(0.1967, 19.88, 10.0), Exponential(0.046, 0.0, -20.73), power=2)
    h = Gate(Exponential(1.6e-4, 0.0, -48.4), Sigmoid(1.0, 39.0, 10.0))
    return {"m": m, "h": h}


class CaNMigliore(AbstractChannel):
    r"""N current of hippocampal pyramidal cells, with its own form of the GHK flux.

    $$I = -g \, m^2 h \, \frac{k_i}{k_i + [Ca]_i}
      \left( 1 - \frac{[Ca]_i}{[Ca]_o} e^{V / f} \right) \frac{V}{e^{V / f} - 1},
      \qquad f = \frac{25}{293.15} \frac{T + 273.15}{2},$$

    $$\alpha_m = \frac{0.1967 (19.88 - V)}{e^{(19.88 - V) / 10} - 1}, \quad \beta_m = 0.046 \, e^{-V / 20.73}, \quad
      \alpha_h = 1.6 \cdot 10^{-4} \, e^{-V / 48.4}, \quad \beta_h = \frac{1}{1 + e^{(39 - V) / 10}}$$

    in 1/ms, without a Q10. Jaffe et al. (1994) and Migliore et al. (1995), J Neurophysiol 73:1157-1168 (ModelDB 3263,
    `can2.mod`). $f$ is $RT/2F$ but for rounding: 13.18 instead of 13.32 mV at 36 degrees C.

    Attributes:
        g_max: conductance density with all gates open, mS/cm2.
        half_block: $k_i$, mM.
    """

    g_max: Number = parameter("mS/cm2", at_least=0.0, default=0.3)
    half_block: Number = parameter("mM", above=0.0, default=0.001)
    gates: dict[str, AbstractGate] = eqx.field(default_factory=_migliore)
    ion: str | None = eqx.field(static=True, default="Ca")
    source: ClassVar[str] = "Jaffe et al. 1994, Migliore et al. 1995"
    family: ClassVar[str] = "CaN"

    @property
    def needs(self) -> tuple[str, ...]:
        """The ions whose concentrations the current depends on."""
        return ("Ca",)

    def current(
        self, v: Float[Array, "*shape"], states: States, ions: Ions, temperature: Float[Array, ""]
    ) -> Float[Array, "*shape"]:
        """The current density (uA/cm2), outward positive, at a voltage (mV) and a temperature (degrees C)."""
        inside, outside = ions.Ca.inside, ions.Ca.outside
        f = 25.0 / 293.15 * (temperature + 273.15) / 2.0
        drive = f * (linoid(v / f) - inside / outside * linoid(-v / f))
        block = self.half_block / (self.half_block + inside)
        return -self.g_max * self.open_fraction(v, states, inside) * block * drive
