r"""Relaxation, $\dot x = d - s x$: what a gate does at a known voltage, and a voltage at known gates.

At constant rates $x(h) = x_0 e^{-h s} + d h (1 - e^{-h s}) / (h s)$ after a time h.
"""

import math
from typing import Any, TypeAlias

import jax.numpy as jnp
from jaxtyping import Array, Float

from patch_sim.partials import by_partials
from patch_sim.polynomial import polynomial

Pair: TypeAlias = tuple[Float[Array, "*shape"], Float[Array, "*shape"]]
"""$d$ and $s$."""

History: TypeAlias = tuple[Any, Any, Any]
"""Rates in the middle of a step; how much they have changed since the step before, and how much in that one."""

_ORDER = 12
"""Even, so that the polynomial is positive everywhere."""


def relaxed(x: Float[Array, "*shape"], rates: Pair, step: Float[Array, "*#shape"]) -> Float[Array, "*shape"]:
    r"""Where `x` comes in a step (ms) at constant rates.

    With $k = h s$ and the Taylor polynomial $D = 1 + k p(k)$ of $e^k$ that is $(x_0 + h d \, p) / D$: no digits are
    lost near $k = 0$, and one division takes the place of an exponential and two. The error of $e^{-k}$ is that of
    rounding for $|k| \le 0.5$, at most 1e-10 for $0 \le k \le 1$, and at most 3e-5 for any $k > 0$.
    """
    drive, total = rates
    k = step * total
    p = _growth(k)
    return (x + step * drive * p) / (1.0 + k * p)


def _growth(k: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """$(e^k - 1) / k$, by its Taylor polynomial."""
    near = jnp.where(k > 100.0, 100.0, k)  # further on nothing of x is left, and the powers would overflow in float32
    return polynomial([1.0 / math.factorial(n) for n in range(1, _ORDER + 1)], near)


def decayed(x: Float[Array, "*shape"], rates: Pair, step: Float[Array, "*#shape"]) -> Float[Array, "*shape"]:
    r"""The same as `relaxed` by an exponential: $x_0 e^{-k} + h d (1 - e^{-k}) / k$, by its series near $k = 0$.

    Fewer operations, which counts where a compiler is to differentiate it, and fewer digits in float32.
    """
    drive, total = rates
    k = step * total
    near = jnp.abs(k) < 0.02
    decay = jnp.exp(-k)
    growth = jnp.where(
        near, 1.0 - k * (0.5 - k * (1 / 6 - k * (1 / 24 - k / 120))), (1.0 - decay) / jnp.where(near, 1.0, k)
    )
    return x * decay + step * drive * growth


def relaxed_on(
    x: Float[Array, "*shape"], history: History, step: Float[Array, "*#shape"], *, fraction: bool = False
) -> Float[Array, "*shape"]:
    """Where `x` comes in a step (ms) at rates that change as they have changed before, to third order.

    Args:
        x: at the beginning of the step.
        history: the rates, and their changes, each a pair.
        step: not negative; a scalar where derivatives are taken, see `patch_sim.partials`.
        fraction: whether x is the open fraction of a gate, which no extrapolation shall lead out of 0 to 1.
    """
    return by_partials(relaxed, step >= 0.0)(x, _mean_rates(history, step, fraction=fraction), step)


def _mean_rates(history: History, step: Float[Array, "*#shape"], *, fraction: bool = False) -> Pair:
    r"""The mean rates of a step of h ms, as those of `relaxed_on`.

    The Magnus expansion of fourth order (Blanes, Casas, Oteo and Ros (2009), Phys Rep 470:151-238) by the rates
    $r_0 = (d_0, s_0)$ in the middle of the step, those within it being extrapolated from the two steps before:

    $$\bar r = r_0 + (r_0 - 2 r_1 + r_2) / 24, \qquad \bar d \mathrel{+}= h (d_0 s_1 - s_0 d_1) / 12.$$

    Rates too fast for the step are not extrapolated: the last term is left out from $h s = 2.8$ on, and faded out up to
    there; $\bar s$ is never less than half of $s_0$. (By `where`, as the derivative of a maximum is several
    operations, and so that what is not a number stays so.)
    """
    (d, s), (change_d, change_s), (earlier_d, earlier_s) = history
    extrapolated, least = s + (change_s - earlier_s) / 24.0, s - 0.5 * jnp.abs(s)
    total = jnp.where(extrapolated < least, least, extrapolated)
    fading = 1.0 - (step * total) ** 4 / 64.0
    slow = jnp.where(fading < 0.0, 0.0, fading)
    drive = d + (change_d - earlier_d) / 24.0 + slow * (step / 12.0) * (s * change_d - d * change_s)
    if fraction:
        most = jnp.where(d > total, d, total)  # d > s where a published steady state exceeds 1
        drive = jnp.where(drive > most, most, jnp.where(drive < 0.0, 0.0, drive))
    return drive, total


def first_half(history: History) -> Pair:
    """The mean rates of the first half of a step, to second order."""
    (d, s), (change_d, change_s), _ = history
    return d - 0.25 * change_d, s - 0.25 * change_s
