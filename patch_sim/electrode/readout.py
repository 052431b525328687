"""What becomes of a response on its way into a file: noise and steps."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float


def pink(white: Float[Array, "sweeps samples"]) -> Float[Array, "sweeps samples"]:
    """White noise shaped to a power that falls as 1/f, of standard deviation 1 and mean 0."""
    samples = white.shape[1]
    frequency = np.fft.rfftfreq(samples)
    gain = np.sqrt(np.divide(1.0, frequency, out=np.zeros_like(frequency), where=frequency > 0))
    twice = np.where((np.arange(gain.size) == 0) | (2 * np.arange(gain.size) == samples), 1.0, 2.0)
    gain = gain / max(np.sqrt(np.sum(twice * gain**2) / samples), np.finfo(float).tiny)
    spectrum = jnp.fft.rfft(white, axis=1)
    return jnp.fft.irfft(spectrum * jnp.asarray(gain, spectrum.dtype)[None], samples, axis=1)


def quantized(response: Float[Array, "sweeps samples"], step: Float[Array, ""]) -> Float[Array, "sweeps samples"]:
    """A response rounded to whole steps, and as it was where the step is 0; its derivatives are those before."""
    safe = jnp.where(step > 0.0, step, 1.0)
    rounding = jnp.where(step > 0.0, jnp.round(response / safe) * safe - response, 0.0)
    return response + jax.lax.stop_gradient(rounding)
