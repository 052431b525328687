"""The rig in the browser: `uv run app.py`."""

import argparse
import contextlib
import inspect
import os
import signal
from collections.abc import Generator
from pathlib import Path
from typing import Any
from unittest import mock

import jax

jax.config.update("jax_enable_x64", True)
if "JAX_COMPILATION_CACHE_DIR" not in os.environ:
    jax.config.update("jax_compilation_cache_dir", str(Path.home() / ".cache" / "patch_sim" / "jax"))
jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
jax.config.update("jax_persistent_cache_min_entry_size_bytes", 0)
# A failed check inside a compiled program is a NaN, which `simulate` reports; raising would take a host callback, and
# JAX does not cache programs that have one.
os.environ.setdefault("EQX_ON_ERROR", "nan")
os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")


@contextlib.contextmanager
def _no_stubs() -> Generator[None, None, None]:
    """Spare gradio the type stubs that it writes about itself whenever it is imported, which takes seconds."""
    getfile = inspect.getfile

    def absent(thing: Any) -> str:
        if str(getattr(thing, "__module__", "")).startswith("gradio."):
            raise OSError("a class without a file gets no stub")
        return getfile(thing)

    with mock.patch.object(inspect, "getfile", absent):
        yield


def main() -> None:
    """Serve the page until interrupted."""
    parser = argparse.ArgumentParser(description="patch_sim, a patch-clamp rig in the browser")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: this machine only)")
    parser.add_argument("--port", type=int, help="port to listen on (default: the first free one from 7860)")
    parser.add_argument("--share", action="store_true", help="also serve it to the world, through gradio's relay")
    arguments = parser.parse_args()

    # after the switches above, some of which are read at import
    with _no_stubs():
        from fitting.ui import fit_panel
        from patch_sim.ui.jobs import Jobs
        from patch_sim.ui.look import launch_options
        from patch_sim.ui.page import page
        from patch_sim.ui.run import opening
        from patch_sim.ui.session import Session

    jobs = Jobs()
    blocks = page(jobs, fit_panel)
    _, url, _ = blocks.launch(
        server_name=arguments.host,
        server_port=arguments.port,
        share=arguments.share,
        prevent_thread_lock=True,
        quiet=True,
        **launch_options(),
    )
    jobs.start(Session(), opening)  # for nobody: what a page opens with compiles meanwhile
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell has a job in the background ignore Ctrl-C
    print(f"READY {url}", flush=True)
    blocks.block_thread()
    os._exit(0)  # what is still at work for a page would keep the program until it is done


if __name__ == "__main__":
    main()
