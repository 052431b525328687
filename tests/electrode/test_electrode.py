"""The electrode: closed forms, balances of current, and what an amplifier reports."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import patch_sim as ps

c = ps.channels
AREA = 1000.0  # um2, 10 pF
CELL = ps.Neuron({"Leak": c.Leak(g_max=0.1, reversal=-70.0)}, area=AREA, temperature=20.0)
CONDUCTANCE = 1.0  # nS
SQUID = ps.presets.neuron("squid_axon")
STEP = ps.Step(10.0, 1.0, 3.0)


def held(electrode, stimulus=STEP, cell=CELL, **options):
    clamp = ps.VoltageClamp(stimulus, holding=-70.0, duration=6.0, dt=0.01, electrode=electrode)
    return ps.simulate(cell, clamp, solver=ps.Adaptive(1e-10, 1e-10), **options)


def injected(electrode, stimulus, cell=CELL, **options):
    clamp = ps.CurrentClamp(stimulus, duration=6.0, dt=0.01, electrode=electrode)
    return ps.simulate(cell, clamp, solver=ps.Adaptive(1e-10, 1e-10), **options)


@pytest.mark.parametrize("correction", [0.0, 70.0, 95.0])
def test_a_passive_cell_charges_through_what_is_left_of_the_series_resistance(correction):
    rec = held(ps.Electrode(series_resistance=10.0, compensation=ps.Compensation(correction=correction)))
    r = 10.0 * (1.0 - 0.01 * correction)  # MOhm
    total = 1.0 / r + 1e-3 * CONDUCTANCE  # uS
    tau = 1e-3 * 10.0 / total  # ms
    final = 10.0 * (1.0 / r) / total
    t = np.asarray(rec.time)
    on = (t >= 1.0) & (t < 4.0)
    expected = -70.0 + final * (1.0 - np.exp(-(t[on] - 1.0) / tau))
    np.testing.assert_allclose(rec.voltage[0, on], expected, atol=1e-7)
    current = 1e3 * (-60.0 - expected) / r
    np.testing.assert_allclose(rec.current[0, on], current, atol=1e-5 * np.max(current))
    # What is not corrected for stays: the membrane is off by R I, the pipette by what was added.
    entering = np.asarray(rec.current[0, on])
    np.testing.assert_allclose(-60.0 - rec.voltage[0, on], 1e-3 * r * entering, atol=1e-9)
    np.testing.assert_allclose(rec.measured_voltage[0, on] + 60.0, 1e-3 * (10.0 - r) * entering, atol=1e-9)


def test_the_bandwidth_of_the_clamp():
    """A sinusoid at 1 / (2 pi R C) reaches the membrane 3 dB down."""
    frequency = 1e3 / (2.0 * np.pi * 1e-3 * 20.0 * 10.0)
    cell = ps.with_parameters(CELL, {"channels.Leak.g_max": 1e-9})
    rec = held(ps.Electrode(series_resistance=20.0), ps.Sine(1.0, frequency, 0.0, 6.0), cell)
    last = np.asarray(rec.voltage[0, 200:]) + 70.0
    t = np.asarray(rec.time[200:]) * 2e-3 * np.pi * frequency
    amplitude = np.hypot(*np.linalg.lstsq(np.stack([np.sin(t), np.cos(t)], axis=1), last)[0])
    assert amplitude == pytest.approx(np.sqrt(0.5), rel=1e-5)


def test_current_balance_of_an_active_cell():
    electrode = ps.Electrode(series_resistance=3.0, seal_resistance=500.0, junction_potential=5.0, offset=-1.0)
    rec = held(electrode, ps.Step(60.0, 1.0, 3.0), SQUID)
    v = np.asarray(rec.voltage[0])
    inside = np.r_[120:380]
    slope = np.gradient(v, 0.01)
    seal = 1e3 * v / 500.0
    balance = SQUID.area * 0.01 * SQUID.capacitance * slope + sum(x[0] for x in rec.currents.values()) + seal
    np.testing.assert_allclose(rec.current[0, inside], balance[inside], atol=2e-3 * np.max(np.abs(rec.current)))
    assert set(rec.currents) == set(SQUID.channels)
    assert rec.final_state is not None
    assert SQUID.owns(rec.final_state)


def test_a_clamp_current_replayed_in_current_clamp_gives_the_command_back():
    """Samples in straight lines carry a charge that is off by h^2 / 12 of the change of the current's slope."""
    wave, fine = ps.Sine(10.0, 200.0, 0.0, 3.0), {"duration": 2.0, "dt": 0.0005}
    rec = ps.simulate(CELL, ps.VoltageClamp(wave, holding=-70.0, **fine))
    replay = ps.CurrentClamp(ps.Samples(rec.current, 0.0005, linear=True), **fine)
    again = ps.simulate(CELL, replay, initial=-70.0, solver=ps.Adaptive(1e-10, 1e-10))
    np.testing.assert_allclose(again.voltage, rec.voltage, rtol=0, atol=1e-6)


