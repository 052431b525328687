"""Protocols in JSON files."""

import json

import equinox as eqx
import jax
import pytest

import patch_sim as ps

STIMULI = {
    "steps": ps.Step([1.0, 1.0 / 3.0], 1.0, 2.0),
    "levels": ps.Levels([(-80.0, [1.0, 2.0]), (20.0, 3.0)], ramps=[1]),
    "a sum": ps.Ramp(3.0, 0.0, 1.0) + ps.Sine(1.0, 50.0, 0.0, 1.0) + ps.Step(1.0, 1.0, 2.0),
    "a chirp": ps.Chirp(1.0, 5.0, 9.0, 0.0, 1.0, exponential=True),
    "samples": ps.Samples([[1.0, 2.0, 2.0], [3.0, 4.0, 4.0]], 0.1, linear=True),
    "pulses": ps.PulseTrain(1.0, 0.5, 0.1, frequency=300.0, count=3),
    "noise": ps.Noise(2.0, 0.5, 2.0, time_constant=1.0, seed=[1, 2]),
    "epochs": ps.epochs([ps.Epoch(-70.0, 1.0, 10.0, 0.5)], 3),
}


@pytest.mark.parametrize("clamp", [ps.CurrentClamp, ps.VoltageClamp])
@pytest.mark.parametrize("name", STIMULI)
def test_protocols_round_trip(tmp_path, clamp, name):
    protocol = clamp(STIMULI[name], duration=5.0, dt=0.1, holding=-1.0 / 3.0)
    protocol.save(tmp_path / "x.json")
    back = ps.load_protocol(tmp_path / "x.json")
    assert eqx.tree_equal(back, protocol)
    assert jax.tree.structure(back) == jax.tree.structure(protocol)  # so that it compiles nothing anew
    assert type(back) is clamp


def test_an_electrode_goes_with_it(tmp_path):
    electrode = ps.Electrode(series_resistance=10.0, compensation=ps.Compensation(correction=80.0))
    protocol = ps.VoltageClamp(STIMULI["steps"], duration=5.0, electrode=electrode)
    protocol.save(tmp_path / "x.json")
    back = ps.load_protocol(tmp_path / "x.json")
    assert eqx.tree_equal(back, protocol)
    assert jax.tree.structure(back) == jax.tree.structure(protocol)


CLAMPS = {
    "leak subtraction": ps.VoltageClamp(
        STIMULI["steps"], duration=5.0, leak_subtraction=ps.LeakSubtraction(8, -1, -90.0)
    ),
    "dynamic clamp": ps.CurrentClamp(
        STIMULI["steps"],
        duration=5.0,
        dynamic_clamp=ps.DynamicClamp(
            {"KA": ps.channels.KA(g_max=1.0)}, [ps.Conductance(ps.Synaptic(2.0, [1.0, 3.0]), 0.0)]
        ),
    ),
    "mixed": ps.MixedClamp(
        [ps.VoltageClamp(STIMULI["steps"], duration=5.0), ps.CurrentClamp(STIMULI["steps"], duration=5.0)]
    ),
}


@pytest.mark.parametrize("name", CLAMPS)
def test_every_kind_of_clamp_round_trips(tmp_path, name):
    CLAMPS[name].save(tmp_path / "x.json")
    back = ps.load_protocol(tmp_path / "x.json")
    assert eqx.tree_equal(back, CLAMPS[name])
    assert jax.tree.structure(back) == jax.tree.structure(CLAMPS[name])


def test_it_can_be_read_and_edited(tmp_path):
    path = tmp_path / "x.json"
    ps.CurrentClamp(ps.Step([1.0, 2.0], 1.0, 2.0), duration=5.0).save(path)
    text = path.read_text()
    assert '"amplitude": [ 1.0, 2.0 ]' in text
    path.write_text(text.replace("[ 1.0, 2.0 ]", "[1, 2, 3]"))
    assert ps.load_protocol(path).sweeps == 3


def edited(change) -> str:
    data = {"format": "patch_sim protocol", "version": 1}
    data["protocol"] = ps.encode(ps.CurrentClamp(ps.Step(1.0, 1.0, 2.0), duration=5.0))
    change(data)
    return json.dumps(data)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no JSON file"),
        ("{", "no JSON file"),
        ("\xff", "no JSON file"),
        ("[1, 2]", "it is not a saved protocol"),
        ('{"format": "patch_sim fit", "version": 1}', "it is not a saved protocol"),
        (edited(lambda data: data.update(version=2)), "it is a protocol of version 2, and this program knows 1"),
        (edited(lambda data: data.pop("protocol")), "it holds a NoneType, not a protocol"),
        (edited(lambda data: data.update(protocol=data["protocol"]["stimulus"])), "it holds a Step, not a protocol"),
        (edited(lambda data: data["protocol"].pop("dt")), "'dt' is missing"),
        (edited(lambda data: data["protocol"].update(dt=-1.0)), r"CurrentClamp\.dt must be a positive time in ms"),
        (edited(lambda data: data["protocol"]["stimulus"].update(duration=[-1.0])), r"Step\.duration must be at least"),
        (edited(lambda data: data["protocol"].update(stimulus=3.0)), r"CurrentClamp\.stimulus must be a stimulus"),
        (edited(lambda data: data["protocol"].update({"class": "os:system"})), "os:system, which is not known here"),
        (edited(lambda data: data["protocol"].update({"class": 3})), "it is not a saved protocol"),
        (edited(lambda data: data["protocol"].update(holding=[])), r"CurrentClamp\.holding must be a number or a list"),
    ],
)
def test_files_that_hold_no_protocol(tmp_path, text, reason):
    path = tmp_path / "x.json"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(ps.RecordingError, match=reason):
        ps.load_protocol(path)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(ps.RecordingError, match="no such file"):
        ps.load_protocol(tmp_path / "x.json")


def test_what_cannot_be_saved_leaves_the_file_as_it_was(tmp_path):
    path = tmp_path / "x.json"
    path.write_text("what was there")

    @jax.jit
    def save(clamp):
        clamp.save(path)

    with pytest.raises(jax.errors.TracerArrayConversionError):
        save(ps.CurrentClamp(ps.Step(1.0, 1.0, 2.0), duration=5.0))
    assert path.read_text() == "what was there"
    assert [found.name for found in tmp_path.iterdir()] == ["x.json"]
