"""Weak directions in words: from information matrices whose weak direction is known."""

import numpy as np
import pytest

import fitting
import patch_sim as ps
from fitting.directions import weak_directions


def told(vector, units=("", ""), strong=1e4, weak=1.0) -> list[str]:
    """Directions of a matrix that determines all but one direction well."""
    v = np.array(vector, dtype=float)
    v /= np.linalg.norm(v)
    information = strong * (np.eye(v.size) - np.outer(v, v)) + weak * np.outer(v, v)
    covariance = np.linalg.pinv(information)
    sizes = np.where(np.array(units) == "", 1.0, 25.0)
    return [str(d) for d in weak_directions(information, covariance, ["a", "b", "c"][: v.size], sizes, list(units))]


@pytest.mark.parametrize(
    ("vector", "units", "sentence"),
    [
        ((1, -0.98), ("", ""), "a and b trade off: only their product is fixed (correlation -1.000)"),
        ((1, 0.98), ("", ""), "a and b trade off: only their ratio is fixed (correlation +1.000)"),
        ((1, -0.5), ("", ""), "a and b trade off: only a * b^2 is fixed (correlation -1.000)"),
        ((1, 0.5), ("", ""), "a and b trade off: only a / b^2 is fixed (correlation +1.000)"),
        ((0.5, -1), ("", ""), "b and a trade off: only b * a^2 is fixed (correlation -1.000)"),
        ((1, -0.98), ("mV", "mV"), "a and b trade off: only their sum is fixed (correlation -1.000)"),
        ((1, 0.98), ("mV", "mV"), "a and b trade off: only their difference is fixed (correlation +1.000)"),
        ((1, -0.5), ("mV", "mV"), "a and b trade off: only a + 2 b is fixed (correlation -1.000)"),
        ((1, -0.98), ("", "mV"), "a and b trade off: a (+71 %) and b (-17 mV) undo each other (correlation -1.000)"),
        (
            (3, -2, 1),
            ("", "", ""),
            "a (+80 %), b (-53 %) and c (+27 %) move together, and the recordings hardly tell",
        ),
    ],
)
def test_sentences(vector, units, sentence):
    assert told(vector, units) == [sentence]


def test_what_is_not_determined_has_only_proportions():
    assert told((1, -1), weak=0.0)[0].endswith("only their product is fixed (not determined)")
    assert "up" in told((1, -1, 1), ("", "", ""), weak=0.0)[0]
    assert told((1, 0), weak=0.0) == ["a is not determined"]


def test_one_for_which_all_others_make_up():
    assert told((1, -0.2, 0.2), ("", "", "")) == ["a (+96 %) is known least, the others make up for it"]


def test_what_is_well_determined_is_not_told():
    assert told((1, -1), strong=2.0) == []
    assert told((1, 0), strong=1e6) == []  # badly known, but traded for nothing
    assert told((3, -2, 1), ("", "", ""), strong=1e8, weak=1e4) == []  # traded, but known to 1 %
    assert weak_directions(np.zeros((0, 0)), np.zeros((0, 0)), [], np.zeros(0), []) == ()


def test_an_area_and_a_conductance_density_in_a_clamp_are_a_product():
    cell = ps.Neuron({"Leak": ps.channels.Leak(0.2, -55.0)}, area=1000.0, temperature=20.0)
    protocol = ps.VoltageClamp(ps.Step([-20.0, 10.0], 1.0, 2.0), duration=4.0, dt=0.2, holding=-70.0)
    recording = ps.simulate(cell, protocol)
    free = ["area", "channels.Leak.g_max"]
    result = fitting.fit(cell, recording, free=free, starts=1, progress=False)
    sentence = "trade off: only their product is fixed (not determined)"
    assert any(sentence in str(direction) for direction in result.directions)
    assert sentence in str(result)
