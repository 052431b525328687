"""What the contenders of `ensembles.py` are asked to do, and how their errors are measured; without JAX.

A job is one kind of work on a family of sweeps: 110 ms from rest with a step of 100 ms, its amplitude another in each.
"""

import dataclasses
import functools
import json
from collections.abc import Callable
from typing import Any

import numpy as np
from contender import Work, Works
from scipy.interpolate import CubicSpline
from work import AREA, DT, DURATION, spike_error

VOLTAGE, FEATURES, GRADIENT, JACOBIAN = "voltage", "features", "gradient", "Jacobian"
"""All samples; the number of spikes and the peak (mV) of each sweep; the gradient of the mean of (V + 60 mV)^2 over all
samples of all sweeps by the conductances, or permeabilities, of all channels; the derivatives of each sample by these.
"""

PER_DENSITY = 0.01 * AREA
"""pA in a uA/cm2, on the squid axon."""

CURRENTS = {
    "squid_axon": (5.0 * PER_DENSITY, 15.0 * PER_DENSITY),
    "regular_spiking": (600.0, 1500.0),
    "all13": (50.0, 250.0),
}
"""pA: the weakest and the strongest step of a family."""

OFFSET = 60.0
"""mV."""

FINE, SLOPES = 0.005, 0.02
"""ms: the samples of the reference and of its derivatives, close enough for a cubic between them."""

BATCH = 1000
"""Sweeps that a contender without a reduction of its own records before it takes the features."""


@dataclasses.dataclass(frozen=True)
class Job:
    """One piece of work.

    Attributes:
        kind: what is delivered: `VOLTAGE`, `FEATURES`, `GRADIENT` or `JACOBIAN`.
        sweeps: how many.
        method: one of the contender's.
        step: ms, at each of which there is a sample; or for a method with a tolerance that tolerance, and a sample
            every 0.025 ms.
        adaptive: whether the step is a tolerance.
    """

    kind: str
    sweeps: int
    method: str
    step: float
    adaptive: bool = False

    @property
    def name(self) -> str:
        """All of it in a string."""
        return json.dumps(dataclasses.asdict(self))

    @property
    def dt(self) -> float:
        """The time between two samples, ms."""
        return DT if self.adaptive else self.step

    @property
    def samples(self) -> int:
        """How many of them there are."""
        return round(DURATION / self.dt)


class Jobs(dict):
    """Works that are known when they are asked for: a job's name leads to what builds it."""

    def __init__(self, make: Callable[[Job], Work]):
        super().__init__()
        self._make = make

    def __missing__(self, name: str) -> Callable[[], Work]:
        return functools.partial(self._make, Job(**json.loads(name)))


def jobs(make: Callable[..., Work], *arguments: Any) -> Works:
    """A contender's works from a function of some arguments and a job."""
    return Jobs(functools.partial(make, *arguments))


def amplitudes(cell: str, sweeps: int) -> np.ndarray:
    """The steps (pA) of a family, evenly apart, so that every tenth of ten times as many is one of them.

    A single sweep has the step in the middle.
    """
    low, high = CURRENTS[cell]
    return low + (high - low) * (np.arange(sweeps) / sweeps if sweeps > 1 else np.array([0.5]))


def densities(sweeps: int) -> np.ndarray:
    """The same for the squid axon, in uA/cm2."""
    return amplitudes("squid_axon", sweeps) / PER_DENSITY


def features(voltage: np.ndarray) -> np.ndarray:
    """The number of spikes and the peak (mV) of each sweep."""
    upward = (voltage[:, :-1] < 0) & (voltage[:, 1:] >= 0)
    return np.stack([upward.sum(axis=1), voltage.max(axis=1)], axis=1)


@dataclasses.dataclass(frozen=True)
class Reference:
    """What is right.

    Attributes:
        one: the voltage (mV) of the single sweep, every `FINE` ms.
        family: those of a family of 100.
        gradients: by the number of sweeps.
        jacobians: the same, `(conductances, sweeps, samples)`, every `SLOPES` ms.
    """

    one: np.ndarray
    family: np.ndarray
    gradients: dict[int, np.ndarray]
    jacobians: dict[int, np.ndarray]

    def error(self, job: Job, value: np.ndarray) -> float:
        """How far off a value is.

        Of a voltage the rms (mV); of derivatives the distance from what is right, by its length; of features the
        share of sweeps with another number of spikes. Of voltages and Jacobians that of the sweep in the middle of
        the order of errors, because a sweep whose last spike hangs on the end of the step is off by a whole spike in
        every method and says nothing of any.
        """
        if job.kind == GRADIENT:
            known = self.gradients[job.sweeps]
            return float(np.linalg.norm(value - known) / np.linalg.norm(known))
        if job.kind == FEATURES:
            count = features(self.family)[:, 0]
            return float(np.mean(value.reshape(job.sweeps, -1)[:: job.sweeps // len(count), 0] != count))
        if job.kind == JACOBIAN:
            known = _at(job, self.jacobians[job.sweeps], SLOPES)
            off = value.reshape(known.shape) - known
            return float(np.median(np.linalg.norm(off, axis=(0, 2)) / np.linalg.norm(known, axis=(0, 2))))
        known, found = self._both(job, value)
        return float(np.median(np.sqrt(np.mean((found - known) ** 2, axis=1))))

    def spike_error(self, job: Job, value: np.ndarray) -> float:
        """The worst error (ms) of a spike in the sweep in the middle of the order of errors."""
        known, found = self._both(job, value)
        return float(np.median([spike_error(*pair, job.dt) for pair in zip(found, known, strict=True)]))

    def _both(self, job: Job, value: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """What is right and what was found, at the job's samples, in the sweeps that the reference has."""
        known = self.one if job.sweeps == 1 else self.family
        found = value.reshape(job.sweeps, -1)[:: max(job.sweeps // len(known), 1)]
        return _at(job, known, FINE), found[:, : job.samples]


def _at(job: Job, known: np.ndarray, dt: float) -> np.ndarray:
    """What is known every `dt` ms, at a job's samples."""
    return CubicSpline(dt * np.arange(known.shape[-1]), known, axis=-1)(job.dt * np.arange(job.samples))
