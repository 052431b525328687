"""The reference work: the classic squid axon at 6.3 degrees C, 100 ms of 10 uA/cm2, a sample every 0.025 ms."""

import numpy as np

DURATION, DT, SAMPLES = 110.0, 0.025, 4400
"""ms, ms, and their quotient."""

STEP_START, STEP_DURATION, STEP_DENSITY = 5.0, 100.0, 10.0
"""ms, ms, uA/cm2."""

LENGTH = DIAMETER = 20.0
"""um, of the cylinder whose side is the membrane."""

AREA = np.pi * LENGTH * DIAMETER
"""um2."""

AMPLITUDE = STEP_DENSITY * AREA * 0.01
"""pA."""

CONDUCTANCES = {"Na": 120.0, "K": 36.0, "Leak": 0.3}
"""mS/cm2; what the derivatives are taken by."""

REVERSALS = {"Na": 50.0, "K": -77.0, "Leak": -54.3}
"""mV."""

TARGET_NA = 118.0
"""mS/cm2: the loss compares with the cell that has this sodium conductance."""


def times() -> np.ndarray:
    """When the samples are taken, ms."""
    return np.arange(SAMPLES) * DT


def spike_times(voltage: np.ndarray, dt: float = DT) -> np.ndarray:
    """Upward crossings of 0 mV (ms), by the cubic through the four nearest samples."""
    found = []
    for k in np.flatnonzero((voltage[:-1] < 0) & (voltage[1:] >= 0)):
        roots = np.roots(np.polyfit(np.arange(-1, 3), voltage[k - 1 : k + 3], 3))
        inside = (np.abs(roots.imag) < 1e-9) & (roots.real > -1e-9) & (roots.real < 1 + 1e-9)
        found.append((k + roots[inside].real[0]) * dt)
    return np.array(found)


def spike_error(voltage: np.ndarray, reference: np.ndarray, dt: float = DT) -> float:
    """The worst error of a spike time (ms); infinite if the number of spikes is wrong."""
    found, expected = spike_times(voltage, dt), spike_times(reference, dt)
    return float(np.max(np.abs(found - expected), initial=0.0)) if found.shape == expected.shape else float("inf")
