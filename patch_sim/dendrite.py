"""The dendrite of a cell that is otherwise one compartment."""

from typing import Any, ClassVar

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from patch_sim.channels import AbstractChannel
from patch_sim.channels.base import States
from patch_sim.electrochemistry import Ions
from patch_sim.gates import AbstractGate
from patch_sim.parameters import Number, parameter
from patch_sim.relaxation import History, first_half, relaxed, relaxed_on


class Dendrite(AbstractChannel):
    r"""A passive compartment behind a resistance: what a soma charges besides itself.

    $$I = g_\mathrm{max} (V - V_d), \qquad C_d \frac{dV_d}{dt} = g_\mathrm{max} (V - V_d) - g_d (V_d - E_d)$$

    It joins a neuron as channels do, under a name of its own: `neuron.with_channels(dendrite=ps.Dendrite(...))`. Its
    state is its potential, `"potential"` in mV; what flows into it is one of the neuron's `currents`. Everything is
    given for each cm2 of the *soma's* membrane, so that $C_d$ and the soma's capacitance can be compared.

    Two compartments are the least that gives a cell two time constants (Rall (1969), Biophys J 9:1483-1508, for how
    many there are, and Pinsky and Rinzel (1994), J Comput Neurosci 1:39-60, for a cell of two).

    Args:
        g_max: what couples it to the soma, mS/cm2.
        capacitance: $C_d$, uF/cm2.
        leak: $g_d$, mS/cm2.
        reversal: $E_d$, mV.
    """

    g_max: Number = parameter("mS/cm2", at_least=0.0)
    capacitance: Number = parameter("uF/cm2", above=0.0)
    leak: Number = parameter("mS/cm2", above=0.0)
    reversal: Number = parameter("mV", default=-65.0)
    gates: dict[str, AbstractGate] = eqx.field(default_factory=dict)
    ion: str | None = eqx.field(static=True, default=None)
    source: ClassVar[str] = "Ohm's law"

    @property
    def needs(self) -> tuple[str, ...]:
        """No ions."""
        return ()

    @property
    def state_names(self) -> tuple[str, ...]:
        """Its potential."""
        return ("potential",)

    def current(
        self, v: Float[Array, "*shape"], states: States, ions: Ions, temperature: Float[Array, ""]
    ) -> Float[Array, "*shape"]:
        """What flows into it (uA/cm2) at a voltage of the soma (mV)."""
        return self.g_max * (v - states["potential"])

    def steady_state(
        self, v: Float[Array, "*shape"], calcium: Float[Array, "*#shape"]
    ) -> dict[str, Float[Array, "*shape"]]:
        """Its potential (mV) after a long time at a voltage of the soma (mV)."""
        drive, total = self._drive(v)
        return {"potential": drive / total}

    def derivative(
        self, v: Float[Array, "*shape"], states: States, calcium: Float[Array, "*#shape"]
    ) -> dict[str, Float[Array, "*shape"]]:
        """How fast (mV/ms) its potential changes."""
        drive, total = self._drive(v)
        return {"potential": drive - total * states["potential"]}

    def implicit(
        self,
        v: Float[Array, "*shape"],
        states: States,
        calcium: Float[Array, "*#shape"],
        step: Float[Array, "*#shape"],
    ) -> dict[str, Float[Array, "*shape"]]:
        """The potential after an implicit step (ms) at a held voltage of the soma."""
        drive, total = self._drive(v)
        return {"potential": (states["potential"] + step * drive) / (1.0 + step * total)}

    def kinetics(self, v: Float[Array, "*shape"], calcium: Float[Array, "*#shape"]) -> Any:
        """What moves the potential at a voltage of the soma (mV)."""
        return {"potential": self._drive(v)}

    def relaxed(
        self, states: States, history: History, step: Float[Array, "*#shape"]
    ) -> dict[str, Float[Array, "*shape"]]:
        """The potential after a step (ms), see `patch_sim.relaxation`."""
        return {"potential": relaxed_on(states["potential"], _of_potential(history), step)}

    def half_relaxed(
        self, states: States, history: History, step: Float[Array, "*#shape"]
    ) -> dict[str, Float[Array, "*shape"]]:
        """The potential in the middle of that step."""
        return {"potential": relaxed(states["potential"], first_half(_of_potential(history)), 0.5 * step)}

    def _drive(self, v: Float[Array, "*shape"]) -> tuple[Float[Array, "*shape"], Float[Array, "*shape"]]:
        drive = (self.g_max * v + self.leak * self.reversal) / self.capacitance
        return drive, jnp.broadcast_to((self.g_max + self.leak) / self.capacitance, drive.shape)


def _of_potential(history: History) -> History:
    now, change, earlier = history
    return now["potential"], change["potential"], earlier["potential"]
