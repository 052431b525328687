"""What the panel Measure is told, and the files that it saves."""

import base64
import csv
import io
import json
import sys
import time

import numpy as np
import pytest

import patch_sim as ps
from patch_sim.files.columns import to_recording
from patch_sim.ui import export
from patch_sim.ui.measure import curve, measurements, save
from patch_sim.ui.measured import measured
from patch_sim.ui.session import Session
from patch_sim.ui.traces import Traces

TIME = np.arange(4000) * 0.05


@pytest.fixture(scope="module")
def firing():
    steps = ps.Step(np.array([-50.0, 0.0, 50.0, 100.0, 200.0]), 10.0, 60.0)
    return ps.simulate(ps.presets.neuron("squid_axon"), ps.CurrentClamp(steps, duration=90.0))


@pytest.fixture(scope="module")
def clamped():
    # not in the order of their voltages
    levels = np.array([80.0, 50.0, 30.0, 10.0, -10.0, -30.0, -50.0, -90.0, -70.0])
    cell = ps.Neuron(channels={"Na": ps.channels.Na(), "Leak": ps.channels.Leak()}, area=1256.6, temperature=6.3)
    steps = ps.Step(levels + 80.0, 5.0, 20.0)
    return ps.simulate(cell, ps.VoltageClamp(steps, holding=-80.0, duration=30.0))


def pulses(*steps: float):
    """Voltage pulses over a membrane of 200 MOhm and 50 pF behind 10 MOhm."""
    on = (TIME >= 50.0) & (TIME < 150.0)
    access, membrane, capacitance = 10.0, 200.0, 50.0
    tau = 1e-3 * capacitance * access * membrane / (access + membrane)
    shape = 1e3 / (access + membrane) * (1.0 + membrane / access * np.exp(-(TIME - 50.0).clip(0.0) / tau)) * on
    command = np.array(steps)[:, None] * on - 70.0
    return to_recording({"time_ms": TIME, "I_pA": np.array(steps)[:, None] * shape, "Vcmd_mV": command})


def session_of(recording: ps.Recording, title: str = "Squid axon") -> Session:
    session = Session()
    session.show(Traces.of(recording, title), recording)
    return session


def told(recording: ps.Recording) -> dict:
    """As the browser gets it."""
    return json.loads(json.dumps(measurements(session_of(recording), 0), allow_nan=False))


def column(view: dict, name: str) -> list:
    at = [each["name"] for each in view["columns"]].index(name)
    return [row[at] for row in view["rows"]]


def statistic(view: dict, name: str) -> float | str:
    return next(each["value"] for each in view["statistics"] if each["name"] == name)


def plots(view: dict) -> dict:
    return {each["name"]: each for each in view["plots"]}


def test_current_clamp(firing):
    view = told(firing)
    each = ps.analysis.features(firing)
    assert column(view, "sweep") == [0, 1, 2, 3, 4]
    assert column(view, "current") == [-50.0, 0.0, 50.0, 100.0, 200.0]
    assert column(view, "count") == each.count.values.tolist()
    assert "no spike" in column(view, "latency")[0]
    first = each.spikes.sweep.values.tolist().index(4)
    assert column(view, "first_threshold")[4] == each.spikes.threshold.values[first]
    assert column(view, "first_half_width")[0] == "the sweep has no spike"
    assert statistic(view, "rheobase") == 50.0
    assert 10.0 < statistic(view, "capacitance") < 30.0
    assert {each["unit"] for each in view["columns"]} == {"", "pA", "Hz", "ms", "mV"}
    assert list(plots(view)) == ["fi", "phase", "isi", "vi", "onset"]
    rate = plots(view)["fi"]["series"][1]
    assert (rate["x"], rate["sweeps"]) == ([-50.0, 0.0, 50.0, 100.0, 200.0], [0, 1, 2, 3, 4])
    np.testing.assert_allclose(rate["y"], each.rate, rtol=1e-5)


def test_a_silent_cell_has_no_firing_curve(firing):
    view = told(firing.select([0, 1]))
    assert list(plots(view)) == ["vi", "onset"]
    assert statistic(view, "rheobase") == "no sweep has a spike"


def test_without_a_command_there_are_reasons():
    noise = np.random.default_rng(0).normal(-65.0, 0.1, (2, 4000))
    view = told(to_recording({"time_ms": TIME, "V_mV": noise, "Icmd_pA": np.zeros((2, 4000))}))
    assert len(view["rows"]) == 2
    assert all(isinstance(value, str) for value in column(view, "sag"))


def test_voltage_clamp_rows_are_sweeps(clamped):
    view = told(clamped)
    assert column(view, "voltage") == [80.0, 50.0, 30.0, 10.0, -10.0, -30.0, -50.0, -90.0, -70.0]
    peak, current = column(view, "peak"), np.asarray(clamped.current)
    assert np.argmin(peak) == np.argmin(current.min(axis=1))
    assert list(plots(view)) == ["iv", "gv", "tau"]
    points = plots(view)["iv"]["series"][1]
    assert points["x"] == sorted(points["x"])
    assert points["y"] == [pytest.approx(peak[sweep], rel=1e-5) for sweep in points["sweeps"]]
    assert -50.0 < statistic(view, "gv_half_voltage") < -10.0
    assert statistic(view, "reversal") == ps.analysis.iv_curve(clamped).reversal.value


