r"""The membrane test: access, membrane resistance and capacitance from the transient of a small voltage step.

A step $\Delta V$ to a membrane $R_m \parallel C_m$ behind the access resistance $R_s$ draws

$$\frac{I(t)}{\Delta V} = \frac{1}{R_s + R_m} + \Big(\frac{1}{R_s} - \frac{1}{R_s + R_m}\Big) e^{-t / \tau},
\qquad \tau = C_m \frac{R_s R_m}{R_s + R_m}, \qquad \frac{Q}{\Delta V} = C_m \Big(\frac{R_m}{R_s + R_m}\Big)^2,$$

where $Q$ is the area of the transient. An amplifier's low-pass filter takes the top off the transient, and who reads
$R_s$ from its peak reads too much; here what the filter makes of the exponential is fitted. The filter leaves the area
as it is, but for the delay of the step beneath it, which is added back.
"""

import dataclasses
import functools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from patch_sim.analysis import draw
from patch_sim.analysis.measurement import AbstractMeasurement, Column, NotMeasurableError, Value, unmeasured
from patch_sim.analysis.relaxation_fit import Basis, Relaxation, decay, relax, relax_as_needed
from patch_sim.analysis.trace import Trace, check_clipped, check_window, first_step, resolve, trace
from patch_sim.filters import Bessel, decay_through
from patch_sim.protocols import Mode
from patch_sim.recording import Recording

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_BASELINE = 50.0  # ms before the step
_SETTLED = 0.2  # of the step, at its end
_TRANSIENT = 10.0  # time constants: the length of the fit
_DIFFERENT = 0.15  # of two capacitances
_DRIFT = 0.2  # of the access resistance
UNITS = {
    "access_resistance": "MOhm",
    "membrane_resistance": "MOhm",
    "input_resistance": "MOhm",
    "tau": "ms",
    "capacitance_tau": "pF",
    "capacitance_charge": "pF",
}


@dataclasses.dataclass(frozen=True, eq=False)
class MembraneTest(AbstractMeasurement):
    r"""Access and membrane, a row for each sweep, and of the mean of all sweeps.

    The errors of what is from the mean are the standard errors over sweeps; of fewer than three, those of the fit.

    Attributes:
        sweep: counted from 0.
        holding: current before the step, pA.
        access: $R_s$ in each sweep, MOhm.
        membrane: $R_m$ in each sweep, MOhm.
        capacitance: $C_m$ by the time constant in each sweep, pF.
        charge: $C_m$ by the charge in each sweep, pF.
        access_resistance: $R_s$, MOhm, of one exponential, as every membrane test defines it.
        membrane_resistance: $R_m$, MOhm, by where the transient settles.
        input_resistance: dV/dI over the last fifth of the step, MOhm; includes $R_s$, and what slow currents do.
        tau: ms.
        capacitance_tau: $C_m$ by the time constant, pF.
        capacitance_charge: $C_m$ by the charge, pF.
        access_two: $R_s$ if two exponentials are fitted, MOhm, where the transient calls for two.
        mean: the mean response over its step, `(samples, 3)`: time since the step (ms), measured and fitted (nS).
    """

    sweep: Column
    holding: Column
    access: Column
    membrane: Column
    capacitance: Column
    charge: Column
    access_resistance: Value
    membrane_resistance: Value
    input_resistance: Value
    tau: Value
    capacitance_tau: Value
    capacitance_charge: Value
    access_two: Value
    mean: np.ndarray = dataclasses.field(default_factory=lambda: np.zeros((0, 3)))

    def plot(self) -> "Figure":
        """Draw the mean transient with its fit, and the access resistance over sweeps; needs matplotlib."""
        figure, (left, right) = draw.figure(1, 2)
        if len(self.mean):
            left.plot(self.mean[:, 0], self.mean[:, 1], ".", ms=4, color=draw.DATA)
            left.plot(self.mean[:, 0], self.mean[:, 2], color=draw.FIT)
            draw.label(left, "time since the step (ms)", "current / step (nS)", f"Rs {self.access_resistance}")
        else:
            draw.missing(left, self.access_resistance.reason)
        draw.points(right, self.sweep, self.access)
        if np.isfinite(self.access.values).any():
            right.set_ylim(0.0, 1.2 * np.nanmax(self.access.values))
        draw.label(right, "sweep", "access resistance (MOhm)")
        return figure


class _Parts(NamedTuple):
    """What one transient says."""

    numbers: dict[str, float]
    fit: Relaxation
    delay: float
    end: float


