"""Continuous mode in a real browser, read from the `data-*` attributes of its panel."""

import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import BrowserContext, Page, expect

import patch_sim as ps

ROOT = ".continuous"
CHANGE = """(change) => {
    const rig = window.patchSim;
    rig.state = { ...rig.state, cell: { ...rig.state.cell, ...change } };
    document.dispatchEvent(new CustomEvent("rig:state"));
}"""
CLOCK = "([performance.now(), Number(document.querySelector('.continuous').dataset.updates)])"


def opened(context: BrowserContext) -> Page:
    page = context.new_page()
    page.goto("/")
    page.wait_for_selector(".scope[data-complete='true']", timeout=60_000)
    return page


def live(page: Page) -> Page:
    page.click(f"{ROOT} [name=continuous]")
    page.wait_for_selector(f"{ROOT}:not([data-updates='0'])", timeout=60_000)
    return page


@pytest.fixture
def streaming(context: BrowserContext) -> Page:
    return live(opened(context))


def data(page: Page, name: str) -> str:
    return page.get_attribute(ROOT, f"data-{name}")


def wait(page: Page, condition: str, timeout: float = 15_000) -> None:
    """Until something is true of the data attributes, `d`."""
    held = f"() => {{ const d = document.querySelector('{ROOT}').dataset; return {condition}; }}"
    page.wait_for_function(held, timeout=timeout)


def updates_per_second(page: Page, seconds: float) -> float:
    before = page.evaluate(CLOCK)
    page.wait_for_timeout(1000 * seconds)
    after = page.evaluate(CLOCK)
    return 1000 * (after[1] - before[1]) / (after[0] - before[0])


def server(url: str) -> int:
    """The process that listens there."""
    port = f"{int(url.rstrip('/').split(':')[-1]):04X}"
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    inode = next(line.split()[9] for line in lines if line.split()[1].endswith(f":{port}") and line.split()[3] == "0A")
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if any(os.readlink(link) == f"socket:[{inode}]" for link in (process / "fd").iterdir()):
                return int(process.name)
        except OSError:
            continue
    raise AssertionError("nobody listens")


