"""Fits whose answer is known."""

import json
import os
import subprocess
import sys
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from matplotlib import pyplot

import fitting
import patch_sim as ps
from fitting.outcome import Watch

ROOT = Path(__file__).resolve().parents[2]

# A leak in voltage clamp is a straight line, and its fit a linear regression.
G, E = "channels.Leak.g_max", "channels.Leak.reversal"
LEAK = ps.Neuron({"Leak": ps.channels.Leak(g_max=0.2, reversal=-55.0)}, area=1000.0, temperature=20.0)
BOUNDS = {G: (0.01, 2.0), E: (-90.0, -30.0)}
LINE = ps.VoltageClamp(ps.Step([-20.0, 10.0, 40.0], 1.0, 2.0), duration=4.0, dt=0.2, holding=-70.0)
SHAPE = (3, 20)


def noisy(clean: ps.Recording, size: float, seed: int = 0) -> ps.Recording:
    field = "current" if clean.mode is ps.Mode.VOLTAGE_CLAMP else "measured_voltage"
    noise = size * np.random.default_rng(seed).normal(size=clean.response.shape)
    return eqx.tree_at(lambda rec: getattr(rec, field), clean, clean.response + jnp.asarray(noise))


@pytest.fixture(scope="module")
def line() -> ps.Recording:
    truth = ps.with_parameters(LEAK, {G: 0.1, E: -60.0})
    return noisy(ps.simulate(truth, LINE), 0.5)


def fit(recording, **settings) -> fitting.FitResult:
    defaults = {"free": [G, E], "bounds": BOUNDS, "starts": 1, "progress": False}
    return fitting.fit(LEAK, recording, **(defaults | settings))


def row(result: fitting.FitResult, name: str) -> fitting.Estimate:
    return next(estimate for estimate in result.estimates if estimate.name == name)


def regression(recordings, weights=None) -> tuple[dict, dict, float, float]:
    """Estimates, standard errors, their correlation and the loss, by weighted least squares on I = k g (V - E)."""
    v = np.concatenate([np.ravel(rec.command) for rec in recordings])
    current = np.concatenate([np.ravel(rec.response) for rec in recordings])
    w = np.ones(v.size) if weights is None else np.ravel(weights)
    design = np.column_stack([v, np.ones_like(v)])
    normal = design.T @ (w[:, None] * design)
    slope, offset = np.linalg.solve(normal, design.T @ (w * current))
    rest = float(np.sum(w * (current - design @ [slope, offset]) ** 2))
    covariance = rest / (np.sum(w > 0) - 2) * np.linalg.inv(normal)
    jacobian = np.array([[0.1, 0.0], [offset / slope**2, -1.0 / slope]])  # g in mS/cm2 of 1000 um2; E in mV
    covariance = jacobian @ covariance @ jacobian.T
    errors = np.sqrt(np.diag(covariance))
    values = {G: 0.1 * slope, E: -offset / slope}
    correlation = covariance[0, 1] / np.prod(errors)
    return values, dict(zip((G, E), errors, strict=True)), correlation, np.sqrt(rest / np.sum(w))


def agree(result: fitting.FitResult, expected, white: bool = True) -> None:
    values, errors, correlation, loss = expected
    for name, value in values.items():
        # the search ends when the cost falls by less than 1e-8 of itself: 1e-4 of a standard error or so
        assert row(result, name).value == pytest.approx(value, abs=1e-2 * errors[name])
        assert row(result, name).white_error == pytest.approx(errors[name], rel=1e-3)
        if white:
            assert row(result, name).standard_error == pytest.approx(errors[name], rel=1e-3)
    if white:
        assert result.correlation[0, 1] == pytest.approx(correlation, abs=1e-3)
    assert result.loss == pytest.approx(loss, rel=1e-6)


def test_a_straight_line_is_a_linear_regression(line):
    result = fit(line)
    agree(result, regression([line]))
    assert result.rmse == pytest.approx((result.loss,))
    assert result.warnings == ()
    assert ps.parameters(result.neuron)[G] == pytest.approx(row(result, G).value, rel=1e-12)
    assert (row(result, G).unit, row(result, G).low, row(result, G).high) == ("mS/cm2", 0.01, 2.0)
    assert float(ps.parameters(result.neuron)["area"]) == 1000.0
    assert result.recordings == (line,)
    assert result.seconds > 0