def test_the_bridge_takes_the_drop_over_the_series_resistance_away():
    for bridge, error in ((0.0, 2.0), (15.0, 0.5), (20.0, 0.0)):
        electrode = ps.Electrode(series_resistance=20.0, compensation=ps.Compensation(bridge=bridge))
        rec = injected(electrode, ps.Step(100.0, 1.0, 3.0))
        during = np.asarray(rec.measured_voltage - rec.voltage)[0, 100:400]
        np.testing.assert_allclose(during, error, atol=1e-9)
        ideal = injected(None, ps.Step(100.0, 1.0, 3.0))
        np.testing.assert_allclose(rec.voltage, ideal.voltage, atol=1e-9)


def test_a_pipette_in_current_clamp_charges_first():
    electrode = ps.Electrode(
        series_resistance=20.0, pipette_capacitance=8.0, compensation=ps.Compensation(bridge=20.0, capacitance=3.0)
    )
    rec = injected(electrode, ps.Step(100.0, 1.0, 3.0), save=("voltage", "measured_voltage"))
    # Two linear equations, for membrane and pipette: their matrix exponential.
    g, leak = 1e3 / 20.0, CONDUCTANCE
    matrix = np.array([[-(g + leak) / 10.0, g / 10.0], [g / 5.0, -g / 5.0]])
    drive = np.array([leak * -70.0 / 10.0, 100.0 / 5.0])
    values, vectors = np.linalg.eig(matrix)
    final = -np.linalg.solve(matrix, drive)
    t = np.asarray(rec.time)[100:400] - 1.0
    start = np.linalg.solve(vectors, np.array([-70.0, -70.0]) - final)
    both = (vectors @ (start[:, None] * np.exp(values[:, None] * t))).real + final[:, None]
    np.testing.assert_allclose(rec.voltage[0, 100:400], both[0], atol=1e-6)
    np.testing.assert_allclose(rec.measured_voltage[0, 100:400] + 2.0, both[1], atol=1e-6)


def test_the_worked_example_of_the_junction_potential():
    """+14 mV: reported at -60 means at -74, and to hold at -70 one commands -56."""
    electrode = ps.Electrode(junction_potential=14.0)
    cell = ps.with_parameters(CELL, {"channels.Leak.reversal": -74.0})
    rec = injected(electrode, ps.Step(0.0, 1.0, 3.0), cell)
    assert float(rec.voltage[0, 0]) == pytest.approx(-74.0)
    assert float(rec.measured_voltage[0, 0]) == pytest.approx(-60.0)
    clamp = ps.VoltageClamp(ps.Levels([(-56.0, 3.0)]), holding=-56.0, duration=3.0, electrode=electrode)
    for series in (0.0, 1e-3):
        through = ps.with_parameters(clamp, {"electrode.series_resistance": series})
        np.testing.assert_allclose(ps.simulate(cell, through).voltage, -70.0, atol=1e-3)


def test_a_seal_is_a_leak_to_zero():
    electrode = ps.Electrode(seal_resistance=1000.0)
    assert float(injected(electrode, ps.Step(0.0, 1.0, 3.0)).voltage[0, 0]) == pytest.approx(-35.0)
    current = held(electrode).current[0]
    assert float(current[50]) == pytest.approx(-70.0)
    assert float(current[200]) == pytest.approx(10.0 - 60.0)


@pytest.mark.parametrize("pipette", [0.0, 4.0])
def test_an_offset_of_the_current_is_injected_beside_the_command(pipette):
    offset, glass = 30.0, {"series_resistance": 10.0, "pipette_capacitance": pipette}
    step = ps.Step([20.0, 60.0], 2.0, 5.0)
    balanced = ps.Electrode(**glass, current_offset=offset, compensation=ps.Compensation(bridge=10.0))
    clamp = ps.CurrentClamp(step, holding=-10.0, duration=9.0, dt=0.1, electrode=balanced)
    seen = ps.simulate(SQUID, clamp)
    held = ps.Electrode(**glass, compensation=ps.Compensation(bridge=10.0))
    expected = ps.simulate(SQUID, ps.CurrentClamp(step, holding=offset - 10.0, duration=9.0, dt=0.1, electrode=held))
    np.testing.assert_allclose(seen.voltage, expected.voltage, atol=1e-6)
    np.testing.assert_allclose(seen.measured_voltage, expected.measured_voltage, atol=1e-6)
    np.testing.assert_allclose(seen.current, expected.current, rtol=1e-12)
    np.testing.assert_allclose(seen.command, expected.command - offset, rtol=1e-12)


