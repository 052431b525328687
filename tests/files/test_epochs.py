"""Epoch tables, against what Axon's own library makes of them."""

import dataclasses

import numpy as np
import pytest

from patch_sim.files.epochs import Epoch, Shape, UserList, waveform

STEP = Epoch(0, Shape.STEP, level=10.0, level_step=5.0, duration=20, duration_step=4)


def test_epochs_start_at_a_64th_of_the_sweep_and_change_from_sweep_to_sweep():
    played = waveform([STEP], 3, 640, holding=-70.0)
    for sweep, row in enumerate(played):
        end = 10 + 20 + 4 * sweep
        assert (row[:10] == -70.0).all()
        assert (row[10:end] == 10.0 + 5.0 * sweep).all()
        assert (row[end:] == -70.0).all()


def test_the_last_level_is_kept_until_the_next_sweep():
    played = waveform([STEP], 2, 640, holding=-70.0, keep_last=True)
    assert played[0, 0] == -70.0
    assert (played[0, 30:] == 10.0).all()
    assert (played[1, :10] == 10.0).all()


def test_epochs_that_are_off_or_without_length_take_no_time():
    off = dataclasses.replace(STEP, shape=Shape.OFF)
    empty = dataclasses.replace(STEP, duration=0, duration_step=0, level=99.0)
    np.testing.assert_array_equal(
        waveform([off, empty, STEP], 2, 640, holding=0.0), waveform([STEP], 2, 640, holding=0.0)
    )


def test_an_epoch_that_does_not_fit_ends_with_the_sweep():
    played = waveform([dataclasses.replace(STEP, duration=1000)] * 2, 1, 640, holding=0.0)
    assert (played[0, 10:] == 10.0).all()


@pytest.mark.parametrize(
    ("field", "values", "expected"),
    [
        ("level", (-50.0, -60.0), [(-50.0, 20), (-60.0, 24), (-60.0, 28)]),
        ("duration", (7.0, 9.0), [(10.0, 7), (15.0, 9), (20.0, 9)]),
    ],
)
def test_a_user_list_replaces_a_field(field, values, expected):
    played = waveform([STEP], 3, 640, holding=0.0, user_list=UserList(0, field, values))
    for row, (level, duration) in zip(played, expected, strict=True):
        assert (row[10 : 10 + duration] == level).all()
        assert (row[10 + duration :] == 0.0).all()


def test_a_user_list_of_another_epoch_changes_nothing_and_one_may_repeat():
    other = waveform([STEP], 3, 640, holding=0.0, user_list=UserList(1, "level", (1.0,)))
    np.testing.assert_array_equal(other, waveform([STEP], 3, 640, holding=0.0))
    again = waveform([STEP], 3, 640, holding=0.0, user_list=UserList(0, "level", (1.0, 2.0), repeat=True))
    np.testing.assert_array_equal(again[:, 10], [1.0, 2.0, 1.0])


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        (Shape.RAMP, [-7.0, -4.0, -1.0, 2.0, 5.0, 8.0, 11.0, 14.0, 17.0, 20.0]),
        (Shape.PULSES, [20.0, 20.0, -10.0, -10.0, 20.0, 20.0, -10.0, -10.0, -10.0, -10.0]),
        (Shape.BIPHASIC, [20.0, -40.0, -10.0, -10.0, 20.0, -40.0, -10.0, -10.0, -10.0, -10.0]),
        (Shape.TRIANGLES, [-10.0, 5.0, 20.0, 5.0, -10.0, 5.0, 20.0, 5.0, -10.0, -10.0]),
        (Shape.COSINES, [-10.0, 5.0, 20.0, 5.0, -10.0, 5.0, 20.0, 5.0, -10.0, -10.0]),
        (Shape.RESISTANCE, [-10.0] * 5 + [20.0] * 5),
    ],
)
def test_shapes(shape, expected):
    if shape in (Shape.PULSES, Shape.BIPHASIC):  # the pulse that is left over is not played: it has just its width
        expected = expected[:8] + ([20.0, 20.0] if shape is Shape.PULSES else [20.0, -40.0])
    epoch = Epoch(0, shape, level=20.0, level_step=0.0, duration=10, duration_step=0, period=4, width=2)
    np.testing.assert_allclose(waveform([epoch], 1, 64, holding=-10.0)[0, 1:11], expected, atol=1e-12)


def test_a_pulse_that_is_cut_is_not_played():
    epoch = Epoch(0, Shape.PULSES, level=1.0, level_step=0.0, duration=9, duration_step=0, period=4, width=2)
    np.testing.assert_array_equal(waveform([epoch], 1, 64, holding=0.0)[0, 1:11], [1, 1, 0, 0, 1, 1, 0, 0, 0, 0])
