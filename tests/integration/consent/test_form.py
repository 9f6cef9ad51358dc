"""The consent form over HTTP: what it shows, and what a signature records."""

import asyncio
import json
from typing import Any

import pytest

from common.events import ConsentGranted, ConsentRefused, LeadRecord
from common.ids import LeadId, new_id
from consent.proof_content import decrypt_content
from consent.texts import hash_text
from support.consent_forms import SELLER, FormVisitor
from support.consents import EMAIL, NUMBER, OTHER_NUMBER, ConsentFixture
from support.feeding import KEYS


async def count(data: ConsentFixture, table: str) -> int:
    return int(await data.owner.fetchval(f"select count(*) from app.{table}"))


async def read_decrypted(data: ConsentFixture, lead: LeadId, kind: Any) -> str:
    [row] = [row for row in await data.audit(lead) if row["action"] == "granted"]
    key = KEYS.unwrap_data_key(lead, await data.owner.fetchval("select data_key from app.leads where id = $1", lead))
    return decrypt_content(key, kind, row[f"{kind}_ciphertext"], row[f"{kind}_hash"])


async def test_the_form_says_who_asks_for_what_and_grants_nothing(
    offered: ConsentFixture, visitor: FormVisitor
) -> None:
    lead = await offered.add_lead()
    page = await visitor.open(lead)
    assert page.status == 200
    words = ["artificial or prerecorded voice", "not a condition of any purchase", "electronic signature", "recorded",
             "withdraw my agreement at any time", "ends in 142"]  # fmt: skip
    for said in [SELLER, *words]:
        assert said in page.words
    assert NUMBER[-7:] not in page.text
    assert " checked" not in page.text
    assert "<script" not in page.text
    assert page.headers["Cache-Control"] == "no-store"
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]
    assert await offered.audit(lead) == []
    assert await offered.leads.status(lead) == "active"


async def test_the_form_speaks_spanish(offered: ConsentFixture, visitor: FormVisitor) -> None:
    lead = await offered.add_lead()
    page = await visitor.open(lead, lang="es")
    assert '<html lang="es">' in page.text
    assert "voz artificial o pregrabada" in page.words
    thanks = await visitor.post(page.token)
    assert (thanks.status, "Gracias" in thanks.words) == (200, True)
    assert "voz artificial o pregrabada" in await read_decrypted(offered, lead, "page")


async def test_a_signature_is_recorded_with_everything_that_proves_it(
    offered: ConsentFixture, visitor: FormVisitor
) -> None:
    lead = await offered.add_lead()
    page = await visitor.open(lead)
    headers = {"X-Forwarded-For": "2001:db8::7:9", "User-Agent": "Browser/1.0 é"}
    thanks = await visitor.post(page.token, " (727) 555-0142", "  Ana   Ruiz ", headers=headers)
    assert (thanks.status, "Your agreement is recorded" in thanks.words) == (200, True)
    [row] = await offered.audit(lead)
    assert (row["action"], row["value_hash"], row["covers"]) == (
        "granted",
        KEYS.hash_contact(NUMBER),
        ["calls", "texts"],
    )
    assert (row["broker_id"], row["text_version"]) == (offered.broker, 3)
    assert row["text_hash"] == hash_text(
        await offered.owner.fetchval("select text from app.consent_texts where version = 3")
    )
    signer = json.loads(await read_decrypted(offered, lead, "signer"))
    assert (signer["name"], signer["number"], signer["address"]) == ("Ana Ruiz", NUMBER, "2001:db8::7:9")
    assert signer["user_agent"].startswith("Browser/1.0")
    kept = await read_decrypted(offered, lead, "page")
    assert kept == page.text.replace(page.token, "").replace(
        f"withdraw?l={visitor.link(lead).partition('l=')[2]}", "withdraw"
    )
    consent, at, method = await offered.summary(lead)
    assert (consent, at, method) == (True, row["at"], "form")
    assert await offered.leads.status(lead) == "replied"
    [event] = await offered.events(ConsentGranted)
    assert (event["lead_id"], event["seq"], event["row_hash"]) == (str(lead), 1, row["row_hash"].hex())
    assert (event["is_new_number"], event["covers"], event["seller_broker_id"]) == (
        False,
        ["calls", "texts"],
        str(offered.broker),
    )
    assert await offered.events(LeadRecord) == []
    assert "Ana" not in json.dumps(event)


