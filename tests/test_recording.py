"""Recordings: their masks, sweeps, sampling, and how they print and draw."""

import jax.numpy as jnp
import numpy as np
import pytest

import patch_sim as ps

DT = 0.5


def recording(command, dt: float = DT, **fields) -> ps.Recording:
    command = jnp.asarray(np.atleast_2d(command), dtype=float)
    time = jnp.asarray(np.arange(command.shape[1]) * dt)
    current = 10.0 * command + 1.0
    return ps.Recording(time, ps.Mode.VOLTAGE_CLAMP, voltage=command, current=current, command=command, **fields)


def step(first: int = 20, last: int = 60, samples: int = 100, size: float = 50.0, base: float = -80.0) -> np.ndarray:
    k = np.arange(samples)
    return np.where((k >= first) & (k < last), base + size, base)


def test_response_by_mode():
    time, signal = jnp.arange(3.0), jnp.ones((1, 3))
    current = ps.Recording(time, ps.Mode.CURRENT_CLAMP, measured_voltage=signal, current=2 * signal)
    np.testing.assert_array_equal(current.response, signal)
    voltage = ps.Recording(time, ps.Mode.VOLTAGE_CLAMP, voltage=signal, current=2 * signal)
    np.testing.assert_array_equal(voltage.response, 2 * signal)
    with pytest.raises(ValueError, match=r"voltage clamp recording holds no response \(pA\)"):
        _ = ps.Recording(time, ps.Mode.VOLTAGE_CLAMP, voltage=signal).response


def test_without_a_mask_everything_is_scored():
    rec = recording([step(), step()])
    assert rec.scored.shape == (2, 100)
    assert rec.scored.all()


def test_a_mask_broadcasts():
    rec = recording([step(), step()])
    keep = np.arange(100) > 10
    np.testing.assert_array_equal(rec.with_mask(keep).scored, [keep, keep])
    np.testing.assert_array_equal(rec.with_mask([[True], [False]]).scored.sum(axis=1), [100, 0])
    assert not rec.with_mask(False).scored.any()
    assert rec.scored.all()  # the first one stays as it was


@pytest.mark.parametrize(
    ("mask", "message"),
    [
        (np.ones(99, bool), r"a mask of shape \(99,\) does not fit 2 sweeps x 100 samples"),
        (np.ones((3, 100), bool), r"a mask of shape \(3, 100\) does not fit 2 sweeps x 100 samples"),
        (np.ones((1, 2, 100), bool), r"does not fit 2 sweeps x 100 samples"),
        (np.ones(100), "a mask holds True and False, not float64"),
        (["yes", "no"], "a mask holds True and False"),
    ],
)
def test_masks_that_do_not_fit(mask, message):
    with pytest.raises(ValueError, match=message):
        recording([step(), step()]).with_mask(mask)


def left_out(rec: ps.Recording, width: float) -> list[list[int]]:
    return [np.flatnonzero(~sweep).tolist() for sweep in rec.mask_edges(width).scored]


def test_mask_edges_leaves_out_what_follows_a_step():
    assert left_out(recording(step()), 2.0) == [[20, 21, 22, 23, 60, 61, 62, 63]]


@pytest.mark.parametrize("dt", [0.1, 0.025, 0.2])
def test_mask_edges_counts_samples_exactly(dt):
    (found,) = left_out(recording(step(), dt), 5 * dt)
    assert found == [20, 21, 22, 23, 24, 60, 61, 62, 63, 64]


def test_mask_edges_looks_at_each_sweep():
    assert left_out(recording([step(20, 60), step(30, 60)]), 1.0) == [[20, 21, 60, 61], [30, 31, 60, 61]]
    assert left_out(recording([step(), step(size=0.0)]), 1.0) == [[20, 21, 60, 61], []]


def test_mask_edges_keeps_an_earlier_mask():
    rec = recording(step()).with_mask(np.arange(100) >= 2)
    assert left_out(rec, 1.0) == [[0, 1, 20, 21, 60, 61]]


def test_mask_edges_up_to_the_end():
    assert left_out(recording(step(20, 99)), 2.0) == [[20, 21, 22, 23, 99]]


@pytest.mark.parametrize(
    "command",
    [
        50 * np.sin(np.arange(400) * 0.05),
        np.linspace(-80.0, 40.0, 400),
        np.full(400, -80.0),
        pytest.param(
            np.random.default_rng(0).normal(size=400),
        ),
    ],
    ids=["sinusoid", "ramp", "nothing", "noise"],
)
def test_what_has_no_edges(command):
    assert left_out(recording(command), 2.0) == [[]]


