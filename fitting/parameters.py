"""The free parameters of a fit: which, within which bounds, and on which scale they are searched."""

from collections.abc import Mapping, Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

import patch_sim as ps

_RANGE_OF_POSITIVE = 100.0
_RANGE_OF_SLOPE = 5.0
_RANGE_OF_VOLTAGE = 30.0  # mV
_AT_BOUND = 1e-3
_LOG_FROM = 10.0  # bounds further apart than this factor are searched on a log scale


class Space(eqx.Module):
    r"""The box in which a fit searches, in coordinates from 0 (lower bound) to 1 (upper bound).

    A parameter is $z = z_0 + (z_1 - z_0) f$ at the coordinate $f$, where $z$ is the parameter itself or, on a log
    scale, the logarithm of its size.

    Attributes:
        names: the paths of the parameters.
        units: their units.
        logarithmic: which are searched on a log scale.
        low: lower bounds, in each one's unit.
        high: upper bounds.
    """

    names: tuple[str, ...] = eqx.field(static=True)
    units: tuple[str, ...] = eqx.field(static=True)
    logarithmic: tuple[bool, ...] = eqx.field(static=True)
    low: Float[Array, " free"]
    high: Float[Array, " free"]

    def values(self, fraction: Float[Array, " free"]) -> Float[Array, " free"]:
        """The parameters at coordinates in the box."""
        start, end = self._scaled(self.low), self._scaled(self.high)
        z = start + (end - start) * fraction
        log = np.asarray(self.logarithmic)
        return jnp.where(log, jnp.sign(self.low) * jnp.exp(jnp.where(log, z, 0.0)), z)

    def fraction(self, values: Float[Array, " free"]) -> Float[Array, " free"]:
        """The coordinates of parameters; those beyond a bound are moved onto it."""
        start, end = self._scaled(self.low), self._scaled(self.high)
        return (self._scaled(jnp.clip(values, self.low, self.high)) - start) / (end - start)

    def at_bound(self, fraction: np.ndarray) -> np.ndarray:
        """Which parameters a bound has stopped: those within a thousandth of their range from it."""
        return np.minimum(fraction, 1.0 - fraction) < _AT_BOUND

    def draw(self, key: Array, count: int) -> Float[Array, "count free"]:
        """Points spread evenly over the box, on each parameter's scale."""
        return jax.random.uniform(key, (count, len(self.names)), dtype=self.low.dtype)

    def apply(self, neuron: ps.Neuron, fraction: Float[Array, " free"]) -> ps.Neuron:
        """The neuron with its free parameters at coordinates in the box."""
        return ps.with_parameters(neuron, dict(zip(self.names, self.values(fraction), strict=True)))

    def _scaled(self, values: Float[Array, " free"]) -> Float[Array, " free"]:
        log = np.asarray(self.logarithmic)
        return jnp.where(log, jnp.log(jnp.where(log, jnp.abs(values), 1.0)), values)


def space(neuron: ps.Neuron, free: Sequence[str], bounds: Mapping[str, Any] | None = None) -> Space:
    """Say which parameters are free and where they may go.

    Args:
        neuron: the model; its own values center the default bounds: a factor of 100 either way for what must be
            positive, a factor of 5 for a slope, 30 mV for another voltage.
        free: paths or patterns.
        bounds: from path or pattern to `(low, high)`; the later entry wins.

    Raises:
        KeyError: a pattern that matches nothing.
        ValueError: nothing free, bounds that are not two numbers in order or that the parameter may not reach, a
            parameter without default bounds, an array.
    """
    patterns = [free] if isinstance(free, str) else list(free)
    if not patterns:
        raise ValueError("nothing is free: free=['channels.*.g_max'], for example")
    names = ps.match(neuron, *patterns)
    chosen = {name: pair for pattern, pair in (bounds or {}).items() for name in ps.match(neuron, pattern)}
    unused = set(chosen) - set(names)
    if unused:
        raise ValueError(f"bounds are given for {', '.join(sorted(unused))}, which is not free")
    values, declared = ps.parameters(neuron), ps.limits(neuron)
    rows = [_row(name, values[name], declared[name], chosen.get(name)) for name in names]
    logarithmic, low, high = zip(*rows, strict=True)
    return Space(
        names=names,
        units=tuple(declared[name].get("unit", "") for name in names),
        logarithmic=logarithmic,
        low=jnp.asarray(low, dtype=float),
        high=jnp.asarray(high, dtype=float),
    )


def _row(name: str, value: Array, declared: Mapping[str, Any], pair: Any) -> tuple[bool, float, float]:
    """Scale and bounds of one parameter."""
    if value.shape != ():
        raise ValueError(f"{name} is an array of shape {value.shape}; only single numbers can be free")
    slope = name.rsplit(".", 1)[-1] == "slope"
    positive = declared.get("above") == 0 or declared.get("at_least") == 0
    low, high = _default(name, float(value), declared, positive, slope) if pair is None else _pair(name, pair)
    unit = declared.get("unit", "")
    above, at_least = declared.get("above"), declared.get("at_least")
    if above is not None and low <= above:
        raise ValueError(f"{name} must stay above {above:g} {unit}, but its bounds are ({low:g}, {high:g})")
    if at_least is not None and low < at_least:
        raise ValueError(f"{name} must not go below {at_least:g} {unit}, but its bounds are ({low:g}, {high:g})")
    same_sign = low * high > 0
    far_apart = same_sign and max(low / high, high / low) >= _LOG_FROM
    return same_sign and (positive or slope or far_apart), low, high


def _pair(name: str, pair: Any) -> tuple[float, float]:
    try:
        low, high = (float(number) for number in pair)
    except (TypeError, ValueError):
        raise ValueError(f"bounds of {name} must be (low, high), not {pair!r}") from None
    if not -float("inf") < low < high < float("inf"):
        raise ValueError(f"bounds of {name} must be finite and in order, not ({low:g}, {high:g})")
    return low, high


def _default(name: str, value: float, declared: Mapping[str, Any], positive: bool, slope: bool) -> tuple[float, float]:
    if positive and value > 0:
        return value / _RANGE_OF_POSITIVE, value * _RANGE_OF_POSITIVE
    if slope and value != 0:
        near, far = value / _RANGE_OF_SLOPE, value * _RANGE_OF_SLOPE
        return min(near, far), max(near, far)
    if declared.get("unit") == "mV":
        return value - _RANGE_OF_VOLTAGE, value + _RANGE_OF_VOLTAGE
    raise ValueError(f"no default bounds for {name}: bounds={{{name!r}: (low, high)}}")
