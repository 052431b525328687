"""The search for the weakest current that makes a cell fire."""

import numpy as np
import pytest

import patch_sim as ps
from patch_sim.rheobase import responses

AXON = ps.presets.neuron("squid_axon")
DENSITY = float(AXON.area) / 100.0  # pA for each uA/cm2


def test_of_the_squid_axon():
    found = ps.rheobase(AXON)
    # It fires once from 2.2 uA/cm2 on, well below where trains begin.
    assert found / DENSITY == pytest.approx(2.24, abs=0.02)
    near = np.concatenate([found * np.array([0.5, 0.998, 1.0, 2.0]), np.zeros(12)])  # 16, as in a search
    time, spikes = responses(AXON, near, 500.0, 0.0)
    np.testing.assert_array_equal(spikes.any(axis=1)[:5], [False, False, True, True, False])
    assert np.all(time[1:][spikes.any(axis=0)] > 0.0)


def test_it_grows_with_the_membrane_and_falls_with_a_holding_current():
    found = ps.rheobase(AXON)
    larger = ps.with_parameters(AXON, {"area": 7.0 * AXON.area})
    assert ps.rheobase(larger) == pytest.approx(7.0 * found, rel=2e-3)
    assert ps.rheobase(AXON, holding=5.0) < found
    assert found <= ps.rheobase(AXON, tolerance=0.3) <= found / 0.7


def test_with_another_strongest_current():
    found = ps.rheobase(AXON)
    assert ps.rheobase(AXON, strongest=1.9 * found) == pytest.approx(found, rel=1e-3)


def test_a_cell_that_fires_by_itself():
    with pytest.raises(ValueError, match="does not stay at rest under a holding current of 130 pA, it may fire by"):
        ps.rheobase(AXON, holding=130.0)


def test_a_cell_that_never_fires():
    with pytest.raises(ValueError, match=r"does not fire under 1256\.64 pA for 500 ms; try a longer step"):
        ps.rheobase(AXON.disabled("Na"))
    with pytest.raises(ValueError, match="does not fire under 20 pA for 500 ms"):
        ps.rheobase(AXON, strongest=20.0)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"strongest": 0.0}, r"strongest must be a positive current in pA, not 0\.0"),
        ({"strongest": float("nan")}, "strongest must be a positive current"),
        ({"tolerance": 0.0}, r"tolerance must be a fraction between 0 and 1, not 0\.0"),
        ({"duration": -1.0}, r"Step\.duration must be at least 0 ms"),
        ({"duration": float("inf")}, r"Step\.duration must be finite"),
        ({"holding": float("nan")}, "does not stay at rest under a holding current of nan pA"),
    ],
)
def test_impossible_searches(settings, message):
    with pytest.raises(ValueError, match=message):
        ps.rheobase(AXON, **settings)
