"""Steps that are implicit in the gates."""

import itertools

import diffrax
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import patch_sim as ps
from patch_sim.solvers import ImplicitGates


def cell(**channels) -> ps.Neuron:
    c = ps.channels
    ohmic = {"Na": c.Na(reversal=50.0), "K": c.K(reversal=-77.0), "Leak": c.Leak()}
    pool = ps.CalciumPool(gamma=0.05, depth=1.0, decay=20.0)
    return ps.Neuron(ohmic | channels, area=1256.6, temperature=6.3, calcium=pool)


SPIKE = ps.CurrentClamp(ps.Step(200.0, 1.0, 1.0), duration=8.0, dt=0.1)
FAST = {"CaL": ps.channels.CaL(g_max=0.3), "NaR": ps.channels.NaR(g_max=3.0)}


def voltage(neuron: ps.Neuron, solver: ps.Adaptive, protocol=SPIKE) -> np.ndarray:
    return np.asarray(ps.simulate(neuron, protocol, initial=-65.0, save=("voltage",), solver=solver).voltage[0])


def test_it_finds_what_an_explicit_method_finds():
    neuron = cell(**FAST)
    explicit = voltage(neuron, ps.Adaptive(1e-10, 1e-10, method=diffrax.Tsit5()))
    assert explicit.max() > 20.0
    np.testing.assert_allclose(voltage(neuron, ps.Adaptive(1e-9, 1e-9)), explicit, rtol=0, atol=1e-4)
    np.testing.assert_allclose(voltage(neuron, ps.Adaptive()), explicit, rtol=0, atol=0.2)


def test_it_is_of_fourth_order():
    """Halving a fixed step makes the error of a smooth problem about 16 times smaller."""
    neuron = cell()
    equation = ps.solvers.SweepEquation(clamped=False)
    stimulus = ps.Step(0.0, 0.0, 1.0)
    args = (neuron, jax.tree.map(lambda x: jnp.reshape(x, ()), stimulus), jnp.zeros(()))
    start = ps.solvers.in_resting_levels(neuron, neuron.steady_state(jnp.asarray(-40.0)))
    term, start = ps.solvers.flattened(equation, start)

    @jax.jit
    def end(steps):
        h = 2.0 / steps

        def step(k, y):
            return ImplicitGates().step(Wrapped(term), k * h, k * h + h, y, args, None, False)[0]

        return term.unravel(jax.lax.fori_loop(0, steps, step, start)).voltage

    exact = end(1000)
    errors = [abs(float(end(steps) - exact)) for steps in (20, 40, 80)]
    assert errors[0] < 1.0
    for coarse, fine in itertools.pairwise(errors):
        assert 10.0 < coarse / fine < 26.0


class Wrapped(diffrax.AbstractTerm):
    """As diffrax hands a term to its solvers."""

    term: diffrax.AbstractTerm

    def vf(self, t, y, args):
        return self.term.vf(t, y, args)

    def contr(self, t0, t1, **kwargs):
        return self.term.contr(t0, t1)

    def prod(self, vf, control):
        return self.term.prod(vf, control)


def test_fast_rates_do_not_shorten_its_steps():
    """Thirteen states with rates to 15,000/ms, or none: about as many steps."""
    few = ps.Adaptive(max_steps=600)
    neuron = cell(**FAST)
    assert np.isfinite(voltage(neuron, few)).all()
    with pytest.raises(ps.SolverError, match="gave up"):
        voltage(neuron, ps.Adaptive(max_steps=600, method=diffrax.Tsit5()))


def test_both_derivatives():
    implicit = ps.Adaptive(method=ImplicitGates())  # without a Markov channel, whose reverse mode compiles for minutes
    neuron = ps.presets.neuron("squid_axon")

    def late(scale, solver=implicit):
        changed = ps.with_parameters(neuron, {"channels.Na.g_max": 120.0 * scale})
        return ps.simulate(changed, SPIKE, initial=-65.0, save=("voltage",), solver=solver).voltage[0, 30]

    one = jnp.asarray(1.0)
    forward, reverse = jax.jit(jax.jacfwd(late))(one), jax.jit(jax.grad(late))(one)
    h, tight = 1e-3, ps.Adaptive(1e-10, 1e-10)
    difference = (late(1.0 + h, tight) - late(1.0 - h, tight)) / (2 * h)
    np.testing.assert_allclose(forward, reverse, rtol=1e-6)
    np.testing.assert_allclose(forward, difference, rtol=2e-3)
    assert abs(difference) > 0.1


def test_the_implicit_step_of_a_markov_channel_can_be_differentiated():
    channel, v, calcium = ps.channels.NaR(), jnp.asarray(-20.0), jnp.asarray(1e-4)
    before = channel.steady_state(jnp.asarray(-80.0), calcium)

    def opened(v):
        return channel.implicit(v, before, calcium, jnp.asarray(0.1))["O"]

    h = 1e-4
    difference = (opened(v + h) - opened(v - h)) / (2 * h)
    np.testing.assert_allclose(jax.grad(opened)(v), difference, rtol=1e-6)
    np.testing.assert_allclose(jax.jvp(opened, (v,), (jnp.ones(()),))[1], difference, rtol=1e-6)


@pytest.mark.parametrize("step", [1e-4, 0.1, 100.0])
@pytest.mark.parametrize("name", sorted(ps.channels.CATALOG))
def test_an_implicit_step_solves_its_equation(name, step):
    channel = ps.channels.CATALOG[name]()
    v, calcium = jnp.array([-120.0, -55.0, 40.0]), jnp.asarray(1e-4)
    before = channel.steady_state(v[::-1], calcium)
    after = channel.implicit(v, before, calcium, jnp.asarray(step))
    slope = channel.derivative(v, after, calcium)
    for state in channel.state_names:
        rounding = 1e-15 * (1.0 + step * 2e4)
        np.testing.assert_allclose(after[state] - step * slope[state], before[state], rtol=1e-9, atol=rounding)
