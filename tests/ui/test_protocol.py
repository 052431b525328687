import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import patch_sim as ps
from patch_sim.ui.cell import Cell
from patch_sim.ui.protocol import FAMILIES, KINDS, READY, Protocol, kinds, one_sweep
from patch_sim.ui.rack import preview
from patch_sim.ui.session import Session
from patch_sim.ui.state import State

STEPS = {"kind": "steps", "numbers": {"first": 100.0, "last": 200.0, "sweeps": 3}}
ELECTRODE = {"series_resistance": 10.0, "bridge": 9.0, "seal": 0.5, "filter": 5.0, "noise": 0.1}


def close(one, other):
    if jax.tree.structure(one) != jax.tree.structure(other):
        return False
    return jax.tree.all(jax.tree.map(lambda a, b: np.allclose(a, b, rtol=1e-9) or np.array_equal(a, b), one, other))


def test_numbers_become_a_family():
    protocol = Protocol.parse(STEPS).build(ps.presets.neuron("squid_axon"), None)
    assert protocol.stimulus.amplitude.tolist() == [100.0, 150.0, 200.0]
    assert (protocol.sweeps, protocol.samples) == (3, 6000)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_built_swept_previewed_and_written(kind):
    state = State.parse({"cell": {"base": "squid_axon"}, "protocol": {"kind": kind}, "electrode": ELECTRODE})
    protocol = state.built()
    assert protocol.mode is KINDS[kind].mode
    whole = protocol.command()
    for sweep in (0, protocol.sweeps - 1):
        assert jnp.array_equal(one_sweep(protocol, sweep).command()[0], whole[sweep])
    seen = preview(Session(), state.view())
    assert seen["total"] == protocol.sweeps
    names = {}
    exec(state.code().replace("rec", "# rec"), names)
    assert close(names["protocol"], protocol)


@pytest.mark.parametrize("key", ["ready:I-V Curve", "ready:Action Potential"])
def test_ready_protocols_are_built_and_written(key):
    state = State(Cell("squid_axon"), Protocol(key))
    names = {}
    exec(state.code().replace("rec", "# rec"), names)
    assert close(names["protocol"], state.built())
    assert preview(Session(), state.view()) is None


def test_every_ready_protocol_can_be_chosen():
    assert set(READY.values()) == set(ps.presets.protocols())
    assert {kind["name"] for kind in kinds()} == KINDS.keys() | READY.keys()


def test_every_cell_has_steps_that_suit_it():
    assert set(FAMILIES) == set(ps.presets.neurons())
    for cell in FAMILIES:
        state = State.of(cell)
        assert State.parse(state.view()) == dataclasses.replace(
            state, protocol=Protocol.parse(state.view()["protocol"])
        )


@pytest.mark.parametrize(
    ("protocol", "message"),
    [
        ({"kind": "dance"}, r"describes no protocol"),
        ({"kind": "steps", "numbers": {"start": -1}}, r"Step start: -1 ms is too little; it must be at least 0 ms"),
        ({"kind": "steps", "numbers": {"start": 150}}, r"Start: 150 ms is too late; the sweep is over after 150 ms"),
        (
            {"kind": "steps", "numbers": {"sweeps": 500, "length": 501}},
            r"10,020,000 samples.* at most 10,000,000; make the sweeps at most 500 ms",
        ),
        ({"kind": "steps", "numbers": {"dt": 1e-9}}, r"Sampling: 1e-09 ms is too little"),
        ({"kind": "pulses", "numbers": {"width": 100, "frequency": 100}}, r"overlap"),
    ],
)
def test_what_cannot_be_run_says_why(protocol, message):
    with pytest.raises(ValueError, match=message):
        State.parse({"cell": {"base": "squid_axon"}, "protocol": protocol}).built()


@pytest.mark.parametrize(
    ("electrode", "message"),
    [
        ({"series_resistance": -1}, r"Series resistance: -1 MOhm is too little"),
        ({"resistance": 1}, r"no field 'resistance'"),
        ({"prediction": 50.0}, r"slow_capacitance"),
    ],
)
def test_wrong_electrodes_say_why(electrode, message):
    with pytest.raises(ValueError, match=message):
        State.parse({"cell": {"base": "squid_axon"}, "protocol": STEPS, "electrode": electrode})
