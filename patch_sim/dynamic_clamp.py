r"""Conductances that a computer adds to a cell through the electrode.

At each moment the computer reads the reported voltage $V_\mathrm{rep}$ and has the amplifier inject, beside the
command, the current that the virtual conductances would carry at that voltage:

$$I = I_\mathrm{cmd} - A \sum_k I_k(V_\mathrm{rep}) - \sum_j g_j(t) (V_\mathrm{rep} - E_j).$$

Through an ideal electrode, or a balanced bridge, this is a channel in the membrane; what is left of the series
resistance makes it see its own injected current. (Sharp et al. (1993), J Neurophysiol 69:992-995; Robinson and Kawai
(1993), J Neurosci Methods 49:157-165.) The computer is taken as fast: it reads and injects at once, before any filter.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from patch_sim.channels import AbstractChannel
from patch_sim.neuron import Gates, Neuron, State
from patch_sim.parameters import AbstractParametric
from patch_sim.stimuli import AbstractStimulus, Family, family
from patch_sim.units import whole_cell_current

_NEWTON = 4  # steps; one is exact for an ohmic conductance


class Conductance(AbstractParametric):
    """A conductance waveform with its reversal potential, as of synaptic input.

    Args:
        waveform: any stimulus, here in nS.
        reversal: mV, one number or one for each sweep.

    Raises:
        ValueError: a waveform that is no stimulus, families whose lengths differ.
    """

    waveform: AbstractStimulus
    reversal: Family = family("mV")

    def __check_init__(self):
        if not isinstance(self.waveform, AbstractStimulus):
            raise ValueError(f"Conductance.waveform must be a stimulus such as Step, in nS, not {self.waveform!r}")


class DynamicClamp(AbstractParametric):
    """What a computer adds to a cell.

    Args:
        channels: virtual channels by name, their densities those that they would have in the membrane of the cell that
            is patched. They read the resting calcium of its ions and fill no pool.
        conductances: waveforms that are given in time.

    Raises:
        ValueError: what are no channels or conductances, or none of either.
    """

    channels: dict[str, AbstractChannel]
    conductances: tuple[Conductance, ...]

    def __init__(self, channels: Mapping[str, AbstractChannel] | None = None, conductances: Sequence[Conductance] = ()):
        channels = {} if channels is None else dict(channels)
        conductances = tuple(conductances)
        if not all(isinstance(channel, AbstractChannel) for channel in channels.values()):
            raise ValueError(f"DynamicClamp.channels must be channels by name, not {channels!r}")
        if not all(isinstance(one, Conductance) for one in conductances):
            raise ValueError(f"DynamicClamp.conductances must be a list of Conductance, not {conductances!r}")
        if not channels and not conductances:
            raise ValueError("a DynamicClamp needs a channel or a conductance to add")
        self.channels = channels
        self.conductances = conductances

    def on(self, neuron: Neuron, sweeps: int) -> "VirtualConductances":
        """The virtual conductances of a cell, every waveform as long as there are sweeps.

        Raises:
            ValueError: a virtual channel of the name of one that the cell has.
        """
        for name in self.channels:
            if name in neuron.channels:
                raise ValueError(f"the cell has a channel {name!r} of its own: give the virtual one another name")
        virtual = neuron.with_channels(**self.channels).without(*neuron.channels)
        virtual = eqx.tree_at(lambda cell: cell.calcium, virtual, None, is_leaf=lambda x: x is None)
        spread = jax.tree.map(lambda x: jnp.broadcast_to(x, (sweeps, *x.shape[1:])), self.conductances)
        return VirtualConductances(virtual, spread)


class VirtualConductances(eqx.Module):
    """The virtual conductances of one cell and, but for the first axis of its waveforms, of one sweep.

    Attributes:
        membrane: as much membrane as the cell has, with the virtual channels alone.
        conductances: the waveforms.
    """

    membrane: Neuron
    conductances: tuple[Conductance, ...]

    def gates_at(self, v: Float[Array, "*shape"]) -> Gates:
        """The gates of the virtual channels at the steady state of a voltage (mV)."""
        return self.membrane.settled(v, None).gates

    def of(self, gates: Gates) -> Gates:
        """Those of the virtual channels, out of all gates."""
        return {name: gates[name] for name in self.membrane.channels}

    def derivative(self, v: Float[Array, "*shape"], gates: Gates) -> Gates:
        """How fast they change at a voltage (mV), per ms."""
        return self.membrane.derivative(State(v, self.of(gates)), jnp.zeros_like(v)).gates

    def implicit(self, v: Float[Array, "*shape"], gates: Gates, step: Float[Array, "*#shape"]) -> Gates:
        """The gates x that solve x = gates + step dx/dt at a voltage (mV)."""
        return self.membrane.implicit(State(v, self.of(gates)), step)

    def current(self, t: Float[Array, "*shape"], v: Float[Array, "*shape"], gates: Gates) -> Float[Array, "*shape"]:
        """What they carry at a voltage (mV) out of the cell, pA."""
        densities = self.membrane.currents(State(v, self.of(gates)))
        carried: list[Any] = [whole_cell_current(density, self.membrane.area) for density in densities.values()]
        given = [one.waveform.at(t, jnp.zeros((), v.dtype)) * (v - one.reversal) for one in self.conductances]
        return sum([*carried, *given], jnp.zeros_like(v))

    def injected(
        self,
        t: Float[Array, "*shape"],
        command: Float[Array, "*shape"],
        gates: Gates,
        reported: Callable[[Float[Array, "*shape"]], Float[Array, "*shape"]],
    ) -> Float[Array, "*shape"]:
        r"""The whole current (pA) that the amplifier injects.

        It solves $I = I_\mathrm{cmd} - f(V_\mathrm{rep}(I))$ by Newton's method. Where feedback through an unbalanced
        bridge exceeds what it makes up for, a real rig oscillates, and this is NaN.

        Args:
            t: ms.
            command: pA.
            gates: of all channels.
            reported: the voltage (mV) that is reported while a current (pA) is injected.
        """

        def excess(current: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
            return current - command + self.current(t, reported(current), gates)

        current = command
        for _ in range(_NEWTON):
            value, slope = jax.jvp(excess, (current,), (jnp.ones_like(current),))
            current = current - value / jnp.where(slope > 0.0, slope, jnp.nan)
        return current
