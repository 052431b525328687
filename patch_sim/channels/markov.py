"""Channels whose states are not independent gates: Markov schemes."""

import abc
from collections.abc import Mapping, Sequence
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from patch_sim.channels.base import AbstractOhmicChannel, States
from patch_sim.contour import propagate
from patch_sim.elimination import solve, solve_dense
from patch_sim.relaxation import History


class AbstractMarkovChannel(AbstractOhmicChannel):
    r"""A channel declared by its states and the rates between them, $\dot{p} = Q(V) \, p$.

    It starts from the null vector of $Q$. What leaves one state enters another, so the occupancies always sum to 1.

    Attributes:
        states: the names of the states.
        conducting: those that let ions through.
    """

    states: eqx.AbstractClassVar[tuple[str, ...]]
    conducting: eqx.AbstractClassVar[tuple[str, ...]]

    @abc.abstractmethod
    def transitions(
        self, v: Float[Array, "*shape"], calcium: Float[Array, "*#shape"]
    ) -> Mapping[tuple[str, str], Float[Array, "*shape"]]:
        """The rate (1/ms) of each transition, by where it leaves and where it goes, at a voltage (mV)."""

    def generator(
        self, v: Float[Array, "*shape"], calcium: Float[Array, "*#shape"]
    ) -> Float[Array, "*shape states states"]:
        """The matrix $Q$ (1/ms) at a voltage (mV)."""
        transitions, size = self.transitions(v, calcium), len(self.states)
        moves = np.zeros((len(transitions), size, size))
        for move, ends in zip(moves, transitions, strict=True):
            source, target = map(self.states.index, ends)
            move[target, source] += 1.0
            move[source, source] -= 1.0
        rates = jnp.stack(list(transitions.values()), axis=-1)
        return jnp.tensordot(rates, jnp.asarray(moves, v.dtype), axes=1, precision="highest")

    @property
    def state_names(self) -> tuple[str, ...]:
        """What the channel remembers: the occupancies of all its states."""
        return self.states

    def open_fraction(
        self, v: Float[Array, "*shape"], states: States, calcium: Float[Array, "*#shape"]
    ) -> Float[Array, "*shape"]:
        """The occupancy of the conducting states."""
        return sum((states[state] for state in self.conducting), jnp.zeros_like(v))

    def steady_state(
        self, v: Float[Array, "*shape"], calcium: Float[Array, "*#shape"]
    ) -> dict[str, Float[Array, "*shape"]]:
        """The occupancies after a long time at a voltage (mV)."""
        matrix = self.generator(v, calcium).at[..., -1, :].set(1.0)  # one balance is redundant: all sum to 1 instead
        one = jnp.zeros((*v.shape, len(self.states), 1), v.dtype).at[..., -1, :].set(1.0)
        occupancies = jnp.vectorize(solve_dense, signature="(n,n),(n,m)->(n,m)")(matrix, one)[..., 0]
        return {state: occupancies[..., index] for index, state in enumerate(self.states)}

    def derivative(
        self, v: Float[Array, "*shape"], states: States, calcium: Float[Array, "*#shape"]
    ) -> dict[str, Float[Array, "*shape"]]:
        """How fast (1/ms) the occupancies change."""
        change = {state: jnp.zeros_like(v) for state in self.states}
        for (source, target), rate in self.transitions(v, calcium).items():
            flux = rate * states[source]
            change[source] = change[source] - flux
            change[target] = change[target] + flux
        return change

    def implicit(
        self,
        v: Float[Array, "*shape"],
        states: States,
        calcium: Float[Array, "*#shape"],
        step: Float[Array, "*#shape"],
    ) -> dict[str, Float[Array, "*shape"]]:
        """The occupancies p that solve $p = p_0 + h Q p$ at a held voltage: an implicit step of h ms."""
        matrix = {place: -step * rate for place, rate in self._entries(v, calcium).items()}
        for k in range(len(self.states)):
            matrix[k, k] = 1.0 + matrix[k, k]
        return self._named(solve(matrix, [states[state] for state in self.states]))

    def kinetics(self, v: Float[Array, "*shape"], calcium: Float[Array, "*#shape"]) -> Any:
        """What moves the occupancies: the entries of $Q$."""
        return self._entries(v, calcium)

    def relaxed(
        self, states: States, history: History, step: Float[Array, "*#shape"]
    ) -> dict[str, Float[Array, "*shape"]]:
        r"""The occupancies after a step (ms), $p(t) = e^{Q t} p_0$, with the Q in its middle."""
        return self._named(self._propagated(states, history, step)[1])

    def half_relaxed(
        self, states: States, history: History, step: Float[Array, "*#shape"]
    ) -> dict[str, Float[Array, "*shape"]]:
        """The occupancies in the middle of that step."""
        return self._named(self._propagated(states, history, step)[0])

    def _propagated(self, states: States, history: History, step: Float[Array, "*#shape"]) -> Any:
        matrix = {place: step * rate for place, rate in history[0].items()}
        return propagate(matrix, [states[state] for state in self.states])

    def _entries(
        self, v: Float[Array, "*shape"], calcium: Float[Array, "*#shape"]
    ) -> dict[tuple[int, int], Float[Array, "*shape"]]:
        """The entries of $Q$ that are not 0, and its whole diagonal, by row and column."""
        place = {state: index for index, state in enumerate(self.states)}
        entries = {(index, index): jnp.zeros_like(v) for index in place.values()}
        for (source, target), rate in self.transitions(v, calcium).items():
            entries[place[target], place[source]] = rate
            entries[place[source], place[source]] = entries[place[source], place[source]] - rate
        return entries

    def _named(self, occupancies: Sequence[Float[Array, "*shape"]]) -> dict[str, Float[Array, "*shape"]]:
        return dict(zip(self.states, occupancies, strict=True))
