"""The page in a real browser. What the canvas shows is read from the scope's `data-*` attributes."""

from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from pyabf.abfWriter import writeABF1

import patch_sim as ps
from patch_sim.ui.cell import title
from patch_sim.ui.protocol import KINDS, READY
from tests.ui.conftest import serving
from tests.ui.hands import drop

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


def scope(page: Page, name: str) -> str:
    return page.get_attribute(".scope", f"data-{name}")


def wait(page: Page, **data: object) -> None:
    page.wait_for_selector(".scope" + "".join(f'[data-{name}="{value}"]' for name, value in data.items()))


def tab(page: Page, label: str) -> None:
    page.click(f".tabs button:text-is('{label}')")


def fill(page: Page, **numbers: object) -> None:
    tab(page, "Protocol")
    for name, number in numbers.items():
        page.fill(f".protocol input[name={name}]", str(number))
        page.press(f".protocol input[name={name}]", "Tab")


def run(page: Page) -> None:
    page.click(".scope [name=run]")


def manual(page: Page) -> None:
    """Run when asked alone."""
    page.uncheck(".scope [name=auto]")


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
    manual(page)
    fill(page, first=-20, last=100, sweeps=40)
    run(page)
    wait(page, drawn=40, busy="false")
    fill(page, sweeps=1, length=80)
    page.keyboard.press("Escape")
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("r")
    wait(page, drawn=1, samples=3200, busy="false")


def test_every_change_runs_again(page: Page):
    before = scope(page, "revision")
    page.focus("[data-channel=Na] input[type=range]")
    page.keyboard.press("ArrowLeft")
    page.wait_for_selector(f".scope:not([data-revision='{before}'])[data-drawn='6'][data-busy='false']")
    assert page.locator("[data-channel=Na].changed").count() == 1


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("sweeps", 0, "Sweeps: 0 is not a whole number from 1 to 500."),
        ("sweeps", 501, "Sweeps: 501 is not a whole number from 1 to 500."),
        ("duration", -5, "Step duration: -5 ms is too little; it must be at least 0 ms."),
        ("length", 1e6, "at most 10,000,000"),
        ("first", "", "From: the field is empty; it wants a number in pA."),
        ("first", "much", "From: 'much' is not a number in pA."),
    ],
)
def test_wrong_number_says_so_and_changes_nothing(page: Page, field: str, value: object, message: str):
    before = scope(page, "revision")
    fill(page, **{field: value})
    expect(page.locator(".scope .notice.error")).to_contain_text(message)
    expect(page.locator(".protocol .wrong")).to_contain_text(message)
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
    page.keyboard.press("End")
    wait(page, selected=5)
    page.keyboard.press("Home")
    wait(page, selected=0)
    page.keyboard.press("Escape")
    page.focus("[data-channel=Na] input[type=range]")
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


def changed(page: Page, before: str) -> None:
    page.wait_for_function("(before) => document.querySelector('.scope .base').toDataURL() !== before", arg=before)


def restored(page: Page, before: str) -> None:
    page.wait_for_function("(before) => document.querySelector('.scope .base').toDataURL() === before", arg=before)


def test_drag_zooms_and_double_click_shows_all(page: Page):
    whole = picture(page)
    x, y = center(page)
    for down in (0, 80):  # in time alone, and into a rectangle
        page.mouse.move(x, y)
        page.mouse.down()
        page.mouse.move(x + 150, y + down, steps=3)
        page.mouse.up()
        changed(page, whole)
        assert scope(page, "selected") == ""
        page.mouse.dblclick(x, y)
        restored(page, whole)


def test_wheel_zooms_and_alt_drag_pans(page: Page):
    whole = picture(page)
    page.mouse.move(*center(page))
    page.mouse.wheel(0, -300)
    changed(page, whole)
    near = picture(page)
    x, y = center(page)
    page.keyboard.down("Alt")
    page.mouse.down()
    page.mouse.move(x + 60, y, steps=3)
    page.mouse.up()
    page.keyboard.up("Alt")
    changed(page, near)
    page.keyboard.press("0")
    restored(page, whole)


