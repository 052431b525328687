"""The one XLA option that decides how fast a simulation runs on a CPU."""

import os
import re

import jaxlib

_OPTION = "xla_cpu_small_while_loop_byte_threshold"
_MAP = "--xla_backend_extra_options"


def fuse_small_loops() -> bool:
    """Ask XLA to compile a time loop into one function; say whether the request stands.

    XLA's CPU backend runs the body of a `while` loop as a list of small kernels and pays about 0.5 us for
    each, unless the whole loop is smaller than a threshold. A time step of a neuron is many tiny kernels, so
    raising the threshold makes a simulation about ten times faster. The option cannot be given to one `jit`
    and must stand in the environment before JAX starts its backend, so it is set when `patch_sim` is imported.

    It is set only for a jaxlib that is known to take it (XLA ends the process at a flag that it does not
    know), only if nobody else set that map of options, and not at all if `PATCH_SIM_XLA_OPTION=0`.
    """
    if os.environ.get("PATCH_SIM_XLA_OPTION", "1") == "0":
        return False
    version = tuple(int(part) for part in re.findall(r"\d+", jaxlib.__version__)[:2])
    flags = os.environ.get("XLA_FLAGS", "")
    if not (0, 10) <= version <= (0, 12) or _MAP in flags:
        return False
    os.environ["XLA_FLAGS"] = f"{flags} {_MAP}={_OPTION}=100000000".strip()
    return True


LOOPS_ARE_FUSED = fuse_small_loops()
"""Whether the option was set when the package was imported."""
