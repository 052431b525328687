"""Profile likelihood: how much worse the best fit becomes as one parameter is moved."""

import dataclasses
import itertools
from collections.abc import Callable
from typing import TYPE_CHECKING

import jax.numpy as jnp
import numpy as np
from scipy import special

import patch_sim as ps
from fitting.bootstrap import of_samples
from fitting.objective import Objective
from fitting.parameters import Space
from fitting.report import FitResult
from fitting.search import levenberg_marquardt

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_THRESHOLD = float(special.chdtri(1, 0.05))
_REACH = 2.5  # standard errors to either side, first
_GROWTH = 1.5  # of each further step, until the threshold is crossed
_FURTHER = 12  # of them at most
_STEPS = 50  # of each refit
_BETTER = -0.1  # a rise below this is another, better fit


@dataclasses.dataclass(frozen=True)
class Profile:
    """The profile likelihood of one parameter; prints its interval.

    Attributes:
        name: the parameter.
        unit: of it.
        best: its fitted value.
        values: at which it was held, ascending, `(points,)`.
        rise: of twice the negative logarithm of the likelihood above the best fit's, `(points,)`.
        interval: where the rise stays below 3.84, with a probability of 95 %; a bound, where it is open.
        open_low: whether the rise stays below the threshold down to the lower bound.
        open_high: whether it does up to the upper bound.
        improved: whether a fit better than the given one was met on the way: then that one was not the best.
    """

    name: str
    unit: str
    best: float
    values: np.ndarray
    rise: np.ndarray
    interval: tuple[float, float]
    open_low: bool
    open_high: bool
    improved: bool

    def __str__(self) -> str:
        low, high = (f"{end:.6g}" for end in self.interval)
        text = f"{self.name}: {self.best:.6g} {self.unit}, 95 % interval {low} to {high}"
        if self.open_low:
            text += "; open below, the data set no lower limit within the bounds"
        if self.open_high:
            text += "; open above, the data set no upper limit within the bounds"
        if self.improved:
            text += "; a better fit was met on the way, so the given one is not the best: try more starts"
        return text

    def plot(self) -> "Figure":
        """Draw the rise over the parameter, with the threshold and the interval; needs matplotlib."""
        from matplotlib import pyplot

        figure, axes = pyplot.subplots(figsize=(5, 3.5), layout="constrained")
        axes.plot(self.values, self.rise, "o-", color="tab:red", markersize=3, linewidth=1)
        axes.axhline(_THRESHOLD, color="0.5", linewidth=0.8, linestyle="--")
        axes.axvspan(*self.interval, color="0.92", zorder=0)
        axes.set_ylim(min(0.0, float(self.rise.min())), min(float(self.rise.max()), 4 * _THRESHOLD) * 1.05 + 0.1)
        axes.set_xlabel(f"{self.name} ({self.unit})" if self.unit else self.name)
        axes.set_ylabel("rise of -2 log likelihood")
        axes.spines[["top", "right"]].set_visible(False)
        return figure


def profile(
    result: FitResult, name: str, *, points: int = 11, progress: bool | Callable[[str], None] = True
) -> Profile:
    r"""Hold one parameter at values around the best, refit all others, and see how the cost rises.

    $$\Delta(\theta_i) = \frac{\min_{\theta_{j \ne i}} r^T r - \min r^T r}{s^2 f_i^2},
      \qquad s^2 = \frac{\min r^T r}{n - p}$$

    and the 95 % interval is where it stays below 3.84, the chi-square quantile (Raue et al. 2009, Bioinformatics
    25:1923-1929). $f_i$ is by how much the parameter's standard error exceeds that of independent residuals: n samples
    count as $n / f_i^2$. So for a straight line the interval is the estimate -+ 1.96 standard errors; in general it
    need be neither symmetric nor closed. A parameter without a standard error takes the largest f of the others.

    Each refit starts from that beside it. The grid reaches 2.5 standard errors to either side, then in growing steps
    until the threshold is crossed or a bound reached.

    Args:
        result: of `fitting.fit`.
        name: of a free parameter.
        points: of the first grid, both sides and the best one.
        progress: whether to show progress, or a function that takes each line.

    Raises:
        KeyError: the parameter is not free.
        ValueError: a loaded fit, a loss that holds more than samples, or fewer than 3 points.
    """
    objective, u = of_samples(result)
    names = objective.space.names
    if name not in names:
        raise KeyError(f"{name} is not free; free are {', '.join(names)}")
    if not isinstance(points, int) or points < 3:
        raise ValueError(f"points must be a whole number of at least 3, not {points!r}")
    index = names.index(name)
    best = objective.cost(u)
    unit = max(
        best / max(objective.scored - int(np.sum(~objective.space.at_bound(u))), 1) * _inflation(result, index) ** 2,
        1e-300,
    )
    width = _standard_error(result, objective, u, index)
    half = points // 2
    step = _REACH * width / half if np.isfinite(width) and width > 0 else 1.0 / half
    show = ps.Progress(progress)

    def rise_at(coordinate: float, others: np.ndarray) -> tuple[float, np.ndarray]:
        cost, others = _refit(objective, index, coordinate, others)
        show.show(f"{name} held at {_value(objective.space, u, index, coordinate):.6g}")
        return (cost - best) / unit, others

    below, above = (_walk(rise_at, u, index, sign * step, half) for sign in (-1, 1))
    show.close()
    grid = [*reversed(below), (float(u[index]), 0.0), *above]
    ends = [_crossing([(float(u[index]), 0.0), *side]) for side in (below, above)]
    interval = [
        _value(objective.space, u, index, end if end is not None else bound)
        for end, bound in zip(ends, (0.0, 1.0), strict=True)
    ]
    values = np.array([_value(objective.space, u, index, coordinate) for coordinate, _ in grid])
    rise = np.array([one for _, one in grid])
    order = np.argsort(values)
    low_open, high_open = (end is None for end in ends)
    if interval[0] > interval[1]:  # a negative parameter on a log scale runs backwards
        interval, low_open, high_open = interval[::-1], high_open, low_open
    row = result.estimates[index]
    return Profile(
        name,
        row.unit,
        row.value,
        values[order],
        rise[order],
        (interval[0], interval[1]),
        low_open,
        high_open,
        bool(rise.min() < _BETTER),
    )


