"""`simulate` against closed forms and against itself; and what it refuses."""

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import patch_sim as ps

ROOT = Path(__file__).resolve().parents[1]
EXACT = ps.Adaptive(1e-10, 1e-10)
VOLTAGE = ("voltage",)
DT, DURATION = 0.1, 8.0  # shared by most tests, and so are their compiled simulations


def passive(g=0.1, reversal=-70.0, **changes) -> ps.Neuron:
    """0.1 mS/cm2 on 1000 um2 is 1 nS, or 1000 MOhm; 1 uF/cm2 makes 10 pF, and a time constant of 10 ms."""
    leak = ps.channels.Leak(g_max=g, reversal=reversal)
    return ps.Neuron({"Leak": leak}, **({"area": 1000.0, "temperature": 20.0} | changes))


@pytest.fixture(scope="module")
def axon() -> ps.Neuron:
    return ps.presets.neuron("squid_axon")


def current_clamp(amplitude=100.0, start=1.0, duration=5.0, holding=0.0) -> ps.CurrentClamp:
    return ps.CurrentClamp(ps.Step(amplitude, start, duration), duration=DURATION, dt=DT, holding=holding)


def voltage_clamp(amplitude=60.0, start=1.0, duration=5.0, holding=-70.0) -> ps.VoltageClamp:
    return ps.VoltageClamp(ps.Step(amplitude, start, duration), duration=DURATION, dt=DT, holding=holding)


# Closed forms


def charging(t, current=10.0, start=1.0, duration=5.0, g=0.1, reversal=-70.0, area=1000.0, capacitance=1.0):
    """A passive membrane under a step (pA), in mV: resistance in GOhm, time constant in ms."""
    resistance, tau = 1.0 / (0.01 * g * area), capacitance / g
    on = np.clip(t - start, 0.0, duration)
    end = -np.expm1(-duration / tau)
    return reversal + current * resistance * np.where(
        t < start + duration, -np.expm1(-on / tau), end * np.exp(-np.maximum(t - start - duration, 0.0) / tau)
    )


@pytest.mark.parametrize(("start", "duration"), [(1.0, 5.0), (1.03, 3.217), (0.3, 0.4)])
def test_a_passive_cell_charges_as_it_should(start, duration):
    rec = ps.simulate(passive(), current_clamp(10.0, start, duration), solver=EXACT)
    expected = charging(np.asarray(rec.time), start=start, duration=duration)
    np.testing.assert_allclose(rec.voltage[0], expected, rtol=0, atol=1e-8)


def test_ohm_s_law_in_megaohms():
    # 10 pA through 1000 MOhm are 10 mV, after many time constants of 10 pF x 1000 MOhm = 10 ms.
    rec = ps.simulate(passive(), current_clamp(10.0, 0.0, 1000.0), times=jnp.array([0.0, 10.0, 400.0]), solver=EXACT)
    np.testing.assert_allclose(rec.voltage[0], [-70.0, -60.0 - 10.0 * np.exp(-1.0), -60.0], atol=1e-8)


def test_exact_gradients_of_a_passive_cell():
    names = ["channels.Leak.g_max", "channels.Leak.reversal", "capacitance", "area"]

    def trace(values):
        cell = ps.with_parameters(passive(), dict(zip(names, values[:4], strict=True)))
        return ps.simulate(cell, current_clamp(values[4], values[5], values[6]), save=VOLTAGE, solver=EXACT).voltage[0]

    values = [0.1, -70.0, 1.0, 1000.0, 10.0, 1.03, 4.0]
    found = np.stack(jax.jit(jax.jacfwd(trace))([jnp.asarray(value) for value in values]))
    t = np.arange(80) * DT

    def closed(g, reversal, capacitance, area, current, start, duration):
        return charging(t, current, start, duration, g, reversal, area, capacitance)

    for k, name in enumerate([*names, "amplitude", "start", "duration"]):
        h = 1e-4 * abs(values[k])
        ahead, behind = (closed(*[v + s * h * (j == k) for j, v in enumerate(values)]) for s in (1, -1))
        scale = np.max(np.abs(ahead - behind)) / (2 * h)
        np.testing.assert_allclose(found[k], (ahead - behind) / (2 * h), rtol=0, atol=1e-6 * scale, err_msg=name)