@pytest.mark.parametrize("series", [0.0, 5.0])
def test_an_offset_of_the_current_is_reported_in_voltage_clamp(series):
    def clamp(**settings):
        electrode = ps.Electrode(series_resistance=series, current_offset=settings.pop("offset", 0.0))
        step = ps.Step(30.0, 1.0, 3.0)
        return ps.simulate(SQUID, ps.VoltageClamp(step, holding=-70.0, duration=5.0, electrode=electrode, **settings))

    np.testing.assert_allclose(clamp(offset=30.0).current, clamp().current + 30.0, rtol=1e-9)
    subtracted = {"leak_subtraction": ps.LeakSubtraction(4, polarity=-1)}
    np.testing.assert_allclose(clamp(offset=30.0, **subtracted).current, clamp(**subtracted).current, rtol=1e-9)


def test_ideal_numbers_change_nothing_and_are_leaves():
    ideal, explicit = held(None), held(ps.Electrode())
    np.testing.assert_array_equal(ideal.current, explicit.current)
    assert ideal.electrode.used == ()
    clamp = ps.VoltageClamp(STEP, holding=-70.0, duration=6.0, dt=0.01, electrode=ps.Electrode())
    changed = ps.with_parameters(clamp, {"electrode.compensation.bridge": 2.0, "electrode.series_resistance": 7.0})
    assert changed.electrode.used == ("bridge", "series_resistance")
    rec = ps.simulate(CELL, changed)
    assert float(rec.electrode.series_resistance) == 7.0
    np.testing.assert_allclose(rec.current, held(ps.Electrode(series_resistance=7.0)).current, atol=2e-2)


def test_an_electrode_made_while_tracing_knows_its_numbers():
    def last(resistance):
        electrode = ps.Electrode(series_resistance=20.0, compensation=ps.Compensation(bridge=resistance))
        assert electrode.used == ("bridge", "series_resistance")
        return injected(electrode, ps.Step(100.0, 1.0, 3.0)).measured_voltage[0, 200]

    assert float(jax.jit(jax.grad(last))(jnp.asarray(10.0))) == pytest.approx(-0.1, rel=1e-9)


@pytest.mark.parametrize("clamp", [ps.VoltageClamp, ps.CurrentClamp])
def test_an_electrode_that_comes_into_a_function_is_what_it_was(clamp):
    protocol = clamp(STEP, duration=6.0, dt=0.01, electrode=ps.Electrode(series_resistance=5.0), holding=-70.0)

    @jax.jit
    def changed(protocol, seal, resistance):
        values = {"electrode.series_resistance": resistance, "electrode.seal_resistance": seal}
        new = ps.with_parameters(protocol, values)
        assert new.electrode.used == ("seal", "series_resistance")
        return ps.simulate(CELL, new, save=("voltage",)).voltage

    electrode = ps.Electrode(series_resistance=8.0, seal_resistance=900.0)
    expected = ps.simulate(CELL, clamp(STEP, duration=6.0, dt=0.01, electrode=electrode, holding=-70.0)).voltage
    np.testing.assert_allclose(changed(protocol, 900.0, 8.0), expected, atol=1e-4)


def test_a_change_behind_its_back_is_seen():
    clamp = ps.VoltageClamp(STEP, holding=-70.0, duration=6.0, dt=0.01, electrode=ps.Electrode())
    ps.simulate(CELL, clamp)  # now it is known to be ideal
    changed = eqx.tree_at(lambda clamp: clamp.electrode.series_resistance, clamp, jnp.asarray(7.0))
    expected = held(ps.Electrode(series_resistance=7.0)).voltage
    np.testing.assert_allclose(ps.simulate(CELL, changed).voltage, expected, atol=1e-4)
    np.testing.assert_array_equal(ps.simulate(CELL, clamp).voltage, ps.simulate(CELL, clamp).command)


