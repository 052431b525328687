"""Every number of a model is a leaf of its pytree, and this is how it gets its name, unit and limits."""

import dataclasses
import difflib
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, Float

if TYPE_CHECKING:
    # Type checkers do not know converters: what is given as a number is held as an array.
    Number: TypeAlias = Any
else:
    Number = Float[Array, ""]

Model = TypeVar("Model", bound=eqx.Module)


def parameter(
    unit: str,
    *,
    default: Any = dataclasses.MISSING,
    above: float | None = None,
    at_least: float | None = None,
    infinite: bool = False,
) -> Any:
    """Declare a field of an `AbstractParametric` that holds a number (or an array of numbers).

    Args:
        unit: what the number is measured in, "" for a pure number.
        default: the published value; None is allowed for a number that may be absent.
        above: the number must be greater than this.
        at_least: the number must not be less than this.
        infinite: whether the number may be infinite.
    """
    limits = {"unit": unit, "above": above, "at_least": at_least, "optional": default is None, "infinite": infinite}
    return eqx.field(default=default, converter=as_array, metadata=limits)


class AbstractParametric(eqx.Module):
    """A module whose `parameter` fields are checked when it is built.

    Raises:
        ValueError: a field is not a finite number, or lies outside its limits; the message names the class,
            the field, the value and the unit.
    """

    def __check_init__(self):
        for field in dataclasses.fields(self):
            if "unit" in field.metadata:
                check(f"{type(self).__name__}.{field.name}", getattr(self, field.name), field.metadata)


def check(name: str, value: Any, limits: Mapping[str, Any]) -> None:
    """Raise a `ValueError` if a concrete value is no finite number, or lies outside its limits."""
    if isinstance(value, Tracer) or (value is None and limits.get("optional", False)):
        return
    unit = limits.get("unit", "")
    if not isinstance(value, jax.Array | np.ndarray):
        raise ValueError(f"{name} must be a number{f' in {unit}' if unit else ''}, not {value!r}")
    numbers = np.asarray(value)
    expected = limits.get("ndim", 0)
    if numbers.ndim != expected or numbers.size == 0:
        what = {0: "one number", 1: "a number or a list of numbers"}.get(expected, f"an array of {expected} axes")
        raise ValueError(f"{name} must be {what}, not {value!r}")
    if np.any(np.isnan(numbers) if limits.get("infinite", False) else ~np.isfinite(numbers)):
        raise ValueError(f"{name} must be finite, not {value}")
    above, at_least = limits.get("above"), limits.get("at_least")
    if above is not None and not np.all(numbers > above):
        raise ValueError(f"{name} must be greater than {above:g} {unit}, not {value}")
    if at_least is not None and not np.all(numbers >= at_least):
        raise ValueError(f"{name} must be at least {at_least:g} {unit}, not {value}")


def parameters(model: eqx.Module) -> dict[str, Array]:
    """List the numbers of a model by their paths: `{"channels.Na.g_max": 120.0, ...}`.

    Exponents and other integers are structure, not parameters.
    """
    return {path: value for path, value, _ in _walk(model)}


def limits(model: eqx.Module) -> dict[str, Mapping[str, Any]]:
    """List what is declared of each parameter: its `unit`, and `above` or `at_least`."""
    return {path: metadata for path, _, metadata in _walk(model)}


def match(model: eqx.Module, *patterns: str) -> tuple[str, ...]:
    """List the parameters that at least one pattern matches, in the model's order.

    In a pattern `*` stands for (a piece of) one part of a path and `**` for any number of parts:
    `channels.*.g_max`, `channels.Na.**`.

    Raises:
        KeyError: a pattern that matches nothing; the message offers the nearest names.
    """
    names = list(parameters(model))
    found: set[str] = set()
    for pattern in patterns:
        expression = re.compile(_expression(pattern))
        matches = [name for name in names if expression.fullmatch(name)]
        if not matches:
            raise KeyError(_unknown(pattern, names))
        found.update(matches)
    return tuple(name for name in names if name in found)


