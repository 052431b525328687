"""Continuous mode for an hour, as a user would leave it running: a cell that fires, drawn by a real browser.

    uv run python -m tests.benchmarks.stream [--minutes 60]

prints a line every two minutes: how far what was shown lags behind what the clock says, updates a second, gaps
(samples that are not the ones after the last), and the memory of the server and of the page.
"""

import argparse
import json
import shutil
from typing import Any

from playwright.sync_api import Page, sync_playwright

from tests.ui.conftest import ARGUMENTS, serving
from tests.ui.test_live import ROOT, live, memory

EVERY = 2.0
"""min between lines."""
LOOK = f"""() => ({{
    ...document.querySelector("{ROOT}").dataset,
    clock: performance.now() / 1000,
    heap: performance.memory.usedJSHeapSize / 1e6,
}})"""


def look(page: Page, pid: int) -> dict[str, Any]:
    """What the page and the process say at one moment."""
    said = page.evaluate(LOOK)
    return {name: float(said[name]) for name in ("clock", "heap", "seconds", "updates", "gaps")} | {
        "server": memory(pid)
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=60.0)
    minutes = parser.parse_args().minutes
    with serving() as (url, app), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=ARGUMENTS)
        page = browser.new_page()
        page.goto(url)
        page.wait_for_selector(".scope[data-complete='true']", timeout=60_000)
        live(page)
        page.fill(f"{ROOT} input[name=holding_current]", "100")
        page.keyboard.press("Enter")
        page.wait_for_timeout(10_000)
        first = last = look(page, app.pid)
        print(f"{'min':>5} {'lag s':>7} {'updates/s':>10} {'gaps':>5} {'server MB':>10} {'page MB':>8}")
        while last["clock"] - first["clock"] < 60.0 * minutes - 1.0:
            page.wait_for_timeout(60_000 * min(EVERY, minutes))
            now = look(page, app.pid)
            since = now["clock"] - first["clock"]
            print(
                f"{since / 60.0:5.1f} {since - (now['seconds'] - first['seconds']):7.2f} "
                f"{(now['updates'] - last['updates']) / (now['clock'] - last['clock']):10.1f} {now['gaps']:5.0f} "
                f"{now['server']:10.1f} {now['heap']:8.1f}",
                flush=True,
            )
            last = now
        print(json.dumps({"growth_MB": {name: round(last[name] - first[name], 1) for name in ("server", "heap")}}))
        browser.close()


if __name__ == "__main__":
    main()
