"""Absurd but legal values: every published cell stays finite, or says in words why it cannot be solved."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import patch_sim as ps

CHANGES = {
    "no sodium": {"sodium": 0.0},
    "100 x sodium": {"sodium": 100.0},
    "100 x everything": {"every": 100.0},
    "nothing": {"every": 0.0},
    "50 degrees": {"temperature": 50.0},
    "freezing": {"temperature": 0.0},
    "hardly any membrane": {"area": 1e-3},
    "hardly any capacitance": {"capacitance": 1e-2},
    "100 x capacitance": {"capacitance": 100.0},
    "seawater inside out": {"ions.K.outside": 500.0, "ions.Na.inside": 500.0, "ions.Ca.outside": 50.0},
    "no calcium outside": {"ions.Ca.outside": 1e-4},
    "a pool as thin as a lipid": {"calcium.depth": 0.003, "calcium.gamma": 1.0, "calcium.decay": 0.1},
}


SOLVER = ps.Adaptive(max_steps=100_000)  # gives up sooner than by default
SAVE = ("voltage", "currents", "states")


def changed(cell: ps.Neuron, change: dict[str, float]) -> ps.Neuron:
    """A cell with other numbers, all of the same structure, so that nothing compiles anew."""
    numbers = ps.parameters(cell)
    values = {}
    for name, value in change.items():
        if name in ("sodium", "every"):
            sizes = [f"channels.{key}.{size}" for key, channel in cell.channels.items() for size in ("g_max", "p_max")
                     if name == "every" or channel.ion == "Na"]  # fmt: skip
            values |= {size: value * numbers[size] for size in sizes if size in numbers}
        elif name in ("area", "capacitance"):
            values[name] = value * numbers[name]
        elif name in numbers:
            values[name] = value
    return ps.with_parameters(cell, values)


def finite(rec: ps.Recording) -> bool:
    return all(np.all(np.isfinite(leaf)) for leaf in jax.tree.leaves((rec.voltage, rec.currents, rec.states)))


QUICK = ("squid_axon", "thalamic_relay")  # a flux and a pool among them; the others compile for most of two minutes
CELLS = [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in ps.presets.neurons()]


@pytest.fixture(scope="module", params=CELLS)
def cell(request) -> ps.Neuron:
    return ps.presets.neuron(request.param)


@pytest.mark.parametrize("change", CHANGES)
def test_current_clamp_from_rest(cell, change):
    cell = changed(cell, CHANGES[change])
    current = 5.0 * cell.area / 100.0
    clamp = ps.CurrentClamp(ps.Step(jnp.stack([0.0 * current, current, -current]), 1.0, 6.0), duration=8.0, dt=0.1)
    if change == "nothing":
        with pytest.raises(ps.SolverError, match="no resting potential"):
            ps.simulate(cell, clamp, save=SAVE, solver=SOLVER)
    else:
        assert finite(ps.simulate(cell, clamp, save=SAVE, solver=SOLVER))


@pytest.mark.parametrize("change", CHANGES)
def test_voltage_clamp(cell, change):
    # long enough for outward calcium currents to empty a pool
    clamp = ps.VoltageClamp(ps.Step([-80.0, 0.0, 130.0], 1.0, 60.0), holding=-70.0, duration=65.0, dt=0.5)
    assert finite(ps.simulate(changed(cell, CHANGES[change]), clamp, save=SAVE, solver=SOLVER))
