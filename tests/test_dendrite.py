"""A passive dendrite, against the linear equations that it is."""

import numpy as np
import pytest
import scipy.linalg

import patch_sim as ps

LEAK, E_SOMA = 0.05, -70.0
COUPLING, LOAD, DENDRITIC_LEAK, E_DENDRITE = 0.4, 2.0, 0.03, -60.0
AREA = 10_000.0


def cell() -> ps.Neuron:
    dendrite = ps.Dendrite(COUPLING, LOAD, DENDRITIC_LEAK, E_DENDRITE)
    channels = {"Leak": ps.channels.Leak(LEAK, E_SOMA), "dendrite": dendrite}
    return ps.Neuron(channels, area=AREA, temperature=34.0)


def exact(times: np.ndarray, start: np.ndarray, injected: float) -> np.ndarray:
    """Soma and dendrite (mV) at some times, `(times, 2)`."""
    matrix = np.array(
        [
            [-(LEAK + COUPLING), COUPLING],
            [COUPLING / LOAD, -(COUPLING + DENDRITIC_LEAK) / LOAD],
        ]
    )
    density = float(ps.units.current_density(injected, AREA))
    drive = np.array([LEAK * E_SOMA + density, DENDRITIC_LEAK * E_DENDRITE / LOAD])
    rest = -np.linalg.solve(matrix, drive)
    return np.stack([rest + scipy.linalg.expm(matrix * t) @ (start - rest) for t in times])


@pytest.mark.parametrize(
    ("solver", "tolerance"),
    [(ps.Adaptive(1e-9, 1e-9), 1e-6), (ps.Exponential(0.025), 1e-3), (ps.Exponential(0.025, order=2), 1e-3)],
)
def test_current_clamp_follows_the_linear_equations(solver, tolerance):
    protocol = ps.CurrentClamp(ps.Step(100.0, 0.0, 100.0), duration=80.0, dt=0.5)
    rec = ps.simulate(cell(), protocol, initial=-65.0, solver=solver)
    assert rec.states is not None
    start = np.array([-65.0, float(rec.states["dendrite.potential"][0, 0])])
    known = exact(np.asarray(rec.time), start, 100.0)
    np.testing.assert_allclose(rec.voltage[0], known[:, 0], atol=tolerance)
    np.testing.assert_allclose(rec.states["dendrite.potential"][0], known[:, 1], atol=tolerance)


def test_voltage_clamp_charges_it_exponentially():
    protocol = ps.VoltageClamp(ps.Step(20.0, 5.0, 100.0), holding=-70.0, duration=60.0, dt=0.5)
    rec = ps.simulate(cell(), protocol)
    assert rec.states is not None
    assert rec.currents is not None
    tau = LOAD / (COUPLING + DENDRITIC_LEAK)
    first, last = ((COUPLING * v + DENDRITIC_LEAK * E_DENDRITE) / (COUPLING + DENDRITIC_LEAK) for v in (-70.0, -50.0))
    since = np.maximum(np.asarray(rec.time) - 5.0, 0.0)
    expected = last + (first - last) * np.exp(-since / tau)
    np.testing.assert_allclose(rec.states["dendrite.potential"][0], expected, atol=1e-9)
    entering = COUPLING * (np.asarray(rec.voltage[0]) - expected) * float(ps.units.whole_cell_conductance(1.0, AREA))
    np.testing.assert_allclose(rec.currents["dendrite"][0], entering, rtol=1e-9, atol=1e-9)


def test_at_rest_nothing_changes():
    rec = ps.simulate(cell(), ps.CurrentClamp(ps.Step(0.0, 0.0, 1.0), duration=20.0))
    assert np.ptp(rec.voltage) < 1e-9
    assert E_SOMA < float(rec.voltage[0, 0]) < E_DENDRITE


def test_a_leak_of_nothing_is_refused():
    with pytest.raises(ValueError, match="leak must be greater than 0"):
        ps.Dendrite(0.1, 1.0, 0.0)


def test_it_is_saved_like_any_channel():
    again = ps.decode(ps.encode(cell()))
    assert float(again.channels["dendrite"].capacitance) == LOAD