def test_slopes_in_voltage_clamp():
    paths = ["series_resistance", "compensation.correction", "junction_potential", "seal_resistance", "filter.corner"]
    values, steps = np.array([8.0, 60.0, 4.0, 800.0, 3000.0]), np.array([1e-3, 1e-2, 1e-3, 1.0, 1.0])
    electrode = ps.Electrode(
        series_resistance=8.0,
        seal_resistance=800.0,
        junction_potential=4.0,
        compensation=ps.Compensation(correction=60.0),
        filter=ps.Bessel(3000.0),
    )
    clamp = ps.VoltageClamp(ps.Step(40.0, 0.5, 1.5), holding=-70.0, duration=2.5, dt=0.05, electrode=electrode)

    @jax.jit
    def current(x):
        changed = ps.with_parameters(clamp, {f"electrode.{path}": x[k] for k, path in enumerate(paths)})
        rec = ps.simulate(SQUID, changed, save=("current",), solver=ps.Adaptive(1e-10, 1e-10))
        return rec.current[0, 12:]

    slopes = jax.jacfwd(current)(jnp.asarray(values))
    for k, step in enumerate(steps):
        h = step * np.eye(5)[k]
        expected = (current(jnp.asarray(values + h)) - current(jnp.asarray(values - h))) / (2 * step)
        np.testing.assert_allclose(slopes[:, k], expected, atol=2e-4 * np.max(np.abs(expected)), err_msg=paths[k])


def test_slope_by_the_pipettes_capacitance():
    def measured(capacitance):
        electrode = ps.Electrode(series_resistance=20.0, pipette_capacitance=capacitance)
        return injected(electrode, ps.Step(100.0, 1.0, 3.0)).measured_voltage[0, 105]

    slope = jax.jit(jax.grad(measured))(jnp.asarray(5.0))
    assert float(slope) == pytest.approx(float(measured(5.01) - measured(4.99)) / 0.02, rel=1e-4)


@pytest.mark.parametrize(("series", "correction"), [(0.1, 0.0), (0.1, 98.0), (5.0, 98.0)])
def test_stiff_corners_are_right(series, correction):
    electrode = ps.Electrode(series_resistance=series, compensation=ps.Compensation(correction=correction))
    clamp = ps.VoltageClamp(ps.Step(10.0, 0.1, 0.5), holding=-70.0, duration=0.8, dt=0.01, electrode=electrode)
    rec = ps.simulate(CELL, clamp)
    left = series * (1.0 - 0.01 * correction)
    assert float(rec.voltage[0, 55]) == pytest.approx(-60.0 - 1e-3 * left * 10.0, abs=2e-3)


def test_a_filtered_response_and_an_unfiltered_membrane():
    electrode = ps.Electrode(series_resistance=5.0, filter=ps.Bessel(2000.0, 4))
    rec, sharp = held(electrode), held(ps.Electrode(series_resistance=5.0))
    np.testing.assert_allclose(rec.voltage, sharp.voltage, atol=1e-9)
    assert float(rec.current.max()) < 0.5 * float(sharp.current.max())


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ps.Electrode(series_resistance=-1.0), "at least 0 MOhm"),
        (lambda: ps.Compensation(correction=100.0), "less than 100 %"),
        (lambda: ps.Compensation(correction=120.0), "less than 100 %"),
        (lambda: ps.Compensation(prediction=100.0, slow_capacitance=10.0), "prediction must be less than 100 %"),
        (lambda: ps.Compensation(prediction=50.0), r"give the slow_capacitance \(pF\) as well"),
        (lambda: ps.Electrode(compensation=ps.Compensation(capacitance=2.0)), "neutralized exceed"),
        (
            lambda: ps.Electrode(
                series_resistance=10.0,
                pipette_capacitance=5.0,
                compensation=ps.Compensation(correction=80.0, lag=0.03),
            ),
            "makes the amplifier oscillate; cancel more",
        ),
        (lambda: held(ps.Electrode(compensation=ps.Compensation(lag=0.04))), "a lag needs a series_resistance"),
        (
            lambda: held(ps.Electrode(compensation=ps.Compensation(slow_capacitance=10.0))),
            "slow cancellation needs a series_resistance",
        ),
        (lambda: ps.Electrode(quantization=-1.0), "at least 0"),
        (
            lambda: ps.Electrode(
                series_resistance=5.0, compensation=ps.Compensation(correction=90.0, series_resistance=6.0)
            ),
            "leaves nothing of the series resistance",
        ),
        (lambda: held(ps.Electrode(filter=ps.Bessel(60_000.0))), "not below the 50000 Hz"),
        (lambda: held(ps.Electrode(noise=1.0)), "needs a key"),
        (lambda: injected(ps.Electrode(pipette_capacitance=5.0), STEP), "needs a series_resistance"),
        (lambda: held(ps.Electrode(filter=ps.Bessel(100.0)), times=jnp.arange(5.0)), "at the protocol's samples"),
    ],
)
def test_bad_electrodes(make, message):
    with pytest.raises(ValueError, match=message):
        make()
