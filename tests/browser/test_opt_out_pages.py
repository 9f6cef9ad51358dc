"""Opt-out pages in a browser: without scripts, by keyboard alone, on a small screen, without violations of accessibility."""

import pytest
from playwright.async_api import Browser

from common.compliance.links import build_lead_link
from support.browser import SMALL_SCREEN, visit
from support.consents import EMAIL, ConsentFixture
from support.installation import SECRETS

SECRET = SECRETS["FORM_LINK_SECRET"].encode()
PAGES = ["opt-out", "withdraw"]


@pytest.mark.parametrize("language", ["en-US", "es-US"])
@pytest.mark.parametrize("page", PAGES)
async def test_pages_have_no_violation_and_fit_a_small_screen(
    browser: Browser, origin: str, data: ConsentFixture, page: str, language: str
) -> None:
    lead = await data.add_lead()
    screen = {"width": SMALL_SCREEN, "height": 640}
    async with visit(browser, origin, viewport=screen, locale=language) as person:
        for url in (build_lead_link(f"{origin}/consent/{page}", SECRET, lead), f"{origin}/consent/{page}"):
            await person.page.goto(url)
            assert await person.page.get_attribute("html", "lang") == language[:2]
            assert await person.find_violations() == []
            assert await person.measure_overflow() == 0
        await person.page.fill("input[name=contact]", "not an address")
        await person.page.click("button")
        assert await person.page.is_visible("[role=alert]")
        assert await person.find_violations() == []
        assert person.foreign == []


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
async def test_the_keyboard_alone_stops_the_emails(
    browser: Browser, origin: str, data: ConsentFixture, scripts: bool
) -> None:
    lead = await data.add_lead()
    async with visit(browser, origin, java_script_enabled=scripts) as person:
        await person.page.goto(build_lead_link(f"{origin}/consent/opt-out", SECRET, lead))
        await person.page.keyboard.press("Tab")
        await person.page.keyboard.press("Enter")
        await person.page.wait_for_selector("[role=status]")
        assert await person.page.context.cookies() == []
    assert await data.active(EMAIL) == ["opt_out"]


async def test_a_page_with_a_fault_of_accessibility_is_found(browser: Browser) -> None:
    async with visit(browser, "about:") as person:
        await person.page.set_content("<html lang='en'><title>t</title><main><h1>t</h1><input name='number'></main>")
        assert [violation.split(":")[0] for violation in await person.find_violations()] == ["label"]
