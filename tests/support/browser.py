"""Chromium as a person uses it: with and without scripts, by keyboard, on a small screen, and examined by axe."""

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, BrowserContext, Page, async_playwright

from local_services.debian import install

SMALL_SCREEN = 320
"""Width in CSS pixels at which nothing may need horizontal scrolling (WCAG 2.2, success criterion 1.4.10)."""


@asynccontextmanager
async def open_browser() -> AsyncIterator[Browser]:
    """Start Chromium without a window, and install it first where it is missing."""
    if shutil.which("chromium") is None:
        install(["chromium"])
    options = ["--no-sandbox"] if os.geteuid() == 0 else []
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=shutil.which("chromium"), args=options)
        try:
            yield browser
        finally:
            await browser.close()


@dataclass(frozen=True, slots=True)
class Visit:
    """One person's browser. Requests to other hosts than the page's fail, and are kept in *foreign*."""

    page: Page
    foreign: list[str]

    async def find_violations(self) -> list[str]:
        """Return the violations that axe finds, as `rule: elements`."""
        found = await Axe().run(self.page, options={"resultTypes": ["violations"]})
        return [f"{rule['id']}: {[node['target'] for node in rule['nodes']]}" for rule in found.response["violations"]]

    async def measure_overflow(self) -> int:
        """Return the pixels by which the page is wider than the screen."""
        width: int = await self.page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        return max(0, width)

    async def press_until_focused(self, selector: str, presses: int = 30) -> None:
        """Press Tab until the element has the focus. Raise AssertionError after *presses*."""
        for _ in range(presses):
            await self.page.keyboard.press("Tab")
            if await self.page.locator(selector).evaluate("element => element === document.activeElement"):
                return
        raise AssertionError(f"The keyboard does not reach {selector}.")


@asynccontextmanager
async def visit(browser: Browser, origin: str, **options: Any) -> AsyncIterator[Visit]:
    """Open a new profile, whose requests may go to *origin* only. *options* are Playwright's options of a context."""
    context: BrowserContext = await browser.new_context(**options)
    page, foreign = await context.new_page(), list[str]()

    async def route(found: Any) -> None:
        if found.request.url.startswith(origin):
            await found.continue_()
        else:
            foreign.append(found.request.url)
            await found.abort()

    await context.route("**/*", route)
    try:
        yield Visit(page, foreign)
    finally:
        await context.close()
