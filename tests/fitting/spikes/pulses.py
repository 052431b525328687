"""Spikes of which everything is known, and a small cell that spikes."""

import jax.numpy as jnp
import numpy as np

import patch_sim as ps
from fitting.parameters import Space, space
from fitting.setup import Setup, setup

REST, HEIGHT, WIDTH = -65.0, 100.0, 0.5  # mV, mV, ms
LEVEL = -10.0
WINDOW = (10.0, 40.0)
DURATION = 60.0
SPIKES = ((), (15.0,), (14.0, 22.0, 32.0))
CURRENTS = np.array([0.0, 50.0, 100.0])

CELL = ps.presets.neuron("squid_axon")
BOUNDS = {"channels.Na.g_max": (60.0, 240.0), "channels.K.g_max": (18.0, 72.0), "channels.Leak.g_max": (0.1, 1.0)}
TRUTH = {name: float(ps.parameters(CELL)[name]) for name in BOUNDS}
TRAINED, LEFT_OUT = [20.0, 60.0, 110.0, 200.0], [40.0, 90.0, 150.0, 250.0]  # pA


def pulses(t, centers):
    """A Gaussian around each center, on top of the rest."""
    return REST + sum((HEIGHT * jnp.exp(-0.5 * ((t - c) / WIDTH) ** 2) for c in centers), jnp.zeros_like(t))


def crossing(center: float) -> float:
    """When a pulse crosses the level upward."""
    return center - WIDTH * float(np.sqrt(2.0 * np.log(HEIGHT / (LEVEL - REST))))


def recording(spikes=SPIKES, dt: float = 0.05, **changes) -> ps.Recording:
    """A family of sweeps with these spikes, during steps of current."""
    t = jnp.asarray(np.arange(round(DURATION / dt)) * dt)
    command = np.where((t >= WINDOW[0]) & (t < WINDOW[1]), CURRENTS[: len(spikes), None], 0.0)
    voltage = jnp.stack([pulses(t, centers) for centers in spikes])
    fields = {"mode": ps.Mode.CURRENT_CLAMP, "measured_voltage": voltage, "command": jnp.asarray(command)}
    return ps.Recording(time=t, **(fields | changes))


def squid(currents=TRAINED, **changes) -> ps.Recording:
    """What the squid axon does at some currents."""
    clamp = ps.CurrentClamp(ps.Step(currents, start=8.0, duration=24.0), duration=40.0, dt=0.05)
    return ps.simulate(ps.with_parameters(CELL, changes), clamp)


def boxed() -> tuple[Space, Setup]:
    """The conductances of the small cell, and what they change."""
    prepared = setup(CELL, (squid(),))
    box = space(prepared, list(BOUNDS), BOUNDS)
    return box, prepared.freed(box.paths)
