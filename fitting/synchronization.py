r"""A model held near the recorded voltage, and let go by degrees.

Beside what is commanded, a conductance joins the simulated membrane to the recorded voltage $V_\mathrm{rec}$,

$$I_\mathrm{sync} = k \, (V_\mathrm{rec}(t) - V),$$

so that spikes come when they were recorded also where the parameters are wrong, and the sum of squares has one valley
where it had many. A fit at a large k starts one at a smaller, and at last one at none. (Abarbanel, Creveling, Farsian
and Kostuk (2009), SIAM J Appl Dyn Syst 8:1341-1381; Toth, Kostuk, Meliza, Margoliash and Abarbanel (2011), Biol Cybern
105:217-237.)
"""

import dataclasses
from collections.abc import Sequence
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

import patch_sim as ps

_NAME = "synchronization"


class Synchronization(eqx.Module):
    """What holds a membrane in current clamp.

    Attributes:
        conductance: k, nS.
        recorded: the voltage as it was measured, mV.
    """

    conductance: Float[Array, ""]
    recorded: Float[Array, "sweeps samples"]

    def applied(
        self, neuron: ps.Neuron, protocol: ps.CurrentClamp
    ) -> tuple[ps.Neuron, ps.CurrentClamp, Float[Array, "sweeps samples"]]:
        r"""What has to be simulated: $-k V$ is a leak of the membrane, $k V_\mathrm{rec}$ is injected.

        Args:
            neuron: the model.
            protocol: what was commanded, with the electrode.

        Returns:
            The neuron, the protocol, and what the injected part drops over what the bridge leaves of the electrode, mV,
            which is to be taken away from the simulated response.
        """
        electrode: Any = protocol.electrode
        density = self.conductance / ps.units.whole_cell_conductance(1.0, neuron.area)
        held = neuron.with_channels(**{_NAME: ps.channels.Leak(g_max=density, reversal=jnp.zeros_like(density))})
        current = self.conductance * (self.recorded - electrode.shift)
        stimulus = protocol.stimulus + ps.Samples(current - current[:, :1], protocol.dt, linear=True)
        driven = dataclasses.replace(protocol, stimulus=stimulus, holding=protocol.holding + current[:, 0])
        left = electrode.series_resistance - electrode.compensation.bridge
        return held, driven, 1e-3 * left * current


def synchronization(recording: ps.Recording, conductance: float) -> Synchronization | None:
    """What holds a membrane at a recording; None in voltage clamp."""
    if recording.mode is not ps.Mode.CURRENT_CLAMP:
        return None
    return Synchronization(jnp.asarray(conductance, dtype=float), jnp.asarray(recording.response, dtype=float))


def check_synchronization(
    conductances: Sequence[float], recordings: Sequence[ps.Recording], electrodes: Sequence[ps.Electrode]
) -> None:
    """Whether some conductances (nS) can hold a model at some recordings, each made through an electrode.

    Raises:
        ValueError: they are not positive, nothing was recorded in current clamp, a voltage that is not finite, or a
            pipette that has to be charged.
    """
    if not all(isinstance(k, int | float) and 0 < k < float("inf") for k in conductances):
        raise ValueError(f"synchronize must be positive conductances in nS, not {conductances!r}")
    if not conductances:
        return
    pairs = zip(recordings, electrodes, strict=True)
    clamped = [(recording, through) for recording, through in pairs if recording.mode is ps.Mode.CURRENT_CLAMP]
    if not clamped:
        raise ValueError("synchronize holds the membrane at a recorded voltage: there is no current clamp among these")
    for recording, electrode in clamped:
        if not np.all(np.isfinite(np.asarray(recording.response))):
            raise ValueError("synchronize needs a recorded voltage that is finite everywhere, masked or not")
        if "capacitance" in electrode.used:
            raise ValueError("synchronize takes a pipette as one that need not be charged: neutralize its capacitance")
