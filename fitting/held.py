"""A recording whose membrane is taken to be where it was recorded."""

import itertools

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int
from scipy import signal

import patch_sim as ps

_SHORT, _LONG = 0.5, 4.0  # ms: stretches where the voltage moves fast, and where it does not
_FAST = 5.0  # mV within a long one
_NOISE, _SHARE = 0.5, 0.1  # mV, and of the voltage's change: what a stretch may be off by
_SMOOTHED = 0.25  # ms: by cubics so long, or the noise of what is fast is taken for the cell's
_JUMP = 1.0  # mV from sample to sample


class Held(eqx.Module):
    """A recording whose membrane is taken to be where it was recorded.

    Attributes:
        command: pA or mV.
        response: mV or pA.
        through: the current through the electrode as it shows in the voltage, pA: as smooth as that.
        stretches: sweep, first and last sample of each.
        dt: ms.
        voltage_clamp: whether the voltage was commanded.
    """

    command: Float[Array, "sweeps samples"]
    response: Float[Array, "sweeps samples"]
    through: Float[Array, "sweeps samples"]
    stretches: Int[Array, "stretches 3"]
    dt: float = eqx.field(static=True)
    voltage_clamp: bool = eqx.field(static=True)

    def membrane(self, electrode: ps.Electrode) -> tuple[Array, Array]:
        """The voltage of the membrane (mV), and the charge that has come into it through the electrode (fC)."""
        through = self.through + (-electrode.current_offset if self.voltage_clamp else electrode.current_offset)
        if self.voltage_clamp:
            v = self.command - electrode.shift - 1e-3 * electrode.clamp_resistance * through
            charge = _integrated(through, self.dt)
        else:
            left = electrode.series_resistance - electrode.compensation.bridge
            v = self.response - electrode.shift - 1e-3 * left * through
            charge = _steps(self.command + electrode.current_offset, self.dt)
        return v, charge - _integrated(1e3 * v / electrode.seal_resistance, self.dt)

    def clamp(self, v: Float[Array, "sweeps samples"]) -> ps.VoltageClamp:
        """The ideal clamp that holds a membrane at a voltage (mV)."""
        played = self.command if self.voltage_clamp else jnp.zeros_like(v)
        moved = ps.Samples((v - played) - (v - played)[:, :1], self.dt, linear=True)
        if self.voltage_clamp:  # a command is held from sample to sample, and the rest is as smooth as a current
            moved = moved + ps.Samples(played - played[:, :1], self.dt)
        return ps.VoltageClamp(moved, duration=v.shape[1] * self.dt, dt=self.dt, holding=v[:, 0])

    def balance(self, neuron: ps.Neuron, electrode: ps.Electrode) -> dict[str, Float[Array, " stretches"]]:
        """What has come into the membrane over each stretch, what has charged it, and what has left by each channel.

        In fC, and weighted by what each stretch may be off by; `""` is what has come, `"capacitance"` what has charged.
        """
        v, came = self.membrane(electrode)
        left = ps.simulate(neuron, self.clamp(v), save=("currents",)).currents
        capacitance = ps.units.whole_cell_capacitance(neuron.capacitance, neuron.area)
        paths = {"": came, "capacitance": capacitance * v}
        paths |= {name: _integrated(current, self.dt) for name, current in left.items()}
        sweep, first, last = self.stretches.T
        change = {name: path[sweep, last] - path[sweep, first] for name, path in paths.items()}
        off = _NOISE + _SHARE * jnp.abs(v[sweep, last] - v[sweep, first])
        return {name: x / (capacitance * off) for name, x in change.items()}


def _steps(current: Array, dt: float) -> Array:
    """The charge at each sample of a current that is held from sample to sample."""
    return jnp.cumsum(jnp.pad(current[:, :-1], ((0, 0), (1, 0))), axis=1) * dt


def _integrated(current: Array, dt: float) -> Array:
    """The charge at each sample of a current that goes in straight lines from sample to sample."""
    return _steps((current + jnp.roll(current, -1, axis=1)) / 2, dt)


def held(recording: ps.Recording) -> Held:
    """Take the membrane of a recording to be where it was recorded."""
    command, response, dt = np.asarray(recording.command), np.asarray(recording.response), float(recording.dt)
    known = np.asarray(recording.scored) & np.isfinite(response)
    clamped = recording.mode is ps.Mode.VOLTAGE_CLAMP
    if clamped:
        # What charges the membrane where a command is stepped is over before it can be sampled.
        known &= np.abs(np.diff(command, prepend=command[:, :1])) < _JUMP
        stretches = _stretches(command, known, dt, longest=_SHORT)
        through = response
    else:
        smooth, through = _smoothed(np.where(known, response, np.nan), dt), _smoothed(command, dt)
        known &= np.isfinite(smooth)
        response = np.where(known, smooth, response)
        stretches = _stretches(response, known, dt, longest=_LONG)
    filled = [jnp.asarray(np.nan_to_num(x), dtype=float) for x in (command, response, through)]
    return Held(*filled, jnp.asarray(stretches), dt=dt, voltage_clamp=clamped)


def _smoothed(x: np.ndarray, dt: float) -> np.ndarray:
    """Each sample by the cubic through its neighborhood; NaN where a part of that is."""
    width = 2 * round(_SMOOTHED / dt / 2) + 1
    return signal.savgol_filter(x, width, 3, axis=1, mode="nearest") if 3 < width <= x.shape[1] else x


def _stretches(voltage: np.ndarray, known: np.ndarray, dt: float, longest: float) -> np.ndarray:
    """Sweep, first and last sample of stretches that are known throughout, `(stretches, 3)`."""
    samples = voltage.shape[1]
    long, short = (min(max(1, round(width / dt)), samples - 1) for width in (longest, _SHORT))
    found = []
    for sweep, (v, counts) in enumerate(zip(voltage, known, strict=True)):
        for first in range(0, samples - long, long):
            piece = slice(first, first + long + 1)
            if counts[piece].all():
                knots = [*range(first, first + long, short if np.ptp(v[piece]) > _FAST else long), first + long]
                found += [(sweep, *pair) for pair in itertools.pairwise(knots)]
    return np.reshape(np.array(found, dtype=int), (-1, 3))
