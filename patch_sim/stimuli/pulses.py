"""Trains of pulses."""

import numbers
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from patch_sim.parameters import as_array, check
from patch_sim.stimuli.base import AbstractStimulus, Family, can_compare, family, just_after, latest


class PulseTrain(AbstractStimulus):
    r"""Equal pulses: $a$ for $t_0 + k T \le t < t_0 + k T + w$, $k = 0 \dots n - 1$, and 0 elsewhere.

    Args:
        amplitude: $a$, in pA or mV.
        start: $t_0$, of the first pulse, ms.
        width: $w$, of a pulse, ms.
        frequency: $1 / T$, Hz; or give the interval. The train holds the interval, and that is what a fit or an
            ensemble can vary.
        count: $n$, how many pulses, the same in all sweeps; another count compiles anew.
        interval: $T$, from the start of a pulse to that of the next, ms.

    Raises:
        ValueError: both of frequency and interval or none, a count that is no positive whole number, pulses longer
            than the interval.
    """

    count: int = eqx.field(static=True)
    amplitude: Family = family("")
    start: Family = family("ms")
    width: Family = family("ms", at_least=0.0)
    interval: Family = family("ms", above=0.0)

    def __init__(
        self, amplitude: Any, start: Any, width: Any, frequency: Any = None, count: int = 1, *, interval: Any = None
    ):
        if (frequency is None) == (interval is None):
            raise ValueError("PulseTrain: give either the frequency (Hz) or the interval (ms) of the pulses")
        if frequency is not None:
            frequency = as_array(frequency)
            frequency = jnp.atleast_1d(frequency) if isinstance(frequency, jax.Array) else frequency
            check("PulseTrain.frequency", frequency, {"unit": "Hz", "above": 0.0, "ndim": 1})
            interval = 1e3 / frequency
        self.amplitude = amplitude
        self.start = start
        self.width = width
        self.interval = interval
        self.count = int(count) if isinstance(count, numbers.Integral) and not isinstance(count, bool) else count

    def __check_init__(self):
        if type(self.count) is not int or self.count < 1:
            raise ValueError(f"PulseTrain.count must be a whole number of pulses, at least 1, not {self.count!r}")
        width, interval = self.width, self.interval
        if can_compare(width, interval) and np.any((np.asarray(width) > np.asarray(interval)) & (interval > 0)):
            raise ValueError(
                f"PulseTrain: pulses of {width} ms overlap at an interval of {interval} ms; add two trains"
            )

    @property
    def frequency(self) -> Float[Array, " sweeps"]:
        """Of the pulses, Hz."""
        return 1e3 / self.interval

    @property
    def piecewise_constant(self) -> bool:
        """Whether the waveform is constant between its edges."""
        return True

    def at(self, t: Float[Array, "*shape"], holding: Float[Array, ""]) -> Float[Array, "*shape"]:
        """What one sweep adds to the holding level at a time (ms)."""
        t = just_after(t)
        pulse = latest(t, self.start, self.interval)
        on = (pulse >= 0) & (pulse < self.count) & (t < self._begin(pulse) + self.width)
        return jnp.where(on, self.amplitude, 0.0)

    def mean(self, t0: Float[Array, ""], t1: Float[Array, ""], holding: Float[Array, ""]) -> Float[Array, ""]:
        """What one sweep adds to the holding level between two times (ms), on average: exactly."""
        first, last = (jnp.clip(latest(just_after(t), self.start, self.interval), 0, self.count - 1) for t in (t0, t1))
        since = [jnp.clip(t - self._begin(pulse), 0.0, self.width) for t, pulse in ((t0, first), (t1, last))]
        # The time on up to t1 less that up to t0: where a pulse begins just between two steps, both take it to have
        # begun, and its derivatives are those of one.
        return self.amplitude * ((last - first) * self.width + since[1] - since[0]) / (t1 - t0)

    def edges(self, grid: float | None) -> Float[Array, " edges"]:
        """When (ms) one sweep jumps, leaving out what is known to lie on the samples of a grid (ms)."""
        begins = self._begin(jnp.arange(self.count, dtype=self.start.dtype))
        return jnp.concatenate([begins, begins + self.width])

    def _begin(self, pulse: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
        """When (ms) a pulse begins."""
        return self.start + pulse * self.interval
