"""Exponential steps of constant length."""

import itertools

import diffrax
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import patch_sim as ps
from patch_sim.solvers import StaggeredExponential, SweepEquation, in_resting_levels

SQUID = ps.presets.neuron("squid_axon")
SPIKE = ps.CurrentClamp(ps.Step(200.0, 1.0, 2.0), duration=8.0, dt=0.1)


def everything() -> ps.Neuron:
    """A cell with all that a step must treat: Markov states, a pool, a gate that reads it, a flux, an instant gate."""
    c = ps.channels
    channels = {
        "Na": c.NaTraubMiles(g_max=30.0, reversal=50.0, threshold=-55.0),
        "K": c.KTraubMiles(g_max=10.0, reversal=-90.0, threshold=-55.0),
        "NaR": c.NaR(g_max=3.0, reversal=50.0),
        "CaN": c.CaN(p_max=3e-5),
        "CaT": c.CaTDestexhe(g_max=0.4),
        "KCa": c.KCa(g_max=1.0, reversal=-90.0),
        "Leak": c.Leak(g_max=0.05, reversal=-75.0),
    }
    pool = ps.CalciumPool(gamma=0.05, depth=1.0, decay=20.0)
    return ps.Neuron(channels, area=2827.4, temperature=34.0, calcium=pool)


def voltage(cell: ps.Neuron, solver, protocol=SPIKE) -> np.ndarray:
    return np.asarray(ps.simulate(cell, protocol, initial=-65.0, save=("voltage",), solver=solver).voltage[0])


def errors(cell: ps.Neuron, steps: tuple[float, ...]) -> list[float]:
    exact = voltage(cell, ps.Adaptive(1e-10, 1e-10))
    assert exact.max() > 0.0
    return [float(np.sqrt(np.mean((voltage(cell, ps.Exponential(dt)) - exact) ** 2))) for dt in steps]


def test_gates_are_of_third_order():
    """The edges of the step are of second order, and show only when nearly nothing else is left."""
    found = errors(SQUID, (0.025, 0.0125, 0.00625))
    assert found[0] < 0.02
    for coarse, fine in itertools.pairwise(found):
        assert 6.0 < coarse / fine < 8.5


def test_without_what_was_before_all_is_of_second_order():
    exact = voltage(SQUID, ps.Adaptive(1e-10, 1e-10))
    found = [voltage(SQUID, ps.Exponential(dt, order=2)) for dt in (0.0125, 0.00625)]
    coarse, fine = (np.sqrt(np.mean((trace - exact) ** 2)) for trace in found)
    assert 3.6 < coarse / fine < 4.4


def test_derivatives_of_second_order_steps_are_those_of_the_trace():
    """They go by partial derivatives, in branches that a compiler cannot merge: many sweeps and columns at once."""
    family = ps.CurrentClamp(ps.Step([150.0, 200.0], 1.0, 2.0), duration=8.0, dt=0.1)

    def traces(g):
        cell = ps.with_parameters(SQUID, {"channels.Na.g_max": g[0], "channels.K.gates.n.shift": g[1]})
        solver = ps.Exponential(0.025, order=2)
        return ps.simulate(cell, family, initial=-65.0, save=("voltage",), solver=solver).voltage

    point, h = jnp.array([120.0, 0.0]), 1e-4
    for mode in (jax.jacfwd, jax.jacrev):
        slopes = jax.jit(mode(traces))(point)
        for k in range(2):
            moved = [traces(point.at[k].add(sign * h)) for sign in (1.0, -1.0)]
            np.testing.assert_allclose(slopes[..., k], (moved[0] - moved[1]) / (2 * h), atol=2e-5)


def test_single_precision_stays_so():
    """Also where double is allowed: half of the memory, and twice as many lanes."""

    def single(tree):
        return jax.tree.map(lambda x: jnp.asarray(x, jnp.float32), tree)

    steps = ps.Exponential(0.025, order=2)
    rec = ps.simulate(single(SQUID), single(SPIKE), initial=jnp.float32(-65.0), save=("voltage",), solver=steps)
    assert rec.voltage is not None
    assert rec.voltage.dtype == jnp.float32
    np.testing.assert_allclose(rec.voltage[0], voltage(SQUID, steps), atol=0.01)


@pytest.mark.parametrize("order", [2, 3])
def test_of_two_precisions_it_takes_the_better(order):
    low = jax.tree.map(lambda x: x.astype(jnp.float32), SQUID)
    solver = ps.Exponential(0.05, order=order)
    with jax.numpy_dtype_promotion("standard"):
        mixed = voltage(low, solver)
    np.testing.assert_allclose(mixed, voltage(SQUID, solver), atol=1e-2)
    assert mixed.dtype == np.float64


