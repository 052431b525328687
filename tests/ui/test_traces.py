import base64
import json

import jax.numpy as jnp
import numpy as np
import pytest

import patch_sim as ps
from patch_sim.ui.traces import MISSING, MOST_SAMPLES, Signal, Sweep, Traces


def decode(message):
    codes = np.frombuffer(base64.b64decode(message["data"]), "<i2")
    return np.where(codes == MISSING, np.nan, message["offset"] + message["scale"] * codes)


@pytest.mark.parametrize(
    "values",
    [
        np.linspace(-90.0, 60.0, 1001),
        np.full(10, -65.0),
        np.array([1.0, np.nan, 3.0, np.inf]),
        np.full(4, np.nan),
        np.array([-1e300, 1e300]),
    ],
)
def test_signal_survives_the_wire(values):
    finite = np.isfinite(values)
    reach = np.ptp(values[finite] / 2.0) * 2.0 if finite.any() else 0.0
    message = json.loads(json.dumps(Signal.encode(values).message(), allow_nan=False))
    decoded = decode(message)
    np.testing.assert_array_equal(np.isfinite(decoded), finite)
    np.testing.assert_allclose(decoded[finite], values[finite], rtol=1e-12, atol=reach / 65000.0)


def record(**options):
    steps = ps.Step(amplitude=[-50.0, 0.0, 50.0], start=1.0, duration=2.0)
    return ps.simulate(ps.presets.neuron("squid_axon"), ps.CurrentClamp(steps, duration=5.0, **options))


def test_recording_becomes_traces():
    traces = Traces.of(record(), "cell")
    message = traces.message(1)
    assert (message["title"], message["responseUnit"], message["commandUnit"]) == ("cell", "mV", "pA")
    assert (message["start"], message["step"], message["samples"], message["total"]) == (0.0, 0.025, 200, 3)
    assert [sweep["level"] for sweep in message["sweeps"]] == [0.0, 50.0]
    json.dumps(message, allow_nan=False)


def test_level_is_where_the_sweeps_differ():
    common = ps.Step(amplitude=-100.0, start=3.0, duration=1.0)
    steps = ps.Step(amplitude=[-50.0, 50.0], start=1.0, duration=1.0)
    protocol = ps.CurrentClamp(steps + common, duration=5.0)
    traces = Traces.of(ps.simulate(ps.presets.neuron("squid_axon"), protocol), "cell")
    assert [sweep.level for sweep in traces.sweeps] == [-50.0, 50.0]


def test_answers_are_bounded():
    traces = Traces("cell", ps.Mode.CURRENT_CLAMP, 0.0, 0.025, 400_000, 5)
    signal = Signal.encode(np.zeros(3))
    traces.sweeps.extend([Sweep(None, signal, None)] * 5)
    assert [len(traces.message(first)["sweeps"]) for first in (0, 2, 4, 5)] == [2, 2, 1, 0]


def test_too_long_a_recording_is_refused():
    samples = MOST_SAMPLES + 1
    recording = ps.Recording(time=jnp.zeros(1), mode=ps.Mode.CURRENT_CLAMP, measured_voltage=jnp.zeros((samples, 1)))
    with pytest.raises(ValueError, match=r"10,000,001 samples.*10,000,000"):
        Traces.of(recording, "long")