def test_weights_are_those_of_weighted_regression(line):
    weights = np.random.default_rng(1).uniform(0.1, 3.0, SHAPE)
    agree(fit(line, weights=weights), regression([line], weights))


def test_masked_samples_count_for_nothing(line):
    keep = np.random.default_rng(2).random(SHAPE) > 0.3
    spoiled = eqx.tree_at(lambda rec: rec.current, line, jnp.where(keep, line.current, jnp.nan))
    agree(fit(spoiled.with_mask(keep)), regression([line], keep.astype(float)))


def test_several_recordings_are_fitted_together(line):
    other = noisy(ps.simulate(ps.with_parameters(LEAK, {G: 0.11, E: -62.0}), LINE), 0.5, seed=5)
    agree(fit([line, other]), regression([line, other]), white=False)  # no one cell gave both
    weights = [1.0, np.linspace(1.0, 2.0, 20)]
    result = fit([line, other], weights=weights)
    agree(result, regression([line, other], np.stack([np.broadcast_to(w, SHAPE) for w in weights])), white=False)
    assert len(result.rmse) == 2
    assert result.rmse[0] != result.rmse[1]


def test_many_starts_agree_and_the_seed_decides(line):
    result = fit(line, starts=3, screen=4, seed=1)
    agree(result, regression([line]))
    assert len(result.starts) == 3
    assert all(start.converged for start in result.starts)
    assert result.warnings == ()
    again, other = fit(line, starts=3, screen=4, seed=1), fit(line, starts=3, screen=4, seed=2)
    assert again.starts == result.starts
    assert again.estimates == result.estimates
    assert other.starts != result.starts


def test_starts_that_disagree_are_told(line):
    result = fit(line, starts=4, screen=1, steps=1)
    assert len({round(start.loss, 6) for start in result.starts}) == 4
    assert any("the starts disagree: only 1 of 4" in warning for warning in result.warnings)
    assert result.loss == min(start.loss for start in result.starts)


def test_at_a_bound(line):
    result = fit(line, bounds=BOUNDS | {E: (-55.0, -30.0)})
    assert row(result, E).at_bound
    assert row(result, E).value == -55.0
    assert np.isnan(row(result, E).standard_error)
    assert not row(result, G).at_bound
    assert np.isfinite(row(result, G).standard_error)
    assert result.warnings == (f"at a bound: {E}",)
    assert "at bound" in str(result.table())


def test_what_the_recording_does_not_determine(line):
    # steps charge the membrane in no time, so that nothing depends on its capacitance
    result = fit(line, free=[G, E, "capacitance"], bounds=BOUNDS | {"capacitance": (0.1, 10.0)})
    assert np.isposinf(row(result, "capacitance").standard_error)
    assert result.warnings == ("the recording does not determine capacitance",)
    values, errors, *_ = regression([line])
    for name in (G, E):
        assert row(result, name).value == pytest.approx(values[name], abs=1e-2 * errors[name])


@pytest.fixture
def relaxed():
    """Optax adds whole numbers to floating ones, which the strict promotion of the tests forbids, in all threads."""
    jax.config.update("jax_numpy_dtype_promotion", "standard")
    yield
    jax.config.update("jax_numpy_dtype_promotion", "strict")


def test_any_optax_optimizer(line, relaxed):
    first = fit(line, optimizer=optax.adam(0.1), steps=1).loss
    result = fit(line, optimizer=optax.adam(0.1), steps=150)
    *_, best = regression([line])
    assert best <= result.loss < 1.5 * best < 0.1 * first


def test_progress_is_told(line, monkeypatch):
    monkeypatch.setattr("patch_sim.progress._QUIET", 0.0)
    monkeypatch.setattr("patch_sim.progress._INTERVAL", 0.0)
    lines = []
    result = fit(line, starts=3, screen=4, seed=1, progress=lines.append)
    assert lines[0] == "screened 12 of 12 points"
    assert any(line.startswith("start 3 of 3, step ") for line in lines)
    assert lines[-1].endswith(f"best loss so far {result.loss:.6g}")


