"""The directions in which parameters can move together and the recordings hardly tell."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from fitting.parameters import Space

_VOLTAGE = 25.0  # mV: RT/F, over which what depends on voltage changes e-fold
_MEMBER = 0.25  # of the largest component, to count as taking part
_EQUAL = 0.1  # relative difference of two components that count as equal
_STRONG = 0.9  # compensation that is told
_NOTEWORTHY = 0.05  # spread of what is told of more, or fewer, than two
_SINGULAR = 1e-13
_MOST = 3


@dataclasses.dataclass(frozen=True)
class Direction:
    """A combination of parameters that the recordings determine badly; prints as a sentence.

    Attributes:
        names: the parameters that take part, the one that moves most first.
        change: of each, at one standard error along the direction (or at a unit step along one that is not determined
            at all): the change of its logarithm or, of a voltage, in mV; of another that may be 0, in its unit.
        units: of the changes; "" for that of a logarithm.
        spread: the standard error along the direction, as a change of the logarithm or in 25 mV; infinite if the
            recordings do not determine it.
        compensation: how much of what each parameter would do alone the others undo, 0 to 1.
        correlation: of the estimates, where two parameters take part; NaN if these are more, or not determined.
    """

    names: tuple[str, ...]
    change: tuple[float, ...]
    units: tuple[str, ...]
    spread: float
    compensation: float
    correlation: float

    def __str__(self) -> str:
        lost = np.isinf(self.spread)
        if len(self.names) == 1:
            alone = "is not determined" if lost else f"({self._moved(0)}) is known least, the others make up for it"
            return f"{self.names[0]} {alone}"
        if len(self.names) == 2 and (lost or abs(self.correlation) >= _STRONG):
            known = "not determined" if lost else f"correlation {self.correlation:+.3f}"
            return f"{self.names[0]} and {self.names[1]} trade off: {self._fixed()} ({known})"
        return f"{self._moves()} move together, and the recordings hardly tell"

    def _moved(self, k: int) -> str:
        change = self.change[k] * np.sign(self.change[0])
        if np.isinf(self.spread):  # then only the proportions mean something
            return "up" if change > 0 else "down"
        return f"{change:+.2g} {self.units[k]}" if self.units[k] else f"{100 * change:+.2g} %"

    def _moves(self) -> str:
        parts = [f"{name} ({self._moved(k)})" for k, name in enumerate(self.names)]
        return f"{', '.join(parts[:-1])} and {parts[-1]}"

    def _fixed(self) -> str:
        """What does not change along the direction: the weights w with w . change = 0."""
        power = -self.change[0] / self.change[1]
        first, second = self.names
        logarithms = self.units == ("", "")
        if not logarithms and self.units[0] != self.units[1]:
            return f"{self._moves()} undo each other"
        if abs(abs(power) - 1.0) <= _EQUAL:
            positive, negative = ("product", "ratio") if logarithms else ("sum", "difference")
            return f"only their {positive if power > 0 else negative} is fixed"
        if logarithms:
            return f"only {first} {'*' if power > 0 else '/'} {second}^{abs(power):.2g} is fixed"
        return f"only {first} {'+' if power > 0 else '-'} {abs(power):.2g} {second} is fixed"


def natural_scale(space: Space, values: np.ndarray, slope: np.ndarray) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """What a step in the box is in natural coordinates: logarithms, and voltages in units of 25 mV.

    Args:
        space: the box.
        values: of the parameters.
        slope: their derivatives by the coordinates of the box.

    Returns:
        The derivatives of the natural coordinates by those of the box, the size of one of them in `units`, and these.
    """
    log = np.asarray(space.logarithmic)
    voltage = np.array([unit == "mV" for unit in space.units]) & ~log
    size = np.where(log, values, np.where(voltage, _VOLTAGE, np.asarray(space.high - space.low)))
    units = ["" if one else unit for one, unit in zip(log, space.units, strict=True)]
    return slope / size, np.where(log, 1.0, size), units


def weak_directions(
    information: np.ndarray, covariance: np.ndarray, names: Sequence[str], sizes: np.ndarray, units: Sequence[str]
) -> tuple[Direction, ...]:
    r"""The eigenvectors of the Fisher information along which parameters compensate each other, worst first.

    The compensation along an eigenvector v of the information F is $1 - v^T F v / \sum_i v_i^2 F_{ii}$; at most three
    directions of 0.9 or more are told, those of largest spread $\sqrt{v^T C v}$, of which all but strongly correlated
    pairs must spread by 0.05 at least.

    Args:
        information: $J^T J$ in natural coordinates, `(free, free)`, up to a factor.
        covariance: C of the estimates in these coordinates, within the directions that are determined.
        names: of the parameters.
        sizes: of one natural coordinate, in `units`.
        units: of what is told of each; "" for a logarithm.
    """
    if information.size == 0:
        return ()
    values, vectors = np.linalg.eigh(information)
    found = []
    for value, vector in zip(values, vectors.T, strict=True):
        alone = float(vector**2 @ np.diag(information))
        compensation = 1.0 - max(float(value), 0.0) / alone if alone > 0 else 0.0
        lost = value <= _SINGULAR * values[-1]
        if not lost and compensation < _STRONG:
            continue
        spread = np.inf if lost else float(np.sqrt(max(vector @ covariance @ vector, 0.0)))
        members = [int(i) for i in np.argsort(-np.abs(vector)) if abs(vector[i]) >= _MEMBER * np.max(np.abs(vector))]
        step = (1.0 if lost else spread) * vector * sizes
        direction = Direction(
            tuple(names[i] for i in members),
            tuple(float(step[i]) for i in members),
            tuple(units[i] for i in members),
            spread,
            compensation,
            _correlation(covariance, *members) if len(members) == 2 and not lost else float("nan"),
        )
        if spread >= _NOTEWORTHY or abs(direction.correlation) >= _STRONG:
            found.append(direction)
    return tuple(sorted(found, key=lambda direction: -direction.spread)[:_MOST])


def _correlation(covariance: np.ndarray, first: int, second: int) -> float:
    return float(covariance[first, second] / np.sqrt(covariance[first, first] * covariance[second, second]))
