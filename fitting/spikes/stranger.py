"""A model for a neuron about which nothing is known."""

import patch_sim as ps
from fitting.model import Model

AREA = 10_000.0
"""um2; with it 1 uF/cm2 are 100 pF, and 1 mS/cm2 are 100 nS. What is fitted is the whole cell: densities are of this
area, whatever the true one is."""


def stranger() -> Model:
    r"""A cell with the eight currents that most neurons are made of, and their kinetics free.

    Leak; sodium $m^3 h s$ with slow inactivation; delayed rectifier $n^3$; M; A $a^3 b$; persistent sodium; Ih; a slow
    afterhyperpolarization that opens during a spike and closes over tens of ms to a second; a passive dendrite; and
    what the amplifier's bridge has left of the electrode's resistance.
    Each gate has a half-voltage, a slope and a peak time constant (`patch_sim.SymmetricGate`).

    The bounds are wide enough for cortical and hippocampal neurons, with conductances up to those of a large pyramidal
    cell. What the recording does not determine stays undetermined: the fit says so.
    """
    currents = _currents()
    neuron = ps.Neuron(
        {name: channel for name, (channel, _) in currents.items()},
        area=AREA,
        capacitance=1.0,
        temperature=34.0,
    )
    bounds = {"capacitance": (0.2, 10.0)}
    for name, (_, of_channel) in currents.items():
        bounds |= {f"channels.{name}.{path}": pair for path, pair in of_channel.items()}
    return Model(neuron, bounds | _REVERSALS | {"electrode.series_resistance": (0.1, 40.0)}, _TIES)


def _gate(midpoint: float, slope: float, peak: float, power: int = 1, fastest: float = 0.02) -> ps.SymmetricGate:
    return ps.SymmetricGate(midpoint=midpoint, slope=slope, peak=peak, fastest=fastest, power=power)


def _spike_driven() -> ps.Gate:
    """Opens while the cell is above -15 mV or so, and closes at the same pace everywhere."""
    opening = ps.rates.Sigmoid(rate=0.3, midpoint=-15.0, slope=5.0)
    return ps.Gate(opening=opening, closing=ps.rates.Constant(value=0.01))


def _kinetics(gate: str, midpoint: tuple, slope: tuple, peak: tuple) -> dict[str, tuple[float, float]]:
    return {f"gates.{gate}.midpoint": midpoint, f"gates.{gate}.slope": slope, f"gates.{gate}.peak": peak}


def _currents() -> dict[str, tuple[ps.channels.AbstractChannel, dict[str, tuple[float, float]]]]:
    """What current flows through, and its bounds; made when they are asked for, in the precision that JAX has then."""
    return {
        "Leak": (ps.channels.Leak(g_max=0.05, reversal=-70.0), {"g_max": (0.002, 1.0)}),
        "Na": (
            ps.Channel(
                {
                    "m": _gate(-35.0, 7.0, 0.15, 3),
                    "h": _gate(-60.0, -7.0, 3.0, fastest=0.2),
                    "s": _gate(-60.0, -9.0, 300.0),
                },
                g_max=30.0,
                reversal=60.0,
            ),
            {"g_max": (0.5, 300.0)}
            | _kinetics("m", (-50.0, -15.0), (3.0, 12.0), (0.02, 0.6))
            | _kinetics("h", (-75.0, -30.0), (-14.0, -3.0), (0.3, 20.0))
            | _kinetics("s", (-75.0, -20.0), (-20.0, -3.0), (30.0, 2000.0)),
        ),
        "Kd": (
            ps.Channel({"n": _gate(-20.0, 10.0, 3.0, 3, fastest=0.1)}, g_max=10.0, reversal=-85.0),
            {"g_max": (0.1, 200.0)} | _kinetics("n", (-45.0, 15.0), (4.0, 20.0), (0.3, 15.0)),
        ),
        "M": (
            ps.Channel({"p": _gate(-40.0, 8.0, 60.0)}, g_max=0.05, reversal=-85.0),
            {"g_max": (1e-4, 3.0)} | _kinetics("p", (-60.0, -20.0), (3.0, 15.0), (10.0, 300.0)),
        ),
        "A": (
            ps.Channel(
                {"a": _gate(-40.0, 12.0, 1.0, 3, fastest=0.1), "b": _gate(-70.0, -8.0, 20.0, fastest=2.0)},
                g_max=1.0,
                reversal=-85.0,
            ),
            {"g_max": (1e-3, 100.0)}
            | {"gates.a.midpoint": (-60.0, -10.0), "gates.a.peak": (0.1, 5.0)}
            | {"gates.b.midpoint": (-90.0, -50.0), "gates.b.peak": (3.0, 200.0)},
        ),
        "NaP": (
            ps.Channel({"p": _gate(-50.0, 5.0, 1.0)}, g_max=0.02, reversal=60.0),
            {"g_max": (1e-4, 1.0), "gates.p.midpoint": (-65.0, -35.0), "gates.p.slope": (2.0, 8.0)},
        ),
        "Ih": (
            ps.Channel({"q": _gate(-85.0, -8.0, 80.0)}, g_max=0.01, reversal=-35.0),
            {"g_max": (1e-4, 1.0)} | _kinetics("q", (-105.0, -65.0), (-14.0, -4.0), (10.0, 500.0)),
        ),
        "AHP": (
            ps.Channel({"w": _spike_driven()}, g_max=0.2, reversal=-85.0),
            {"g_max": (1e-3, 20.0), "gates.w.closing.value": (1e-3, 0.1)},
        ),
        "dendrite": (
            ps.Dendrite(g_max=0.2, capacitance=1.0, leak=0.02, reversal=-70.0),
            {"g_max": (0.005, 5.0), "capacitance": (0.05, 10.0), "leak": (1e-3, 0.5)},
        ),
    }


_SODIUM, _POTASSIUM = ("Na", "NaP"), ("Kd", "M", "A", "AHP")
_TIES = {
    "E_leak": ("channels.Leak.reversal", "channels.dendrite.reversal"),
    "E_Na": tuple(f"channels.{name}.reversal" for name in _SODIUM),
    "E_K": tuple(f"channels.{name}.reversal" for name in _POTASSIUM),
}
_REVERSALS = {"E_leak": (-90.0, -45.0), "E_Na": (45.0, 95.0), "E_K": (-110.0, -60.0)}