def test_second_derivatives_by_steps_of_constant_length():
    def voltage(values):
        cell = ps.with_parameters(passive(), {"channels.Leak.g_max": values[0], "capacitance": values[1]})
        clamp = current_clamp(10.0, 1.0, 100.0)
        return ps.simulate(cell, clamp, save=VOLTAGE, solver=ps.Exponential()).voltage[0, -1]

    def closed(values):
        return charging(last, 10.0, 1.0, 100.0, values[0], -70.0, 1000.0, values[1])

    last, here, h = DT * 79, np.array([0.1, 1.0]), 1e-3 * np.array([[0.1, 0.0], [0.0, 1.0]])
    ahead, behind = ([[closed(here + s * a + b) - closed(here + s * a - b) for b in h] for a in h] for s in (1, -1))
    known = (np.array(ahead) - np.array(behind)) / (4 * np.outer(h.sum(0), h.sum(0)))
    np.testing.assert_allclose(jax.jit(jax.hessian(voltage))(jnp.asarray(here)), known, rtol=1e-4)


@pytest.mark.parametrize("kind", ["step", "samples", "levels"])
def test_clamped_gates_and_current_are_exact(axon, kind):
    k = np.arange(80)
    level = np.where((k >= 10) & (k < 60), -10.0, -70.0)
    stimulus = {
        "step": ps.Step(60.0, 1.0, 5.0),
        "samples": ps.Samples(level + 70.0, DT),
        "levels": ps.Levels([(-70.0, 1.0), (-10.0, 5.0)]),
    }[kind]
    rec = ps.simulate(axon, ps.VoltageClamp(stimulus, duration=DURATION, dt=DT, holding=-70.0))
    np.testing.assert_array_equal(rec.command[0], level)
    np.testing.assert_array_equal(rec.voltage[0], level)
    since, after = np.clip(k * DT - 1.0, 0.0, 5.0), np.maximum(k * DT - 6.0, 0.0)
    states = {}
    for name, channel in axon.channels.items():
        for key, gate in channel.gates.items():
            (low, high), (slow, fast) = (
                [float(f(jnp.asarray(v))) for v in (-70.0, -10.0)] for f in (gate.steady_state, gate.time_constant)
            )
            up = high + (low - high) * np.exp(-since / fast)
            states[name, key] = low + (up - low) * np.exp(-after / slow)
            np.testing.assert_allclose(rec.states[f"{name}.{key}"][0], states[name, key], rtol=1e-11, err_msg=name)
    nanosiemens = 0.01 * float(axon.area)
    expected = {
        "Na": 120.0 * states["Na", "m"] ** 3 * states["Na", "h"] * (level - 50.0) * nanosiemens,
        "K": 36.0 * states["K", "n"] ** 4 * (level + 77.0) * nanosiemens,
        "Leak": 0.3 * (level + 54.3) * nanosiemens,
    }
    for name, current in expected.items():
        np.testing.assert_allclose(rec.currents[name][0], current, rtol=1e-10, err_msg=name)
    np.testing.assert_allclose(rec.current[0], sum(expected.values()), rtol=1e-9)


def test_a_moving_clamp_charges_the_membrane():
    # 10 mV/ms into 10 pF are 100 pA
    ramp = ps.Ramp(50.0, start=1.0, duration=5.0)
    rec = ps.simulate(passive(), ps.VoltageClamp(ramp, duration=DURATION, dt=DT, holding=-70.0))
    k = np.arange(80)
    moving = (k >= 11) & (k < 60)
    v = -70.0 + np.where(moving, 10.0 * (k * DT - 1.0), 0.0)
    np.testing.assert_allclose(rec.current[0][moving], (v + 70.0 + 100.0)[moving], rtol=1e-10)
    np.testing.assert_allclose(rec.current[0][k > 60], 0.0, atol=1e-9)


# Shapes and what is kept


def test_what_a_recording_holds(axon):
    rec = ps.simulate(axon, current_clamp([0.0, 50.0, 100.0]))
    assert rec.mode is ps.Mode.CURRENT_CLAMP
    np.testing.assert_array_equal(rec.time, np.arange(80) * DT)
    for signal in (rec.voltage, rec.measured_voltage, rec.current, rec.command):
        assert signal.shape == (3, 80)
    assert set(rec.currents) == {"Na", "K", "Leak"}
    assert set(rec.states) == {"Na.m", "Na.h", "K.n"}
    assert all(signal.shape == (3, 80) for signal in (rec.currents | rec.states).values())
    assert rec.scored.all()
    np.testing.assert_array_equal(rec.current, rec.command)
    np.testing.assert_array_equal(rec.final_state.voltage, rec.voltage[:, -1])


