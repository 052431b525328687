"""Noise that is the same at every call."""

import functools
import numbers
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from patch_sim.parameters import as_array, check
from patch_sim.stimuli.base import AbstractStimulus, Family, can_compare, family, just_after, latest

_SEEDS = 2**32
_GENERATOR = "threefry2x32"  # named, so that no setting of JAX changes what a seed stands for
_ROUNDING = 1e-6


class Noise(AbstractStimulus):
    r"""Gaussian noise: $\mu + \sigma x_k$ for $t_0 + k \delta \le t < t_0 + (k + 1) \delta$, and 0 after $t_0 + d$.

    With a time constant, $x$ is an Ornstein-Uhlenbeck process, $\langle x_i x_k \rangle = e^{-|i - k| \delta / \tau}$,
    sampled exactly. With corner frequencies it is white in a band: the sum of all sinusoids of whole periods in $d$
    from the lower corner to the upper, with random amplitudes and phases; it has no constant part.

    The samples are drawn once, when the noise is made, and held as a digitizer holds them: a function of time that
    knows nothing of the protocol's dt or the solver's steps. A seed stands, up to rounding, for the same waveform on
    every device and in single and double precision. Holding the samples multiplies their power spectrum by
    $\mathrm{sinc}^2(f \delta)$, -0.14 dB at a tenth of the grid's $1 / \delta$ and -3.9 dB at half of it, and repeats
    it, so weakened, around the multiples of $1 / \delta$; that of an Ornstein-Uhlenbeck process, which has power at all
    frequencies, is also folded at $1 / 2 \delta$. The autocorrelation is exact at multiples of $\delta$, and in between
    a straight line.

    Mean and deviation are those of many seeds; a single sweep has others, the more so the fewer time constants it is
    long. They are parameters; time constant and corners are not: with them the samples change, so they can be
    differentiated only where the noise is made, within the function that is differentiated.

    Args:
        sd: $\sigma$, the standard deviation, in pA or mV.
        start: $t_0$, ms.
        duration: $d$, ms, the same in all sweeps.
        mean: $\mu$, in pA or mV; the stimulus holds it as `offset`.
        time_constant: $\tau$, ms; or give the corners.
        low: the lower corner, Hz; 0 if there is only an upper one.
        high: the upper corner, Hz.
        seed: a whole number or a JAX key. All sweeps have the same noise, unless this is a list, one for each.
        interval: $\delta$, ms, the same in all sweeps.

    Raises:
        ValueError: neither or both of a time constant and an upper corner, a time constant shorter than the grid, an
            upper corner above half its frequency, a band that no whole period fits, what is no seed.
    """

    duration: float = eqx.field(static=True)
    interval: float = eqx.field(static=True)
    offset: Family = family("")
    sd: Family = family("", at_least=0.0)
    start: Family = family("ms")
    _samples: Float[Array, "sweeps samples"] = family("", ndim=2)
    _sums: Float[Array, "sweeps samples+1"] = family("", ndim=2)

    def __init__(
        self,
        sd: Any,
        start: Any,
        duration: Any,
        *,
        mean: Any = 0.0,
        time_constant: Any = None,
        low: Any = None,
        high: Any = None,
        seed: Any = 0,
        interval: Any = 0.1,
    ):
        for name, value in (("duration", duration), ("interval", interval)):
            if not isinstance(value, numbers.Real) or isinstance(value, bool) or not 0 < value < float("inf"):
                raise ValueError(f"Noise.{name} must be a positive time in ms, not {value!r}")
        if (time_constant is None) == (high is None) or (low is not None and high is None):
            raise ValueError("Noise: give either a time_constant (ms) or the corners low and high (Hz)")
        self.offset = mean
        self.sd = sd
        self.start = start
        self.duration = float(duration)
        self.interval = float(interval)
        # A duration that is a whole number of intervals up to rounding is one.
        samples = int(np.ceil(self.duration / self.interval * (1.0 - 1e-9)))
        if time_constant is not None:
            shape = (_number("time_constant", time_constant, "ms", at_least=self.interval),)
            draw = _ornstein_uhlenbeck
        else:
            shape = _band(0.0 if low is None else low, high, samples, self.interval)
            draw = _band_limited
        self._samples = _drawn(draw, seed, shape, samples, self.interval)
        self._sums = jnp.pad(jnp.cumsum(self._samples, axis=1), ((0, 0), (1, 0)))

    @property
    def piecewise_constant(self) -> bool:
        """Whether the waveform is constant between its edges."""
        return True

    def at(self, t: Float[Array, "*shape"], holding: Float[Array, ""]) -> Float[Array, "*shape"]:
        """What one sweep adds to the holding level at a time (ms)."""
        t = just_after(t)
        sample = latest(t, self.start, self.interval)
        on = (sample >= 0) & (t < self.start + self.duration)
        return jnp.where(on, self.offset + self.sd * self._samples[self._within(sample)], 0.0)

    def mean(self, t0: Float[Array, ""], t1: Float[Array, ""], holding: Float[Array, ""]) -> Float[Array, ""]:
        """What one sweep adds to the holding level between two times (ms), on average: exactly."""
        begin, end = (jnp.clip(t, self.start, self.start + self.duration) for t in (t0, t1))
        first, last = (self._within(latest(just_after(t), self.start, self.interval)) for t in (begin, end))
        since = [t - (self.start + k.astype(t.dtype) * self.interval) for t, k in ((begin, first), (end, last))]
        # The integral up to the end less that up to the beginning: where an edge lies just between two steps, both take
        # it to be in the same sample, and its derivatives are those of one.
        whole = (self._sums[last] - self._sums[first]) * self.interval
        noise = whole + self._samples[last] * since[1] - self._samples[first] * since[0]
        return (self.offset * (end - begin) + self.sd * noise) / (t1 - t0)

    def edges(self, grid: float | None) -> Float[Array, " edges"]:
        """When (ms) one sweep jumps, leaving out what is known to lie on the samples of a grid (ms)."""
        samples = jnp.arange(self._samples.shape[-1], dtype=self.start.dtype)
        return jnp.append(self.start + samples * self.interval, self.start + self.duration)

    def _within(self, sample: Float[Array, "*shape"]) -> Any:
        """The index of a sample, or of the one nearest to it that there is."""
        return jnp.clip(sample, 0, self._samples.shape[-1] - 1).astype(int)


