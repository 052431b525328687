"""Tables of epochs."""

import numpy as np
import pytest

import patch_sim as ps
from patch_sim.files.epochs import Epoch as ClampexEpoch, Shape, waveform

TABLE = [
    ps.Epoch(-70.0, 1.0),
    ps.Epoch(-60.0, 1.0, level_step=20.0, duration_step=0.5),
    ps.Epoch(0.0, 2.0, level_step=-10.0, ramp=True),
    ps.Epoch(-90.0, 1.0, duration_step=-0.5),
]


def test_a_table_is_a_family_of_levels():
    family = ps.epochs(TABLE, 3)
    assert family.sweeps == 3
    found = ps.VoltageClamp(family, duration=6.5, dt=0.5, holding=-70.0).command()
    expected = [
        [-70, -70, -60, -60, -60, -45, -30, -15, -90, -90, -70, -70, -70],
        [-70, -70, -40, -40, -40, -40, -32.5, -25, -17.5, -90, -70, -70, -70],
        [-70, -70, -20, -20, -20, -20, -20, -20, -20, -20, -70, -70, -70],
    ]
    np.testing.assert_allclose(found, expected)


def test_as_clampex_plays_it():
    epochs = [ps.Epoch(5.0, 4.0, 1.0), ps.Epoch(-20.0, 3.0, -5.0, 2.0), ps.Epoch(10.0, 6.0, 0.0, 1.0)]
    theirs = [ClampexEpoch(k, Shape.STEP, float(e.level), float(e.level_step), int(e.duration), int(e.duration_step))
              for k, e in enumerate(epochs)]  # fmt: skip
    played = waveform(theirs, 4, 64, holding=-7.0)  # one sample each ms; the first at the holding level
    ours = ps.epochs([ps.Epoch(-7.0, 1.0), *epochs], 4)
    np.testing.assert_array_equal(ps.CurrentClamp(ours, duration=64.0, dt=1.0, holding=-7.0).command(), played)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ps.epochs([], 1), r"epochs takes a list of Epoch, not \[\]"),
        (lambda: ps.epochs(TABLE, 0), "sweeps must be a whole number, at least 1, not 0"),
        (lambda: ps.epochs(TABLE, 4), r"epoch 3: its duration falls to -0\.5 ms in sweep 3"),
        (lambda: ps.Epoch("high", 1.0), r"Epoch\.level must be a number, not 'high'"),
        (lambda: ps.Epoch(0.0, -1.0), r"Epoch\.duration must be at least 0 ms"),
    ],
)
def test_what_is_no_table(make, message):
    with pytest.raises(ValueError, match=message):
        make()
