"""Virtual conductances: through a good electrode they are channels of the membrane."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import patch_sim as ps

c = ps.channels
AXON = ps.presets.neuron("squid_axon")
TIGHT = ps.Adaptive(1e-10, 1e-10)
STEPS = ps.Step([50.0, 200.0], 2.0, 15.0)
KA = c.KA(g_max=10.0, reversal=-77.0)
CAT = c.CaT(p_max=1e-4)  # a current that is no straight line in the voltage


def injected(dynamic_clamp, electrode=None, cell=AXON, steps=STEPS, **options):
    clamp = ps.CurrentClamp(steps, duration=20.0, electrode=electrode, dynamic_clamp=dynamic_clamp)
    return ps.simulate(cell, clamp, **({"solver": TIGHT} | options))


def bridged(series, bridge, **options):
    return ps.Electrode(series_resistance=series, compensation=ps.Compensation(bridge=bridge, **options))


@pytest.mark.parametrize("channel", [KA, CAT], ids=["KA", "CaT"])
@pytest.mark.parametrize("electrode", [None, bridged(20.0, 20.0)], ids=["ideal", "balanced"])
def test_a_virtual_channel_is_one_in_the_membrane(channel, electrode):
    virtual = injected(ps.DynamicClamp({"extra": channel}), electrode)
    real = injected(None, cell=AXON.with_channels(extra=channel))
    np.testing.assert_allclose(virtual.voltage, real.voltage, atol=1e-5)
    added = virtual.current - virtual.command
    np.testing.assert_allclose(added, -real.currents["extra"], atol=1e-5)
    assert set(virtual.currents) == set(AXON.channels)
    assert AXON.owns(virtual.final_state)


@pytest.mark.slow
def test_a_markov_channel_can_be_virtual():
    channel = c.NaR(g_max=5.0, reversal=50.0)
    virtual = injected(ps.DynamicClamp({"extra": channel}), solver=ps.Adaptive(1e-9, 1e-9))
    real = injected(None, cell=AXON.with_channels(extra=channel), solver=ps.Adaptive(1e-9, 1e-9))
    np.testing.assert_allclose(virtual.voltage, real.voltage, atol=5e-3)


def test_a_leak_behind_an_unbalanced_bridge():
    """What is left, r, is in series with the virtual conductance g: the membrane sees g / (1 + r g)."""
    for bridge in (0.0, 15.0, 24.0):
        g, r = 40.0, 20.0 - bridge  # nS, MOhm
        leak = {"extra": c.Leak(g_max=100.0 * g / float(AXON.area), reversal=-55.0)}
        virtual = injected(ps.DynamicClamp(leak), bridged(20.0, bridge), steps=ps.Step(0.0, 1.0, 1.0))
        seen = g / (1.0 + 1e-3 * r * g)
        real = AXON.with_channels(extra=c.Leak(g_max=100.0 * seen / float(AXON.area), reversal=-55.0))
        expected = injected(None, cell=real, steps=ps.Step(0.0, 1.0, 1.0), initial=float(virtual.voltage[0, 0]))
        np.testing.assert_allclose(virtual.voltage, expected.voltage, atol=1e-5)


def test_a_bridge_that_feeds_back_too_much_gives_up():
    leak = {"extra": c.Leak(g_max=100.0 * 300.0 / float(AXON.area), reversal=-55.0)}
    with pytest.raises(ps.SolverError, match="the solver gave up after 0 ms"):
        injected(ps.DynamicClamp(leak), bridged(20.0, 24.0), initial=-65.0)


def test_synaptic_input():
    passive = ps.Neuron({"Leak": c.Leak(0.1, -70.0)}, area=1000.0, temperature=20.0)  # 1 nS, 10 pF
    synapse = ps.Conductance(ps.Step([2.0, 4.0], 1.0, 15.0), reversal=0.0)
    rec = injected(ps.DynamicClamp(conductances=[synapse]), cell=passive, steps=ps.Step(0.0, 1.0, 1.0))
    assert rec.sweeps == 2
    t = np.asarray(rec.time)[40:640] - 1.0
    for k, g in enumerate((2.0, 4.0)):
        end, tau = -70.0 / (1.0 + g), 10.0 / (1.0 + g)
        np.testing.assert_allclose(rec.voltage[k, 40:640], end + (-70.0 - end) * np.exp(-t / tau), atol=1e-7)
        np.testing.assert_allclose(rec.current[k, 40:640], -g * rec.voltage[k, 40:640], atol=1e-9)


@pytest.mark.slow
def test_slopes_by_a_virtual_conductance():
    def last(g):
        virtual = {"extra": c.KA(g_max=g, reversal=-77.0)}
        return injected(ps.DynamicClamp(virtual), bridged(20.0, 10.0), save=("voltage",)).voltage[1, 200]

    forward, reverse = (jax.jit(way(last))(jnp.asarray(10.0)) for way in (jax.jacfwd, jax.grad))
    expected = (last(jnp.asarray(10.001)) - last(jnp.asarray(9.999))) / 0.002
    assert float(forward) == pytest.approx(float(expected), rel=1e-4)
    assert float(reverse) == pytest.approx(float(forward), rel=1e-6)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ps.DynamicClamp(), "needs a channel or a conductance"),
        (lambda: injected(ps.DynamicClamp({"Na": KA})), "has a channel 'Na' of its own"),
        (lambda: injected(ps.DynamicClamp({"x": KA}), solver=ps.Exponential()), "Exponential does not know a dynamic"),
        (
            lambda: injected(ps.DynamicClamp(conductances=[ps.Conductance(ps.Step([1.0] * 3, 0.0, 1.0), 0.0)])),
            r"currents and conductances of \[2, 3\] sweeps do not zip",
        ),
    ],
)
def test_impossible_dynamic_clamps(make, message):
    with pytest.raises(ValueError, match=message):
        make()
