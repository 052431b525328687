r"""Gates: independent particles that a channel is made of.

Every gate relaxes at a rate and toward a steady state that a voltage (or a calcium concentration) sets,

$$\frac{dx}{dt} = \phi \, [d(u) - s(u) \, x], \qquad u = V - \mathrm{shift},
  \qquad \phi = \mathrm{speed} \cdot Q_{10}^{(T - T_\mathrm{ref}) / 10},$$

with the steady state $d / s$ and the time constant $1 / (\phi s)$. They differ in what they are declared by.
"""

import abc
from collections.abc import Callable
from typing import Any, ClassVar, TypeAlias, TypeVar

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from patch_sim.parameters import AbstractParametric, Number, parameter, replaced

Curve: TypeAlias = Callable[[Float[Array, "..."]], Float[Array, "..."]]
"""A callable module, such as those of `patch_sim.rates`."""

Pair: TypeAlias = tuple[Float[Array, "*shape"], Float[Array, "*shape"]]

_FLAT = 20.0
"""Half of z beyond which the curves of a symmetric gate are flat to rounding."""

Self = TypeVar("Self", bound="AbstractGate")


class AbstractGate(AbstractParametric):
    """Anything that opens and closes.

    Attributes:
        power: how many of these particles must be open together; structure, not a parameter.
        reads_calcium: whether calcium moves it; where it does, the neuron had better have some.
    """

    power: eqx.AbstractVar[int]
    reads_calcium: ClassVar[bool] = False

    @abc.abstractmethod
    def at(self: Self, temperature: Float[Array, ""] | None) -> Self:
        """The same gate at a temperature (degrees C); None for its reference temperature."""

    @abc.abstractmethod
    def steady_state(self, v: Float[Array, "*shape"], calcium: Any = None) -> Float[Array, "*shape"]:
        """The open fraction after a long time at a voltage (mV) and, if the gate reads it, calcium (mM)."""

    @abc.abstractmethod
    def time_constant(self, v: Float[Array, "*shape"], calcium: Any = None) -> Float[Array, "*shape"]:
        """The time (ms) in which the gate comes closer to its steady state by a factor e."""


class AbstractRelaxingGate(AbstractGate):
    r"""A gate that takes its time, and so has a state of its own.

    Attributes:
        power: how many of these particles must be open together; structure, not a parameter.
        q10: the factor by which 10 degrees speed the gate up; None where `speed` has taken that in.
        reference_temperature: where its kinetics were measured, degrees C.
        speed: makes the gate faster and leaves its steady state alone.
        temperature: degrees C; None stands for the reference. A neuron gives its own to the gates that it
            hands out, so it is no parameter here.
    """

    q10: eqx.AbstractVar[Number | None]
    reference_temperature: eqx.AbstractVar[Number]
    speed: eqx.AbstractVar[Number]
    temperature: eqx.AbstractVar[Number | None]

    @abc.abstractmethod
    def drive(self, v: Float[Array, "*shape"], calcium: Any = None) -> Pair:
        r"""$\phi d$ and $\phi s$ (1/ms) at a voltage (mV) and a calcium concentration (mM); $\phi$ is `pace`."""

    def at(self: Self, temperature: Float[Array, ""] | None) -> Self:
        """The same gate at a temperature (degrees C); None for its reference temperature."""
        return replaced(self, temperature=temperature)

    def tempered(self) -> "AbstractRelaxingGate":
        """The same gate at its temperature for good: what that does to its rates is worked out once."""
        return replaced(self, speed=self.pace, q10=None)

    @property
    def pace(self) -> Float[Array, ""]:
        r"""$\phi$, what speed and temperature make of the gate's rates."""
        if self.temperature is None or self.q10 is None:
            return self.speed
        return self.speed * self.q10 ** ((self.temperature - self.reference_temperature) / 10.0)

    def steady_state(self, v: Float[Array, "*shape"], calcium: Any = None) -> Float[Array, "*shape"]:
        """The open fraction after a long time at a voltage (mV) and, if the gate reads it, calcium (mM)."""
        drive, total = self.drive(v, calcium)
        return drive / total

    def time_constant(self, v: Float[Array, "*shape"], calcium: Any = None) -> Float[Array, "*shape"]:
        """The time (ms) in which the gate comes closer to its steady state by a factor e."""
        _, total = self.drive(v, calcium)
        return 1.0 / total

    def derivative(
        self, v: Float[Array, "*shape"], x: Float[Array, "*shape"], calcium: Any = None
    ) -> Float[Array, "*shape"]:
        """How fast (1/ms) the open fraction `x` changes."""
        drive, total = self.drive(v, calcium)
        return drive - total * x


class Gate(AbstractRelaxingGate):
    r"""A gate that opens with rate $\alpha(u)$ and closes with rate $\beta(u)$: $d = \alpha$, $s = \alpha + \beta$.

    Attributes:
        opening: $\alpha$, a callable module from mV to 1/ms.
        closing: $\beta$, likewise.
        shift: moves the gate's curves to the right, mV.
    """

    opening: Curve
    closing: Curve
    power: int = eqx.field(static=True, default=1)
    q10: Number | None = parameter("", above=0.0, default=1.0)
    reference_temperature: Number = parameter("degrees C", at_least=-273.15, default=6.3)
    shift: Number = parameter("mV", default=0.0)
    speed: Number = parameter("", above=0.0, default=1.0)
    temperature: Number | None = parameter("degrees C", at_least=-273.15, default=None)

    def drive(self, v: Float[Array, "*shape"], calcium: Any = None) -> Pair:
        """The rate of opening, and the sum of the rates of opening and closing (1/ms)."""
        u = v - self.shift
        opening, closing = self.opening(u), self.closing(u)
        return self.pace * opening, self.pace * (opening + closing)


