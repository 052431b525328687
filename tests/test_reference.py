"""Channels and cells against NEURON 9.0.2 at its tightest tolerance (see ../shared/reference/README.md)."""

import functools
import json

import diffrax
import jax.numpy as jnp
import numpy as np
import pytest

import patch_sim as ps
from patch_sim import channels as c
from patch_sim.solvers import ImplicitGates
from tests import cells

SILENT = ["hh_squid.step_0.02", "hh_squid.sine80_sub", "hh_squid.chirp_sub"]
SILENT += ["rs_pospischil.step_-0.3", "rs_pospischil.step_0.5"]
SPIKING = [f"hh_squid.step_{pulse}" for pulse in ("-0.05", "0.05", "0.08", "0.1", "0.2", "0.5", "0.2_16.3C")]
SPIKING += ["hh_squid.ramp", "hh_squid.sine50_supra", "rs_pospischil.step_0.75", "rs_pospischil.ramp"]
SPIKING += ["tc_lts.step_-0.4", "tc_lts.step_-0.2", "tc_lts.step_0.4", "sk_adapt.step_0.05", "sk_adapt.step_0.2"]
EXACT = ps.Adaptive(rtol=1e-10, atol=1e-10)

GATED = {
    "na_hh": c.Na(),
    "k_hh": c.K(),
    "na_tm": c.NaTraubMiles(),
    "k_tm": c.KTraubMiles(),
    "ih_kole": c.Ih(),
    "ih_hm": c.IhHuguenard(),
    "ia_hm": c.KA(),
    "nap_ma": c.NaP(),
    "im_yamada": c.M(),
    "im_adams": c.MAdams(),
    "kir_stegen": c.Kir(),
    "cal_reuveni": c.CaL(),
    "cat_hm_ghk": c.CaT(),
    "cat_nernst": c.CaTDestexhe(),
    "can_wolf_ghk": c.CaN(),
    "can_migliore": c.CaNMigliore(),
    "kt_hay": c.KAHay(),
    "kp_hay": c.KSlowHay(),
    "skv3_hay": c.KFastHay(),
    "nata_hay": c.NaHay(),
    "calva_hay": c.CaTHay(),
}


@functools.cache
def load(folder, name: str):
    path = folder / "reference" / name
    return json.loads(path.read_text()) if path.suffix == ".json" else np.load(path)


def stimulus(description: list) -> ps.stimuli.AbstractStimulus:
    """A stimulus from the reference's description, nA turned into pA."""
    kind, start, duration, amplitude, *rest = description
    window = {"amplitude": 1e3 * amplitude, "start": start, "duration": duration}
    if kind == "step":
        return ps.Step(**window)
    offset, first, last = rest
    window["offset"] = 1e3 * offset
    if kind == "ramp":
        return ps.Ramp(**window)
    if kind == "sine":
        return ps.Sine(frequency=first, **window)
    return ps.Chirp(first_frequency=first, last_frequency=last, exponential=kind == "expchirp", **window)


def simulate(shared, name: str, solver: ps.Adaptive) -> tuple[np.ndarray, np.ndarray, dict]:
    """Times, voltage and the reference's description of a run."""
    data = load(shared, "cclamp.json")
    run = data["runs"][name]
    cell = data["cells"][run["cell"]]
    protocol = ps.CurrentClamp(stimulus(*run["stim"]), duration=run["tstop"] + run["dt_out"], dt=run["dt_out"])
    neuron = cells.neuron(cell, run["celsius"])
    recording = ps.simulate(neuron, protocol, initial=cell["v0"], save=("voltage",), solver=solver)
    return np.asarray(recording.time), np.asarray(recording.voltage[0]), run


