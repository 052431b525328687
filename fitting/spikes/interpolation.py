r"""A voltage between its samples, such that its derivatives by the parameters are of use.

A trace of an action potential goes 15 mV from sample to sample. Read it by straight lines, and what is read jumps in
slope with each sample that a spike moves by: the exact derivative holds for steps of 1e-7 and says nothing about any
that a search would make. Three things cure that: data and model go through the same low-pass filter; what is between
samples is a cubic with nodal slopes of fourth order; and an event's time is a number whose derivative alone follows the
voltage, $t = t_0 - (y(t_0) - \theta) / S$ with $t_0$ and the slope $S$ held.

What is read here, by `between`, `crossings` and `peaks`, went through `filtered` before, once for all.
"""

import functools
import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

TAU = 0.06
"""ms: of each of the three one-pole filters."""

_POLES = 3
_NEGLIGIBLE = 1e-5
_SLOPE = np.array([1.0, -8.0, 0.0, 8.0, -1.0]) / 12.0  # of fourth order, in samples
_NODES, _BEFORE = 6, 2  # two before, and four from the last sample before a time on
_HALVINGS = 20
_PEAK_WITHIN = 3.0  # ms after a crossing
_BLOCK = 1.0  # ms in which a voltage crosses a level at most once


@functools.cache
def low_pass(dt: float) -> np.ndarray:
    """What a sample (dt, ms) counts in those from its own on, `(taps,)`: three one-pole filters, exact for lines."""
    decay = math.exp(-dt / TAU)
    share = (1.0 - decay) * TAU / dt
    longest = int(60 * TAU / dt) + 8
    response = np.zeros(longest)
    response[0] = 1.0
    for _ in range(_POLES):
        driven = (1.0 - share) * response + (share - decay) * np.append(0.0, response[:-1])
        for k in range(1, longest):
            driven[k] += decay * driven[k - 1]
        response = driven
    rest = np.cumsum(response[::-1])[::-1]
    response = response[: max(int(np.argmax(rest < _NEGLIGIBLE)), 1)]
    return response / response.sum()


def filtered(v: Float[Array, "*sweeps samples"], dt: float) -> Float[Array, "*sweeps samples"]:
    """Voltages (mV, dt ms apart) behind the low-pass; before the first sample, as that one."""
    kernel = low_pass(dt)
    before = jnp.broadcast_to(v[..., :1], (*v.shape[:-1], len(kernel) - 1))
    padded, samples = jnp.concatenate([before, v], axis=-1), v.shape[-1]
    last = len(kernel) - 1
    return sum(
        (float(weight) * padded[..., last - k : last - k + samples] for k, weight in enumerate(kernel)),
        jnp.zeros_like(v),
    )


def between(
    v: Float[Array, " samples"], dt: float, t: Float[Array, "*times"]
) -> tuple[Float[Array, "*times"], Float[Array, "*times"]]:
    """The voltage (mV) of one sweep at some times (ms), and its slope (mV/ms); times carry no derivative.

    The first two and the last three samples are beyond reach: what is asked of them is told of the nearest time that is
    not.
    """
    nodes, fraction = _nodes_at(v, dt, jax.lax.stop_gradient(t))
    return _cubic(nodes, fraction), _slope(nodes, fraction) / dt


def crossings(
    v: Float[Array, " samples"], dt: float, level: float, most: int
) -> tuple[Float[Array, " most"], Float[Array, " most"], Int[Array, ""]]:
    """When the voltage of one sweep crosses a level upward.

    Args:
        v: mV.
        dt: between its samples, ms.
        level: mV.
        most: how many crossings to tell.

    Returns:
        Their times (ms) from the first sample on, infinite where there is none; the slopes there (mV/ms), held; how
        many there are in all.
    """
    width = max(round(_BLOCK / dt), 1)
    crosses = (v[:-1] < level) & (v[1:] >= level)
    blocks = jnp.pad(crosses, (0, -crosses.size % width)).reshape(-1, width)
    first = jnp.argmax(blocks, axis=1) + width * jnp.arange(len(blocks))
    none = crosses.size + width
    order = jnp.sort(jnp.where(jnp.any(blocks, axis=1), first, none))
    order = jnp.pad(order, (0, max(most - order.size, 0)), constant_values=none)[:most]
    found = order < none
    nodes = _nodes_from(v, jnp.where(found, order, 0))
    held = jax.lax.stop_gradient(nodes)
    fraction = _halved(lambda f: _cubic(held, f) < level, (most,), v.dtype)
    slope = _slope(held, fraction) / dt
    slope = jnp.where(found & (slope > 0), slope, 1.0)
    time = (order.astype(v.dtype) + fraction) * dt - (_cubic(nodes, fraction) - level) / slope
    return jnp.where(found, time, jnp.inf), slope, jnp.sum(crosses)


