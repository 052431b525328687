"""What an amplifier does about the electrode."""

from typing import Any

import equinox as eqx
import numpy as np
from jax.core import Tracer

from patch_sim.parameters import AbstractParametric, Number, parameter


class Compensation(AbstractParametric):
    r"""The dials of an amplifier; the equations are at the top of `patch_sim.electrode.electrode`.

    Args:
        correction: voltage clamp: $100 \alpha$, the part of the series resistance that is corrected for, percent.
        prediction: voltage clamp: $100 \beta$, the part of the charging of the membrane that is foreseen and sped up
            ("supercharging"), percent; goes by `slow_capacitance`.
        series_resistance: $R_\mathrm{dial}$, the resistance that correction, prediction and the slow cancellation were
            told, MOhm; None: the right one.
        slow_capacitance: voltage clamp: $C_\mathrm{dial}$, the capacitance of the membrane that was told ("whole-cell
            capacitance"), whose charging current is canceled, pF.
        capacitance: $C_n$, what is neutralized of the pipette's capacitance in current clamp, and canceled ("fast") in
            voltage clamp, pF.
        bridge: current clamp: $R_\mathrm{bridge}$, the resistance that is balanced, MOhm.
        lag: voltage clamp: $\tau$, the time constant with which the pipette follows what it is told, ms; 0: at once.

    Raises:
        ValueError: a negative number, a correction or prediction of 100 % and more, a prediction without a capacitance.
    """

    correction: Number = parameter("%", at_least=0.0, default=0.0)
    prediction: Number = parameter("%", at_least=0.0, default=0.0)
    series_resistance: Number | None = parameter("MOhm", above=0.0, default=None)
    slow_capacitance: Number = parameter("pF", at_least=0.0, default=0.0)
    capacitance: Number = parameter("pF", at_least=0.0, default=0.0)
    bridge: Number = parameter("MOhm", at_least=0.0, default=0.0)
    lag: Number = parameter("ms", at_least=0.0, default=0.0)

    def __check_init__(self):
        for name in ("correction", "prediction"):
            value = getattr(self, name)
            if known(value) and not np.all(np.asarray(value) < 100.0):
                raise ValueError(
                    f"Compensation.{name} must be less than 100 %, where the amplifier oscillates, not {value}"
                )
        if differ(self.prediction, 0.0) and not differ(self.slow_capacitance, 0.0):
            raise ValueError(
                "Compensation: a prediction foresees how a capacitance charges: give the slow_capacitance (pF) as well"
            )


def differ(value: Any, ideal: Any) -> bool:
    """Whether a number is not an ideal one, or may not be: what a function that is being traced does not know."""
    try:
        return float(value) != float(ideal)
    except (TypeError, ValueError):  # a tracer, several numbers, or what the checks will refuse
        return True


def known(value: Any) -> bool:
    """Whether a number has a value now, rather than when a compiled function runs."""
    return eqx.is_array_like(value) and not isinstance(value, Tracer)
