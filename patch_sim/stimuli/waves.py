"""Stimuli that move: ramps and sinusoids."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from patch_sim.stimuli.base import AbstractStimulus, Family, can_compare, family, overlap


class _Wave(AbstractStimulus):
    """What moves for a while."""

    start: eqx.AbstractVar[Family]
    duration: eqx.AbstractVar[Family]

    @property
    def piecewise_constant(self) -> bool:
        """Whether the waveform is constant between its edges."""
        return False

    def mean(self, t0: Float[Array, ""], t1: Float[Array, ""], holding: Float[Array, ""]) -> Float[Array, ""]:
        """What one sweep adds to the holding level between two times (ms), on average, to second order."""
        end = self.start + self.duration
        middle = 0.5 * (jnp.clip(t0, self.start, end) + jnp.clip(t1, self.start, end))
        return self.at(middle, holding) * overlap(t0, t1, self.start, end) / (t1 - t0)

    def edges(self, grid: float | None) -> Float[Array, " edges"]:
        """When (ms) one sweep jumps, leaving out what is known to lie on the samples of a grid (ms)."""
        return jnp.stack([self.start, self.start + self.duration])


class Ramp(_Wave):
    r"""A ramp: $b + a (t - t_0) / d$ for $t_0 \le t < t_0 + d$, and 0 elsewhere.

    Args:
        amplitude: $a$, the rise, in pA or mV.
        start: $t_0$, ms.
        duration: $d$, ms.
        offset: $b$, where it starts, in pA or mV.
    """

    amplitude: Family = family("")
    start: Family = family("ms")
    duration: Family = family("ms", above=0.0)
    offset: Family = family("", default=0.0)

    def at(self, t: Float[Array, "*shape"], holding: Float[Array, ""]) -> Float[Array, "*shape"]:
        """What one sweep adds to the holding level at a time (ms)."""
        since = t - self.start
        return _within(t, self.start, self.duration, self.offset + self.amplitude * since / self.duration)


class Sine(_Wave):
    r"""A sinusoid: $b + a \sin(2 \pi f s + \phi)$ for $0 \le s = t - t_0 < d$, and 0 elsewhere.

    Args:
        amplitude: $a$, in pA or mV.
        frequency: $f$, Hz.
        start: $t_0$, ms.
        duration: $d$, ms.
        offset: $b$, in pA or mV.
        phase: $\phi$, radians.
    """

    amplitude: Family = family("")
    frequency: Family = family("Hz", at_least=0.0)
    start: Family = family("ms")
    duration: Family = family("ms", above=0.0)
    offset: Family = family("", default=0.0)
    phase: Family = family("rad", default=0.0)

    def at(self, t: Float[Array, "*shape"], holding: Float[Array, ""]) -> Float[Array, "*shape"]:
        """What one sweep adds to the holding level at a time (ms)."""
        since = t - self.start
        angle = 2.0 * jnp.pi * self.frequency * 1e-3 * since + self.phase
        return _within(t, self.start, self.duration, self.offset + self.amplitude * jnp.sin(angle))


class Chirp(_Wave):
    r"""A sinusoid whose frequency sweeps from $f_0$ to $f_1$: $b + a \sin(2 \pi \theta(s))$, $0 \le s = t - t_0 < d$.

    Linear: $\theta = f_0 s + (f_1 - f_0) s^2 / (2 d)$. Exponential, with as long for each octave:
    $\theta = f_0 d / \ln(f_1 / f_0) \, [(f_1 / f_0)^{s / d} - 1]$.

    Args:
        amplitude: $a$, in pA or mV.
        first_frequency: $f_0$, Hz.
        last_frequency: $f_1$, Hz.
        start: $t_0$, ms.
        duration: $d$, ms.
        offset: $b$, in pA or mV.
        exponential: whether the frequency grows by equal factors in equal times, instead of by equal steps.

    Raises:
        ValueError: an exponential chirp between equal frequencies.
    """

    amplitude: Family = family("")
    first_frequency: Family = family("Hz", above=0.0)
    last_frequency: Family = family("Hz", above=0.0)
    start: Family = family("ms")
    duration: Family = family("ms", above=0.0)
    offset: Family = family("", default=0.0)
    exponential: bool = eqx.field(static=True, default=False)

    def __check_init__(self):
        first, last = self.first_frequency, self.last_frequency
        if self.exponential and can_compare(first, last) and np.any(np.asarray(first) == np.asarray(last)):
            raise ValueError("Chirp: an exponential chirp needs two different frequencies; take a Sine")

    def at(self, t: Float[Array, "*shape"], holding: Float[Array, ""]) -> Float[Array, "*shape"]:
        """What one sweep adds to the holding level at a time (ms)."""
        since = t - self.start
        first, last = self.first_frequency * 1e-3, self.last_frequency * 1e-3
        if self.exponential:
            # Outside, where it is not used, the exponential could overflow, and its derivative with it.
            inside = _within(t, self.start, self.duration, since)
            growth = jnp.log(last / first)
            turns = first * self.duration / growth * jnp.expm1(inside / self.duration * growth)
        else:
            turns = first * since + (last - first) * since**2 / (2.0 * self.duration)
        return _within(t, self.start, self.duration, self.offset + self.amplitude * jnp.sin(2.0 * jnp.pi * turns))


def _within(
    t: Float[Array, "*shape"], start: Float[Array, ""], duration: Float[Array, ""], value: Float[Array, "*shape"]
) -> Float[Array, "*shape"]:
    """A value from the start (ms) on and for a duration (ms), and 0 elsewhere."""
    return jnp.where((t >= start) & (t < start + duration), value, 0.0)
