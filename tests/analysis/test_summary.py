"""Pictures: every measurement draws itself, also where there is nothing to see."""

import json
import re

import numpy as np
import pytest
from matplotlib import pyplot

import patch_sim as ps
from tests.analysis.noise import current_clamp, step, voltage_clamp

DT = 0.05
TIME = np.arange(0.0, 200.0, DT)


@pytest.fixture(autouse=True)
def close():
    yield
    pyplot.close("all")


def firing() -> ps.Recording:
    command = step(TIME.size, DT, [-50.0, 0.0, 50.0, 100.0], 50.0, 100.0)
    voltage = -65.0 + 0.1 * command * (1.0 - np.exp(-np.maximum(TIME - 50.0, 0.0) / 10.0))
    for sweep, peaks in ((2, [80.0]), (3, [70.0, 90.0, 120.0])):
        for peak in peaks:
            voltage[sweep] += 95.0 * np.exp(-0.5 * ((TIME - peak) / 0.5) ** 2)
    return current_clamp(voltage, DT, command)


def clamped() -> ps.Recording:
    command = step(TIME.size, DT, np.arange(-60.0, 41.0, 20.0), 50.0, 100.0, holding=-80.0)
    transient = 1.0 + 5.0 * np.exp(-np.maximum(TIME - 50.0, 0.0) / 2.0)
    return voltage_clamp((command + 80.0) * transient, DT, command)


MEASURE = {
    "spikes": lambda: ps.analysis.spikes(firing()),
    "features": lambda: ps.analysis.features(firing()),
    "fi_curve": lambda: ps.analysis.fi_curve(firing()),
    "phase_plane": lambda: ps.analysis.phase_plane(firing()),
    "passive": lambda: ps.analysis.passive(firing()),
    "summary": lambda: ps.analysis.summary(firing()),
    "summary in voltage clamp": lambda: ps.analysis.summary(clamped()),
    "iv_curve": lambda: ps.analysis.iv_curve(clamped()),
    "gv_curve": lambda: ps.analysis.gv_curve(clamped(), reversal=-100.0),
    "inactivation": lambda: ps.analysis.inactivation(clamped()),
    "time_constants": lambda: ps.analysis.time_constants(clamped()),
    "tail": lambda: ps.analysis.tail(clamped()),
    "recovery": lambda: ps.analysis.recovery(clamped()),
    "membrane_test": lambda: ps.analysis.membrane_test(clamped().select([0, 1, 2])),
    "impedance": lambda: ps.analysis.impedance(firing()),
    "calcium_transient": lambda: ps.analysis.calcium_transient(firing()),
    "no spikes": lambda: ps.analysis.summary(firing().select([0, 1])),
    "wrong mode": lambda: ps.analysis.fi_curve(clamped()),
    "the other wrong mode": lambda: ps.analysis.iv_curve(firing()),
    "no spikes to draw": lambda: ps.analysis.spikes(firing().select([0])),
    "no step": lambda: ps.analysis.membrane_test(firing()),
    "capacitances": lambda: ps.analysis.compare_capacitances(
        ps.analysis.passive(firing()), ps.analysis.membrane_test(clamped().select([0, 1, 2]))
    ),
}


@pytest.mark.parametrize("name", MEASURE)
def test_everything_prints_and_plots(name, tmp_path):
    measured = MEASURE[name]()
    figure = measured.plot()
    figure.savefig(tmp_path / "figure.png", dpi=40)
    assert figure.axes
    assert str(measured)
    assert not re.search(r"\bnan\b", str(measured))
    data = json.loads(measured.to_json(tmp_path / "data.json"))
    assert data["columns"].keys() == measured.columns().keys()
    assert measured.to_csv(tmp_path / "data.csv").count("\n") >= 1


def test_a_summary_holds_the_curve_of_its_mode():
    current, voltage = ps.analysis.summary(firing()), ps.analysis.summary(clamped())
    assert current.curve.rheobase.value == 50.0
    assert current.sweeps is not None
    assert current.values()["rheobase"].value == 50.0
    assert list(voltage.columns()) == ["voltage", "peak", "peak_time", "steady"]
    assert voltage.sweeps is None
    assert len(current.plot().axes) == 4
    assert len(voltage.plot().axes) == 2


def test_the_phase_plane_holds_what_was_recorded():
    rec = firing()
    plane = ps.analysis.phase_plane(rec, (60.0, 100.0))
    np.testing.assert_array_equal(plane.voltage.values, np.asarray(rec.voltage)[:, 1200:2000].ravel())
    slope = np.gradient(np.asarray(rec.voltage), DT, axis=1)[:, 1200:2000]
    np.testing.assert_allclose(plane.slope.values, slope.ravel())
    assert plane.onsets.shape == (3, 2)
    np.testing.assert_allclose(plane.onsets[:, 1], 10.0, rtol=0.05)