async def test_the_same_submission_again_shows_the_same_page_and_has_no_second_effect(
    offered: ConsentFixture, visitor: FormVisitor
) -> None:
    lead = await offered.add_lead()
    token = (await visitor.open(lead)).token
    pages = await asyncio.gather(*(visitor.post(token) for _ in range(200)))
    assert {(page.status, page.text) for page in pages} == {(200, pages[0].text)}
    assert (await visitor.post(token, "1 727 555 0142")).text == pages[0].text
    assert len(await offered.audit(lead)) == 1
    assert len(await offered.events(ConsentGranted)) == 1
    assert await offered.events(ConsentRefused) == []


async def test_a_used_token_with_other_data_is_refused(offered: ConsentFixture, visitor: FormVisitor) -> None:
    lead = await offered.add_lead()
    token = (await visitor.open(lead)).token
    assert (await visitor.post(token)).status == 200
    for other in ({"number": OTHER_NUMBER}, {"name": "Bea Ruiz"}, {"agree": None}):
        page = await visitor.post(token, **other)
        assert (page.status, "signed already" in page.words, "/consent?l=" in page.text) == (409, True, True)
    assert len(await offered.audit(lead)) == 1
    assert [event["reason"] for event in await offered.events(ConsentRefused)] == ["used"] * 3


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"number": ""}, ["number-error"]),
        ({"number": "12"}, ["number-error"]),
        ({"number": "+44 20 7946 0000"}, ["number-error"]),
        ({"number": "7" * 5000}, ["number-error"]),
        ({"name": " "}, ["name-error"]),
        ({"name": "1234"}, ["name-error"]),
        ({"name": "🎉🎉"}, ["name-error"]),
        ({"name": "Ana\x00Ruiz"}, ["name-error"]),
        ({"name": "a" * 10_000}, ["name-error"]),
        ({"agree": None}, ["agree-error"]),
        ({"agree": "no"}, ["agree-error"]),
        ({"number": "x", "name": "", "agree": None}, ["number-error", "name-error", "agree-error"]),
    ],
)
async def test_a_field_that_cannot_be_signed_is_named_beside_it_and_the_input_kept(
    offered: ConsentFixture, visitor: FormVisitor, fields: dict[str, Any], named: list[str]
) -> None:
    lead = await offered.add_lead()
    token = (await visitor.open(lead)).token
    page = await visitor.post(token, **{"name": "Ana <b>Ruiz</b>", **fields})
    assert page.status == 422
    assert [name for name in ("number-error", "name-error", "agree-error") if f'id="{name}"' in page.text] == named
    for name in named:
        assert f" {name}" in page.text or f'"{name}"' in page.text
    assert page.text.count("autofocus") == 1
    assert page.token == token
    if "name" not in fields:
        assert "Ana &lt;b&gt;Ruiz&lt;/b&gt;" in page.text
    assert await offered.audit(lead) == []
    assert (await visitor.post(token, name="José Ñandú 😀")).status == 200


async def test_a_new_number_goes_to_ingest_as_a_candidate_of_the_lead(
    offered: ConsentFixture, visitor: FormVisitor
) -> None:
    lead = await offered.add_lead()
    await offered.owner.execute(
        """update app.leads set property_address = '12 Oak St', property_city = 'Tampa', property_zip = '33601', mak = '1234567890'
        where id = $1""",
        lead,
    )
    assert (await visitor.sign(lead, number=OTHER_NUMBER)).status == 200
    [granted] = await offered.events(ConsentGranted)
    assert granted["is_new_number"] is True
    [record] = await offered.events(LeadRecord)
    assert record["phones"] == [{"number": OTHER_NUMBER}]
    assert (record["property_address"], record["property_zip"], record["mak"]) == ("12 Oak St", "33601", "1234567890")
    assert record["broker_id"] == str(offered.broker)


async def test_an_opt_out_from_calls_is_lifted_by_the_signature_and_one_from_emails_stays(
    offered: ConsentFixture, visitor: FormVisitor
) -> None:
    lead = await offered.add_lead(status="unsubscribed")
    await offered.opt_out(NUMBER, 0, lead=lead)
    await offered.opt_out(EMAIL, 0, lead=lead)
    await offered.opt_out(NUMBER, 0, lead=lead, reason="wrong_person")
    assert (await visitor.sign(lead)).status == 200
    assert (await offered.active(NUMBER), await offered.active(EMAIL)) == (["wrong_person"], ["opt_out"])
    assert await offered.leads.status(lead) == "unsubscribed"
    [event] = await offered.events(ConsentGranted)
    assert len(event["lifted_suppression_ids"]) == 1
    assert [row["action"] for row in await offered.audit(lead)] == ["granted", "lifted"]


