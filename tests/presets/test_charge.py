"""Charge is conserved: what a recording holds adds up, whatever solved it.

Between any two samples, C times the change of the voltage is the integral of the injected less the channels' currents,
and the change of the pool's calcium that of what enters less what is removed. The integral is Simpson's over what was
recorded, once finely, and then as if it had been sampled more coarsely, to see it converge.
"""

import jax.numpy as jnp
import numpy as np
import pytest

import patch_sim as ps

EXACT = ps.Adaptive(1e-10, 1e-10)
START, LENGTH = 1.0, 10.0  # ms: from the onset of the step, over a spike
INTERVALS = 32_000
STRIDES = (32, 16, 8, 1)


def missing(time: np.ndarray, held: np.ndarray, rate: np.ndarray) -> float:
    """The largest difference, between any two samples, of a change and of the integral of its rate."""
    h = time[1] - time[0]
    panels = h / 3.0 * (rate[:-2:2] + 4.0 * rate[1:-1:2] + rate[2::2])
    return float(np.ptp(held[::2] - np.append(0.0, np.cumsum(panels))))


@pytest.fixture(scope="module", params=ps.presets.neurons())
def spiking(request) -> tuple[ps.Neuron, ps.Recording]:
    """A cell under 5 uA/cm2, sampled evenly and finely."""
    cell = ps.presets.neuron(request.param)
    step = ps.Step(5.0 * cell.area / 100.0, START, 2.0 * LENGTH)
    clamp = ps.CurrentClamp(step, duration=START + 2.0 * LENGTH)
    times = jnp.linspace(START, START + LENGTH, INTERVALS + 1)
    save = ("voltage", "command", "currents", "states")
    rec = ps.simulate(cell, clamp, initial=-65.0, times=times, save=save, solver=EXACT)
    assert np.max(rec.voltage) > 0.0, "no spike"
    return cell, rec


def test_charge(spiking):
    cell, rec = spiking
    net = np.asarray(rec.command[0]) - sum(np.asarray(current[0]) for current in rec.currents.values())  # pA
    capacitance = float(ps.units.whole_cell_capacitance(cell.capacitance, cell.area))  # pF
    time, voltage = np.asarray(rec.time), np.asarray(rec.voltage[0])
    errors = [missing(time[::k], voltage[::k], net[::k] / capacitance) for k in STRIDES]
    assert errors[-1] < 1e-6  # mV
    # Simpson's fourth order, less where a published time constant jumps
    assert np.log2(errors[0] / errors[2]) / 2.0 > 2.8


def test_calcium(spiking):
    cell, rec = spiking
    if cell.calcium is None:
        assert "calcium" not in rec.states
        return
    entering = [rec.currents[name][0] for name, channel in cell.channels.items() if channel.ion == "Ca"]
    density = ps.units.current_density(jnp.sum(jnp.stack(entering), axis=0), cell.area)
    rate = np.asarray(cell.calcium.derivative(rec.states["calcium"][0], density))
    time, calcium = np.asarray(rec.time), np.asarray(rec.states["calcium"][0])
    errors = [missing(time[::k], calcium[::k], rate[::k]) / np.ptp(calcium) for k in STRIDES]
    assert errors[-1] < 1e-6
    assert errors[0] > errors[-1]