def with_parameters(model: Model, values: Mapping[str, Any]) -> Model:
    """Return a new model in which some parameters have other values.

    Args:
        model: any model of the package; it stays as it is.
        values: from path (or pattern, see `match`) to value, in the parameter's unit.

    Raises:
        KeyError: a path that names nothing; the message offers the nearest names.
        ValueError: a value of the wrong shape, or outside the parameter's limits.
    """
    current, declared = parameters(model), limits(model)
    chosen = {name: value for pattern, value in values.items() for name in match(model, pattern)}
    new = []
    for name, value in chosen.items():
        value = as_array(value)
        check(name, value, declared[name])
        if jnp.shape(value) != jnp.shape(current[name]):
            raise ValueError(f"{name} has shape {jnp.shape(current[name])}, not {jnp.shape(value)}")
        new.append(jnp.asarray(value, dtype=current[name].dtype))
    if not chosen:
        return model
    return refreshed(eqx.tree_at(lambda m: [_get(m, name) for name in chosen], model, new), model)


def replaced(module: Model, **fields: Any) -> Model:
    """The same module with other fields, taken as they are: `eqx.tree_at` for what is done at every evaluation."""
    new = object.__new__(type(module))
    for field in dataclasses.fields(module):
        value = fields[field.name] if field.name in fields else getattr(module, field.name)
        object.__setattr__(new, field.name, value)
    return new


def refreshed(model: Model, before: Model | None = None) -> Model:
    """A model whose parts know what has been changed in them: those that have a `refreshed` of their own."""

    def knows(node: Any) -> bool:
        return hasattr(node, "refreshed")

    def renewed(node: Any, *olds: Any) -> Any:
        return node.refreshed(*olds) if knows(node) else node

    return jax.tree.map(renewed, model, *(() if before is None else (before,)), is_leaf=knows)


def as_array(value: Any) -> Any:
    """Turn what is a number into a floating array; leave anything else for the check that can name it."""
    if value is None or isinstance(value, str | bool):
        return value
    if isinstance(value, float | int | np.ndarray | np.generic):
        # Known now, also within a function that is being traced, where JAX would forget it.
        with jax.ensure_compile_time_eval():
            return _as_floating(value)
    return _as_floating(value)


def _as_floating(value: Any) -> Any:
    if isinstance(value, jax.Array) and jnp.issubdtype(value.dtype, jnp.floating):
        return value
    try:
        return jnp.asarray(value, dtype=float)
    except (TypeError, ValueError):
        return value


def _walk(node: Any, path: str = "", metadata: Mapping[str, Any] | None = None) -> Iterator[tuple[str, Array, Mapping]]:
    if eqx.is_inexact_array(node):
        yield path, node, metadata or {}
    elif isinstance(node, eqx.Module):
        for field in dataclasses.fields(node):
            if not field.metadata.get("static", False):
                yield from _walk(getattr(node, field.name), _join(path, field.name), field.metadata)
    elif isinstance(node, Mapping):
        for key, value in node.items():
            yield from _walk(value, _join(path, key))
    elif isinstance(node, list | tuple):
        for index, value in enumerate(node):
            yield from _walk(value, _join(path, str(index)))


def _join(path: str, name: str) -> str:
    name = name.removeprefix("_")
    return f"{path}.{name}" if path else name


def _get(node: Any, path: str) -> Any:
    for part in path.split("."):
        if isinstance(node, Mapping):
            node = node[part]
        elif isinstance(node, list | tuple):
            node = node[int(part)]
        else:
            private = f"_{part}"  # a field that a property of the same name shows to users
            node = getattr(node, private if hasattr(node, private) else part)
    return node


def _expression(pattern: str) -> str:
    pieces = re.split(r"(\*\*|\*)", pattern)
    return "".join({"**": ".*", "*": r"[^.]*"}.get(piece, re.escape(piece)) for piece in pieces)


def _unknown(pattern: str, names: list[str]) -> str:
    near = difflib.get_close_matches(pattern, names, n=3, cutoff=0.4)
    hint = f"nearest: {', '.join(near)}" if near else "patch_sim.parameters(model) lists the names"
    return f"no parameter matches {pattern!r}; {hint}"