def test_cursors_measure(page: Page):
    page.keyboard.press("c")
    between = page.locator(".scope .between")
    expect(between).to_contain_text("49.992 ms")
    box = page.locator(".scope .top").bounding_box()
    left, width = box["x"] + 68, box["width"] - 68 - 18
    page.mouse.move(left + width / 3, box["y"] + 100)
    page.mouse.down()
    page.mouse.move(left + width / 2, box["y"] + 100, steps=3)
    page.mouse.up()
    expect(between).not_to_contain_text("49.992 ms")
    expect(between).to_contain_text(" mV")
    page.keyboard.press("Escape")
    expect(between).to_be_hidden()


def test_channel_currents_are_further_traces(page: Page):
    page.select_option(".scope [name=extra]", "I Na")
    wait(page, panels="response extra command")
    page.keyboard.press("ArrowUp")
    expect(page.locator(".scope .readout")).to_contain_text("pA")
    page.select_option(".scope [name=extra]", "")
    wait(page, panels="response command")


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


def test_a_script_named_abf_says_so(page: Page, tmp_path: Path):
    path = tmp_path / "script.abf"
    path.write_text("import os\nos.remove('everything')\n")
    drop(page, path)
    expect(page.locator(".scope .notice.error")).to_contain_text("script.abf cannot be read:")
    assert scope(page, "sweeps") == "6"


def test_a_large_file_is_not_even_sent(page: Page, tmp_path: Path):
    path = tmp_path / "large.abf"
    with path.open("wb") as file:
        file.truncate(201_000_000)
    sent = []
    page.on("request", lambda request: sent.append(request.url) if "upload" in request.url else None)
    drop(page, path)
    expect(page.locator(".scope .notice.error")).to_contain_text("large.abf has 201 MB")
    page.set_input_files("#bench input[type=file]", path)
    expect(page.locator(".scope .notice.error")).to_contain_text("at most 200 MB")
    assert sent == []
    assert scope(page, "sweeps") == "6"


def test_a_killed_server_shows(browser: Browser):
    with serving() as (address, app):
        page = browser.new_page()
        page.goto(address)
        wait(page, drawn=6)
        app.kill()
        expect(page.locator("#header .lost-mark")).to_be_visible()
        page.close()


def test_two_pages_do_not_mix(page: Page, context: BrowserContext):
    other = context.new_page()
    other.goto("/")
    wait(other, drawn=6)
    fill(page, sweeps=3)
    wait(page, drawn=3)
    fill(other, sweeps=9)
    wait(other, drawn=9)
    assert scope(page, "sweeps") == "3"


def test_theme_is_switched_and_remembered(page: Page):
    before, dark = picture(page), page.evaluate("document.body.classList.contains('dark')")
    page.click("#header [name=theme]")
    page.wait_for_function("(before) => document.querySelector('.scope .base').toDataURL() !== before", arg=before)
    page.reload()
    wait(page, drawn=6)
    assert page.evaluate("document.body.classList.contains('dark')") is not dark


def test_lost_connection_is_said(page: Page, context: BrowserContext):
    page.route("**/component_server/**", lambda route: route.abort())
    run(page)
    expect(page.locator(".scope .notice.error")).to_contain_text("Connection lost")
    expect(page.locator("#header .lost-mark")).to_be_visible()
    page.unroute("**/component_server/**")
    run(page)
    expect(page.locator("#header .lost-mark")).to_be_hidden()
    context.problems.clear()  # the browser's own words for the request that failed


def test_a_cell_brings_its_steps(page: Page):
    page.select_option(".rack [name=base]", "regular_spiking")
    page.wait_for_selector(".rack[data-cell=regular_spiking][data-channels='4']")
    page.wait_for_selector(".scope[data-drawn='5'][data-busy='false']", timeout=60_000)
    tab(page, "Protocol")
    expect(page.locator(".protocol input[name=last]")).to_have_value("900")
    expect(page.locator(".scope .title")).to_contain_text("Regular spiking")
    assert page.evaluate(COLORED, "base") > 3000


