"""Signals with their unit in the name, as npz and CSV files hold them."""

import numpy as np
import pytest

import patch_sim as ps
from patch_sim.files.columns import to_recording
from patch_sim.files.quantity import Quantity, quantity

V = np.array([[-60.0, -61.0, -59.0, -60.0], [-62.0, -61.0, -59.0, -60.0]])
I = np.array([10.0, 20.0, 20.0, 10.0])


@pytest.mark.parametrize(
    ("unit", "expected"),
    [
        ("V", (Quantity.VOLTAGE, 1e3)),
        ("mV", (Quantity.VOLTAGE, 1.0)),
        ("uV", (Quantity.VOLTAGE, 1e-3)),
        ("\N{MICRO SIGN}V", (Quantity.VOLTAGE, 1e-3)),
        ("A", (Quantity.CURRENT, 1e12)),
        ("uA", (Quantity.CURRENT, 1e6)),
        ("nA", (Quantity.CURRENT, 1e3)),
        (" pA ", (Quantity.CURRENT, 1.0)),
        ("s", (Quantity.TIME, 1e3)),
        ("us", (Quantity.TIME, 1e-3)),
        ("pA/pF", None),
        ("", None),
        ("MV", None),
    ],
)
def test_units(unit, expected):
    assert quantity(unit) == expected


def test_any_unit_is_converted():
    rec = to_recording({"dt_us": np.array(100.0), "V_V": V * 1e-3, "Icmd_nA": I})
    np.testing.assert_allclose(rec.voltage, V)
    np.testing.assert_allclose(rec.command, [I * 1e3] * 2)
    assert rec.dt == 0.1
    assert rec.mode is ps.Mode.CURRENT_CLAMP


def test_what_was_measured_beside_the_command():
    rec = to_recording({"dt_ms": np.array(0.1), "Vcmd_mV": I, "I_pA": V, "V_mV": V + 1.0, "Vm_mV": V})
    assert rec.mode is ps.Mode.VOLTAGE_CLAMP
    np.testing.assert_array_equal(rec.command, [I] * 2)
    np.testing.assert_array_equal(rec.measured_voltage, V + 1.0)
    np.testing.assert_array_equal(rec.voltage, V)
    rec = to_recording({"dt_ms": np.array(0.1), "Vm_mV": V, "I_pA": I})
    np.testing.assert_array_equal(rec.measured_voltage, V)
    np.testing.assert_array_equal(rec.current, rec.command)
    rec = to_recording({"dt_ms": np.array(0.1), "V_mV": V, "Icmd_pA": I, "I_pA": V})
    np.testing.assert_array_equal(rec.current, V)
    np.testing.assert_array_equal(rec.command, [I] * 2)


def test_no_command_is_flagged():
    rec = to_recording({"dt_ms": np.array(0.1), "V_mV": V})
    assert rec.command is None
    assert any("commanded" in warning for warning in rec.warnings)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"V_mV": None}, "no response"),
        ({"V_mV": None, "Vm": V}, "the unit in the name"),
        ({"dt_ms": None}, "no sampling times"),
        ({"dt_ms": np.array(-1.0)}, "no positive sampling interval"),
        ({"dt_ms": np.array([1.0, 2.0])}, "no positive sampling interval"),
        ({"I_pA": np.zeros(3)}, "different numbers"),
        ({"I_pA": np.zeros((3, 4))}, "different numbers"),
        ({"I_pA": np.array(["a", "b", "c", "d"])}, "numbers"),
        ({"V_V": V}, "twice"),
        ({"I_mV": V}, "not a unit of current"),
        ({"Vcmd_mV": I, "Icmd_pA": I}, "commands a voltage"),
        ({"time_ms": np.array([0.0, 2.0, 1.0, 3.0])}, "increasing"),
        ({"time_ms": np.array([0.0, 1.0, np.nan, 3.0])}, "increasing"),
        ({"fit_mask": np.array([0.0, 0.5, 1.0, 1.0])}, "True and False"),
        ({"fit_mask": np.ones(5, bool)}, "different numbers"),
    ],
)
def test_what_does_not_make_a_recording(changes, message):
    columns = {"dt_ms": np.array(0.1), "V_mV": V, "I_pA": I} | changes
    with pytest.raises(ValueError, match=message):
        to_recording({name: values for name, values in columns.items() if values is not None})


def test_printed_times_are_put_in_order_and_uneven_ones_kept():
    printed = np.round(np.arange(4) / 3.0, 2)
    rec = to_recording({"time_ms": printed, "V_mV": V, "I_pA": I})
    np.testing.assert_allclose(rec.time, np.arange(4) / 3.0)
    assert any("rounded" in warning for warning in rec.warnings)
    uneven = np.array([0.0, 1.0, 3.0, 4.0])
    rec = to_recording({"time_ms": uneven, "V_mV": V, "I_pA": I})
    np.testing.assert_array_equal(rec.time, uneven)
    assert any("not evenly" in warning for warning in rec.warnings)
