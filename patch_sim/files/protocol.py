"""Protocols as JSON files."""

import dataclasses
import json
import os
import re
from collections.abc import Mapping
from typing import Any

import equinox as eqx

from patch_sim.atomic import replacing
from patch_sim.files.error import RecordingError
from patch_sim.protocols import AbstractProtocol
from patch_sim.serialize import decode, encode

_FORMAT = "patch_sim protocol"
_VERSION = 1
_NUMBERS = re.compile(r"\[[-+.\deE,\s]*\]")


def write(protocol: AbstractProtocol, path: str) -> None:
    """Save a protocol as text that can be read and edited, and that `load_protocol` turns back, number for number."""
    text = json.dumps({"format": _FORMAT, "version": _VERSION, "protocol": encode(protocol)}, indent=2)
    text = _NUMBERS.sub(lambda numbers: " ".join(numbers[0].split()), text)  # one line for each list of numbers
    with replacing(path) as file:
        file.write(f"{text}\n".encode())


def load_protocol(path: str | os.PathLike[str]) -> AbstractProtocol:
    """Load a protocol that was saved as JSON.

    Raises:
        RecordingError: the file is not there, is no saved protocol, is one of another version, or holds a number that
            no protocol may; the reason says which.
    """
    try:
        with open(path, encoding="utf-8") as file:
            data: Any = json.load(file)
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        reason = error.strerror.lower() if isinstance(error, OSError) and error.strerror else f"no JSON file: {error}"
        raise RecordingError(path, reason) from error
    if not isinstance(data, Mapping) or data.get("format") != _FORMAT:
        raise RecordingError(path, "it is not a saved protocol")
    if data.get("version") != _VERSION:
        raise RecordingError(
            path, f"it is a protocol of version {data.get('version')!r}, and this program knows {_VERSION}"
        )
    try:
        protocol = decode(data.get("protocol"))
        _check(protocol)
    except KeyError as error:
        raise RecordingError(path, f"{error} is missing in it") from error
    except ValueError as error:
        raise RecordingError(path, str(error)) from error
    except (TypeError, AttributeError) as error:
        raise RecordingError(path, "it is not a saved protocol") from error
    if not isinstance(protocol, AbstractProtocol):
        raise RecordingError(path, f"it holds a {type(protocol).__name__}, not a protocol")
    return protocol


def _check(node: Any) -> None:
    """Make the checks that building a module makes, the innermost modules first."""
    if isinstance(node, tuple | Mapping):
        for part in node.values() if isinstance(node, Mapping) else node:
            _check(part)
    if isinstance(node, eqx.Module):
        for field in dataclasses.fields(node):
            _check(getattr(node, field.name))
        for cls in type(node).__mro__:
            if "__check_init__" in vars(cls):
                vars(cls)["__check_init__"](node)