def test_less_can_be_kept(axon):
    rec = ps.simulate(axon, voltage_clamp(), save=("current",))
    assert rec.current.shape == (1, 80)
    assert rec.voltage is rec.measured_voltage is rec.command is None
    assert not rec.currents
    assert not rec.states


def test_other_times(axon):
    times = jnp.array([0.0, 0.05, 2.0, 2.0, 7.9])
    rec = ps.simulate(axon, current_clamp(), times=times, save=VOLTAGE, solver=EXACT)
    full = ps.simulate(axon, current_clamp(), save=VOLTAGE, solver=EXACT)
    np.testing.assert_array_equal(rec.time, times)
    np.testing.assert_allclose(rec.voltage[0, [0, 2, 3, 4]], full.voltage[0, [0, 20, 20, 79]], rtol=0, atol=1e-5)


# Families


def test_a_family_is_its_single_sweeps(axon):
    together = ps.simulate(axon, current_clamp([0.0, 50.0, 100.0], [1.0, 1.5, 2.0], 5.0, [0.0, 5.0, -5.0]))
    for k, (amplitude, start, holding) in enumerate([(0.0, 1.0, 0.0), (50.0, 1.5, 5.0), (100.0, 2.0, -5.0)]):
        alone = ps.simulate(axon, current_clamp(amplitude, start, 5.0, holding))
        np.testing.assert_allclose(together.voltage[k], alone.voltage[0], rtol=0, atol=1e-6)
        np.testing.assert_array_equal(together.command[k], alone.command[0])


def test_a_family_in_voltage_clamp_is_its_single_sweeps(axon):
    together = ps.simulate(axon, voltage_clamp([20.0, 60.0], holding=[-70.0, -50.0]))
    for k, (amplitude, holding) in enumerate([(20.0, -70.0), (60.0, -50.0)]):
        alone = ps.simulate(axon, voltage_clamp(amplitude, holding=holding))
        np.testing.assert_allclose(together.current[k], alone.current[0], rtol=1e-11)


def test_a_recorded_waveform_does_what_its_step_does(axon):
    stepped = ps.simulate(axon, current_clamp(), solver=EXACT, save=VOLTAGE)
    k = np.arange(80)
    wave = ps.Samples(np.where((k >= 10) & (k < 60), 100.0, 0.0), DT)
    sampled = ps.simulate(axon, ps.CurrentClamp(wave, duration=DURATION, dt=DT), solver=EXACT, save=VOLTAGE)
    assert stepped.voltage.max() > 20.0  # there is a spike
    np.testing.assert_allclose(sampled.voltage, stepped.voltage, rtol=0, atol=1e-6)


def test_a_waveform_of_20_000_changes():
    dt, samples = 0.01, 20_000
    values = np.random.default_rng(0).normal(0.0, 10.0, samples)
    rec = ps.simulate(passive(), ps.CurrentClamp(ps.Samples(values, dt), duration=samples * dt, dt=dt), save=VOLTAGE)
    # exact from sample to sample: 1 pA is 1 mV, the time constant 10 ms
    expected, decay = np.empty(samples), np.exp(-dt / 10.0)
    expected[0] = 0.0
    for k in range(1, samples):
        expected[k] = values[k - 1] + (expected[k - 1] - values[k - 1]) * decay
    # without the last sample: see test_an_edge_at_the_last_sample
    np.testing.assert_allclose(rec.voltage[0, :-1], expected[:-1] - 70.0, rtol=0, atol=1e-4)


def test_an_edge_at_the_last_sample():
    rec = ps.simulate(passive(), current_clamp(1000.0, 1.0, 6.9), solver=EXACT)
    expected = charging(np.asarray(rec.time), 1000.0, 1.0, 6.9)
    np.testing.assert_allclose(rec.voltage[0], expected, rtol=0, atol=1e-8)


# Where it starts


