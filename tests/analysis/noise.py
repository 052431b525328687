"""Recordings with noise, and of arrays."""

from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np

import patch_sim as ps


def noisy(recording: ps.Recording, sd: float, seed: int = 0) -> ps.Recording:
    """A recording whose response has white noise of a standard deviation in pA or mV."""
    name = "current" if recording.mode is ps.Mode.VOLTAGE_CLAMP else "measured_voltage"
    clean = np.asarray(getattr(recording, name))
    noise = sd * np.random.default_rng(seed).normal(size=clean.shape)
    return eqx.tree_at(lambda rec: getattr(rec, name), recording, jnp.asarray(clean + noise))


def current_clamp(voltage: Any, dt: float, command: Any = None) -> ps.Recording:
    """A recording in current clamp, of arrays (sweeps, samples) in mV and pA."""
    voltage = jnp.asarray(np.atleast_2d(voltage), dtype=float)
    command = None if command is None else jnp.asarray(np.broadcast_to(command, voltage.shape), dtype=float)
    time = jnp.arange(voltage.shape[1], dtype=float) * dt
    return ps.Recording(time, ps.Mode.CURRENT_CLAMP, voltage, voltage, command, command)


def voltage_clamp(current: Any, dt: float, command: Any) -> ps.Recording:
    """A recording in voltage clamp, of arrays (sweeps, samples) in pA and mV."""
    current = jnp.asarray(np.atleast_2d(current), dtype=float)
    command = jnp.asarray(np.broadcast_to(command, current.shape), dtype=float)
    time = jnp.arange(current.shape[1], dtype=float) * dt
    return ps.Recording(time, ps.Mode.VOLTAGE_CLAMP, command, None, current, command)


def step(samples: int, dt: float, levels: Any, start: float, duration: float, holding: float = 0.0) -> np.ndarray:
    """Commands of steps, (sweeps, samples)."""
    time = dt * np.arange(samples)
    on = (time >= start - 1e-9) & (time < start + duration - 1e-9)
    return np.where(on, np.atleast_1d(np.asarray(levels, float))[:, None], holding)
