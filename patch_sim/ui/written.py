"""Python that builds what the page shows.

What makes a stimulus or an electrode takes the package as an argument, `make.Step(...)`: given `patch_sim` it builds
it, given a `Writer` it writes down how.
"""

from collections.abc import Callable
from typing import Any

import numpy as np


class Written(str):
    """An expression."""

    __slots__ = ()

    def __add__(self, other: Any) -> "Written":
        return Written(f"{self} + {other}")


class Writer:
    """Stands in for the package: a call of any of its names is written instead of done."""

    def __getattr__(self, name: str) -> Callable[..., Written]:
        def write(*arguments: Any, **named: Any) -> Written:
            words = [_text(value) for value in arguments]
            words += [f"{key}={_text(value)}" for key, value in named.items()]
            return Written(f"ps.{name}({', '.join(words)})")

        return write


def _text(value: Any) -> str:
    if isinstance(value, Written) or value is None or isinstance(value, int):
        return str(value)
    if isinstance(value, float) and np.isinf(value):
        return 'float("inf")'
    if isinstance(value, list | tuple | np.ndarray):
        return f"[{', '.join(_text(each) for each in value)}]"
    return f"{float(value):.10g}"
