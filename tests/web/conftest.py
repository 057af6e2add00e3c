"""A real app in a real browser; skipped, with the reason, where either is missing."""

import os
import shutil
import signal
import subprocess
import sys

import pytest


def _chromium():
    named = os.environ.get("MESENBAYES_CHROMIUM")
    return named or shutil.which("chromium") or shutil.which("google-chrome")


@pytest.fixture(scope="session")
def address():
    pytest.importorskip("shiny", reason="needs mesenbayes[web]")
    process = subprocess.Popen(
        [sys.executable, "-m", "mesenbayes", "app", "--port", "0"],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )  # fmt: skip
    line = process.stdout.readline()
    assert line.startswith("The app is at http://127.0.0.1:"), line + process.stdout.read()
    yield line.split()[4]
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=20)


@pytest.fixture(scope="session")
def browser():
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    path = _chromium()
    if path is None:
        pytest.skip("no Chromium: apt-get install chromium, or set MESENBAYES_CHROMIUM")
    with playwright.sync_playwright() as started:
        opened = started.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield opened
        opened.close()


class Watched:
    """A page, what its console said, and what it asked of other hosts."""

    def __init__(self, browser, address, width):
        self.complaints, self.outside = [], []
        self.page = browser.new_page(viewport={"width": width, "height": 844})
        self.page.set_default_timeout(20_000)
        self.page.on("pageerror", lambda e: self.complaints.append(str(e)))
        self.page.on("console", self._heard)
        self.page.route("**/*", self._route)
        self.address = address
        self.page.goto(address)
        self.page.wait_for_selector("#headline strong")

    def _heard(self, message):
        if message.type == "error":
            self.complaints.append(message.text)

    def _route(self, route):
        if route.request.url.startswith((self.address, "data:")):
            route.continue_()
        else:
            self.outside.append(route.request.url)
            route.abort()


@pytest.fixture
def watched(request, browser, address):
    seen = Watched(browser, address, getattr(request, "param", 1200))
    yield seen
    wide, window = seen.page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    seen.page.close()
    assert seen.complaints == []
    assert seen.outside == []
    assert wide <= window, "the page scrolls sideways"


@pytest.fixture
def page(watched):
    return watched.page
