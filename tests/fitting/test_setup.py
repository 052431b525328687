"""The electrode in fits: what its numbers are called, and what becomes of a fit with and without them."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fitting
import patch_sim as ps
from fitting.losses import trace
from fitting.parameters import space
from fitting.setup import Setup, of_electrode, setup

SQUID = ps.presets.neuron("squid_axon")
NA, K, RS = "channels.Na.g_max", "channels.K.g_max", "electrode.series_resistance"
LEAK = ps.Neuron({"Leak": ps.channels.Leak(g_max=0.2, reversal=-55.0)}, area=1000.0, temperature=20.0)
G = "channels.Leak.g_max"
STEPS = ps.VoltageClamp(ps.Step([-20.0, 10.0, 40.0], 1.0, 2.0), duration=4.0, dt=0.2, holding=-70.0)
PULSES = ps.CurrentClamp(ps.Step([20.0, 50.0], 1.0, 6.0), duration=12.0, dt=0.2)


def through(protocol, electrode: ps.Electrode):
    return eqx.tree_at(lambda p: p.electrode, protocol, electrode, is_leaf=lambda x: x is None)


def seen(rec: ps.Recording, noise: float = 0.0) -> ps.Recording:
    """What a file would hold of a simulated recording: the response and the command."""
    response = rec.response + noise * np.random.default_rng(0).normal(size=rec.response.shape)
    name = "current" if rec.mode is ps.Mode.VOLTAGE_CLAMP else "measured_voltage"
    return ps.Recording(rec.time, rec.mode, command=rec.command, **{name: jnp.asarray(response)})


def estimate(result: fitting.FitResult, name: str) -> fitting.Estimate:
    return next(row for row in result.estimates if row.name == name)


def recovered(result: fitting.FitResult, truth: dict[str, float]) -> None:
    for name, value in truth.items():
        row = estimate(result, name)
        assert abs(row.value - value) < 3.5 * row.standard_error, (name, row)
        assert row.standard_error < 0.05 * abs(value), (name, row)


# Names


@pytest.fixture(scope="module")
def two() -> Setup:
    noisy = ps.Electrode(series_resistance=4.0, noise=3.0, pink_noise=1.0)
    clamp = through(STEPS, noisy)
    recordings = [ps.simulate(LEAK, clamp, key=jax.random.key(0)), ps.simulate(LEAK, PULSES)]
    return setup(LEAK, recordings)


def test_one_name_for_all_recordings_and_one_for_each(two):
    assert two.match("channels.*.g_max", RS) == (G, RS)
    names = ("recordings.0.electrode.offset", "recordings.1.electrode.offset")
    assert two.match("recordings.*.electrode.offset") == names
    assert [of_electrode(name) for name in (G, "capacitance", RS, names[0])] == [False, False, True, True]
    assert set(ps.parameters(LEAK)) < set(two.parameters())
    assert float(two.parameters()[RS]) == 4.0
    assert float(two.parameters()["recordings.1.electrode.series_resistance"]) == 0.0
    assert two.limits()[RS]["unit"] == "MOhm"


def test_values_go_where_their_names_say(two):
    changed = two.with_parameters({G: 0.3, "electrode.offset": 2.0, "recordings.1.electrode.series_resistance": 7.0})
    assert float(ps.parameters(changed.neurons[0])[G]) == 0.3
    assert [float(e.offset) for e in changed.electrodes] == [2.0, 2.0]
    assert [float(e.series_resistance) for e in changed.electrodes] == [4.0, 7.0]


def test_cells_have_names_of_their_own():
    recordings = [ps.simulate(LEAK, PULSES)] * 3
    model = setup(LEAK, recordings, [0, 1, 1])
    own = ("cells.0.channels.Leak.g_max", "cells.1.channels.Leak.g_max")
    assert model.match("channels.*.g_max") == (G,)
    assert model.match("cells.*.channels.*.g_max") == own
    changed = model.with_parameters({"capacitance": 2.0, own[1]: 0.5, "recordings.0.electrode.offset": 1.0})
    assert [float(neuron.channels["Leak"].g_max) for neuron, _ in changed.rigs] == [0.2, 0.5, 0.5]
    assert [float(neuron.capacitance) for neuron, _ in changed.rigs] == [2.0, 2.0, 2.0]
    assert [float(electrode.offset) for _, electrode in changed.rigs] == [1.0, 0.0, 0.0]
    assert space(model, ["cells.*.channels.*.g_max", "capacitance"]).units == ("uF/cm2", "mS/cm2", "mS/cm2")
    with pytest.raises(ValueError, match=f"{G} is one value for all cells, so {own[0]} cannot be free beside it"):
        space(model, [G, own[0]])


@pytest.mark.parametrize("cells", [[0, 1], [0, 2, 2], [1, 1, 1], [0, 0, -1]])
def test_every_recording_is_of_one_cell(cells):
    with pytest.raises(ValueError, match=r"of which cell each of the 3 recordings is, as \[0, 0, 1\]"):
        setup(LEAK, [ps.simulate(LEAK, PULSES)] * 3, cells)


def test_what_is_free_is_there_and_nothing_else(two):
    assert [e.used for e in two.electrodes] == [("series_resistance",), ()]  # the noise is gone
    assert all(float(e.noise) == float(e.pink_noise) == 0.0 for e in two.electrodes)
    freed = two.freed([G, "electrode.offset", "recordings.1.electrode.seal_resistance"])
    assert [e.used for e in freed.electrodes] == [("series_resistance", "shift"), ("seal", "shift")]
    assert [float(e.seal_resistance) for e in freed.electrodes] == [np.inf, np.inf]

    @jax.jit
    def moved(model, offset):
        return model.with_parameters({"electrode.offset": offset})

    assert [e.used for e in moved(freed, 1.0).electrodes] == [e.used for e in freed.electrodes]


@pytest.mark.parametrize(
    ("free", "bounds", "error", "message"),
    [
        (["electrode.resistance"], {}, KeyError, r"nearest: .*electrode\.series_resistance"),
        (["recordings.2.electrode.offset"], {}, KeyError, r"recordings\.2\.electrode\.offset"),
        (["electrode.filter.corner"], {}, KeyError, r"electrode\.filter\.corner"),
        (["electrode.noise"], {}, ValueError, r"electrode\.noise cannot be free"),
        (["electrode.offset", "recordings.*.electrode.offset"], {}, ValueError, "one value for all recordings"),
        ([RS], {RS: (-1.0, 5.0)}, ValueError, "must not go below 0 MOhm"),
        (["electrode.seal_resistance"], {"electrode.seal_resistance": (0.0, 5.0)}, ValueError, "stay above 0 MOhm"),
        (
            ["electrode.compensation.correction"],
            {"electrode.compensation.correction": (0.0, 100.0)},
            ValueError,
            "must stay below 100 %",
        ),
        ([G], {RS: (1.0, 5.0)}, ValueError, "which is not free"),
    ],
)
def test_impossible_electrodes(two, free, bounds, error, message):
    with pytest.raises(error, match=message):
        space(two, free, bounds)


def test_default_bounds_are_those_of_rigs_and_starts_lie_within():
    electrode = ps.Electrode(series_resistance=150.0, junction_potential=40.0, filter=ps.Bessel(2000.0))
    model = setup(LEAK, [ps.simulate(LEAK, through(STEPS, electrode))])
    box = space(model, ["electrode.**filter.corner", *(f"electrode.{name}" for name in (
        "series_resistance", "pipette_capacitance", "seal_resistance", "junction_potential", "offset",
        "compensation.correction", "compensation.bridge"))])  # fmt: skip
    rows = zip(box.names, box.low.tolist(), box.high.tolist(), box.start.tolist(), strict=True)
    found = {name.removeprefix("electrode."): row for name, *row in rows}
    expected = {
        "series_resistance": (0.1, 300.0, 150.0),  # more than most have
        "pipette_capacitance": (0.1, 200.0, 20.0**0.5),  # ideal: starts in the middle of its scale
        "seal_resistance": (10.0, 1e5, 1e3),
        "junction_potential": (10.0, 70.0, 40.0),
        "offset": (-10.0, 10.0, 0.0),
        "compensation.correction": (0.0, 98.0, 49.0),
        "compensation.bridge": (0.1, 100.0, 10.0**0.5),
        "filter.corner": (200.0, 0.98 * 2500.0, 2000.0),  # below what samples 0.2 ms apart can hold
    }
    assert set(found) == set(expected)
    for name, row in expected.items():
        assert found[name] == pytest.approx(row), name
    assert np.all((box.start > box.low) & (box.start < box.high))


# Stability


def test_an_amplifier_that_would_oscillate_scores_nan_at_once():
    told = ps.Compensation(correction=80.0, series_resistance=5.0)
    electrode = ps.Electrode(series_resistance=8.0, compensation=told)
    term = trace(seen(ps.simulate(LEAK, through(STEPS, electrode))))
    model = Setup((LEAK,), (electrode,), (0,))

    def residual(resistance: float) -> np.ndarray:
        changed = jax.jit(lambda r: model.with_parameters({RS: r}))(resistance)
        return np.asarray(term.residual(LEAK, changed.electrodes[0], ps.Adaptive()))

    np.testing.assert_allclose(residual(8.0), 0.0, atol=1e-6)
    assert np.isfinite(residual(4.5)).all()
    assert np.isnan(residual(4.0)).all()  # nothing of the resistance is left
    assert np.isnan(residual(3.0)).all()


# Fits


@pytest.fixture(scope="module")
def clamped() -> ps.Recording:
    protocol = ps.VoltageClamp(ps.Step([20.0, 60.0, 100.0], 1.0, 4.0), holding=-70.0, duration=6.0, dt=0.1)
    return seen(ps.simulate(SQUID, through(protocol, ps.Electrode(series_resistance=8.0))), noise=5.0).mask_edges(0.2)


def test_sodium_and_potassium_behind_an_unknown_series_resistance(clamped):
    near = ps.with_parameters(SQUID, {NA: 80.0, K: 50.0})
    result = fitting.fit(near, clamped, free=[NA, K, RS], starts=1, progress=False)
    recovered(result, {NA: 120.0, K: 36.0, RS: 8.0})
    assert result.loss == pytest.approx(5.0, rel=0.1)
    assert result.warnings == ()
    assert estimate(result, RS).unit == "MOhm"
    assert RS in str(result)
    assert float(result.electrode.series_resistance) == estimate(result, RS).value
    assert result.score(clamped) == pytest.approx(result.loss, rel=1e-3)
    # Blamed on the cell, the glass leaves an error that no noise explains, and conductances far from the truth.
    blamed = fitting.fit(near, clamped, free=[NA, K], starts=1, progress=False)
    assert blamed.loss > 100 * result.loss
    assert blamed.electrode.used == ()
    assert all(abs(estimate(blamed, name).value - truth) > 0.5 * truth for name, truth in {NA: 120.0, K: 36.0}.items())


@pytest.mark.slow
def test_both_modes_share_the_glass_and_keep_their_offsets(tmp_path):
    first = ps.Electrode(series_resistance=9.0, offset=3.0)
    second = ps.Electrode(series_resistance=9.0, offset=-2.0)
    # a thousandth of either response's standard deviation, by which a fit divides
    recordings = [seen(ps.simulate(LEAK, through(STEPS, first)), 0.9),
                  seen(ps.simulate(LEAK, through(PULSES, second)), 0.005)]  # fmt: skip
    offsets = ["recordings.0.electrode.offset", "recordings.1.electrode.offset"]
    near = ps.with_parameters(LEAK, {G: 0.1})
    result = fitting.fit(near, recordings, free=[G, RS, "recordings.*.electrode.offset"], starts=1, progress=False)
    recovered(result, {G: 0.2, RS: 9.0, offsets[0]: 3.0, offsets[1]: -2.0})
    assert [float(e.offset) for e in result.electrodes] == [estimate(result, name).value for name in offsets]
    with pytest.raises(ValueError, match=r"different electrodes: see result\.electrodes"):
        _ = result.electrode
    assert [result.score(rec) for rec in recordings] == pytest.approx(result.rmse, rel=1e-6)
    assert result.score(recordings[1], electrode=result.electrodes[0]) > 10 * result.rmse[1]
    result.save(tmp_path / "fit.json")
    assert eqx.tree_equal(fitting.load(tmp_path / "fit.json").electrodes, result.electrodes)
    assert result.plot() is not None


@pytest.mark.slow
def test_a_bridge_that_is_off_is_found_in_current_clamp():
    electrode = ps.Electrode(series_resistance=20.0, compensation=ps.Compensation(bridge=14.0))
    rec = seen(ps.simulate(LEAK, through(PULSES, electrode)), 0.02)
    # Nothing tells the bridge from the resistance but their difference: an ideal bridge leaves 6 MOhm.
    result = fitting.fit(LEAK, rec, free=[G, RS], starts=1, progress=False)
    recovered(result, {G: 0.2, RS: 6.0})
    both = fitting.fit(LEAK, rec, free=[RS, "electrode.compensation.bridge"], starts=1, progress=False)
    assert any("does not determine electrode.series_resistance" in warning for warning in both.warnings)


def test_cells_that_share_their_kinetics_have_conductances_of_their_own(tmp_path):
    own = {f"cells.{k}.{NA}": value for k, value in enumerate((90.0, 150.0))}
    shared = {"channels.Na.gates.h.shift": 3.0}
    protocol = ps.VoltageClamp(ps.Step([40.0, 70.0], 1.0, 4.0), holding=-70.0, duration=6.0, dt=0.1)
    cells = [ps.with_parameters(SQUID, shared | {NA: value}) for value in own.values()]
    recordings = [seen(ps.simulate(cell, protocol), noise=5.0).mask_edges(0.2) for cell in cells]
    result = fitting.fit(
        SQUID,
        recordings,
        cells=[0, 1],
        free=["cells.*.channels.Na.g_max", *shared],
        bounds={name: (-10.0, 10.0) for name in shared},
        starts=1,
        progress=False,
    )
    recovered(result, own)
    (h,) = shared
    assert abs(estimate(result, h).value - 3.0) < 3.5 * estimate(result, h).standard_error < 0.2
    assert [result.score(rec) for rec in recordings] == pytest.approx(result.rmse, rel=1e-6)
    assert result.score(recordings[0], cell=1) > 10 * result.rmse[0]
    with pytest.raises(ValueError, match=r"2 cells: see result\.neurons"):
        result.predict(protocol)
    with pytest.raises(ValueError, match="cell 2 is not there"):
        result.predict(protocol, cell=2)
    result.save(tmp_path / "fit.json")
    back = fitting.load(tmp_path / "fit.json")
    assert eqx.tree_equal(back.rigs, result.rigs)
    np.testing.assert_array_equal(back.predict(protocol, cell=1).current, result.predict(protocol, cell=1).current)
