"""Chromium, headless: one for the tests of a module, with pages in profiles of their own that end with their test."""

import json
import os
import pathlib
import shutil
import subprocess

import pytest

from server import scratch_directory

NODE = pathlib.Path(__file__).parent / "node"
CHROMIUM = "/usr/bin/chromium"


def why_not():
    """The reason for which there is no browser here, or nothing."""
    if not pathlib.Path(CHROMIUM).exists():
        return f"{CHROMIUM} is not there (scripts/setup --tests installs it)"
    if not shutil.which("node") or not (NODE / "node_modules/playwright-core").is_dir():
        return "node or npm's playwright-core is not there (npm ci in tests/integration/node)"
    return None


class Browser:
    def __init__(self, directory, *flags):
        """`flags`: of Chromium's command line."""
        self.directory = directory
        self.stderr = open(directory / "browser.err", "wb")
        self.process = subprocess.Popen(
            ["node", "browser.mjs", CHROMIUM, *flags],
            cwd=NODE,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.stderr,
            env={"PATH": os.environ["PATH"], "HOME": str(directory), "TMPDIR": str(directory), "LANG": "C.UTF-8"},
        )
        self.pages = 0

    def command(self, do, **details):
        self.process.stdin.write(json.dumps({"do": do, **details}).encode() + b"\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, "the browser ended: " + (self.directory / "browser.err").read_text()
        answer = json.loads(line)
        if "error" in answer:
            raise AssertionError(answer["error"])
        return answer["value"]

    def open(self, url, **options):
        """A page of its own profile; options are Playwright's, such as colorScheme="dark"."""
        self.pages += 1
        page = Page(self, f"page {self.pages}")
        page.command("open", url=url, options=options)
        return page

    def complaints(self):
        """What the consoles of all pages complained about since this was asked last."""
        return self.command("complaints")

    def finish(self):
        """The end of a test: no page is left, and none has anything to complain about."""
        complaints = self.command("finish")
        assert not complaints, "\n".join(complaints)

    def close(self):
        self.process.stdin.close()
        try:
            self.process.wait(timeout=20)
        finally:
            self.process.kill()
            self.process.wait()
            self.process.stdout.close()
            self.stderr.close()


class Page:
    def __init__(self, browser, name):
        self.browser = browser
        self.name = name

    def command(self, do, **details):
        return self.browser.command(do, page=self.name, **details)

    def click(self, selector):
        self.command("click", selector=selector)

    def fill(self, selector, text, then=None):
        self.command("fill", selector=selector, text=text)
        if then:
            self.command("press", selector=selector, key=then)

    def select(self, selector, value):
        self.command("select", selector=selector, value=value)

    def text(self, selector):
        return self.command("text", selector=selector)

    def texts(self, selector):
        return self.evaluate(f"Array.from(document.querySelectorAll({json.dumps(selector)}), (e) => e.textContent)")

    def evaluate(self, expression):
        return self.command("evaluate", expression=expression)

    def wait(self, expression):
        self.command("wait", expression=expression)

    def wait_for(self, selector, text):
        """Until some element that matches has this in its text."""
        selector, text = json.dumps(selector), json.dumps(text)
        self.wait(f"Array.from(document.querySelectorAll({selector})).some((e) => e.textContent.includes({text}))")

    def screenshot(self, name):
        """Into the test's directory, or where WSD_SCREENSHOTS says."""
        folder = self.browser.screenshots
        folder.mkdir(parents=True, exist_ok=True)
        self.command("screenshot", path=str(folder / f"{name}.png"))


@pytest.fixture(scope="module")
def running_browser():
    if reason := why_not():
        pytest.skip(reason)
    with scratch_directory() as directory:
        made = Browser(directory)
        yield made
        made.close()


@pytest.fixture
def browser(running_browser, directory):
    """A browser without a page yet; what its pages complain about fails the test."""
    running_browser.screenshots = pathlib.Path(os.environ.get("WSD_SCREENSHOTS", directory))
    yield running_browser
    running_browser.finish()
