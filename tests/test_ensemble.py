"""Ensembles: what one cell at a time would give, whatever the chunks and the devices; resumable, differentiable."""

import os
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import patch_sim as ps

MODULE = sys.modules["patch_sim.ensemble"]  # the package shows the function under that name
SQUID = ps.presets.neuron("squid_axon")
STEPS = ps.CurrentClamp(ps.Step([60.0, 150.0], 1.0, 4.0), duration=6.0, dt=0.1)
TABLE = ps.grid({"channels.Na.g_max": [90.0, 120.0, 150.0], "channels.K.g_max": [30.0, 36.0]})
EXPONENTIAL = ps.Exponential(0.05)


def peak(recording: ps.Recording) -> dict[str, jax.Array]:
    return {"peak": jnp.max(recording.voltage, axis=1), "charge": jnp.sum(recording.currents["Na"])}


def one_by_one(table, protocol, solver, initial=-65.0):
    for k in range(next(iter(table.values())).size):
        cell = ps.with_parameters(SQUID, {path: column[k] for path, column in table.items()})
        yield ps.simulate(cell, protocol, initial=initial, solver=solver)


@pytest.mark.parametrize("solver", [ps.Adaptive(), EXPONENTIAL], ids=["adaptive", "exponential"])
def test_it_is_what_simulate_says(solver):
    made = ps.ensemble(SQUID, STEPS, TABLE, initial=-65.0, solver=solver, save=("voltage", "states"))
    assert len(made) == 6
    assert made.finite.all()
    assert made.values["voltage"].shape == (6, 2, 60)
    for k, alone in enumerate(one_by_one(TABLE, STEPS, solver)):
        np.testing.assert_allclose(made.values["voltage"][k], alone.voltage, rtol=0, atol=1e-7)
        np.testing.assert_allclose(made.recording(k).states["Na.m"], alone.states["Na.m"], rtol=0, atol=1e-9)
        assert float(made.cell(k).channels["K"].g_max) == TABLE["channels.K.g_max"][k]
    assert isinstance(made.recording(0), ps.Recording)


def test_it_reduces_on_the_fly():
    made = ps.ensemble(
        SQUID, STEPS, TABLE, initial=-65.0, solver=EXPONENTIAL, reduce=peak, save=("voltage", "currents")
    )
    whole = list(one_by_one(TABLE, STEPS, EXPONENTIAL))
    np.testing.assert_allclose(made.values["peak"], [rec.voltage.max(axis=1) for rec in whole], atol=1e-7)
    np.testing.assert_allclose(made.values["charge"], [rec.currents["Na"].sum() for rec in whole], rtol=1e-7)
    with pytest.raises(ValueError, match="were reduced"):
        made.recording(0)


@pytest.mark.parametrize("solver", [ps.Adaptive(), EXPONENTIAL], ids=["adaptive", "exponential"])
def test_chunks_and_order_change_nothing(solver, monkeypatch):
    table = ps.draw({"channels.Na.g_max": (80.0, 160.0), "area": (1000.0, 1500.0)}, 23, seed=1)
    options = {"initial": -65.0, "solver": solver}
    whole = ps.ensemble(SQUID, STEPS, table, **options).values["voltage"]
    monkeypatch.setattr(MODULE, "LANES", 16)
    monkeypatch.setattr(MODULE, "_CHUNK", 16)
    backward = {path: column[::-1] for path, column in table.items()}
    chunked = ps.ensemble(SQUID, STEPS, backward, **options).values["voltage"][::-1]
    np.testing.assert_allclose(chunked, whole, rtol=0, atol=1e-9)


def test_numbers_of_the_protocol_can_differ():
    one = ps.CurrentClamp(ps.Step(0.0, 1.0, 4.0), duration=6.0, dt=0.1)
    table = {"protocol.stimulus.amplitude": [60.0, 150.0]}
    made = ps.ensemble(SQUID, one, table, initial=-65.0, solver=EXPONENTIAL)
    together = ps.simulate(SQUID, STEPS, initial=-65.0, solver=EXPONENTIAL, save=("voltage",))
    np.testing.assert_allclose(made.values["voltage"][:, 0], together.voltage, rtol=0, atol=1e-9)


def test_rest_and_voltage_clamp():
    clamp = ps.VoltageClamp(ps.Step(40.0, 1.0, 2.0), holding=-80.0, duration=4.0, dt=0.1)
    made = ps.ensemble(SQUID, clamp, {"channels.Na.g_max": [100.0, 120.0]}, save=("current",))
    alone = ps.simulate(SQUID, clamp)
    np.testing.assert_allclose(made.values["current"][1], alone.current, rtol=1e-9, atol=1e-9)
    resting = ps.ensemble(SQUID, STEPS, {"channels.Leak.reversal": [-54.3]}, solver=EXPONENTIAL)
    np.testing.assert_allclose(resting.values["voltage"][0, 0, 0], SQUID.resting_state(0.0).voltage, atol=1e-7)


def first_peak(recording: ps.Recording) -> jax.Array:
    return recording.voltage[0, 30]


