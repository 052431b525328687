"""The same calls on an NVIDIA GPU; run with -m gpu where there is one."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import patch_sim as ps

SQUID = ps.presets.neuron("squid_axon")
STEPS = ps.CurrentClamp(ps.Step([60.0, 150.0], 1.0, 8.0), duration=10.0, dt=0.1)
TABLE = ps.draw({"channels.Na.g_max": (80.0, 160.0)}, 50, seed=0)


@pytest.fixture(scope="module")
def gpu():
    try:
        return jax.devices("gpu")[:1]
    except RuntimeError:
        pytest.skip("JAX finds no GPU: needs one, and `uv sync --extra cuda`")


def peak(recording: ps.Recording) -> jax.Array:
    return jnp.max(recording.voltage, axis=1)


@pytest.mark.gpu
@pytest.mark.parametrize("name", ["squid_axon", "purkinje"])
@pytest.mark.parametrize(("dtype", "error"), [(jnp.float64, 1e-6), (jnp.float32, 0.05)])
def test_ensemble_says_what_the_cpu_says(gpu, name, dtype, error):
    cell = jax.tree.map(lambda x: x.astype(dtype), ps.presets.neuron(name))
    protocol = jax.tree.map(lambda x: x.astype(dtype), STEPS)
    table = ps.grid({"area": np.linspace(1000.0, 2000.0, 40)})
    options = {"initial": jnp.asarray(-65.0, dtype), "solver": ps.Exponential(0.025)}
    on_gpu, on_cpu = (
        ps.ensemble(cell, protocol, table, devices=devices, **options).values["voltage"]
        for devices in (gpu, jax.devices("cpu")[:1])
    )
    assert on_gpu.dtype == dtype
    np.testing.assert_allclose(on_gpu, on_cpu, rtol=0, atol=error)


@pytest.mark.gpu
def test_derivatives_on_the_gpu(gpu):
    options = {"initial": -65.0, "solver": ps.Exponential(0.025), "reduce": peak, "derivatives": ["channels.*.g_max"]}
    on_gpu, on_cpu = (
        ps.ensemble(SQUID, STEPS, TABLE, devices=devices, **options) for devices in (gpu, jax.devices("cpu")[:1])
    )
    for path, slope in on_cpu.derivatives.items():
        np.testing.assert_allclose(on_gpu.derivatives[path], slope, rtol=1e-6, atol=1e-9)


@pytest.mark.gpu
def test_the_default_on_a_gpu_goes_in_lockstep(gpu):
    made = ps.ensemble(SQUID, STEPS, TABLE, devices=gpu)
    exact = ps.ensemble(SQUID, STEPS, TABLE, devices=jax.devices("cpu")[:1])
    np.testing.assert_allclose(made.values["voltage"], exact.values["voltage"], rtol=0, atol=1.0)


@pytest.mark.gpu
@pytest.mark.parametrize("kind", [{"time_constant": 5.0}, {"low": 100.0, "high": 1000.0}])
def test_a_seed_stands_for_the_same_noise(gpu, kind):
    values = []
    for device in (gpu[0], jax.devices("cpu")[0]):
        with jax.default_device(device):
            noise = ps.Noise(1.0, 0.0, 50.0, seed=[1, 2], **kind)
            values.append(np.asarray(ps.CurrentClamp(noise, duration=50.0, dt=0.1).command()))
    np.testing.assert_allclose(*values, atol=1e-5)


def test_no_step_asks_the_host():
    """In the compiled time loop nothing calls back to Python, on whatever device."""
    run = jax.jit(lambda cell: ps.simulate(cell, STEPS, solver=ps.Exponential(0.05), save=("voltage",)).voltage)
    assert "callback" not in run.lower(SQUID).compile().as_text()