def test_a_loaded_fit_goes_on_where_it_ended(line, tmp_path):
    begun = fit(line, starts=3, screen=2, steps=1, seed=3)
    begun.save(tmp_path / "fit.json")
    resumed = fit(line, resume=fitting.load(tmp_path / "fit.json"))
    assert len(resumed.starts) == 3
    assert resumed.loss < begun.loss
    agree(resumed, regression([line]))
    with pytest.raises(ValueError, match="resume is a fit of other free parameters"):
        fit(line, free=[G], bounds={}, resume=begun)


def test_who_watches_sees_each_better_point(line, monkeypatch):
    monkeypatch.setattr("fitting.outcome._INTERVAL", 0.0)
    seen = []
    result = fit(line, starts=3, screen=4, seed=1, watch=seen.append)
    losses = [one.loss for one in seen]
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] == result.loss < losses[0]
    assert ps.parameters(seen[-1].neuron) == ps.parameters(result.neuron)
    assert seen[0].score(line) == pytest.approx(losses[0], rel=1e-6)
    assert all(np.isnan(row.standard_error) for row in seen[0].estimates)


def test_who_watches_may_end_the_fit(line, monkeypatch):
    monkeypatch.setattr("fitting.multistart._workers", lambda: 1)
    result = fit(line, starts=5, screen=2, watch=lambda _: False)
    assert "the fit was interrupted; this is the best so far" in result.warnings
    assert [start.steps for start in result.starts] == [0] * 5
    assert result.loss == min(start.loss for start in result.starts)
    assert not any("could not be simulated" in warning for warning in result.warnings)


def test_who_watches_is_asked_again_where_nothing_is_better(monkeypatch):
    monkeypatch.setattr("fitting.outcome._SILENCE", 0.0)
    answers = iter([None, None, False])
    watch = Watch(lambda cost: next(answers), lambda u, cost: cost)
    assert [watch(np.zeros(1), cost) for cost in (1.0, 2.0, 3.0, 0.5)] == [True, True, False, False]


