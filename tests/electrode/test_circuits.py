"""The circuits against linear algebra of their own, and against the model that they simplify."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.linalg import expm

import patch_sim as ps

AREA, LEAK = 1000.0, 1.0  # um2, so 10 pF; nS
CELL = ps.Neuron({"Leak": ps.channels.Leak(g_max=0.1, reversal=-70.0)}, area=AREA, temperature=20.0)
BARE = ps.with_parameters(CELL, {"channels.Leak.g_max": 1e-12})
TIGHT = ps.Adaptive(1e-10, 1e-10)
DT, START = 0.01, 1.0
RIG = {"Rs": 8.0, "Rd": 7.0, "Cp": 4.0, "Cn": 3.0, "Cd": 9.0, "alpha": 0.6, "beta": 0.5, "tau": 0.04}


def electrode(rig):
    dials = ps.Compensation(
        correction=100.0 * rig["alpha"],
        prediction=100.0 * rig["beta"],
        series_resistance=rig["Rd"],
        slow_capacitance=rig["Cd"],
        capacitance=rig["Cn"],
        lag=rig["tau"],
    )
    return ps.Electrode(series_resistance=rig["Rs"], pipette_capacitance=rig["Cp"], compensation=dials)


def stepped(electrode, cell=CELL, **options):
    step = ps.Step(10.0, START, 4.0)
    clamp = ps.VoltageClamp(step, holding=-70.0, duration=5.0, dt=DT, electrode=electrode)
    return ps.simulate(cell, clamp, **({"solver": TIGHT} | options))


def linear_response(rig, leak=LEAK, clamp=0.0, reading=0.0):
    """Membrane, pipette and reported current after a command step of 10 mV from rest, by a matrix exponential.

    The unknowns are V, V_est, V_clamp, V_p and I_out, each with its equation as it stands in the papers, A dx/dt = B x
    + c; where a time constant is 0 the equation is algebraic, and A is singular.
    """
    names = ["V", "est", "clamp", "p", "out"]
    index = {name: k for k, name in enumerate(names)}
    a, b, drive = np.zeros((5, 5)), np.zeros((5, 5)), np.zeros(5)

    def put(matrix, row, **entries):
        for name, value in entries.items():
            matrix[index[row], index[name]] += value

    g = 1e3 / rig["Rs"]
    put(a, "V", V=10.0)
    put(b, "V", p=g, V=-g - leak)
    left = 1e-3 * (1.0 - rig["beta"]) * rig["Rd"] * max(rig["Cd"], 1e-9)
    put(a, "est", est=left)
    put(b, "est", est=-1.0)
    drive[index["est"]] = 10.0
    put(a, "clamp", clamp=rig["tau"], est=-1e-3 * rig["beta"] * rig["Rd"] * rig["Cd"])
    put(b, "clamp", clamp=-1.0, out=1e-3 * rig["alpha"] * rig["Rd"])
    drive[index["clamp"]] = 10.0
    put(a, "p", p=clamp)
    put(b, "p", clamp=1.0, p=-1.0)
    put(a, "out", out=reading, p=-rig["Cp"], clamp=rig["Cn"], est=rig["Cd"])
    put(b, "out", out=-1.0, p=g, V=-g)

    times = np.arange(0.0, 4.0, DT)
    if clamp > 0.0:
        matrix, force = np.linalg.solve(a, b), np.linalg.solve(a, drive)
    else:  # V_p is V_clamp, and I_out whatever makes the two equations that it stands in agree
        rows = [index[name] for name in ("V", "est", "clamp")]
        a[:, index["clamp"]] += a[:, index["p"]]
        b[:, index["clamp"]] += b[:, index["p"]]
        out = index["out"]  # row "out": a.x' = b.x - I_out
        for m in (a, b):
            m[index["clamp"]] += 1e-3 * rig["alpha"] * rig["Rd"] * m[out]
        b[index["clamp"], out] = 0.0
        inverse = np.linalg.inv(a[np.ix_(rows, rows)])
        matrix, force = inverse @ b[np.ix_(rows, rows)], inverse @ drive[rows]
    final = -np.linalg.solve(matrix, force)
    path = np.stack([final - expm(matrix * t) @ final for t in times])
    if clamp > 0.0:
        return times, path[:, 0], path[:, 3], path[:, 4]
    slopes = path @ matrix.T + force
    out = b[out][rows] @ path.T - a[out][rows] @ slopes.T
    return times, path[:, 0], path[:, 2], out


@pytest.mark.parametrize("change", [{}, {"alpha": 0.0}, {"beta": 0.0}, {"Cp": 3.0}, {"Cd": 0.0, "beta": 0.0}], ids=str)
def test_the_clamp_against_linear_algebra(change):
    rig = RIG | change
    _, v, pipette, out = linear_response(rig)
    rec = stepped(electrode(rig))
    on = np.s_[100:500]
    np.testing.assert_allclose(rec.voltage[0, on] + 70.0, v, atol=1e-6)
    np.testing.assert_allclose(rec.measured_voltage[0, on] + 70.0, pipette, atol=1e-6)
    np.testing.assert_allclose(rec.current[0, on], out, atol=2e-6 * 1e3 / rig["Rs"])  # both potentials by Ohm's law


def test_what_the_two_faster_time_constants_of_the_full_model_change():
    """With the clamp's 0.8 us and the reading's 7.5 us things come later by some 10 us; ten times faster, by 1 us."""
    _, v, _, _ = linear_response(RIG)
    away = [np.abs(linear_response(RIG, clamp=8e-4 * f, reading=7.5e-3 * f)[1] - v) for f in (1.0, 0.1)]
    assert np.max(away[0]) < 0.3
    assert np.max(away[1]) == pytest.approx(0.1 * np.max(away[0]), rel=0.1)
    assert np.max(away[0][50:]) < 0.02  # half a millisecond later


@pytest.mark.parametrize("prediction", [0.0, 70.0, 95.0])
def test_prediction_charges_a_membrane_faster_and_cancellation_hides_it(prediction):
    dials = ps.Compensation(prediction=prediction, slow_capacitance=10.0)
    rec = stepped(ps.Electrode(series_resistance=10.0, compensation=dials), BARE)
    tau = 1e-3 * 10.0 * 10.0 * (1.0 - 0.01 * prediction)
    t = np.asarray(rec.time)[100:500] - START
    np.testing.assert_allclose(rec.voltage[0, 100:500], -60.0 - 10.0 * np.exp(-t / tau), atol=1e-6)
    np.testing.assert_allclose(rec.current, 0.0, atol=1e-4)


def test_correction_does_not_speed_up_what_is_canceled():
    dials = ps.Compensation(correction=90.0, slow_capacitance=10.0)
    rec = stepped(ps.Electrode(series_resistance=10.0, compensation=dials), BARE)
    t = np.asarray(rec.time)[100:500] - START
    np.testing.assert_allclose(rec.voltage[0, 100:500], -60.0 - 10.0 * np.exp(-t / 0.1), atol=1e-6)


def test_without_a_lag_it_is_the_limit_of_short_lags():
    rig = RIG | {"Cp": 3.0}  # all of the pipette is canceled: its jump takes no time
    away = []
    for tau in (0.004, 0.0004):
        slow, fast = stepped(electrode(rig | {"tau": tau})), stepped(electrode(rig | {"tau": 0.0}))
        away.append(float(jnp.max(jnp.abs(slow.voltage - fast.voltage))))
    assert away[1] == pytest.approx(0.1 * away[0], rel=0.2)


def test_slopes_of_the_dials():
    paths = ["prediction", "correction", "slow_capacitance", "series_resistance", "lag", "capacitance"]
    full = [f"electrode.compensation.{path}" for path in paths]
    values, steps = np.array([50.0, 60.0, 9.0, 7.0, 0.04, 3.0]), np.array([1e-2, 1e-2, 1e-3, 1e-3, 1e-5, 1e-3])
    cell = ps.presets.neuron("squid_axon")
    step = ps.Step(60.0, 1.0, 1.0)
    clamp = ps.VoltageClamp(step, holding=-70.0, duration=2.0, dt=0.02, electrode=electrode(RIG))

    @jax.jit
    def current(values):
        changed = ps.with_parameters(clamp, {path: values[k] for k, path in enumerate(full)})
        return ps.simulate(cell, changed, save=("current",), solver=TIGHT).current[0, 55:]

    slopes = jax.jacfwd(current)(jnp.asarray(values))
    for k, step in enumerate(steps):
        h = step * np.eye(len(paths))[k]
        expected = (current(jnp.asarray(values + h)) - current(jnp.asarray(values - h))) / (2 * step)
        np.testing.assert_allclose(slopes[:, k], expected, atol=2e-4 * np.max(np.abs(expected)), err_msg=paths[k])
