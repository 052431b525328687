"""Four short lessons: what to set up, what to predict, and what comes out.

Whatever number a text names is what the simulator gives; a test runs every setup and holds the text to it.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

from patch_sim.ui.cell import Cell
from patch_sim.ui.protocol import Protocol
from patch_sim.ui.state import State


@dataclasses.dataclass(frozen=True)
class Step:
    """One thing to try.

    Attributes:
        title: what it is about.
        text: what to know before.
        setups: what can be run, by what its button says.
        question: what to predict.
        answer: what happens, and why.
    """

    title: str
    text: str
    setups: Mapping[str, State]
    question: str
    answer: str

    def view(self) -> dict[str, Any]:
        """As JSON for the browser."""
        setups = [{"label": label, "state": state.view()} for label, state in self.setups.items()]
        return {name: getattr(self, name) for name in ("title", "text", "question", "answer")} | {"setups": setups}


@dataclasses.dataclass(frozen=True)
class Lesson:
    """A sequence of steps.

    Attributes:
        title: its name.
        about: what is learned, in one line.
        steps: in their order.
    """

    title: str
    about: str
    steps: tuple[Step, ...]

    def view(self) -> dict[str, Any]:
        """As JSON for the browser."""
        return {"title": self.title, "about": self.about, "steps": [step.view() for step in self.steps]}


def _squid(kind: str, **numbers: float | int) -> State:
    return State(Cell("squid_axon"), Protocol(kind, numbers))


def _shocks(first: float, last: float, sweeps: int, duration: float) -> State:
    """Short current steps after 5 ms of rest."""
    return _squid("steps", first=first, last=last, sweeps=sweeps, start=5.0, duration=duration, length=30.0)


def _ramp(duration: float) -> State:
    return _squid("ramp", first=0.0, last=150.0, start=10.0, duration=duration, length=90.0)


def _pair(interval: float) -> State:
    """Two shocks of 1 ms, in three sweeps of growing amplitude."""
    numbers = {"first": 150.0, "last": 750.0, "sweeps": 3, "start": 5.0, "width": 1.0, "count": 2, "length": 50.0}
    return _squid("pulses", frequency=1e3 / interval, **numbers)


def _train(frequency: float, count: int) -> State:
    numbers = {"first": 450.0, "last": 450.0, "sweeps": 1, "start": 5.0, "width": 1.0, "length": 120.0}
    return _squid("pulses", frequency=frequency, count=count, **numbers)


def _blocked(part: float) -> Cell:
    """A cortical cell with a part of its delayed rectifier, which is 5 mS/cm2."""
    return Cell("regular_spiking", numbers={"channels.K.g_max": 5.0 * part})


def _one_step(cell: Cell, amplitude: float, start: float, duration: float, length: float, **electrode: float) -> State:
    numbers = {"sweeps": 1, "start": start, "duration": duration, "length": length}
    return State(cell, Protocol("steps", {"first": amplitude, "last": amplitude} | numbers), electrode)


def _clamp(first: float, last: float, sweeps: int, **electrode: float) -> State:
    """Voltage steps of a squid axon."""
    numbers = {"sweeps": sweeps, "start": 5.0, "duration": 10.0, "length": 20.0, "holding": -80.0}
    protocol = Protocol("voltage_steps", {"first": first, "last": last} | numbers)
    return State(Cell("squid_axon"), protocol, electrode)


THRESHOLD = Lesson(
    "Threshold",
    "When does a membrane fire, and what decides it?",
    (
        Step(
            "All or none",
            "Seven sweeps, each with a shock of 1 ms: from 60 pA in the first to 120 pA in the last. A weak shock only "
            "charges the membrane, which then relaxes back to rest. Beyond threshold, the sodium current that the "
            "depolarization itself has turned on exceeds all outward current, and the spike completes itself.",
            {"Run": _shocks(60.0, 120.0, 7, 1.0)},
            "A shock of 120 pA is a third stronger than one of 90 pA. How much taller is its spike?",
            "Hardly: 80 pA gives no spike, 90 pA one that peaks at 36 mV, and 120 pA one that peaks at 39 mV. The "
            "shock only pulls the trigger; the energy comes from the ion gradients. What changes is the latency: the "
            "spike crosses -10 mV 4.2 ms after the shock of 90 pA begins, but 2.4 ms after that of 120 pA.",
        ),
        Step(
            "Strength and duration",
            "To reach threshold, the capacitance of the membrane must be charged. A brief shock has to bring that "
            "charge before it leaks away through open channels. The longer a shock lasts the weaker it may be, down to "
            "the rheobase, below which no duration is enough.",
            {
                "Shocks of 0.5 ms": _shocks(120.0, 240.0, 7, 0.5),
                "Steps of 100 ms": _squid(
                    "steps", first=10.0, last=40.0, sweeps=7, start=10.0, duration=100.0, length=130.0
                ),
            },
            "Of the shocks of 1 ms, 90 pA was enough. How much does it take if the shock is half as long?",
            "Twice as much: 160 pA fails and 180 pA fires. It is the charge that counts: 0.5 ms of 180 pA bring 90 fC, "
            "just as 1 ms of 90 pA did. A step of 100 ms fires at 30 pA but not at 25 pA, so the rheobase lies between "
            "them.",
        ),
        Step(
            "A slow ramp",
            "Threshold is not a fixed voltage. While the membrane depolarizes slowly, sodium channels inactivate and "
            "potassium channels open, so that more and more sodium current would be needed. This is accommodation. "
            "Both ramps here rise from 0 to 150 pA.",
            {"Ramp of 10 ms": _ramp(10.0), "Ramp of 50 ms": _ramp(50.0)},
            "Both ramps end at five times the rheobase. Do both make the axon fire?",
            "No. The ramp of 10 ms does. That of 50 ms takes the membrane to -56 mV and still gives no spike, though "
            "the briefest shocks fired from about -58 mV.",
        ),
        Step(
            "Anode break",
            "Now the current hyperpolarizes: for 30 ms, by -75 pA in the first sweep and by -25 pA in the second. "
            "Negative to rest, inactivation is removed from sodium channels, and potassium channels that were open at "
            "rest close.",
            {"Run": _squid("steps", first=-75.0, last=-25.0, sweeps=2, start=10.0, duration=30.0, length=70.0)},
            "Can a current that hyperpolarizes make the axon fire?",
            "Yes, when it ends. After -75 pA, which take the membrane to -76 mV, a spike follows 4.7 ms after the end "
            "of the step. After -25 pA there is none. For a few milliseconds threshold lies below the resting "
            "potential, because both processes are slower than the recharging of the membrane.",
        ),
    ),
)

REFRACTORINESS = Lesson(
    "Refractoriness",
    "Why an axon needs a pause, and what that limits.",
    (
        Step(
            "25 ms apart",
            "Two equal shocks of 1 ms, 25 ms apart, in three sweeps: of 150, 450 and 750 pA. At rest, 90 pA is enough. "
            "So each first shock is well above threshold.",
            {"Run": _pair(25.0)},
            "How does the second spike compare with the first?",
            "It is the same to 0.1 mV in every sweep. After 25 ms the gates are nearly where they were before the "
            "first spike.",
        ),
        Step(
            "10 ms apart",
            "The same shocks, 10 ms apart. After a spike the sodium channels are partly inactivated and more potassium "
            "channels are open than at rest. Both oppose a second spike. You can see them: choose Na.h or K.n as a "
            "further trace below the scope.",
            {"Run": _pair(10.0)},
            "In which of the three sweeps does the second shock still give a spike?",
            "In two: 450 and 750 pA give a second spike, smaller than the first by 4 to 6 mV. At 150 pA, enough at "
            "rest, it fails. This is the relative refractory period: threshold is raised, and a strong stimulus "
            "overcomes it. Just before the second shock of 150 pA, h is 0.49 instead of the 0.60 of rest, and n 0.40 "
            "instead of 0.32.",
        ),
        Step(
            "5 ms apart",
            "The same shocks, 5 ms apart. Now the second one comes right after the first spike.",
            {"Run": _pair(5.0)},
            "Will eight times the current that is enough at rest do it now?",
            "No: even 750 pA gives one spike only. So few sodium channels can open, and so many potassium channels are "
            "open, that the inward current does not win. This is the absolute refractory period.",
        ),
        Step(
            "The highest rate",
            "A train of shocks of 450 pA lasts 100 ms: 10 of them at 100 Hz, or 20 at 200 Hz. An axon carries "
            "information by its rate of spikes, and refractoriness sets the limit.",
            {"100 Hz": _train(100.0, 10), "200 Hz": _train(200.0, 20)},
            "How many spikes will the axon fire at 100 Hz, and how many at 200 Hz?",
            "10 and 10. At 100 Hz each shock gives a spike. At 200 Hz every other shock falls into the refractory "
            "period of the spike before it, and the axon follows at half the rate.",
        ),
    ),
)

_TTX = Cell("squid_axon", off=("Na",))
_CORTEX = Cell("regular_spiking")
_NO_M = Cell("regular_spiking", off=("M",))
_THALAMUS = Cell("thalamic_relay")
_NO_T = Cell("thalamic_relay", off=("CaT",))

CONDUCTANCES = Lesson(
    "What each conductance does",
    "Take one away, and see what is missing.",
    (
        Step(
            "Sodium: the upstroke",
            "Sodium channels open within a fraction of a millisecond of a depolarization, let sodium in, and "
            "depolarize the membrane further. Tetrodotoxin (TTX) blocks them. The squid axon is given 200 pA for 1 ms, "
            "with and without them. Tick persist below the scope to see both.",
            {
                "Control": _one_step(Cell("squid_axon"), 200.0, 5.0, 1.0, 40.0),
                "Sodium off": _one_step(_TTX, 200.0, 5.0, 1.0, 40.0),
            },
            "Does the resting potential change as much as the spike?",
            "No. The peak falls from 40 to -54 mV: what is left is the charging of the membrane. The resting potential "
            "falls by 0.9 mV only, from -65.0 to -65.8 mV, because few sodium channels are open at rest.",
        ),
        Step(
            "Delayed rectifier: the downstroke",
            "Potassium channels open later than sodium channels and carry potassium out, which repolarizes the "
            "membrane. Tetraethylammonium (TEA) blocks many of them. A cortical pyramidal cell gets one shock of 4000 "
            "pA for 2 ms, with its delayed rectifier whole, with a quarter of it, and with a tenth.",
            {
                "Control": _one_step(_CORTEX, 4000.0, 10.0, 2.0, 60.0),
                "A quarter of K": _one_step(_blocked(0.25), 4000.0, 10.0, 2.0, 60.0),
                "A tenth of K": _one_step(_blocked(0.1), 4000.0, 10.0, 2.0, 60.0),
            },
            "Will the spike become taller, longer, or both?",
            "Longer: with a quarter of the channels it lasts 1.4 instead of 0.85 ms, measured halfway up from rest, "
            "and its peak rises by hardly more than 1 mV. With a tenth the cell does not repolarize any more: it stays "
            "at -12 mV, where the sodium current that does not inactivate balances the outward currents.",
        ),
        Step(
            "M current: adaptation",
            "The M current flows through potassium channels that open slowly, within tens of milliseconds, and do not "
            "inactivate. Acetylcholine closes them through muscarinic receptors, hence the name. The cortical cell is "
            "given 900 pA for 400 ms.",
            {
                "Control": _one_step(_CORTEX, 900.0, 50.0, 400.0, 500.0),
                "M off": _one_step(_NO_M, 900.0, 50.0, 400.0, 500.0),
            },
            "What happens to the intervals between spikes without it?",
            "They become equal, and short. With the M current there are 11 spikes, whose intervals grow from 18 to 57 "
            "ms: the current builds up with each spike and opposes the next. Without it there are 26 spikes, 15.1 ms "
            "apart.",
        ),
        Step(
            "T-type calcium: the rebound burst",
            "T-type calcium channels activate near rest, but there they are inactivated. Only hyperpolarization makes "
            "them available again. A thalamic relay cell is hyperpolarized by -100 pA for 300 ms and let go.",
            {
                "Control": _one_step(_THALAMUS, -100.0, 100.0, 300.0, 600.0),
                "T-type off": _one_step(_NO_T, -100.0, 100.0, 300.0, 600.0),
            },
            "When does the cell fire, and how often?",
            "After the hyperpolarization: a burst of 5 spikes, the first 64 ms after the end of the step. The calcium "
            "current lifts the membrane slowly, and sodium spikes ride on top. Without it there is none. This is how "
            "inhibition makes thalamic cells burst in sleep.",
        ),
    ),
)

SERIES_RESISTANCE = Lesson(
    "Series resistance",
    "What stands between the amplifier and the membrane.",
    (
        Step(
            "An ideal clamp",
            "In voltage clamp the amplifier passes whatever current holds the membrane at the command. Here the "
            "electrode is perfect. A squid axon, held at -80 mV, is stepped to potentials from -60 to 40 mV. Inward "
            "current is negative.",
            {"Run": _clamp(-60.0, 40.0, 11)},
            "More sodium channels open at 40 mV than at 0 mV. At which of the two is the inward current larger?",
            "At 0 mV, with a peak of -27.4 nA; at 40 mV it is -6.8 nA. The current is the conductance times the "
            "driving force, the distance to the reversal potential, and 40 mV is close to that of sodium, 50 mV.",
        ),
        Step(
            "The voltage error",
            "A real pipette has a resistance Rs in series with the membrane, and the current through it makes a "
            "voltage. So the membrane is not at the command but at V = Vcommand - Rs x I. Compare the step to 0 mV "
            "with an ideal electrode and with 5 MOhm. Choose membrane voltage as a further trace below the scope.",
            {"Ideal": _clamp(0.0, 0.0, 1), "Rs = 5 MOhm": _clamp(0.0, 0.0, 1, series_resistance=5.0)},
            "Through 5 MOhm, -7.5 nA flow at the peak. Where is the membrane?",
            "At 0 mV - 5 MOhm x (-7.5 nA) = +37 mV: the inward current depolarizes the membrane beyond the command. "
            "The peak itself is not -27.4 nA as it should be, because at 37 mV little driving force is left.",
        ),
        Step(
            "Loss of control",
            "All steps from -60 to 40 mV once more, now through 5 MOhm. With an ideal clamp the peak at -50 mV was "
            "only -1.5 nA, and it grew gradually up to 0 mV.",
            {"Run": _clamp(-60.0, 40.0, 11, series_resistance=5.0)},
            "At which command is the largest inward current now?",
            "At -50 mV, with -13.9 nA, while -60 mV gives -0.1 nA: all or none, like a spike. The sodium current "
            "depolarizes the membrane through its error, and so opens more sodium channels. An I-V curve that begins "
            "with such a jump is the sign of a clamp that has lost control.",
        ),
        Step(
            "Compensation",
            "An amplifier can add to the command what it expects to lose: the measured current times a part of Rs. "
            "With 70 % correction of 5 MOhm, 1.5 MOhm are left. More is risky: this is positive feedback, and it may "
            "ring.",
            {
                "Rs = 5 MOhm": _clamp(0.0, 0.0, 1, series_resistance=5.0),
                "70 % corrected": _clamp(0.0, 0.0, 1, series_resistance=5.0, correction=70.0),
            },
            "Before, the error was 37 mV. Is it 30 % of that now?",
            "No, it is 24 mV. The better the clamp, the more current flows: now -16.2 nA, and 1.5 MOhm x 16.2 nA = 24 "
            "mV. Compensation helps, but a pipette of lower resistance, or fewer channels, helps more.",
        ),
        Step(
            "In current clamp",
            "Here the same resistance adds Rs x I to what is measured while current flows. The bridge balance "
            "subtracts it. A cortical cell is given -200 pA through 20 MOhm.",
            {
                "Bridge off": _one_step(_CORTEX, -200.0, 20.0, 200.0, 300.0, series_resistance=20.0),
                "Bridge balanced": _one_step(_CORTEX, -200.0, 20.0, 200.0, 300.0, series_resistance=20.0, bridge=20.0),
            },
            "With the bridge off, what marks the error in the trace?",
            "An instantaneous jump, of 20 MOhm x -200 pA = -4 mV, at both ends of the step; the membrane can only "
            "charge slowly. Just before the end one reads -81.2 instead of the true -77.2 mV, and would get an input "
            "resistance that is 20 MOhm too large.",
        ),
    ),
)

LESSONS = (THRESHOLD, REFRACTORINESS, CONDUCTANCES, SERIES_RESISTANCE)
"""In the order of the page."""
