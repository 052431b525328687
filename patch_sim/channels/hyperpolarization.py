"""Hyperpolarization-activated cation channels."""

from typing import ClassVar

import equinox as eqx
from jaxtyping import Array, Float

from patch_sim.channels.base import AbstractOhmicChannel
from patch_sim.electrochemistry import Ions
from patch_sim.gates import AbstractGate, Gate, InfTauGate
from patch_sim.parameters import Number, parameter
from patch_sim.rates import Boltzmann, Exponential, Linoid


class AbstractMixedChannel(AbstractOhmicChannel):
    """A channel for potassium and sodium.

    Attributes:
        sodium_permeability: relative to that of potassium; it sets the reversal where none is given.
    """

    sodium_permeability: eqx.AbstractVar[Number]

    @property
    def needs(self) -> tuple[str, ...]:
        """The ions whose concentrations the current depends on."""
        return () if self.reversal is not None else ("K", "Na")

    def equilibrium(self, ions: Ions, temperature: Float[Array, ""]) -> Float[Array, "..."]:
        """The reversal potential (mV): as given, or the GHK voltage of potassium and sodium."""
        if self.reversal is None:
            return ions.mixed_reversal(self.sodium_permeability, temperature)
        return self.reversal


def _kole() -> dict[str, AbstractGate]:
    return {"m": Gate(Linoid(0.00643, -154.9, -11.9), Exponential(0.193, 0.0, 33.1), reference_temperature=34.0)}


class Ih(AbstractMixedChannel):
    r"""H current of layer 5 pyramidal cells: $I = g \, m \, (V - E_h)$.

    $$\alpha = \frac{0.00643 (V + 154.9)}{e^{(V + 154.9) / 11.9} - 1}, \quad \beta = 0.193 \, e^{V / 33.1}$$

    in 1/ms near 34 degrees C, without a Q10. Kole, Hallermann and Stuart (2006), J Neurosci 26:1677-1687, as Hay et al.
    (2011), PLoS Comput Biol 7:e1002107, has it (ModelDB 139653, `Ih.mod`). Half activation lies at -110 mV: shift
    it to the right if a sag near rest is wanted.

    The channel lets potassium and sodium through; with `reversal=None` it reverses at their GHK voltage, which for the
    default permeability ratio and concentrations is -45 mV, the constant of the source.
    """

    g_max: Number = parameter("mS/cm2", at_least=0.0, default=0.2)
    reversal: Number | None = parameter("mV", default=None)
    sodium_permeability: Number = parameter("", at_least=0.0, default=0.154)
    gates: dict[str, AbstractGate] = eqx.field(default_factory=_kole)
    ion: str | None = eqx.field(static=True, default=None)
    source: ClassVar[str] = "Kole et al. 2006, Hay et al. 2011"


def _huguenard() -> dict[str, AbstractGate]:
    tau = 20.0 + 1.0 / (Exponential(1e-3, -71.5, 14.2) + Exponential(1e-3, -89.0, -11.6))
    return {"m": InfTauGate(Boltzmann(-75.0, -5.5), tau, 1, 3.0, 36.0)}


class IhHuguenard(AbstractMixedChannel):
    r"""H current of thalamic relay cells: $I = g \, m \, (V - E_h)$.

    $$m_\infty = \frac{1}{1 + e^{(V + 75) / 5.5}}, \quad
      \tau_m = 20 + \frac{1000}{e^{(V + 71.5) / 14.2} + e^{-(V + 89) / 11.6}}$$

    in ms at 36 degrees C, with a Q10 of 3. Huguenard and McCormick (1992), J Neurophysiol 68:1373-1383, as Destexhe et
    al. (1996), J Neurophysiol 76:2049-2070, has it (ModelDB 3343, `Ih.mod`, without its calcium binding). The
    permeability ratio is one that gives the source's -43 mV at the default concentrations.
    """

    g_max: Number = parameter("mS/cm2", at_least=0.0, default=0.02)
    reversal: Number | None = parameter("mV", default=-43.0)
    sodium_permeability: Number = parameter("", at_least=0.0, default=0.168)
    gates: dict[str, AbstractGate] = eqx.field(default_factory=_huguenard)
    ion: str | None = eqx.field(static=True, default=None)
    source: ClassVar[str] = "Huguenard & McCormick 1992, Destexhe et al. 1996"
    family: ClassVar[str] = "Ih"
