"""What is said of a model whose spikes are pulses, against a recording whose spikes are."""

import jax.numpy as jnp
import numpy as np
import pytest

import fitting
from fitting.spikes.events import EventTerm
from tests.fitting.spikes.pulses import CELL, HEIGHT, LEVEL, REST, SPIKES, WIDTH, pulses, recording

LATE, HIGHER, ABOVE = 0.7, 1.04, 1.5  # ms, times, mV
MODEL = ((), (15.0 + LATE, 30.0), (14.0 - LATE, 22.0, 50.0))  # the last one is after the window


@pytest.fixture(scope="module")
def scores():
    def simulate(term, *_):
        t = jnp.asarray(term.begin + np.arange(round(term.protocol.duration / term.protocol.dt)) * term.protocol.dt)
        return jnp.stack([REST + HIGHER * (pulses(t, centers) - REST) + ABOVE for centers in MODEL])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(EventTerm, "simulate", simulate)
        return fitting.event_scores(CELL, recording(), fitting.Events())


def test_counts_are_those_in_the_window(scores):
    np.testing.assert_array_equal(scores.observed_counts, [len(centers) for centers in SPIKES])
    np.testing.assert_array_equal(scores.predicted_counts, [0, 2, 2])


def test_latency_is_that_of_the_first_spike(scores):
    to_peak, own = (
        WIDTH * np.sqrt(2.0 * np.log(h / (LEVEL - low))) for h, low in ((HEIGHT, REST), (HIGHER * HEIGHT, REST + ABOVE))
    )
    earlier = own - to_peak  # does a higher pulse cross a level
    np.testing.assert_allclose(
        scores.latency_error, [np.nan, LATE - earlier, -LATE - earlier], atol=2e-3
    )  # the low-pass flattens flanks


def test_height_is_the_mean_of_all_spikes(scores):
    filtered = 0.98  # of a pulse, what the low-pass leaves of its height
    expected = (HIGHER - 1.0) * HEIGHT * filtered + ABOVE
    np.testing.assert_allclose(scores.peak_error, [np.nan, expected, expected], atol=0.2)


def test_rms_is_that_of_sweeps_in_which_neither_spikes(scores):
    np.testing.assert_allclose(scores.subthreshold_rms, [ABOVE, np.nan, np.nan], rtol=1e-6)


def test_they_print_sweep_by_sweep(scores):
    lines = [line.split() for line in str(scores).splitlines()]
    assert lines[:2] == [["observed", "0", "1", "3"], ["predicted", "0", "2", "2"]]
    assert lines[2] == ["latency", "error", "(ms)", "0.7", "-0.7"]
    assert lines[4] == ["rms", "without", "spikes", "(mV)", "1.50"]


def test_they_are_drawn(scores):
    figure = scores.plot(np.array([4, 6, 8]))
    axes = {panel.get_ylabel(): panel for panel in figure.axes}
    assert set(axes) == {"sweep 4 (mV)", "sweep 6 (mV)", "sweep 8 (mV)", "spikes in the window"}
    counts = axes["spikes in the window"]
    np.testing.assert_array_equal(counts.lines[0].get_ydata(), scores.observed_counts)
    np.testing.assert_array_equal(counts.lines[1].get_ydata(), scores.predicted_counts)
    recorded, model = axes["sweep 8 (mV)"].lines
    np.testing.assert_array_equal(recorded.get_ydata(), scores.recorded[2])
    np.testing.assert_array_equal(model.get_ydata(), scores.model[2])
