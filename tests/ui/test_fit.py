"""The fit in a real browser."""

import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.ui.hands import drop

NA, K = "channels.Na.g_max", "channels.K.g_max"


def number(page: Page, name: str, value: object) -> None:
    field = page.locator(f".fit input[name='{name}']")
    if not field.is_visible():
        page.click(".fit .numbers summary")
    field.fill(str(value))
    field.press("Tab")


def cell(page: Page, row: int, column: int) -> float:
    text = page.locator(".fit .found tbody tr").nth(row).locator("td").nth(column).inner_text()
    return float(text.replace("\u2212", "-").replace("\u00b1", ""))


def done(page: Page, seconds: float = 120.0) -> None:
    page.wait_for_selector(".fit[data-phase=done] .found:not([hidden])", timeout=1e3 * seconds)


@pytest.fixture
def clamped(context: BrowserContext) -> Page:
    """Voltage steps on the squid axon, and then a rig whose conductances are others."""
    page = context.new_page()
    page.goto("/")
    page.wait_for_selector(".scope[data-drawn='6'][data-busy='false']")
    page.uncheck(".scope [name=auto]")
    page.click(".tabs button:text-is('Protocol')")
    page.select_option(".protocol [name=kind]", "voltage_steps")
    page.click(".scope [name=run]")
    page.wait_for_selector(".scope[data-unit='pA'][data-complete='true'][data-busy='false']")
    page.click(".tabs button:text-is('Cell')")
    for path, value in {NA: 70, K: 60}.items():
        page.fill(f".rack input[name='{path}']", str(value))
        page.press(f".rack input[name='{path}']", "Tab")
    page.click(".tabs button:text-is('Fit')")
    expect(page.locator(".fit .read")).to_contain_text("voltage clamp")
    page.uncheck(".fit input[name='channels.Leak.g_max']")
    expect(page.locator(f".fit input[name='{NA}.low']")).to_have_value("0.7")
    return page


def test_conductances_that_were_moved_away_come_back(clamped: Page):
    number(clamped, "starts", 2)
    number(clamped, "budget", 20)
    clamped.select_option(".fit [name=sweeps]", "odd")
    clamped.click(".fit [name=fit]")
    expect(clamped.locator(".fit .setting")).to_have_attribute("inert", "")
    done(clamped)
    rows = clamped.locator(".fit .found tbody tr td:first-child").all_inner_texts()
    found = {name: cell(clamped, row, 1) for row, name in enumerate(rows)}
    assert found == pytest.approx({"Na g_max": 120.0, "K g_max": 36.0}, rel=1e-3)
    expect(clamped.locator(".fit .predictions")).to_contain_text("pA rms in the sweeps that were left out")
    overlaid = clamped.get_attribute(".scope", "data-overlaid")
    assert overlaid == clamped.get_attribute(".scope", "data-sweeps")
    clamped.click(".fit [name=apply]")
    clamped.click(".tabs button:text-is('Cell')")
    expect(clamped.locator(f".rack input[name='{NA}']")).to_have_value(re.compile(r"120(\.0+)?|119\.9\d*"))
    with clamped.expect_download() as saved:
        clamped.click(".fit [name=save]")
    assert json.loads(Path(saved.value.path()).read_text(encoding="utf-8"))["estimates"][0]["unit"] == "mS/cm2"
    clamped.click(".fit [name=certify]")
    expect(clamped.locator(".fit .found .words .passed").first).to_be_visible(timeout=120_000)


def test_a_bound_that_is_none_says_so(clamped: Page):
    clamped.fill(f".fit input[name='{NA}.low']", "500")
    clamped.fill(f".fit input[name='{NA}.high']", "400")
    clamped.click(".fit [name=fit]")
    expect(clamped.locator(".scope .notice.error")).to_contain_text(
        "Na g_max: the lower bound, 500 mS/cm2, must be below"
    )
    clamped.uncheck(f".fit input[name='{NA}']")
    clamped.uncheck(f".fit input[name='{K}']")
    clamped.click(".fit [name=fit]")
    expect(clamped.locator(".scope .notice.error")).to_contain_text("tick at least one parameter")


def test_stop_keeps_the_best(clamped: Page):
    number(clamped, "starts", 64)
    number(clamped, "budget", 600)
    clamped.click(".fit [name=fit]")
    clamped.wait_for_selector(".fit[data-phase=fitting]:not([data-loss=''])", timeout=120_000)
    clamped.click(".fit [name=stop]")
    done(clamped)
    expect(clamped.locator(".fit .found")).to_contain_text("the fit was interrupted; this is the best so far")


@pytest.mark.slow
def test_herg_recording_is_fitted_to_the_end_and_stopped_in_the_middle(clamped: Page, shared: Path):
    drop(clamped, shared / "recordings" / "vc_herg_cho_cell5_sine.npz")
    clamped.wait_for_selector(".scope[data-drawn='1'][data-samples='80000'][data-busy='false']")
    expect(clamped.locator(".fit .read")).to_contain_text("80,000 samples")
    clamped.select_option(".fit [name=model]", "herg")
    expect(clamped.locator(".fit .free summary").first).to_contain_text("9 of 9 free")
    number(clamped, "budget", 120)
    clamped.click(".fit [name=fit]")
    clamped.wait_for_selector(".fit[data-drawn]", timeout=120_000)
    done(clamped, 300.0)
    assert float(clamped.get_attribute(".fit", "data-loss")) == pytest.approx(31.64, abs=0.01)
    expect(clamped.locator(".fit [name=apply]")).to_be_disabled()
    number(clamped, "starts", 64)
    clamped.click(".fit [name=fit]")
    clamped.wait_for_selector(".fit[data-phase=fitting]:not([data-loss=''])", timeout=300_000)
    clamped.click(".fit [name=stop]")
    done(clamped)
    expect(clamped.locator(".fit .found")).to_contain_text("the fit was interrupted")
