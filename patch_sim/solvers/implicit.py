"""Steps that are implicit in the gates alone."""

from typing import Any, ClassVar

import diffrax
import jax
import jax.numpy as jnp
import numpy as np

from patch_sim.solvers.equation import equation_of

_EXPLICIT, _IMPLICIT = diffrax.KenCarp4.tableau.tableaus


class ImplicitGates(diffrax.AbstractSolver):
    r"""An implicit-explicit Runge-Kutta method of fourth order, for cells with very fast gates or Markov channels.

    The equations are linear in the gates once voltage and calcium are known. In each stage those two are taken
    explicitly, and the gates then follow from one linear equation each (a division, or for a Markov channel the
    elimination of its few states), so that their rates may be as fast as they like. No iteration, no Jacobian.

    ARK4(3)6L[2]SA of Kennedy and Carpenter (2003), Appl Numer Math 44:139-181, with an embedded third-order error
    estimate. The implicit half is L-stable.
    """

    term_structure: ClassVar = diffrax.AbstractTerm
    interpolation_cls: ClassVar = diffrax.ThirdOrderHermitePolynomialInterpolation.from_k

    def order(self, terms: Any) -> int:
        """4."""
        return 4

    def init(self, terms, t0, t1, y0, args) -> None:
        """Nothing is carried from step to step."""

    def func(self, terms, t0, y0, args) -> Any:
        """The derivative of the state."""
        return terms.vf(t0, y0, args)

    def step(self, terms, t0, t1, y0, args, solver_state, made_jump):
        """One step: the new state, its error, and what interpolation within the step needs."""
        h, equation = t1 - t0, equation_of(terms)
        is_gate = jnp.asarray(equation.is_gate)

        def stage(slopes: Any, row: Any) -> tuple[Any, Any]:
            k, c, diagonal, explicit, implicit = row
            known = jnp.where(is_gate, y0 + h * (implicit @ slopes), y0 + h * (explicit @ slopes))
            reached = equation.implicit(t0 + c * h, known, args, diagonal * h)
            return slopes.at[k].set(terms.vf(t0 + c * h, reached, args)), reached

        rows = tuple(jnp.asarray(part, dtype=t0.dtype) for part in _ROWS)
        slopes = jnp.zeros((len(_NODES), *y0.shape), y0.dtype)
        # A loop, so that the equations of a cell with many channels are compiled once and not for each stage.
        slopes, stages = jax.lax.scan(stage, slopes, (jnp.arange(len(_NODES)), *rows))
        weights, error_weights = (jnp.asarray(part, dtype=t0.dtype) for part in (_EXPLICIT.b_sol, _EXPLICIT.b_error))
        y1 = jnp.where(is_gate, stages[-1], y0 + h * (weights @ slopes))
        ks = h * slopes[jnp.array([0, -1])]
        return y1, h * (error_weights @ slopes), {"y0": y0, "y1": y1, "k": ks}, None, diffrax.RESULTS.successful


def _square(rows: tuple[np.ndarray, ...]) -> np.ndarray:
    """The rows below the diagonal of a tableau, the first one empty, filled up with zeros."""
    return np.array([np.pad(row, (0, len(rows) + 1 - len(row))) for row in (np.array([]), *rows)])


_NODES = np.array([0.0, *_EXPLICIT.c])
_ROWS = _NODES, _IMPLICIT.a_diagonal, _square(_EXPLICIT.a_lower), _square(_IMPLICIT.a_lower)
