"""Synaptic events."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import patch_sim as ps

TIMES = jnp.linspace(0.0, 30.0, 3001)


def waveform(synaptic):
    return np.asarray(jax.vmap(lambda one: one.at(TIMES, jnp.zeros(())))(synaptic.broadcast(synaptic.sweeps)))


def test_the_amplitude_is_the_peak_of_one_event():
    (event,) = waveform(ps.Synaptic(3.0, [5.0], rise=0.5, decay=4.0))
    peak = 0.5 * 4.0 / 3.5 * np.log(8.0)
    assert np.max(event) == pytest.approx(3.0, rel=1e-4)
    assert float(TIMES[np.argmax(event)]) == pytest.approx(5.0 + peak, abs=0.01)
    np.testing.assert_array_equal(event[:501], 0.0)
    late = event[2500] / event[2000]
    assert late == pytest.approx(np.exp(-5.0 / 4.0), rel=1e-6)


def test_events_add_up_and_differ_by_sweep():
    both = waveform(ps.Synaptic([1.0, 2.0], [[3.0, 6.0], [4.0, 9.0]]))
    single = [waveform(ps.Synaptic(a, [t]))[0] for a, t in ((1.0, 3.0), (1.0, 6.0), (2.0, 4.0), (2.0, 9.0))]
    np.testing.assert_allclose(both, [single[0] + single[1], single[2] + single[3]], atol=1e-12)


def test_slopes_before_an_event_are_finite():
    def early(decay):
        return ps.Synaptic(1.0, [1e4], decay=decay).sweep(0).at(jnp.asarray(0.0), jnp.zeros(()))

    assert float(jax.grad(early)(jnp.asarray(2.0))) == 0.0


def test_a_passive_cell_under_two_events():
    cell = ps.Neuron({"Leak": ps.channels.Leak(0.1, -70.0)}, area=1000.0, temperature=20.0)  # 10 pF, 10 ms
    synaptic = ps.Synaptic(10.0, [5.0, 7.5], rise=0.2, decay=2.0)
    rec = ps.simulate(cell, ps.CurrentClamp(synaptic, duration=20.0), solver=ps.Adaptive(1e-11, 1e-11))
    scale = 10.0 / 10.0 / float(synaptic.sweep(0)._event(jnp.log(10.0) / 4.5))
    expected = np.full(800, -70.0)
    for start in (5.0, 7.5):
        since = np.maximum(np.asarray(rec.time) - start, 0.0)
        for sign, tau in ((1.0, 2.0), (-1.0, 0.2)):
            expected += sign * scale * (np.exp(-since / tau) - np.exp(-since / 10.0)) / (1.0 / 10.0 - 1.0 / tau)
    np.testing.assert_allclose(rec.voltage[0], expected, atol=1e-7)


def test_a_rise_must_be_shorter_than_the_decay():
    with pytest.raises(ValueError, match="rise must be shorter than the decay"):
        ps.Synaptic(1.0, [1.0], rise=2.0)
