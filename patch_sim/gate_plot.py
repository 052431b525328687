"""Pictures of gates: where they settle, and how long they take."""

import itertools
from typing import TYPE_CHECKING, Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from patch_sim.channels import AbstractChannel, AbstractMarkovChannel
from patch_sim.describe import formula, in_custom
from patch_sim.gates import AbstractGate

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_HELD = (-80.0, -40.0, 0.0, 40.0)  # mV: where a gate that reads calcium and voltage is drawn over calcium
_COLORS = ("#1f6fb4", "#d1495b", "#2f8f5b", "#8d5a97", "#e08e2b", "#4a4a4a")
_HUES = ("Blues", "Oranges", "Purples", "Greens", "Greys", "Reds")
_LOGARITHMIC = 20.0  # times that differ by a larger factor are drawn on a logarithmic axis
_HIDDEN = 0.2  # of its length: a line that covers another for more is dashed
_MANY = 6  # more names than these stand beside the picture


# Functions, since an array made on import would start JAX's backend before the user has said anything about it.
def _voltages() -> Float[Array, " voltages"]:
    """Over what to draw, mV."""
    return jnp.linspace(-140.0, 60.0, 801)


def _levels() -> Float[Array, " levels"]:
    """Over what to draw a gate that reads calcium, mM."""
    return jnp.logspace(-5.0, -1.0, 401)


class _Line(NamedTuple):
    """A line to draw; one without a label is not in the legend."""

    label: str | None
    values: Any
    color: Any
    width: float = 1.8


class _Column(NamedTuple):
    """Steady states above time constants (ms), over what they follow."""

    label: str
    logarithmic: bool
    x: Any
    steady: list[_Line]
    times: list[_Line]


def plot_gates(channel: AbstractChannel, temperature: Any = None) -> "Figure":
    r"""Draw a channel's steady states and time constants; needs matplotlib.

    Over voltage and, of gates that read calcium, over calcium. Of a Markov scheme: the occupancies of its states,
    those that conduct in black, and the time constants of its modes, $-1 / \mathrm{Re} \, \lambda$ of its matrix.

    Args:
        channel: one channel; those of `neuron.channels` are at the neuron's temperature.
        temperature: degrees C; None to leave it as it is, at the gates' reference temperatures if they have no other.

    Raises:
        ValueError: what is no channel, many channels in one, or one that has no gates.
    """
    from matplotlib import pyplot

    if not isinstance(channel, AbstractChannel):
        raise ValueError(f"plot_gates takes a channel, such as neuron.channels['Na'], not {channel!r}")
    if any(jnp.ndim(leaf) for leaf in jax.tree.leaves(channel)):
        raise ValueError("plot_gates draws one channel, not many in one, as vmap makes them")
    if temperature is not None:
        channel = channel.at(jnp.asarray(temperature, dtype=float))
    columns = _columns(channel)
    if not columns:
        raise ValueError(f"{type(channel).__name__} has no gates to draw")
    figure, axes = pyplot.subplots(
        2, len(columns), sharex="col", squeeze=False, figsize=(1.2 + 5.2 * len(columns), 5.6), layout="constrained"
    )
    for column, (top, bottom) in zip(columns, axes.T, strict=True):
        _draw(column, top, bottom)
        if len(column.steady) > _MANY:
            figure.legend(frameon=False, fontsize=9, loc="outside right upper")
        else:
            top.legend(frameon=False, fontsize=9)
    axes[0, 0].set_ylabel("occupancy" if isinstance(channel, AbstractMarkovChannel) else "steady state")
    axes[1, 0].set_ylabel("time constant (ms)")
    axes[0, 0].set_title(channel.source, loc="left", fontsize=9, color="#666666")
    figure.suptitle(f"{type(channel).__name__}: {formula(channel)}{_temperatures(channel)}", fontsize=12)
    return figure


