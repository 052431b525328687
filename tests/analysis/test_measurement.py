"""What a measurement hands back: values, columns, tables, files."""

import csv
import dataclasses
import io
import json
import math

import numpy as np
import pytest

import patch_sim as ps
from patch_sim.analysis.measurement import NotMeasurableError, attempt


@dataclasses.dataclass(frozen=True, eq=False)
class Table(ps.analysis.AbstractMeasurement):
    x: ps.analysis.Column
    y: ps.analysis.Column
    slope: ps.analysis.Value

    def plot(self):
        raise NotImplementedError


@dataclasses.dataclass(frozen=True, eq=False)
class Numbers(ps.analysis.AbstractMeasurement):
    a: ps.analysis.Value
    b: ps.analysis.Value

    def plot(self):
        raise NotImplementedError


TABLE = Table(
    ps.analysis.Column.of([0.0, 1.0, 2.0], "pA"),
    ps.analysis.Column.of([ps.analysis.Value(1.234567, "mV", 0.012), "it is dark", "it is dark"], "mV"),
    ps.analysis.Value(3.14159, "mV/pA", 0.25),
    notes=("beware",),
)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (ps.analysis.Value(1.23456, "mV", 0.0123), "1.235 +- 0.012 mV"),
        (ps.analysis.Value(1234.6, "MOhm", 52.0), "1235 +- 52 MOhm"),
        (ps.analysis.Value(12.3456, "ms"), "12.35 ms"),
        (ps.analysis.Value(9.0, ""), "9"),
        (ps.analysis.Value(-60.0, "mV"), "-60 mV"),
        (ps.analysis.Value(0.0, "Hz"), "0 Hz"),
        (ps.analysis.Value.of("it is dark", "mV"), "not measurable, because it is dark"),
    ],
)
def test_values_print_to_the_digits_that_they_have(value, text):
    assert str(value) == text


def test_a_value_is_a_number_or_has_a_reason():
    assert float(ps.analysis.Value(2.0, "mV")) == 2.0
    assert not ps.analysis.Value.of("it is dark", "mV").measurable
    for value, reason in ((math.nan, ""), (1.0, "it is dark")):
        with pytest.raises(ValueError, match="a value is a number or has a reason why not"):
            ps.analysis.Value(value, "mV", reason=reason)


def test_columns_are_arrays():
    np.testing.assert_array_equal(np.asarray(TABLE.x), [0.0, 1.0, 2.0])
    assert np.isnan(np.asarray(TABLE.y)[1])
    assert len(TABLE.y) == 3
    assert TABLE.y[0].error == 0.012
    assert TABLE.y[2].reason == "it is dark"


def test_it_prints_as_a_table():
    assert str(TABLE).splitlines() == [
        " x               y",
        "pA              mV",
        " 0  1.235 +- 0.012",
        " 1               -",
        " 2               -",
        "slope  3.14 +- 0.25 mV/pA",
        "y: not measurable, because it is dark (row 1-2)",
        "note: beware",
    ]


def test_long_tables_are_cut():
    many = ps.analysis.Column.of(range(100), "")
    text = str(dataclasses.replace(TABLE, x=many, y=many))
    assert "... 40 more rows" in text


def test_csv(tmp_path):
    text = TABLE.to_csv(tmp_path / "table.csv")
    assert (tmp_path / "table.csv").read_text() == text
    lines = text.splitlines()
    assert lines[:2] == ["# slope: 3.14 +- 0.25 mV/pA", "# beware"]
    rows = list(csv.DictReader(io.StringIO("\n".join(lines[2:]))))
    assert float(rows[0]["y (mV)"]) == 1.234567
    assert float(rows[0]["y standard error (mV)"]) == 0.012
    assert rows[1]["y (mV)"] == ""
    assert rows[1]["y reason"] == "it is dark"


def test_csv_of_single_values():
    numbers = Numbers(ps.analysis.Value(1.5, "mV", 0.5), ps.analysis.Value.of("it is dark", "ms"))
    rows = list(csv.reader(io.StringIO(numbers.to_csv())))
    assert rows[1:] == [["a", "1.5", "mV", "0.5", ""], ["b", "", "ms", "", "it is dark"]]


def test_json(tmp_path):
    data = json.loads(TABLE.to_json(tmp_path / "table.json"))
    assert json.loads((tmp_path / "table.json").read_text()) == data
    assert data["measurement"] == "Table"
    assert data["columns"]["y"]["values"] == [1.234567, None, None]
    assert data["columns"]["y"]["reasons"][1] == "it is dark"
    assert data["values"]["slope"] == {"value": 3.14159, "unit": "mV/pA", "error": 0.25, "reason": ""}
    assert data["notes"] == ["beware"]


def test_pandas():
    pytest.importorskip("pandas")
    frame = TABLE.to_pandas()
    assert list(frame.columns)[:2] == ["x (pA)", "y (mV)"]
    assert frame["y (mV)"][0] == 1.234567


def test_an_attempt_turns_what_is_not_measurable_into_a_reason():
    def fail() -> float:
        raise NotMeasurableError("it is dark")

    assert attempt(fail) == "it is dark"
    assert attempt(lambda x: x + 1.0, 1.0) == 2.0
