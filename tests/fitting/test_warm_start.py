"""Conductances from currents that balance at the recorded voltage, and the fits that begin there."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fitting
import patch_sim as ps
from fitting.parameters import space
from fitting.setup import setup
from fitting.warm_start import warm_started

CELL = ps.presets.neuron("regular_spiking")
FREE = list(ps.match(CELL, "channels.*.g_max", "capacitance"))
STEPS = ps.CurrentClamp(ps.Step(jnp.asarray([500.0, 1000.0]), 5.0, 100.0), duration=120.0, dt=0.025)
HELD = ps.VoltageClamp(ps.Step(jnp.asarray([40.0, 80.0]), 2.0, 10.0), holding=-80.0, duration=14.0, dt=0.025)
QUIET = ps.Progress(False)


def values(cell: ps.Neuron, names: list[str]) -> np.ndarray:
    return np.array([float(ps.parameters(cell)[name]) for name in names])


def far(cell: ps.Neuron, names: list[str], seed: int = 0) -> ps.Neuron:
    """A cell whose parameters are each off by up to a factor of 3."""
    factors = 3.0 ** np.random.default_rng(seed).uniform(-1.0, 1.0, len(names))
    return ps.with_parameters(cell, dict(zip(names, factors * values(cell, names), strict=True)))


def warmed(cell, recordings, free, cells=None) -> dict[str, float]:
    prepared = setup(cell, recordings, cells)
    box = space(prepared, free)
    u = np.asarray(box.fraction(box.start))[None]
    (found,) = warm_started(box, prepared.freed(box.paths), recordings, u, QUIET)
    return dict(zip(box.names, map(float, box.values(jnp.asarray(found))), strict=True))


def check(found: dict[str, float], cell: ps.Neuron, rtol: float) -> None:
    np.testing.assert_allclose(list(found.values()), values(cell, list(found)), rtol=rtol)


def recorded(cell: ps.Neuron = CELL, protocol: ps.CurrentClamp | ps.VoltageClamp = STEPS) -> ps.Recording:
    return ps.simulate(cell, protocol)


def test_spikes_tell_conductances_and_capacitance():
    v = np.asarray(recorded().voltage)
    assert [int(np.sum((x[:-1] < 0.0) & (x[1:] >= 0.0))) for x in v] == [0, 5]
    check(warmed(far(CELL, FREE), [recorded()], FREE), CELL, 0.03)


def test_noise_is_not_taken_for_the_cell():
    rec = recorded()
    noise = 0.3 * jax.random.normal(jax.random.key(0), rec.response.shape)
    noisy = dataclasses.replace(rec, measured_voltage=rec.response + noise)
    check(warmed(far(CELL, FREE), [noisy], FREE), CELL, 0.1)


@pytest.mark.slow
def test_only_what_is_linear_is_moved():
    free = [*FREE, "channels.Leak.reversal"]
    start = far(CELL, FREE)
    found = warmed(start, [recorded()], free)
    assert found["channels.Leak.reversal"] == pytest.approx(float(ps.parameters(CELL)["channels.Leak.reversal"]))
    check(warmed(CELL, [recorded()], FREE[1:]), CELL, 0.03)  # with Na as it is


def test_a_masked_sample_tells_nothing():
    rec = recorded()
    late = np.asarray(rec.time) > 60.0
    broken = dataclasses.replace(rec, measured_voltage=jnp.where(late, 0.0, rec.response)).with_mask(~late)
    check(warmed(far(CELL, FREE), [broken], FREE), CELL, 0.03)


def test_the_glass_is_taken_away():
    glass = ps.Electrode(
        series_resistance=10.0, junction_potential=5.0, current_offset=20.0, compensation=ps.Compensation(bridge=4.0)
    )
    rec = recorded(protocol=dataclasses.replace(STEPS, electrode=glass))
    check(warmed(far(CELL, FREE), [rec], FREE), CELL, 0.05)


@pytest.mark.parametrize(("resistance", "rtol"), [(0.0, 0.05), (3.0, 0.15)])
def test_a_voltage_clamp_tells_conductances(resistance, rtol):
    # Of what charges the membrane through the glass an integral over samples is off by more than M carries in 10 ms.
    free = [name for name in FREE if name != "capacitance"]
    glass = ps.Electrode(series_resistance=resistance, current_offset=10.0)
    rec = recorded(protocol=dataclasses.replace(HELD, electrode=glass))
    check(warmed(far(CELL, free), [rec], free), CELL, rtol)


def test_cells_have_their_own_and_common_values():
    other = ps.with_parameters(CELL, {"channels.Na.g_max": 40.0, "capacitance": 1.2})
    free = ["cells.*.channels.Na.g_max", "cells.*.capacitance", "channels.K.g_max"]
    found = warmed(CELL, [recorded(), recorded(other)], free, cells=[0, 1])
    common = {"channels.K.g_max": found.pop("channels.K.g_max")}
    for k, cell in enumerate((CELL, other)):
        own = {name.removeprefix(f"cells.{k}."): x for name, x in found.items() if name.startswith(f"cells.{k}.")}
        assert len(own) == 2
        check(common | own, cell, 0.03)


def test_a_dendrite_is_not_linear():
    dendrite = ps.Dendrite(g_max=0.05, capacitance=1.0, leak=0.02)
    cell = CELL.with_channels(dendrite=dendrite)
    free = [*FREE, "channels.dendrite.g_max"]
    check(warmed(far(cell, FREE), [recorded(cell)], free), cell, 0.03)


@pytest.mark.slow
def test_a_fit_begins_where_spikes_already_come_when_they_came():
    start, rec = far(CELL, FREE), recorded()
    assert np.std(ps.simulate(start, STEPS).voltage - rec.voltage) > 10.0  # mV
    found = fitting.fit(start, rec, free=FREE, starts=1, steps=5, warm_start=True, progress=False)
    assert found.loss < 0.1
    check({estimate.name: estimate.value for estimate in found.estimates}, CELL, 2e-3)


@pytest.mark.slow
def test_starts_that_are_drawn_end_at_the_noise():
    rec = ps.simulate(CELL, dataclasses.replace(STEPS, dt=0.05))
    noise = 0.3 * jax.random.normal(jax.random.key(0), rec.response.shape)
    rec = dataclasses.replace(rec, measured_voltage=rec.response + noise)
    settings = {"free": [*FREE, "channels.Leak.reversal"], "starts": 4, "screen": 25, "steps": 40, "progress": False}
    for warm_start in (False, True):
        found = fitting.fit(CELL, rec, warm_start=warm_start, **settings)
        losses = sorted(start.loss for start in found.starts)
        print(f"warm start {warm_start}: {[round(loss, 2) for loss in losses]} mV in {found.seconds:.0f} s")
        assert (losses[0] < 0.31) == warm_start


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"free": ["channels.Leak.reversal"]}, "of these none is free, only channels.Leak.reversal"),
        ({"free": FREE, "loss": fitting.Events(window=(5.0, 105.0))}, "warm_start: not for a fit of events"),
    ],
)
def test_what_it_is_not_for(settings, message):
    with pytest.raises(ValueError, match=message):
        fitting.fit(CELL, recorded(), warm_start=True, progress=False, **settings)


def test_a_recording_without_its_leak_is_refused():
    clamp = dataclasses.replace(HELD, leak_subtraction=ps.LeakSubtraction())
    with pytest.raises(ValueError, match="leak was subtracted"):
        fitting.fit(CELL, ps.simulate(CELL, clamp), free=FREE, warm_start=True, progress=False)
