"""Polynomials."""

from collections.abc import Sequence
from typing import Any

from jaxtyping import Array, Inexact


def polynomial(coefficients: Sequence[float], x: Inexact[Array, "*shape"]) -> Inexact[Array, "*shape"]:
    """A polynomial of at least first order, the constant coefficient first.

    By Estrin's scheme: a processor works on several terms at once, where by Horner's each waits for the one before.
    """
    terms: list[Any] = list(coefficients)
    power = x
    while len(terms) > 1:
        pairs = [low + power * high for low, high in zip(terms[::2], terms[1::2], strict=False)]
        terms = pairs + terms[2 * len(pairs) :]
        power = power * power
    return terms[0]
