"""Polynomials."""

from collections.abc import Sequence
from typing import Any

from jaxtyping import Array, Inexact


def polynomial(coefficients: Sequence[float], x: Inexact[Array, "*shape"]) -> Inexact[Array, "*shape"]:
    """A polynomial of at least first order, the constant coefficient first, by Horner's scheme."""
    value: Any = coefficients[-1]
    for coefficient in coefficients[-2::-1]:
        value = value * x + coefficient
    return value
