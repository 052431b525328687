r"""A model held near the recorded voltage, and let go by degrees.

Beside what is commanded, a conductance joins the simulated membrane to the recorded voltage $V_\mathrm{rec}$,

$$I_\mathrm{sync} = k \, (V_\mathrm{rec}(t) - V),$$

so that spikes come when they were recorded also where the parameters are wrong, and the sum of squares has one valley
where it had many. A fit at a large k starts one at a smaller, and at last one at none. (Abarbanel, Creveling, Farsian
and Kostuk (2009), SIAM J Appl Dyn Syst 8:1341-1381; Toth, Kostuk, Meliza, Margoliash and Abarbanel (2011), Biol Cybern
105:217-237.)
"""

import dataclasses
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Float

import patch_sim as ps
from fitting.continuation import AbstractContinuation

_NAME = "synchronization"


class Synchronization(AbstractContinuation):
    """What holds a membrane in current clamp.

    Attributes:
        conductance: k, nS.
        recorded: the voltage as it was measured, mV.
    """

    conductance: Float[Array, ""]
    recorded: Float[Array, "sweeps samples"]

    def response(
        self, neuron: ps.Neuron, protocol: ps.CurrentClamp, initial: Any, solver: ps.Solver
    ) -> Float[Array, "sweeps samples"]:
        r"""What is seen of a model that is held, mV: $-k V$ is a leak of it, $k V_\mathrm{rec}$ is injected."""
        electrode: Any = protocol.electrode
        density = self.conductance / ps.units.whole_cell_conductance(1.0, neuron.area)
        held = neuron.with_channels(**{_NAME: ps.channels.Leak(g_max=density, reversal=jnp.zeros_like(density))})
        current = self.conductance * (self.recorded - electrode.shift)
        stimulus = protocol.stimulus + ps.Samples(current - current[:, :1], protocol.dt, linear=True)
        driven: Any = dataclasses.replace(protocol, stimulus=stimulus, holding=protocol.holding + current[:, 0])
        rec = ps.simulate(held, driven, initial=initial, save=("measured_voltage",), solver=solver)
        # What is injected drops over what the bridge leaves of the electrode, and does so in the simulation alone.
        return rec.response - 1e-3 * (electrode.series_resistance - electrode.compensation.bridge) * current


def synchronization(recording: ps.Recording, conductance: float) -> Synchronization | None:
    """What holds a membrane at a recording; None in voltage clamp."""
    if recording.mode is not ps.Mode.CURRENT_CLAMP:
        return None
    return Synchronization(jnp.asarray(conductance, dtype=float), jnp.asarray(recording.response, dtype=float))
