import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, sync_playwright

ROOT = Path(__file__).resolve().parents[2]

ARGUMENTS = [
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    executable = shutil.which("chromium") or shutil.which("google-chrome")
    if executable is None:
        reason = "needs Chromium: apt-get install chromium"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=ARGUMENTS)
        yield browser
        browser.close()


@contextlib.contextmanager
def serving() -> Generator[tuple[str, subprocess.Popen], None, None]:
    """The app, as a user starts it, and ends it by Ctrl-C: its address and its process."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "app.py", "--port", str(port)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as app:
        said = []
        for line in app.stdout:
            said.append(line)
            if line.startswith("READY "):
                break
        else:
            pytest.fail(f"the app ended before it was ready:\n{''.join(said)}")
        yield line.split()[1], app
        app.send_signal(signal.SIGINT)
        rest = app.stdout.read()
    assert "Traceback" not in rest, rest
    assert app.returncode in (0, -signal.SIGKILL)


@pytest.fixture(scope="session")
def url() -> Iterator[str]:
    """The address of an app that all tests share."""
    with serving() as (address, _):
        yield address


@pytest.fixture
def context(browser: Browser, url: str) -> Iterator[BrowserContext]:
    """A browser of its own for each test; an error on a page or a request that leaves the machine fails the test."""
    problems: list[str] = []

    def heard(message: ConsoleMessage) -> None:
        if message.type == "error":
            problems.append(f"console: {message.text}")

    def asked(request: Request) -> None:
        if not request.url.startswith((url, "data:", "blob:")):
            problems.append(f"request: {request.url}")

    context = browser.new_context(viewport={"width": 1200, "height": 800}, base_url=url)
    context.set_default_timeout(15_000)
    context.on("console", heard)
    context.on("weberror", lambda error: problems.append(f"page: {error.error}"))
    context.on("request", asked)
    context.problems = problems
    yield context
    context.close()
    assert not problems


@pytest.fixture
def page(context: BrowserContext) -> Page:
    """The page as it opens."""
    page = context.new_page()
    page.goto("/")
    page.wait_for_selector(".scope[data-drawn='6'][data-busy='false']")
    return page