@pytest.mark.parametrize("dt", [0.1, 0.025])
def test_steps_compiled_as_one_piece_are_the_same_steps(dt):
    """Also where neither the samples nor the steps between two of them are a multiple of what is one piece."""
    one_by_one, unrolled = (voltage(SQUID, ps.Exponential(dt, unroll=unroll)) for unroll in (1, 3))
    np.testing.assert_allclose(unrolled, one_by_one, rtol=0, atol=1e-9)


@pytest.mark.slow
def test_the_rest_is_of_second_order():
    coarse, fine = errors(everything(), (0.0015625, 0.00078125))
    assert 3.6 < coarse / fine < 4.4


@pytest.mark.slow
def test_a_step_need_not_begin_at_an_edge():
    """Between steps the mean command counts, and its derivative by the onset is right."""

    def late(onset, solver):
        step = ps.CurrentClamp(ps.Step(120.0, onset, 1.37), duration=5.0, dt=0.1)
        return ps.simulate(SQUID, step, initial=-65.0, save=("voltage",), solver=solver).voltage[0, -1]

    coarse, exact = ps.Exponential(0.01), ps.Adaptive(1e-10, 1e-10)
    for onset in (1.0, 1.013, 1.03):
        assert float(late(onset, coarse)) == pytest.approx(float(late(onset, exact)), abs=0.02)
    slope = jax.jit(jax.grad(lambda onset: late(onset, coarse)))(jnp.asarray(1.013))
    h = 1e-4
    exact_slope = (late(1.013 + h, exact) - late(1.013 - h, exact)) / (2 * h)
    assert float(slope) == pytest.approx(float(exact_slope), rel=0.01)


@pytest.mark.parametrize(
    "stimulus",
    [
        ps.Levels([(0.0, 1.013), (150.0, 1.5), (-20.0, 2.0)]),
        ps.Ramp(150.0, 1.013, 2.0),
        ps.Sine(100.0, 300.0, 0.51, 3.3),
        ps.Chirp(100.0, 100.0, 500.0, 0.51, 3.3, exponential=True),
        ps.Samples(np.linspace(0.0, 150.0, 50), dt=0.1),
        ps.Step(60.0, 1.0, 2.0) + ps.Step(60.0, 2.013, 2.0),
    ],
    ids=lambda stimulus: type(stimulus).__name__,
)
def test_every_stimulus_has_a_mean(stimulus):
    one = jax.tree.map(lambda x: x[0], stimulus)
    holding = jnp.asarray(3.0)
    for t0, t1 in ((0.0, 0.4), (0.9, 1.05), (1.0, 1.1), (2.45, 2.55), (3.75, 3.9), (6.0, 7.0)):
        fine = jnp.linspace(t0, t1, 20001)[:-1] + (t1 - t0) / 40000
        average = float(jnp.mean(one.at(fine, holding)))
        scale = float(jnp.max(jnp.abs(one.at(jnp.linspace(0.0, 5.0, 1001), holding))))
        coarse = 0.15 if isinstance(stimulus, ps.Samples | ps.Sine | ps.Chirp) else 1e-3
        assert float(one.mean(jnp.asarray(t0), jnp.asarray(t1), holding)) == pytest.approx(average, abs=coarse * scale)


def test_diffrax_can_drive_it():
    stimulus, holding = (jax.tree.map(lambda x: x[0], part) for part in SPIKE.broadcast())
    start = in_resting_levels(SQUID, SQUID.steady_state(jnp.asarray(-65.0)))
    solution = diffrax.diffeqsolve(
        SweepEquation(clamped=False),
        StaggeredExponential(),
        t0=0.0,
        t1=7.95,
        dt0=0.0125,
        y0=start,
        args=(SQUID, stimulus, holding),
        saveat=diffrax.SaveAt(ts=SPIKE.times),
    )
    np.testing.assert_allclose(solution.ys.voltage, voltage(SQUID, ps.Exponential(0.0125)), rtol=0, atol=1e-6)


def test_both_derivatives():
    def late(scale):
        cell = ps.with_parameters(SQUID, {"channels.Na.g_max": 120.0 * scale})
        return ps.simulate(cell, SPIKE, initial=-65.0, save=("voltage",), solver=ps.Exponential(0.05)).voltage[0, 40]

    one = jnp.asarray(1.0)
    forward, reverse = jax.jit(jax.jacfwd(late))(one), jax.jit(jax.grad(late))(one)
    difference = (late(1.0 + 1e-5) - late(1.0 - 1e-5)) / 2e-5
    np.testing.assert_allclose(forward, reverse, rtol=1e-9)
    np.testing.assert_allclose(forward, difference, rtol=1e-6)