def _number(name: str, value: Any, unit: str, **limits: float) -> Any:
    """A number, or one for each sweep, that shapes the samples, checked."""
    array = as_array(value)
    array = jnp.atleast_1d(array) if isinstance(array, jax.Array) else array
    check(f"Noise.{name}", array, {"unit": unit, "ndim": 1, **limits})
    return array


def _band(low: Any, high: Any, samples: int, interval: float) -> tuple[Any, Any]:
    """The corners (Hz), if the samples can have a frequency between them."""
    low, high = _number("low", low, "Hz", at_least=0.0), _number("high", high, "Hz", above=0.0)
    if can_compare(low, high):
        for bottom, top in zip(*np.broadcast_arrays(low, high), strict=True):
            if top > 500.0 / interval:
                raise ValueError(
                    f"Noise.high ({top:g} Hz) is more than samples every {interval:g} ms can have, "
                    f"{500.0 / interval:g} Hz; make the interval shorter"
                )
            if not np.any(_in_band(bottom, top, samples, interval)):
                raise ValueError(
                    f"Noise: no sinusoid of whole periods in {samples * interval:g} ms lies between {bottom:g} and "
                    f"{top:g} Hz; widen the band, or make the duration longer"
                )
    return low, high


def _keys(seed: Any) -> Any:
    """The keys of JAX's generator, one for each sweep."""
    if isinstance(seed, jax.Array) and jnp.issubdtype(seed.dtype, jax.dtypes.prng_key):
        return jnp.reshape(seed, (-1,))
    if isinstance(seed, jax.Array) and seed.dtype == jnp.uint32 and seed.shape[-1:] == (2,):  # of jax.random.PRNGKey
        return jnp.reshape(jax.random.wrap_key_data(seed, impl=_GENERATOR), (-1,))
    seeds = seed if isinstance(seed, jax.Array) else np.asarray(seed)
    whole = jnp.issubdtype(seeds.dtype, jnp.integer) and seeds.ndim <= 1 and seeds.size > 0
    if not whole or (isinstance(seeds, np.ndarray) and not np.all((seeds >= 0) & (seeds < _SEEDS))):
        raise ValueError(
            f"Noise.seed must be a whole number from 0 to {_SEEDS - 1}, a list of them, or a JAX key, not {seed!r}"
        )
    return jax.vmap(functools.partial(jax.random.key, impl=_GENERATOR))(jnp.asarray(seeds.ravel(), dtype=jnp.uint32))


