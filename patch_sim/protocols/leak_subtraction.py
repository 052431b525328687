"""P/N leak subtraction."""

import equinox as eqx

from patch_sim.parameters import AbstractParametric, Number, parameter

_MOST = 8  # subsweeps, as amplifiers offer


class LeakSubtraction(AbstractParametric):
    r"""P/N leak subtraction: what is linear in the voltage is measured by small subsweeps and taken away.

    Each sweep is accompanied by $N$ subsweeps in which the command moves $p / N$ as far from the holding potential,
    with the polarity $p = \pm 1$. The recorded current is that of the sweep less $p$ times the sum of theirs, each
    counted from its own current at the holding potential: of a linear membrane nothing is left. Subsweeps go through
    the same electrode, are settled before they begin, and have noise of their own: $\sqrt{1 + N}$ times as much stays.
    (Bezanilla and Armstrong (1977), J Gen Physiol 70:549-566.)

    Args:
        subsweeps: $N$, from 1 to 8; structure, not a parameter.
        polarity: $p$, 1 or -1; structure, not a parameter.
        holding: the potential from which subsweeps move, mV; None: that of the sweep.

    Raises:
        ValueError: another number of subsweeps, another polarity.
    """

    subsweeps: int = eqx.field(static=True, default=4)
    polarity: int = eqx.field(static=True, default=1)
    holding: Number | None = parameter("mV", default=None)

    def __check_init__(self):
        if type(self.subsweeps) is not int or not 1 <= self.subsweeps <= _MOST:
            raise ValueError(
                f"LeakSubtraction.subsweeps must be a whole number from 1 to {_MOST}, not {self.subsweeps!r}"
            )
        if self.polarity not in (1, -1):
            raise ValueError(f"LeakSubtraction.polarity must be 1 or -1, not {self.polarity!r}")

    @property
    def factor(self) -> float:
        """How far a subsweep moves for each mV of its sweep."""
        return self.polarity / self.subsweeps