@pytest.mark.parametrize("order", [2, 3])
def test_the_derivative_by_one_parameter_is_its_tangent(order):
    """Where nothing of the cell is known to the compiler, and the tangents have an axis of one."""
    clamp = ps.CurrentClamp(ps.Step(50.0, 1.0, 5.0), duration=7.0, dt=0.1)

    def trace(g):
        cell = ps.with_parameters(SQUID, {"channels.K.g_max": g})
        return ps.simulate(cell, clamp, initial=-65.0, solver=ps.Exponential(0.1, order=order)).voltage[0]

    g = jnp.asarray(36.0)
    _, tangent = jax.jvp(trace, (g,), (jnp.ones(()),))
    assert np.abs(tangent).max() > 1.0
    np.testing.assert_allclose(jax.jacfwd(trace)(g), tangent, rtol=0, atol=1e-9)
    np.testing.assert_allclose(tangent, (trace(36.0 + 1e-4) - trace(36.0 - 1e-4)) / 2e-4, rtol=0, atol=1e-6)


@pytest.mark.parametrize("order", [2, 3])
def test_derivatives_of_all_that_a_step_must_treat(order):
    """By a Markov channel's conductance, by that of a channel which a pool opens, and by the pool's own depth."""
    paths, point = ["channels.NaR.g_max", "channels.KCa.g_max", "calcium.depth"], jnp.array([3.0, 1.0, 1.0])

    @jax.jit
    def trace(x):
        cell, steps = ps.with_parameters(everything(), dict(zip(paths, x, strict=True))), ps.Exponential(0.025, order)
        return ps.simulate(cell, SPIKE, initial=-65.0, save=("voltage",), solver=steps).voltage[0]

    slopes, h = jax.jit(jax.jacfwd(trace))(point), 1e-4
    for slope, unit in zip(slopes.T, jnp.eye(len(point)), strict=True):
        difference = (trace(point + h * unit) - trace(point - h * unit)) / (2 * h)
        np.testing.assert_allclose(slope, difference, rtol=0, atol=1e-6 * np.abs(slope).max())


def test_it_goes_on_from_where_it_stopped():
    whole = ps.CurrentClamp(ps.Step([200.0, 150.0], 1.0, 2.0), duration=8.0, dt=0.1)
    half = ps.CurrentClamp(ps.Step([200.0, 150.0], 1.0, 2.0), duration=4.0, dt=0.1)
    solver = ps.Exponential(0.01)
    first = ps.simulate(SQUID, half, initial=-65.0, solver=solver)
    rest = ps.CurrentClamp(ps.Step(0.0, 0.0, 1.0), duration=4.1, dt=0.1)
    rest = ps.simulate(SQUID, rest, initial=jax.tree.map(lambda x: x[:1], first.final_state), solver=solver)
    together = ps.simulate(SQUID, whole, initial=-65.0, solver=solver).voltage[0, 39:]
    np.testing.assert_allclose(rest.voltage[0], together, rtol=0, atol=5e-3)  # the staggered gates start anew


def test_no_gate_is_too_fast():
    """Steps of 0.1 ms, and a gate a thousand times as fast."""
    fast = ps.with_parameters(SQUID, {"channels.Na.gates.m.speed": 1e3})
    trace = voltage(fast, ps.Exponential(0.1))
    assert np.all(np.isfinite(trace))
    assert -90.0 < trace.min() < trace.max() < 60.0


@pytest.mark.parametrize("dt", [0.0, -1.0, float("nan"), float("inf")])
def test_steps_are_positive(dt):
    with pytest.raises(ValueError, match=r"Exponential\.dt must be a positive time in ms"):
        ps.Exponential(dt)


@pytest.mark.parametrize("unroll", [0, -2])
def test_steps_are_compiled_in_whole_numbers(unroll):
    with pytest.raises(ValueError, match=r"Exponential\.unroll must be a positive whole number"):
        ps.Exponential(unroll=unroll)


def test_it_records_at_the_samples():
    with pytest.raises(ValueError, match="other times need Adaptive"):
        ps.simulate(SQUID, SPIKE, times=jnp.asarray([0.0, 1.0]), solver=ps.Exponential())


@pytest.mark.slow
def test_steps_too_long_for_a_cell_are_said():
    """The upstroke of this cell's spikes, whose sodium gate m is instantaneous, is over within such a step."""
    cell = ps.presets.neuron("ca1_pyramidal")
    steps = ps.CurrentClamp(ps.Step([0.0, 600.0], 5.0, 50.0), duration=60.0, dt=0.1)
    with pytest.raises(ps.SolverError, match=r"sweep 1.*shorter steps than those of Exponential\(dt=0.1,"):
        ps.simulate(cell, steps, save=("voltage",), solver=ps.Exponential(0.1))
    assert np.isfinite(ps.simulate(cell, steps, save=("voltage",), solver=ps.Exponential()).voltage).all()
    members = {"protocol.stimulus.amplitude": [0.0, 600.0]}
    one = ps.CurrentClamp(ps.Step(0.0, 5.0, 50.0), duration=60.0, dt=0.1)
    ensemble = ps.ensemble(cell, one, members, solver=ps.Exponential(0.1), progress=False)
    assert ensemble.finite.tolist() == [True, False]
