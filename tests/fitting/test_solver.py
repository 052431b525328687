"""Which solver suits what, where a fit names none."""

import jax.numpy as jnp
import pytest

import patch_sim as ps
from fitting.solver import suitable

CELL = ps.presets.neuron("squid_axon")
GLASS = ps.Electrode(series_resistance=5.0)
EXPLICIT, IMPLICIT = ps.Adaptive(), ps.Adaptive(method=ps.solvers.ImplicitGates())


@pytest.mark.parametrize(
    ("electrode", "mode", "lowest", "solver"),
    [
        (GLASS, ps.Mode.VOLTAGE_CLAMP, -150.0, IMPLICIT),  # m closes at 4 exp(85/18) = 450/ms there
        (GLASS, ps.Mode.VOLTAGE_CLAMP, -70.0, EXPLICIT),
        (ps.Electrode(), ps.Mode.VOLTAGE_CLAMP, -150.0, EXPLICIT),
        (GLASS, ps.Mode.CURRENT_CLAMP, -150.0, EXPLICIT),
    ],
    ids=["fast gates through the glass", "slow ones", "without glass", "current clamp"],
)
def test_steps_are_implicit_where_gates_rest_that_are_fast(electrode, mode, lowest, solver):
    assert suitable(CELL, electrode, mode, jnp.asarray([[lowest, 0.0]])) == solver
    assert EXPLICIT != IMPLICIT
