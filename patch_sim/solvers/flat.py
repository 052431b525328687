"""The equations of one sweep with the state as a vector."""

from collections.abc import Callable
from typing import Any

import diffrax
import equinox as eqx
import jax
import numpy as np
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Bool, Float

from patch_sim.neuron import State
from patch_sim.solvers.equation import SweepEquation


class FlatEquation(diffrax.AbstractTerm):
    """A `SweepEquation` for a state in one vector.

    What a solver does between two evaluations of the equations is then one operation on a vector, instead of one for
    each gate: a third less to compile for a cell with many channels, and not slower to run.
    """

    equation: SweepEquation
    unravel: Callable[[Any], State] = eqx.field(static=True)
    is_gate: Bool[np.ndarray, " unknowns"]

    def vf(self, t: Any, y: Float[Array, " unknowns"], args: Any) -> Float[Array, " unknowns"]:
        """How fast the state changes, per ms."""
        return ravel_pytree(self.equation.vf(t, self.unravel(y), args))[0]

    def longest_step_at(self, t: Any, y: Float[Array, " unknowns"], args: Any) -> Any:
        """What keeps an explicit method stable in the gates of a state, ms."""
        return self.equation.longest_step_at(t, self.unravel(y), args)

    def contr(self, t0: Any, t1: Any, **kwargs: Any) -> Any:
        """The length of a step, ms."""
        return t1 - t0

    def prod(self, vf: Float[Array, " unknowns"], control: Any) -> Float[Array, " unknowns"]:
        """The change over a step."""
        return control * vf

    def implicit(self, t: Any, y: Float[Array, " unknowns"], args: Any, step: Any) -> Float[Array, " unknowns"]:
        """The same state with gates x that solve x = x(y) + step dx/dt, voltage and calcium being as they are."""
        return ravel_pytree(self.equation.implicit(t, self.unravel(y), args, step))[0]


def flattened(equation: SweepEquation, state: State) -> tuple[FlatEquation, Float[Array, " unknowns"]]:
    """The same equation and state, the latter as a vector."""
    y, unravel = ravel_pytree(state)
    nowhere = jax.tree.map(lambda _: False, state)
    gates = eqx.tree_at(lambda state: state.gates, nowhere, jax.tree.map(lambda _: True, state.gates))
    return FlatEquation(equation, unravel, np.array(jax.tree.leaves(gates))), y
