"""The reference work once more, from the paper's equations and without JAX: what the reference is checked with."""

import numpy as np
from scipy.integrate import solve_ivp
from scipy.optimize import brentq
from work import CONDUCTANCES, DURATION, REVERSALS, STEP_DENSITY, STEP_DURATION, STEP_START, times

TOLERANCE = 1e-12


def rates(v: float) -> tuple[np.ndarray, np.ndarray]:
    """Opening and closing rates (1/ms) of m, h, n at 6.3 degrees C: Hodgkin and Huxley (1952), rest at -65 mV."""
    opening = [0.1 * _linoid(v + 40.0), 0.07 * np.exp(-(v + 65.0) / 20.0), 0.01 * _linoid(v + 55.0)]
    closing = [4.0 * np.exp(-(v + 65.0) / 18.0), 1.0 / (1.0 + np.exp(-(v + 35.0) / 10.0))]
    return np.array(opening), np.array([*closing, 0.125 * np.exp(-(v + 65.0) / 80.0)])


def _linoid(x: float) -> float:
    return -x / np.expm1(-x / 10.0) if x else 10.0


def steady_gates(v: float) -> np.ndarray:
    """The open fractions of m, h, n after a long time at a voltage (mV)."""
    opening, closing = rates(v)
    return opening / (opening + closing)


def ionic_current(v: float, gates: np.ndarray) -> float:
    """uA/cm2, outward positive."""
    m, h, n = gates
    fractions = {"Na": m**3 * h, "K": n**4, "Leak": 1.0}
    return sum(CONDUCTANCES[name] * fractions[name] * (v - REVERSALS[name]) for name in fractions)


def rest() -> float:
    """The resting potential, mV."""
    return float(brentq(lambda v: ionic_current(v, steady_gates(v)), -80.0, -50.0, xtol=1e-13, rtol=1e-14))


def trace() -> np.ndarray:
    """The voltage (mV) of the reference work, started at rest, by scipy's DOP853 at 1e-12."""
    state = np.array([rest(), *steady_gates(rest())])
    edges = [0.0, STEP_START, STEP_START + STEP_DURATION, DURATION]
    voltage = np.empty_like(times())
    for begin, end, injected in zip(edges, edges[1:], [0.0, STEP_DENSITY, 0.0], strict=False):
        inside = (times() >= begin) & (times() < end)
        solution = solve_ivp(
            _derivative, (begin, end), state, "DOP853", np.append(times()[inside], end),
            args=(injected,), rtol=TOLERANCE, atol=TOLERANCE,
        )  # fmt: skip
        voltage[inside], state = solution.y[0, :-1], solution.y[:, -1]
    return voltage


def _derivative(_: float, state: np.ndarray, injected: float) -> np.ndarray:
    opening, closing = rates(state[0])
    gates = opening - (opening + closing) * state[1:]
    return np.array([injected - ionic_current(state[0], state[1:]), *gates])
