r"""Transition rates as functions of voltage: the three forms of Hodgkin and Huxley (1952).

A rate is any callable module that takes a voltage (mV) and gives a rate (1/ms). These three are safe in value
and in derivative at every finite voltage, in float32 as in float64.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from patch_sim.parameters import AbstractParametric, Number, parameter


def linoid(x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    r"""$x / (e^x - 1)$, continued through its removable singularity at 0, where it is 1.

    Written with $e^{-|x|}$, so that neither value nor derivative overflows; near 0 by its Taylor series, so
    that the derivative does not lose digits there.
    """
    near = jnp.abs(x) < 0.03
    away = jnp.where(near, 1.0, x)
    magnitude = jnp.abs(away)
    decay = jnp.exp(-magnitude)
    value = magnitude / -jnp.expm1(-magnitude) * jnp.where(away > 0, decay, 1.0)
    small = jnp.where(near, x, 0.0)
    square = small * small
    series = 1.0 - small / 2 + square / 12 * (1.0 - square / 60 * (1.0 - square / 42))
    return jnp.where(near, series, value)


class Exponential(AbstractParametric):
    r"""$r \, e^{(V - V_m) / k}$."""

    rate: Number = parameter("1/ms", at_least=0.0)
    midpoint: Number = parameter("mV")
    slope: Number = parameter("mV")

    def __call__(self, v: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
        """The rate (1/ms) at a voltage (mV)."""
        return self.rate * jnp.exp((v - self.midpoint) / self.slope)


class Sigmoid(AbstractParametric):
    r"""$r / (1 + e^{-(V - V_m) / k})$."""

    rate: Number = parameter("1/ms", at_least=0.0)
    midpoint: Number = parameter("mV")
    slope: Number = parameter("mV")

    def __call__(self, v: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
        """The rate (1/ms) at a voltage (mV)."""
        return self.rate * jax.nn.sigmoid((v - self.midpoint) / self.slope)


class Linoid(AbstractParametric):
    r"""$r |k| x / (e^x - 1)$ with $x = -(V - V_m) / k$: $r |k|$ at the midpoint, a straight line far beyond.

    For $k > 0$ this is $r (V - V_m) / (1 - e^{-(V - V_m) / k})$; a negative $k$ mirrors it.
    """

    rate: Number = parameter("1/(ms mV)", at_least=0.0)
    midpoint: Number = parameter("mV")
    slope: Number = parameter("mV")

    def __call__(self, v: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
        """The rate (1/ms) at a voltage (mV)."""
        return self.rate * jnp.abs(self.slope) * linoid((self.midpoint - v) / self.slope)
