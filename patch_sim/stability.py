"""Whether a cell stays at rest, and where a recording starts if it does not."""

import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Bool, Float

from patch_sim.elimination import solve_dense
from patch_sim.neuron import Neuron, State
from patch_sim.solvers import in_millimolar, in_resting_levels

BELOW = 10.0
"""mV: how far below an unstable equilibrium a recording starts."""

_STEP = 1.0  # ms
_DOUBLINGS = 13  # of the step, to 8 s, which no cell's slowest gate needs to show where it goes
_GROWTH = 1.5  # between 4 and 8 s; above 1 for a Markov channel, whose total occupancy neither grows nor decays


def starting_state(neuron: Neuron, injected: Float[Array, ""]) -> tuple[State, Bool[Array, ""]]:
    """The state from which a recording starts under a constant current (pA), and whether it is a stable rest.

    It is the resting state, if the cell stays there. A cell that fires by itself would not, yet in a computer it
    could balance for seconds on its unstable equilibrium; it starts with all gates settled at a voltage 10 mV below.
    """
    rest, lower = neuron.rest_and_below(injected, BELOW)
    stable = is_stable(*jax.lax.stop_gradient((neuron, rest, injected)))
    (at_rest, unravel), (below, _) = ravel_pytree(rest), ravel_pytree(lower)
    return unravel(jnp.where(stable, at_rest, below)), stable


def is_stable(neuron: Neuron, equilibrium: State, injected: Float[Array, ""]) -> Bool[Array, ""]:
    r"""Whether small perturbations of an equilibrium die out.

    They obey $\dot x = J x$. One step of the trapezoidal rule, $M = (1 - h J / 2)^{-1} (1 + h J / 2)$, shrinks
    exactly those that die out, however fast; its powers tell which, after seconds.
    """
    start, unravel = ravel_pytree(in_resting_levels(neuron, equilibrium))

    def slope(x: Float[Array, " n"]) -> Float[Array, " n"]:
        change = neuron.derivative(in_millimolar(neuron, unravel(x)), injected)
        return ravel_pytree(in_resting_levels(neuron, change))[0]

    # Central differences: exact derivatives would be twice as much to compile as the equations themselves.
    one = jnp.eye(start.size, dtype=start.dtype)
    nearby = jnp.finfo(start.dtype).eps ** (1 / 3) * jnp.maximum(jnp.abs(start), 1.0)
    moves = jnp.diag(nearby)
    slopes = jax.lax.map(slope, start[None] + jnp.concatenate([moves, -moves]))
    half = 0.25 * _STEP * ((slopes[: start.size] - slopes[start.size :]) / nearby[:, None]).T
    step = solve_dense(one - half, one + half)
    earlier = jax.lax.fori_loop(0, _DOUBLINGS - 1, lambda _, power: power @ power, step)
    before, after = jnp.linalg.norm(earlier), jnp.linalg.norm(earlier @ earlier)
    return jnp.isfinite(after) & (after <= _GROWTH * before)
