"""Low-pass filters between the amplifier and the digitizer."""

import dataclasses
import functools
import math
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from patch_sim.parameters import AbstractParametric, Number, parameter
from patch_sim.polynomial import polynomial

_UNROLL = 8


class Bessel(AbstractParametric):
    r"""A Bessel low-pass filter, 3 dB down at its corner frequency, as in every patch-clamp amplifier.

    $H(s) = \sum_k r_k \omega / (s - p_k \omega)$, with the poles $p_k$ and residues $r_k$ of the analog prototype and
    $\omega = 2 \pi f$. Between samples the signal is taken as a straight line, and the answer to that is exact.

    Args:
        corner: $f$, Hz.
        poles: 2, 4, 6 or 8; structure, not a parameter.

    Raises:
        ValueError: another number of poles.
    """

    corner: Number = parameter("Hz", above=0.0)
    poles: int = eqx.field(static=True, default=4)

    def __check_init__(self):
        if self.poles not in (2, 4, 6, 8):
            raise ValueError(f"Bessel.poles must be 2, 4, 6 or 8, not {self.poles!r}")

    def filtered(self, signal: Float[Array, "sweeps samples"], dt: float) -> Float[Array, "sweeps samples"]:
        """What leaves the filter when a signal with samples `dt` (ms) apart enters it, settled at the first sample."""
        poles, residues = _prototype(self.poles)
        kind = jnp.complex128 if signal.dtype == jnp.float64 else jnp.complex64
        omega = jnp.asarray(2e-3 * jnp.pi * self.corner, signal.dtype).astype(kind)
        # Poles come in conjugate pairs: one of each, counted twice.
        p, r = (omega * jnp.asarray(part, kind) for part in (poles, 2.0 * residues))
        kept, one, two = jnp.exp(dt * p), *_phi(dt * p)
        here, next_ = dt * (one - two), dt * two

        def step(x: Any, u: Any) -> tuple[Any, Any]:
            before, now = (part.astype(kind) for part in u)
            x = kept * x + here * before + next_ * now
            return x, jnp.sum((r * x).real)

        def sweep(u: Float[Array, " samples"]) -> Float[Array, " samples"]:
            _, y = jax.lax.scan(step, -u[0].astype(kind) / p, (u[:-1], u[1:]), unroll=_UNROLL)
            return jnp.append(u[0], y)

        return jax.vmap(sweep)(signal)

    def decay(self, time: Float[np.ndarray, " times"], tau: float) -> Float[np.ndarray, " times"]:
        r"""What leaves the filter when $e^{-t / \tau}$ enters it from 0 on: of an infinite $\tau$, a step.

        Args:
            time: ms; before 0 there is nothing.
            tau: ms.
        """
        return decay_through(float(self.corner), self.poles, time, tau)


def decay_through(corner: float, poles: int, time: np.ndarray, tau: float) -> np.ndarray:
    """`Bessel.decay` of a corner (Hz) and a number of poles, for a fit that asks a thousand times."""
    prototype, residues = _prototype(poles)
    omega = 2e-3 * np.pi * corner
    p, t = omega * prototype, np.maximum(time, 0.0)[:, None]
    parts = 2.0 * omega * residues * (np.exp(p * t) - np.exp(-t / tau)) / (p + 1.0 / tau)
    return np.sum(parts.real, axis=1)


@dataclasses.dataclass(frozen=True)
class Stream:
    """A Bessel filter on a signal that comes in pieces, and what it remembers from one to the next.

    Attributes:
        bessel: the filter.
        dt: between samples, ms.
        last: the last sample that entered.
        inside: the state of each pole.
    """

    bessel: Bessel
    dt: float
    last: float
    inside: np.ndarray

    @classmethod
    def of(cls, bessel: Bessel, dt: float, before: "Stream | None", start: float) -> "Stream":
        """The filter `before`, or if it is another or None, one that is settled where it was or at a start."""
        if before is not None and before.bessel is bessel:
            return before
        settled = start if before is None else before.last
        return cls(bessel, dt, settled, -settled / cls._poles(bessel))

    @staticmethod
    def _poles(bessel: Bessel) -> np.ndarray:
        return 2e-3 * np.pi * float(bessel.corner) * _prototype(bessel.poles)[0]

    def passed(self, signal: Float[np.ndarray, " samples"]) -> tuple[Float[np.ndarray, " samples"], "Stream"]:
        """What leaves the filter when the next samples enter it, and the filter after them."""
        from scipy import signal as scipy_signal

        p, residues = self._poles(self.bessel), _prototype(self.bessel.poles)[1]
        one = np.expm1(self.dt * p) / (self.dt * p)
        two = (one - 1.0) / (self.dt * p)
        kept, here, following = np.exp(self.dt * p), self.dt * (one - two), self.dt * two
        inside = np.stack(
            [
                scipy_signal.lfilter([b1, b0], [1.0, -a], signal.astype(complex), zi=[b0 * self.last + a * x])[0]
                for a, b0, b1, x in zip(kept, here, following, self.inside, strict=True)
            ]
        )
        gain = 2.0 * 2e-3 * np.pi * float(self.bessel.corner) * residues
        passed = np.sum((gain[:, None] * inside).real, axis=0)
        return passed, dataclasses.replace(self, last=float(signal[-1]), inside=inside[:, -1])


def _phi(z: Any) -> tuple[Any, Any]:
    """$(e^z - 1) / z$ and $(e^z - 1 - z) / z^2$, near 0 by Taylor series."""
    small = jnp.abs(z) < 0.3
    away, near = jnp.where(small, 1.0, z), jnp.where(small, z, 0.0)
    series = polynomial([1.0 / math.factorial(n) for n in range(2, 13)], near)
    two = jnp.where(small, series, (jnp.exp(away) - 1.0 - away) / away**2)
    return 1.0 + z * two, two


@functools.cache
def _prototype(poles: int) -> tuple[np.ndarray, np.ndarray]:
    """Those poles of the analog filter with a corner of 1 rad/s that lie above the real axis, and their residues."""
    from scipy import signal

    _, p, gain = signal.bessel(poles, 1.0, analog=True, norm="mag", output="zpk")
    residues = np.array([gain / np.prod(one - np.delete(p, k)) for k, one in enumerate(p)])
    upper = p.imag > 0
    return p[upper], residues[upper]