def _columns(channel: AbstractChannel) -> list[_Column]:
    if isinstance(channel, AbstractMarkovChannel):
        return [_markov(channel)]
    voltage = _Column("voltage (mV)", False, _voltages(), [], [])
    calcium = _Column("calcium (mM)", True, _levels(), [], [])
    for (name, gate), color in zip(in_custom(channel).items(), itertools.cycle(_COLORS), strict=False):
        if gate.reads_calcium:
            _add_over_calcium(calcium, name, gate, color)
        else:
            _add(voltage, name, gate.steady_state(_voltages()), gate.time_constant(_voltages()), color)
    return [column for column in (voltage, calcium) if column.steady]


def _add(column: _Column, name: str, steady: Any, time: Any, color: Any) -> None:
    """Add a gate's two lines, or the one of a gate that takes no time."""
    instant = not np.any(time)
    column.steady.append(_Line(f"{name} (at once)" if instant else name, steady, color))
    if not instant:
        column.times.append(_Line(None, time, color))


def _add_over_calcium(column: _Column, name: str, gate: AbstractGate, color: Any) -> None:
    """Add the lines of a gate over calcium, one pair for each of some voltages if it reads them too."""
    held = [(jnp.full_like(_levels(), v), _levels()) for v in _HELD]
    pairs = [(gate.steady_state(*at), gate.time_constant(*at)) for at in held]
    if all(np.array_equal(pair, pairs[0]) for pair in pairs):
        _add(column, name, *pairs[0], color)
        return
    for v, pair, shade in zip(_HELD, pairs, _shades("viridis", len(_HELD), 0.0, 0.85), strict=True):
        _add(column, f"{name} at {v:g} mV", *pair, shade)


def _markov(channel: AbstractMarkovChannel) -> _Column:
    """The occupancies and modes of a scheme; states whose names begin alike have one hue."""
    calcium = jnp.full_like(_voltages(), 1e-4)
    occupancies = channel.steady_state(_voltages(), calcium)
    kinds = {name[0]: [state for state in channel.states if state[0] == name[0]] for name in channel.states}
    steady = []
    for hue, states in zip(itertools.cycle(_HUES), kinds.values(), strict=False):
        for state, shade in zip(states, _shades(hue, len(states), 0.9, 0.4), strict=True):
            look = ("black", 2.8) if state in channel.conducting else (shade, 1.5)
            steady.append(_Line(state, occupancies[state], *look))
    eigenvalues = np.linalg.eigvals(np.asarray(channel.generator(_voltages(), calcium))).real
    times = -1.0 / np.sort(eigenvalues, axis=-1)[:, :-1].T  # without that of the steady state, which is 0
    return _Column("voltage (mV)", False, _voltages(), steady, [_Line(None, time, "#555555", 1.0) for time in times])


def _shades(name: str, count: int, first: float, last: float) -> np.ndarray:
    from matplotlib import colormaps

    return colormaps[name](np.linspace(first, last, count))


def _draw(column: _Column, top: "Axes", bottom: "Axes") -> None:
    for axes, lines in ((top, column.steady), (bottom, column.times)):
        for k, line in enumerate(lines):
            hides = any(np.mean(np.isclose(line.values, under.values, rtol=1e-3)) > _HIDDEN for under in lines[:k])
            style = "--" if hides and len(lines) <= _MANY else "-"
            axes.plot(column.x, line.values, style, color=line.color, linewidth=line.width, label=line.label)
        axes.spines[["top", "right"]].set_visible(False)
        axes.margins(x=0)
        axes.grid(alpha=0.25, linewidth=0.6)
    top.set_ylim(-0.03, 1.03)
    bottom.set_xlabel(column.label)
    if column.logarithmic:
        bottom.set_xscale("log")
    times = np.concatenate([line.values for line in column.times] or [np.ones(1)])
    if times.max() > _LOGARITHMIC * times.min():
        bottom.set_yscale("log")
    else:
        bottom.set_ylim(0.0, 1.1 * times.max())


def _temperatures(channel: AbstractChannel) -> str:
    """The temperatures of those gates that temperature moves."""
    timed: list[Any] = [part for part in (channel, *channel.gates.values()) if hasattr(part, "q10") and part.q10 != 1.0]
    found = {float(t.reference_temperature if t.temperature is None else t.temperature) for t in timed}
    return f", at {' and '.join(f'{t:g}' for t in sorted(found))} degrees C" if found else ""
