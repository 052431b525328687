"""CSV files."""

import numpy as np
import pytest

import patch_sim as ps

ROWS = [[0.0, -60.5, -61.0, 5.0], [0.5, -60.0, -61.5, 5.0], [1.0, -59.5, -61.0, 5.0]]
NAMES = ["time_ms", "V_mV_1", "V_mV_2", "Icmd_pA"]


def table(delimiter=",", names=NAMES, rows=ROWS):
    return "\n".join(delimiter.join(map(str, row)) for row in [names, *rows]) + "\n"


@pytest.mark.parametrize(
    "text",
    [
        table(),
        table("\t"),
        table(";"),
        table(";").replace(".", ","),
        "# by hand\n\n" + table(),
        "\ufeff" + table().replace("\n", "\r\n"),
        table(", "),
        table(names=["time_ms", "V_mV_3", "V_mV_07", "Icmd_pA"]),
        table().replace("Icmd_pA", '"Icmd_pA"'),
    ],
)
def test_tables(tmp_path, text):
    path = tmp_path / "cell.csv"
    path.write_text(text, encoding="utf-8", newline="")
    rec = ps.read(path)
    np.testing.assert_array_equal(rec.voltage, np.array(ROWS)[:, 1:3].T)
    np.testing.assert_array_equal(rec.command, np.full((2, 3), 5.0))
    np.testing.assert_array_equal(rec.time, [0.0, 0.5, 1.0])
    assert rec.warnings == ()


def test_sweeps_are_sorted_by_number(tmp_path):
    path = tmp_path / "cell.csv"
    path.write_text(table(names=["time_ms", "V_mV_10", "V_mV_9", "Icmd_pA"]))
    np.testing.assert_array_equal(ps.read(path).voltage, np.array(ROWS)[:, [2, 1]].T)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (table(rows=[*ROWS, [1.5, -60.0]]), "line 5 has 2 values under 4 names"),
        ("# note\n" + table(rows=[ROWS[0], [*ROWS[1], 7.0]]), "line 4 has 5 values under 4 names"),
        (table(names=["a", "b", "c", "d"]), "no response among 'a', 'b', 'c', 'd'"),
        (table(names=["1.0", "2.0", "3.0", "4.0"]), "no response"),
        (table(rows=[]), "no samples"),
        (table(rows=[["0", "x", "1", "2"]]), "column 'V_mV_1'"),
        (table(names=["time_ms", "V_mV", "V_mV", "I_pA"]), "twice"),
        (table(names=["time_ms", "V_mV_1", "V_mV_01", "I_pA"]), "twice"),
        (table(names=["time_ms", "V_mV_1", "V_mV", "I_pA"]), "with and without"),
        (table(names=["time_ms", "V_mV_1", "I_pA_1", "I_pA_2"]), "different sweeps"),
        ("# only a note\n", "no table"),
        ("Once upon a time\nthere was a cell.\n", "no response"),
        ('time_ms,"V_mV\n0,1', "no response|unexpected end"),
    ],
)
def test_what_is_no_table(tmp_path, text, message):
    path = tmp_path / "cell.csv"
    path.write_text(text)
    with pytest.raises(ps.RecordingError, match=message):
        ps.read(path)


def test_an_empty_cell_is_not_a_number(tmp_path):
    path = tmp_path / "cell.csv"
    path.write_text("time_ms,V_mV,I_pA\n0,-60,0\n1,,0\n2,-61,0\n")
    rec = ps.read(path)
    assert np.isnan(rec.voltage[0, 1])
    assert any("not finite" in warning for warning in rec.warnings)


def test_masks_are_written_in_many_ways(tmp_path):
    path = tmp_path / "cell.csv"
    path.write_text("time_ms,V_mV,I_pA,fit_mask\n0,-60,0,True\n1,-62,0,0\n2,-61,0,false\n3,-61,0,1\n")
    np.testing.assert_array_equal(ps.read(path).mask, [[True, False, False, True]])
