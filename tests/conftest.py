"""Settings of every test: double precision, strict promotion, run-time checked shapes, one compilation cache."""

import gc
import os
from pathlib import Path

import jax
import pytest
from jaxtyping import install_import_hook

ROOT = Path(__file__).resolve().parents[1]

# For the processes that tests start, too.
os.environ["JAX_COMPILATION_CACHE_DIR"] = str(ROOT / ".jax_cache")
os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0.0"  # thousands of small programs are most of them

# JAX keeps no program with a host callback in its cache, and a diffrax solve has some unless its checks are off;
# patch_sim makes its own check of every solve.
os.environ.setdefault("EQX_ON_ERROR", "nan")

os.environ.setdefault("MPLBACKEND", "Agg")  # a picture needs no screen

jax.config.update("jax_enable_x64", True)
jax.config.update("jax_numpy_dtype_promotion", "strict")
jax.config.update("jax_numpy_rank_promotion", "raise")
jax.config.update("jax_compilation_cache_dir", os.environ["JAX_COMPILATION_CACHE_DIR"])
jax.config.update(
    "jax_persistent_cache_min_compile_time_secs", float(os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"])
)

install_import_hook(["patch_sim", "fitting"], "beartype.beartype")

# What is imported lives as long as the process, and tracing makes many small objects: look for cycles less often.
gc.freeze()
gc.set_threshold(20_000, 20, 50)


@pytest.fixture(scope="module", autouse=True)
def _forget_programs():
    """Free what a file compiled: thousands of programs in one process exceed what Linux lets it map, and crash it."""
    yield
    jax.clear_caches()


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of recordings and ground truth beside the repo."""
    folder = ROOT.parent / "shared"
    if not folder.is_dir():
        reason = "needs ../shared, the recordings and NEURON references that are not part of the repo"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return folder
