r"""The potentials of membrane and electrode, moved together.

At known gates they are linear, $\dot x = f(x)$ with a Jacobian $A$, and after a step of h ms at a constant command

$$x(h) = x_0 + \frac{e^{h A} - 1}{h A} \, h f(x_0).$$
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from patch_sim.neuron import State
from patch_sim.solvers.equation import RigEquation

Vector = list[Float[Array, "*shape"]]
"""The potentials: few, so that each is an array of its own."""

_ORDER = 4
"""Even, so that nothing grows that should decay: see `patch_sim.relaxation`, where the same is done to one number."""


def potentials_moved(
    equation: RigEquation, t0: Any, t1: Any, middle: State, args: Any
) -> tuple[Float[Array, ""], dict[str, Float[Array, ""]]]:
    """The potentials (mV) of membrane and electrode after a step at the gates in its middle and its mean command.

    A current that is no straight line in the voltage is taken along its tangent.
    """
    _, stimulus, holding, *_ = args
    command = holding + stimulus.mean(t0, t1, holding)
    names = tuple(middle.electrode)

    def slopes(potentials: Vector) -> Vector:
        held = dict(zip(names, potentials[1:], strict=True))
        moving = equation.potential_slopes(State(potentials[0], middle.gates, middle.calcium, held), command, args)
        return [moving.voltage, *(moving.electrode[name] for name in names)]

    voltage, *held = _relaxed([middle.voltage, *middle.electrode.values()], slopes, t1 - t0)
    return voltage, dict(zip(names, held, strict=True))


def _relaxed(x: Vector, slopes: Callable[[Vector], Vector], step: Float[Array, ""]) -> Vector:
    r"""Where linear equations come in a step (ms).

    With $K = -h A$ and the Taylor polynomial $D = 1 + K p(K)$ of $e^K$ that is $x_0 + D^{-1} p(K) \, h f(x_0)$.
    """

    def against(y: Vector) -> Vector:
        """K y."""
        _, change = jax.jvp(slopes, (x,), (y,))
        return [-step * one for one in change]

    unit = [[jnp.full_like(x[0], float(row == column)) for row in range(len(x))] for column in range(len(x))]
    generator = [against(column) for column in unit]
    push = [step * slope for slope in slopes(x)]
    columns = [_plus(one, _times(generator, _growth(generator, one))) for one in unit]
    return _plus(x, _solved(columns, _growth(generator, push)))


def _growth(generator: Sequence[Vector], y: Vector) -> Vector:
    """$p(K) y$, where $p(k)$ is the Taylor polynomial of $(e^k - 1) / k$."""
    coefficients = [1.0 / math.factorial(n) for n in range(1, _ORDER + 1)]
    total = [coefficients[-1] * one for one in y]
    for coefficient in reversed(coefficients[:-1]):
        total = _plus([coefficient * one for one in y], _times(generator, total))
    return total


def _plus(x: Vector, y: Vector) -> Vector:
    return [a + b for a, b in zip(x, y, strict=True)]


def _times(columns: Sequence[Vector], y: Vector) -> Vector:
    """A matrix, given by its columns, times a vector."""
    return [
        sum((column[row] * one for column, one in zip(columns, y, strict=True)), 0.0 * y[0]) for row in range(len(y))
    ]


def _solved(columns: Sequence[Vector], right: Vector) -> Vector:
    """The solution of a linear system by Cramer's rule: the determinant of what is nearly $e^K$ is never 0."""
    whole = _determinant(columns)
    return [_determinant([*columns[:k], right, *columns[k + 1 :]]) / whole for k in range(len(right))]


def _determinant(columns: Sequence[Vector]) -> Any:
    """By expansion along the first row."""
    if not columns:
        return 1.0
    minors = [[column[1:] for column in [*columns[:k], *columns[k + 1 :]]] for k in range(len(columns))]
    return sum(
        (-1.0) ** k * column[0] * _determinant(minor)
        for k, (column, minor) in enumerate(zip(columns, minors, strict=True))
    )
