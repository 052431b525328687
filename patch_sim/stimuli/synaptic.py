"""Synaptic waveforms."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from patch_sim.stimuli.base import AbstractStimulus, Family, can_compare, family


class Synaptic(AbstractStimulus):
    r"""Events that rise and decay: $a \sum_i k (e^{-(t - t_i) / \tau_d} - e^{-(t - t_i) / \tau_r})$ over all $t_i < t$.

    $k$ makes $a$ the peak of a single event. As a current (pA) it is added to a command; as a conductance (nS) it is
    the waveform of a `Conductance`.

    Args:
        amplitude: $a$, of a single event.
        times: $t_i$, ms, a list of events; or a list of such lists, one for each sweep.
        rise: $\tau_r$, ms.
        decay: $\tau_d$, ms, longer than the rise.

    Raises:
        ValueError: a rise that is not shorter than the decay.
    """

    amplitude: Family = family("")
    times: Float[Array, "sweeps events"] = family("ms", ndim=2)
    rise: Family = family("ms", above=0.0, default=0.2)
    decay: Family = family("ms", above=0.0, default=2.0)

    def __check_init__(self):
        if can_compare(self.rise, self.decay) and np.any(np.asarray(self.rise) >= np.asarray(self.decay)):
            raise ValueError(f"Synaptic.rise must be shorter than the decay ({self.decay} ms), not {self.rise} ms")

    @property
    def piecewise_constant(self) -> bool:
        """Whether the waveform is constant between its edges."""
        return False

    def at(self, t: Float[Array, "*shape"], holding: Float[Array, ""]) -> Float[Array, "*shape"]:
        """What one sweep adds to the holding level at a time (ms)."""
        peak = self._event(jnp.log(self.decay / self.rise) / (1.0 / self.rise - 1.0 / self.decay))
        since = t[..., None] - jnp.expand_dims(self.times, tuple(range(t.ndim)))
        # Before an event, where it is not used, the exponential could overflow, and its derivative with it.
        events = jnp.where(since > 0.0, self._event(jnp.maximum(since, 0.0)), 0.0)
        return self.amplitude / peak * jnp.sum(events, axis=-1)

    def edges(self, grid: float | None) -> Float[Array, " edges"]:
        """When (ms) one sweep has an event, and its slope jumps."""
        return self.times

    def _event(self, since: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
        """An event some time (ms) after it began, not yet scaled."""
        return jnp.exp(-since / self.decay) - jnp.exp(-since / self.rise)
