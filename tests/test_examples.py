"""Every example runs as it stands, with small settings."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import fitting

ROOT = Path(__file__).resolve().parents[1]
CURRENT_CLAMP = ROOT / "examples" / "fit_current_clamp.py"
HERG = ROOT / "examples" / "fit_herg.py"
NAV = ROOT / "examples" / "fit_nav.py"
OWN_CHANNEL = ROOT / "examples" / "own_channel.py"
EXAMPLES = CURRENT_CLAMP, HERG, NAV, OWN_CHANNEL

KNOWN = {"p1": 2.3e-4, "p2": 0.07, "p3": 3.4e-5, "p4": 0.055, "p5": 0.087, "p6": 0.009, "p7": 5.2e-3, "p8": 0.032,
         "p9": 150.0}  # fmt: skip


def run(path: Path, *arguments: str) -> str:
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, str(path), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    return done.stdout


def check(report: dict, error: float) -> None:
    assert {"rmse_pA", "seconds", "starts", "parameters"} <= set(report)
    assert len(report["starts"]) == 2
    assert min(report["starts"]) == pytest.approx(report["rmse_pA"])
    assert report["seconds"] > 0
    assert [row["name"] for row in report["parameters"]] == list(KNOWN)
    for row in report["parameters"]:
        assert set(row) == {"name", "value", "unit", "standard_error"}
        assert 0 < row["standard_error"] < error * row["value"], row
    units = {row["name"]: row["unit"] for row in report["parameters"]}
    assert [units[f"p{k}"] for k in range(1, 10)] == ["1/ms", "1/mV"] * 4 + ["nS"]


def test_herg_recovers_known_parameters(tmp_path):
    written, drawn = tmp_path / "fit.json", tmp_path / "fit.png"
    said = run(HERG, "--starts", "2", "--screen", "30", "--json", str(written), "--plot", str(drawn))
    report = json.loads(written.read_text())
    check(report, error=0.1)
    assert report["rmse_pA"] == pytest.approx(10.0, rel=0.02)  # the noise that was put in
    for row in report["parameters"]:
        assert abs(row["value"] - KNOWN[row["name"]]) < 5 * row["standard_error"], row
    assert drawn.read_bytes()[:4] == b"\x89PNG"
    assert "RMSE" in said
    assert "p9 = " in said


@pytest.mark.slow
def test_herg_fits_a_real_recording(shared, tmp_path):
    recording = str(shared / "recordings" / "vc_herg_cho_cell5_sine.npz")
    written = tmp_path / "fit.json"
    run(HERG, recording, "--predict", recording, "--starts", "2", "--screen", "30", "--json", str(written))
    report = json.loads(written.read_text())
    check(report, error=0.5)  # its residuals remember for 0.16 s
    assert report["rmse_pA"] <= 31.8
    assert report["predict_rmse_pA"] == pytest.approx(report["rmse_pA"], rel=1e-6)


@pytest.mark.slow
def test_nav_recovers_the_channel_and_the_electrode(tmp_path):
    written, drawn = tmp_path / "fit.json", tmp_path / "fit.png"
    said = run(NAV, "--starts", "2", "--json", str(written), "--plot", str(drawn))
    report = json.loads(written.read_text())
    assert report["noise_pA"] == pytest.approx(10.0, rel=0.1)
    assert report["rmse_pA"] == pytest.approx(10.0, rel=0.02)  # the noise that was put in
    assert report["masked_rmse_pA"] == pytest.approx(10.0, rel=0.02)
    found = {row["name"]: row for row in report["parameters"]}
    known = {"channels.Na.g_max": 100.0, "channels.Na.gates.m.opening.v": 17.0,
             "channels.Na.gates.h.closing.limit": 6.0, "capacitance": 1.0, "electrode.series_resistance": 4.0,
             "electrode.pipette_capacitance": 20.0, "electrode.filter.corner": 6000.0,
             "recordings.1.electrode.compensation.correction": 74.0}  # fmt: skip
    for name, value in known.items():
        assert abs(found[name]["value"] - value) < 3.5 * found[name]["standard_error"] < 0.05 * value, found[name]
    assert "80 % compensation: RMSE" in said
    assert drawn.read_bytes()[:4] == b"\x89PNG"

    assert report["without_electrode_rmse_pA"] > 20 * report["rmse_pA"]
    assert report["something_is_missing_without_electrode"]
    assert "something is missing there" in said
    assert "do not believe that channel" in said


def scored_sweeps(report: dict) -> tuple[np.ndarray, np.ndarray]:
    keys = ("observed_counts", "predicted_counts", "latency_error_ms", "subthreshold_rms_mV", "peak_error_mV")
    assert {"test_sweeps", "seconds", *keys} <= set(report)
    assert all(len(report[key]) == len(report["test_sweeps"]) for key in keys)
    observed, predicted = (np.array(report[key]) for key in keys[:2])
    spiked, silent = (observed > 0) & (predicted > 0), (observed == 0) & (predicted == 0)
    assert [value is not None for value in report["latency_error_ms"]] == spiked.tolist()
    assert [value is not None for value in report["subthreshold_rms_mV"]] == silent.tolist()
    return observed, predicted


@pytest.mark.slow
def test_a_spiking_neuron_is_fitted_and_sweeps_are_predicted(tmp_path):
    written, drawn, saved = (tmp_path / name for name in ("fit.json", "fit.png", "result.json"))
    said = run(CURRENT_CLAMP, "--budget", "2", "--json", str(written), "--plot", str(drawn), "--save", str(saved))
    report = json.loads(written.read_text())
    observed, _ = scored_sweeps(report)
    assert report["test_sweeps"] == [0, 2, 4, 6, 8]
    assert observed[0] == 0
    assert observed[-1] > observed[2]
    assert report["seconds"] > 0
    assert "sweeps left out: 0, 2, 4, 6, 8" in said
    assert drawn.read_bytes()[:4] == b"\x89PNG"
    assert len(fitting.load(saved).starts) >= 1


@pytest.mark.slow
def test_the_spikes_of_a_pyramidal_cell_are_predicted(shared, tmp_path):
    written = tmp_path / "fit.json"
    recording = str(shared / "recordings" / "cc_pyr_171116sh_0018.abf")
    run(CURRENT_CLAMP, recording, "--window", "147:647", "--json", str(written))
    observed, predicted = scored_sweeps(json.loads(written.read_text()))
    off = np.abs(predicted - observed)
    assert len(off) == 9
    assert np.sum(off <= 1) >= 8, predicted
    assert np.max(off) <= 2, predicted


def test_own_channels_do_what_they_are_known_for(tmp_path):
    drawn = tmp_path / "d.png"
    said = run(OWN_CHANNEL, "--plot", str(drawn))
    delays = re.findall(r"(\d+) ms without, (\d+) ms with the D current", said)
    assert len(delays) == 3
    assert all(int(late) > 2 * int(early) for early, late in delays)
    resistance = {
        (outside, name): float(value)
        for outside, name, value in re.findall(
            r"([\d.]+) mM potassium outside, (with|without) the rectifier: .*?, ([\d.]+) MOhm", said
        )
    }
    assert resistance["7", "without"] == resistance["3.5", "without"]
    assert resistance["7", "with"] < resistance["7", "without"] / 2  # open at rest
    assert resistance["3.5", "with"] > resistance["3.5", "without"]  # it closes where the cell depolarizes
    assert "InwardRectifier" in said
    assert drawn.read_bytes()[:4] == b"\x89PNG"


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_it_says_what_it_takes(path):
    assert "--plot" in run(path, "--help")


def test_every_example_is_run_here():
    assert set((ROOT / "examples").glob("*.py")) == set(EXAMPLES)
