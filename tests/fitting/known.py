"""An objective whose residuals are a given function of the parameters."""

import jax
import jax.numpy as jnp
import numpy as np

import patch_sim as ps
from fitting.objective import Objective
from fitting.parameters import space
from fitting.setup import Setup

NAMES = ["channels.Leak.reversal", "channels.Leak.g_max"]
BOX = space(
    Setup((ps.presets.neuron("squid_axon"),)), NAMES, dict(zip(NAMES, [(-80.0, -40.0), (0.01, 10.0)], strict=True))
)


class Known(Objective):
    """Residuals as a function of the parameters' values, of which some sweeps x samples may be masked."""

    def __init__(self, residual, counted, box=BOX):
        object.__setattr__(self, "function", residual)
        object.__setattr__(self, "mask", np.atleast_2d(counted))
        object.__setattr__(self, "space", box)

    @property
    def counted(self):
        return (self.mask,)

    @property
    def recorded(self):
        return self.counted

    @property
    def scored(self):
        return int(self.mask.sum())

    @property
    def weight(self):
        return float(self.scored)

    def _residual(self, u):
        values = dict(zip(self.space.names, self.space.values(u), strict=True))
        return jnp.where(self.mask.ravel(), self.function(values), 0.0)

    def residual(self, u):
        return np.asarray(self._residual(jnp.asarray(u)))

    def cost(self, u):
        return float(np.sum(self.residual(u) ** 2))

    def jacobian(self, u):
        u = jnp.asarray(u)
        return np.asarray(self._residual(u)), np.asarray(jax.jacfwd(self._residual)(u)).T

    def linearize(self, u):
        r, jacobian = self.jacobian(u)
        return float(r @ r), jacobian @ r, jacobian @ jacobian.T
