"""What every channel is: gates, and a current that flows when they are open."""

import abc
import math
from collections.abc import Mapping
from typing import ClassVar, TypeAlias, TypeVar

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from patch_sim.electrochemistry import Ions, ghk_flux
from patch_sim.gates import AbstractGate, AbstractRelaxingGate
from patch_sim.parameters import AbstractParametric, Number, parameter

States: TypeAlias = Mapping[str, Float[Array, "*shape"]]
"""The open fractions of a channel's gates, by name."""

Self = TypeVar("Self", bound="AbstractChannel")


class AbstractChannel(AbstractParametric):
    """A population of channels.

    Attributes:
        gates: the gates by name; each one's `power` is its exponent.
        ion: the name of the ion that the channel carries, or None if it carries a mixture.
        source: where its equations come from, in a few words.
    """

    gates: eqx.AbstractVar[dict[str, AbstractGate]]
    ion: eqx.AbstractVar[str | None]
    source: eqx.AbstractClassVar[str]

    @abc.abstractmethod
    def current(
        self, v: Float[Array, "*shape"], states: States, ions: Ions, temperature: Float[Array, ""]
    ) -> Float[Array, "*shape"]:
        """The current density (uA/cm2), outward positive, at a voltage (mV) and a temperature (degrees C)."""

    @property
    @abc.abstractmethod
    def needs(self) -> tuple[str, ...]:
        """The ions whose concentrations the current depends on."""

    def at(self: Self, temperature: Float[Array, ""] | None) -> Self:
        """The same channel with its gates at a temperature (degrees C); None for their reference temperatures."""
        gates = {name: gate.at(temperature) for name, gate in self.gates.items()}
        return eqx.tree_at(lambda channel: channel.gates, self, gates)

    def open_fraction(
        self, v: Float[Array, "*shape"], states: States, calcium: Float[Array, "*#shape"]
    ) -> Float[Array, "..."] | float:
        r"""The fraction of channels that conduct, $\prod_i x_i^{p_i}$; overridden where gates join otherwise."""
        return math.prod((self.gated(name, v, states, calcium) for name in self.gates), start=1.0)

    def gated(
        self, name: str, v: Float[Array, "*shape"], states: States, calcium: Float[Array, "*#shape"]
    ) -> Float[Array, "*shape"]:
        """One gate's factor $x^p$."""
        gate = self.gates[name]
        opened = states[name] if isinstance(gate, AbstractRelaxingGate) else gate.steady_state(v, calcium)
        return opened**gate.power

    @property
    def state_names(self) -> tuple[str, ...]:
        """What the channel remembers: the names of the gates that take their time."""
        return tuple(name for name, gate in self.gates.items() if isinstance(gate, AbstractRelaxingGate))

    def steady_state(
        self, v: Float[Array, "*shape"], calcium: Float[Array, "*#shape"]
    ) -> dict[str, Float[Array, "*shape"]]:
        """The states of the gates after a long time at a voltage (mV) and a calcium concentration (mM)."""
        gates = {name: gate for name, gate in self.gates.items() if isinstance(gate, AbstractRelaxingGate)}
        return {name: jnp.broadcast_to(gate.steady_state(v, calcium), v.shape) for name, gate in gates.items()}

    def derivative(
        self, v: Float[Array, "*shape"], states: States, calcium: Float[Array, "*#shape"]
    ) -> dict[str, Float[Array, "*shape"]]:
        """How fast (1/ms) the states of the gates change."""
        return {
            name: gate.derivative(v, states[name], calcium)
            for name, gate in self.gates.items()
            if isinstance(gate, AbstractRelaxingGate)
        }


class AbstractOhmicChannel(AbstractChannel):
    r"""A channel whose current is proportional to the distance from its reversal potential.

    $$I = g_\mathrm{max} \, o(x) \, (V - E)$$

    Attributes:
        g_max: conductance density with all gates open, mS/cm2.
        reversal: $E$ in mV; None takes it from the neuron's ions.
    """

    g_max: eqx.AbstractVar[Number]
    reversal: eqx.AbstractVar[Number | None]

    @property
    def needs(self) -> tuple[str, ...]:
        """The ions whose concentrations the current depends on."""
        return () if self.reversal is not None or self.ion is None else (self.ion,)

    def equilibrium(self, ions: Ions, temperature: Float[Array, ""]) -> Float[Array, "..."]:
        """The reversal potential (mV): as given, or the Nernst potential of the channel's ion."""
        return ions[str(self.ion)].reversal(temperature) if self.reversal is None else self.reversal

    def current(
        self, v: Float[Array, "*shape"], states: States, ions: Ions, temperature: Float[Array, ""]
    ) -> Float[Array, "*shape"]:
        """The current density (uA/cm2), outward positive, at a voltage (mV) and a temperature (degrees C)."""
        opened = self.open_fraction(v, states, ions.Ca.inside)
        return self.g_max * opened * (v - self.equilibrium(ions, temperature))


class AbstractGHKChannel(AbstractChannel):
    r"""A channel whose current follows the Goldman-Hodgkin-Katz flux of its ion.

    $$I = P_\mathrm{max} \, o(x) \, \mathrm{GHK}(V, c_\mathrm{in}, c_\mathrm{out})$$

    Attributes:
        p_max: permeability with all gates open, cm/s.
    """

    p_max: eqx.AbstractVar[Number]

    @property
    def needs(self) -> tuple[str, ...]:
        """The ions whose concentrations the current depends on."""
        return (str(self.ion),)

    def current(
        self, v: Float[Array, "*shape"], states: States, ions: Ions, temperature: Float[Array, ""]
    ) -> Float[Array, "*shape"]:
        """The current density (uA/cm2), outward positive, at a voltage (mV) and a temperature (degrees C)."""
        ion = ions[str(self.ion)]
        flux = ghk_flux(v, ion.inside, ion.outside, ion.valence, temperature)
        return self.p_max * self.open_fraction(v, states, ions.Ca.inside) * flux


class Channel(AbstractOhmicChannel):
    """A channel of your own, declared: its gates, its conductance, and its ion or reversal potential.

    Args:
        gates: by name.
        g_max: conductance density with all gates open, mS/cm2.
        reversal: mV; None for the Nernst potential of the ion.
        ion: "Na", "K" or "Ca"; a calcium channel feeds the neuron's calcium pool.

    Raises:
        ValueError: neither a reversal nor an ion.
    """

    gates: dict[str, AbstractGate] = eqx.field(converter=dict)
    g_max: Number = parameter("mS/cm2", at_least=0.0)
    reversal: Number | None = parameter("mV", default=None)
    ion: str | None = eqx.field(static=True, default=None)
    source: ClassVar[str] = "your own"

    def __check_init__(self):
        if self.reversal is None and self.ion is None:
            raise ValueError("Channel needs a reversal (mV) or the name of its ion")
