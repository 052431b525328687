"""What importing the package does to the process, and what it leaves alone."""

import json
import os
import subprocess
import sys
from pathlib import Path

import jaxlib
import pytest

ROOT = Path(__file__).resolve().parents[1]
OPTION = "xla_cpu_small_while_loop_byte_threshold"

LOOK = """
import json, os, sys
import jax
x64 = jax.config.jax_enable_x64
import patch_sim
report = {
    "flags": os.environ.get("XLA_FLAGS", ""),
    "fused": patch_sim.xla.LOOPS_ARE_FUSED,
    "x64_left_alone": jax.config.jax_enable_x64 == x64,
    "loaded": [name for name in ("gradio", "pyabf", "matplotlib", "optax", "fitting") if name in sys.modules],
}
from jax._src import xla_bridge
report["backends"] = list(xla_bridge._backends)
import jax.numpy as jnp
report["works"] = float(jnp.sum(jnp.arange(4.0)))
report["backends_later"] = list(xla_bridge._backends)
print(json.dumps(report))
"""


def imported(**changes: str) -> dict:
    environment = {k: v for k, v in os.environ.items() if k not in ("XLA_FLAGS", "PATCH_SIM_XLA_OPTION")}
    environment |= {"PYTHONPATH": str(ROOT), "JAX_PLATFORMS": "cpu", **changes}
    done = subprocess.run([sys.executable, "-c", LOOK], capture_output=True, text=True, check=True, env=environment)
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def default() -> dict:
    return imported()


def known() -> bool:
    return (0, 10) <= tuple(int(part) for part in jaxlib.__version__.split(".")[:2]) <= (0, 12)


@pytest.mark.skipif(not known(), reason="a jaxlib that is not known to take the option")
def test_the_option_is_set_and_xla_takes_it(default):
    assert default["fused"] is True
    assert f"--xla_backend_extra_options={OPTION}=" in default["flags"]
    assert default["works"] == 6.0


@pytest.mark.skipif(not known(), reason="a jaxlib that is not known to take the option")
def test_other_flags_are_kept():
    found = imported(XLA_FLAGS="--xla_cpu_enable_fast_math=false")
    assert found["flags"].startswith("--xla_cpu_enable_fast_math=false --xla_backend_extra_options=")
    assert found["works"] == 6.0


def test_it_can_be_switched_off():
    found = imported(PATCH_SIM_XLA_OPTION="0")
    assert found["fused"] is False
    assert found["flags"] == ""


def test_a_user_s_own_options_are_left_alone():
    own = f"--xla_backend_extra_options={OPTION}=5"
    found = imported(XLA_FLAGS=own)
    assert found["fused"] is False
    assert found["flags"] == own


@pytest.mark.parametrize(
    ("version", "expected"), [("0.9.2", False), ("0.10.2", True), ("0.12.0", True), ("1.0", False)]
)
def test_only_for_a_jaxlib_that_is_known_to_take_it(monkeypatch, version, expected):
    from patch_sim import xla

    monkeypatch.setattr(jaxlib, "__version__", version)
    monkeypatch.setenv("XLA_FLAGS", "")
    monkeypatch.delenv("PATCH_SIM_XLA_OPTION", raising=False)
    assert xla.fuse_small_loops() is expected
    assert (OPTION in os.environ["XLA_FLAGS"]) is expected


def test_import_starts_no_backend(default):
    assert default["backends"] == []
    assert default["backends_later"] != []  # so one would have been seen


def test_import_flips_no_switch(default):
    assert default["x64_left_alone"] is True


def test_import_loads_nothing_optional(default):
    assert default["loaded"] == []
