"""
Debian's Chromium, driven by Playwright, for the tests that use pages as a person would.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

expect.set_options(timeout=20_000)  # milliseconds: no promise is about the time, and the machine may be busy


@contextmanager
def browser() -> Iterator[Browser]:
    """
    Start a browser, or skip where there is none.
    """
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("needs Chromium, Debian's package chromium")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=program, args=QUIET)
        try:
            yield started
        finally:
            started.close()


def complaints(page: Page) -> list[str]:
    """
    Return a list that fills with whatever a page complains of: errors in its console, scripts that fail, dialogs.
    """
    found: list[str] = []
    page.on("console", lambda said: found.append(said.text) if said.type in {"error", "warning"} else None)
    page.on("pageerror", lambda error: found.append(str(error)))

    def opened(dialog) -> None:
        found.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    page.on("dialog", opened)
    return found