def test_it_starts_at_rest_under_the_holding_current(axon):
    rec = ps.simulate(axon, current_clamp(0.0, holding=[0.0, 5.0, -5.0]))
    np.testing.assert_allclose(rec.voltage, np.broadcast_to(rec.voltage[:, :1], (3, 80)), rtol=0, atol=1e-5)
    assert np.ptp(rec.voltage[:, 0]) > 0.5


def test_it_starts_where_it_is_told(axon):
    rec = ps.simulate(axon, current_clamp([0.0, 0.0, 0.0]), initial=[-60.0, -65.0, -70.0])
    np.testing.assert_array_equal(rec.voltage[:, 0], [-60.0, -65.0, -70.0])
    steady = axon.steady_state(jnp.asarray(-60.0))
    np.testing.assert_allclose(rec.states["Na.h"][0, 0], steady.gates["Na"]["h"], rtol=1e-12)
    clamped = ps.simulate(axon, voltage_clamp([20.0, 60.0]), initial=-60.0)
    np.testing.assert_allclose(clamped.states["Na.h"][:, 0], steady.gates["Na"]["h"], rtol=1e-12)


def test_it_goes_on_from_a_final_state(axon):
    # The second half starts at the first one's last sample, and so is the whole one sample shorter than twice a half.
    first = ps.simulate(axon, current_clamp(150.0, 7.0, 100.0), solver=EXACT, save=VOLTAGE)
    second = ps.simulate(axon, current_clamp(150.0, -0.9, 100.0), initial=first.final_state, solver=EXACT, save=VOLTAGE)
    whole = ps.simulate(
        axon, ps.CurrentClamp(ps.Step(150.0, 7.0, 100.0), duration=15.9, dt=DT), solver=EXACT, save=VOLTAGE
    )
    assert first.voltage.max() < 0.0 < whole.voltage.max()  # the spike is in the second half
    joined = np.concatenate([first.voltage, second.voltage[:, 1:]], axis=1)
    np.testing.assert_allclose(joined, whole.voltage, rtol=0, atol=1e-4)
    for a, b in zip(jax.tree.leaves(second.final_state), jax.tree.leaves(whole.final_state), strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-5)


def test_a_clamp_goes_on_from_a_final_state(axon):
    first = ps.simulate(axon, voltage_clamp(60.0, 1.0, 100.0))
    second = ps.simulate(axon, voltage_clamp(60.0, -1.0, 100.0), initial=first.final_state)
    whole = ps.simulate(axon, ps.VoltageClamp(ps.Step(60.0, 1.0, 100.0), duration=15.9, dt=DT, holding=-70.0))
    np.testing.assert_allclose(np.append(first.current, second.current[:, 1:]), whole.current[0], rtol=1e-9)


# Compilation


def compiled() -> int:
    return importlib.import_module("patch_sim.simulate")._run._cache_size()


@pytest.mark.parametrize("clamp", [current_clamp, voltage_clamp])
def test_new_numbers_do_not_compile_anew(axon, clamp):
    ps.simulate(axon, clamp())
    before = compiled()
    for change in ({"amplitude": 20.0}, {"start": 2.0}, {"duration": 1.5}, {"holding": -1.0}, {"amplitude": 3}):
        ps.simulate(axon, clamp(**change))
    changed = ps.with_parameters(axon, {"channels.Na.g_max": 90.0, "temperature": 10.0, "area": 900.0})
    ps.simulate(changed, clamp())
    assert compiled() == before
    ps.simulate(axon, clamp(), save=("command",))
    assert compiled() > before  # so the count does count


@pytest.mark.parametrize("solver", [ps.Adaptive(), ps.Exponential()], ids=["adaptive", "exponential"])
def test_products_of_matrices_in_single_precision_keep_all_their_digits(solver):
    # A GPU would otherwise round what it multiplies to 10 bits.
    step = ps.CurrentClamp(ps.Step(100.0, 1.0, 1.0), duration=3.0, dt=0.1)
    cell, step = jax.tree.map(lambda x: x.astype(jnp.float32), (ps.presets.neuron("purkinje"), step))
    program = str(jax.make_jaxpr(lambda cell: ps.simulate(cell, step, save=VOLTAGE, solver=solver).voltage)(cell))
    assert program.count("dot_general[") == program.count("precision=(Precision.HIGHEST, Precision.HIGHEST)") > 0


# Giving up


