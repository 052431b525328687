"""The models that a fit on the page can start from."""

import dataclasses
from collections.abc import Callable

import patch_sim as ps
from fitting.model import Model
from fitting.spikes.stranger import stranger
from patch_sim.ui.state import State


@dataclasses.dataclass(frozen=True)
class Choice:
    """A model to choose.

    Attributes:
        label: for people.
        tip: what it is, in one line.
        mode: the clamp that it is for; None for both.
        build: makes it of what is set up on the page.
    """

    label: str
    tip: str
    mode: ps.Mode | None
    build: Callable[[State], Model]


def herg() -> Model:
    r"""The two-gate hERG model of Clerx et al. (2019), Biophys J 117:2420-2437, in a cell of 20 pF.

    $I = g \, a \, r \, (V - E_K)$, where each of the four rates is $k \, e^{V / s}$. This is the model of
    `examples/fit_herg.py`, where the exponent is $p V$ with a curve of its own; here the library's curve is enough:
    $s = 1 / p$, and both are searched on a log scale, so that the starts are spread alike.
    """

    def rate(rate: float, slope: float) -> ps.rates.Exponential:
        return ps.rates.Exponential(rate=rate, midpoint=0.0, slope=slope)

    gates = {
        "a": ps.Gate(opening=rate(1e-3, 20.0), closing=rate(1e-3, -20.0)),
        "r": ps.Gate(opening=rate(1e-2, -20.0), closing=rate(1e-2, 20.0)),
    }
    channel = ps.Channel(gates, g_max=5.0, ion="K")
    ions = ps.Ions(K=ps.Ion(inside=130.0, outside=4.0))
    bounds = {"channels.hERG.g_max": (0.5, 50.0)}  # mS/cm2: 10 to 1000 nS
    for gate, kinetics in gates.items():
        for way in ("opening", "closing"):
            slope = (5.0, 200.0) if getattr(kinetics, way).slope > 0 else (-200.0, -5.0)
            path = f"channels.hERG.gates.{gate}.{way}"
            bounds |= {f"{path}.rate": (1e-5, 1.0), f"{path}.slope": slope}
    return Model(ps.Neuron({"hERG": channel}, area=2000.0, temperature=21.4, ions=ions), bounds, {})


CHOICES = {
    "rig": Choice(
        "The cell of the rig",
        "the cell on the left, seen through the rig's electrode where the recording knows none of its own",
        None,
        lambda state: Model(state.cell.neuron(), {}, {}),
    ),
    "stranger": Choice(
        "A stranger that spikes",
        "eight currents with free kinetics and a dendrite, for a cell of which nothing is known: 41 free parameters",
        ps.Mode.CURRENT_CLAMP,
        lambda state: stranger(),
    ),
    "herg": Choice(
        "hERG, two gates",
        "Clerx et al. (2019): activation and recovery from inactivation, each with two exponential rates",
        ps.Mode.VOLTAGE_CLAMP,
        lambda state: herg(),
    ),
}
"""By the names that the browser sends."""
