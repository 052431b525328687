"""The free parameters of a fit: which, within which bounds, and on which scale they are searched."""

from collections.abc import Mapping, Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from fitting.setup import UNSEEN, Setup, of_electrode

_RANGE_OF_POSITIVE = 100.0
_RANGE_OF_SLOPE = 5.0
_RANGE_OF_VOLTAGE = 30.0  # mV
_RANGES_OF_ELECTRODES = {"MOhm": (0.1, 100.0), "pF": (0.1, 200.0), "ms": (1e-3, 1.0), "%": (0.0, 98.0)}
_RANGES_BY_NAME = {
    "seal_resistance": (10.0, 1e5),
    "offset": (-10.0, 10.0),
    "current_offset": (-50.0, 50.0),
}  # MOhm, mV, pA
_RANGE_OF_FREQUENCY = 10.0
_BELOW = 0.98  # how near a bound may come to what must not be reached
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
        start: where a fit without a search starts.
        targets: the paths that each of them sets; more than one for parameters that are tied.
    """

    names: tuple[str, ...] = eqx.field(static=True)
    units: tuple[str, ...] = eqx.field(static=True)
    logarithmic: tuple[bool, ...] = eqx.field(static=True)
    low: Float[Array, " free"]
    high: Float[Array, " free"]
    start: Float[Array, " free"]
    targets: tuple[tuple[str, ...], ...] = eqx.field(static=True)

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

    def apply(self, setup: Setup, fraction: Float[Array, " free"]) -> Setup:
        """The setup with its free parameters at coordinates in the box."""
        rows = zip(self.targets, self.values(fraction), strict=True)
        return setup.with_parameters({path: value for paths, value in rows for path in paths})

    @property
    def paths(self) -> tuple[str, ...]:
        """All paths that it sets."""
        return tuple(path for paths in self.targets for path in paths)

    def _scaled(self, values: Float[Array, " free"]) -> Float[Array, " free"]:
        log = np.asarray(self.logarithmic)
        return jnp.where(log, jnp.log(jnp.where(log, jnp.abs(values), 1.0)), values)


def space(
    setup: Setup,
    free: Sequence[str],
    bounds: Mapping[str, Any] | None = None,
    ties: Mapping[str, Sequence[str]] | None = None,
) -> Space:
    """Say which parameters are free and where they may go.

    Args:
        setup: the model; its own values center the default bounds: a factor of 100 either way for what must be
            positive, a factor of 5 for a slope, 30 mV for another voltage. An electrode's bounds are what electrodes
            have: 0.1 to 100 MOhm, a seal of 10 MOhm to 100 GOhm, 0.1 to 200 pF, 0 to 98 %, an offset of 10 mV or 50
            pA either way, widened if need be to twice beyond its number.
        free: paths or patterns, or names of ties.
        bounds: from path, pattern or tie to `(low, high)`; the later entry wins.
        ties: names for what several parameters have in common, each with their paths or patterns:
            `{"E_K": ["channels.K.reversal", "channels.M.reversal"]}` makes of them one parameter, which starts with
            the value of the first.

    Raises:
        KeyError: a pattern that matches nothing.
        ValueError: nothing free, a tie of parameters with different units or with a name that is a path, a path that is
            free twice, bounds that are not two numbers in order or that the parameter may not reach, a
            parameter without default bounds, an array, what is free both for all cells or recordings and for one.
    """
    patterns = [free] if isinstance(free, str) else list(free)
    if not patterns:
        raise ValueError("nothing is free: free=['channels.*.g_max'], for example")
    tied = {name: setup.match(*paths) for name, paths in (ties or {}).items()}

    def named(pattern: str) -> tuple[str, ...]:
        return (pattern,) if pattern in tied else setup.match(pattern)

    paths = setup.match(*(pattern for pattern in patterns if pattern not in tied)) if set(patterns) - set(tied) else ()
    names = paths + tuple(dict.fromkeys(pattern for pattern in patterns if pattern in tied))
    targets = tuple(tied.get(name, (name,)) for name in names)
    values, declared = setup.parameters(), setup.limits()
    _check_ties(tied, targets, declared)
    _check_names(tuple(path for paths in targets for path in paths))
    chosen = {name: pair for pattern, pair in (bounds or {}).items() for name in named(pattern)}
    unused = set(chosen) - set(names)
    if unused:
        raise ValueError(f"bounds are given for {', '.join(sorted(unused))}, which is not free")
    rows = [
        _row(first, values[first], declared[first], chosen.get(name))
        for name, (first, *_) in zip(names, targets, strict=True)
    ]
    logarithmic, low, high, start = zip(*rows, strict=True)
    return Space(
        names=names,
        units=tuple(declared[first].get("unit", "") for first, *_ in targets),
        logarithmic=logarithmic,
        low=jnp.asarray(low, dtype=float),
        high=jnp.asarray(high, dtype=float),
        start=jnp.asarray(start, dtype=float),
        targets=targets,
    )


def _check_ties(
    tied: Mapping[str, tuple[str, ...]], targets: tuple[tuple[str, ...], ...], declared: Mapping[str, Any]
) -> None:
    for name, paths in tied.items():
        units = {declared[path].get("unit", "") for path in paths}
        if name in declared:
            raise ValueError(f"a tie cannot be named {name!r}, which is a parameter")
        if len(units) > 1:
            raise ValueError(f"{name} cannot tie parameters in {' and '.join(sorted(units))}")
    everything = [path for paths in targets for path in paths]
    twice = {path for path in everything if everything.count(path) > 1}
    if twice:
        raise ValueError(f"{', '.join(sorted(twice))} would be free twice: alone and in a tie, or in two ties")


def _check_names(names: tuple[str, ...]) -> None:
    for name in names:
        if name.rsplit(".", 1)[-1] in UNSEEN and of_electrode(name):
            raise ValueError(f"{name} cannot be free: a fit simulates what is recorded without its noise")
        kind = name.split(".", 1)[0]
        common = name.split(".", 2)[-1]
        if kind in ("cells", "recordings") and common in names:
            raise ValueError(f"{common} is one value for all {kind}, so {name} cannot be free beside it")


def _row(name: str, value: Array, declared: Mapping[str, Any], pair: Any) -> tuple[bool, float, float, float]:
    """Scale, bounds and start of one parameter."""
    if value.shape != ():
        raise ValueError(f"{name} is an array of shape {value.shape}; only single numbers can be free")
    slope = name.rsplit(".", 1)[-1] == "slope"
    positive = declared.get("above") == 0 or declared.get("at_least") == 0
    default = _default_of_electrode if of_electrode(name) else _default
    low, high = default(name, float(value), declared) if pair is None else _pair(name, pair)
    _check_limits(name, low, high, declared)
    same_sign = low * high > 0
    far_apart = same_sign and max(low / high, high / low) >= _LOG_FROM
    logarithmic = same_sign and (positive or slope or far_apart)
    start = min(max(float(value), low), high)
    if of_electrode(name) and not low < float(value) < high:  # ideal, where nothing is known of it
        start = float(np.sqrt(low * high)) if logarithmic else (low + high) / 2.0
    return logarithmic, low, high, start


def _check_limits(name: str, low: float, high: float, declared: Mapping[str, Any]) -> None:
    unit, given = declared.get("unit", ""), f"but its bounds are ({low:g}, {high:g})"
    above, at_least, below = (declared.get(key) for key in ("above", "at_least", "below"))
    if above is not None and low <= above:
        raise ValueError(f"{name} must stay above {above:g} {unit}, {given}")
    if at_least is not None and low < at_least:
        raise ValueError(f"{name} must not go below {at_least:g} {unit}, {given}")
    if below is not None and high >= below:
        raise ValueError(f"{name} must stay below {below:g} {unit}, {given}")


def _pair(name: str, pair: Any) -> tuple[float, float]:
    try:
        low, high = (float(number) for number in pair)
    except (TypeError, ValueError):
        raise ValueError(f"bounds of {name} must be (low, high), not {pair!r}") from None
    if not -float("inf") < low < high < float("inf"):
        raise ValueError(f"bounds of {name} must be finite and in order, not ({low:g}, {high:g})")
    return low, high


def _default(name: str, value: float, declared: Mapping[str, Any]) -> tuple[float, float]:
    positive = declared.get("above") == 0 or declared.get("at_least") == 0
    if positive and value > 0:
        return value / _RANGE_OF_POSITIVE, value * _RANGE_OF_POSITIVE
    if name.rsplit(".", 1)[-1] == "slope" and value != 0:
        near, far = value / _RANGE_OF_SLOPE, value * _RANGE_OF_SLOPE
        return min(near, far), max(near, far)
    if declared.get("unit") == "mV":
        return value - _RANGE_OF_VOLTAGE, value + _RANGE_OF_VOLTAGE
    raise ValueError(f"no default bounds for {name}: bounds={{{name!r}: (low, high)}}")


def _default_of_electrode(name: str, value: float, declared: Mapping[str, Any]) -> tuple[float, float]:
    """What electrodes and amplifiers have, and twice beyond if this one has more."""
    unit, below = declared.get("unit", ""), declared.get("below") or float("inf")
    known = _RANGES_BY_NAME.get(name.rsplit(".", 1)[-1], _RANGES_OF_ELECTRODES.get(unit))
    if unit == "Hz":
        return value / _RANGE_OF_FREQUENCY, min(value * _RANGE_OF_FREQUENCY, _BELOW * below)
    if unit in ("mV", "pA"):
        low, high = known or (-_RANGE_OF_VOLTAGE, _RANGE_OF_VOLTAGE)
        return value + low, value + high
    if known is None:
        return _default(name, value, declared)
    low, high = known
    if 0 < value < float("inf"):
        low, high = min(low, value / 2.0), max(high, value * 2.0)
    return low, min(high, _BELOW * below)