def test_time_constants_and_phase_plane_come_when_asked_for(firing, clamped):
    session = session_of(clamped)
    (series,) = curve(session, 0, "tau", 0)["series"]
    assert len(series["x"]) == len(series["sweeps"]) > 3
    assert curve(session, 0, "phase", 0) is None
    session = session_of(firing)
    loop = curve(session, 0, "phase", 4)["loop"]
    slope = np.frombuffer(base64.b64decode(loop[1]["data"]), "<i2") * loop[1]["scale"] + loop[1]["offset"]
    assert slope.max() > 100.0
    with pytest.raises(ValueError, match="no sweep 6"):
        curve(session, 0, "phase", 5)


def test_membrane_test():
    view = told(pulses(-5.0, -5.0, -5.0))
    assert statistic(view, "access_resistance") == pytest.approx(10.0, rel=0.05)
    assert statistic(view, "membrane_resistance") == pytest.approx(200.0, rel=0.01)
    assert statistic(view, "capacitance_tau") == pytest.approx(50.0, rel=0.05)
    assert column(view, "access") == [pytest.approx(10.0, rel=0.05)] * 3
    assert list(plots(view)) == ["transient"]


def test_steps_to_many_voltages_are_no_membrane_test():
    view = told(pulses(-5.0, 5.0, 10.0))
    assert "access_resistance" not in {each["name"] for each in view["statistics"]}
    assert "iv" in plots(view)


def test_what_is_left_out_after_the_step():
    assert column(told(pulses(-5.0, 5.0)), "peak")[1] > 400.0
    late = measurements(session_of(pulses(-5.0, 5.0)), 10)
    assert column(late, "peak")[1] == pytest.approx(5e3 / 210.0, rel=0.02)
    with pytest.raises(ValueError, match="Leave out: from 0"):
        measurements(session_of(pulses(-5.0)), "much")


def test_inactivation():
    cell = ps.Neuron(channels={"Na": ps.channels.Na()}, area=1256.6, temperature=6.3)
    view = told(ps.simulate(cell, ps.presets.protocol("Steady-State Inactivation")))
    assert list(plots(view)) == ["iv", "available", "tau"]
    assert -75.0 < statistic(view, "available_half_voltage") < -50.0
    assert statistic(view, "available_slope") < 0.0


def test_it_is_measured_once(firing):
    session = session_of(firing)
    assert measurements(Session(), 0) is None
    measurements(session, 0)
    kept = session.kept["measure"]
    measurements(session, 0)
    assert session.kept["measure"] is kept
    session.show(Traces.of(firing.select([1]), "one"), firing.select([1]))
    assert len(measurements(session, 0)["rows"]) == 1


def test_fifty_long_sweeps_are_measured_soon(firing):
    voltage = np.tile(np.asarray(firing.voltage), (10, 3))[:, :10_000]
    command = np.tile(np.asarray(firing.command), (10, 3))[:, :10_000]
    columns = {"dt_ms": np.array(0.025), "V_mV": voltage, "Icmd_pA": command}
    many = to_recording(columns)
    measured(many.select([0]))  # imports
    began = time.thread_time()  # not of the clock on the wall, which tells how busy the machine is
    measured(many)
    assert time.thread_time() - began < 3.0  # 0.5 s without the checks of types that these tests run under


def content(session: Session, what: str, suffix: str) -> tuple[str, bytes]:
    file = save(session, 0, what, suffix)
    return file["name"], base64.b64decode(file["data"])


@pytest.mark.parametrize("suffix", ["abf", "npz", "csv"])
def test_data_are_read_back(tmp_path, firing, suffix):
    name, data = content(session_of(firing), "data", suffix)
    assert name == f"Squid_axon.{suffix}"
    (tmp_path / name).write_bytes(data)
    again = ps.read(tmp_path / name)
    assert again.dt == firing.dt
    np.testing.assert_allclose(again.response, firing.response, atol=0.01)
    np.testing.assert_array_equal(again.command, firing.command)


def test_pictures_and_axon_text(firing):
    session = session_of(firing, "cell 1.abf")
    assert content(session, "picture", "png")[1].startswith(b"\x89PNG")
    name, picture = content(session, "picture", "svg")
    assert (name, b"</svg>" in picture) == ("cell_1.svg", True)
    assert content(session, "data", "atf")[1].startswith(b"ATF\t1.0")


def test_tables(firing):
    session = session_of(firing)
    name, text = content(session, "table", "csv")
    lines = [line for line in text.decode().splitlines() if not line.startswith("#")]
    rows = list(csv.DictReader(io.StringIO("\n".join(lines))))
    assert name == "Squid_axon_measured.csv"
    assert [row["current (pA)"] for row in rows] == ["-50", "0", "50", "100", "200"]
    data = json.loads(content(session, "table", "json")[1])
    assert data["values"]["rheobase"]["value"] == 50
    assert len(data["columns"]["first_half_width"]["values"]) == 5


def test_what_cannot_be_saved_is_said(firing, monkeypatch):
    with pytest.raises(ValueError, match="nothing to save yet"):
        save(Session(), 0, "data", "csv")
    session = session_of(firing)
    with pytest.raises(ValueError, match="not 'exe'"):
        save(session, 0, "data", "exe")
    with pytest.raises(ValueError, match="csv or json"):
        save(session, 0, "table", "abf")
    monkeypatch.setitem(export.MOST_SAMPLES, "csv", 1000)
    with pytest.raises(ValueError, match=r"18,000 samples are more than the 1,000 .* CSV"):
        save(session, 0, "data", "csv")
    monkeypatch.setattr(export, "MOST_BYTES", 1000)
    with pytest.raises(ValueError, match="MB that the page sends"):
        save(session, 0, "data", "npz")
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ValueError, match="Pictures need matplotlib"):
        save(session, 0, "picture", "png")