@pytest.mark.parametrize(
    "solver", [ps.Adaptive(), EXPONENTIAL, ps.Exponential(0.025, order=2)], ids=["adaptive", "third", "second"]
)
def test_derivatives_of_all_members_at_once(solver):
    paths = ["channels.Na.g_max", "channels.K.g_max"]
    options = {"initial": -65.0, "solver": solver, "reduce": first_peak}
    made = ps.ensemble(SQUID, STEPS, TABLE, derivatives=["channels.*a.g_max", "channels.K.g_max"], **options)
    assert set(made.derivatives) == set(paths)
    h = 1e-3
    for path in paths:
        sides = [
            ps.ensemble(SQUID, STEPS, TABLE | {path: TABLE[path] + side * h}, **options).values for side in (-1, 1)
        ]
        difference = (sides[1] - sides[0]) / (2 * h)
        np.testing.assert_allclose(made.derivatives[path], difference, rtol=5e-4, atol=1e-5)


def test_derivatives_are_built_like_the_values_and_that_of_a_count_is_zero():
    def both(recording):
        return {"above": jnp.sum(recording.voltage > -60.0), "mean": jnp.mean(recording.voltage)}

    path = "channels.K.g_max"
    made = ps.ensemble(SQUID, STEPS, TABLE, initial=-65.0, solver=EXPONENTIAL, reduce=both, derivatives=[path])
    assert made.derivatives[path]["above"].tolist() == [0] * len(made.values["above"])
    assert np.all(made.derivatives[path]["mean"] != 0.0)


def test_a_member_that_fails_is_named_and_spoils_no_other():
    table = {"channels.Na.gates.m.speed": [1.0, 1e4]}
    made = ps.ensemble(SQUID, STEPS, table, initial=-65.0, solver=ps.Adaptive(max_steps=200))
    assert made.finite.tolist() == [True, False]
    assert np.isfinite(made.values["voltage"][0]).all()


class Killed(Exception):
    pass


def test_it_goes_on_where_it_was_killed(tmp_path, monkeypatch):
    file = tmp_path / "ensemble.npz"
    monkeypatch.setattr(MODULE, "LANES", 2)
    monkeypatch.setattr(MODULE, "_CHUNK", 4)
    monkeypatch.setattr("patch_sim.progress._QUIET", 0.0)
    monkeypatch.setattr("patch_sim.progress._INTERVAL", 0.0)
    options = {"initial": -65.0, "solver": EXPONENTIAL, "file": file}
    whole = ps.ensemble(SQUID, STEPS, TABLE, **{**options, "file": None}).values["voltage"]

    def kill(line: str) -> None:
        if line.startswith("4 of 6"):
            raise Killed

    with pytest.raises(Killed):
        ps.ensemble(SQUID, STEPS, TABLE, progress=kill, **options)
    lines = []
    np.testing.assert_array_equal(
        ps.ensemble(SQUID, STEPS, TABLE, progress=lines.append, **options).values["voltage"], whole
    )
    assert [line.split(" ")[0] for line in lines] == ["6"]
    with pytest.raises(ValueError, match="not the file of an interrupted run of this work: it holds other cells"):
        ps.ensemble(SQUID, STEPS, TABLE | {"area": np.full(6, 1000.0)}, **options)
    file.write_bytes(b"nonsense")
    with pytest.raises(ValueError, match="not the file of an interrupted run"):
        ps.ensemble(SQUID, STEPS, TABLE, **options)


def test_the_next_ensemble_of_its_shape_compiles_nothing():
    def run(scale: float) -> None:
        table = {path: scale * column for path, column in TABLE.items()}
        protocol = ps.CurrentClamp(ps.Step([scale * 60.0, 150.0], 1.0, 4.0), duration=6.0, dt=0.1)
        ps.ensemble(SQUID, protocol, table, initial=-65.0, solver=EXPONENTIAL, reduce=first_peak)

    run(1.0)
    with jax.log_compiles(), pytest.MonkeyPatch.context() as patch:
        compiled = []
        patch.setattr("jax._src.compiler.backend_compile_and_load", lambda *args, **_: compiled.append(args))
        run(1.1)
    assert not compiled


TWO_DEVICES = """
import jax
jax.config.update("jax_num_cpu_devices", 2)
jax.config.update("jax_enable_x64", True)
import numpy as np
import patch_sim as ps
protocol = ps.CurrentClamp(ps.Step([60.0, 150.0], 1.0, 4.0), duration=6.0, dt=0.1)
table = ps.draw({"channels.Na.g_max": (80.0, 160.0)}, 11, seed=0)
made = {}
for solver in (ps.Adaptive(), ps.Exponential(0.05)):
    run = lambda **options: ps.ensemble(ps.presets.neuron("squid_axon"), protocol, table, solver=solver, **options)
    two, one = run(initial=-65.0), run(initial=-65.0, devices=jax.devices()[:1])
    np.testing.assert_allclose(two.values["voltage"], one.values["voltage"], rtol=0, atol=1e-9)
print(len(jax.devices()), "devices agree")
"""