def _drawn(draw: Any, seed: Any, shape: tuple[Any, ...], samples: int, interval: float) -> Float[Array, "sweeps n"]:
    """The samples of one sweep, or of as many as there are seeds or numbers that shape them."""
    keys = _keys(seed)
    sizes = {leaf.shape[0] for leaf in (keys, *shape)} - {1}
    if len(sizes) > 1:
        raise ValueError(f"Noise: families of {sorted(sizes)} sweeps do not zip")
    sweeps = max(sizes, default=1)
    each = [jnp.broadcast_to(leaf, (sweeps,)) for leaf in (keys, *shape)]
    return _sampled(*each, draw=draw, samples=samples, interval=interval)


@functools.partial(jax.jit, static_argnames=("draw", "samples", "interval"))
def _sampled(*each: Any, draw: Any, samples: int, interval: float) -> Float[Array, "sweeps n"]:
    return jax.vmap(functools.partial(draw, samples, interval))(*each)


def _ornstein_uhlenbeck(samples: int, interval: float, key: Any, time_constant: Any) -> Float[Array, " n"]:
    kept = jnp.exp(-interval / time_constant)
    added = jnp.sqrt(-jnp.expm1(-2.0 * interval / time_constant))

    def step(x: Any, deviate: Any) -> tuple[Any, Any]:
        x = kept * x + added * deviate
        return x, x

    deviates = _deviates(key, (samples,))
    _, later = jax.lax.scan(step, deviates[0], deviates[1:])
    return jnp.concatenate([deviates[:1], later])


def _band_limited(samples: int, interval: float, key: Any, low: Any, high: Any) -> Float[Array, " n"]:
    chosen = _in_band(low, high, samples, interval)
    real, imaginary = _deviates(key, (2, chosen.size))
    spectrum = jnp.where(chosen, jax.lax.complex(real, imaginary), 0.0)
    # So scaled, all sinusoids together have a mean square of 1.
    return jnp.fft.irfft(spectrum, samples) * samples / (2.0 * jnp.sqrt(jnp.sum(chosen)))


def _in_band(low: Any, high: Any, samples: int, interval: float) -> Any:
    """Which numbers of periods lie in a band (Hz); not 0, nor half the samples, where there is no phase."""
    periods = jnp.arange(samples // 2 + 1, dtype=float)
    length = 1e-3 * samples * interval
    inside = (periods >= low * length * (1.0 - _ROUNDING)) & (periods <= high * length * (1.0 + _ROUNDING))
    return inside & (periods > 0) & (2 * periods < samples)


def _deviates(key: Any, shape: tuple[int, ...]) -> Any:
    """Standard normal deviates, drawn in single precision, so that in double they are the same."""
    return jax.random.normal(key, shape, jnp.float32).astype(float)
