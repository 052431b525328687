"""Losses that add and weigh, and what a prior does."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import pytest

import fitting
import patch_sim as ps
from fitting.losses import trace
from fitting.objective import Objective
from fitting.parameters import space
from fitting.setup import Setup, setup
from fitting.sums import bound
from fitting.traces import scales

# A leak in current clamp: one exponential, and no spike.
G, E = "channels.Leak.g_max", "channels.Leak.reversal"
CELL = ps.Neuron({"Leak": ps.channels.Leak(g_max=0.2, reversal=-55.0)}, area=1000.0, temperature=20.0)
BOUNDS = {G: (0.01, 2.0), E: (-90.0, -30.0)}
STEP = ps.CurrentClamp(ps.Step([-20.0, 10.0], 1.0, 6.0), duration=8.0, dt=0.1)
CLAMP = ps.VoltageClamp(ps.Step([-20.0, 10.0, 40.0], 1.0, 2.0), duration=4.0, dt=0.2, holding=-70.0)
U = np.array([0.4, 0.6])


def noisy(clean, size=0.5):
    field = "current" if clean.mode is ps.Mode.VOLTAGE_CLAMP else "measured_voltage"
    noise = size * np.random.default_rng(0).normal(size=clean.response.shape)
    return eqx.tree_at(lambda rec: getattr(rec, field), clean, clean.response + jnp.asarray(noise))


@pytest.fixture(scope="module")
def step() -> ps.Recording:
    return noisy(ps.simulate(CELL, STEP))


@pytest.fixture(scope="module")
def clamp() -> ps.Recording:
    return noisy(ps.simulate(CELL, CLAMP))


def objective(loss, recording, ties=None) -> Objective:
    model = setup(CELL, [recording])
    box = space(model, [G, E], BOUNDS, ties)
    terms = (trace(recording, scale=scales(loss, [recording])[0]),)
    return Objective(box, model, terms, ps.Adaptive(), bound(loss, [recording], model, box))


def fit(recording, loss=None, **settings) -> fitting.FitResult:
    defaults = {"free": [G, E], "bounds": BOUNDS, "starts": 1, "progress": False}
    return fitting.fit(CELL, recording, loss=loss, **(defaults | settings))


PRIOR = fitting.Prior({G: (0.3, 0.1)})


@pytest.mark.slow
def test_a_sum_is_the_sum_and_weights_weigh(step):
    parts = [fitting.Traces(2.0), fitting.SoftFeatures(), fitting.PhasePlane(), PRIOR]
    costs = [objective(loss, step).cost(U) if loss is not PRIOR else None for loss in parts]
    value = float(objective(parts[0], step).space.values(jnp.asarray(U))[0])
    costs[3] = ((value - 0.3) / 0.1) ** 2
    mixed = 3.0 * (PRIOR + parts[2] * 0.5) + parts[0] + 2.0 * parts[1]  # in any order
    together = objective(mixed, step)
    assert together.cost(U) == pytest.approx(np.dot(costs, [1.0, 2.0, 1.5, 3.0]), rel=1e-9)
    samples, features, cells = step.response.size, 2 * (2 + 3 + 20), 2 * 16 * 11
    assert [counted.shape for counted in together.counted] == [(2, 80), (cells, 1), (features, 1)]
    assert (together.priors, together.scored) == (1, samples + features + cells)
    assert together.weight == pytest.approx(samples + features + cells + 1)
    np.testing.assert_allclose(together.residual(U)[:samples], objective(parts[0], step).residual(U), rtol=1e-12)


def test_the_residual_of_a_prior():
    rec = ps.simulate(CELL, STEP)
    model = setup(CELL, [rec])
    box = space(model, ["both", E], {"both": (0.01, 2.0), E: (-90.0, -30.0)}, {"both": [G]})
    for log in (False, True):
        prior = fitting.Prior({"channels.*.g_max": (9.0, 9.0), "both": (0.3, 0.1)}, log=log)
        (part,) = bound(fitting.Traces() + 4.0 * prior, [rec], model, box)[1:]
        moved = box.apply(model, jnp.asarray(U))
        value = float(moved.neurons[0].channels["Leak"].g_max)
        expected = np.log(value / 0.3) if log else value - 0.3
        np.testing.assert_allclose(part.residual([], [], moved), [2.0 * expected / 0.1], rtol=1e-12)


def test_traces_are_what_is_fitted_without_a_loss(clamp):
    plain, same = fit(clamp), fit(clamp, fitting.Traces())
    assert plain.estimates == same.estimates
    scaled = fit(clamp, 4.0 * fitting.Traces(0.25))
    assert scaled.loss == pytest.approx(8.0 * plain.loss, rel=1e-6)
    assert scaled.rmse == pytest.approx(plain.rmse, rel=1e-6)
    for one, other in zip(scaled.estimates, plain.estimates, strict=True):
        assert (one.value, one.standard_error) == pytest.approx((other.value, other.standard_error), rel=1e-3)


def test_a_prior_holds_what_the_recording_does_not_determine(clamp):
    """An ideal clamp charges the membrane in no time, so that its current, edges left out, says nothing of it."""
    recording = clamp.mask_edges(0.5)
    free, bounds = [G, E, "capacitance"], BOUNDS | {"capacitance": (0.1, 10.0)}
    alone = fit(recording, free=free, bounds=bounds)
    assert np.isposinf(next(row.standard_error for row in alone.estimates if row.name == "capacitance"))
    result = fit(recording, fitting.Traces() + fitting.Prior({"capacitance": (2.5, 0.3)}), free=free, bounds=bounds)
    found = {row.name: row for row in result.estimates}
    capacitance = found.pop("capacitance")
    assert capacitance.value == pytest.approx(2.5, abs=1e-3)
    assert (capacitance.standard_error, capacitance.white_error) == pytest.approx((0.3, 0.3), rel=1e-3)
    plain = {row.name: row for row in fit(recording).estimates}
    for name, row in found.items():
        assert row.value == pytest.approx(plain[name].value, abs=0.05 * row.standard_error)
        assert row.standard_error == pytest.approx(plain[name].standard_error, rel=0.01)
    certificate = fitting.certificate(result, progress=False)
    assert {check.name for check in certificate.checks} >= {"solver", "residuals", "determined"}


def test_two_measurements_of_one_number_are_averaged(clamp):
    """A leak's conductance, by samples with the noise's own tolerance, and by a prior as good as these."""
    alone = {"free": [G], "bounds": {G: BOUNDS[G]}}
    plain = fit(clamp, fitting.Traces(0.5), **alone)
    value, error = plain.estimates[0].value, plain.estimates[0].standard_error
    result = fit(clamp, fitting.Traces(0.5) + fitting.Prior({G: (value + error, error)}), **alone)
    assert result.estimates[0].value == pytest.approx(value + error / 2, abs=0.1 * error)
    assert result.estimates[0].standard_error == pytest.approx(error / np.sqrt(2), rel=0.1)


@pytest.mark.slow
def test_features_alone_can_be_fitted(step):
    result = fit(step, fitting.SoftFeatures(mean=1.0))
    assert next(row.value for row in result.estimates if row.name == E) == pytest.approx(-55.0, abs=1.0)
    assert result.memory == ()
    assert result.rmse[0] == pytest.approx(0.5, rel=0.2)
    with pytest.raises(ValueError, match=r"fit with fitting\.Traces"):
        fitting.certificate(result, progress=False)
    for what in (fitting.bootstrap, lambda result: fitting.profile(result, G)):
        with pytest.raises(ValueError, match="the loss holds more than Traces"):
            what(result)


def test_a_passive_prior_knows_the_cell_that_was_measured():
    electrode = ps.Electrode(series_resistance=10.0)
    clamp = ps.VoltageClamp(ps.Step([-10.0, -10.0, -10.0], 20.0, 50.0), 90.0, 0.02, -70.0, electrode)
    measured = ps.analysis.membrane_test(noisy(ps.simulate(CELL, clamp), 1.0))
    prior = fitting.passive_prior(CELL, measured, voltage=-70.0)
    assert prior.capacitance[0] == pytest.approx(10.0, rel=0.05)  # 1 uF/cm2 of 1000 um2
    assert prior.resistance[0] == pytest.approx(500.0, rel=0.05)  # 0.2 mS/cm2 of them
    exact = fitting.PassivePrior((10.0, 1.0), (500.0, 50.0))
    (part,) = (part for part in objective(fitting.Traces() + exact, ps.simulate(CELL, STEP)).parts if part.rank == 2)
    np.testing.assert_allclose(part.residual([], [], Setup((CELL,))), 0.0, atol=1e-9)
    double = ps.with_parameters(CELL, {G: 0.4, "capacitance": 1.2})
    np.testing.assert_allclose(part.residual([], [], Setup((double,))), [2.0, 10.0], rtol=1e-9)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: fitting.Traces(-1.0), r"Traces\.tolerance must be a positive number"),
        (lambda: fitting.Traces([1.0, 0.0]), r"Traces\.tolerance must be a positive number"),
        (lambda: 0.0 * fitting.Traces(), "the factor of a loss must be a positive number"),
        (lambda: fitting.Traces() * -1.0, "the factor of a loss must be a positive number"),
        (lambda: fitting.Events() + PRIOR, r"fitting\.Events goes with another search"),
        (lambda: PRIOR + fitting.Events(), r"fitting\.Events goes with another search"),
        (lambda: fitting.SoftFeatures(peak=-1.0), r"SoftFeatures\.peak must be a positive number"),
        (lambda: fitting.SoftFeatures(spikes=0), r"SoftFeatures\.spikes must be a whole number"),
        (lambda: fitting.SoftFeatures(window=(3.0, 1.0)), r"SoftFeatures\.window must be \(start, end\)"),
        (lambda: fitting.SoftFeatures(**dict.fromkeys(("count", "latency", "peak", "half_width", "trough", "mean",
                                                       "deviation"))), "compares nothing"),
        (lambda: fitting.PhasePlane(voltage=(0.0, -1.0, 2.0)), "three ascending edges"),
        (lambda: fitting.PhasePlane(tolerance=0.0), r"PhasePlane\.tolerance must be a positive number"),
        (lambda: fitting.Prior({}), "a prior is of parameters by name"),
        (lambda: fitting.Prior({G: 0.1}), r"a prior of channels\.Leak\.g_max must be \(mean, standard deviation\)"),
        (lambda: fitting.Prior({G: (0.1, 0.0)}), r"the standard deviation of channels\.Leak\.g_max must be a positive"),
        (lambda: fitting.Prior({G: (float("nan"), 1.0)}), r"the mean of channels\.Leak\.g_max must be finite"),
        (lambda: fitting.Prior({G: (0.0, 1.0)}, log=True), "its mean cannot be 0"),
        (lambda: fitting.PassivePrior((0.0, 1.0), (1.0, 1.0)), "the mean of capacitance must be a positive number"),
    ],
)  # fmt: skip
def test_what_no_loss_can_be(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize(
    ("loss", "message"),
    [
        (PRIOR, "a prior compares nothing with the recordings"),
        (fitting.Traces() + fitting.Traces(), r"one fitting\.Traces at most"),
        (fitting.Traces() + fitting.Prior({"area": (1.0, 1.0)}), "a prior of area, which is not free"),
        (fitting.Traces() + fitting.Prior({E: (60.0, 1.0)}, log=True), "another sign than its mean"),
        (fitting.Traces([1.0, 1.0]), "one for each of the 1 recordings"),
        (fitting.SoftFeatures(), "no current clamp among the recordings"),
    ],
)
def test_losses_that_do_not_go_with_a_fit(loss, message, clamp):
    with pytest.raises(ValueError, match=message):
        fit(clamp, loss)


def test_windows_that_cannot_be_measured(step):
    for loss, message in (
        (fitting.SoftFeatures(window=(0.0, 20.0)), "is not within the 8 ms of a sweep"),
        (fitting.SoftFeatures(window=(1.0, 1.5)), "too few for 10 windows"),
        (fitting.PhasePlane(window=(1.0, 1.2)), "too few for a slope"),
    ):
        with pytest.raises(ValueError, match=message):
            fit(step, loss)
    gap = eqx.tree_at(lambda rec: rec.measured_voltage, step, step.measured_voltage.at[0, 20].set(jnp.nan))
    with pytest.raises(ValueError, match="it takes no mask"):
        fit(gap.with_mask(np.arange(80) != 20), fitting.PhasePlane())
    with pytest.raises(KeyError):
        fit(step, fitting.Traces() + fitting.Prior({"channels.Na.g_max": (1.0, 1.0)}))
    with pytest.raises(ValueError, match="evaluations belong to a fit of events"):
        fit(step, fitting.Traces(), evaluations=10)
