"""A neuron in words and numbers: what it is made of, as a table."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, Float

from patch_sim.channels import AbstractChannel, AbstractGHKChannel, AbstractMarkovChannel, AbstractOhmicChannel
from patch_sim.electrochemistry import Ion, Ions
from patch_sim.gates import AbstractGate, InstantGate
from patch_sim.neuron import Neuron
from patch_sim.units import whole_cell_capacitance, whole_cell_conductance, whole_cell_permeability

_HEAD = ("channel", "class", "density", "", "whole cell", "", "reversal", "", "gates", "source")
_RIGHT_ALIGNED = ("density", "whole cell", "reversal")


def describe(neuron: Neuron) -> str:
    """Say what a neuron is made of: membrane, ions, pool, and a row for each channel.

    A channel's row has its class, its conductance density and whole-cell conductance (nS) or, where the current is a
    GHK flux, its permeability and that of the whole cell (um3/s, permeability times area), its reversal potential at
    the cell's temperature and concentrations (at the pool's resting level, if there is one) and where that comes from,
    its gates, and its source. Of many neurons in one, as `vmap` makes them, the numbers are ranges.

    Raises:
        ValueError: what is no neuron, a neuron inside `jit`, where it has no numbers, or one with several axes of them.
    """
    if not isinstance(neuron, Neuron):
        raise ValueError(f"describe takes a Neuron, not {neuron!r}")
    numbers = _numbers(neuron)
    many = any(jnp.ndim(leaf) for leaf in jax.tree.leaves(neuron))
    one = jax.tree.map(lambda leaf: jnp.ravel(leaf)[0], neuron) if many else neuron
    rows = [_HEAD, *(_row(name, channel, numbers[name]) for name, channel in one.channels.items())]
    table = _aligned(rows) if len(rows) > 1 else ["no channels"]
    lines = [*_membrane(neuron, numbers), "", *table, *(f"warning: {warning}" for warning in neuron.warnings)]
    return "\n".join(lines)


def formula(channel: AbstractChannel) -> str:
    """The gates of a channel, as in `m^3 h`: `m_inf` follows the voltage at once, `z(Ca)` reads calcium.

    Gates that are not simply multiplied are listed with commas; of a Markov scheme, how many states it has.
    """
    if isinstance(channel, AbstractMarkovChannel):
        return f"{len(channel.states)} states, open: {', '.join(channel.conducting)}"
    multiplied = type(channel).open_fraction is AbstractChannel.open_fraction
    return (" " if multiplied else ", ").join(_factor(name, gate) for name, gate in in_custom(channel).items()) or "-"


def in_custom(channel: AbstractChannel) -> dict[str, AbstractGate]:
    """The gates of a channel in the order in which they are written: what inactivates last."""
    return dict(sorted(channel.gates.items(), key=lambda item: (item[0].startswith("h"), item[0])))


def _factor(name: str, gate: AbstractGate) -> str:
    power = f"^{gate.power}" if gate.power != 1 else ""
    return f"{name}{'_inf' * isinstance(gate, InstantGate)}{'(Ca)' * gate.reads_calcium}{power}"


def _numbers(neuron: Neuron) -> dict[str, Any]:
    """What `_measure` says of a neuron, or of each of many."""
    leaves = jax.tree.leaves(neuron)
    if any(isinstance(leaf, Tracer) for leaf in leaves):
        raise ValueError("describe needs a neuron's numbers, and inside jit or a derivative there are none")
    shapes = {jnp.shape(leaf) for leaf in leaves} - {()}
    if not shapes:
        return _measure(neuron)
    if len(shapes) > 1 or len(next(iter(shapes))) > 1:
        raise ValueError(f"describe takes one neuron, or many along one axis, not numbers of shapes {sorted(shapes)}")
    return jax.vmap(_measure, (jax.tree.map(lambda leaf: 0 if jnp.ndim(leaf) else None, neuron),))(neuron)


def _measure(neuron: Neuron) -> dict[str, Any]:
    """The capacitance (pF), the reversals of the ions (mV), and size, whole-cell size and reversal of each channel."""
    area, temperature = neuron.area, neuron.temperature
    ions = neuron.ions if neuron.calcium is None else neuron.ions.with_calcium(neuron.calcium.resting)
    channels = {}
    for name, channel in neuron.channels.items():
        size = getattr(channel, "p_max", getattr(channel, "g_max", jnp.nan))
        whole = (whole_cell_permeability if hasattr(channel, "p_max") else whole_cell_conductance)(size, area)
        channels[name] = (size, whole, _reversal(channel, ions, temperature))
    reversals = {name: ion.reversal(temperature) for name, ion in _each(ions)}
    return {"": (whole_cell_capacitance(neuron.capacitance, area), reversals), **channels}


def _each(ions: Ions) -> list[tuple[str, Ion]]:
    return [(field.name, ions[field.name]) for field in dataclasses.fields(ions)]


def _reversal(channel: AbstractChannel, ions: Ions, temperature: Float[Array, ""]) -> Float[Array, "..."]:
    """Where the current changes its sign (mV); of a channel with a form of its own, looked for with all gates open."""
    if isinstance(channel, AbstractOhmicChannel):
        return channel.equilibrium(ions, temperature)
    if isinstance(channel, AbstractGHKChannel):
        return ions[str(channel.ion)].reversal(temperature)
    v = jnp.linspace(-200.0, 200.0, 4001)
    current = channel.current(v, dict.fromkeys(channel.state_names, jnp.ones_like(v)), ions, temperature)
    crosses = (current[:-1] < 0) & (current[1:] >= 0)
    k = jnp.argmax(crosses)
    crossing = v[k] - current[k] * (v[k + 1] - v[k]) / (current[k + 1] - current[k])
    return jnp.where(jnp.any(crosses), crossing, jnp.nan)


def _membrane(neuron: Neuron, numbers: dict[str, Any]) -> list[str]:
    capacitance, reversals = numbers[""]
    membrane = (
        f"membrane: {_number(neuron.area)} um2, {_number(capacitance)} pF ({_number(neuron.capacitance)} uF/cm2), "
        f"{_number(neuron.temperature)} degrees C"
    )
    inside = {name: _number(ion.inside) for name, ion in _each(neuron.ions)}
    if neuron.calcium is not None:
        inside["Ca"] = "pool"
    ions = "; ".join(
        f"{name} {inside[name]} | {_number(ion.outside)} mM, {_number(reversals[name], '+.1f')} mV"
        for name, ion in _each(neuron.ions)
    )
    lines = [membrane, f"ions (inside | outside): {ions}"]
    if neuron.calcium is not None:
        pool = neuron.calcium
        lines.append(
            f"calcium pool: {_number(pool.resting)} mM at rest, {_number(pool.depth)} um deep, "
            f"{_number(pool.gamma)} of what enters stays free, decays in {_number(pool.decay)} ms"
        )
    return lines


def _row(name: str, channel: AbstractChannel, numbers: tuple[Any, Any, Any]) -> tuple[str, ...]:
    size, whole, reversal = numbers
    units = ("cm/s", "um3/s") if hasattr(channel, "p_max") else ("mS/cm2", "nS")
    voltage = _number(reversal, "+.1f") + " mV" * (not np.any(np.isnan(reversal)))
    described = (_origin(channel), formula(channel), channel.source)
    return (name, type(channel).__name__, _number(size), units[0], _number(whole), units[1], voltage, *described)


def _origin(channel: AbstractChannel) -> str:
    """Where a channel's reversal comes from."""
    if isinstance(channel, AbstractGHKChannel):
        return f"GHK flux {channel.ion}"
    if not isinstance(channel, AbstractOhmicChannel):
        return "its own flux"
    if channel.reversal is not None:
        return "fixed"
    return f"Nernst {channel.ion}" if channel.ion else f"GHK voltage {' '.join(channel.needs)}"


def _number(value: Any, form: str = "") -> str:
    """A number to four digits or the last one before the point, or the range of many; a dash for what there is not."""
    low, high = float(np.min(value)), float(np.max(value))
    if np.isnan(low):
        return "-"
    texts = [format(x, form or (".0f" if 1e3 <= abs(x) < 1e9 else ".4g")) for x in (low, high)]
    return texts[0] if texts[0] == texts[1] else " to ".join(texts)


def _aligned(rows: list[tuple[str, ...]]) -> list[str]:
    """The rows in columns; a unit, or a reversal's origin, stands close to its number."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        cells = [
            cell.rjust(width) if head in _RIGHT_ALIGNED else cell.ljust(width)
            for cell, width, head in zip(row, widths, _HEAD, strict=True)
        ]
        gaps = ["" if k == 0 else " " if head == "" else "  " for k, head in enumerate(_HEAD)]
        lines.append("".join(gap + cell for gap, cell in zip(gaps, cells, strict=True)).rstrip())
    return lines
