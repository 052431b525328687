"""Gates: independent two-state particles that a channel is made of."""

from collections.abc import Callable

import equinox as eqx
from jaxtyping import Array, Float

from patch_sim.parameters import AbstractParametric, Number, parameter


class Gate(AbstractParametric):
    r"""A gate that opens with rate $\alpha(V)$ and closes with rate $\beta(V)$.

    $$\frac{dx}{dt} = \phi \left[ \alpha(u) (1 - x) - \beta(u) x \right], \qquad u = V - \mathrm{shift},
      \qquad \phi = \mathrm{speed} \cdot Q_{10}^{(T - T_\mathrm{ref}) / 10}$$

    Attributes:
        opening: $\alpha$, a callable module from mV to 1/ms.
        closing: $\beta$, likewise.
        power: how many of these particles must be open together; structure, not a parameter.
        q10: the factor by which 10 degrees speed the gate up.
        reference_temperature: where the rates were measured, degrees C.
        shift: moves the gate's curves to the right, mV.
        speed: multiplies both rates and leaves the steady state alone.
        temperature: degrees C; None stands for the reference. A neuron gives its own to the gates that it
            hands out, so it is no parameter here.
    """

    opening: Callable[[Float[Array, "..."]], Float[Array, "..."]]
    closing: Callable[[Float[Array, "..."]], Float[Array, "..."]]
    power: int = eqx.field(static=True, default=1)
    q10: Number = parameter("", above=0.0, default=1.0)
    reference_temperature: Number = parameter("degrees C", at_least=-273.15, default=6.3)
    shift: Number = parameter("mV", default=0.0)
    speed: Number = parameter("", above=0.0, default=1.0)
    temperature: Number | None = parameter("degrees C", at_least=-273.15, default=None)

    def at(self, temperature: Float[Array, ""] | None) -> "Gate":
        """The same gate at a temperature (degrees C); None for its reference temperature."""
        return eqx.tree_at(lambda gate: gate.temperature, self, temperature, is_leaf=lambda x: x is None)

    def rates(self, v: Float[Array, "*shape"]) -> tuple[Float[Array, "*shape"], Float[Array, "*shape"]]:
        """The rates of opening and of closing (1/ms) at a voltage (mV)."""
        factor = self.speed
        if self.temperature is not None:
            factor = factor * self.q10 ** ((self.temperature - self.reference_temperature) / 10.0)
        u = v - self.shift
        return factor * self.opening(u), factor * self.closing(u)

    def steady_state(self, v: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
        """The open fraction after a long time at a voltage (mV)."""
        opening, closing = self.rates(v)
        return opening / (opening + closing)

    def time_constant(self, v: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
        """The time (ms) in which the gate comes closer to its steady state by a factor e, at a voltage (mV)."""
        opening, closing = self.rates(v)
        return 1.0 / (opening + closing)

    def derivative(self, v: Float[Array, "*shape"], x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
        """How fast (1/ms) the open fraction `x` changes at a voltage (mV)."""
        opening, closing = self.rates(v)
        return opening - (opening + closing) * x
