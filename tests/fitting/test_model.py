"""What is free, in a file."""

import json

import equinox as eqx
import pytest

import fitting
import patch_sim as ps


def test_saved_and_loaded(tmp_path):
    cell = ps.presets.neuron("squid_axon")
    model = fitting.Model(
        cell, {"channels.Na.g_max": (50.0, 200.0), "E": (-90.0, -60.0)}, {"E": ("channels.K.reversal",)}
    )
    model.save(tmp_path / "model.json")
    back = fitting.load_model(tmp_path / "model.json")
    assert eqx.tree_equal(back.neuron, cell)
    assert (back.bounds, back.ties) == (model.bounds, model.ties)


def test_the_stranger_can_be_saved(tmp_path):
    model = fitting.stranger()
    model.save(tmp_path / "model.json")
    back = fitting.load_model(tmp_path / "model.json")
    assert eqx.tree_equal(back.neuron, model.neuron)
    assert (back.bounds, back.ties) == (model.bounds, model.ties)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": "patch_sim model 1"}', "\x00"])
def test_a_file_that_is_none(text, tmp_path):
    (tmp_path / "model.json").write_text(text)
    with pytest.raises(ValueError, match=r"model\.json is not a saved model"):
        fitting.load_model(tmp_path / "model.json")


def test_a_class_that_is_not_there(tmp_path):
    path = tmp_path / "model.json"
    fitting.Model(ps.presets.neuron("squid_axon"), {}, {}).save(path)
    path.write_text(json.dumps(json.loads(path.read_text())).replace("patch_sim.neuron:Neuron", "mine.cells:Cell"))
    with pytest.raises(ValueError, match="mine"):
        fitting.load_model(path)
