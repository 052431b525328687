"""What an electrophysiologist reads off a voltage, as a loss."""

import dataclasses
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

import patch_sim as ps
from fitting.measured import AbstractMeasured
from fitting.sums import check_positive
from fitting.windows import check_window

_OF_SPIKES = ("peak", "half_width", "trough")
_TOLERANCES = ("count", "latency", *_OF_SPIKES, "sag", "mean", "deviation")


@dataclasses.dataclass(frozen=True)
class SoftFeatures(AbstractMeasured):
    r"""The difference of soft features between recorded and simulated voltage.

    $$r = (\tilde f(\hat V) - \tilde f(V)) / \sigma_f$$

    for each feature $\tilde f$ in each sweep, with the definitions of `patch_sim.analysis.soft`, which are smooth. They
    are measured on data and model alike, at the same sharpness, so that what softness adds to both is not seen. What
    one spike has, peak, half width and trough, counts by the product of its presences in the two. Features that are
    `None` are left out. Where one kind is measured several times in a sweep, in windows or on spikes, the mean of the
    squares counts. Recordings in voltage clamp are passed over, and so are masks.

    A peak is that of a parabola through samples, and jumps by some uV when another sample becomes the highest. At
    0.05 ms a difference over 1e-3 of the box that met such a jump was off from the derivative by 7 %.

    Args:
        window: `(start, end)` of what is measured, ms. None: from the first to the last change of the command.
        level: what a spike crosses upward, mV.
        sharpness: 1/mV: 1 feels a spike that just misses the level over some mV, from 30 on little is soft.
        spikes: how many of each sweep are measured, from the first on.
        windows: in how many stretches of equal length `mean` and `deviation` are compared.
        count: tolerance of the number of spikes.
        latency: of the first spike's time, ms. A sweep without a spike counts as one with a spike at its end.
        peak: of a spike's peak, mV.
        half_width: of its width at half its amplitude, ms.
        trough: of the lowest voltage until the next spike, mV.
        sag: of by how much the voltage comes back from its lowest, mV: for steps that hyperpolarize.
        mean: of the mean voltage in each window, mV.
        deviation: of the standard deviation of the voltage in each window, mV.

    Raises:
        ValueError: a number that is not positive, or nothing to compare.
    """

    window: tuple[float, float] | None = None
    level: float = ps.analysis.soft.LEVEL
    sharpness: float = 1.0
    spikes: int = 1
    windows: int = 10
    count: float | None = 1.0
    latency: float | None = 1.0
    peak: float | None = 3.0
    half_width: float | None = 0.2
    trough: float | None = 2.0
    sag: float | None = None
    mean: float | None = 3.0
    deviation: float | None = 3.0

    def __post_init__(self):
        check_window(self.window, "SoftFeatures")
        check_positive("SoftFeatures.sharpness", self.sharpness)
        for name in ("spikes", "windows"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise ValueError(f"SoftFeatures.{name} must be a whole number of at least 1, not {value!r}")
        for name in self._compared:
            check_positive(f"SoftFeatures.{name}", getattr(self, name))
        if not self._compared:
            raise ValueError("SoftFeatures compares nothing: every tolerance is None")

    def check(self, samples: int) -> None:
        """Whether there is a sample in each window, and an inner one for a peak.

        Raises:
            ValueError: there is not.
        """
        if samples < max(self.windows, 3):
            raise ValueError(f"SoftFeatures.window holds {samples} samples, too few for {self.windows} windows")

    def measure(self, voltage: Float[Array, "sweeps samples"], dt: float) -> Any:
        """Each feature, and what it counts: two arrays `(sweeps, how many)` by its name."""
        soft, found = ps.analysis.soft, {}
        settings = {"level": self.level, "sharpness": self.sharpness}
        if self.count is not None:
            found["count"] = soft.count(voltage, **settings)[:, None]
        if self.latency is not None:
            found["latency"] = soft.latency(voltage, dt, **settings)[:, None]
        if self.sag is not None:
            found["sag"] = soft.sag(voltage, dt, sharpness=self.sharpness)[:, None]
        if self.mean is not None or self.deviation is not None:
            moments = zip(("mean", "deviation"), soft.windows(voltage, self.windows), strict=True)
            found |= {name: values for name, values in moments if getattr(self, name) is not None}
        measured = {name: (values, jnp.ones_like(values)) for name, values in found.items()}
        wanted = [name for name in _OF_SPIKES if getattr(self, name) is not None]
        if wanted:
            spikes = [soft.spike(voltage, dt, index, **settings) for index in range(self.spikes)]
            presence = jnp.stack([spike.presence for spike in spikes], axis=1)
            for name in wanted:
                measured[name] = jnp.stack([getattr(spike, name) for spike in spikes], axis=1), presence
        return measured

    def difference(self, model: Any, data: Any) -> Float[Array, "sweeps residuals"]:
        """The residuals, feature by feature."""
        rows = []
        for name in self._compared:
            (ours, there), (theirs, too) = model[name], data[name]
            rows.append((ours - theirs) * there * too / (getattr(self, name) * float(np.sqrt(ours.shape[1]))))
        return jnp.concatenate(rows, axis=1)

    @property
    def _compared(self) -> tuple[str, ...]:
        return tuple(name for name in _TOLERANCES if getattr(self, name) is not None)
