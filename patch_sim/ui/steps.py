"""The numbers of a step family, as they stand in the page's fields."""

import dataclasses
import math
from typing import Any

import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from patch_sim.protocols import CurrentClamp
from patch_sim.stimuli import Step
from patch_sim.ui.traces import MOST_SAMPLES

MOST_SWEEPS = 500
"""The most sweeps that the page runs at once."""

MOST_CURRENT = 1e6
"""The strongest current, of either sign, pA: more than any patch amplifier gives."""

DT = 0.025
"""Between samples, ms."""


def _field(label: str, unit: str, default: float | int, at_least: float = -math.inf, at_most: float = math.inf) -> Any:
    """Declare a number of the family and how its field looks."""
    return dataclasses.field(
        default=default, metadata={"label": label, "unit": unit, "at_least": at_least, "at_most": at_most}
    )


@dataclasses.dataclass(frozen=True)
class Steps:
    """Current steps of evenly spaced amplitudes.

    Attributes:
        first: amplitude of the first sweep, pA.
        last: amplitude of the last sweep, pA.
        sweeps: how many.
        start: of the step, ms.
        duration: of the step, ms.
        length: of a sweep, ms.
    """

    first: float = _field("From", "pA", -50.0, -MOST_CURRENT, MOST_CURRENT)
    last: float = _field("To", "pA", 200.0, -MOST_CURRENT, MOST_CURRENT)
    sweeps: int = _field("Sweeps", "", 6)
    start: float = _field("Step start", "ms", 10.0, at_least=0.0)
    duration: float = _field("Step duration", "ms", 100.0, at_least=0.0)
    length: float = _field("Sweep length", "ms", 150.0, at_least=DT)

    @classmethod
    def parse(cls, *values: Any) -> "Steps":
        """Check what stands in the fields, in their order.

        Raises:
            ValueError: the first number that is none or is out of its limits, by its label, and the limit.
        """
        fields = dataclasses.fields(cls)
        numbers = {field.name: _number(field, value) for field, value in zip(fields, values, strict=True)}
        sweeps = numbers.pop("sweeps")
        if sweeps != int(sweeps) or not 1 <= sweeps <= MOST_SWEEPS:
            raise ValueError(f"Sweeps: {sweeps:g} is not a whole number from 1 to {MOST_SWEEPS}.")
        steps = cls(sweeps=int(sweeps), **numbers)
        if steps.start >= steps.length:
            raise ValueError(
                f"Step start: {steps.start:g} ms is too late; the sweep is over after {steps.length:g} ms."
            )
        samples = steps.sweeps * steps.length / DT
        if samples > MOST_SAMPLES:
            most = MOST_SAMPLES * DT / steps.sweeps
            raise ValueError(
                f"Sweep length: {steps.sweeps} sweeps of {steps.length:g} ms are {samples:,.0f} samples, and the page "
                f"runs at most {MOST_SAMPLES:,}; make the sweeps at most {most:,.0f} ms long, or fewer."
            )
        return steps

    @property
    def amplitudes(self) -> NDArray[np.floating]:
        """Of the steps, pA."""
        return np.linspace(self.first, self.last, self.sweeps)

    def protocol(self, sweep: int) -> CurrentClamp:
        """The protocol of one sweep alone, so that the number of sweeps does not compile anew."""
        numbers = self.amplitudes[sweep], self.start, self.duration
        return CurrentClamp(Step(*map(jnp.asarray, numbers)), self.length, DT)


FAMILIES = {
    "squid_axon": Steps(),
    "regular_spiking": Steps(-300.0, 900.0, 5, 100.0, 400.0, 600.0),
    "fast_spiking": Steps(-250.0, 1000.0, 6, 100.0, 300.0, 500.0),
    "thalamic_relay": Steps(-400.0, 400.0, 5, 200.0, 300.0, 800.0),
    "thalamic_reticular": Steps(-150.0, 150.0, 5, 200.0, 300.0, 800.0),
    "ca1_pyramidal": Steps(-200.0, 400.0, 5, 100.0, 400.0, 600.0),
    "purkinje": Steps(-100.0, 100.0, 5, 100.0, 300.0, 500.0),
    "dopaminergic": Steps(-150.0, 50.0, 5, 500.0, 800.0, 1800.0),
    "subthalamic": Steps(-50.0, 50.0, 5, 200.0, 400.0, 900.0),
    "layer5_pyramidal": Steps(-100.0, 300.0, 5, 50.0, 300.0, 450.0),
}
"""For each cell a family of steps that shows what it does."""


def label(field: dataclasses.Field) -> str:
    """A field's label with its unit: `From (pA)`."""
    unit = field.metadata["unit"]
    return f"{field.metadata['label']} ({unit})" if unit else field.metadata["label"]


def _number(field: dataclasses.Field, value: Any) -> float:
    name, unit, at_least, at_most = (field.metadata[key] for key in ("label", "unit", "at_least", "at_most"))
    if value is None or value == "":
        raise ValueError(f"{name}: the field is empty; it wants a number{' in ' + unit if unit else ''}.")
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        raise ValueError(f"{name}: {value!r} is not a number{' in ' + unit if unit else ''}.")
    if number < at_least:
        raise ValueError(f"{name}: {number:g} {unit} is too little; it must be at least {at_least:,.10g} {unit}.")
    if number > at_most:
        raise ValueError(f"{name}: {number:g} {unit} is too much; it must be at most {at_most:,.10g} {unit}.")
    return number
