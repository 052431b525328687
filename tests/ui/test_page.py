"""The page in a real browser. What the canvas shows is read from the scope's `data-*` attributes."""

from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import BrowserContext, Page, expect
from pyabf.abfWriter import writeABF1

COLORED = """(layer) => {
    const canvas = document.querySelector(`.scope .${layer}`);
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    let count = 0;
    for (let k = 0; k < data.length; k += 4) {
        const [r, g, b, a] = data.slice(k, k + 4);
        if (a > 128 && Math.max(r, g, b) - Math.min(r, g, b) > 60) count++;
    }
    return count;
}"""

DROP = """() => {
    const source = document.querySelector("#source");
    const dataTransfer = new DataTransfer();
    for (const file of source.files) dataTransfer.items.add(file);
    source.remove();
    for (const type of ["dragenter", "dragover", "drop"]) {
        document.body.dispatchEvent(new DragEvent(type, { dataTransfer, bubbles: true, cancelable: true }));
    }
}"""


def scope(page: Page, name: str) -> str:
    return page.get_attribute(".scope", f"data-{name}")


def wait(page: Page, **data: object) -> None:
    page.wait_for_selector(".scope" + "".join(f'[data-{name}="{value}"]' for name, value in data.items()))


def fill(page: Page, **numbers: object) -> None:
    for name, number in numbers.items():
        page.fill(f"#steps-{name} input", str(number))


def drop(page: Page, *paths: Path) -> None:
    page.evaluate("""() => {
        const source = Object.assign(document.createElement("input"), { type: "file", id: "source", multiple: true });
        document.body.append(source);
    }""")
    page.set_input_files("#source", paths)
    page.evaluate(DROP)


def picture(page: Page) -> str:
    return page.evaluate("document.querySelector('.scope .base').toDataURL()")


def center(page: Page) -> tuple[float, float]:
    box = page.locator(".scope .top").bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 3


def test_opens_with_a_neuron_that_fires(page: Page):
    assert (scope(page, "sweeps"), scope(page, "samples"), scope(page, "unit")) == ("6", "6000", "mV")
    assert page.evaluate(COLORED, "base") > 3000
    expect(page.locator(".scope .title")).to_contain_text("Squid axon")
    expect(page.locator(".scope .legend")).to_contain_text("200 pA")
    expect(page.locator(".scope .empty")).to_be_hidden()
    expect(page.locator(".scope .notice")).to_be_hidden()


def test_run_draws_what_was_asked_for(page: Page):
    fill(page, first=-20, last=100, sweeps=40)
    page.click("#run")
    wait(page, drawn=40, busy="false")
    fill(page, sweeps=1, length=80)
    page.keyboard.press("Enter")
    wait(page, drawn=1, samples=3200, busy="false")


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("sweeps", 0, "Sweeps: 0 is not a whole number from 1 to 500."),
        ("sweeps", 501, "Sweeps: 501 is not a whole number from 1 to 500."),
        ("duration", -5, "Step duration: -5 ms is too little; it must be at least 0 ms."),
        ("length", 1e7, "at most 10,000,000"),
        ("first", "", "From: the field is empty; it wants a number in pA."),
    ],
)
def test_wrong_number_says_so_and_changes_nothing(page: Page, field: str, value: object, message: str):
    before = scope(page, "revision")
    fill(page, **{field: value})
    page.click("#run")
    expect(page.locator(".scope .notice.error")).to_contain_text(message)
    assert (scope(page, "revision"), scope(page, "sweeps")) == (before, "6")
    page.click(".scope .notice button")
    expect(page.locator(".scope .notice")).to_be_hidden()


def test_keys_select_a_sweep(page: Page):
    page.keyboard.press("ArrowUp")
    wait(page, selected=0)
    expect(page.locator(".scope .readout")).to_contain_text("sweep 1\u221250 pA")
    page.keyboard.press("ArrowDown")
    wait(page, selected=5)
    for _ in range(20):
        page.keyboard.press("ArrowRight")
    wait(page, selected=1)
    assert page.evaluate(COLORED, "top") > 500
    page.keyboard.press("Escape")
    wait(page, selected="")
    page.focus("#steps-first input")
    page.keyboard.press("ArrowUp")
    assert scope(page, "selected") == ""


