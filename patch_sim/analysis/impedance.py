r"""Impedance: what voltage a current makes at each frequency, and where it resonates.

$Z(f) = \hat V(f) / \hat I(f)$ from a chirp or noise, whose power covers the frequencies at hand. Near rest a membrane
with $n$ gates that matter is linear with $n + 1$ poles, so

$$Z(s) = \frac{b_0 + b_1 s + \dots + b_n s^n}{1 + a_1 s + \dots + a_{n+1} s^{n+1}}, \qquad s = 2 \pi i f,$$

is fitted to the complex ratio, each frequency weighed by the current in it (Levy (1959), IRE Trans Autom Control
4:37-44, iterated as by Sanathanan and Koerner (1963), IEEE Trans Autom Control 8:56-58). The resonance is where the
fitted $|Z|$ is largest: of a curve, not of the one noisy frequency that happens to stand out.
"""

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from patch_sim.analysis import draw
from patch_sim.analysis.fit_curve import Fit, finish
from patch_sim.analysis.measurement import AbstractMeasurement, Column, NotMeasurableError, Value, unmeasured
from patch_sim.analysis.spikes import spikes
from patch_sim.analysis.trace import check_window, resolve, trace
from patch_sim.protocols import Mode
from patch_sim.recording import Recording

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_POWER = 0.05  # of the largest amplitude of the current: frequencies with less of it are left out
_ORDERS = (0, 1, 2, 3)  # gates
_EVIDENCE = 10.0  # difference of BIC that another gate must be worth
_ROWS = 60


@dataclasses.dataclass(frozen=True, eq=False)
class Impedance(AbstractMeasurement):
    """Impedance over frequency, a row for each of 60 bands, and its resonance.

    Attributes:
        frequency: middle of the band, Hz.
        magnitude: of the impedance, MOhm: of the sum over the band.
        phase: of the voltage after the current, degrees; positive if the voltage leads.
        resonance: the frequency of the largest fitted magnitude, Hz.
        peak: that magnitude, MOhm.
        quality: $Q$, the peak over the fitted magnitude at the lowest frequency (Hutcheon and Yarom (2000), Trends
            Neurosci 23:216-222).
        cutoff: where the fitted magnitude has fallen to the peak over the square root of 2, Hz.
        gates: how many gates the fit needed.
        fitted: frequency (Hz) and magnitude (MOhm) of the fit, `(points, 2)`.
    """

    frequency: Column
    magnitude: Column
    phase: Column
    resonance: Value
    peak: Value
    quality: Value
    cutoff: Value
    gates: Value
    fitted: np.ndarray = dataclasses.field(default_factory=lambda: np.zeros((0, 2)))

    def plot(self) -> "Figure":
        """Draw magnitude and phase over frequency; needs matplotlib."""
        figure, (top, bottom) = draw.figure(2, height=2.8, share_x=True)
        if not len(self.frequency):
            draw.missing(top, self.resonance.reason)
            return figure
        draw.points(top, self.frequency, self.magnitude)
        top.plot(*self.fitted.T, color=draw.FIT)
        if self.resonance.measurable:
            top.axvline(self.resonance.value, color="0.7", linewidth=0.8, linestyle="--")
        draw.points(bottom, self.frequency, self.phase)
        top.set_xscale("log")
        top.set_ylim(bottom=0.0)
        said = f"resonance {self.resonance}" if self.resonance.measurable else self.resonance.reason
        draw.label(top, "", "impedance (MOhm)", said)
        draw.label(bottom, "frequency (Hz)", "phase (degrees)")
        return figure


def impedance(
    recording: Recording, window: Sequence[float] | None = None, *, band: tuple[float, float] | None = None
) -> Impedance:
    """Measure the impedance from the response to a chirp, or to noise.

    Args:
        recording: in current clamp, without spikes.
        window: where, (start, end) in ms; None for the whole sweep.
        band: the lowest and highest frequency, Hz; None for those that the current has.

    Raises:
        ValueError: an argument that is not what it should be.
    """
    check_window(window)
    if band is not None and not 0.0 <= band[0] < band[1]:
        raise ValueError(f"band must be (lowest, highest) in Hz, not {band!r}")
    try:
        frequency, current, voltage = _spectra(recording, window, band)
        fit, gates = _fit(frequency, current, voltage)
    except NotMeasurableError as error:
        return Impedance(*unmeasured(str(error), ("Hz", "MOhm", "degrees"), ("Hz", "MOhm", "", "Hz", "")))
    bands = _bands(frequency, current, voltage)
    grid = np.geomspace(frequency[0], frequency[-1], 400)
    fitted = np.stack([grid, np.abs(_rational(fit.values, gates, grid))], axis=1)
    frequencies, magnitude, phase = bands
    resonance, peak, quality, cutoff = _peak(fit, gates, frequency)
    return Impedance(
        frequency=Column.of(frequencies, "Hz"),
        magnitude=Column.of(magnitude, "MOhm"),
        phase=Column.of(phase, "degrees"),
        resonance=resonance,
        peak=peak,
        quality=quality,
        cutoff=cutoff,
        gates=Value(float(gates), ""),
        fitted=fitted,
    )


