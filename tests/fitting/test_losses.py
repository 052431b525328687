"""What a recording is scored by."""

import jax.numpy as jnp
import numpy as np
import pytest

import patch_sim as ps
from fitting.losses import protocol_of, trace

DT = 0.5
K = np.arange(12)
COMMAND = np.stack([np.where((K >= 3) & (K < 8), level, -70.0) for level in (-50.0, 20.0)])
CELL = ps.Neuron({"Leak": ps.channels.Leak(g_max=0.1, reversal=-60.0)}, area=1000.0, temperature=20.0)


def recording(current=None, mode=ps.Mode.VOLTAGE_CLAMP) -> ps.Recording:
    """The exact answer of a 1 nS leak: 1 pA for each mV from -60 mV."""
    current = COMMAND + 60.0 if current is None else current
    command, response = jnp.asarray(COMMAND), jnp.asarray(current)
    return ps.Recording(jnp.asarray(K * DT), mode, voltage=command, current=response, command=command)


def residual(term, cell=CELL) -> np.ndarray:
    return np.asarray(term.residual(cell, term.protocol.electrode, ps.Adaptive())).reshape(2, 12)


def test_no_residual_where_the_model_is_right():
    np.testing.assert_allclose(residual(trace(recording())), 0.0, atol=1e-10)


def test_residual_is_simulated_less_recorded_over_scale():
    error = np.arange(24.0).reshape(2, 12)
    term = trace(recording(COMMAND + 60.0 - error), scale=4.0)
    np.testing.assert_allclose(residual(term), error / 4.0, atol=1e-10)
    assert (float(term.weight), int(term.scored)) == (24.0, 24)


def test_weights_and_mask():
    error = np.ones((2, 12))
    mask, weights = K >= 2, np.array([[1.0], [4.0]])
    term = trace(recording(COMMAND + 60.0 - error).with_mask(mask), weights)
    np.testing.assert_allclose(residual(term), np.sqrt(weights) * mask * error, atol=1e-10)
    assert (float(term.weight), int(term.scored)) == (50.0, 20)
    zero = trace(recording(), np.where(K == 5, 0.0, 2.0))
    assert (float(zero.weight), int(zero.scored)) == (pytest.approx(44.0), 22)


def test_masked_samples_may_be_nan():
    current = np.where(K == 4, np.nan, COMMAND + 60.0)
    assert np.all(np.isfinite(residual(trace(recording(current).with_mask(K != 4)))))
    with pytest.raises(ValueError, match=r"NaN or infinite: mask them, rec\.with_mask"):
        trace(recording(current))


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (np.ones(11), "weights must broadcast to 2 sweeps x 12 samples"),
        (np.ones((3, 12)), "weights must broadcast to 2 sweeps x 12 samples"),
        ("heavy", "weights must broadcast to 2 sweeps x 12 samples"),
        (-1.0, "weights must not be negative or NaN"),
        (float("nan"), "weights must not be negative or NaN"),
        (0.0, "leave no sample to score"),
    ],
)
def test_impossible_weights(weights, message):
    with pytest.raises(ValueError, match=message):
        trace(recording(), weights)


def test_a_mask_that_leaves_nothing():
    with pytest.raises(ValueError, match="leave no sample to score"):
        trace(recording().with_mask(False))


@pytest.mark.parametrize("mode", [ps.Mode.VOLTAGE_CLAMP, ps.Mode.CURRENT_CLAMP])
def test_the_protocol_of_a_recording_plays_its_command(mode):
    protocol = protocol_of(recording(mode=mode))
    assert protocol.mode is mode
    assert (protocol.samples, protocol.dt, protocol.sweeps) == (12, DT, 2)
    np.testing.assert_array_equal(protocol.command(), COMMAND)
    np.testing.assert_array_equal(protocol.holding, [-70.0, -70.0])
    np.testing.assert_array_equal(protocol.command(jnp.array([1.49, 1.5, 1.99]))[0], [-70.0, -50.0, -50.0])


def test_a_simulation_is_scored_by_its_own_protocol():
    clamp = ps.VoltageClamp(ps.Step([20.0, 90.0], 1.5, 2.5), duration=6.0, dt=DT, holding=-70.0)
    np.testing.assert_allclose(residual(trace(ps.simulate(CELL, clamp))), 0.0, atol=1e-10)


def test_what_was_leak_subtracted_is_compared_with_what_is():
    """The leak is linear: nothing of it is left."""
    leak = ps.LeakSubtraction(polarity=-1)
    clamp = ps.VoltageClamp(ps.Step(20.0, 1.5, 2.5), 6.0, DT, -70.0, leak_subtraction=leak)
    rec = ps.simulate(CELL, clamp)
    assert protocol_of(rec).leak_subtraction == leak
    np.testing.assert_allclose(rec.current - rec.current[:, :1], 0.0, atol=1e-9)
    term = trace(rec)
    np.testing.assert_allclose(term.residual(CELL, ps.Electrode(), ps.Adaptive()), 0.0, atol=1e-9)


def test_recordings_that_cannot_be_simulated():
    phases = [ps.VoltageClamp(ps.Step(0.0, 0.5, 0.5), 2.0, DT), ps.CurrentClamp(ps.Step(0.0, 0.5, 0.5), 2.0, DT)]
    with pytest.raises(ValueError, match="take each of its phases"):
        protocol_of(ps.simulate(CELL, ps.MixedClamp(phases)))
    signal = jnp.ones((1, 3))
    silent = ps.Recording(jnp.arange(3.0), ps.Mode.VOLTAGE_CLAMP, current=signal)
    with pytest.raises(ValueError, match="holds no command"):
        trace(silent)
    uneven = ps.Recording(jnp.array([0.0, 1.0, 3.0]), ps.Mode.VOLTAGE_CLAMP, current=signal, command=signal)
    with pytest.raises(ValueError, match="not evenly spaced"):
        trace(uneven)
    with pytest.raises(ValueError, match=r"holds no response \(mV\)"):
        trace(ps.Recording(jnp.arange(3.0), ps.Mode.CURRENT_CLAMP, current=signal, command=signal))