def test_a_solver_that_gives_up_says_where_and_when(axon):
    with pytest.raises(ps.SolverError, match=r"sweep 1: the solver gave up after [0-9.]+ ms.*max_steps") as raised:
        ps.simulate(axon, current_clamp([0.0, 100.0, 100.0]), solver=ps.Adaptive(max_steps=40), save=VOLTAGE)
    when = float(str(raised.value).split("after ")[1].split(" ms")[0])
    assert 1.0 <= when < DURATION


def test_no_rest_to_start_from(axon):
    with pytest.raises(ps.SolverError, match=r"sweep 2: no resting potential .* -1e\+07 pA; .*initial=-65"):
        ps.simulate(axon, current_clamp([0.0, 50.0, 100.0], holding=[0.0, 0.0, -1e7]))


def test_inside_jit_it_is_nan_instead(axon):
    @jax.jit
    def voltage(amplitude):
        return ps.simulate(axon, current_clamp(amplitude), solver=ps.Adaptive(max_steps=40), save=VOLTAGE).voltage[0]

    v = voltage(100.0)
    reached = np.isfinite(v)
    assert reached[:10].all()
    assert not reached[-1]
    assert np.all(np.diff(reached.astype(int)) <= 0)  # from some time on
    assert np.isfinite(voltage(0.0)).all()


# What it refuses


@pytest.fixture
def nothing_runs(monkeypatch):
    """Make any simulation fail the test: what is refused must be refused before it compiles."""

    def run(*args, **kwargs):
        pytest.fail("got as far as the simulation")

    monkeypatch.setattr(importlib.import_module("patch_sim.simulate"), "_run", run)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"save": ("volts",)}, r"save knows voltage, .*, not 'volts'"),
        ({"save": ("voltage", "currrents")}, r"save knows .*, not 'currrents'"),
        ({"times": jnp.array([0.0, 2.0, 1.0])}, r"times \(ms\) must not be negative and must not decrease"),
        ({"times": jnp.array([-1.0, 2.0])}, r"times \(ms\) must not be negative"),
        ({"times": jnp.array([0.0, float("nan")])}, r"times must be a list of finite times in ms"),
        ({"times": jnp.array([])}, r"times must be a list of finite times in ms"),
        ({"initial": float("nan")}, r"initial must be a finite voltage in mV, not nan"),
        ({"initial": "rest"}, r"initial must be None, a voltage in mV, .*, not 'rest'"),
    ],
)
def test_impossible_arguments(nothing_runs, axon, arguments, message):
    with pytest.raises(ValueError, match=message):
        ps.simulate(axon, current_clamp(), **arguments)


def test_more_than_memory_holds(nothing_runs, axon):
    year = ps.CurrentClamp(ps.Step(1.0, 0.0, 1.0), duration=365 * 24 * 3600e3)
    with pytest.raises(
        ValueError, match=r"1 sweep of 1,261,440,000,000 samples need 1.41e\+05 GB, and this machine has"
    ):
        ps.simulate(axon, year)


def test_what_is_refused_when_it_is_built_never_runs(nothing_runs, axon):
    attempts = [
        lambda: current_clamp(["one", "two"]),
        lambda: current_clamp(float("nan")),
        lambda: current_clamp(duration=-1.0),
        lambda: current_clamp([1.0, 2.0], [1.0, 2.0, 3.0]),
        lambda: ps.CurrentClamp(ps.Step(1.0, 0.0, 1.0), duration=-5.0),
        lambda: ps.CurrentClamp(ps.Step(1.0, 0.0, 1.0), duration=1.0, dt=2.0),
        lambda: ps.CurrentClamp(ps.Samples([0.0, float("nan")], 0.1), duration=1.0),
        lambda: ps.with_parameters(axon, {"channels.Na.g_max": -1.0}),
        lambda: passive(g=-0.1),
        lambda: passive(area=0.0),
        lambda: passive(temperature=-300.0),
    ]
    for attempt in attempts:
        with pytest.raises(ValueError, match=r"must|zip|longer"):
            attempt()
    with pytest.raises(pytest.fail.Exception):
        ps.simulate(axon, current_clamp())  # so the guard does guard


@pytest.mark.parametrize("wrong", ["length", "state"])
def test_an_initial_that_does_not_fit(nothing_runs, axon, wrong):
    initial = [-60.0, -65.0] if wrong == "length" else passive().resting_state(jnp.asarray(0.0))
    with pytest.raises(ValueError, match="initial"):
        ps.simulate(axon, current_clamp([0.0, 50.0, 100.0]), initial=initial)