def membrane_test(
    recording: Recording,
    window: Sequence[float] | None = None,
    *,
    filter: Bessel | None = None,
) -> MembraneTest:
    """Measure access resistance, membrane resistance and capacitance from a small voltage step.

    Args:
        recording: in voltage clamp, with one step; capacitive transients not canceled.
        window: the step, (start, end) in ms; None for the first step of the command.
        filter: the low-pass filter that the current went through; None for that of the recording's electrode, which an
            ABF file may tell.

    Raises:
        ValueError: an argument that is not what it should be.
    """
    check_window(window)
    if filter is not None and not isinstance(filter, Bessel):
        raise ValueError(f"filter must be a Bessel, such as Bessel(2000.0), or None, not {filter!r}")
    try:
        traced = trace(recording, Mode.VOLTAGE_CLAMP)
        step = first_step(traced) if window is None else resolve(traced, window)
        if step is None:
            raise NotMeasurableError("the command has no step")
        holding, response = _responses(traced, step)
    except NotMeasurableError as error:
        columns = ("", "pA", "MOhm", "MOhm", "pF", "pF")
        return MembraneTest(*unmeasured(str(error), columns, (*UNITS.values(), "MOhm")))
    return _Test(traced, step, recording.electrode.filter if filter is None else filter).result(holding, response)


def _responses(traced: Trace, step: tuple[float, float]) -> tuple[np.ndarray, np.ndarray]:
    """The holding current (pA, `(sweeps,)`) and the response less that over the step (nS, `(sweeps, samples)`)."""
    before = traced.part(step[0] - _BASELINE, step[0])
    if before.stop - before.start < 3:
        raise NotMeasurableError("the sweep begins with the step")
    amplitude = traced.levels(step) - traced.levels((step[0] - _BASELINE, step[0]))
    if np.any(np.abs(amplitude) < 0.1):
        raise NotMeasurableError("the command does not step in every sweep")
    holding = np.mean(traced.response[:, before], axis=1)
    # Two samples before the step, since a fitted delay may be negative.
    inside = slice(before.stop - 2, traced.part(*step).stop)
    return holding, (traced.response[:, inside] - holding[:, None]) / amplitude[:, None]


@dataclasses.dataclass(frozen=True, eq=False)
class _Test:
    """One membrane test: the trace, its step, and the filter."""

    traced: Trace
    step: tuple[float, float]
    filter: Bessel | None

    def result(self, holding: np.ndarray, response: np.ndarray) -> MembraneTest:
        mean = np.mean(response, axis=0)
        time = self.traced.dt * (np.arange(mean.size) - 2)
        try:
            whole = self.parts(time, mean, None)
            each = [self.parts_or_reason(time, one, whole.delay, whole.end) for one in response]
        except NotMeasurableError as error:
            whole, each = str(error), [str(error)] * len(response)
        steady = time >= (1.0 - _SETTLED) * time[-1]
        resistances = 1e3 / np.mean(response[:, steady], axis=1)
        values = {name: _mean_value(whole, each, name) for name in UNITS}
        values["input_resistance"] = Value(1e3 / float(np.mean(mean[steady])), "MOhm", _standard_error(resistances))
        two, notes = Value.of("one exponential describes the transient", "MOhm"), []
        if isinstance(whole, str):
            two = Value.of(whole, "MOhm")
        else:
            two = self.two(time, mean, whole) or two
            notes = _notes(values, two, each, self.filter)

        def column(name: str) -> Column:
            return Column.of([one if isinstance(one, str) else one.numbers[name] for one in each], UNITS[name])

        return MembraneTest(
            sweep=Column.of(range(len(response)), ""),
            holding=Column.of(holding, "pA"),
            access=column("access_resistance"),
            membrane=column("membrane_resistance"),
            capacitance=column("capacitance_tau"),
            charge=column("capacitance_charge"),
            **values,
            access_two=two,
            notes=tuple(notes),
            mean=np.zeros((0, 3)) if isinstance(whole, str) else _fitted(time, mean, whole),
        )

    def parts_or_reason(self, time: np.ndarray, response: np.ndarray, delay: float, end: float) -> _Parts | str:
        try:
            return self.parts(time, response, (delay, end))
        except NotMeasurableError as error:
            return str(error)

    def parts(self, time: np.ndarray, response: np.ndarray, known: tuple[float, float] | None) -> _Parts:
        """Take a response (nS) apart; the delay and the end of the fit (ms) are searched if they are not known."""
        check_clipped(response, "nS")
        if known is None:
            end = float(time[-1])
            for _ in range(3):
                end = min(max(_TRANSIENT * self.fit(time, response, 0.0, end).taus[0], 20.0 * self.traced.dt), time[-1])
            known = (self.delay(time, response, end), end)
        delay, end = known
        found = self.fit(time, response, delay, end)
        plateau, amplitude, tau = found.fit.values
        # Nothing flows before the step: a delay below 0 comes from a jump that samples show as a straight line.
        amplitude *= np.exp(min(delay, 0.0) / tau)
        if not (amplitude > 0.0 and plateau > 0.0):
            raise NotMeasurableError("there is no capacitive transient at the step")
        access = 1e3 / (plateau + amplitude)
        total = 1e3 / plateau
        membrane = total - access
        late = (time > end) & (time <= 1.5 * end)
        settled = float(np.mean(response[late])) if np.count_nonzero(late) > 10 else plateau
        area = float(np.trapezoid((response - settled)[self.transient(time, end)], dx=self.traced.dt))
        area += settled * (delay + self.lag) + amplitude * min(delay, 0.0)
        numbers = {
            "access_resistance": access,
            "membrane_resistance": membrane,
            "tau": tau,
            "capacitance_tau": 1e3 * tau * (1.0 / access + 1.0 / membrane),
            "capacitance_charge": area * (total / membrane) ** 2,
            "input_resistance": total,
        }
        return _Parts(numbers, found, delay, end)

    def transient(self, time: np.ndarray, end: float) -> np.ndarray:
        """Which samples belong to the transient: of an unfiltered one, from its peak on."""
        return (time > (-0.5 if self.filter is None else -2.5) * self.traced.dt) & (time <= end)

    def fit(self, time: np.ndarray, response: np.ndarray, delay: float, end: float, count: int = 1) -> Relaxation:
        """Fit exponentials that begin at a delay after the step, as the filter shows them."""
        inside = self.transient(time, end)
        basis, step = self.shapes(delay)
        return relax(time[inside], response[inside], count, basis=basis, step=step)

    def shapes(self, delay: float) -> tuple[Basis, Callable[[np.ndarray], np.ndarray]]:
        """What stands for an exponential and for a step that begin at a delay (ms)."""
        if self.filter is None:
            return decay, np.ones_like
        seen = functools.partial(decay_through, float(self.filter.corner), self.filter.poles)
        return lambda t, tau: seen(t - delay, tau), lambda t: seen(t - delay, np.inf)

    def delay(self, time: np.ndarray, response: np.ndarray, end: float) -> float:
        """When the amplifier's step comes after the command's, ms; 0 if nothing is known of the filter."""
        if self.filter is None:
            return 0.0
        from scipy import optimize

        dt = self.traced.dt
        best = optimize.minimize_scalar(
            lambda delay: self.fit(time, response, delay, end).fit.rms, bounds=(-dt, 3.0 * dt), method="bounded"
        )
        return float(best.x)

    @property
    def lag(self) -> float:
        """By how much the filter delays a step, ms."""
        if self.filter is None:
            return 0.0
        period = 1e3 / float(self.filter.corner)
        t = np.linspace(0.0, 10.0 * period, 4001)
        return float(np.trapezoid(1.0 - self.filter.decay(t, np.inf), t))

    def two(self, time: np.ndarray, response: np.ndarray, whole: _Parts) -> Value | None:
        """The access resistance by two exponentials, if the transient calls for two."""
        inside = self.transient(time, whole.end)
        basis, step = self.shapes(whole.delay)
        found = relax_as_needed(time[inside], response[inside], basis=basis, step=step)
        shares = found.amplitudes / np.sum(found.amplitudes)
        if found.count == 1 or np.min(shares) < 0.05:
            return None
        return found.fit.derived(lambda p: 1e3 / (p[0] + p[1] + p[2]), "MOhm")


