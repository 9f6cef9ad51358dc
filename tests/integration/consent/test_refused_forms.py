"""Forms that are refused: damaged, old and made-up tokens, floods, and requests that no browser sends."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import aiohttp
import pytest

from common.events import ConsentRefused
from common.ids import LeadId
from consent.tokens import FormToken, build_token, read_token
from support.consent_forms import SECRET, FormVisitor
from support.consents import NUMBER, ConsentFixture


async def token_of(visitor: FormVisitor, lead: LeadId) -> FormToken:
    token = read_token((await visitor.open(lead)).token, [SECRET])
    assert isinstance(token, FormToken)
    return token


def changed(token: FormToken, **changes: Any) -> FormToken:
    fields = {name: getattr(token, name) for name in FormToken.__dataclass_fields__}
    return FormToken(**fields | changes)


async def make_refused(data: ConsentFixture, visitor: FormVisitor, lead: LeadId, reason: str) -> str:
    """Return a token that is refused for *reason*."""
    token = await token_of(visitor, lead)
    match reason:
        case "malformed":
            return "x"
        case "forged":
            return build_token(token, b"another secret")
        case "expired":
            return build_token(changed(token, expires_at=datetime.now(UTC) - timedelta(seconds=1)), SECRET)
        case "unknown":
            return build_token(changed(token, token_id=UUID(int=1)), SECRET)
        case "erased":
            await data.owner.execute("update app.leads set data_key = null where id = $1", lead)
    return build_token(token, SECRET)


@pytest.mark.parametrize("reason", ["malformed", "forged", "expired", "unknown", "erased"])
async def test_a_refused_token_is_an_event_and_a_page_with_a_way_forward(
    offered: ConsentFixture, visitor: FormVisitor, reason: str
) -> None:
    lead = await offered.add_lead()
    token = await make_refused(offered, visitor, lead, reason)
    page = await visitor.post(token, url=visitor.link(lead))
    assert 400 <= page.status < 500
    assert "cannot be signed" in page.words
    assert ("Open a new form" in page.words) == (reason != "erased")
    [event] = await offered.events(ConsentRefused)
    assert (event["reason"], event["outcome"]) == (reason, reason)
    assert ("lead_id" in event) == (reason in ("expired", "erased"))
    assert await offered.audit(lead) == []


async def test_a_nonce_that_was_not_issued_is_refused(offered: ConsentFixture, visitor: FormVisitor) -> None:
    lead = await offered.add_lead()
    token = changed(await token_of(visitor, lead), nonce=bytes(16))
    assert (await visitor.post(build_token(token, SECRET))).status == 410
    assert [event["reason"] for event in await offered.events(ConsentRefused)] == ["unknown"]


async def test_a_link_token_is_no_form_token(offered: ConsentFixture, visitor: FormVisitor) -> None:
    lead = await offered.add_lead()
    assert (await visitor.post(visitor.link(lead).partition("l=")[2])).status == 400
    assert await offered.audit(lead) == []


_FORM = "application/x-www-form-urlencoded"


def odd_bodies(token: str) -> dict[str, tuple[bytes, str]]:
    """Return bodies that no browser sends, with their content types."""
    number = NUMBER.replace("+", "%2B")
    valid = f"token={token}&number={number}&name=Ana&agree=yes"
    part = '--b\r\nContent-Disposition: form-data; name="{}"{}\r\n\r\n{}\r\n'
    files = "".join(part.format(name, '; filename="x"', "y") for name in ("token", "number", "name"))
    return {
        "nothing": (b"", _FORM),
        "a duplicated token": (f"{valid}&token={token}".encode(), _FORM),
        "a duplicated number": (f"{valid}&number={number}".encode(), _FORM),
        "a duplicated name": (f"{valid}&name=Ana".encode(), _FORM),
        "a duplicated box": (f"{valid}&agree=yes".encode(), _FORM),
        "no such charset": (valid.encode(), f"{_FORM}; charset=klingon"),
        "a wrong charset": (valid.encode("utf-16"), f"{_FORM}; charset=utf-16"),
        "escapes as charset": (valid.replace("Ana", "Ana%5Cud800").encode(), f"{_FORM}; charset=unicode_escape"),
        "bytes of another charset": (valid.replace("Ana", "%FF%FE").encode(), _FORM),
        "NUL bytes": (f"{valid}%00".encode(), _FORM),
        "JSON": (b'{"token": "x"}', "application/json"),
        "no boundary": (b"--b", "multipart/form-data"),
        "a torn multipart": (b"--b\r\nContent-Disp", "multipart/form-data; boundary=b"),
        "files": (f"{files}--b--\r\n".encode(), "multipart/form-data; boundary=b"),
        "a huge body": (b"name=" + b"a" * 3_000_000, _FORM),
        "many fields": (b"&".join(b"x%d=y" % number for number in range(20_000)), _FORM),
    }


@pytest.mark.parametrize("what", list(odd_bodies("")))
async def test_a_request_that_no_browser_sends_signs_nothing_and_is_no_server_error(
    offered: ConsentFixture, visitor: FormVisitor, what: str
) -> None:
    lead = await offered.add_lead()
    body, content_type = odd_bodies((await visitor.open(lead)).token)[what]
    page = await visitor.request("POST", visitor.url, data=body, headers={"Content-Type": content_type})
    assert 400 <= page.status < 500
    assert await offered.audit(lead) == []


@pytest.mark.parametrize("encoding", ["urlencoded", "multipart"])
async def test_both_encodings_of_a_form_are_accepted(
    offered: ConsentFixture, visitor: FormVisitor, encoding: str
) -> None:
    lead = await offered.add_lead()
    fields = {"token": (await visitor.open(lead)).token, "number": NUMBER, "name": "Ana", "agree": "yes"}
    sent: Any = fields
    if encoding == "multipart":
        sent = aiohttp.MultipartWriter("form-data")
        for name, value in fields.items():
            sent.append(value).set_content_disposition("form-data", name=name)
    assert (await visitor.request("POST", visitor.url, data=sent)).status == 200
    assert len(await offered.audit(lead)) == 1


async def test_a_network_with_too_many_requests_waits_and_others_and_withdrawals_do_not(
    offered: ConsentFixture, running: Any, session: aiohttp.ClientSession
) -> None:
    lead = await offered.add_lead()
    settings = {"consent_port": 0, "consent_forms_per_minute": 5, "consent_trusted_hops": 1}
    async with running("consent", kafka_bootstrap_servers="127.0.0.1:9", **settings) as (service,):
        visitor = FormVisitor(f"http://127.0.0.1:{service.parts[-1].port}/consent", session)
        sent = [
            await visitor.request("GET", visitor.link(lead), headers={"X-Forwarded-For": f"2001:db8::{number}"})
            for number in range(6)
        ]
        assert [page.status for page in sent] == [200] * 5 + [429]
        assert int(sent[-1].headers["Retry-After"]) > 0
        assert "Please try again in a minute" in sent[-1].words
        other = {"X-Forwarded-For": "2001:db8:0:1::1"}
        assert (await visitor.request("GET", visitor.link(lead), headers=other)).status == 200
        withdrawal = FormVisitor(f"{visitor.url}/withdraw", session)
        for _ in range(20):
            page = await visitor.request("POST", withdrawal.link(lead), headers={"X-Forwarded-For": "2001:db8::1"})
            assert page.status == 200


async def test_without_a_database_the_page_says_that_nothing_was_recorded(
    running: Any, session: aiohttp.ClientSession
) -> None:
    lead = LeadId(UUID(int=7))
    async with running("consent", consent_port=0, database_url="postgresql://x:y@127.0.0.1:9/none") as (service,):
        visitor = FormVisitor(f"http://127.0.0.1:{service.parts[-1].port}/consent", session)
        token = build_token(
            FormToken(UUID(int=1), bytes(16), datetime.now(UTC) + timedelta(days=1), "es", bytes(16)), SECRET
        )
        for page in (await visitor.open(lead), await visitor.post(token), await visitor.post("x")):
            assert (page.status, "nothing was recorded" in page.words) == (503, True)
