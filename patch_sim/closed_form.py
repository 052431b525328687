"""Gates at a known voltage: the voltage clamp without a stepping error.

Where the voltage is known, each gate is a linear equation, x' = alpha (1 - x) - beta x, with an exact solution
over any stretch in which the rates are constant; a sweep is then a linear recurrence over its samples. A command of
steps or samples is followed exactly; one that moves, to fourth order in the distance of the samples.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from patch_sim.channels import AbstractMarkovChannel
from patch_sim.gates import AbstractRelaxingGate
from patch_sim.neuron import Gates, Neuron, State
from patch_sim.stimuli import AbstractStimulus

_UNROLL = 8


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
    gates: Gates = {}
    for name, channel in neuron.channels.items():
        start_states = initial.gates[name]
        if isinstance(channel, AbstractMarkovChannel):
            occupancies = _occupancies(channel, voltages, length, calcium, start_states)
        else:
            occupancies = {
                key: _recurrence(*_map(gate, voltages, length, calcium), start_states[key])
                for key, gate in channel.gates.items()
                if isinstance(gate, AbstractRelaxingGate)
            }
        gates[name] = {key: states[wanted] for key, states in occupancies.items()}
    return gates


def _map(
    gate: AbstractRelaxingGate, voltages: list[Float[Array, " n"]], h: Float[Array, " n"], calcium: Float[Array, ""]
):
    """The factor and the target of each stretch: x moves to target + (x - target) factor."""
    nodes = [gate.drive(v, calcium) for v in voltages]
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


def _recurrence(factor: Float[Array, " n"], target: Float[Array, " n"], x: Float[Array, ""]):
    def step(x, affine):
        factor, target = affine
        x = target + (x - target) * factor
        return x, x

    _, xs = jax.lax.scan(step, x, (factor, target), unroll=_UNROLL)
    return jnp.append(x, xs)