def test_two_devices_say_what_one_says():
    environment = {key: value for key, value in os.environ.items() if key != "XLA_FLAGS"}
    done = subprocess.run(
        [sys.executable, "-c", TWO_DEVICES],
        capture_output=True,
        text=True,
        timeout=300,
        cwd=Path(__file__).resolve().parents[1],
        env=environment,
        check=False,
    )
    assert done.stdout.strip() == "2 devices agree", done.stderr


def test_tables():
    table = ps.grid({"a": [1.0, 2.0], "b": 3.0, "c": [5, 6]})
    rows = list(zip(*(column.tolist() for column in table.values()), strict=True))
    assert rows == [(1.0, 3.0, 5.0), (1.0, 3.0, 6.0), (2.0, 3.0, 5.0), (2.0, 3.0, 6.0)]
    drawn = ps.draw({"a": (1.0, 1000.0), "b": (2.0, 4.0)}, 4000, seed=3, log=True)
    assert np.median(drawn["a"]) == pytest.approx(10**1.5, rel=0.1)
    assert 2.0 <= drawn["b"].min() < drawn["b"].max() <= 4.0
    again = ps.draw({"a": (1.0, 1000.0), "b": (2.0, 4.0)}, 4000, seed=3, log=True)
    np.testing.assert_array_equal(drawn["a"], again["a"])


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"members": {}}, ValueError, "at least one parameter"),
        ({"members": {"channels.Nax.g_max": [1.0]}}, KeyError, r"nearest: channels\.Na"),
        ({"members": {"protocol.stimulus.width": [1.0]}}, KeyError, "no parameter matches"),
        ({"members": {"area": [1.0, 2.0], "temperature": [6.3]}}, ValueError, "different lengths"),
        ({"members": {"area": [[1.0, 2.0]]}}, ValueError, "must be a list of numbers"),
        ({"members": {"area": [1000.0, -1.0]}}, ValueError, "area must be greater than 0 um2"),
        ({"members": {"area": [1000.0, float("nan")]}}, ValueError, "area must be finite"),
        ({"memory": 0.0}, ValueError, "memory must be a positive number of GB"),
        ({"memory": 1e-6}, ValueError, "members of .* MB and the work on them need .* GB"),
        ({"derivatives": ["channels.Na.gmax"]}, KeyError, "no parameter matches"),
        ({"save": ("volts",)}, ValueError, "save knows voltage"),
        ({"initial": "rest"}, ValueError, "initial must be None"),
    ],
)
def test_bad_input(change, error, message):
    with pytest.raises(error, match=message):
        ps.ensemble(**{"neuron": SQUID, "protocol": STEPS, "members": TABLE, **change})


def test_chunks_are_of_one_length(monkeypatch):
    """17 members, of which 16 fit, are not 32: what fills the last chunk up is computed too."""
    monkeypatch.setattr(MODULE, "_CHUNK", 32)  # sweeps, two for each member
    lengths = []
    chunks = MODULE._chunks
    monkeypatch.setattr(MODULE, "_chunks", lambda *args: lengths.append(args[-1]) or chunks(*args))
    table = {"channels.Na.g_max": np.linspace(100.0, 120.0, 17)}
    made = ps.ensemble(SQUID, STEPS, table, initial=-65.0, reduce=first_peak, devices=jax.devices()[:1])
    assert lengths == [9]
    assert made.finite.all()


def test_derivatives_count_as_memory():
    options = {"initial": -65.0, "solver": EXPONENTIAL, "reduce": first_peak, "memory": 1.2e-5}
    assert ps.ensemble(SQUID, STEPS, TABLE, **options).finite.all()
    with pytest.raises(ValueError, match="the work on them need"):
        ps.ensemble(SQUID, STEPS, TABLE, derivatives=["channels.*.g_max"], **options)


@pytest.mark.parametrize("bounds", [(2.0, 1.0), (0.0, 1.0), (1.0, float("inf"))])
def test_bad_bounds(bounds):
    with pytest.raises(ValueError, match="no bounds of a logarithm"):
        ps.draw({"area": bounds}, 3, seed=0, log=True)


def test_every_member_has_noise_of_its_own(monkeypatch):
    electrode, step = ps.Electrode(noise=3.0), ps.Step(40.0, 1.0, 2.0)
    clamp = ps.VoltageClamp(step, holding=-70.0, duration=4.0, dt=0.1, electrode=electrode)
    table = {"channels.Na.g_max": np.full(5, 120.0)}
    options = {"save": ("current",), "key": jax.random.key(3)}
    whole = ps.ensemble(SQUID, clamp, table, **options).values["current"]
    monkeypatch.setattr(MODULE, "_CHUNK", 2)
    np.testing.assert_array_equal(ps.ensemble(SQUID, clamp, table, **options).values["current"], whole)
    assert np.std(whole[:, 0] - np.mean(whole[:, 0], axis=0)) == pytest.approx(3.0 * np.sqrt(0.8), rel=0.2)
    alone = ps.simulate(SQUID, clamp, key=jax.random.fold_in(jax.random.key(3), 2))
    np.testing.assert_allclose(whole[2], alone.current, rtol=1e-9, atol=1e-9)
    with pytest.raises(ValueError, match="needs a key"):
        ps.ensemble(SQUID, clamp, table)
