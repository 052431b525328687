"""The calcium that channels let in, and that other channels read."""

from jaxtyping import Array, Float

from patch_sim.parameters import AbstractParametric, Number, parameter
from patch_sim.units import FARADAY_CONSTANT

_SHELL = 10.0  # uA/cm2 over C/mol and um, in mM/ms


class CalciumPool(AbstractParametric):
    r"""A thin shell under the membrane that calcium currents fill and that empties by itself.

    $$\frac{d[Ca]}{dt} = -\frac{\gamma I_\mathrm{Ca}}{2 F d} - \frac{[Ca] - [Ca]_\infty}{\tau}$$

    Destexhe et al. (1994), J Neurophysiol 72:803-818; with a small gamma for buffering, Hay et al. (2011), PLoS Comput
    Biol 7:e1002107. (Some files of the former stop the influx from being negative; this one does not.)

    Attributes:
        gamma: the fraction of entering calcium that stays free.
        depth: of the shell, um.
        decay: time constant of removal, ms.
        resting: concentration without a current, mM.
    """

    gamma: Number = parameter("", at_least=0.0, default=0.05)
    depth: Number = parameter("um", above=0.0, default=1.0)
    decay: Number = parameter("ms", above=0.0, default=80.0)
    resting: Number = parameter("mM", above=0.0, default=1e-4)

    def influx(self, current: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
        """What a calcium current (uA/cm2, outward positive) adds, mM/ms."""
        return -_SHELL * self.gamma * current / (2.0 * FARADAY_CONSTANT * self.depth)

    def derivative(self, calcium: Float[Array, "*shape"], current: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
        """How fast (mM/ms) the concentration (mM) changes while a calcium current (uA/cm2) flows."""
        return self.influx(current) - (calcium - self.resting) / self.decay