def test_pointer_looks_at_a_sweep_and_a_click_keeps_it(page: Page):
    x, y = center(page)
    while scope(page, "looked") == "":  # down, until a line is near
        y += 5
        page.mouse.move(x, y)
        page.evaluate("new Promise(requestAnimationFrame)")
    expect(page.locator(".scope .readout")).to_contain_text(" mV")
    looked = scope(page, "looked")
    page.mouse.click(x, y)
    wait(page, selected=looked)
    page.mouse.move(5, 5)
    wait(page, selected=looked)


def test_drag_zooms_and_double_click_shows_all(page: Page):
    whole = picture(page)
    x, y = center(page)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 150, y, steps=3)
    page.mouse.up()
    page.wait_for_function("(whole) => document.querySelector('.scope .base').toDataURL() !== whole", arg=whole)
    assert scope(page, "selected") == ""
    page.mouse.dblclick(x, y)
    page.wait_for_function("(whole) => document.querySelector('.scope .base').toDataURL() === whole", arg=whole)


def test_dropped_abf_is_drawn(page: Page, tmp_path: Path):
    sweeps = -70.0 + 10.0 * np.random.default_rng(0).normal(size=(3, 5000))
    path = tmp_path / "three_sweeps.abf"
    writeABF1(sweeps, str(path), 20_000.0, units="mV")
    drop(page, path)
    wait(page, drawn=3, samples=5000, busy="false")
    expect(page.locator(".scope .title")).to_contain_text("three_sweeps.abf")
    assert page.evaluate(COLORED, "base") > 3000


def test_recording_of_a_pyramidal_cell(page: Page, shared: Path):
    drop(page, shared / "recordings" / "cc_pyr_171116sh_0018.abf")
    wait(page, drawn=17, unit="mV", busy="false")
    expect(page.locator(".scope .legend")).to_contain_text("300 pA")


def test_voltage_clamp_draws_current_over_voltage(page: Page, shared: Path):
    drop(page, shared / "recordings" / "vc_pyr_171116sh_0013_iv.abf")
    wait(page, unit="pA", busy="false")
    expect(page.locator(".scope .legend")).to_contain_text(" mV")


def test_flagged_recording_is_drawn_with_its_warnings(page: Page, shared: Path):
    drop(page, shared / "recordings" / "odd_wrong_units_18807005.abf")
    wait(page, drawn=2, busy="false")
    expect(page.locator(".scope .notice:not(.error)")).to_contain_text("1207")


def test_broken_file_says_so_and_changes_nothing(page: Page, tmp_path: Path):
    before = scope(page, "revision")
    path = tmp_path / "broken.abf"
    path.write_bytes(b"ABF2" + bytes(100))
    drop(page, path)
    expect(page.locator(".scope .notice.error")).to_contain_text("broken.abf cannot be read:")
    drop(page, path, path)
    expect(page.locator(".scope .notice.error")).to_contain_text("One file at a time")
    assert (scope(page, "revision"), scope(page, "sweeps")) == (before, "6")


def test_two_pages_do_not_mix(page: Page, context: BrowserContext):
    other = context.new_page()
    other.goto("/")
    wait(other, drawn=6)
    fill(page, sweeps=3)
    page.click("#run")
    wait(page, drawn=3)
    fill(other, sweeps=9)
    other.click("#run")
    wait(other, drawn=9)
    assert scope(page, "sweeps") == "3"


def test_theme_is_switched_and_remembered(page: Page):
    before, dark = picture(page), page.evaluate("document.body.classList.contains('dark')")
    page.click("#header .theme")
    page.wait_for_function("(before) => document.querySelector('.scope .base').toDataURL() !== before", arg=before)
    page.reload()
    wait(page, drawn=6)
    assert page.evaluate("document.body.classList.contains('dark')") is not dark


def test_lost_connection_is_said(page: Page, context: BrowserContext):
    page.route("**/component_server/**", lambda route: route.abort())
    page.click("#run")
    expect(page.locator(".scope .notice.error")).to_contain_text("Connection lost")
    context.problems.clear()  # the browser's own words for the request that failed


def test_a_cell_suggests_its_steps(page: Page):
    page.click("#cell input")
    page.get_by_role("option", name="Regular spiking").click()
    expect(page.locator("#steps-last input")).to_have_value("900")
    page.click("#run")
    page.wait_for_selector(".scope[data-drawn='5'][data-busy='false']", timeout=60_000)
    expect(page.locator(".scope .title")).to_contain_text("Regular spiking")
    assert page.evaluate(COLORED, "base") > 3000
