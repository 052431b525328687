"""The panel Measure in a real browser."""

import csv
import io
import json
import statistics

import numpy as np
import pyabf
import pytest
from playwright.sync_api import Page, expect

import patch_sim as ps

MEASURED = ".measure[data-rows='6'][data-measuring='false']"

HIGHLIGHT = """() => {
    const row = document.querySelectorAll(".measure tbody tr")[4];
    const began = performance.now();
    document.dispatchEvent(new CustomEvent("rig:select", { detail: 4 }));
    const took = performance.now() - began;
    return row.getAttribute("aria-selected") === "true" ? took : Infinity;
}"""


@pytest.fixture
def panel(context) -> Page:
    context.set_default_timeout(30_000)
    page = context.new_page()
    page.set_viewport_size({"width": 1440, "height": 900})
    page.goto("/")
    page.wait_for_selector(MEASURED)
    return page


def test_table_curve_and_scope_select_the_same_sweep(panel: Page):
    rows = panel.locator(".measure tbody tr")
    assert rows.count() == 6
    expect(rows.nth(3)).to_contain_text("100")
    assert (panel.get_attribute(".measure", "data-plot"), panel.get_attribute(".measure", "data-points")) == ("fi", "9")
    rows.nth(4).click()
    panel.wait_for_selector(".scope[data-selected='4']")
    expect(rows.nth(4)).to_have_attribute("aria-selected", "true")
    panel.keyboard.press("ArrowUp")
    panel.wait_for_selector(".scope[data-selected='3']")
    panel.keyboard.press("Escape")
    panel.wait_for_selector(".scope[data-selected='']")
    panel.focus(".scope")
    panel.keyboard.press("End")
    panel.wait_for_selector(".measure[data-selected='5']")
    expect(rows.nth(5)).to_have_attribute("aria-selected", "true")
    assert statistics.median(panel.evaluate(HIGHLIGHT) for _ in range(5)) < 20.0


def test_the_phase_plane_follows_the_selection(panel: Page):
    panel.click(".measure [data-plot=phase]")
    panel.wait_for_selector(".measure[data-plot=phase]")
    expect(panel.locator(".measure figcaption")).to_have_text("sweep 3")
    panel.locator(".measure tbody tr").nth(5).click()
    expect(panel.locator(".measure figcaption")).to_have_text("sweep 6")


def test_where_nothing_is_measured_there_is_a_reason(panel: Page):
    none = panel.locator(".measure tbody tr").first.locator(".none").first
    expect(none).to_have_attribute("title", "not measurable: the sweep has no spike")
    panel.locator(".measure [data-name=rheobase]").get_by_text("50 \u00b1 14 pA").wait_for()


def test_files_are_downloaded_and_read_back(panel: Page, tmp_path):
    def saved(what: str, suffix: str):
        with panel.expect_download() as download:
            panel.click(f".measure [data-what={what}][data-suffix={suffix}]")
        path = tmp_path / download.value.suggested_filename
        download.value.save_as(path)
        return path

    for suffix in ("abf", "npz", "csv"):
        rec = ps.read(saved("data", suffix))
        assert (rec.sweeps, rec.time.size, rec.dt, rec.mode) == (6, 6000, 0.025, ps.Mode.CURRENT_CLAMP)
        np.testing.assert_array_equal(np.asarray(rec.command)[:, 2000], [-50.0, 0.0, 50.0, 100.0, 150.0, 200.0])
    atf = pyabf.ATF(str(saved("data", "atf")))
    assert (atf.sweepCount, atf.sweepPointCount) == (6, 6000)
    assert saved("picture", "png").read_bytes().startswith(b"\x89PNG")
    assert b"</svg>" in saved("picture", "svg").read_bytes()
    lines = saved("table", "csv").read_text().splitlines()
    rows = list(csv.DictReader(io.StringIO("\n".join(line for line in lines if not line.startswith("#")))))
    assert [row["count"] for row in rows] == ["0", "0", "1", "7", "8", "8"]
    assert json.loads(saved("table", "json").read_text())["values"]["rheobase"]["unit"] == "pA"