@pytest.mark.parametrize(
    "change",
    [
        "update app.brokers set legal_name = 'Another Firm, Inc.'",
        """insert into app.consent_texts (version, text, covers)
        select 4, replace(text, 'telemarketing', 'sales calls'), covers from app.consent_texts where version = 3""",
    ],
)
async def test_an_agreement_that_changed_meanwhile_is_shown_again_and_nothing_is_signed(
    offered: ConsentFixture, visitor: FormVisitor, change: str
) -> None:
    lead = await offered.add_lead()
    token = (await visitor.open(lead)).token
    await offered.owner.execute(change)
    page = await visitor.post(token)
    assert (page.status, "has changed since you opened it" in page.words) == (409, True)
    assert await offered.audit(lead) == []
    assert ('value="Ana Ruiz"' in page.text, " checked" in page.text) == (True, False)
    assert page.token not in ("", token)
    assert (await visitor.post(page.token)).status == 200
    assert len(await offered.audit(lead)) == 1


@pytest.mark.parametrize(
    "missing",
    [
        "update app.brokers set legal_name = null",
        "update app.brokers set active = false",
        "update app.leads set assigned_broker_id = null",
        "delete from app.consent_texts where version = 3",
    ],
)
async def test_without_a_text_or_a_named_active_broker_the_form_is_not_offered(
    offered: ConsentFixture, visitor: FormVisitor, missing: str
) -> None:
    lead = await offered.add_lead()
    token = (await visitor.open(lead)).token
    await offered.owner.execute(missing)
    for page in (await visitor.open(lead), await visitor.post(token)):
        assert (page.status, page.token, "not available now" in page.words) == (503, "", True)
    assert await offered.audit(lead) == []


async def test_a_head_request_issues_no_token(offered: ConsentFixture, visitor: FormVisitor) -> None:
    lead = await offered.add_lead()
    page = await visitor.request("HEAD", visitor.link(lead))
    assert (page.status, page.text, await count(offered, "consent_tokens")) == (200, "", 0)


@pytest.mark.parametrize("link", ["", "?l=", "?l=damaged", "?l=%00", "?l=" + "A" * 7000, "forged", "unknown lead"])
async def test_a_link_without_a_lead_says_so_and_what_to_do(
    offered: ConsentFixture, visitor: FormVisitor, link: str
) -> None:
    lead = await offered.add_lead()
    special = {"forged": visitor.link(lead, b"other"), "unknown lead": visitor.link(LeadId(new_id()))}
    page = await visitor.request("GET", special.get(link, visitor.url + link))
    assert page.status == (404 if link == "unknown lead" else 400)
    assert "This link does not work" in page.words
    assert "open the link in our email again" in page.words
    assert (page.token, await count(offered, "consent_tokens")) == ("", 0)


async def test_a_link_and_a_token_of_a_retired_secret_still_work(
    offered: ConsentFixture, visitor: FormVisitor, running: Any
) -> None:
    lead = await offered.add_lead()
    assert (await visitor.request("GET", visitor.link(lead, b"retired-secret"))).status == 200
    token = (await visitor.open(lead)).token
    rotated = {"form_link_secret": "new-secret", "form_link_retired_secrets": "test-form-link-secret"}
    async with running("consent", consent_port=0, **rotated) as (service,):
        url = f"http://127.0.0.1:{service.parts[-1].port}/consent"
        assert (await visitor.post(token, url=url)).status == 200
    assert len(await offered.audit(lead)) == 1


async def test_scanners_grant_nothing_and_leave_at_most_twenty_open_forms(
    offered: ConsentFixture, visitor: FormVisitor
) -> None:
    lead = await offered.add_lead()
    first = (await visitor.open(lead)).token
    pages = await asyncio.gather(*(visitor.open(lead) for _ in range(150)))
    assert {page.status for page in pages} == {200}
    assert await count(offered, "consent_tokens") == 20
    assert await offered.audit(lead) == []
    refused = await visitor.post(first, url=visitor.link(lead))
    assert (refused.status, "/consent?l=" in refused.text) == (410, True)
    assert [event["reason"] for event in await offered.events(ConsentRefused)] == ["unknown"]
    newest = await visitor.open(lead)
    assert (await visitor.post(newest.token)).status == 200
    assert await count(offered, "consent_tokens where used_at is null") == 19


async def test_a_used_token_makes_no_room_and_is_never_removed(offered: ConsentFixture, visitor: FormVisitor) -> None:
    lead = await offered.add_lead()
    await visitor.sign(lead)
    for _ in range(25):
        await visitor.open(lead)
    assert await count(offered, "consent_tokens where used_at is null") == 20
    assert await count(offered, "consent_tokens where used_at is not null") == 1