def test_ctrl_c_keeps_the_best_so_far(line, monkeypatch):
    def interrupt(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr("fitting.multistart.wait", interrupt)
    result = fit(line)
    assert np.isfinite(result.loss)
    assert "the fit was interrupted; this is the best so far" in result.warnings
    assert result.loss == min(start.loss for start in result.starts)


def test_ctrl_c_is_no_failure_of_the_starts_that_wait(line, monkeypatch):
    def interrupt(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr("fitting.multistart.wait", interrupt)
    monkeypatch.setattr("fitting.multistart._workers", lambda: 1)
    result = fit(line, starts=20, screen=2)
    assert "the fit was interrupted; this is the best so far" in result.warnings
    assert not any("could not be simulated" in warning for warning in result.warnings)


def test_save_load_predict_and_score(line, tmp_path):
    result = fit(line)
    result.save(tmp_path / "fit.json")
    back = fitting.load(tmp_path / "fit.json")
    assert eqx.tree_equal(back.neuron, result.neuron)
    assert (back.estimates, back.starts, back.loss, back.warnings) == (
        result.estimates, result.starts, result.loss, result.warnings)  # fmt: skip
    np.testing.assert_array_equal(back.predict(LINE).current, result.predict(LINE).current)
    assert result.score(line) == pytest.approx(result.loss, rel=1e-9)


def test_no_start_can_be_simulated():
    clamp = ps.CurrentClamp(ps.Step(10.0, 1.0, 2.0), duration=4.0, dt=0.2)
    recording = ps.simulate(LEAK, clamp)
    with pytest.raises(RuntimeError, match="no start gave a model that can be simulated"):
        fit(recording, solver=ps.Adaptive(max_steps=3))


# The squid axon

SQUID = ps.presets.neuron("squid_axon")
NA, K = "channels.Na.g_max", "channels.K.g_max"
CLAMPED = ps.VoltageClamp(ps.Step([20.0, 60.0, 100.0], 1.0, 5.0), duration=8.0, dt=0.2, holding=-70.0)
SPIKING = ps.CurrentClamp(ps.Step(150.0, 1.0, 10.0), duration=15.0, dt=0.2)


def squid(recordings, **settings) -> fitting.FitResult:
    near = ps.with_parameters(SQUID, {NA: 100.0, K: 42.0})
    return fitting.fit(near, recordings, free=[NA, K], progress=False, **settings)


def recovered(result: fitting.FitResult) -> None:
    for name, truth in {NA: 120.0, K: 36.0}.items():
        estimate = row(result, name)
        assert abs(estimate.value - truth) < 4 * estimate.standard_error
        assert estimate.standard_error < 0.05 * truth


def test_conductances_from_voltage_clamp():
    clean = ps.simulate(SQUID, CLAMPED)
    result = squid(clean, starts=3, screen=20)
    assert result.loss < 1e-3 * float(jnp.std(clean.current))
    assert row(result, NA).value == pytest.approx(120.0, rel=1e-4)
    assert row(result, K).value == pytest.approx(36.0, rel=1e-4)
    assert result.rmse == pytest.approx((result.loss,), rel=1e-6)


@pytest.mark.slow
def test_conductances_from_a_spike_and_from_both_modes():
    spike, clamped = noisy(ps.simulate(SQUID, SPIKING), 0.5), noisy(ps.simulate(SQUID, CLAMPED), 30.0)
    assert spike.voltage.max() > 20.0
    # the clamp weighted away: the same compiled fit serves both
    alone = squid([clamped, spike], starts=1, weights=[1e-12, 1.0])
    recovered(alone)
    assert alone.rmse[1] == pytest.approx(0.5, rel=0.25)
    both = squid([clamped, spike], starts=1)
    recovered(both)
    # each recording in its own unit, and the loss in standard deviations of the responses
    assert both.rmse == pytest.approx((30.0, 0.5), rel=0.25)
    relative = [float(np.mean((rmse / np.std(rec.response)) ** 2)) * rec.response.size
                for rmse, rec in zip(both.rmse, (clamped, spike), strict=True)]  # fmt: skip
    total = clamped.response.size + spike.response.size
    assert both.loss == pytest.approx(np.sqrt(sum(relative) / total), rel=1e-3)


# What it refuses


@pytest.fixture
def nothing_runs(monkeypatch):
    """Make any simulation fail the test: what is refused must be refused before it compiles."""

    def run(*args, **kwargs):
        pytest.fail("got as far as the simulation")

    for name in ("_cost", "_costs", "_normal", "_half_gradient"):
        monkeypatch.setattr(f"fitting.objective.{name}", run)
    monkeypatch.setattr(sys.modules["patch_sim.simulate"], "_run", run)


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"free": ["channels.Leak.gmax"]}, KeyError, r"channels\.Leak\.gmax.*channels\.Leak\.g_max"),
        ({"free": ["channels.*.gates.*.shift"]}, KeyError, "no parameter matches"),
        ({"free": []}, ValueError, "nothing is free"),
        ({"bounds": {"nowhere": (0.0, 1.0)}}, KeyError, "nowhere"),
        ({"bounds": {G: (2.0, 1.0)}}, ValueError, "in order"),
        ({"bounds": {G: (-1.0, 1.0)}}, ValueError, r"must not go below 0 mS/cm2"),
        ({"bounds": {"area": (1.0, 2.0)}}, ValueError, "area, which is not free"),
        ({"starts": 0}, ValueError, "starts must be a whole number of at least 1, not 0"),
        ({"screen": 0}, ValueError, "screen must be a whole number of at least 1, not 0"),
        ({"steps": -1}, ValueError, "steps must be a whole number of at least 1, not -1"),
        ({"weights": np.ones(19)}, ValueError, "weights must broadcast to 3 sweeps x 20 samples"),
        ({"weights": [1.0, 2.0]}, ValueError, "weights must broadcast"),
        ({"weights": -1.0}, ValueError, "weights must not be negative"),
    ],
)
def test_impossible_settings(nothing_runs, line, settings, error, message):
    with pytest.raises(error, match=message):
        fit(line, **settings)