def test_a_step_on_a_sinusoid_is_an_edge():
    command = 5 * np.sin(np.arange(100) * 0.05) + step()
    assert left_out(recording(command), 1.0) == [[20, 21, 60, 61]]


@pytest.mark.parametrize("width", [0.0, -1.0, float("nan")])
def test_mask_edges_needs_a_width(width):
    with pytest.raises(ValueError, match="must be a positive time in ms"):
        recording(step()).mask_edges(width)


def test_mask_edges_needs_a_command():
    rec = ps.Recording(jnp.arange(3.0), ps.Mode.CURRENT_CLAMP, measured_voltage=jnp.ones((1, 3)))
    with pytest.raises(ValueError, match="no command"):
        rec.mask_edges(1.0)


def test_select():
    rec = recording([step(size=10.0), step(size=20.0), step(size=30.0)]).with_mask([[True], [False], [True]])
    for index, rows in [([0, 2], [0, 2]), (slice(1, None), [1, 2]), ([2, 1], [2, 1]), ([-1], [2])]:
        some = rec.select(index)
        np.testing.assert_array_equal(some.command, np.asarray(rec.command)[rows])
        np.testing.assert_array_equal(some.current, np.asarray(rec.current)[rows])
        np.testing.assert_array_equal(some.scored, rec.scored[rows])
        np.testing.assert_array_equal(some.time, rec.time)
        assert some.mode is rec.mode


def test_select_takes_the_states_along():
    gates = {"Na.m": jnp.arange(300.0).reshape(3, 100)}
    some = recording([step()] * 3, states=gates, warnings=("odd",)).select([1])
    np.testing.assert_array_equal(some.states["Na.m"], gates["Na.m"][1:2])
    assert some.warnings == ("odd",)


def test_select_a_sweep_that_is_not_there():
    with pytest.raises(IndexError):
        recording([step()] * 3).with_mask(True).select([3])


def test_select_a_sweep_that_is_not_there_without_a_mask():
    with pytest.raises(IndexError):
        recording([step()] * 3).select([3])


@pytest.mark.parametrize("dt", [0.1, 0.025, 0.2, 1 / 3, 0.0064])
@pytest.mark.parametrize("dtype", [float, np.float32])
def test_dt_of_even_samples(dt, dtype):
    time = jnp.asarray(np.arange(20_000) * dt, dtype=dtype)
    found = ps.Recording(time, ps.Mode.CURRENT_CLAMP).dt
    assert found == pytest.approx(dt, rel=1e-6)
    if dt != 1 / 3:
        assert found == dt


@pytest.mark.parametrize("time", [[0.0, 1.0, 3.0], [0.0, 1.0, 2.01], [1.0], [], [0.0, 0.0, 1.0]])
def test_dt_of_uneven_samples(time):
    rec = ps.Recording(jnp.asarray(time, dtype=float), ps.Mode.CURRENT_CLAMP)
    with pytest.raises(ValueError, match="not evenly spaced"):
        _ = rec.dt


def test_repr_is_one_line():
    assert repr(recording([step(), step()])) == (
        "Recording(voltage clamp, 2 sweeps x 100 samples, voltage, current, command, currents, states)"
    )
    flagged = ps.Recording(jnp.arange(2.0), ps.Mode.CURRENT_CLAMP, measured_voltage=jnp.ones((1, 2)), warnings=("x",))
    assert (
        repr(flagged) == "Recording(current clamp, 1 sweeps x 2 samples, measured_voltage, currents, states, flagged)"
    )


def test_save_as_something_unknown(tmp_path):
    for name in ("cell.xyz", "cell"):
        with pytest.raises(ValueError, match=r"cannot save as .*there are: .*\.npz"):
            recording(step()).save(tmp_path / name)
        assert not (tmp_path / name).exists()


@pytest.fixture
def pyplot():
    from matplotlib import pyplot

    yield pyplot
    pyplot.close("all")


def test_plot(pyplot):
    rec = recording([step(), step(size=20.0)])
    top, bottom = rec.plot().axes
    assert [line.get_ydata().tolist() for line in top.lines] == np.asarray(rec.current).tolist()
    assert [line.get_ydata().tolist() for line in bottom.lines] == np.asarray(rec.command).tolist()
    assert top.get_ylabel() == "current (pA)"
    assert bottom.get_ylabel() == "voltage (mV)"
    assert bottom.get_xlabel() == "time (ms)"


def test_plot_of_a_current_clamp_without_command(pyplot):
    rec = ps.Recording(jnp.arange(3.0), ps.Mode.CURRENT_CLAMP, measured_voltage=jnp.ones((1, 3)))
    top, bottom = rec.plot().axes
    assert top.get_ylabel() == "voltage (mV)"
    assert len(bottom.lines) == 0
