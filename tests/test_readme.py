"""The README's Python, run as it stands."""

import re

from matplotlib import pyplot

from tests.conftest import ROOT

BLOCKS = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), flags=re.DOTALL)


def test_blocks_run_one_after_the_other(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {}
    for block in BLOCKS:
        if "cell.abf" not in block:  # that one has its own test
            exec(block, names)
    pyplot.close("all")
    assert names["ensemble"].values.shape == (6, 3)
    assert "mine" in names["cell"].channels


def test_fit_block_runs_on_a_recording(tmp_path, monkeypatch):
    (block,) = (block for block in BLOCKS if "cell.abf" in block)
    setup = """
import jax
import patch_sim as ps
cell = ps.presets.neuron("squid_axon")
protocol = ps.VoltageClamp(ps.Step([20.0, 60.0], 2.0, 5.0), holding=-65.0, duration=10.0, dt=0.1)
recording = ps.simulate(cell, protocol)
"""
    quick = block.replace('ps.read("cell.abf")', "recording").replace("starts=8", "starts=2, screen=5, progress=False")
    monkeypatch.chdir(tmp_path)
    names = {}
    exec(setup + quick, names)
    pyplot.close("all")
    assert (tmp_path / "fit.json").exists()
    assert names["result"].loss < 1e-3