def numbers(page: Page) -> dict[str, float]:
    return page.evaluate("window.patchSim.state.cell.numbers")


def test_changes_are_undone_and_redone(page: Page):
    page.fill("[data-channel=Na] .line input[inputmode]", "60")
    page.press("[data-channel=Na] .line input[inputmode]", "Enter")
    page.click("[data-channel=K] input[role=switch]")
    expect(page.locator("[data-channel=K].off")).to_be_visible()
    page.click("#header [name=undo]")
    expect(page.locator("[data-channel=K].off")).to_have_count(0)
    assert numbers(page) == {"channels.Na.g_max": 60}
    page.click("#header [name=undo]")
    assert numbers(page) == {}
    expect(page.locator("[data-channel=Na] .line input[inputmode]")).to_have_value("120")
    page.click("#header [name=redo]")
    assert numbers(page) == {"channels.Na.g_max": 60}
    page.click(".rack [name=reset]")
    assert numbers(page) == {}


def test_a_channel_is_added_opened_and_removed(page: Page):
    page.select_option(".rack [name=add]", "M")
    page.click("[data-channel=M] .name")
    expect(page.locator("[data-channel=M] .source")).to_contain_text("Yamada")
    page.wait_for_function("document.querySelector('[data-channel=M] canvas').height > 50")
    expect(page.locator(".scope .title")).to_contain_text("Squid axon")
    page.click("[data-channel=M] .remove")
    expect(page.locator("[data-channel=M]")).to_have_count(0)


def test_a_negative_conductance_is_refused(page: Page):
    page.fill("[data-channel=Na] .line input[inputmode]", "-5")
    page.press("[data-channel=Na] .line input[inputmode]", "Enter")
    expect(page.locator(".scope .notice.error")).to_contain_text("at least 0")
    assert numbers(page) == {}


def test_the_cell_is_saved_and_loaded(page: Page, tmp_path: Path):
    page.fill("[data-channel=Na] .line input[inputmode]", "77")
    page.press("[data-channel=Na] .line input[inputmode]", "Enter")
    with page.expect_download() as download:
        page.click(".rack [name=save]")
    path = tmp_path / "cell.json"
    download.value.save_as(path)
    page.click(".rack [name=reset]")
    page.set_input_files(".rack [name=file]", path)
    page.wait_for_function("window.patchSim.state.cell.numbers['channels.Na.g_max'] === 77")
    path.write_text('{"cell": {"base": "octopus"}, "protocol": {"kind": "steps"}}')
    page.set_input_files(".rack [name=file]", path)
    expect(page.locator(".scope .notice.error")).to_contain_text("no cell 'octopus'")
    path.write_text("no JSON")
    page.set_input_files(".rack [name=file]", path)
    expect(page.locator(".scope .notice.error")).to_contain_text("holds no saved rig")
    assert numbers(page) == {"channels.Na.g_max": 77}


def test_a_link_holds_everything(page: Page, context: BrowserContext):
    page.fill("[data-channel=Na] .line input[inputmode]", "88")
    page.press("[data-channel=Na] .line input[inputmode]", "Enter")
    fill(page, sweeps=2)
    page.click("#header [name=link]")
    page.wait_for_function("location.hash.startsWith('#rig=')")
    other = context.new_page()
    other.goto(page.url)
    wait(other, drawn=2, busy="false")
    assert numbers(other) == {"channels.Na.g_max": 88}
    broken = context.new_page()
    broken.goto(page.url[:-20])
    wait(broken, drawn=6, busy="false")
    broken.wait_for_timeout(500)  # it stays when the traces have come
    expect(broken.locator(".scope .notice.error")).to_contain_text("The link cannot be followed")


