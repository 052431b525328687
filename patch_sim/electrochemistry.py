"""Equilibrium potentials, and the flux of ions through an open pore."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from patch_sim.parameters import AbstractParametric, Number, parameter
from patch_sim.rates import linoid
from patch_sim.units import FARADAY_CONSTANT, GAS_CONSTANT, ZERO_CELSIUS


def thermal_voltage(temperature: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """$RT/F$ (mV) at a temperature (degrees C)."""
    return 1e3 * GAS_CONSTANT * (temperature + ZERO_CELSIUS) / FARADAY_CONSTANT


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
    return thermal_voltage(temperature) / valence * jnp.log(outside / inside)


def ghk_voltage(
    permeability: Float[Array, " ions"],
    inside: Float[Array, " ions"],
    outside: Float[Array, " ions"],
    valence: Float[Array, " ions"],
    temperature: Float[Array, ""],
) -> Float[Array, ""]:
    r"""The potential at which monovalent ions together carry no current.

    $$E = \frac{RT}{F} \ln \frac{\sum_+ P c_\mathrm{out} + \sum_- P c_\mathrm{in}}
                              {\sum_+ P c_\mathrm{in} + \sum_- P c_\mathrm{out}}$$

    Hodgkin and Katz (1949), J Physiol 108:37-77.

    Args:
        permeability: of each ion; only their ratios matter.
        inside: mM.
        outside: mM.
        valence: 1 or -1.
        temperature: degrees C.

    Returns:
        mV.
    """
    depolarizing = jnp.where(valence > 0, outside, inside)
    hyperpolarizing = jnp.where(valence > 0, inside, outside)
    ratio = jnp.sum(permeability * depolarizing) / jnp.sum(permeability * hyperpolarizing)
    return thermal_voltage(temperature) * jnp.log(ratio)


def ghk_flux(
    v: Float[Array, "*shape"],
    inside: Float[Array, "*#shape"],
    outside: Float[Array, "*#shape"],
    valence: int,
    temperature: Float[Array, ""],
) -> Float[Array, "*shape"]:
    r"""The current of an ion through a membrane of unit permeability, outward positive.

    $$\frac{I}{P} = z F \left[ c_\mathrm{in} \frac{-x}{e^{-x} - 1} - c_\mathrm{out} \frac{x}{e^x - 1} \right],
      \qquad x = \frac{z F V}{R T}$$

    Goldman (1943), J Gen Physiol 27:37-60; Hodgkin and Katz (1949), J Physiol 108:37-77.

    Args:
        v: mV.
        inside: mM.
        outside: mM.
        valence: charge of the ion, in elementary charges.
        temperature: degrees C.

    Returns:
        uA/cm2 for a permeability of 1 cm/s.
    """
    x = valence * v / thermal_voltage(temperature)
    return valence * FARADAY_CONSTANT * (inside * linoid(-x) - outside * linoid(x))


class Ion(AbstractParametric):
    """The concentrations of one ion on both sides of the membrane."""

    inside: Number = parameter("mM", above=0.0)
    outside: Number = parameter("mM", above=0.0)
    valence: int = eqx.field(static=True, default=1)

    def reversal(self, temperature: Float[Array, ""]) -> Float[Array, "..."]:
        """The Nernst potential (mV) at a temperature (degrees C)."""
        return nernst(self.inside, self.outside, self.valence, temperature)


class Ions(AbstractParametric):
    """The ions of cell and bath; by default a mammalian neuron in artificial cerebrospinal fluid."""

    Na: Ion = eqx.field(default_factory=lambda: Ion(10.0, 145.0))
    K: Ion = eqx.field(default_factory=lambda: Ion(140.0, 3.5))
    Ca: Ion = eqx.field(default_factory=lambda: Ion(1e-4, 2.0, valence=2))

    def __getitem__(self, ion: str) -> Ion:
        return getattr(self, ion)

    def with_calcium(self, inside: Float[Array, "*shape"]) -> "Ions":
        """The same ions with another calcium concentration (mM) in the cell."""
        return eqx.tree_at(lambda ions: ions.Ca.inside, self, inside)

    def mixed_reversal(self, sodium_permeability: Float[Array, ""], temperature: Float[Array, ""]) -> Float[Array, ""]:
        r"""The GHK voltage (mV) of a pore for potassium and sodium.

        $$E = \frac{RT}{F} \ln \frac{[K]_o + p [Na]_o}{[K]_i + p [Na]_i}, \qquad p = P_\mathrm{Na} / P_\mathrm{K}$$

        Args:
            sodium_permeability: $p$.
            temperature: degrees C.
        """
        outside = self.K.outside + sodium_permeability * self.Na.outside
        inside = self.K.inside + sodium_permeability * self.Na.inside
        return thermal_voltage(temperature) * jnp.log(outside / inside)
