"""What a tolerance buys, and what it costs a cell at rest: nothing."""

import diffrax
import numpy as np
import pytest

import patch_sim as ps


def error(rtol: float) -> float:
    """How far (mV) a spike is from that of the tightest tolerance."""
    protocol = ps.CurrentClamp(ps.Step(150.0, 1.03, 8.0), duration=10.0, dt=0.1)
    solvers = (ps.Adaptive(rtol, rtol), ps.Adaptive(1e-11, 1e-11))
    axon = ps.presets.neuron("squid_axon")
    one, other = (ps.simulate(axon, protocol, solver=solver, save=("voltage",)).voltage for solver in solvers)
    return float(np.max(np.abs(one - other)))


def test_a_tighter_tolerance_is_more_exact():
    loose, default = error(1e-4), error(1e-6)
    assert 1e-4 < loose < 10.0
    assert default < 0.1 * loose


@pytest.mark.parametrize(
    ("setting", "value"),
    [("rtol", 0.0), ("rtol", -1e-6), ("atol", 0.0), ("atol", float("nan")), ("max_steps", 0), ("max_steps", -5)],
)
def test_settings_are_positive(setting, value):
    with pytest.raises(ValueError, match=rf"Adaptive\.{setting} must be a positive number, not"):
        ps.Adaptive(**{setting: value})


def test_solvers_can_be_keys_of_a_compilation():
    assert ps.Adaptive() == ps.Adaptive()
    assert hash(ps.Adaptive()) == hash(ps.Adaptive())
    assert ps.Adaptive() != ps.Adaptive(1e-4, 1e-4)
    assert ps.Adaptive() != ps.Adaptive(method=diffrax.Dopri5())


def test_a_solver_error_is_a_runtime_error():
    assert issubclass(ps.SolverError, RuntimeError)


@pytest.mark.parametrize("longest", [0.5, 1e6])
def test_a_cell_at_rest_does_not_run_away(monkeypatch, longest):
    # At rest nothing limits a step; one that is far too long overflows, and must only be rejected.
    monkeypatch.setattr("patch_sim.solvers.adaptive._LONGEST_STEP", longest)
    channels = {
        "Na": ps.channels.NaTraubMiles(10.0, 50.0, -52.0),
        "K": ps.channels.KTraubMiles(10.0, -100.0, -52.0),
        "CaT": ps.channels.CaT(),
        "Leak": ps.channels.Leak(0.0379, -79.0),
    }
    pool = ps.CalciumPool(gamma=1.0, depth=0.1, decay=5.0, resting=2.4e-4)
    cell = ps.Neuron(channels, area=24000.0, capacitance=0.88, temperature=34.0, calcium=pool)
    protocol = ps.CurrentClamp(ps.Step([0.0, 400.0], 50.0, 50.0), duration=100.0, dt=0.5)
    solver = ps.Adaptive(max_steps=100_000 + int(longest))  # another one, so that nothing compiled is used again
    recording = ps.simulate(cell, protocol, save=("voltage",), solver=solver)
    np.testing.assert_allclose(recording.voltage[0], recording.voltage[0, 0], rtol=0, atol=1e-4)
    assert recording.voltage[1].max() > 0.0
