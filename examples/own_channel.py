"""Two channels that the package does not have, in a cell that it has.

The D current of Golomb et al. (2007) is declared: its gates, its conductance, its ion. It opens below threshold and
inactivates over hundreds of ms, so that a cell with it hesitates before it fires.

The inward rectifier of Nisenbaum and Wilson (1995) is a small class, because it opens by the distance of the voltage
from the potassium potential, which no gate knows: more potassium outside, and it is open at rest. (The other potassium
channels of the cell keep their published reversal, whatever is outside.)

    uv run examples/own_channel.py [--plot D_CURRENT.png]
"""

import argparse
from typing import ClassVar

import equinox as eqx
import jax
import numpy as np

jax.config.update("jax_enable_x64", True)

import patch_sim as ps


def d_current(g_max: float = 0.39) -> ps.Channel:
    """I = g a^3 b (V - E_K), Golomb et al. (2007), PLoS Comput Biol 3:e156 (ModelDB 97747)."""
    gates = {
        "a": ps.InfTauGate(inf=ps.rates.Boltzmann(-50.0, 20.0), tau=ps.rates.Constant(2.0), power=3),
        "b": ps.InfTauGate(inf=ps.rates.Boltzmann(-70.0, -6.0), tau=ps.rates.Constant(150.0)),
    }
    return ps.Channel(gates, g_max=g_max, ion="K")


class InwardRectifier(ps.channels.AbstractOhmicChannel):
    """I = g m^3 (V - E_K) with m = 1 / (1 + exp((V - E_K - midpoint) / slope)), at once.

    Nisenbaum and Wilson (1995), J Neurosci 15:4449-4463, in the form of Connelly et al. (2015), whose m takes 1 ms.
    """

    g_max: ps.Number = ps.parameter("mS/cm2", at_least=0.0, default=0.5)
    reversal: ps.Number | None = ps.parameter("mV", default=None)
    midpoint: ps.Number = ps.parameter("mV", default=15.0)
    slope: ps.Number = ps.parameter("mV", above=0.0, default=10.0)
    gates: dict = eqx.field(default_factory=dict)
    ion: str | None = eqx.field(static=True, default="K")
    source: ClassVar[str] = "Nisenbaum & Wilson 1995, Connelly et al. 2015"

    def current(self, v, states, ions, temperature):
        """The current density (uA/cm2) at a voltage (mV)."""
        above = v - self.equilibrium(ions, temperature)
        return self.g_max * jax.nn.sigmoid((self.midpoint - above) / self.slope) ** 3 * above


def first_spikes(cell: ps.Neuron, currents: list[float]) -> list[str]:
    """How long a cell takes to fire under steps of current (pA), in words."""
    clamp = ps.CurrentClamp(ps.Step(currents, 20.0, 500.0), duration=520.0, dt=0.1)
    fires = np.asarray(ps.simulate(cell, clamp, save=("voltage",)).voltage) > 0.0
    return [f"{0.1 * np.argmax(sweep) - 20.0:.0f} ms" if np.any(sweep) else "silent" for sweep in fires]


def at_rest(cell: ps.Neuron) -> tuple[float, float]:
    """The resting potential (mV), and the input resistance (MOhm) that -100 pA find there."""
    clamp = ps.CurrentClamp(ps.Step(-100.0, 1.0, 1000.0), duration=1000.0, dt=1.0)
    v = np.asarray(ps.simulate(cell, clamp, save=("voltage",)).voltage[0])
    return float(v[0]), float(v[0] - v[-1]) / 100.0 * 1e3


def main() -> None:
    """Add the channels to the regular-spiking cell, and say what they do."""
    parser = argparse.ArgumentParser(description="Add channels of your own to a published cell.")
    parser.add_argument("--plot", help="draw the steady states and time constants of the D current here")
    options = parser.parse_args()

    cell = ps.presets.neuron("regular_spiking").with_channels(D=d_current(), Rectifier=InwardRectifier())
    print(ps.describe(cell))

    with_d, without = cell.disabled("Rectifier"), cell.disabled("Rectifier", "D")
    currents = [700.0, 800.0, 900.0]
    print("\ntime to the first spike")
    for current, *times in zip(currents, first_spikes(without, currents), first_spikes(with_d, currents), strict=True):
        print(f"  {current:g} pA: {times[0]} without, {times[1]} with the D current")

    print("\nresting potential and input resistance")
    for outside in (3.5, 7.0):
        bath = ps.with_parameters(cell.disabled("D"), {"ions.K.outside": outside})
        for name, one in (("without", bath.disabled("Rectifier")), ("with", bath)):
            rest, resistance = at_rest(one)
            print(f"  {outside:g} mM potassium outside, {name} the rectifier: {rest:.1f} mV, {resistance:.1f} MOhm")
    if options.plot:
        ps.plot_gates(cell.channels["D"]).savefig(options.plot, dpi=150)


if __name__ == "__main__":
    main()
