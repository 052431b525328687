"""Gates at a known voltage: the voltage clamp without a stepping error.

Where the voltage is known, each gate is a linear equation, x' = alpha (1 - x) - beta x, with an exact solution
over any stretch in which the rates are constant; a sweep is then a linear recurrence over its samples. A command of
steps or samples is followed exactly; one that moves, to fourth order in the distance of the samples.
"""

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from patch_sim.channels import AbstractMarkovChannel
from patch_sim.neuron import Gates, Neuron, State
from patch_sim.relaxation import Pair
from patch_sim.stimuli import AbstractStimulus

_UNROLL = 2


def clamped_gates(
    neuron: Neuron,
    stimulus: AbstractStimulus,
    holding: Float[Array, ""],
    initial: State,
    times: Float[Array, " samples"],
    grid: float | None,
) -> Gates:
    r"""The gates of a neuron whose voltage is commanded, at some times.

    Between two samples or edges the rates are constant if the command is, and
    $x_{k+1} = x_\infty + (x_k - x_\infty) e^{-(\alpha + \beta) h}$ is exact. For a command that moves, the
    fourth-order Magnus expansion of the same equation is taken, from the rates at the two Gauss nodes.

    Args:
        neuron: gives the gates.
        stimulus: one sweep.
        holding: mV.
        initial: the state at time 0.
        times: when the gates are wanted, ms.
        grid: the sampling interval (ms) if `times` are its multiples.
    """
    edges = jnp.clip(stimulus.edges(grid), 0.0, times[-1])
    knots = jnp.concatenate([jnp.zeros(1, times.dtype), times, edges])
    order = jnp.argsort(knots) if edges.size else jnp.arange(knots.size)
    knots = knots[order]
    wanted = jnp.argsort(order)[1 : times.size + 1] if edges.size else jnp.arange(1, times.size + 1)
    start, length = knots[:-1], jnp.diff(knots)

    nodes = (0.5,) if stimulus.piecewise_constant else (0.5 - 3**0.5 / 6, 0.5 + 3**0.5 / 6)
    voltages = [holding + stimulus.at(start + node * length, holding) for node in nodes]

    calcium = neuron.ions.Ca.inside
    paths: Gates = {}
    stretches: dict[tuple[str, str], Pair] = {}
    for name, channel in neuron.channels.items():
        if isinstance(channel, AbstractMarkovChannel):
            paths[name] = _occupancies(channel, voltages, length, calcium, initial.gates[name])
            continue
        nodes = [channel.kinetics(v, calcium) for v in voltages]
        stretches |= {(name, key): _map([rates[key] for rates in nodes], length) for key in channel.state_names}
        paths[name] = {}
    for (name, key), path in _recurrences(stretches, initial.gates).items():
        paths[name][key] = path
    return {name: {key: path[wanted] for key, path in of_channel.items()} for name, of_channel in paths.items()}


def _map(nodes: list[Pair], h: Float[Array, " n"]) -> Any:
    """The factor and the target of each stretch: x moves to target + (x - target) factor."""
    drive = sum(drive for drive, _ in nodes) / len(nodes)
    total = sum(total for _, total in nodes) / len(nodes)
    if len(nodes) == 2:
        (first_drive, first_total), (second_drive, second_total) = nodes
        drive = drive + 3**0.5 / 12 * h * (first_total * second_drive - second_total * first_drive)
    return jnp.exp(-total * h), drive / total


def _occupancies(
    channel: AbstractMarkovChannel,
    voltages: list[Float[Array, " n"]],
    h: Float[Array, " n"],
    calcium: Float[Array, ""],
    start: dict[str, Float[Array, ""]],
) -> dict[str, Float[Array, " n+1"]]:
    """The occupancies of a Markov channel at all knots: the same expansion, with a matrix exponential a stretch."""
    nodes = [channel.generator(v, calcium) for v in voltages]
    exponents = sum(nodes) / len(nodes) * h[:, None, None]
    if len(nodes) == 2:
        first, second = nodes
        exponents = exponents + 3**0.5 / 12 * h[:, None, None] ** 2 * (second @ first - first @ second)
    factors = jax.vmap(lambda exponent: jax.scipy.linalg.expm(exponent, max_squarings=64))(exponents)
    p = jnp.stack([start[state] for state in channel.states])
    _, path = jax.lax.scan(lambda p, factor: (factor @ p, factor @ p), p, factors)
    path = jnp.concatenate([p[None], path])
    return {state: path[:, index] for index, state in enumerate(channel.states)}


def _recurrences(stretches: dict[tuple[str, str], Any], initial: Any) -> dict[tuple[str, str], Any]:
    """The gates at all knots, in one loop over the stretches."""
    if not stretches:
        return {}
    x = jnp.stack([initial[name][key] for name, key in stretches])
    factors, targets = (jnp.stack(rows, axis=-1) for rows in zip(*stretches.values(), strict=True))

    def step(x, affine):
        factor, target = affine
        x = target + (x - target) * factor
        return x, x

    _, xs = jax.lax.scan(step, x, (factors, targets), unroll=_UNROLL)
    path = jnp.concatenate([x[None], xs])
    return {key: path[:, index] for index, key in enumerate(stretches)}
