"""Of every loss: the derivative against differences of a size that a search would take, and in single precision."""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fitting
import patch_sim as ps
from fitting.losses import trace
from fitting.objective import Objective
from fitting.parameters import space
from fitting.setup import setup
from fitting.sums import bound

# Four spikes of the squid axon, and a point beside the truth where the model has the first two of them.
CELL = ps.presets.neuron("squid_axon")
STEP = ps.CurrentClamp(ps.Step(1000.0, 5.0, 30.0), duration=45.0, dt=0.05)
BOUNDS = {
    "channels.Na.g_max": (60.0, 240.0),
    "channels.K.g_max": (18.0, 72.0),
    "channels.Leak.g_max": (0.15, 0.6),
    "capacitance": (0.5, 2.0),
}
U = np.array([0.47, 0.53, 0.48, 0.52])
SOLVER = ps.Exponential(0.05, order=2)
H = 1e-3
FEATURES = ("count", "latency", "peak", "half_width", "trough", "sag", "mean", "deviation")


@pytest.fixture(scope="module")
def recording() -> ps.Recording:
    return ps.simulate(CELL, STEP, solver=SOLVER)


def single(tree):
    def lower(x):
        if not eqx.is_array(x):
            return x
        return jnp.asarray(np.asarray(x, np.float32 if eqx.is_inexact_array(x) else np.int32))

    return jax.tree.map(lower, tree)


def off(found, expected) -> float:
    return float(np.linalg.norm(found - expected) / np.linalg.norm(expected))


def differences(residual, u=U) -> np.ndarray:
    return np.stack([(residual(u + H * e) - residual(u - H * e)) / (2 * H) for e in np.eye(u.size)])


def derivatives(loss, recording) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of a loss, or of the samples: exact, by differences, and in single precision."""
    model = setup(CELL, [recording])
    box = space(model, list(BOUNDS), BOUNDS)
    objective = Objective(box, model, (trace(recording),), SOLVER)
    if loss is not None:
        parts = bound(fitting.Traces() + loss, [recording], model, box)[1:]  # a prior does not stand alone
        objective = dataclasses.replace(objective, parts=parts)
    _, exact = objective.jacobian(U)
    with jax.enable_x64(False):
        names = ("space", "setup", "terms", "parts")
        cast = dataclasses.replace(objective, **{name: single(getattr(objective, name)) for name in names})
        _, rough = cast.jacobian(U.astype(np.float32))
    return exact, differences(objective.residual), rough.astype(float)


@pytest.mark.parametrize(
    "loss",
    [
        fitting.PhasePlane(),
        fitting.Prior({"capacitance": (1.0, 0.1), "channels.*.g_max": (10.0, 1.0)}),
        fitting.Prior({"channels.*.g_max": (10.0, 0.1)}, log=True),
        fitting.PassivePrior((12.0, 1.0), (100.0, 10.0)),
    ],
    ids=["phase plane", "prior", "log prior", "passive prior"],
)
def test_derivative_is_that_of_finite_steps(loss, recording):
    exact, finite, rough = derivatives(loss, recording)
    assert off(exact, finite) < 0.05
    assert off(rough, exact) < 0.01


def test_samples_have_such_a_derivative(recording):
    exact, finite, rough = derivatives(None, recording)
    assert off(exact, finite) < 0.05
    assert off(rough, exact) < 0.01


@pytest.mark.slow
def test_every_soft_feature_has_such_a_derivative(recording):
    """Of the first spike; the second one's peak is just where its highest sample becomes another one, and jumps."""
    loss = fitting.SoftFeatures(**dict.fromkeys(FEATURES, 1.0))
    exact, finite, rough = derivatives(loss, recording)
    lengths = [{"mean": 10, "deviation": 10}.get(name, 1) for name in FEATURES]
    ends = np.cumsum(lengths)
    assert exact.shape == (4, ends[-1])
    for name, columns in zip(FEATURES, np.split(np.arange(ends[-1]), ends[:-1]), strict=True):
        assert off(exact[:, columns], finite[:, columns]) < 0.05, name
        assert off(rough[:, columns], exact[:, columns]) < 0.01, name


def test_events_have_such_a_derivative(recording):
    """Of all four spikes, which the model has at this point too."""
    model = setup(CELL, [recording])
    box = space(model, list(BOUNDS), BOUNDS)
    term = fitting.Events().bind(recording)
    compared = (box, model, term.rows(np.arange(term.recorded)))

    @jax.jit
    def residual(compared, u):
        box, model, term = compared
        return term.residual(*box.apply(model, u).rigs[0], SOLVER)

    push = jax.jit(jax.jacfwd(residual, argnums=1))
    u = np.array([0.52, 0.49, 0.50, 0.48])
    assert term.targets.count == 4
    assert residual(compared, u)[-1] == 0.0  # as many
    exact = np.asarray(push(compared, u)).T
    finite = differences(lambda u: np.asarray(residual(compared, u)), u)
    with jax.enable_x64(False):
        rough = np.asarray(push(single(compared), u.astype(np.float32)), float).T
    assert off(exact, finite) < 0.05
    assert off(rough, exact) < 0.01