def _spectra(
    recording: Recording, window: Sequence[float] | None, band: tuple[float, float] | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Frequencies (Hz), and the spectra of current (pA) and voltage (mV) at them, summed over sweeps."""
    traced = trace(recording, Mode.CURRENT_CLAMP)
    span = (float(traced.time[0]), traced.end) if window is None else resolve(traced, window)
    if traced.command is None:
        raise NotMeasurableError("the recording holds no command")
    if any(spikes(recording, span).counts):
        raise NotMeasurableError("there are spikes: the response is not linear")
    inside = traced.part(*span)
    current, voltage = traced.command[:, inside], traced.response[:, inside]
    still = np.ptp(current) == 0.0
    if still or current.shape[1] < 100:
        raise NotMeasurableError("the current does not move" if still else "the window holds less than 100 samples")
    current, voltage = (np.fft.rfft(x - x[:, :1], axis=1) for x in (current, voltage))
    # Sweeps add up in the direction of their currents, so that opposite ones do not cancel.
    cross, power = np.sum(voltage * current.conj(), axis=0), np.sum(np.abs(current) ** 2, axis=0)
    frequency = np.fft.rfftfreq(inside.stop - inside.start, traced.dt * 1e-3)
    amplitude = np.sqrt(power)
    smooth = np.convolve(amplitude, np.ones(5) / 5.0, mode="same")
    low, high = (0.0, np.inf) if band is None else band
    used = (frequency > 0.0) & (frequency >= low) & (frequency <= high) & (smooth > _POWER * np.max(smooth[1:]))
    if np.count_nonzero(used) < 20:
        raise NotMeasurableError(f"the current has power at only {np.count_nonzero(used)} frequencies")
    return frequency[used], amplitude[used], (cross / np.maximum(amplitude, 1e-300))[used]


def _rational(values: np.ndarray, gates: int, frequency: np.ndarray) -> np.ndarray:
    """The impedance (MOhm) at frequencies (Hz), with s in 1/s scaled to the geometric middle by the coefficients."""
    s = 2j * np.pi * frequency * 1e-2
    top = np.polynomial.polynomial.polyval(s, values[: gates + 1])
    return top / np.polynomial.polynomial.polyval(s, np.concatenate([[1.0], values[gates + 1 :]]))


def _fit(frequency: np.ndarray, current: np.ndarray, voltage: np.ndarray) -> tuple[Fit, int]:
    """The rational impedance with as many gates as the spectrum calls for."""
    best: tuple[float, Fit, int] | None = None
    for gates in _ORDERS:
        try:
            fit = _fit_order(frequency, current, voltage, gates)
        except NotMeasurableError:
            continue
        n = 2 * frequency.size
        score = n * np.log(fit.rms**2) + (fit.values.size) * np.log(n)
        if best is None or score < best[0] - _EVIDENCE:
            best = (score, fit, gates)
    if best is None:
        raise NotMeasurableError("no linear membrane fits the response")
    return best[1], best[2]


def _fit_order(frequency: np.ndarray, current: np.ndarray, voltage: np.ndarray, gates: int) -> Fit:
    from scipy import optimize

    s = 2j * np.pi * frequency * 1e-2
    ratio = voltage / current
    powers = s[:, None] ** np.arange(gates + 2)
    weight = current.astype(complex)
    values = np.zeros(2 * gates + 2)
    for _ in range(20):
        design = np.concatenate([powers[:, : gates + 1], -ratio[:, None] * powers[:, 1:]], axis=1) * weight[:, None]
        target = ratio * weight
        values = np.linalg.lstsq(_real(design), _real(target), rcond=None)[0]
        bottom = 1.0 + powers[:, 1:] @ values[gates + 1 :]
        weight = current / np.abs(bottom)
    values[gates + 1 :] = _stable(values[gates + 1 :])
    starts = [values, *([_resonator(frequency, current, voltage)] if gates == 1 else [])]
    fits = [
        optimize.least_squares(
            lambda p: _real(_rational(p, gates, frequency) * current - voltage),
            start,
            x_scale="jac",
            method="lm",
            max_nfev=2000,
        )
        for start in starts
    ]
    found = min(fits, key=lambda fit: fit.cost)
    bottom = np.concatenate([[1.0], found.x[gates + 1 :]])
    if np.any(np.polynomial.polynomial.polyroots(bottom).real > 0.0):
        raise NotMeasurableError("the fitted membrane is not stable")
    scaled = finish(found.x, found.jac, found.fun, lambda f: np.abs(_rational(found.x, gates, f)))
    # Volts per pA: the parameters of the numerator carry mV / pA, that is GOhm.
    factor = np.where(np.arange(found.x.size) <= gates, 1e3, 1.0)
    return dataclasses.replace(
        scaled, values=scaled.values * factor, covariance=scaled.covariance * np.outer(factor, factor)
    )


def _resonator(frequency: np.ndarray, current: np.ndarray, voltage: np.ndarray) -> np.ndarray:
    """Where to start with one gate: a resonance where the impedance of the bands is largest, of quality 2."""
    middle, magnitude, _ = _bands(frequency, current, voltage)
    well = slice(magnitude.size // 4, None)  # low bands hold few frequencies
    omega = 2e-2 * np.pi * middle[well][np.argmax(magnitude[well])]
    low = 0.5e-3 * np.max(magnitude[well])
    return np.array([low, 2.0 * low / omega, 0.5 / omega, 1.0 / omega**2])


def _stable(tail: np.ndarray) -> np.ndarray:
    """Coefficients of a denominator, after its 1, whose poles that grow are turned into such that decay."""
    roots = np.polynomial.polynomial.polyroots(np.concatenate([[1.0], tail]))
    turned = np.polynomial.polynomial.polyfromroots(-np.abs(roots.real) + 1j * roots.imag)
    return (turned / turned[0]).real[1:]


def _real(values: np.ndarray) -> np.ndarray:
    return np.concatenate([values.real, values.imag])


def _peak(fit: Fit, gates: int, frequency: np.ndarray) -> tuple[Value, Value, Value, Value]:
    """Resonance, peak, quality and cutoff."""
    low, high = float(frequency[0]), float(frequency[-1])
    grid = np.geomspace(low, high, 2000)

    def top(values: np.ndarray) -> float:
        z = np.abs(_rational(values, gates, grid))
        k = int(np.clip(np.argmax(z), 1, grid.size - 2))
        x, y = np.log(grid[k - 1 : k + 2]), z[k - 1 : k + 2]
        bend = y[0] - 2.0 * y[1] + y[2]
        shift = 0.5 * (y[0] - y[2]) / bend if bend < 0.0 else 0.0
        return float(np.exp(x[1] + np.clip(shift, -1.0, 1.0) * (x[2] - x[1])))

    def peak(values: np.ndarray) -> float:
        return float(np.max(np.abs(_rational(values, gates, grid))))

    def quality(values: np.ndarray) -> float:
        return peak(values) / float(np.abs(_rational(values, gates, grid[:1]))[0])

    def cutoff(values: np.ndarray) -> float:
        z = np.abs(_rational(values, gates, grid))
        after = np.flatnonzero((z < peak(values) / np.sqrt(2.0)) & (grid > top(values)))
        return float(grid[after[0]]) if after.size else np.nan

    measured = fit.derived(quality, "")
    resonance = fit.derived(top, "Hz")
    if top(fit.values) < 1.05 * low or quality(fit.values) < 1.0 + max(0.01, 2.0 * measured.error):
        resonance = Value.of(f"the impedance falls from {low:.3g} Hz on: there is no resonance", "Hz")
    cut = cutoff(fit.values)
    fallen = Value.of(f"the impedance has not fallen by half the power at {high:.3g} Hz", "Hz")
    return resonance, fit.derived(peak, "MOhm"), measured, fallen if np.isnan(cut) else Value(cut, "Hz")


def _bands(frequency: np.ndarray, current: np.ndarray, voltage: np.ndarray) -> tuple[np.ndarray, ...]:
    """Frequency (Hz), magnitude (MOhm) and phase (degrees) in bands that are equally wide on a logarithmic axis."""
    edges = np.geomspace(frequency[0], frequency[-1] * (1.0 + 1e-9), _ROWS + 1)
    which = np.clip(np.searchsorted(edges, frequency, side="right") - 1, 0, _ROWS - 1)
    rows = np.unique(which)
    weight = [current[which == row] ** 2 for row in rows]
    z = [
        1e3 * np.sum(voltage[which == row] * current[which == row]) / np.sum(w)
        for row, w in zip(rows, weight, strict=True)
    ]
    middle = [np.sum(frequency[which == row] * w) / np.sum(w) for row, w in zip(rows, weight, strict=True)]
    return np.array(middle), np.abs(z), np.degrees(np.angle(z))
