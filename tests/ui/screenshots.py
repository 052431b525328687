"""The pictures of the page in the README.

uv run python -m tests.ui.screenshots
"""

import shutil

from playwright.sync_api import Page, sync_playwright

from tests.ui.conftest import ARGUMENTS, ROOT, serving

FOLDER = ROOT / ".figures"
SIZE = {"width": 1440, "height": 900}


def sweeps(page: Page) -> None:
    """A squid axon under steps, a channel opened and a sweep selected."""
    page.evaluate("document.body.classList.remove('dark')")
    page.click("[data-channel=Na] .name")
    page.wait_for_function("document.querySelector('[data-channel=Na] canvas').height > 50")
    page.evaluate("document.activeElement.blur()")
    page.wait_for_selector(".measure tbody tr >> nth=5")
    page.keyboard.press("End")


def fit(page: Page) -> None:
    """Conductances that were moved away, fitted back to a voltage clamp."""
    page.evaluate("document.body.classList.add('dark')")
    page.uncheck(".scope [name=auto]")
    page.click(".tabs button:text-is('Protocol')")
    page.select_option(".protocol [name=kind]", "voltage_steps")
    page.click(".scope [name=run]")
    page.wait_for_selector(".scope[data-drawn='15'][data-complete='true'][data-busy='false']")
    page.click(".tabs button:text-is('Cell')")
    for name, value in {"Na": 70, "K": 60}.items():
        page.fill(f"[data-channel={name}] .line input[inputmode]", str(value))
        page.press(f"[data-channel={name}] .line input[inputmode]", "Enter")
    page.click(".tabs button:text-is('Fit')")
    page.click(".fit button:text-is('Fit')")
    page.wait_for_selector(".fit[data-phase=done] .found:not([hidden])", timeout=180_000)


def main() -> None:
    """Take both."""
    executable = shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as playwright, serving() as (address, _):
        browser = playwright.chromium.launch(executable_path=executable, args=ARGUMENTS)
        for name, show in {"page_light": sweeps, "page_dark": fit}.items():
            page = browser.new_page(viewport=SIZE)
            page.goto(address)
            page.wait_for_selector(".scope[data-drawn='6'][data-busy='false']", timeout=60_000)
            page.wait_for_selector(".rack[data-cell]")
            show(page)
            page.wait_for_timeout(1500)
            page.screenshot(path=FOLDER / f"{name}.png")
            page.close()
        browser.close()


if __name__ == "__main__":
    main()
