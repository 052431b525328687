"""A model as plain data, for JSON files: every module by its class, every number by its value."""

import dataclasses
import sys
from collections.abc import Mapping
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

_CLASS = "class"


def encode(node: Any) -> Any:
    """Turn a model into dicts, lists, strings and numbers.

    Raises:
        TypeError: a part that is neither a module, a container, a number nor a string.
    """
    if isinstance(node, eqx.Module):
        fields = {field.name: encode(getattr(node, field.name)) for field in _own_fields(type(node))}
        return {_CLASS: f"{type(node).__module__}:{type(node).__qualname__}", **fields}
    if isinstance(node, Mapping):
        return {key: encode(value) for key, value in node.items()}
    if isinstance(node, list | tuple):
        return [encode(value) for value in node]
    if isinstance(node, jax.Array | np.ndarray):
        return np.asarray(node).tolist()
    if node is None or isinstance(node, str | bool | int | float):
        return node
    raise TypeError(f"cannot save a {type(node).__name__}: {node!r}")


def decode(data: Any) -> Any:
    """Turn what `encode` made back into a model, with its numbers in JAX's default precision.

    Only classes of modules that the program has imported itself are built, and none of their code is run, so
    a file cannot make the program do anything.

    Raises:
        ValueError: a class that is not there; import the module that defines it first.
    """
    if isinstance(data, Mapping) and _CLASS in data:
        cls = _find(data[_CLASS])
        module = object.__new__(cls)
        for field in _own_fields(cls):
            value = decode(data[field.name])
            number = isinstance(value, int | float) and not isinstance(value, bool) and not field.metadata.get("static")
            if number or ("unit" in field.metadata and value is not None):
                value = jnp.asarray(value, dtype=float)
            object.__setattr__(module, field.name, value)
        return module
    if isinstance(data, Mapping):
        return {key: decode(value) for key, value in data.items()}
    if isinstance(data, list):
        return tuple(decode(value) for value in data)
    return data


def _own_fields(cls: type[eqx.Module]) -> list[dataclasses.Field[Any]]:
    """The fields of a class that can differ from one module to the next."""
    return [field for field in dataclasses.fields(cls) if field.init or field.default is dataclasses.MISSING]


def _find(name: str) -> type[eqx.Module]:
    module, _, qualified = name.partition(":")
    found: Any = sys.modules.get(module)
    for part in qualified.split("."):
        found = getattr(found, part, None)
    if not (isinstance(found, type) and issubclass(found, eqx.Module)):
        raise ValueError(f"the file holds a {name}, which is not known here: import the module that defines it first")
    return found