def peaks(v: Float[Array, " samples"], dt: float, t: Float[Array, "*times"]) -> Float[Array, "*times"]:
    """The highest voltage (mV) of one sweep within 3 ms after some times (ms).

    It is where the cubic has no slope, so that its derivative needs none of when that is. Read at a sample beside it,
    the height of a spike would seem to change as the spike moves.
    """
    width = max(round(_PEAK_WITHIN / dt), 1)
    first = jnp.clip(jax.lax.stop_gradient(t) / dt, 1.0, v.size - 2.0 - width).astype(int)
    held = jax.lax.stop_gradient(v)
    after = jax.vmap(lambda start: jax.lax.dynamic_slice(held, (start,), (width,)))(first.ravel())
    highest = first + jnp.argmax(after, axis=1).reshape(t.shape)
    still_rising = _slope(_nodes_from(held, highest), jnp.zeros_like(t)) > 0.0
    nodes = _nodes_from(v, jnp.where(still_rising, highest, highest - 1))
    around = jax.lax.stop_gradient(nodes)
    return _cubic(nodes, _halved(lambda f: _cubic_slope(around, f) > 0.0, t.shape, v.dtype))


def _nodes_at(
    v: Float[Array, " samples"], dt: float, t: Float[Array, "*times"]
) -> tuple[Float[Array, "*times 6"], Float[Array, "*times"]]:
    """The six samples around some times, and how far these are from the third to the fourth."""
    position = jnp.clip(t / dt, _BEFORE, v.size - 1.0 - (_NODES - 1 - _BEFORE))
    index = jnp.floor(position).astype(int)
    return _nodes_from(v, index), position - index.astype(v.dtype)


def _nodes_from(v: Float[Array, " samples"], index: Int[Array, "*times"]) -> Float[Array, "*times 6"]:
    """The six samples of which these are the third."""
    first = jnp.clip(index - _BEFORE, 0, v.size - _NODES)
    nodes = jax.vmap(lambda start: jax.lax.dynamic_slice(v, (start,), (_NODES,)))(first.ravel())
    return nodes.reshape(*index.shape, _NODES)


def _halved(before: Callable[[Array], Array], shape: tuple[int, ...], dtype: Any) -> Array:
    """Where, from 0 to 1, a condition that holds at first holds no more; by bisection."""

    def halve(_: Any, ends: tuple[Array, Array]) -> tuple[Array, Array]:
        low, high = ends
        middle = (low + high) / 2
        holds = before(middle)
        return jnp.where(holds, middle, low), jnp.where(holds, high, middle)

    low, high = jax.lax.fori_loop(0, _HALVINGS, halve, (jnp.zeros(shape, dtype), jnp.ones(shape, dtype)))
    return (low + high) / 2


def _cubic(nodes: Float[Array, "*times 6"], f: Float[Array, "*times"]) -> Float[Array, "*times"]:
    before, after = nodes[..., :5] @ _slopes(nodes), nodes[..., 1:] @ _slopes(nodes)
    rise = f * f * (3.0 - 2.0 * f)
    bend = f * (1.0 - f)
    return (1.0 - rise) * nodes[..., 2] + rise * nodes[..., 3] + bend * ((1.0 - f) * before - f * after)


def _cubic_slope(nodes: Float[Array, "*times 6"], f: Float[Array, "*times"]) -> Float[Array, "*times"]:
    """The derivative of the cubic by f."""
    before, after = nodes[..., :5] @ _slopes(nodes), nodes[..., 1:] @ _slopes(nodes)
    bend = f * (1.0 - f)
    rise = 6.0 * bend * (nodes[..., 3] - nodes[..., 2])
    return rise + (1.0 - 2.0 * f) * ((1.0 - f) * before - f * after) - bend * (before + after)


def _slope(nodes: Float[Array, "*times 6"], f: Float[Array, "*times"]) -> Float[Array, "*times"]:
    before, after = nodes[..., :5] @ _slopes(nodes), nodes[..., 1:] @ _slopes(nodes)
    return (1.0 - f) * before + f * after


def _slopes(nodes: Array) -> Array:
    return jnp.asarray(_SLOPE, nodes.dtype)
