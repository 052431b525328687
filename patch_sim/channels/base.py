"""What every channel is: a maximal conductance, gates, and the battery that drives its current."""

import math
from collections.abc import Mapping
from typing import Any

import equinox as eqx
from jaxtyping import Array, Float

from patch_sim.gates import Gate
from patch_sim.parameters import AbstractParametric, Number, parameter


class AbstractChannel(AbstractParametric):
    r"""An ohmic channel population: $I = g_\mathrm{max} \prod_i x_i^{p_i} \, (V - E)$.

    Attributes:
        gates: the gates by name; each one's `power` is its exponent.
        g_max: conductance density with all gates open, mS/cm2.
        reversal: $E$ in mV; None takes the Nernst potential of `ion` from the neuron's ions.
        ion: the name of the ion that the channel carries, or None if it carries a mixture.
    """

    gates: eqx.AbstractVar[dict[str, Gate]]
    g_max: eqx.AbstractVar[Number]
    reversal: eqx.AbstractVar[Number | None]
    ion: eqx.AbstractVar[str | None]

    def __check_init__(self):
        if self.reversal is None and self.ion is None:
            raise ValueError(f"{type(self).__name__} needs a reversal (mV) or the name of its ion")

    def at(self, temperature: Float[Array, ""] | None) -> "AbstractChannel":
        """The same channel with its gates at a temperature (degrees C); None for their reference temperatures."""
        gates = {name: gate.at(temperature) for name, gate in self.gates.items()}
        return eqx.tree_at(lambda channel: channel.gates, self, gates)

    def open_fraction(self, states: Mapping[str, Float[Array, "*shape"]]) -> Any:
        """The fraction of channels that conduct, from the states of the gates."""
        return math.prod(states[name] ** gate.power for name, gate in self.gates.items())

    def current(
        self,
        v: Float[Array, "*shape"],
        states: Mapping[str, Float[Array, "*shape"]],
        reversal: Float[Array, ""],
    ) -> Float[Array, "*shape"]:
        """The current density (uA/cm2), outward positive, at a voltage and a reversal potential (mV)."""
        return self.g_max * self.open_fraction(states) * (v - reversal)


class Channel(AbstractChannel):
    """A channel of your own, declared: its gates, its conductance, and its ion or reversal potential."""

    gates: dict[str, Gate] = eqx.field(converter=dict)
    g_max: Number = parameter("mS/cm2", at_least=0.0)
    reversal: Number | None = parameter("mV", default=None)
    ion: str | None = eqx.field(static=True, default=None)