def crossings(time: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Upward crossings of 0 mV, by the cubic through the four nearest samples."""
    found = []
    for k in np.flatnonzero((v[:-1] < 0) & (v[1:] >= 0)):
        coefficients = np.polyfit(np.arange(-1, 3), v[k - 1 : k + 3], 3)
        roots = np.roots(coefficients)
        real = roots[(np.abs(roots.imag) < 1e-9) & (roots.real >= -1e-9) & (roots.real <= 1 + 1e-9)].real
        found.append(time[k] + real[0] * (time[1] - time[0]))
    return np.array(found)


@pytest.mark.parametrize("name", SILENT)
def test_below_threshold_within_a_nanovolt(shared, name):
    _, v, _ = simulate(shared, name, EXACT)
    assert np.max(np.abs(v - load(shared, "cclamp.npz")[f"{name}.v"])) < 1e-6


@pytest.mark.parametrize("name", SPIKING)
def test_spiking_within_a_microvolt_and_ten_nanoseconds(shared, name):
    # Spike times are read off the same samples of both, so that the interpolation's error cancels;
    # the reference's own times are checked at the default tolerance below.
    time, v, _ = simulate(shared, name, EXACT)
    reference = load(shared, "cclamp.npz")[f"{name}.v"]
    assert np.max(np.abs(v - reference)) < 1e-3
    assert np.max(np.abs(crossings(time, v) - crossings(time, reference))) < 1e-5


@pytest.mark.parametrize("name", [*SILENT, *SPIKING])
def test_default_spike_times_within_10_microseconds(shared, name):
    time, v, _ = simulate(shared, name, ps.Adaptive())
    expected = crossings(time, load(shared, "cclamp.npz")[f"{name}.v"])
    found = crossings(time, v)
    assert found.shape == expected.shape
    assert np.all(np.abs(found - expected) < 0.01)


@pytest.mark.parametrize("name", ["hh_squid.step_0.1", "hh_squid.ramp", "hh_squid.sine50_supra"])
def test_the_reference_s_own_spike_times(shared, name):
    time, v, run = simulate(shared, name, ps.Adaptive())
    assert np.all(np.abs(crossings(time, v) - run["spike_times_0mV_ms"]) < 0.01)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "amplitude", "method"),
    [("l5_hay_soma", 200.0, ImplicitGates()), ("all13", 85.0, diffrax.Tsit5())],
)
def test_cells_without_traces_by_two_methods(shared, name, amplitude, method):
    """Built from the reference's description, started as it says, and solved by a method that is not the default."""
    data = load(shared, "cclamp.json")["cells"][name]
    cell = cells.neuron(data, data["celsius"])
    calcium = jnp.asarray(data.get("cai0", float(cell.calcium.resting)))
    start = cell.settled(jnp.asarray(float(data["v0"])), calcium)
    protocol = ps.CurrentClamp(ps.Step(amplitude, 5.0, 20.0), duration=30.0, dt=0.025)
    run = functools.partial(ps.simulate, cell, protocol, initial=start, save=("voltage",))
    default, exact = (np.asarray(run(solver=solver).voltage[0]) for solver in (ps.Adaptive(), EXACT))
    other = np.asarray(run(solver=ps.Adaptive(1e-10, 1e-10, method=method)).voltage[0])
    times = np.asarray(protocol.times)
    found, expected = crossings(times, exact), crossings(times, other)
    assert found.size > 0
    assert np.max(np.abs(exact - other)) < 1e-3
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)
    np.testing.assert_allclose(crossings(times, default), expected, rtol=0, atol=0.01)


FAMILIES = ["na_hh.step", "na_hh.inact", "k_hh.step", "na_tm.step", "k_tm.step", "ih_kole.step", "ih_hm.step"]
FAMILIES += ["ia_hm.step", "ia_hm.inact", "nap_ma.step", "im_yamada.step", "im_adams.step", "kir_stegen.step"]
FAMILIES += ["cal_reuveni.step", "cat_hm_ghk.step", "cat_hm_ghk.inact", "cat_nernst.step", "can_wolf_ghk.step"]
FAMILIES += ["can_wolf_ghk.inact", "can_migliore.step", "kt_hay.step", "kp_hay.step", "skv3_hay.step"]
FAMILIES += ["nata_hay.step", "calva_hay.step"]
MARKOV = ["nar_khaliq.step", "nar_khaliq.resurgent"]


@pytest.mark.parametrize(
    ("family", "tolerance"), [*((name, 1e-9) for name in FAMILIES), *((name, 1e-8) for name in MARKOV)]
)
def test_clamp_currents_to_a_billionth_of_peak(shared, family, tolerance):
    description = load(shared, "vclamp.json")[family]
    data = load(shared, "vclamp.npz")
    hold, test = description["protocol"]["hold"], np.array(description["protocol"]["test"])
    voltage = {"hold": hold, "test": test}
    levels = ps.Levels([(voltage.get(level, level), length) for level, length in description["protocol"]["segs"]])
    protocol = ps.VoltageClamp(levels, holding=hold, duration=1.0, dt=0.1)
    reversal = {key: description["erev"] for key in ("ena", "ek")}
    calcium = description["ca"] or {}
    built = cells.mechanism(description["mech"], description["params"], eca=calcium.get("eca"), **reversal)
    ions = ps.Ions(Ca=ps.Ion(calcium.get("cai", 1e-4), calcium.get("cao", 2.0), 2))
    area = 100.0  # um2: then pA are uA/cm2
    neuron = ps.Neuron(built, area=area, temperature=description["celsius"], ions=ions)
    recording = ps.simulate(neuron, protocol, times=jnp.asarray(data[f"{family}.t"]), save=("current",))
    expected = 1e3 * data[f"{family}.i"]
    error = np.abs(np.asarray(recording.current) - expected)
    assert np.max(error) < tolerance * np.max(np.abs(expected))


