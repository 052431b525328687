"""Steps end at the edges of a stimulus."""

import diffrax
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import patch_sim as ps


@jax.jit
def integral(edges, heights):
    """Integrate a function that is constant between its edges, from 0 to 10; say how many steps it took."""
    solver = ps.Adaptive(rtol=1e-6, atol=1e-6)
    end = jnp.asarray(10.0)

    def field(t, y, args):
        return heights[jnp.searchsorted(edges, t, side="right")]

    controller = solver.controller(edges, end, jnp.asarray(jnp.inf))
    solution = diffrax.diffeqsolve(
        diffrax.ODETerm(field),
        diffrax.Tsit5(),
        t0=jnp.zeros_like(end),
        t1=end,
        dt0=controller.first_step,
        y0=jnp.zeros_like(end),
        stepsize_controller=controller,
        max_steps=10_000,
    )
    return solution.ys[-1], solution.stats["num_rejected_steps"]


@pytest.mark.parametrize(
    "edges",
    [
        [1.0, 4.0, 9.0],
        [0.3, 0.7, 1.1],
        [1e-3, 5.0, 5.000001],
        [2.0, 2.0, 2.0],
        [-1.0, 3.0, 12.0],
        [0.0, 5.0, 10.5],
    ],
)
def test_no_step_goes_over_an_edge(edges):
    # A Runge-Kutta step within a constant stretch is exact, and one that goes over an edge is not.
    heights = np.array([1.0, 1000.0, -500.0, 20.0])
    value, rejected = integral(jnp.asarray(edges), jnp.asarray(heights))
    ends = np.clip([0.0, *edges, 10.0], 0.0, 10.0)
    ends[0], ends[-1] = 0.0, 10.0
    exact = float(np.sum(heights * np.diff(np.maximum.accumulate(ends))))
    assert float(value) == pytest.approx(exact, abs=1e-8)
    assert int(rejected) == 0


@pytest.mark.parametrize("resistance", [0.3, 0.8, 3.0])
def test_derivatives_of_a_tight_clamp_do_not_grow_at_rest(resistance):
    """At rest a step beyond what is stable has no error, and amplifies derivatives without end."""
    area, g, jump, dt = 1000.0, 0.1, 50.0, 0.1  # um2, mS/cm2, mV, ms
    cell = ps.Neuron({"Leak": ps.channels.Leak(g_max=g, reversal=-70.0)}, area=area, temperature=20.0)
    step = ps.Step(jump, 5.0, 5.0)

    def charged(r):
        electrode = ps.Electrode(series_resistance=r)
        clamp = ps.VoltageClamp(step, holding=-70.0, duration=10.0, dt=dt, electrode=electrode)
        return ps.simulate(cell, clamp, save=("voltage",)).voltage[0]

    def exact(r):
        t = jnp.arange(100, dtype=float) * dt - 5.0
        leak = 1e-5 * g * area  # uS
        total = 1.0 / r + leak
        risen = -jnp.expm1(-jnp.maximum(t, 0.0) * total / (1e-5 * area))
        return -70.0 + jump / (r * total) * risen

    found, expected = (jax.jacfwd(function)(resistance) for function in (charged, exact))
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-3)
