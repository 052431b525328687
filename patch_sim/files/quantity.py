"""What a unit measures, and how it becomes the house's: mV, pA and ms."""

import enum


class Quantity(enum.Enum):
    """What is measured; the value is the house's unit."""

    VOLTAGE = "mV"
    CURRENT = "pA"
    TIME = "ms"


_BASES = {"V": (Quantity.VOLTAGE, 3), "A": (Quantity.CURRENT, 12), "s": (Quantity.TIME, 3)}
_PREFIXES = {
    "": 0,
    "m": -3,
    "u": -6,
    "\N{MICRO SIGN}": -6,
    "\N{GREEK SMALL LETTER MU}": -6,
    "n": -9,
    "p": -12,
    "f": -15,
}


def quantity(unit: str) -> tuple[Quantity, float] | None:
    """What a unit such as "nA" measures, and by what to multiply to get the house's; None for any other unit."""
    unit = unit.strip()
    if unit[-1:] not in _BASES or unit[:-1] not in _PREFIXES:
        return None
    measured, exponent = _BASES[unit[-1]]
    return measured, 10.0 ** (exponent + _PREFIXES[unit[:-1]])
