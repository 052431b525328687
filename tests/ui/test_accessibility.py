"""The page as axe-core sees it, https://github.com/dequelabs/axe-core: nothing serious in any tab, in either theme."""

from importlib import resources

import pytest
from playwright.sync_api import Page

AXE = resources.files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")

SERIOUS = """async () => {
    const { violations } = await axe.run({ resultTypes: ["violations"] });
    return violations
        .filter(({ impact }) => impact === "serious" || impact === "critical")
        .flatMap(({ id, nodes }) => nodes.map(({ target, failureSummary }) => [id, target.join(" "), failureSummary]));
}"""


@pytest.fixture(params=["light", "dark"])
def themed(request: pytest.FixtureRequest, page: Page) -> Page:
    page.evaluate("(dark) => document.body.classList.toggle('dark', dark)", request.param == "dark")
    page.evaluate(AXE)
    return page


def test_nothing_serious_in_any_tab(themed: Page):
    tabs = themed.get_by_role("tab")
    assert tabs.count() > 3
    found = []
    for tab in tabs.all():
        tab.click()
        found += [(tab.text_content(), *violation) for violation in themed.evaluate(SERIOUS)]
    assert found == []


def test_nothing_serious_in_what_opens(themed: Page):
    themed.get_by_role("button", name="Na", exact=True).click()
    themed.get_by_role("switch", name="K on", exact=True).click()
    themed.click(".membrane summary")
    themed.get_by_role("tab", name="Learn").click()
    themed.click(".lessons button >> nth=0")
    themed.click(".lesson summary")
    assert themed.evaluate(SERIOUS) == []
    themed.set_viewport_size({"width": 390, "height": 844})
    assert themed.evaluate(SERIOUS) == []
    for name in ("help", "code"):
        themed.click(f"#header nav [name={name}]")
        themed.wait_for_selector(f"dialog.{name}[open]")
        assert themed.evaluate(SERIOUS) == []
        themed.keyboard.press("Escape")
