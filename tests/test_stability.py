"""Whether a cell stays at rest, against the eigenvalues; and where a recording starts if it does not."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree

import patch_sim as ps
from patch_sim.stability import is_stable, starting_state

SQUID = ps.presets.neuron("squid_axon")


def growth(cell: ps.Neuron, injected: float) -> float:
    """The largest real part (1/ms) of the eigenvalues at the equilibrium, by LAPACK."""
    start, unravel = ravel_pytree(cell.resting_state(jnp.asarray(injected)))
    slope = jax.jacfwd(lambda x: ravel_pytree(cell.derivative(unravel(x), jnp.asarray(injected)))[0])(start)
    return float(np.linalg.eigvals(np.asarray(slope)).real.max())


def stable(cell: ps.Neuron, injected: float) -> bool:
    current = jnp.asarray(injected)
    return bool(is_stable(cell, cell.resting_state(current), current))


@pytest.mark.parametrize("injected", [-100.0, 0.0, 80.0, 110.0, 140.0, 300.0])
def test_it_agrees_with_the_eigenvalues(injected):
    # The axon's equilibrium loses its stability between 110 and 140 pA, a Hopf bifurcation near 9.8 uA/cm2.
    assert stable(SQUID, injected) == (growth(SQUID, injected) < 0)


def test_slow_and_fast_at_once():
    """A Markov channel, whose total occupancy is neutral, and rates from 15,000/ms down to the pool's."""
    c = ps.channels
    pool = ps.CalciumPool(gamma=0.05, depth=1.0, decay=500.0)
    cell = SQUID.with_channels(NaR=c.NaR(g_max=0.5), CaL=c.CaL(g_max=0.05))
    cell = ps.Neuron(cell.channels, area=cell.area, temperature=cell.temperature, calcium=pool)
    found = {injected: stable(cell, injected) for injected in (0.0, 60.0, 200.0, 1500.0)}
    assert found == {injected: growth(cell, injected) < 1e-9 for injected in found}
    assert set(found.values()) == {True, False}


def test_a_restless_cell_starts_below_and_says_so():
    step = ps.CurrentClamp(ps.Step([0.0, 10.0], 10.0, 20.0), duration=60.0, dt=0.1, holding=200.0)
    recording = ps.simulate(SQUID, step, save=("voltage",))
    assert any("no stable rest at 200 pA" in warning for warning in recording.warnings)
    equilibrium = float(SQUID.resting_state(jnp.asarray(200.0)).voltage)
    np.testing.assert_allclose(recording.voltage[:, 0], equilibrium - 10.0, atol=1e-9)
    assert recording.voltage[0].max() > 0.0
    traced = jax.jit(lambda cell: ps.simulate(cell, step, save=("voltage",)).voltage)(SQUID)
    np.testing.assert_allclose(traced, recording.voltage, rtol=0, atol=1e-9)


def test_a_cell_at_rest_starts_there_and_has_nothing_to_say():
    state, rests = starting_state(SQUID, jnp.asarray(0.0))
    assert rests
    assert float(state.voltage) == float(SQUID.resting_state(jnp.asarray(0.0)).voltage)
    step = ps.CurrentClamp(ps.Step(0.0, 1.0, 1.0), duration=2.0, dt=0.1)
    assert ps.simulate(SQUID, step).warnings == ()


def test_only_the_restless_levels_are_named():
    step = ps.CurrentClamp(ps.Step(0.0, 1.0, 1.0), duration=2.0, dt=0.1, holding=[0.0, 200.0, 0.0])
    recording = ps.simulate(SQUID, step, save=("voltage",))
    assert "no stable rest at 200 pA" in recording.warnings[0]
    rest = float(SQUID.resting_state(jnp.asarray(0.0)).voltage)
    np.testing.assert_allclose(recording.voltage[jnp.array([0, 2])], rest, atol=1e-6)


def test_in_single_precision():
    cell = jax.tree.map(lambda x: x.astype(jnp.float32), SQUID)
    for injected, expected in ((0.0, True), (200.0, False)):
        current = jnp.asarray(injected, dtype=jnp.float32)
        assert bool(is_stable(cell, cell.resting_state(current), current)) == expected