def test_the_code_is_shown(page: Page):
    page.click("#header [name=code]")
    expect(page.locator("dialog.code pre")).to_contain_text('ps.presets.neuron("squid_axon")')
    page.keyboard.press("Escape")
    expect(page.locator("dialog.code")).to_be_hidden()


def test_an_electrode_stands_between(page: Page):
    tab(page, "Electrode")
    page.click(".electrode [name=typical]")
    page.wait_for_selector(".scope[data-drawn='6'][data-busy='false']", timeout=60_000)
    expect(page.locator(".electrode input[name=series_resistance]")).to_have_value("10")
    page.fill(".electrode input[name=correction]", "99")
    page.keyboard.press("Tab")
    expect(page.locator(".scope .notice.error")).to_contain_text("Rs correction: 99 % is too much")
    expect(page.locator(".electrode input[name=correction]")).to_have_value("0")


def test_voltage_clamp_steps(page: Page):
    tab(page, "Protocol")
    page.select_option(".protocol [name=kind]", "voltage_steps")
    wait(page, drawn=15, unit="pA", busy="false")
    page.wait_for_selector(".protocol[data-previewed='15']")
    expect(page.locator(".scope .legend")).to_contain_text("50 mV")


def test_tabs_obey_the_arrow_keys(page: Page):
    page.focus(".tabs button >> nth=0")
    page.keyboard.press("ArrowRight")
    expect(page.locator(".protocol")).to_be_visible()
    expect(page.locator(".rack")).to_be_hidden()


@pytest.mark.slow
@pytest.mark.parametrize("cell", ps.presets.neurons())
def test_every_preset_runs(page: Page, cell: str):
    page.select_option(".rack [name=base]", cell)
    page.wait_for_selector(f".rack[data-cell={cell}]")
    page.wait_for_function(
        "(cell) => document.querySelector('.scope .title').textContent.startsWith(cell)",
        arg=title(cell),
        timeout=90_000,
    )
    page.wait_for_selector(".scope[data-complete='true'][data-busy='false']", timeout=90_000)
    assert page.evaluate(COLORED, "base") > 3000


@pytest.mark.slow
@pytest.mark.parametrize("kind", [*sorted(KINDS.keys() - {"steps"}), *READY])  # with steps the page opens
def test_every_protocol_runs(page: Page, kind: str):
    before = scope(page, "revision")
    tab(page, "Protocol")
    page.select_option(".protocol [name=kind]", kind)
    page.wait_for_selector(
        f".scope:not([data-revision='{before}'])[data-complete='true'][data-busy='false']", timeout=90_000
    )
    expect(page.locator(".scope .notice.error")).to_be_hidden()


@pytest.mark.slow
def test_a_selection_is_painted_at_once(page: Page):
    fill(page, length=250, duration=200, sweeps=50)
    wait(page, drawn=50, samples=10000, busy="false")
    times = page.evaluate("""async () => {
        const canvas = document.querySelector(".scope .top");
        const box = canvas.getBoundingClientRect();
        const times = { selection: [], hover: [] };
        for (let k = 0; k < 40; k++) {
            const at = { clientX: box.left + 100 + 12 * k, clientY: box.top + 60 + 9 * k, bubbles: true };
            let begin = performance.now();
            canvas.dispatchEvent(new PointerEvent("pointermove", at));
            await new Promise(requestAnimationFrame);
            times.hover.push(performance.now() - begin);
            begin = performance.now();
            document.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowUp" }));
            await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
            times.selection.push(performance.now() - begin);
        }
        const median = (values) => values.sort((a, b) => a - b)[values.length / 2];
        return { selection: median(times.selection), hover: median(times.hover) };
    }""")
    print(f"50 sweeps x 10,000 points: selection to painted {times['selection']:.0f} ms, hover {times['hover']:.0f} ms")
    assert times["selection"] < 150
    assert times["hover"] < 40  # a frame is 17 ms of it
