"""A neuron: a patch of membrane, its ions, its channels by name, and its calcium."""

from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from patch_sim.calcium import CalciumPool
from patch_sim.channels import AbstractChannel, AbstractMarkovChannel
from patch_sim.electrochemistry import Ions
from patch_sim.gates import AbstractRelaxingGate
from patch_sim.parameters import AbstractParametric, Number, parameter
from patch_sim.relaxation import History
from patch_sim.rest import rest_and_below
from patch_sim.units import current_density

Gates: TypeAlias = dict[str, dict[str, Float[Array, "*shape"]]]
"""The open fraction of every gate, by channel and gate."""


class State(eqx.Module):
    """What a neuron remembers, every array of the same shape.

    Attributes:
        voltage: mV.
        gates: the open fraction of every gate: `gates[channel][gate]`.
        calcium: in the pool, mM; None without a pool.
        electrode: what an electrode remembers, mV: the potential of a `"pipette"` that has one of its own, and the
            amplifier's `"estimate"` of the membrane's.
    """

    voltage: Float[Array, "*shape"]
    gates: Gates
    calcium: Float[Array, "*shape"] | None = None
    electrode: dict[str, Float[Array, "*shape"]] = eqx.field(default_factory=dict)


class Neuron(AbstractParametric):
    r"""An isopotential cell.

    $$C \frac{dV}{dt} = I_\mathrm{inj} / A - \sum_k I_k$$

    Args:
        channels: the channels by name; the names are yours and become parts of parameter paths.
        area: membrane area, um2.
        capacitance: specific capacitance, uF/cm2.
        temperature: degrees C; every gate follows it by its own Q10, every Nernst potential too.
        ions: the concentrations inside and outside.
        calcium: a pool that the calcium currents fill; None keeps the concentration of the ions.

    Raises:
        ValueError: a name that cannot be part of a path, a thing that is no channel, a channel whose ion is
            not among the ions, a number outside its limits.
    """

    _channels: dict[str, AbstractChannel]
    ions: Ions
    calcium: CalciumPool | None
    area: Number = parameter("um2", above=0.0)
    capacitance: Number = parameter("uF/cm2", above=0.0)
    temperature: Number = parameter("degrees C", at_least=-273.15)

    def __init__(
        self,
        channels: Mapping[str, AbstractChannel],
        *,
        area: Any,
        temperature: Any,
        capacitance: Any = 1.0,
        ions: Ions | None = None,
        calcium: CalciumPool | None = None,
    ):
        self.ions = Ions() if ions is None else ions
        self.calcium = calcium
        _check(channels, self.ions, calcium)
        self._channels = {name: channel.at(None) for name, channel in channels.items()}
        self.area = area
        self.capacitance = capacitance
        self.temperature = temperature

    @property
    def channels(self) -> dict[str, AbstractChannel]:
        """The channels by name, their gates at the neuron's temperature."""
        return {name: channel.at(self.temperature) for name, channel in self._channels.items()}

    def tempered(self) -> "Neuron":
        """The same cell with what its temperature does to its gates worked out: once, and not at every step."""

        def is_gate(node: Any) -> bool:
            return isinstance(node, AbstractRelaxingGate)

        def worked_out(node: Any) -> Any:
            return node.at(self.temperature).tempered().at(None) if is_gate(node) else node

        channels = jax.tree.map(worked_out, self._channels, is_leaf=is_gate)
        return eqx.tree_at(lambda neuron: neuron._channels, self, channels, is_leaf=lambda x: x is self._channels)

    def with_channels(self, **channels: AbstractChannel) -> "Neuron":
        """The same cell with more channels, or with others of the same names: `cell.with_channels(KCa=c.KCa())`.

        Raises:
            ValueError: as of a new neuron.
        """
        return self._composed({**self._channels, **channels})

    def without(self, *names: str) -> "Neuron":
        """The same cell without some channels.

        Raises:
            KeyError: no channel of that name; the message lists those that there are.
        """
        self._check_names(names)
        return self._composed({name: channel for name, channel in self._channels.items() if name not in names})

    def renamed(self, **names: str) -> "Neuron":
        """The same cell with other names for some channels, from the old to the new: `cell.renamed(Na="NaT")`.

        Raises:
            KeyError: no channel of an old name; the message lists those that there are.
            ValueError: a new name that another channel has, or that cannot be part of a path.
        """
        self._check_names(names)
        new = [names.get(name, name) for name in self._channels]
        for name in new:
            if new.count(name) > 1:
                raise ValueError(f"two channels would be named {name!r}")
        return self._composed(dict(zip(new, self._channels.values(), strict=True)))

    def disabled(self, *names: str) -> "Neuron":
        """The same cell with the conductance or permeability of some channels at 0, so that nothing compiles anew.

        Raises:
            KeyError: no channel of that name; the message lists those that there are.
            ValueError: a channel of your own that has neither a `g_max` nor a `p_max`.
        """
        self._check_names(names)
        return self._composed({**self._channels, **{name: self._channels[name].disabled() for name in names}})

    def with_calcium(self, pool: CalciumPool | None) -> "Neuron":
        """The same cell with another calcium pool, or without one.

        Raises:
            ValueError: what is no pool.
        """
        _check(self._channels, self.ions, pool)
        return eqx.tree_at(lambda neuron: neuron.calcium, self, pool, is_leaf=lambda x: x is None)

    def _composed(self, channels: dict[str, AbstractChannel]) -> "Neuron":
        _check(channels, self.ions, self.calcium)
        channels = {name: channel.at(None) for name, channel in channels.items()}
        return eqx.tree_at(lambda neuron: neuron._channels, self, channels, is_leaf=lambda x: x is self._channels)

    def _check_names(self, names: Iterable[str]) -> None:
        for name in names:
            if name not in self._channels:
                raise KeyError(f"no channel {name!r} in this neuron; there are: {_listed(self._channels)}")

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is legal but rarely meant, in words; it follows from which parts there are, not from their numbers."""
        readers = [name for name, channel in self._channels.items() if channel.reads_calcium]
        carriers = [name for name, channel in self._channels.items() if channel.ion == "Ca"]
        if not readers or (carriers and self.calcium is not None):
            return ()
        level = "ions.Ca.inside" if self.calcium is None else "calcium.resting"
        reason = f"there is no pool for {_listed(carriers)} to fill" if carriers else "no channel carries calcium"
        return (f"{_listed(readers)} read{'s' * (len(readers) == 1)} calcium that stays at {level}: {reason}",)

    def ions_in(self, state: State) -> Ions:
        """The concentrations in a state: with a pool, its calcium is that of the cell."""
        return self.ions if state.calcium is None else self.ions.with_calcium(state.calcium)

    def currents(self, state: State) -> dict[str, Float[Array, "*shape"]]:
        """The current density (uA/cm2, outward positive) through each channel."""
        ions = self.ions_in(state)
        return {
            name: channel.current(state.voltage, state.gates[name], ions, self.temperature)
            for name, channel in self._channels.items()
        }

    @jax.jit
    def derivative(self, state: State, injected: Float[Array, "*shape"]) -> State:
        """How fast the state changes, per ms, while a current (pA) is injected."""
        currents = self.currents(state)
        dv = self.voltage_slope(currents, injected)
        inside = self.ions_in(state).Ca.inside
        gates = {
            name: channel.derivative(state.voltage, state.gates[name], inside)
            for name, channel in self.channels.items()
        }
        return State(dv, gates, self.calcium_slope(state, currents))

    def voltage_slope(
        self, currents: Mapping[str, Float[Array, "*shape"]], injected: Float[Array, "*shape"]
    ) -> Float[Array, "*shape"]:
        """How fast the voltage changes (mV/ms) with the currents of the channels (uA/cm2) and an injected one (pA)."""
        total = sum(currents.values(), jnp.zeros_like(injected))
        return (current_density(injected, self.area) - total) * (1.0 / self.capacitance)

    def calcium_slope(self, state: State, currents: Mapping[str, Float[Array, "*shape"]]) -> Any:
        """How fast the pool's calcium changes (mM/ms) with those currents; None without a pool."""
        if self.calcium is None or state.calcium is None:
            return None
        entering = [current for name, current in currents.items() if self._channels[name].ion == "Ca"]
        return self.calcium.derivative(state.calcium, sum(entering, jnp.zeros_like(state.calcium)))

    @jax.jit
    def implicit(self, state: State, step: Float[Array, "*#shape"]) -> Gates:
        r"""The gates x that solve $x = x_0 + h \, \dot x(x)$ with voltage and calcium as they are; h in ms."""
        inside = self.ions_in(state).Ca.inside
        return {
            name: channel.implicit(state.voltage, state.gates[name], inside, step)
            for name, channel in self.channels.items()
        }

    def relaxed(self, gates: Gates, history: History, step: Float[Array, "*#shape"]) -> Gates:
        """The gates after a step (ms), by the kinetics in its middle and their last two changes."""
        return {
            name: channel.relaxed(gates[name], _of(history, name), step) for name, channel in self._channels.items()
        }

    def half_relaxed(self, gates: Gates, history: History, step: Float[Array, "*#shape"]) -> Gates:
        """The gates in the middle of that step."""
        return {
            name: channel.half_relaxed(gates[name], _of(history, name), step)
            for name, channel in self._channels.items()
        }

    @property
    def has_markov_channel(self) -> bool:
        """Whether some channel is a Markov scheme."""
        return any(isinstance(channel, AbstractMarkovChannel) for channel in self._channels.values())

    def owns(self, state: State) -> bool:
        """Whether a state is one of this neuron: of its channels' gates, and of its pool if it has one."""
        names = {name: set(channel.state_names) for name, channel in self._channels.items()}
        same_gates = {name: set(gates) for name, gates in state.gates.items()} == names
        return same_gates and (state.calcium is None) == (self.calcium is None)

    def steady_state(self, v: Float[Array, "*shape"]) -> State:
        """All gates at the steady state of a voltage (mV), the pool at its resting level."""
        calcium = None if self.calcium is None else jnp.broadcast_to(self.calcium.resting, v.shape)
        return self.settled(v, calcium)

    def resting_state(self, injected: Any = 0.0) -> State:
        """The state in which nothing changes while a constant current (pA) is injected.

        The resting potential is the lowest voltage at which the steady-state current crosses the injected one
        from below; where it does not between -200 and 200 mV, the state is NaN. Its derivatives are exact,
        by the implicit function theorem.
        """
        return self.rest_and_below(injected, 0.0)[0]

    def rest_and_below(self, injected: Any, below: float) -> tuple[State, State]:
        """The resting state, and the gates settled some mV below its voltage, with calcium as at rest.

        Both from one search, so that a cell's equations are compiled once.
        """
        return rest_and_below(self, jnp.asarray(injected, dtype=jnp.result_type(self.area)), below)

    def settled(self, v: Float[Array, "*shape"], calcium: Float[Array, "*shape"] | None) -> State:
        """All gates at the steady state of a voltage (mV) and of the pool's calcium (mM); None without a pool."""
        inside = self.ions.Ca.inside if calcium is None else calcium
        gates = {name: channel.steady_state(v, inside) for name, channel in self.channels.items()}
        return State(v, gates, calcium)

    def nowhere(self, dtype: Any) -> State:
        """A state of NaN: of a cell that does not rest."""
        nan = jnp.full((), jnp.nan, dtype)
        gates = {name: dict.fromkeys(channel.state_names, nan) for name, channel in self._channels.items()}
        return State(nan, gates, None if self.calcium is None else nan)


def _of(history: History, name: str) -> History:
    """The part of one channel."""
    now, change, earlier = history
    return now[name], change[name], earlier[name]


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)


def _check(channels: Any, ions: Ions, calcium: Any) -> None:
    if not isinstance(channels, Mapping):
        kind = type(channels).__name__
        raise ValueError(f"channels must be a dict from name to channel, or a sum of channels, not {kind}")
    if calcium is not None and not isinstance(calcium, CalciumPool):
        raise ValueError(f"calcium must be a CalciumPool or None, not {calcium!r}")
    for name, channel in channels.items():
        if not isinstance(name, str) or not name.isidentifier():
            raise ValueError(f"a channel's name must be a plain word (letters, digits, _), not {name!r}")
        if not isinstance(channel, AbstractChannel):
            raise ValueError(f"channel {name!r} must be a channel, not {channel!r}")
        for ion in channel.needs:
            if not hasattr(ions, ion):
                raise ValueError(f"channel {name!r} carries {ion!r}, which is not among the ions")