def memory(pid: int) -> float:
    """Resident, MB."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def open_tapes(pid: int) -> int:
    """How many unnamed files a process has open, as a recording is while it grows."""
    links = [os.readlink(link) for link in Path(f"/proc/{pid}/fd").iterdir() if link.is_symlink()]
    return sum(link.endswith("(deleted)") for link in links)


def until(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.1)


@pytest.mark.slow
def test_runs_without_a_gap(streaming: Page):
    page = streaming
    wait(page, "Number(d.seconds) > 3")
    assert data(page, "gaps") == "0"  # every sample was the one after the last


def test_a_conductance_is_turned_while_it_runs(streaming: Page):
    page, latencies = streaming, []
    wait(page, "Number(d.value) < -60")
    for k in range(9):
        page.wait_for_timeout(200)
        page.evaluate(f"document.querySelector('{ROOT}').dataset.latency = ''")
        page.evaluate(CHANGE, {"numbers": {"channels.K.g_max": [36.0, 5.0][k % 2] + 0.01 * k}})
        wait(page, "d.latency")
        latencies.append(float(data(page, "latency")))
    print(f"seen after {statistics.median(latencies):.0f} ms in the median, {max(latencies):.0f} ms at most")
    page.evaluate(CHANGE, {"numbers": {"channels.K.g_max": 5.0}})
    wait(page, "Number(d.value) > -60 || Number(d.rate) > 0")
    assert data(page, "gaps") == "0"


def test_current_makes_it_fire_and_a_pulse_is_one_spike(streaming: Page):
    page = streaming
    wait(page, "d.rate === '0.0'")
    page.keyboard.press("p")
    wait(page, "Number(d.rate) > 0")
    wait(page, "d.rate === '0.0'")
    page.fill(f"{ROOT} input[name=holding_current]", "100")
    page.keyboard.press("Enter")
    wait(page, "Number(d.rate) > 40")
    expect(page.locator(f"{ROOT} .readout")).to_contain_text("fires at")


def test_clamp_is_switched_and_the_membrane_tested(streaming: Page):
    page = streaming
    state = "({ ...window.patchSim.state, electrode: { series_resistance: 10 } })"
    page.evaluate(f"""() => {{
        window.patchSim.state = {state};
        document.dispatchEvent(new CustomEvent("rig:state"));
    }}""")
    page.click(f"{ROOT} [name=vc]")
    wait(page, "d.mode === 'voltage clamp'", 60_000)
    page.check(f"{ROOT} [name=test]")
    expect(page.locator(f"{ROOT} .readout")).to_contain_text("MOhm", timeout=60_000)
    words = page.inner_text(f"{ROOT} .readout").split()
    assert float(words[words.index("Rs") + 1]) == pytest.approx(10.0, rel=0.1)
    page.click(f"{ROOT} [name=cc]")
    wait(page, "d.mode === 'current clamp'", 60_000)
    assert data(page, "gaps") == "0"


def test_trigger_and_time_base(streaming: Page):
    page = streaming
    page.select_option(f"{ROOT} [name=trigger]", "rising")
    page.select_option(f"{ROOT} [name=base]", "50")
    expect(page.locator(f"{ROOT} .waiting")).to_have_text("Waiting for the trigger")
    page.keyboard.press("Escape")
    page.focus(ROOT)
    page.keyboard.press("p")
    expect(page.locator(f"{ROOT} .waiting")).to_be_hidden()


def test_recording_is_downloaded(streaming: Page, tmp_path: Path):
    page = streaming
    page.fill(f"{ROOT} input[name=holding_current]", "100")
    page.keyboard.press("Enter")
    wait(page, "Number(d.rate) > 40")
    with page.expect_download() as download:
        page.click(f"{ROOT} [name=record]")
        expect(page.locator(f"{ROOT} [name=record]")).to_contain_text("1.", timeout=30_000)
        page.click(f"{ROOT} [name=record]")
    path = tmp_path / "continuous.npz"
    download.value.save_as(path)
    recording = ps.read(path)
    assert recording.mode is ps.Mode.CURRENT_CLAMP
    assert recording.dt == 0.025
    assert 1000.0 < recording.time[-1] < 10_000.0
    assert np.ptp(recording.voltage) > 80.0
    np.testing.assert_array_equal(recording.command, 100.0)


def test_bad_number_is_said_and_the_cell_lives_on(streaming: Page):
    page = streaming
    page.fill(f"{ROOT} input[name=pulse_duration]", "-3")
    page.keyboard.press("Enter")
    expect(page.locator(f"{ROOT} .notice.error")).to_contain_text("for: -3 is not a number from 0.025")
    page.evaluate(CHANGE, {"numbers": {"area": -1.0}})
    expect(page.locator(f"{ROOT} .notice.error")).to_contain_text("area")
    before = int(data(page, "samples"))
    wait(page, f"Number(d.samples) > {before + 20_000}")
    assert data(page, "gaps") == "0"


def test_pause_stops_the_server(streaming: Page):
    page, pulls = streaming, []
    page.on("request", lambda request: pulls.append(request) if '"pull"' in (request.post_data or "") else None)
    page.focus(ROOT)
    page.keyboard.press(" ")
    wait(page, "d.running === 'false'")
    page.wait_for_timeout(500)
    pulls.clear()
    before = data(page, "samples")
    page.wait_for_timeout(1000)
    assert pulls == []
    assert data(page, "samples") == before
    page.keyboard.press(" ")
    wait(page, f"Number(d.samples) > {before}")
    page.click(f"{ROOT} [name=sweeps]")
    expect(page.locator(".scope")).to_be_visible()
    expect(page.locator(f"{ROOT} .screen")).to_be_hidden()
    assert data(page, "gaps") == "0"


def test_two_pages_do_not_mix(context: BrowserContext):
    firing, silent = live(opened(context)), live(opened(context))
    firing.fill(f"{ROOT} input[name=holding_current]", "100")
    firing.keyboard.press("Enter")
    wait(firing, "Number(d.rate) > 40", 30_000)
    wait(silent, "d.rate === '0.0'")
    assert float(data(silent, "value")) == pytest.approx(-65.0, abs=0.2)
    assert data(firing, "gaps") == data(silent, "gaps") == "0"


def test_closing_the_page_lets_go_of_everything(streaming: Page, url: str):
    page, pid = streaming, server(url)
    before = open_tapes(pid)
    page.click(f"{ROOT} [name=record]")
    expect(page.locator(f"{ROOT} [name=record]")).to_have_attribute("aria-pressed", "true")
    assert open_tapes(pid) > before
    page.close()
    until(lambda: open_tapes(pid) <= before)


@pytest.mark.slow
def test_a_minute_without_gap_or_growth(streaming: Page, url: str):
    page, pid = streaming, server(url)
    page.fill(f"{ROOT} input[name=holding_current]", "100")
    page.keyboard.press("Enter")
    page.wait_for_timeout(10_000)
    before = memory(pid)
    rate = updates_per_second(page, 60.0)
    growth = memory(pid) - before
    print(f"{rate:.1f} updates/s, {growth:+.1f} MB of {before:.0f} MB")
    assert data(page, "gaps") == "0"
    assert rate >= 20.0
    assert growth < 20.0


@pytest.mark.slow
def test_five_streams_side_by_side(context: BrowserContext):
    pages = [live(opened(context)) for _ in range(5)]
    for page in pages:
        page.wait_for_timeout(500)
    before = [page.evaluate(CLOCK) for page in pages]
    pages[0].wait_for_timeout(10_000)
    after = [page.evaluate(CLOCK) for page in pages]
    rates = [1000 * (b[1] - a[1]) / (b[0] - a[0]) for a, b in zip(before, after, strict=True)]
    print("updates/s:", ", ".join(f"{rate:.1f}" for rate in rates))
    assert min(rates) >= 4.0  # two cores compute and draw all five, beside whatever else they do
    assert max(rates) < 2.0 * min(rates)  # nobody starves another
    assert [data(page, "gaps") for page in pages] == ["0"] * 5
