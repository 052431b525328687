r"""Curves over voltage: the rates, steady states and time constants that gates are declared with.

A curve is any callable module that takes a voltage (mV), or a calcium concentration (mM) in a gate that reads
calcium. Those here are safe in value and in derivative at every finite argument, in float32 as in float64, and add,
multiply and divide like the formulas of a paper (a slope as its reciprocal, which is taken once and not at each step):

    0.37 + 1.0 / (Exponential(1.0, -35.82, 19.69) + Exponential(1.0, -79.69, -12.7))

is a time constant (ms) of 0.37 ms and the inverse of two rates (1/ms). Every number in it can be fitted.
"""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from patch_sim.parameters import AbstractParametric, Number, parameter
from patch_sim.polynomial import polynomial

_EVEN = 1.0, 1.0 / 12.0, -1.0 / 720.0, 1.0 / 30240.0, -1.0 / 1209600.0, 1.0 / 47900160.0
"""$B_{2n} / (2n)!$, for n from 0 on."""


@jax.jit
def linoid(x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    r"""$x / (e^x - 1)$, continued through its removable singularity at 0, where it is 1.

    Written with $e^{-|x|}$, so that neither value nor derivative overflows; near 0 its Taylor series, $1 - x / 2 + \sum
    B_{2n} x^{2n} / (2n)!$ with Bernoulli's numbers, so that neither loses digits there. (One division at the end,
    whichever it is: a compiler that needs the value in several places then computes it once.)
    """
    near = jnp.abs(x) < 0.25
    away = jnp.where(near, 1.0, x)
    magnitude = jnp.abs(away)
    decay = jnp.exp(-magnitude)
    small = jnp.where(near, x, 0.0)
    series = polynomial(_EVEN, small * small) - 0.5 * small
    return jnp.where(near, series, magnitude * jnp.where(away > 0, decay, 1.0)) / jnp.where(near, 1.0, 1.0 - decay)


class AbstractCurve(AbstractParametric):
    """A number as a function of voltage; `+`, `*`, `/` and `**` compose curves."""

    def __add__(self, other: Any) -> "Sum":
        return Sum(self, _curve(other))

    def __radd__(self, other: Any) -> "Sum":
        return Sum(_curve(other), self)

    def __mul__(self, other: Any) -> "Product":
        return Product(self, _curve(other))

    def __rmul__(self, other: Any) -> "Product":
        return Product(_curve(other), self)

    def __truediv__(self, other: Any) -> "Quotient":
        return Quotient(self, _curve(other))

    def __rtruediv__(self, other: Any) -> "Quotient":
        return Quotient(_curve(other), self)

    def __pow__(self, exponent: int | float) -> "Power":
        return Power(self, exponent)


class Exponential(AbstractCurve):
    r"""$r \, e^{(V - V_m) / k}$."""

    rate: Number = parameter("1/ms", at_least=0.0)
    midpoint: Number = parameter("mV")
    slope: Number = parameter("mV")

    def __call__(self, v: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
        """The rate (1/ms) at a voltage (mV)."""
        return self.rate * jnp.exp((v - self.midpoint) * (1.0 / self.slope))


class Sigmoid(AbstractCurve):
    r"""$r / (1 + e^{-(V - V_m) / k})$."""

    rate: Number = parameter("1/ms", at_least=0.0)
    midpoint: Number = parameter("mV")
    slope: Number = parameter("mV")

    def __call__(self, v: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
        """The rate (1/ms) at a voltage (mV)."""
        return self.rate * jax.nn.sigmoid((v - self.midpoint) * (1.0 / self.slope))


class Linoid(AbstractCurve):
    r"""$r |k| x / (e^x - 1)$ with $x = -(V - V_m) / k$: $r |k|$ at the midpoint, a straight line far beyond.

    For $k > 0$ this is $r (V - V_m) / (1 - e^{-(V - V_m) / k})$; a negative $k$ mirrors it.
    """

    rate: Number = parameter("1/(ms mV)", at_least=0.0)
    midpoint: Number = parameter("mV")
    slope: Number = parameter("mV")

    def __call__(self, v: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
        """The rate (1/ms) at a voltage (mV)."""
        return self.rate * jnp.abs(self.slope) * linoid((self.midpoint - v) * (1.0 / self.slope))


class Boltzmann(AbstractCurve):
    r"""$1 / (1 + e^{-(V - V_{1/2}) / k})$: rises for $k > 0$, falls for $k < 0$."""

    midpoint: Number = parameter("mV")
    slope: Number = parameter("mV")

    def __call__(self, v: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
        """The fraction at a voltage (mV)."""
        return jax.nn.sigmoid((v - self.midpoint) * (1.0 / self.slope))


class Gaussian(AbstractCurve):
    r"""$h \, e^{-((V - V_m) / w)^2}$."""

    height: Number = parameter("")
    midpoint: Number = parameter("mV")
    width: Number = parameter("mV", above=0.0)

    def __call__(self, v: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
        """The value at a voltage (mV)."""
        return self.height * jnp.exp(-(((v - self.midpoint) * (1.0 / self.width)) ** 2))


class Line(AbstractCurve):
    """A straight line: `value` at the midpoint, rising by `slope` for each mV."""

    value: Number = parameter("")
    midpoint: Number = parameter("mV")
    slope: Number = parameter("1/mV")

    def __call__(self, v: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
        """The value at a voltage (mV)."""
        return self.value + self.slope * (v - self.midpoint)


class Hill(AbstractCurve):
    r"""$1 / (1 + (c_{1/2} / c)^n)$ of a calcium concentration; where there is none left, as if at a trace of it.

    A pool does fall below 0 where a calcium current with a fixed reversal potential is made to flow outward.
    """

    midpoint: Number = parameter("mM", above=0.0)
    exponent: Number = parameter("")

    def __call__(self, calcium: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
        """The fraction at a concentration (mM)."""
        trace = jnp.maximum(calcium, jnp.finfo(jnp.asarray(calcium).dtype).tiny)
        return jax.nn.sigmoid(self.exponent * (jnp.log(trace) - jnp.log(self.midpoint)))


class Constant(AbstractCurve):
    """The same everywhere."""

    value: Number = parameter("")

    def __call__(self, v: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
        """The value."""
        return jnp.broadcast_to(self.value, jnp.shape(v))


class Sum(AbstractCurve):
    """The sum of two curves."""

    first: Any
    second: Any

    def __call__(self, v: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
        """The value at a voltage (mV)."""
        return self.first(v) + self.second(v)


class Product(AbstractCurve):
    """The product of two curves."""

    first: Any
    second: Any

    def __call__(self, v: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
        """The value at a voltage (mV)."""
        return self.first(v) * self.second(v)


class Quotient(AbstractCurve):
    """One curve over another."""

    numerator: Any
    denominator: Any

    def __call__(self, v: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
        """The value at a voltage (mV)."""
        return self.numerator(v) / self.denominator(v)


class Power(AbstractCurve):
    """A curve to a fixed power."""

    base: Any
    exponent: int | float = eqx.field(static=True)

    def __call__(self, v: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
        """The value at a voltage (mV)."""
        return self.base(v) ** self.exponent


class Piecewise(AbstractCurve):
    """One curve below a voltage, another from it on; published so, jump and all."""

    below: Any
    above: Any
    threshold: Number = parameter("mV")

    def __call__(self, v: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
        """The value at a voltage (mV)."""
        return jnp.where(v < self.threshold, self.below(v), self.above(v))


def _curve(other: Any) -> Any:
    return other if callable(other) else Constant(other)
