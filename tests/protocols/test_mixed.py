"""Changing the clamp within a sweep."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import patch_sim as ps

AXON = ps.presets.neuron("squid_axon")
TIGHT = ps.Adaptive(1e-10, 1e-10)
HELD = ps.VoltageClamp(ps.Step([30.0, 45.0], 1.0, 4.0), holding=-65.0, duration=5.0)
FREE = ps.CurrentClamp(ps.Step(0.0, 0.0, 1.0), duration=5.0)
CC, VC = ps.Mode.CURRENT_CLAMP, ps.Mode.VOLTAGE_CLAMP
PHASE = 200  # samples


@pytest.fixture(scope="module")
def mixed():
    return ps.simulate(AXON, ps.MixedClamp([HELD, FREE, HELD]), solver=TIGHT)


def test_the_mode_of_each_sample(mixed):
    assert mixed.mode is ps.Mode.MIXED
    assert list(mixed.modes) == [VC] * PHASE + [CC] * PHASE + [VC] * PHASE
    np.testing.assert_allclose(mixed.time, np.arange(3 * PHASE) * 0.025)
    assert list(ps.Recording(jnp.arange(2.0), CC).modes) == [CC, CC]


def test_each_phase_goes_on_where_the_one_before_ended(mixed):
    alone = ps.simulate(AXON, HELD)
    for k, v in enumerate((-35.0, -20.0)):
        # The clamp is let go just as its step ends, and the membrane starts from the step's level.
        gates = ps.simulate(AXON, HELD, times=jnp.array([0.0, 5.0])).final_state.gates
        start = ps.State(jnp.full(1, v), jax.tree.map(lambda x, k=k: x[k : k + 1], gates))
        free = ps.simulate(AXON, FREE, initial=start, solver=TIGHT)
        np.testing.assert_allclose(mixed.voltage[k, PHASE : 2 * PHASE], free.voltage[0], atol=1e-9)
    np.testing.assert_allclose(mixed.current[:, :PHASE], alone.current, rtol=1e-9, atol=1e-9)
    np.testing.assert_array_equal(mixed.current[:, PHASE : 2 * PHASE], 0.0)
    np.testing.assert_array_equal(mixed.voltage[:, 2 * PHASE], -65.0)
    h = mixed.states["Na.h"]
    np.testing.assert_allclose(h[:, 2 * PHASE], 2 * h[:, 2 * PHASE - 1] - h[:, 2 * PHASE - 2], atol=2e-4)


@pytest.mark.slow
def test_the_same_clamp_in_two_halves_is_the_whole():
    steps = ps.Step([100.0, 150.0], 1.0, 6.0)
    whole = ps.simulate(AXON, ps.CurrentClamp(steps, duration=10.0), solver=TIGHT)
    first = ps.CurrentClamp(steps, duration=5.0)
    second = ps.CurrentClamp(ps.Step([100.0, 150.0], -4.0, 6.0), duration=5.0)
    halves = ps.MixedClamp([first, second])
    np.testing.assert_allclose(ps.simulate(AXON, halves, solver=TIGHT).voltage, whole.voltage, atol=2e-5)
    lockstep = ps.simulate(AXON, halves, solver=ps.Exponential(0.0125))
    assert float(jnp.max(jnp.abs(lockstep.voltage - whole.voltage))) < 0.5


def test_each_phase_is_a_recording(mixed):
    held, free, _ = mixed.phases
    assert (held.mode, free.mode) == (VC, CC)
    np.testing.assert_array_equal(free.response, mixed.voltage[:, PHASE : 2 * PHASE])
    np.testing.assert_allclose(free.time, FREE.times, atol=1e-12)
    assert free.phases[0] is free


def test_it_can_be_differentiated():
    def last(level):
        held = ps.VoltageClamp(ps.Step(jnp.reshape(level, 1), 1.0, 4.0), holding=-65.0, duration=5.0)
        return ps.simulate(AXON, ps.MixedClamp([held, FREE]), solver=TIGHT, save=("voltage",)).voltage[0, -1]

    slope = jax.jit(jax.grad(last))(jnp.asarray(10.0))
    expected = (last(jnp.asarray(10.001)) - last(jnp.asarray(9.999))) / 0.002
    assert float(slope) == pytest.approx(float(expected), rel=1e-5)


def test_it_draws_itself_and_has_no_single_response(mixed):
    protocol = ps.MixedClamp([HELD, FREE])
    assert "voltage clamp (Step), then current clamp (Step), 2 sweeps of 10 ms, 400 samples" in repr(protocol)
    np.testing.assert_array_equal(protocol.command()[:, PHASE:], 0.0)
    assert protocol.plot().axes[0].get_ylabel() == "command (pA or mV)"
    top, bottom = mixed.plot().axes
    assert (top.get_ylabel(), bottom.get_ylabel()) == ("voltage (mV)", "current (pA)")
    with pytest.raises(ValueError, match="no single response"):
        _ = mixed.response


@pytest.mark.parametrize(
    ("phases", "message"),
    [
        ([HELD], "at least two clamps"),
        (
            [HELD, ps.CurrentClamp(ps.Step(0.0, 0.0, 1.0), duration=5.0, dt=0.05)],
            r"the same dt, not \[0.025, 0.05\] ms",
        ),
        ([HELD, ps.CurrentClamp(ps.Step([0.0, 1.0, 2.0], 0.0, 1.0), duration=5.0)], r"phases of \[2, 3\] sweeps"),
        ([HELD, ps.CurrentClamp(ps.Step(0.0, 0.0, 1.0), duration=5.01)], "5.01 ms is no whole number of samples"),
    ],
)
def test_impossible_phases(phases, message):
    with pytest.raises(ValueError, match=message):
        ps.MixedClamp(phases)


def test_what_only_its_phases_can_tell():
    protocol = ps.MixedClamp([HELD, FREE])
    with pytest.raises(ValueError, match="ask its phases"):
        protocol.command(jnp.arange(3.0))
    with pytest.raises(ValueError, match="recorded at its samples"):
        ps.simulate(AXON, protocol, times=jnp.arange(3.0))
