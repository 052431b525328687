r"""Features that can be differentiated, for fits: each approaches the one measured as its sharpness grows.

A spike count has no derivative, and the voltage at a threshold crossing has one that is right for no larger step. Here
what is counted or compared is a sigmoid of the voltage, $\sigma(\beta (V - \theta))$ with the sharpness $\beta$ (1/mV,
and per mV/ms of a slope), and the largest of many is their mean with the weights $e^{\beta V}$. At $\beta = 1$ a spike
that just misses the level is felt over some mV; from 30 on there is little difference to what is measured. Anneal from
the one to the other.

Between samples the voltage is a straight line, so that times of crossing do not stick to samples. All take voltages of
one sweep or of many, `(*sweeps, samples)`, and work under `jit`, `vmap` and both kinds of derivative; the window is
what is handed over. Of a thousand sweeps they are faster in blocks that stay in a processor's cache:
`jax.lax.map(features, voltages, batch_size=64)` (`tests/benchmarks/soft_features.py`).
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

Voltage = Float[Array, "*sweeps samples"]
Each = Float[Array, "*sweeps"]

LEVEL = -20.0
"""mV: what a spike crosses upward."""

SLOPE = 10.0
"""mV/ms: where it begins."""

_BEYOND = 300.0  # mV: no membrane goes so far that what is no member is picked before one that is
_BLOCK = 32  # samples


class SoftSpike(NamedTuple):
    """One spike of each sweep.

    Attributes:
        presence: 1 if there is such a spike, 0 if there is none; then the others are those of the highest voltage, or
            without meaning, and a loss should weigh them by this.
        time: of the peak, an inner sample of the window, since the first, ms.
        threshold: mV, where dV/dt last rises through 10 mV/ms before the spike crosses -20 mV.
        peak: mV, of the parabola through the highest samples.
        amplitude: peak less threshold, mV.
        half_width: ms, at half the amplitude.
        trough: lowest voltage until the next crossing, mV.
        ahp: threshold less trough, mV.
    """

    presence: Each
    time: Each
    threshold: Each
    peak: Each
    amplitude: Each
    half_width: Each
    trough: Each
    ahp: Each


def count(voltage: Voltage, *, level: Any = LEVEL, sharpness: Any = 1.0) -> Each:
    r"""The number of spikes, $\sum_k \max(0, \sigma_{k+1} - \sigma_k)$: how often the sigmoid goes all the way up.

    Args:
        voltage: mV.
        level: what a spike crosses upward, mV.
        sharpness: 1/mV.
    """
    return jnp.sum(_rises(voltage - level, sharpness), axis=-1)


def rate(voltage: Voltage, dt: float, *, level: Any = LEVEL, sharpness: Any = 1.0) -> Each:
    """The number of spikes over the length of the window, Hz.

    Args:
        voltage: mV.
        dt: between samples, ms.
        level: what a spike crosses upward, mV.
        sharpness: 1/mV.
    """
    return count(voltage, level=level, sharpness=sharpness) * (1e3 / (dt * voltage.shape[-1]))


def latency(voltage: Voltage, dt: float, *, level: Any = LEVEL, sharpness: Any = 1.0) -> Each:
    r"""When the voltage first crosses a level, ms.

    Each stretch between two samples counts by how far the first spike's sigmoid goes up in it, with the time at which
    the straight line meets the level. A sweep that never does counts as one that does at its end.

    Args:
        voltage: mV.
        dt: between samples, ms.
        level: what a spike crosses upward, mV.
        sharpness: 1/mV.
    """
    passed = jnp.diff(jnp.clip(_counter(voltage - level, sharpness), 0.0, 1.0), axis=-1)
    time = _moment(passed) + jnp.sum(passed * _crossing(voltage, level), axis=-1)
    never = 1.0 - jnp.sum(passed, axis=-1)
    return dt * (time + never * (voltage.shape[-1] - 1))


def spike(voltage: Voltage, dt: float, index: int = 0, *, level: Any = LEVEL, sharpness: Any = 1.0) -> SoftSpike:
    """Measure one spike of each sweep.

    Args:
        voltage: mV.
        dt: between samples, ms.
        index: which spike, counted from 0.
        level: what a spike crosses upward, mV.
        sharpness: 1/mV.
    """
    crossings = _counter(voltage - level, sharpness)
    slope = _slope(voltage, dt)
    onsets = _counter(slope - SLOPE, sharpness)
    # From its crossing to the next one, a spike has its peak and its trough.
    outside = jnp.minimum(1.0, jnp.abs(crossings - (index + 1.0)))
    shift, top = _vertices(voltage)
    heaviest = _weights(top, sharpness, outside[..., 1:-1])
    peak = jnp.sum(heaviest * top, axis=-1)
    lowest = _weights(-voltage, sharpness, outside)
    trough = jnp.sum(lowest * voltage, axis=-1)
    passed = jnp.diff(jnp.clip(crossings, index, index + 1.0), axis=-1)
    which = jnp.sum(passed * onsets[..., 1:], axis=-1, keepdims=True)
    begins = jnp.diff(jnp.clip(onsets, which - 1.0, which), axis=-1)
    threshold = jnp.sum(begins * _between(voltage, _crossing(slope, SLOPE)), axis=-1)
    half = 0.5 * (peak + threshold)
    during = jnp.clip(1.0 - jnp.abs(onsets[..., 1:] - which), 0.0, 1.0)
    above = _above(voltage - half[..., None])
    return SoftSpike(
        presence=jnp.sum(passed, axis=-1),
        time=dt * (1.0 + _moment(heaviest) + jnp.sum(heaviest * shift, axis=-1)),
        threshold=threshold,
        peak=peak,
        amplitude=peak - threshold,
        half_width=dt * jnp.sum(during * above, axis=-1),
        trough=trough,
        ahp=threshold - trough,
    )


def sag(voltage: Voltage, dt: float, *, sharpness: Any = 1.0) -> Each:
    """By how much the voltage comes back from its lowest, mV.

    It is the mean over the last tenth, less the lowest of running means over 1 ms.

    Args:
        voltage: of a step that hyperpolarizes, mV.
        dt: between samples, ms.
        sharpness: 1/mV.
    """
    samples = voltage.shape[-1]
    width = min(max(1, round(1.0 / dt)), samples)
    sums = jnp.cumsum(voltage - voltage[..., :1], axis=-1)
    padded = jnp.concatenate([jnp.zeros_like(sums[..., :1]), sums], axis=-1)
    smooth = voltage[..., :1] + (padded[..., width:] - padded[..., :-width]) / width
    lowest = jnp.sum(_weights(-smooth, sharpness) * smooth, axis=-1)
    return jnp.mean(voltage[..., samples - max(1, round(0.1 * samples)) :], axis=-1) - lowest


def windows(voltage: Voltage, count: int) -> tuple[Float[Array, "*sweeps windows"], Float[Array, "*sweeps windows"]]:
    """Mean and standard deviation (mV) in so many windows of equal length: smooth as they are, without a sharpness.

    What is left over at the end, less than a sample for each window, is left out.

    Args:
        voltage: mV.
        count: of the windows.
    """
    length = voltage.shape[-1] // count
    parts = jnp.reshape(voltage[..., : count * length], (*voltage.shape[:-1], count, length))
    mean = jnp.mean(parts, axis=-1)
    square = jnp.mean((parts - mean[..., None]) ** 2, axis=-1)
    # The root of 0 has no derivative; a window that stands still is taken to move by 1e-6 mV.
    return mean, jnp.sqrt(square + 1e-12)


def phase_density(
    voltage: Voltage,
    dt: float,
    voltage_edges: Float[Array, " columns"],
    slope_edges: Float[Array, " rows"],
    *,
    sharpness: Any = 1.0,
) -> Float[Array, "*sweeps columns-1 rows-1"]:
    r"""How much of the time is spent in each cell of the phase plane, V against dV/dt.

    At an edge $e$ a sample passes from one bin to the next by the smooth step $t^2 (3 - 2 t)$ with
    $t = 1/2 + (x - e) / w$ from 0 to 1. Its width $w = 6 / \beta$ makes it as steep as the sigmoid, but it is no wider
    than either bin beside it: four cells at most share a sample, and to be felt from further away needs wider bins. In
    the limit this is the histogram (Van Geit, Achard and De Schutter (2007), Front Neuroinform 1:1).

    Args:
        voltage: mV.
        dt: between samples, ms.
        voltage_edges: of the bins, mV, ascending.
        slope_edges: of the bins, mV/ms, ascending.
        sharpness: 1/mV, and per mV/ms.
    """
    columns, rows = len(voltage_edges), len(slope_edges)

    def one(voltage: Float[Array, " samples"]) -> Float[Array, "_ _"]:
        column, right = _nearest(voltage, voltage_edges, sharpness)
        row, up = _nearest(_slope(voltage, dt), slope_edges, sharpness)
        parts = jnp.stack([jnp.ones_like(up), right, up, right * up], axis=-1)
        # How many samples are nearest to each crossing of two edges, and how many of them are right of it, above, both.
        sums = jnp.zeros((columns * rows, 4), parts.dtype).at[column * rows + row].add(parts, mode="promise_in_bounds")
        near, right, up, both = jnp.reshape(sums.T, (4, columns, rows))
        cells = both[:-1, :-1] + (right - both)[:-1, 1:] + (up - both)[1:, :-1] + (near - right - up + both)[1:, 1:]
        return cells / voltage.shape[-1]

    return jnp.vectorize(one, signature="(s)->(c,r)")(voltage)


def _slope(voltage: Voltage, dt: float) -> Voltage:
    """dV/dt by central differences, mV/ms; by those to their neighbors at both ends."""
    rise = jnp.diff(voltage, axis=-1)
    many = [(0, 0)] * (voltage.ndim - 1)
    steps = jnp.full(voltage.shape[-1], 2.0, voltage.dtype).at[jnp.array([0, -1])].set(1.0)
    both = jnp.pad(rise, [*many, (0, 1)]) + jnp.pad(rise, [*many, (1, 0)])
    return both / jnp.broadcast_to(dt * steps, both.shape)


def _rises(x: Voltage, sharpness: Any) -> Float[Array, "*sweeps samples-1"]:
    """How far up the sigmoid of x goes from each sample to the next."""
    sigmoid = jax.lax.optimization_barrier(jax.nn.sigmoid(sharpness * x))  # or XLA computes it twice
    return jnp.maximum(0.0, jnp.diff(sigmoid, axis=-1))


def _counter(x: Voltage, sharpness: Any) -> Voltage:
    """How often x has crossed 0 upward until each sample.

    Rises are summed by a product of blocks with a triangle: XLA would compute a `cumsum` anew wherever it is used.
    """
    samples = x.shape[-1]
    padding = [(0, 0)] * (x.ndim - 1) + [(1, -samples % _BLOCK)]
    blocks = jnp.reshape(jnp.pad(_rises(x, sharpness), padding), (*x.shape[:-1], -1, _BLOCK))
    totals = jnp.sum(blocks, axis=-1)
    terms = jnp.concatenate([(jnp.cumsum(totals, axis=-1) - totals)[..., None], blocks], axis=-1)
    sums = jnp.matmul(terms, jnp.triu(jnp.ones((_BLOCK + 1, _BLOCK), x.dtype), -1), precision="highest")
    return jnp.reshape(sums, (*x.shape[:-1], -1))[..., :samples]


def _above(x: Voltage) -> Float[Array, "*sweeps samples-1"]:
    """For which part of the straight line from each sample to the next x is above 0."""
    a, b = x[..., :-1], x[..., 1:]
    flat = jnp.abs(b - a) < 1e-9
    part = (jax.nn.relu(b) - jax.nn.relu(a)) / jnp.where(flat, 1.0, b - a)
    return jnp.where(flat, jnp.where(a > 0.0, 1.0, 0.0), part)


def _weights(x: Voltage, sharpness: Any, outside: Any = 0.0) -> Voltage:
    """Weights that add up to 1 and pick the largest x that is not outside (1 is); of all if all are."""
    weights = jax.nn.softmax(sharpness * x - _BEYOND * (1.0 + sharpness) * outside, axis=-1)
    return jax.lax.optimization_barrier(weights)


def _vertices(voltage: Voltage) -> tuple[Float[Array, "*sweeps samples-2"], Float[Array, "*sweeps samples-2"]]:
    """At each inner sample no lower than its neighbors, the vertex of the parabola through them: shift and value."""
    before, here, after = voltage[..., :-2], voltage[..., 1:-1], voltage[..., 2:]
    bend = before - 2.0 * here + after
    peak = (here >= before) & (here >= after) & (bend < 0.0)
    shift = jnp.where(peak, 0.5 * (before - after) / jnp.where(peak, bend, 1.0), 0.0)
    return shift, here - 0.25 * (before - after) * shift


def _moment(weights: Float[Array, "*sweeps stretches"]) -> Each:
    """The sum of weights times their number, from 0."""
    return weights @ jnp.arange(weights.shape[-1], dtype=weights.dtype)


def _crossing(x: Voltage, level: Any) -> Float[Array, "*sweeps samples-1"]:
    """Where between each sample and the next x meets a level, from 0 to 1."""
    change = jnp.diff(x, axis=-1)
    still = jnp.abs(change) < 1e-9
    part = jnp.clip((level - x[..., :-1]) / jnp.where(still, 1.0, change), 0.0, 1.0)
    return jnp.where(still, 0.5, part)


def _between(x: Voltage, part: Float[Array, "*sweeps samples-1"]) -> Float[Array, "*sweeps samples-1"]:
    """The straight line from each sample to the next, so far along it."""
    a, b = x[..., :-1], x[..., 1:]
    return jnp.where(part < 0.5, a + part * (b - a), b - (1.0 - part) * (b - a))


def _nearest(
    x: Float[Array, " samples"], edges: Float[Array, " edges"], sharpness: Any
) -> tuple[Int[Array, " samples"], Float[Array, " samples"]]:
    """The edge nearest to each sample, and how far the sample is beyond it, from 0 to 1."""
    bins = jnp.diff(edges)
    widths = jnp.minimum(6.0 / sharpness, jnp.minimum(jnp.append(bins[0], bins), jnp.append(bins, bins[-1])))
    nearest = jnp.sum(x[:, None] > 0.5 * (edges[1:] + edges[:-1])[None], axis=-1, dtype=jnp.int32)
    t = jnp.clip(0.5 + (x - edges[nearest]) / widths[nearest], 0.0, 1.0)
    return nearest, t * t * (3.0 - 2.0 * t)
