"""Consent form in a browser: without scripts, by keyboard alone, on a small screen, without violations of accessibility."""

import pytest
from playwright.async_api import Browser

from common.compliance.links import build_lead_link
from common.ids import LeadId
from support.browser import SMALL_SCREEN, Visit, visit
from support.consent_forms import SECRET, offer_form
from support.consents import NUMBER, ConsentFixture


@pytest.fixture
async def lead(data: ConsentFixture) -> LeadId:
    """A lead whose form can be offered."""
    await offer_form(data)
    return await data.add_lead()


async def find_faults(person: Visit) -> list[str]:
    """Return what a person with a small screen or a screen reader would stumble over."""
    overflow = await person.measure_overflow()
    return [*await person.find_violations(), *([f"{overflow} pixels too wide"] if overflow else []), *person.foreign]


@pytest.mark.parametrize("language", ["en-US", "es-US"])
async def test_the_form_and_its_answers_have_no_violation_and_fit_a_small_screen(
    browser: Browser, origin: str, data: ConsentFixture, lead: LeadId, language: str
) -> None:
    link = build_lead_link(f"{origin}/consent", SECRET, lead)
    screen = {"width": SMALL_SCREEN, "height": 640}
    async with visit(browser, origin, viewport=screen, locale=language) as person:
        page = person.page
        await page.goto(link)
        assert await page.get_attribute("html", "lang") == language[:2]
        assert await find_faults(person) == []
        assert not await page.is_checked("input[name=agree]")

        await page.fill("input[name=number]", "12")
        await page.click("button")
        errors = page.locator("[id$=-error]")
        assert await errors.count() == 3
        assert await page.evaluate("document.activeElement.name") == "number"
        assert await page.input_value("input[name=number]") == "12"
        assert await find_faults(person) == []

        await page.fill("input[name=number]", NUMBER)
        await page.fill("input[name=name]", "Ana Ruiz")
        await page.check("input[name=agree]")
        await page.click("button")
        await page.wait_for_selector("[role=status]")
        assert await find_faults(person) == []
        assert [row["action"] for row in await data.audit(lead)] == ["granted"]

        for url in (f"{origin}/consent?l=damaged", f"{origin}/consent"):
            await page.goto(url)
            assert await find_faults(person) == []


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
async def test_the_keyboard_alone_signs_and_going_back_signs_nothing_more(
    browser: Browser, origin: str, data: ConsentFixture, lead: LeadId, scripts: bool
) -> None:
    async with visit(browser, origin, java_script_enabled=scripts) as person:
        page = person.page
        await page.goto(build_lead_link(f"{origin}/consent", SECRET, lead))
        await person.press_until_focused("input[name=number]")
        await page.keyboard.type("(727) 555-0142")
        await person.press_until_focused("input[name=name]")
        await page.keyboard.type("Ana Ruiz")
        await person.press_until_focused("input[name=agree]")
        await page.keyboard.press("Space")
        await person.press_until_focused("button")
        await page.keyboard.press("Enter")
        await page.wait_for_selector("[role=status]")
        await page.reload()
        await page.wait_for_selector("[role=status]")
        assert await page.context.cookies() == []
    assert [row["action"] for row in await data.audit(lead)] == ["granted"]
    assert (await data.summary(lead))[0] is True


async def test_a_form_that_is_not_offered_has_no_violation(browser: Browser, origin: str, data: ConsentFixture) -> None:
    lead = await data.add_lead()
    async with visit(browser, origin, viewport={"width": SMALL_SCREEN, "height": 640}) as person:
        answer = await person.page.goto(build_lead_link(f"{origin}/consent", SECRET, lead))
        assert answer
        assert answer.status == 503
        assert await find_faults(person) == []
