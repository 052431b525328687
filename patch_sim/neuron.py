"""A neuron: a patch of membrane, its ions, and its channels by name."""

from collections.abc import Mapping
from typing import Any, TypeAlias

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from patch_sim.channels import AbstractChannel
from patch_sim.electrochemistry import Ions
from patch_sim.parameters import AbstractParametric, Number, parameter
from patch_sim.units import current_density

LOWEST_REST, HIGHEST_REST = -200.0, 200.0
"""mV: where a resting potential is looked for."""


Gates: TypeAlias = dict[str, dict[str, Float[Array, "*shape"]]]
"""The open fraction of every gate, by channel and gate."""


class State(eqx.Module):
    """What a neuron remembers: its voltage, and the open fraction of every gate.

    `voltage` has any shape (mV); `gates[channel][gate]` has the same.
    """

    voltage: Float[Array, "*shape"]
    gates: Gates


class Neuron(AbstractParametric):
    r"""An isopotential cell.

    $$C \frac{dV}{dt} = I_\mathrm{inj} / A - \sum_k I_k$$

    Args:
        channels: the channels by name; the names are yours and become parts of parameter paths.
        area: membrane area, um2.
        capacitance: specific capacitance, uF/cm2.
        temperature: degrees C; every gate follows it by its own Q10, every Nernst potential too.
        ions: the concentrations inside and outside.

    Raises:
        ValueError: a name that cannot be part of a path, a thing that is no channel, a channel whose ion is
            not among the ions, a number outside its limits.
    """

    _channels: dict[str, AbstractChannel]
    ions: Ions
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
    ):
        self.ions = Ions() if ions is None else ions
        _check_channels(channels, self.ions)
        self._channels = {name: channel.at(None) for name, channel in channels.items()}
        self.area = area
        self.capacitance = capacitance
        self.temperature = temperature

    @property
    def channels(self) -> dict[str, AbstractChannel]:
        """The channels by name, their gates at the neuron's temperature."""
        return {name: channel.at(self.temperature) for name, channel in self._channels.items()}

    def reversals(self) -> dict[str, Float[Array, ""]]:
        """The reversal potential (mV) of each channel."""
        return {
            name: self.ions.reversal(channel.ion, self.temperature) if channel.reversal is None else channel.reversal
            for name, channel in self._channels.items()
        }

    def currents(self, state: State) -> dict[str, Float[Array, "*shape"]]:
        """The current density (uA/cm2, outward positive) through each channel."""
        reversals = self.reversals()
        return {
            name: channel.current(state.voltage, state.gates[name], reversals[name])
            for name, channel in self._channels.items()
        }

    def derivative(self, state: State, injected: Float[Array, "*shape"]) -> State:
        """How fast the state changes, per ms, while a current (pA) is injected."""
        total = sum(self.currents(state).values())
        dv = (current_density(injected, self.area) - total) / self.capacitance
        gates = {
            name: {key: gate.derivative(state.voltage, state.gates[name][key]) for key, gate in channel.gates.items()}
            for name, channel in self.channels.items()
        }
        return State(dv, gates)

    def steady_state(self, v: Float[Array, "*shape"]) -> State:
        """The state after a long time at a voltage (mV)."""
        gates = {
            name: {key: gate.steady_state(v) for key, gate in channel.gates.items()}
            for name, channel in self.channels.items()
        }
        return State(v, gates)

    def resting_state(self, injected: Float[Array, ""]) -> State:
        """The state in which nothing changes while a constant current (pA) is injected.

        The resting potential is the lowest voltage at which the steady-state current crosses the injected one
        from below; where it does not between -200 and 200 mV, the state is NaN. Its derivatives are exact,
        by the implicit function theorem.
        """

        def excess(neuron: Neuron, v: Float[Array, "*shape"], injected: Float[Array, ""]) -> Float[Array, "*shape"]:
            currents = neuron.currents(neuron.steady_state(v)).values()
            return sum(currents, jnp.zeros_like(v)) - current_density(injected, neuron.area)

        frozen, held = jax.lax.stop_gradient((self, injected))
        v = _lowest_crossing(lambda v: excess(frozen, v, held))
        _, slope = jax.jvp(lambda v: excess(frozen, v, held), (v,), (jnp.ones_like(v),))
        return self.steady_state(v - excess(self, v, injected) / slope)


def _lowest_crossing(function: Any) -> Float[Array, ""]:
    """The lowest voltage (mV) at which a function goes from negative to positive, by bisection."""
    grid = jnp.linspace(LOWEST_REST, HIGHEST_REST, 801)
    sign = function(grid) >= 0
    crosses = ~sign[:-1] & sign[1:]
    first = jnp.argmax(crosses)
    bracket = (grid[first], grid[first + 1])

    def halve(_, bracket):
        low, high = bracket
        middle = (low + high) / 2
        above = function(middle) >= 0
        return jnp.where(above, low, middle), jnp.where(above, middle, high)

    low, high = jax.lax.fori_loop(0, 50, halve, bracket)
    return jnp.where(jnp.any(crosses), (low + high) / 2, jnp.nan)


def _check_channels(channels: Any, ions: Ions) -> None:
    if not isinstance(channels, Mapping):
        raise ValueError(f"channels must be a dict from name to channel, not {type(channels).__name__}")
    for name, channel in channels.items():
        if not isinstance(name, str) or not name.isidentifier():
            raise ValueError(f"a channel's name must be a plain word (letters, digits, _), not {name!r}")
        if not isinstance(channel, AbstractChannel):
            raise ValueError(f"channel {name!r} must be a channel, not {channel!r}")
        if channel.reversal is None and not hasattr(ions, channel.ion or ""):
            raise ValueError(f"channel {name!r} carries {channel.ion!r}, which is not among the ions")