def _fitted(time: np.ndarray, mean: np.ndarray, whole: _Parts) -> np.ndarray:
    """Time, response and fit, from the step on to the end of the fit."""
    shown = (time >= 0.0) & (time <= whole.end)
    return np.stack([time[shown], mean[shown], whole.fit.fit.predict(time[shown])], axis=1)


def _mean_value(whole: _Parts | str, each: Sequence[_Parts | str], name: str) -> Value:
    """A number of the mean transient, with the standard error over sweeps."""
    if isinstance(whole, str):
        return Value.of(whole, UNITS[name])
    numbers = np.array([one.numbers[name] for one in each if not isinstance(one, str)])
    error = _standard_error(numbers)
    if np.isnan(error) and name == "tau":
        error = float(whole.fit.fit.errors[2])
    if np.isnan(error) and name == "access_resistance":
        error = whole.fit.fit.derived(lambda p: 1e3 / (p[0] + p[1]), "MOhm").error
    return Value(whole.numbers[name], UNITS[name], error)


def _standard_error(numbers: np.ndarray) -> float:
    return float(np.std(numbers, ddof=1) / np.sqrt(numbers.size)) if numbers.size > 2 else np.nan


def _notes(values: dict[str, Value], two: Value, each: Sequence[_Parts | str], filter: Bessel | None) -> list[str]:
    notes = []
    by_tau, by_charge = values["capacitance_tau"].value, values["capacitance_charge"].value
    if abs(by_tau - by_charge) > _DIFFERENT * by_charge:
        notes.append(
            f"the capacitance by time constant, {by_tau:.0f} pF, and by charge, {by_charge:.0f} pF, differ: the "
            "cell is not one compartment, or slow currents flow during the transient"
        )
    if two.measurable:
        notes.append(
            f"two exponentials fit the transient better, as in a cell with dendrites; by them the access resistance is "
            f"{two}, not {values['access_resistance']}"
        )
    accesses = np.array([one.numbers["access_resistance"] for one in each if not isinstance(one, str)])
    if accesses.size > 2 and abs(np.mean(accesses[-3:]) / np.mean(accesses[:3]) - 1.0) > _DRIFT:
        notes.append(f"the access resistance goes from {accesses[0]:.1f} to {accesses[-1]:.1f} MOhm over the sweeps")
    if filter is None:
        notes.append("no filter is known: if there was one, the access resistance is less, say filter=Bessel(...)")
    return notes