def _inflation(result: FitResult, index: int) -> float:
    inflation = result.inflation
    if np.isfinite(inflation[index]):
        return float(inflation[index])
    return float(np.max(inflation[np.isfinite(inflation)], initial=1.0))


def _standard_error(result: FitResult, objective: Objective, u: np.ndarray, index: int) -> float:
    """In coordinates of the box."""
    ahead = u[index] + (1e-6 if u[index] < 0.5 else -1e-6)
    slope = (_value(objective.space, u, index, ahead) - result.estimates[index].value) / 1e-6
    return result.estimates[index].standard_error / max(abs(slope), 1e-300)


def _value(space: Space, u: np.ndarray, index: int, coordinate: float) -> float:
    moved = u.copy()
    moved[index] = coordinate
    return float(space.values(jnp.asarray(moved))[index])


def _walk(
    rise_at: Callable[[float, np.ndarray], tuple[float, np.ndarray]], u: np.ndarray, index: int, step: float, half: int
) -> list[tuple[float, float]]:
    """Coordinates and rises from the best point outwards, to the end of the grid and beyond the threshold."""
    others, coordinate, found = np.delete(u, index), float(u[index]), []
    for taken in range(half + _FURTHER):
        if not 0.0 < coordinate < 1.0 and step * (coordinate - 0.5) > 0:
            break
        coordinate = float(np.clip(coordinate + step, 0.0, 1.0))
        rise, others = rise_at(coordinate, others)
        found.append((coordinate, rise))
        if taken + 1 >= half:
            if rise > _THRESHOLD:
                break
            step *= _GROWTH
    return found


def _crossing(side: list[tuple[float, float]]) -> float | None:
    """Where the root of the rise, straight for a parabola, first crosses that of the threshold."""
    level = np.sqrt(_THRESHOLD)
    for (near, low), (far, high) in itertools.pairwise(side):
        a, b = np.sqrt(max(low, 0.0)), np.sqrt(max(high, 0.0))
        if a < level <= b:
            return float(near + (far - near) * (level - a) / (b - a))
    return None


def _refit(objective: Objective, index: int, coordinate: float, others: np.ndarray) -> tuple[float, np.ndarray]:
    """The lowest cost with one parameter held, and the others' coordinates there."""
    held = _held(objective, index, np.insert(others, index, coordinate))
    if others.size == 0:
        return objective.cost(np.array([coordinate])), others
    point = levenberg_marquardt(held, others, _STEPS, lambda _: True)
    return point.cost, point.u


def _held(objective: Objective, index: int, u: np.ndarray) -> Objective:
    """The same objective in the box without one parameter, which is fixed where it is."""
    space = objective.space
    value = dict.fromkeys(space.targets[index], space.values(jnp.asarray(u))[index])
    rest = [i for i in range(len(space.names)) if i != index]
    less = Space(
        names=tuple(space.names[i] for i in rest),
        units=tuple(space.units[i] for i in rest),
        logarithmic=tuple(space.logarithmic[i] for i in rest),
        low=space.low[jnp.array(rest, dtype=int)],
        high=space.high[jnp.array(rest, dtype=int)],
        start=space.start[jnp.array(rest, dtype=int)],
        targets=tuple(space.targets[i] for i in rest),
    )
    return dataclasses.replace(objective, space=less, setup=objective.setup.with_parameters(value))
