"""A page in headless Chromium that notes what went wrong on it and where it asked; for tests of what a browser shows.

Without Playwright or Chromium these tests are skipped with that reason, but in CI (CI=true) they fail.
"""

import os
import shutil
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

CHROMIUM = os.environ.get("LEARNDYN_CHROMIUM", "/usr/bin/chromium")


@dataclass
class Watched:
    """A page of Playwright, with its console's errors and warnings, its exceptions, and every address it asked."""

    page: Any
    troubles: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)


def _missing() -> str:
    """Why there is no browser, or nothing."""
    try:
        import playwright.sync_api  # noqa: F401
    except ImportError:
        return "Playwright is not installed: pip install playwright"
    return "" if shutil.which(CHROMIUM) else f"there is no Chromium at {CHROMIUM}: apt-get install chromium"


@contextmanager
def chromium():
    """A browser of Playwright."""
    if reason := _missing():
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def watched(browser, **options):
    """A new page of a browser, watched."""
    context = browser.new_context(**options)
    try:
        found = Watched(context.new_page())
        found.page.on("console", lambda said: said.type in ("error", "warning") and found.troubles.append(said.text))
        found.page.on("pageerror", lambda error: found.troubles.append(str(error)))
        context.on("request", lambda request: found.requests.append(request.url))
        yield found
    finally:
        context.close()