def test_resurgent_occupancies_within_1e_6(shared):
    data = load(shared, "steady_state.npz")
    v = jnp.asarray(data["V"], dtype=float)
    occupancies = c.NaR().steady_state(v, jnp.asarray(1e-4))
    for state, occupancy in occupancies.items():
        np.testing.assert_allclose(occupancy, data[f"nar_khaliq.{state}_ss"], rtol=0, atol=1e-6)
    np.testing.assert_allclose(sum(occupancies.values()), 1.0, rtol=1e-12)


@pytest.mark.parametrize("name", GATED)
def test_steady_states_and_time_constants_within_1e_12(shared, name):
    families = load(shared, "vclamp.json")
    temperature = jnp.asarray(float(families[f"{name}.step"]["celsius"]))
    data = load(shared, "steady_state.npz")
    v = jnp.asarray(data["V"], dtype=float)
    checked = 0
    for key, gate in GATED[name].at(temperature).gates.items():
        for column, value in {
            f"{key}inf": gate.steady_state(v),
            f"{key}tau": gate.time_constant(v),
            f"{key}_ss": gate.steady_state(v),
        }.items():
            if f"{name}.{column}" in data:
                np.testing.assert_allclose(value, data[f"{name}.{column}"], rtol=1e-12, err_msg=column)
                checked += 1
    assert checked


def test_sk_steady_state_within_1e_12(shared):
    data = load(shared, "steady_state.npz")
    gate = c.KCa().gates["z"]
    v = jnp.zeros(data["sk_kohler.cai"].shape)
    found = gate.steady_state(v, calcium=jnp.asarray(data["sk_kohler.cai"]))
    np.testing.assert_allclose(found, data["sk_kohler.zinf"], rtol=1e-12)


def test_time_constants_at_a_second_temperature(shared):
    data = load(shared, "misc.npz")
    v = jnp.asarray(data["V"], dtype=float)
    for name, temperature in load(shared, "misc.json")["second_temperature"].items():
        for key, gate in GATED[name].at(jnp.asarray(float(temperature))).gates.items():
            if f"tau2.{name}.{key}" in data:
                np.testing.assert_allclose(gate.time_constant(v), data[f"tau2.{name}.{key}"], rtol=1e-12, err_msg=name)


def test_nernst_and_ghk(shared):
    data = load(shared, "misc.npz")
    v = jnp.asarray(data["V"], dtype=float)
    for name, ion in load(shared, "misc.json")["ions"].items():
        inside, outside = jnp.asarray(float(ion["ci"])), jnp.asarray(float(ion["co"]))
        for row, temperature in enumerate(data["T"]):
            t = jnp.asarray(float(temperature))
            np.testing.assert_allclose(ps.nernst(inside, outside, ion["z"], t), data[f"nernst.{name}"][row], rtol=1e-12)
            flux = ps.electrochemistry.ghk_flux(v, inside, outside, ion["z"], t)
            scale = np.max(np.abs(data[f"ghk.{name}"][row]))
            np.testing.assert_allclose(1e-3 * flux, data[f"ghk.{name}"][row], rtol=1e-12, atol=1e-14 * scale)


def test_ghk_voltage_of_a_mixed_pore(shared):
    data = load(shared, "misc.npz")
    for ratio, expected in zip(data["ghkv.pna_pk"], data["ghkv.E_root_34C"], strict=True):
        found = ps.Ions().mixed_reversal(jnp.asarray(float(ratio)), jnp.asarray(34.0))
        np.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize("name", ["cortical", "thin"])
def test_clamped_calcium_pool(shared, name):
    data, pools = load(shared, "misc.npz"), load(shared, "misc.json")["pools"]
    neuron = ps.Neuron(
        {"CaL": c.CaL(g_max=1e3 * pools["gbar_cal"])},
        area=100.0,
        temperature=pools["celsius"],
        ions=ps.Ions(Ca=ps.Ion(1e-4, pools["cao"], 2)),
        calcium=cells.pool(pools["params"][name]),
    )
    protocol = ps.VoltageClamp(ps.Step(80.0, 1.0, 100.0), holding=-80.0, duration=301.0, dt=1.0)
    recording = ps.simulate(neuron, protocol, times=jnp.asarray(data["pool.t"]), solver=EXACT)
    expected = data[f"pool.{name}.cai"]
    np.testing.assert_allclose(recording.states["calcium"][0], expected, rtol=0, atol=1e-8 * expected.max())
    current = 1e3 * data[f"pool.{name}.ica"]
    np.testing.assert_allclose(recording.current[0], current, rtol=0, atol=1e-8 * np.abs(current).max())
