"""Profile likelihoods whose shape is known."""

import dataclasses

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import pytest
from matplotlib import pyplot

import fitting
import patch_sim as ps
from tests.fitting.test_autocorrelation import autoregressive
from tests.fitting.test_bootstrap import LEAK, STEPS, E, G, fitted


@pytest.mark.parametrize("rho", [0.0, 0.9])
def test_a_straight_line_has_the_normal_interval(rho):
    result = fitted(rho)  # linear in g, and nearly in E
    for name in (G, E):
        row = next(row for row in result.estimates if row.name == name)
        found = fitting.profile(result, name, progress=False)
        np.testing.assert_allclose(found.interval, row.interval, atol=0.05 * row.standard_error)
        assert found.values.size == 11
        np.testing.assert_allclose(
            found.rise, ((found.values - row.value) / row.standard_error) ** 2, rtol=0.1, atol=0.02
        )
        assert not any((found.open_low, found.open_high, found.improved))
        assert str(found).startswith(f"{name}: {row.value:.6g} {row.unit}, 95 % interval")
    axes = found.plot().axes[0]
    assert axes.get_xlabel() == f"{name} ({row.unit})"
    pyplot.close("all")


@pytest.mark.slow
def test_it_is_open_where_the_data_set_no_limit():
    # Beyond a few nS the clamp through 20 MOhm hides how large the conductance is.
    cell = ps.Neuron({"Leak": ps.channels.Leak(g_max=200.0, reversal=-55.0)}, area=1000.0, temperature=20.0)
    seen = ps.VoltageClamp(ps.Step([10.0], 1.0, 5.0), holding=-70.0, duration=8.0, dt=0.1,
                           electrode=ps.Electrode(series_resistance=20.0))  # fmt: skip
    clean = ps.simulate(cell, seen)
    noise = 1000.0 * np.random.default_rng(0).normal(size=clean.response.shape)
    recording = eqx.tree_at(lambda rec: rec.current, clean, clean.response + jnp.asarray(noise)).mask_edges(0.5)
    result = fitting.fit(cell, recording, free=[G], bounds={G: (0.05, 20000.0)}, starts=1, progress=False)
    found = fitting.profile(result, G, points=7, progress=False)
    assert found.open_high
    assert not found.open_low
    assert 0.05 < found.interval[0] < 200.0
    assert found.interval[1] == pytest.approx(20000.0)
    assert "open above, the data set no upper limit" in str(found)


def test_a_better_fit_on_the_way_is_told():
    clean = ps.simulate(LEAK, STEPS)
    noise = 5.0 * autoregressive(0.0, clean.response.shape)
    recording = eqx.tree_at(lambda rec: rec.current, clean, clean.response + jnp.asarray(noise))
    off = ps.with_parameters(LEAK, {G: 0.21})
    result = fitting.fit(off, recording, free=[G], starts=1, steps=1, progress=False)
    row = result.estimates[0]
    moved = dataclasses.replace(result, estimates=(dataclasses.replace(row, value=1.01 * row.value),))
    assert fitting.profile(moved, G, points=5, progress=False).improved


def test_what_cannot_be_profiled(tmp_path):
    result = fitted(0.0)
    with pytest.raises(KeyError, match=r"area is not free; free are channels\.Leak"):
        fitting.profile(result, "area")
    with pytest.raises(ValueError, match="points must be a whole number of at least 3, not 2"):
        fitting.profile(result, G, points=2)
    result.save(tmp_path / "fit.json")
    with pytest.raises(ValueError, match="a loaded fit has no recordings"):
        fitting.profile(fitting.load(tmp_path / "fit.json"), G)
