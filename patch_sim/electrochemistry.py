"""Equilibrium potentials."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from patch_sim.parameters import AbstractParametric, Number, parameter
from patch_sim.units import FARADAY_CONSTANT, GAS_CONSTANT, ZERO_CELSIUS


def nernst(
    inside: Float[Array, "*shape"],
    outside: Float[Array, "*#shape"],
    valence: int,
    temperature: Float[Array, "*#shape"],
) -> Float[Array, "*shape"]:
    r"""The potential at which an ion is in equilibrium.

    $$E = \frac{RT}{zF} \ln \frac{c_\mathrm{out}}{c_\mathrm{in}}$$

    Args:
        inside: concentration in the cell, mM.
        outside: concentration in the bath, mM.
        valence: charge of the ion, in elementary charges.
        temperature: degrees C.

    Returns:
        mV.
    """
    thermal = 1e3 * GAS_CONSTANT * (temperature + ZERO_CELSIUS) / FARADAY_CONSTANT
    return thermal / valence * jnp.log(outside / inside)


class Ion(AbstractParametric):
    """The concentrations of one ion on both sides of the membrane."""

    inside: Number = parameter("mM", above=0.0)
    outside: Number = parameter("mM", above=0.0)
    valence: int = eqx.field(static=True, default=1)

    def reversal(self, temperature: Float[Array, ""]) -> Float[Array, ""]:
        """The Nernst potential (mV) at a temperature (degrees C)."""
        return nernst(self.inside, self.outside, self.valence, temperature)


class Ions(AbstractParametric):
    """The ions of cell and bath; by default a mammalian neuron in artificial cerebrospinal fluid."""

    Na: Ion = eqx.field(default_factory=lambda: Ion(10.0, 145.0))
    K: Ion = eqx.field(default_factory=lambda: Ion(140.0, 3.5))
    Ca: Ion = eqx.field(default_factory=lambda: Ion(1e-4, 2.0, valence=2))

    def reversal(self, ion: str | None, temperature: Float[Array, ""]) -> Float[Array, ""]:
        """The Nernst potential (mV) of the ion of that name."""
        return getattr(self, str(ion)).reversal(temperature)