UNCHECKED = """
import json, patch_sim as ps, sys
step = ps.Step(1.0, 0.0, 1.0)
leak = {"Leak": ps.channels.Leak()}
cell = ps.Neuron(leak, area=1.0, temperature=20.0)
clamp = ps.CurrentClamp(step, duration=1.0)
def run(*args, **kwargs):
    raise SystemExit("got as far as the simulation")
sys.modules["patch_sim.simulate"]._run = run
found = {}
for code in json.loads(sys.argv[1]):
    try:
        eval(code)
    except Exception as error:
        found[code] = [type(error).__name__, str(error)]
print(json.dumps(found))
"""

WRONG_KINDS = {
    "ps.simulate(cell, clamp, solver='tsit5')": "solver must be an Adaptive or an Exponential, not 'tsit5'",
    "ps.simulate('cell', clamp)": "neuron must be a Neuron, not 'cell'",
    "ps.simulate(cell, step)": "protocol must be a CurrentClamp, a VoltageClamp or a MixedClamp, not Step",
    "ps.simulate(cell, clamp, times=[0.0, 2.0, 1.0])": "must not decrease",
    "ps.CurrentClamp(3.0, duration=1.0)": "CurrentClamp.stimulus must be a stimulus such as Step, not 3.0",
    "ps.CurrentClamp(step, duration='long')": "CurrentClamp.duration must be a positive time in ms, not 'long'",
    "ps.VoltageClamp(step, duration=1.0, dt=None)": "VoltageClamp.dt must be a positive time in ms, not None",
    "ps.CurrentClamp(step, duration=1.0, dynamic_clamp=3.0)": "dynamic_clamp must be a DynamicClamp, not 3.0",
    "ps.VoltageClamp(step, duration=1.0, leak_subtraction=4)": "leak_subtraction must be a LeakSubtraction, not 4",
    "ps.LeakSubtraction(2.0)": "LeakSubtraction.subsweeps must be a whole number from 1 to 8, not 2.0",
    "ps.DynamicClamp({'x': 3.0})": "DynamicClamp.channels must be channels by name",
    "ps.DynamicClamp(conductances=[3.0])": "DynamicClamp.conductances must be a list of Conductance",
    "ps.Conductance(3.0, 0.0)": "Conductance.waveform must be a stimulus such as Step, in nS, not 3.0",
    "ps.MixedClamp([clamp, 3.0])": "MixedClamp takes a list of at least two clamps",
    "ps.Neuron({'x': ps.channels.Leak}, area=1.0, temperature=20.0)": "channel 'x' must be a channel, not <class",
    "ps.Neuron({'x': 3.0}, area=1.0, temperature=20.0)": "channel 'x' must be a channel, not 3.0",
    "ps.Neuron([ps.channels.Leak()], area=1.0, temperature=20.0)": "channels must be a dict from name to channel",
    "ps.Neuron({3: ps.channels.Leak()}, area=1.0, temperature=20.0)": "a channel's name must be a plain word",
    "cell.with_channels(x=3.0)": "channel 'x' must be a channel, not 3.0",
    "ps.describe('cell')": "describe takes a Neuron, not 'cell'",
    "ps.plot_gates('Na')": "plot_gates takes a channel, such as neuron.channels['Na'], not 'Na'",
    "ps.Levels([(1.0, 2.0), (3.0,)])": "levels must be a list of (level, length) pairs",
    "ps.Levels(3.0)": "levels must be a list of (level, length) pairs, not 3.0",
    "ps.Samples([1.0, 2.0], 'fast')": "Samples.dt must be a positive time in ms, not 'fast'",
    "ps.Adaptive(rtol='small')": "Adaptive.rtol must be a positive number, not 'small'",
}


def test_arguments_of_the_wrong_kind_as_users_meet_them():
    # In this process the run-time type checks of the tests would answer first.
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", UNCHECKED, json.dumps(list(WRONG_KINDS))]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    found = json.loads(done.stdout)
    assert set(found) == set(WRONG_KINDS)
    for code, message in WRONG_KINDS.items():
        kind, text = found[code]
        assert (kind, message in text) == ("ValueError", True), (code, kind, text)
