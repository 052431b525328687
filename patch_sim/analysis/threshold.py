"""Where a spike begins."""

import abc
import dataclasses

import numpy as np


class AbstractThreshold(abc.ABC):
    """A criterion for the onset of a spike."""

    @abc.abstractmethod
    def onset(self, voltage: np.ndarray, slope: np.ndarray, first: int, steepest: int) -> float | None:
        """The onset as a position among the samples, between two of them if need be; None if there is none.

        Args:
            voltage: of the sweep, mV, `(samples,)`.
            slope: its derivative, mV/ms, `(samples,)`.
            first: the earliest sample that may be the onset: the lowest one since the spike before.
            steepest: where the upstroke is steepest.
        """


@dataclasses.dataclass(frozen=True)
class Slope(AbstractThreshold):
    """Where dV/dt comes to exceed a slope for good, looked for backward from the steepest sample.

    10 mV/ms is what eFEL takes, and what Naundorf, Wolf and Volgushev (2006), Nature 440:1060-1063, took; 20 is common
    too. Between samples dV/dt is taken as a straight line.

    Args:
        slope: mV/ms.

    Raises:
        ValueError: a slope that is not positive.
    """

    slope: float = 10.0

    def __post_init__(self):
        if not self.slope > 0.0:
            raise ValueError(f"Slope.slope must be positive, in mV/ms, not {self.slope!r}")

    def onset(self, voltage: np.ndarray, slope: np.ndarray, first: int, steepest: int) -> float | None:
        """See `AbstractThreshold`."""
        return _last_rise(slope, self.slope, first, steepest)


@dataclasses.dataclass(frozen=True)
class Fraction(AbstractThreshold):
    """Where dV/dt comes to exceed a fraction of the spike's own steepest slope.

    It suits spikes whose steepness varies much. The Allen Institute takes 5 % (Gouwens et al. (2019), Nat Neurosci
    22:1182-1195), of the mean over a sweep's spikes.

    Args:
        fraction: of the steepest slope.

    Raises:
        ValueError: a fraction that is not between 0 and 1.
    """

    fraction: float = 0.05

    def __post_init__(self):
        if not 0.0 < self.fraction < 1.0:
            raise ValueError(f"Fraction.fraction must be between 0 and 1, not {self.fraction!r}")

    def onset(self, voltage: np.ndarray, slope: np.ndarray, first: int, steepest: int) -> float | None:
        """See `AbstractThreshold`."""
        return _last_rise(slope, self.fraction * slope[steepest], first, steepest)


@dataclasses.dataclass(frozen=True)
class Curvature(AbstractThreshold):
    """Where the second derivative of the voltage is greatest on the way up: the bend at a spike's foot.

    Free of a level to choose, and sensitive to noise (Sekerli et al. (2004), IEEE Trans Biomed Eng 51:1665-1672).
    """

    def onset(self, voltage: np.ndarray, slope: np.ndarray, first: int, steepest: int) -> float | None:
        """See `AbstractThreshold`."""
        if steepest - first < 2:
            return None
        return float(first + np.argmax(np.gradient(slope[first : steepest + 1])))


def _last_rise(slope: np.ndarray, level: float, first: int, steepest: int) -> float | None:
    """Where a slope last rises through a level before it is steepest."""
    below = np.flatnonzero(slope[first : steepest + 1] < level)
    if below.size == 0 or below[-1] == steepest - first:
        return None
    k = first + int(below[-1])
    return k + float((level - slope[k]) / (slope[k + 1] - slope[k]))
