"""Where a neuron rests.

A `neuron` here is a `patch_sim.Neuron`, whose module imports this one.
"""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float

from patch_sim.elimination import solve_dense
from patch_sim.units import current_density

LOWEST_REST, HIGHEST_REST = -200.0, 200.0
"""mV: where a resting potential is looked for."""


def rest_and_below(neuron: Any, injected: Float[Array, ""], below: float) -> tuple[Any, Any]:
    """The resting state under a constant current (pA), and the state settled some mV below; see `Neuron`."""
    states = _rest_and_below(neuron, injected, below)
    _, unravel = ravel_pytree(neuron.nowhere(injected.dtype))
    return unravel(states[0]), unravel(states[1])


@eqx.filter_custom_jvp
def _rest_and_below(
    neuron: Any, injected: Float[Array, ""], below: float
) -> tuple[Float[Array, " leaves"], Float[Array, " leaves"]]:
    """The settled state at the lowest voltage above which current flows outward, and that some mV below, as vectors.

    Upward in steps of a millivolt to the first that crosses, which is then halved, and halved, to rounding; the state
    below is the last one that the loop looks at. NaN if nothing crosses.
    """
    finest = HIGHEST_REST * jnp.finfo(injected.dtype).eps
    nowhere, unravel = ravel_pytree(neuron.nowhere(injected.dtype))

    def unfinished(search: tuple[Any, ...]) -> Any:
        v, step, *_ = search
        return (v < HIGHEST_REST) & (step > 0.0)

    def look(search: tuple[Any, ...]) -> tuple[Any, ...]:
        v, step, negative, rest, _ = search  # the sign at v; once a step is halved, it crosses between v and v + 2 step
        found = step <= finest
        at = jnp.where(found, v - below, v + step)
        calcium = _settled_calcium(neuron, at)
        if calcium is not None:
            calcium = jnp.where(found, unravel(rest).calcium, calcium)
        state = neuron.settled(at, calcium)
        beyond = _imbalance(neuron, state, injected)[0]
        crosses, within = negative & (beyond >= 0), step < 1.0
        shorter = jnp.where(crosses | within, step / 2, step)
        leaves = ravel_pytree(state)[0]
        return (
            jnp.where(crosses | found, v, at),
            jnp.where(found, 0.0, shorter),
            crosses | within | (beyond < 0),
            jnp.where(found, rest, leaves),
            leaves,
        )

    lowest, step = jnp.asarray(LOWEST_REST, injected.dtype), jnp.ones_like(injected)
    search = lowest, step, jnp.asarray(False), nowhere, nowhere
    _, step, _, rest, lower = jax.lax.while_loop(unfinished, look, search)
    return jnp.where(step > 0.0, jnp.nan, rest), jnp.where(step > 0.0, jnp.nan, lower)


@_rest_and_below.def_jvp
def _rest_and_below_jvp(primals: tuple[Any, ...], tangents: tuple[Any, ...]) -> tuple[Any, Any]:
    """The implicit function theorem: what the parameters add to the excess, the unknowns must take away."""
    neuron, injected, below = primals
    rest, lower = _rest_and_below(*primals)
    state = ravel_pytree(neuron.nowhere(injected.dtype))[1](rest)
    x = state.voltage[None] if neuron.calcium is None else jnp.stack([state.voltage, jnp.log(state.calcium)])
    _, change = eqx.filter_jvp(lambda neuron, injected: _excess(neuron, x, injected), primals[:2], tangents[:2])
    slope = jax.jacfwd(lambda x: _excess(neuron, x, injected))(x)
    moved = -solve_dense(slope, jnp.eye(x.size, dtype=x.dtype)) @ change  # for JAX linear in the tangents

    def settled(neuron: Any, x: Float[Array, " unknowns"]) -> Any:
        lower = x.at[0].add(-below)
        # by a loop: the code of one, in one function
        return jax.lax.map(lambda x: ravel_pytree(_settled_at(neuron, x))[0], jnp.stack([x, lower]))

    _, moves = eqx.filter_jvp(settled, (neuron, x), (tangents[0], moved))
    return (rest, lower), (moves[0], moves[1])


def _imbalance(neuron: Any, state: Any, injected: Float[Array, ""]) -> tuple[Any, Any]:
    """What a settled state lacks for rest: of current (uA/cm2), and of calcium (mM/ms)."""
    currents = neuron.currents(state)
    excess = sum(currents.values(), jnp.zeros_like(injected)) - current_density(injected, neuron.area)
    return excess, neuron.calcium_slope(state, currents)


def _excess(neuron: Any, x: Float[Array, " unknowns"], injected: Float[Array, ""]) -> Float[Array, " unknowns"]:
    """The imbalance as a function of the voltage and, with a pool, of the logarithm of its calcium."""
    excess, calcium = _imbalance(neuron, _settled_at(neuron, x), injected)
    return excess[None] if calcium is None else jnp.stack([excess, calcium])


def _settled_at(neuron: Any, x: Float[Array, " unknowns"]) -> Any:
    return neuron.settled(x[0], None if neuron.calcium is None else jnp.exp(x[1]))


def _settled_calcium(neuron: Any, v: Float[Array, ""]) -> Any:
    """The calcium (mM) at which the pool neither fills nor empties, by bisection of its logarithm.

    More calcium means less influx and more removal, so there is one such concentration. None without a pool.
    """
    if neuron.calcium is None:
        return None
    bounds = (jnp.full_like(v, jnp.log(1e-9)), jnp.full_like(v, jnp.log(1e2)))
    return jnp.exp(_bisect(lambda c: _calcium_balance(neuron, v, jnp.exp(c)) <= 0, bounds, 45))


def _calcium_balance(neuron: Any, v: Float[Array, ""], calcium: Any) -> Float[Array, ""]:
    """How fast the pool fills (mM/ms) with all gates settled; only calcium channels are asked."""
    ions, entering = neuron.ions.with_calcium(calcium), jnp.zeros_like(v)
    for channel in (channel for channel in neuron.channels.values() if channel.ion == "Ca"):
        entering += channel.current(v, channel.steady_state(v, calcium), ions, neuron.temperature)
    return neuron.calcium.derivative(calcium, entering)


def _bisect(beyond: Callable[[Any], Any], bounds: tuple[Any, Any], halvings: int) -> Any:
    """Where a condition that holds at the upper bound and not at the lower one begins to hold."""

    def halve(_, bounds: tuple[Any, Any]) -> tuple[Any, Any]:
        low, high = bounds
        middle = (low + high) / 2
        above = beyond(middle)
        return jnp.where(above, low, middle), jnp.where(above, middle, high)

    low, high = jax.lax.fori_loop(0, halvings, halve, bounds)
    return (low + high) / 2
