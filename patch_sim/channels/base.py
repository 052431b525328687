"""What every channel is: gates, and a current that flows when they are open."""

import abc
import math
from collections.abc import Mapping
from typing import Any, ClassVar, TypeAlias, TypeVar

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from patch_sim.electrochemistry import Ions, ghk_flux
from patch_sim.gates import AbstractGate, AbstractRelaxingGate
from patch_sim.parameters import AbstractParametric, Number, parameter, replaced
from patch_sim.relaxation import History, first_half, relaxed, relaxed_on

States: TypeAlias = Mapping[str, Float[Array, "*shape"]]
"""The open fractions of a channel's gates, by name."""

Self = TypeVar("Self", bound="AbstractChannel")


class Bundle(dict[str, "AbstractChannel"]):
    """Channels by name, what `a + b` makes of channels: `ps.Neuron(c.Na() + c.K() + c.Leak(), ...)`.

    Each goes by its `family`; one that is to have a name of its own is written `{"Kv3": c.KFastHay()}`.

    Raises:
        ValueError: two channels of the same name.
    """

    def __add__(self, other: Any) -> "Bundle":
        if isinstance(other, AbstractChannel):
            return self + {other.family or type(other).__name__: other}
        if not isinstance(other, Mapping):
            return NotImplemented
        for name, channel in other.items():
            if name in self:
                kinds = f"{type(self[name]).__name__} and {type(channel).__name__}"
                raise ValueError(f"two channels are named {name!r} ({kinds}): add one as {{'other_name': channel}}")
        return Bundle({**self, **other})

    def __radd__(self, other: Any) -> "Bundle":
        return Bundle(other) + self if isinstance(other, Mapping) else NotImplemented


class AbstractChannel(AbstractParametric):
    """A population of channels; `a + b` is a `Bundle` of them.

    Attributes:
        family: what it is called in a sum, and in the paths of its parameters there; "" for its class's name.
        gates: the gates by name; each one's `power` is its exponent.
        ion: the name of the ion that the channel carries, or None if it carries a mixture.
        source: where its equations come from, in a few words.
    """

    gates: eqx.AbstractVar[dict[str, AbstractGate]]
    ion: eqx.AbstractVar[str | None]
    source: eqx.AbstractClassVar[str]
    family: ClassVar[str] = ""

    def __add__(self, other: Any) -> Bundle:
        return Bundle() + self + other

    def __radd__(self, other: Any) -> Bundle:
        return Bundle(other) + self if isinstance(other, Mapping) else NotImplemented

    @property
    def reads_calcium(self) -> bool:
        """Whether calcium moves any of its gates."""
        return any(gate.reads_calcium for gate in self.gates.values())

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
        return replaced(self, gates={name: gate.at(temperature) for name, gate in self.gates.items()})

    def disabled(self: Self) -> Self:
        """The same channel without conductance or permeability.

        Raises:
            ValueError: it has neither a `g_max` nor a `p_max`.
        """
        size = next((size for size in ("g_max", "p_max") if hasattr(self, size)), None)
        if size is None:
            raise ValueError(f"{type(self).__name__} has neither a g_max nor a p_max to be 0; leave it out: without()")
        return eqx.tree_at(lambda channel: getattr(channel, size), self, replace_fn=jnp.zeros_like)

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

    def implicit(
        self,
        v: Float[Array, "*shape"],
        states: States,
        calcium: Float[Array, "*#shape"],
        step: Float[Array, "*#shape"],
    ) -> dict[str, Float[Array, "*shape"]]:
        r"""The states x that solve $x = x_0 + h \, \dot x(x)$ at a held voltage: an implicit step of h ms.

        Every relaxing gate is linear in its own state, $\dot x = d - s x$, so that $x = (x_0 + h d) / (1 + h s)$.
        """
        implicit = {}
        for name, gate in self.gates.items():
            if isinstance(gate, AbstractRelaxingGate):
                drive, total = gate.drive(v, calcium)
                implicit[name] = (states[name] + step * drive) / (1.0 + step * total)
        return implicit

    def kinetics(self, v: Float[Array, "*shape"], calcium: Float[Array, "*#shape"]) -> Any:
        """What moves the states at a voltage (mV) and a calcium concentration (mM): the drive of each gate."""
        gates = {name: gate for name, gate in self.gates.items() if isinstance(gate, AbstractRelaxingGate)}
        return {name: gate.drive(v, calcium) for name, gate in gates.items()}

    def relaxed(
        self, states: States, history: History, step: Float[Array, "*#shape"]
    ) -> dict[str, Float[Array, "*shape"]]:
        """The states after a step (ms), by the kinetics in its middle and their changes; see `patch_sim.relaxation`."""
        of = {name: tuple(kinetics[name] for kinetics in history) for name in states}
        return {name: relaxed_on(x, of[name], step, fraction=True) for name, x in states.items()}

    def half_relaxed(
        self, states: States, history: History, step: Float[Array, "*#shape"]
    ) -> dict[str, Float[Array, "*shape"]]:
        """The states in the middle of that step."""
        of = {name: tuple(kinetics[name] for kinetics in history) for name in states}
        return {name: relaxed(x, first_half(of[name]), 0.5 * step) for name, x in states.items()}


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
        source: where its equations come from, in a few words.

    Raises:
        ValueError: neither a reversal nor an ion.
    """

    gates: dict[str, AbstractGate] = eqx.field(converter=dict)
    g_max: Number = parameter("mS/cm2", at_least=0.0)
    reversal: Number | None = parameter("mV", default=None)
    ion: str | None = eqx.field(static=True, default=None)
    source: str = eqx.field(static=True, default="your own")  # ty: ignore[incompatible-attribute-override]

    def __check_init__(self):
        if self.reversal is None and self.ion is None:
            raise ValueError("Channel needs a reversal (mV) or the name of its ion")
