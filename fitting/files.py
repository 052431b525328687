"""JSON files of a known format."""

import json
import os
from collections.abc import Callable
from typing import Any, TypeVar

_Made = TypeVar("_Made")


def write(path: str | os.PathLike[str], form: str, data: dict[str, Any]) -> None:
    """Write what JSON can hold, and of which format it is."""
    text = json.dumps({"format": form} | data, indent=1)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def read(path: str | os.PathLike[str], form: str, make: Callable[[dict[str, Any]], _Made], kind: str) -> _Made:
    """Make something of what `write` wrote.

    Raises:
        ValueError: a file that is not of this format or does not hold what is needed; it is told as no such `kind`.
    """
    try:
        with open(path, encoding="utf-8") as file:
            data: Any = json.load(file)
        if data["format"] != form:
            raise KeyError("format")
        return make(data)
    except (json.JSONDecodeError, UnicodeDecodeError, KeyError, AttributeError, TypeError) as error:
        raise ValueError(f"{os.fspath(path)} is not a saved {kind}") from error
