"""How well a neuron spikes as recorded: in numbers that an electrophysiologist would ask for."""

import dataclasses
import functools
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

import patch_sim as ps
from fitting.spikes.events import Events, EventTerm
from fitting.spikes.interpolation import crossings, filtered, peaks
from fitting.spikes.targets import most_crossings

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_DRAWN = 6


@dataclasses.dataclass(frozen=True)
class EventScores:
    """A simulated against a recorded family, sweep by sweep; NaN where there is nothing to compare.

    Attributes:
        observed_counts: spikes of the recording in the window, `(sweeps,)`.
        predicted_counts: of the model.
        latency_error: of the first spike, model less recording, ms.
        peak_error: of the mean height of the spikes (of the filtered voltage), mV.
        subthreshold_rms: of the voltage in the window, in sweeps where neither spikes, mV.
        time: ms from where the model is let go.
        recorded: the recording from there on, mV, `(sweeps, samples)`.
        model: what the model would have been recorded as.
    """

    observed_counts: np.ndarray
    predicted_counts: np.ndarray
    latency_error: np.ndarray
    peak_error: np.ndarray
    subthreshold_rms: np.ndarray
    time: np.ndarray
    recorded: np.ndarray
    model: np.ndarray

    def plot(self, sweeps: np.ndarray | None = None) -> "Figure":
        """Draw up to six sweeps, recorded and of the model, and the numbers of spikes of all; needs matplotlib.

        Args:
            sweeps: what to call them; by default their numbers from 0 on.
        """
        from matplotlib import pyplot

        names = np.arange(len(self.observed_counts)) if sweeps is None else np.asarray(sweeps)
        shown = np.unique(np.linspace(0, len(names) - 1, min(_DRAWN, len(names))).round().astype(int))
        figure = pyplot.figure(figsize=(11, 1.5 * len(shown) + 1.5), layout="constrained")
        axes: dict[str, Any] = figure.subplot_mosaic([[str(k), "counts"] for k in shown], width_ratios=(3, 1))
        for k in shown:
            panel = axes[str(k)]
            panel.plot(self.time, self.recorded[k], color="0.55", linewidth=0.8, label="recorded")
            panel.plot(self.time, self.model[k], color="tab:red", linewidth=0.8, label="model")
            panel.set_ylabel(f"sweep {names[k]} (mV)")
            panel.margins(x=0)
            panel.tick_params(labelbottom=bool(k == shown[-1]))
        axes[str(shown[0])].legend(frameon=False, ncols=2, loc="upper left")
        axes[str(shown[-1])].set_xlabel("time (ms)")
        for counts, color, fill in ((self.observed_counts, "0.55", "full"), (self.predicted_counts, "tab:red", "none")):
            axes["counts"].plot(names, counts, "o-", color=color, fillstyle=fill)
        axes["counts"].set_xlabel("sweep")
        axes["counts"].set_ylabel("spikes in the window")
        for panel in axes.values():
            panel.spines[["top", "right"]].set_visible(False)
        return figure

    def __str__(self) -> str:
        rows = [("observed", *map(str, self.observed_counts)), ("predicted", *map(str, self.predicted_counts))]
        for name, numbers, digits in (
            ("latency error (ms)", self.latency_error, 1),
            ("peak error (mV)", self.peak_error, 1),
            ("rms without spikes (mV)", self.subthreshold_rms, 2),
        ):
            rows.append((name, *("" if np.isnan(x) else f"{x:.{digits}f}" for x in numbers)))
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        aligned = (
            "  ".join([row[0].ljust(widths[0]), *(x.rjust(w) for x, w in zip(row[1:], widths[1:], strict=True))])
            for row in rows
        )
        return "\n".join(line.rstrip() for line in aligned)


def event_scores(
    neuron: ps.Neuron,
    recording: ps.Recording,
    events: Events,
    electrode: ps.Electrode | None = None,
    solver: ps.Adaptive | ps.Exponential | None = None,
) -> EventScores:
    """Compare what a neuron does with a recording: held at the recorded voltage until the window, and then let go.

    Args:
        neuron: the model.
        recording: of a current clamp, with its command.
        events: the window and the level of a spike.
        electrode: through which the model is seen.
        solver: as `patch_sim.simulate` takes it; by default the exact one.
    """
    term = events.bind(recording)
    term = term.rows(np.arange(term.recorded))
    model = np.asarray(term.simulate(neuron, electrode or ps.Electrode(), solver or ps.Adaptive()))
    data = _recorded(term, recording, model.shape[1])
    measured = _measured(term, np.concatenate([data, model]))
    (there, own), (first, own_first), (high, own_high) = (np.split(of_both, 2) for of_both in measured)
    silent = (there == 0) & (own == 0)
    step = term.protocol.dt
    inside = slice(round(term.window[0] / step), round(term.window[1] / step))
    rms = np.sqrt(np.mean((model - data)[:, inside] ** 2, axis=1))
    return EventScores(
        observed_counts=there,
        predicted_counts=own,
        latency_error=own_first - first,
        peak_error=own_high - high,
        subthreshold_rms=np.where(silent, rms, np.nan),
        time=np.arange(model.shape[1]) * step,
        recorded=data,
        model=model,
    )


def _recorded(term: EventTerm, recording: ps.Recording, samples: int) -> np.ndarray:
    """The recorded voltage at the model's samples."""
    data, dt = np.asarray(recording.response, dtype=float), recording.dt
    begin = term.begin
    times = begin + np.arange(samples) * term.protocol.dt
    return np.stack([np.interp(times, np.arange(data.shape[1]) * dt, sweep) for sweep in data])


def _measured(term: EventTerm, voltage: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The count, the first spike (ms) and the mean height (mV) of the spikes of each sweep in the window."""
    start, end = term.window
    dt, level = term.protocol.dt, term.loss.level
    times, heights = (
        np.asarray(part)
        for part in _spikes(jnp.asarray(voltage), dt=dt, level=level, most=most_crossings(voltage, level))
    )
    inside = (times >= start) & (times < end)
    spikes = inside.any(axis=1)
    first = np.where(spikes, np.min(np.where(inside, times, np.inf), axis=1), np.nan)
    mean = np.sum(np.where(inside, heights, 0.0), axis=1) / np.maximum(inside.sum(axis=1), 1)
    return inside.sum(axis=1), first, np.where(spikes, mean, np.nan)


@functools.partial(jax.jit, static_argnames=("dt", "level", "most"))
def _spikes(
    voltage: Float[Array, "sweeps samples"], *, dt: float, level: float, most: int
) -> tuple[Float[Array, "sweeps most"], Float[Array, "sweeps most"]]:
    """When the spikes of each sweep are (ms, infinite where there is none), and how high (mV)."""

    def sweep(v: Float[Array, " samples"]) -> tuple[Float[Array, " most"], Float[Array, " most"]]:
        times, _, _ = crossings(v, dt, level, most)
        return times, peaks(v, dt, jnp.where(jnp.isfinite(times), times, 0.0))

    return jax.vmap(sweep)(filtered(voltage, dt))
