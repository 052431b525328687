"""A table of epochs, as acquisition programs have it."""

import numbers
from collections.abc import Sequence

import jax.numpy as jnp
from jax.core import Tracer

from patch_sim.parameters import AbstractParametric, Number, parameter
from patch_sim.stimuli.steps import Levels


class Epoch(AbstractParametric):
    """One column of a table of epochs; each sweep adds the `_step` of a level or a duration once more.

    Args:
        level: of the first sweep, in pA or mV, absolute.
        duration: of the first sweep, ms.
        level_step: in pA or mV.
        duration_step: ms.
        ramp: whether the level is reached in a straight line from the epoch before (the first from the holding level),
            just at its end, instead of at once.
    """

    level: Number = parameter("")
    duration: Number = parameter("ms", at_least=0.0)
    level_step: Number = parameter("", default=0.0)
    duration_step: Number = parameter("ms", default=0.0)
    ramp: bool = False


def epochs(table: Sequence[Epoch], sweeps: int) -> Levels:
    """A family of sweeps from a table of epochs, the first from time 0, and the holding level after the last.

    Clampex holds for 1/64 of the sweep before the first epoch; for the same, begin with an epoch at the holding level.

    Args:
        table: the epochs in their order.
        sweeps: how many.

    Raises:
        ValueError: no epochs, a number of sweeps that is no positive whole number, a duration that falls below 0.
    """
    if not isinstance(table, Sequence) or not table or not all(isinstance(epoch, Epoch) for epoch in table):
        raise ValueError(f"epochs takes a list of Epoch, not {table!r}")
    if isinstance(sweeps, bool) or not isinstance(sweeps, numbers.Integral) or sweeps < 1:
        raise ValueError(f"sweeps must be a whole number, at least 1, not {sweeps!r}")
    levels = []
    for number, epoch in enumerate(table):
        count = jnp.arange(sweeps, dtype=epoch.level.dtype)
        lengths = epoch.duration + count * epoch.duration_step
        if not isinstance(lengths, Tracer) and lengths[-1] < 0:
            raise ValueError(f"epoch {number}: its duration falls to {lengths[-1]:g} ms in sweep {sweeps - 1}")
        levels.append((epoch.level + count * epoch.level_step, lengths))
    return Levels(levels, ramps=[number for number, epoch in enumerate(table) if epoch.ramp])
