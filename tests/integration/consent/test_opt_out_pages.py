"""Opt-outs on the pages of the consent service: links of emails, one-click, typed addresses, in any state of the system."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import aiohttp
import pytest

from common.compliance.links import build_lead_link
from common.ids import LeadId, new_id
from support.consents import EMAIL, NUMBER, START, ConsentFixture
from support.installation import SECRETS

SECRET = SECRETS["FORM_LINK_SECRET"].encode()


@pytest.fixture
async def pages(running: Any) -> AsyncIterator[str]:
    async with running("consent", consent_port=0, form_link_retired_secrets="retired-secret") as (service,):
        yield f"http://127.0.0.1:{service.parts[-1].port}/consent"


def link(pages: str, lead: LeadId, page: str = "opt-out", secret: bytes = SECRET) -> str:
    return build_lead_link(f"{pages}/{page}", secret, lead)


async def post(session: aiohttp.ClientSession, url: str, **options: Any) -> tuple[int, str]:
    async with session.post(url, allow_redirects=False, **options) as response:
        assert "Set-Cookie" not in response.headers
        return response.status, await response.text()


async def events(data: ConsentFixture) -> list[str]:
    rows = await data.owner.fetch("select topic from svc_consent.outbox order by id")
    return [row["topic"] for row in rows]


async def test_opening_the_link_changes_nothing_and_the_button_stops_all_emails(
    data: ConsentFixture, pages: str, session: aiohttp.ClientSession
) -> None:
    lead = await data.add_lead()
    for method in ("GET", "HEAD"):
        async with session.request(method, link(pages, lead)) as response:
            assert response.status == 200
            assert response.headers["Cache-Control"] == "no-store"
            assert response.headers["Referrer-Policy"] == "no-referrer"
            assert "frame-ancestors 'none'" in response.headers["Content-Security-Policy"]
    assert await data.active(EMAIL) == []
    status, text = await post(session, link(pages, lead))
    assert (status, "no more emails" in text) == (200, True)
    assert await data.active(EMAIL) == ["opt_out"]
    assert await data.active(NUMBER) == []
    assert await data.leads.status(lead) == "unsubscribed"


async def test_the_same_opt_out_again_shows_the_same_page_and_makes_no_second_event(
    data: ConsentFixture, pages: str, session: aiohttp.ClientSession, sent: Any
) -> None:
    lead = await data.add_lead()
    answers = await asyncio.gather(*(post(session, link(pages, lead)) for _ in range(8)))
    assert len(set(answers)) == 1
    assert await data.owner.fetchval("select count(*) from app.suppressions") == 1
    for _ in range(50):
        if found := await sent("funnel.unsubscribed"):
            break
        await asyncio.sleep(0.1)
    assert len(found) == 1
    assert EMAIL.encode() not in found[0].value


@pytest.mark.parametrize("encoding", ["urlencoded", "multipart", "none", "broken"])
async def test_the_unsubscribe_button_of_a_mail_program_is_accepted_in_every_encoding(
    data: ConsentFixture, pages: str, session: aiohttp.ClientSession, encoding: str
) -> None:
    lead = await data.add_lead()
    options: dict[str, Any] = {"none": {}}.get(encoding, {"data": {"List-Unsubscribe": "One-Click"}})
    if encoding == "multipart":
        with aiohttp.MultipartWriter("form-data") as form:
            form.append("One-Click").set_content_disposition("form-data", name="List-Unsubscribe")
        options = {"data": form}
    if encoding == "broken":
        options = {"data": b"--x", "headers": {"Content-Type": "multipart/form-data; boundary=y"}}
    assert (await post(session, link(pages, lead), **options))[0] == 200
    assert await data.active(EMAIL) == ["opt_out"]


async def test_a_link_that_a_retired_secret_signed_still_works(
    data: ConsentFixture, pages: str, session: aiohttp.ClientSession
) -> None:
    lead = await data.add_lead()
    assert (await post(session, link(pages, lead, secret=b"retired-secret")))[0] == 200
    assert await data.active(EMAIL) == ["opt_out"]


@pytest.mark.parametrize("token", ["", "?l=", "?l=damaged", "?l=%00", "forged", "unknown lead"])
async def test_a_damaged_link_asks_for_the_address_instead(
    data: ConsentFixture, pages: str, session: aiohttp.ClientSession, token: str
) -> None:
    lead = await data.add_lead()
    special = {"forged": link(pages, lead, secret=b"another"), "unknown lead": link(pages, LeadId(new_id()))}
    url = special.get(token, f"{pages}/opt-out{token}")
    async with session.get(url) as response:
        assert (response.status, 'name="contact"' in await response.text()) == (200, token != "unknown lead")
    assert (await post(session, url))[0] == 422
    status, text = await post(session, url, data={"contact": "<b>no address"})
    assert (status, "We cannot read that" in text, "<b>" in text) == (422, True, False)
    assert await data.owner.fetchval("select count(*) from app.suppressions") == 0
    assert (await post(session, url, data={"contact": f" {EMAIL.upper()} "}))[0] == 200
    assert await data.active(EMAIL) == ["opt_out"]
    assert await data.leads.status(lead) == "unsubscribed"


async def test_a_typed_address_that_no_lead_has_is_suppressed_too(
    data: ConsentFixture, pages: str, session: aiohttp.ClientSession
) -> None:
    assert (await post(session, f"{pages}/opt-out", data={"contact": "other@example.com"}))[0] == 200
    assert await data.active("other@example.com") == ["opt_out"]
    assert await events(data) in ([], ["funnel.unsubscribed"])


async def test_the_withdrawal_page_stops_calls_and_ends_every_consent(
    data: ConsentFixture, pages: str, session: aiohttp.ClientSession, sent: Any
) -> None:
    lead = await data.add_lead()
    await data.sign(lead, 0)
    status, text = await post(session, link(pages, lead, "withdraw"), headers={"Accept-Language": "es-MX,es;q=0.9"})
    assert (status, "No le llamaremos" in text) == (200, True)
    assert await data.active(NUMBER) == ["opt_out"]
    assert await data.active(EMAIL) == []
    assert [row["action"] for row in await data.audit(lead)][:2] == ["granted", "withdrawn"]
    assert (await data.summary(lead))[0] is False
    for _ in range(50):
        if len(found := await sent("funnel.consent_revoked")) == len(await data.audit(lead)) - 1:
            break
        await asyncio.sleep(0.1)
    assert len(found) == len(await data.audit(lead)) - 1


async def test_a_repeated_withdrawal_adds_no_proof_until_the_person_signs_again(
    data: ConsentFixture, pages: str, session: aiohttp.ClientSession
) -> None:
    lead = await data.add_lead()
    await data.sign(lead, 0)
    await post(session, link(pages, lead, "withdraw"))
    once = await data.audit(lead)
    for _ in range(3):
        assert (await post(session, link(pages, lead, "withdraw")))[0] == 200
    assert await data.audit(lead) == once
    await data.sign(lead, (datetime.now(UTC) - START).total_seconds() / 60)
    await post(session, link(pages, lead, "withdraw"))
    assert (await data.audit(lead))[-1]["action"] == "withdrawn"
    assert (await data.summary(lead))[0] is False


async def test_without_kafka_an_opt_out_takes_effect(
    data: ConsentFixture, running: Any, session: aiohttp.ClientSession
) -> None:
    lead = await data.add_lead()
    async with running("consent", consent_port=0, kafka_bootstrap_servers="127.0.0.1:9") as (service,):
        pages = f"http://127.0.0.1:{service.parts[-1].port}/consent"
        assert (await post(session, link(pages, lead)))[0] == 200
    assert await data.active(EMAIL) == ["opt_out"]


async def test_without_a_database_the_person_learns_that_nothing_is_recorded(
    running: Any, session: aiohttp.ClientSession
) -> None:
    async with running("consent", consent_port=0, database_url="postgresql://x:y@127.0.0.1:9/none") as (service,):
        pages = f"http://127.0.0.1:{service.parts[-1].port}/consent"
        status, text = await post(session, link(pages, LeadId(new_id())))
    assert (status, "not recorded yet" in text) == (503, True)


async def test_opt_outs_are_not_limited_by_address(
    data: ConsentFixture, pages: str, session: aiohttp.ClientSession
) -> None:
    lead = await data.add_lead()
    answers = [await post(session, link(pages, lead)) for _ in range(150)]
    assert {status for status, _ in answers} == {200}