def test_impossible_recordings(nothing_runs, line):
    def without(*names) -> ps.Recording:
        fields = {name: getattr(line, name) for name in ("time", "mode", "voltage", "current", "command")}
        return ps.Recording(**{name: value for name, value in fields.items() if name not in names})

    as_current_clamp = ps.Recording(line.time, ps.Mode.CURRENT_CLAMP, current=line.current, command=line.command)
    shorter = eqx.tree_at(lambda rec: rec.time, line, line.time**2)
    for recording, message in [
        ([], "must be a Recording or a list of them"),
        (without("command"), "no command"),
        (without("current"), r"no response \(pA\)"),
        (as_current_clamp, r"no response \(mV\)"),
        (shorter, "not evenly spaced"),
        (line.with_mask(False), "no sample to score"),
        (eqx.tree_at(lambda rec: rec.current, line, line.current.at[0, 0].set(jnp.nan)), "NaN or infinite"),
    ]:
        with pytest.raises(ValueError, match=message):
            fit(recording)


@pytest.mark.parametrize("name", ["weights", "initial"])
@pytest.mark.parametrize("value", [[1.0], [1.0, 1.0, 1.0], 1.0, "ab"])
def test_lists_for_several_recordings(nothing_runs, line, name, value):
    with pytest.raises(ValueError, match=f"{name} must be a list with one entry for each of the 2 recordings"):
        fit([line, line], **{name: value})


@pytest.mark.parametrize("initial", [float("nan"), "rest", [-60.0, -65.0]])
def test_an_initial_that_does_not_fit(nothing_runs, line, initial):
    with pytest.raises(ValueError, match="initial"):
        fit(line, initial=initial)


UNCHECKED = """
import json, sys, fitting, patch_sim as ps
cell = ps.Neuron({"Leak": ps.channels.Leak()}, area=1.0, temperature=20.0)
rec = ps.simulate(cell, ps.VoltageClamp(ps.Step(1.0, 1.0, 1.0), holding=-70.0, duration=2.0, dt=0.5))
found = {}
for code in json.loads(sys.argv[1]):
    try:
        eval(code)
    except Exception as error:
        found[code] = [type(error).__name__, str(error)]
print(json.dumps(found))
"""


def test_arguments_of_the_wrong_kind_as_users_meet_them():
    # In this process the run-time type checks of the tests would answer first.
    wrong = {
        "fitting.fit(cell, 3, free=['area'])": "recordings must be a Recording or a list of them",
        "fitting.fit(cell, [3], free=['area'])": "recordings must be a Recording or a list of them",
        "fitting.fit('cell', [], free=['area'])": "neuron must be a Neuron, not 'cell'",
        "fitting.fit(cell, rec, free=['area'], resume='a.json')": "resume must be a FitResult, as fitting.load",
    }
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", UNCHECKED, json.dumps(list(wrong))]
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    for code, message in wrong.items():
        kind, text = found[code]
        assert (kind, message in text) == ("ValueError", True), (code, kind, text)


def test_a_fit_is_drawn_and_scored_from_where_it_started():
    cell = ps.Neuron({"Leak": ps.channels.Leak(0.1, -70.0)}, area=1000.0, temperature=20.0)
    protocol = ps.CurrentClamp(ps.Step(10.0, 2.0, 4.0), duration=8.0, dt=0.1)
    recording = ps.simulate(cell, protocol, initial=-40.0)
    result = fitting.fit(cell, recording, free=["channels.Leak.g_max"], starts=1, initial=-40.0, progress=False)
    assert result.loss < 1e-6
    assert result.score(recording, initial=-40.0) < 1e-6
    assert result.score(recording) > 1.0  # from rest it is another trace
    drawn = result.plot().axes[0].lines[1].get_ydata()
    np.testing.assert_allclose(drawn, recording.voltage[0], atol=1e-6)
    pyplot.close("all")


def test_a_parameter_at_its_bound_has_no_standard_error():
    cell = ps.Neuron({"Leak": ps.channels.Leak(0.1, -70.0)}, area=1000.0, temperature=20.0)
    clamp = ps.VoltageClamp(ps.Step([10.0, 20.0], 2.0, 4.0), holding=-70.0, duration=8.0, dt=0.1)
    recording = ps.simulate(cell, clamp)
    bounds = {"channels.Leak.g_max": (0.2, 1.0)}
    result = fitting.fit(
        cell, recording, free=["channels.Leak.g_max"], bounds=bounds, starts=2, screen=5, progress=False
    )
    (estimate,) = result.estimates
    assert estimate.at_bound
    assert np.isnan(estimate.standard_error)
