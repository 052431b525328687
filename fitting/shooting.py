r"""A model that starts anew near the recorded voltage, in pieces that grow.

What is wrong with a model adds up along a sweep: the second spike is late, the tenth is missing, and the sum of squares
has many valleys. Over a piece of some milliseconds it has not yet. So each sweep is cut into pieces, every one of which
starts with the gates that the recorded voltage has given so far, and at a voltage of its own,

$$V_j(t_j) = V_\mathrm{rec}(t_j) + \delta_j, \qquad x_j(t_j) = x\,[V_\mathrm{rec}(t), t \le t_j],$$

the gates being those of the model in an ideal clamp. The $\delta_j$ are found with the parameters: near threshold a
tenth of a millivolt of noise decides when the next spike comes. A fit of short pieces starts one of longer ones, and at
last one of whole sweeps.

In multiple shooting at large all states at the knots are unknown, and joined by constraints (Bock (1983), in: Numerical
treatment of inverse problems in differential and integral equations, Birkhauser, 95-121; Baake, Baake, Bock and Briggs
(1992), Phys Rev A 45:5524-5529). Gates know of nothing but the voltage, and that was measured.
"""

import dataclasses
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

import patch_sim as ps
from fitting.continuation import AbstractContinuation
from fitting.held import Held, held

_FARTHEST = 10.0  # mV: from the recorded voltage to that at which a piece may start


class Shooting(AbstractContinuation):
    """A recording in current clamp, cut into pieces.

    Attributes:
        held: where the membrane was.
        knots: the sample of the recording at which each piece starts.
        played: the sample of the command for each sample of the pieces, one piece after the other, all equally long.
        compared: the sample of the pieces for each of the recording: a piece counts until the next one starts.
        moved: how far from the recorded voltage each piece starts, mV.
    """

    held: Held
    knots: Int[Array, "sweeps pieces"]
    played: Int[Array, "sweeps played"]
    compared: Int[Array, "sweeps samples"]
    moved: Float[Array, "sweeps pieces"]

    def response(
        self, neuron: ps.Neuron, protocol: ps.CurrentClamp, initial: Any, solver: ps.Solver
    ) -> Float[Array, "sweeps samples"]:
        """What is seen of a model that starts anew at each piece, mV, wherever `initial` would have it start."""
        sweeps, pieces = self.knots.shape
        command = jnp.take_along_axis(protocol.command(), self.played, axis=1).reshape(sweeps * pieces, -1)
        shots: Any = dataclasses.replace(
            protocol,
            stimulus=ps.Samples(command - command[:, :1], protocol.dt),
            holding=command[:, 0],
            duration=command.shape[1] * protocol.dt,
        )
        starts = self.starts(neuron, protocol.electrode)
        rec = ps.simulate(neuron, shots, initial=starts, save=("measured_voltage",), solver=solver)
        return jnp.take_along_axis(rec.response.reshape(sweeps, -1), self.compared, axis=1)

    def starts(self, neuron: ps.Neuron, electrode: Any) -> ps.State:
        """Where the pieces start, `(pieces,)`, those of the first sweep first."""
        v, _ = self.held.membrane(electrode)
        states = ps.simulate(neuron, self.held.clamp(v), save=("states",)).states
        at = {name: jnp.take_along_axis(x, self.knots, axis=1).ravel() for name, x in {"": v, **states}.items()}
        gates: dict[str, dict[str, Array]] = {name: {} for name in neuron.channels}
        for name in states:
            channel, dot, gate = name.partition(".")
            if dot:
                gates[channel][gate] = at[name]
        return ps.State(at[""] + self.moved.ravel(), gates, at.get("calcium"))

    @property
    def unknowns(self) -> int:
        """One for each piece: where it starts, between `_FARTHEST` below the recorded voltage and as much above."""
        return self.moved.size

    def placed(self, unknowns: Float[Array, " unknowns"]) -> "Shooting":
        """The same with pieces that start elsewhere."""
        return dataclasses.replace(self, moved=_FARTHEST * (2.0 * unknowns - 1.0).reshape(self.moved.shape))

    @property
    def owners(self) -> Int[Array, "sweeps samples"]:
        """Which piece each sample is of, the sweeps' one after the other."""
        sweeps, pieces = self.knots.shape
        return self.compared // (self.played.shape[1] // pieces) + pieces * jnp.arange(sweeps)[:, None]


def shooting(recording: ps.Recording, length: float) -> Shooting | None:
    """A recording in pieces of about a length (ms), or in one if it is shorter; None in voltage clamp.

    A piece starts where the voltage is quietest in the half length before its time has come: on a spike a small error
    of the start would soon be a large one.
    """
    if recording.mode is not ps.Mode.CURRENT_CLAMP:
        return None
    where = held(recording)
    knots = _knots(np.asarray(where.response), max(round(length / recording.dt), 2))
    sweeps, samples = where.response.shape
    longest = np.diff(knots, axis=1, append=samples).max()
    played = np.minimum(knots[:, :, None] + np.arange(longest), samples - 1).reshape(sweeps, -1)
    piece = np.sum(knots[:, :, None] <= np.arange(samples), axis=1) - 1
    compared = piece * longest + np.arange(samples) - np.take_along_axis(knots, piece, axis=1)
    indices = (jnp.asarray(index) for index in (knots, played, compared))
    return Shooting(where, *indices, moved=jnp.zeros(knots.shape))


def _knots(v: np.ndarray, piece: int) -> np.ndarray:
    """Where the pieces of each sweep start, `(sweeps, pieces)`."""
    sweeps, samples = v.shape
    moving = np.abs(np.gradient(v, axis=1))
    knots = np.zeros((sweeps, -(-samples // piece)), dtype=int)
    for k in range(1, knots.shape[1]):
        first = k * piece - piece // 2
        knots[:, k] = first + np.argmin(moving[:, first : k * piece + 1], axis=1)
    return knots