class InfTauGate(AbstractRelaxingGate):
    r"""A gate declared by steady state $x_\infty(u)$ and time constant: $d = x_\infty / \tau(u)$, $s = 1 / \tau(u)$.

    Attributes:
        inf: $x_\infty$, a callable module from mV to a fraction.
        tau: $\tau$ at the reference temperature, a callable module from mV to ms.
        shift: moves the gate's curves to the right, mV.
    """

    inf: Curve
    tau: Curve
    power: int = eqx.field(static=True, default=1)
    q10: Number | None = parameter("", above=0.0, default=1.0)
    reference_temperature: Number = parameter("degrees C", at_least=-273.15, default=6.3)
    shift: Number = parameter("mV", default=0.0)
    speed: Number = parameter("", above=0.0, default=1.0)
    temperature: Number | None = parameter("degrees C", at_least=-273.15, default=None)

    def drive(self, v: Float[Array, "*shape"], calcium: Any = None) -> Pair:
        """Steady state over time constant, and one over time constant (1/ms)."""
        u = v - self.shift
        total = self.pace / self.tau(u)
        return self.inf(u) * total, total


class SymmetricGate(AbstractRelaxingGate):
    r"""A gate of four numbers, whose time constant is longest where it is half open.

    $$x_\infty = \frac{1}{1 + e^{-z}}, \qquad \tau = \tau_\mathrm{min} + \frac{2 \tau_0}{e^{z / 2} + e^{-z / 2}},
      \qquad z = (V - V_{1/2}) / k$$

    A barrier in the middle of the membrane, crossed at rates that a slowest step limits: Borg-Graham (1991), in
    Wheal and Chad (eds), Cellular and Molecular Neurobiology: A Practical Approach, IRL Press, 247-275, with $\gamma =
    1/2$. All four can be fitted, and none hides behind another.

    Attributes:
        midpoint: $V_{1/2}$, mV.
        slope: $k$, mV; negative for a gate that closes on depolarization.
        peak: $\tau_0$, ms: how much longer than the fastest the longest time constant is.
        fastest: $\tau_\mathrm{min}$, ms.
    """

    midpoint: Number = parameter("mV")
    slope: Number = parameter("mV")
    peak: Number = parameter("ms", above=0.0)
    fastest: Number = parameter("ms", above=0.0, default=0.02)
    power: int = eqx.field(static=True, default=1)
    q10: Number | None = parameter("", above=0.0, default=1.0)
    reference_temperature: Number = parameter("degrees C", at_least=-273.15, default=6.3)
    speed: Number = parameter("", above=0.0, default=1.0)
    temperature: Number | None = parameter("degrees C", at_least=-273.15, default=None)

    def drive(self, v: Float[Array, "*shape"], calcium: Any = None) -> Pair:
        """Steady state over time constant, and one over time constant (1/ms)."""
        half = jnp.clip((v - self.midpoint) * (0.5 / self.slope), -_FLAT, _FLAT)
        opening = jnp.exp(half)
        closing = 1.0 / opening
        pace = self.pace / (self.fastest * (opening + closing) + 2.0 * self.peak)
        return pace * opening, pace * (opening + closing)


class CalciumGate(AbstractRelaxingGate):
    r"""A gate that reads calcium instead of voltage: $x_\infty(c)$ and $\tau(c)$; a shift has nothing to move.

    Attributes:
        inf: $x_\infty$, a callable module from mM to a fraction.
        tau: $\tau$ at the reference temperature, a callable module from mM to ms.
    """

    inf: Curve
    tau: Curve
    power: int = eqx.field(static=True, default=1)
    q10: Number | None = parameter("", above=0.0, default=1.0)
    reference_temperature: Number = parameter("degrees C", at_least=-273.15, default=6.3)
    speed: Number = parameter("", above=0.0, default=1.0)
    temperature: Number | None = parameter("degrees C", at_least=-273.15, default=None)
    reads_calcium: ClassVar[bool] = True

    def drive(self, v: Float[Array, "*shape"], calcium: Any = None) -> Pair:
        """Steady state over time constant, and one over time constant (1/ms)."""
        if calcium is None:
            raise ValueError("this gate reads calcium: calcium=1e-4 (mM), for example")
        calcium = jnp.asarray(calcium)
        calcium = jnp.broadcast_to(calcium, jnp.broadcast_shapes(jnp.shape(v), calcium.shape))
        total = self.pace / self.tau(calcium)
        return self.inf(calcium) * total, total


class InstantGate(AbstractGate):
    r"""A gate so fast that it is always at its steady state, $x = x_\infty(u)$.

    Attributes:
        inf: $x_\infty$, a callable module from mV to a fraction.
        shift: moves the curve to the right, mV.
    """

    inf: Curve
    power: int = eqx.field(static=True, default=1)
    shift: Number = parameter("mV", default=0.0)

    def at(self, temperature: Float[Array, ""] | None) -> "InstantGate":
        """The same gate: a steady state knows no temperature."""
        return self

    def steady_state(self, v: Float[Array, "*shape"], calcium: Any = None) -> Float[Array, "*shape"]:
        """The open fraction at a voltage (mV)."""
        return self.inf(v - self.shift)

    def time_constant(self, v: Float[Array, "*shape"], calcium: Any = None) -> Float[Array, "*shape"]:
        """0 ms."""
        return jnp.zeros_like(v)
