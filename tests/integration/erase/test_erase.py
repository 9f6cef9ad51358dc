"""`equity erase`: what it deletes, what stays, and that it may be repeated."""

import asyncio
import json
import os
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from support.commandline import ENTRY, Equity
from support.consents import ConsentFixture
from support.databases import Database
from support.erasure import EMAIL, PHONE, ErasedPersonFixture
from support.feeding import KEYS
from support.installation import SECRETS
from support.leads import LeadFixture

REASON = ("--reason", "letter of 1 December", "--yes", "--json")
KEPT_COLUMNS = {
    "id", "property_state", "assigned_broker_id", "assignable_broker_ids", "campaign_status", "added_to_campaign_at",
    "current_sequence_step", "last_reply_at", "consented_at", "vapi_call_id", "call_attempt_count", "lead_version", "created_at",
    "updated_at", "erased_at", "source", "observed",
}  # fmt: skip
"""Columns of an erased lead that may have a value: its place in the pipeline, its times, and the state whose law applied."""
EMPTY_VALUES: tuple[object, ...] = (None, False, 0, [], "{}")


async def test_nothing_of_the_person_is_left_in_any_table(equity: Equity, person: ErasedPersonFixture, db: Any) -> None:
    assert await person.find_clear_texts()
    answer = equity("erase", person.lead, *REASON).ok().json
    assert answer["leads"] == [str(person.lead)]
    assert (answer["erased"], answer["related_leads"]) == (1, [str(person.other)])
    assert answer["texts"]["rejected rows"] == {"searched": 3, "emptied": 2, "unreadable": 0}
    assert answer["texts"]["dead letters"] == {"searched": 2, "emptied": 1, "unreadable": 0}
    assert answer["waiting_removals"] == 1
    assert await person.find_clear_texts() == []
    assert await db.fetchval("select count(*) from app.lead_contacts where lead_id = $1", person.lead) == 0
    assert await db.fetchval("select count(*) from app.lead_conflicts") == 0
    texts = await db.fetch("select num_nonnulls(subject_ciphertext, text_ciphertext) as texts from app.replies")
    texts += await db.fetch("select num_nonnulls(subject_ciphertext, text_ciphertext) as texts from app.reply_answers")
    assert {row["texts"] for row in texts} == {0}
    assert await db.fetchval("select state || reason from app.reply_answers") == "skippederased"
    assert await db.fetchval("select desired from app.vendor_memberships") == "out"


async def test_every_column_of_an_erased_lead_is_empty_or_decided(
    equity: Equity, person: ErasedPersonFixture, db: Any
) -> None:
    equity("erase", person.lead, *REASON).ok()
    lead = await db.fetchrow("select * from app.leads where id = $1", person.lead)
    filled = {name for name, value in lead.items() if value not in EMPTY_VALUES}
    assert filled - KEPT_COLUMNS == set()
    assert (lead["campaign_status"], lead["source"], lead["property_state"]) == ("do_not_contact", "erased", "FL")


async def test_an_answer_that_another_lead_waits_for_is_deleted_after_it(
    equity: Equity, person: ErasedPersonFixture, db: Any
) -> None:
    answer = equity("erase", person.lead, *REASON).ok().json
    assert answer["waiting_responses"] == 2
    kept = await db.fetch(
        """select outcome, response_encrypted is not null as has_response
        from app.skip_trace_requests
        where lookups_encrypted is not null order by 1"""
    )
    assert [tuple(row) for row in kept] == [("answered", True), ("asked", False)]
    attempts = await db.fetch(
        """select r.outcome, a.outcome as attempt
        from app.skip_trace_attempts a
        join app.skip_trace_requests r on r.id = a.request_id
        where a.lead_id = $1 order by 1""",
        person.lead,
    )
    assert [tuple(row) for row in attempts] == [("answered", "erased"), ("answered", "erased"), ("asked", None)]


async def test_the_number_leaves_other_leads_too_and_is_suppressed_for_all(
    equity: Equity, person: ErasedPersonFixture, db: Any
) -> None:
    equity("erase", person.lead, *REASON).ok()
    other = await db.fetchrow("select * from app.leads where id = $1", person.other)
    assert (other["owner_last_name"], other["phone_hash"], other["phone_verified"]) == ("Reyes", None, False)
    assert other["erased_at"] is None
    assert other["data_key"]
    channels = await db.fetch("select channel from app.lead_contacts where lead_id = $1", person.other)
    assert [row["channel"] for row in channels] == ["email"]
    rows = await db.fetch("select channel, value_hash, reason from app.active_suppressions order by channel")
    assert [tuple(row) for row in rows] == [
        ("email", KEYS.hash_contact(EMAIL), "erased"),
        ("phone", KEYS.hash_contact(PHONE), "erased"),
    ]


async def test_a_repeat_changes_nothing_and_succeeds(equity: Equity, person: ErasedPersonFixture, db: Any) -> None:
    equity("erase", person.lead, *REASON).ok()
    before = await db.fetch("select * from app.suppressions order by id")
    hashes = await db.fetchval("select count(*) from pipeline.erased_hashes")
    answer = equity("erase", person.lead, *REASON).ok().json
    assert (answer["erased"], answer["already_erased"]) == (0, 1)
    assert await db.fetch("select * from app.suppressions order by id") == before
    assert await db.fetchval("select count(*) from pipeline.erased_hashes") == hashes
    topics = [row["topic"] for row in await db.fetch("select topic from svc_ingest.outbox")]
    assert topics == ["funnel.lead_erased"]


async def test_all_leads_with_an_address_or_number_are_erased(
    equity: Equity, person: ErasedPersonFixture, db: Any
) -> None:
    answer = equity("erase", "--phone", "(727) 555-0142", *REASON).ok().json
    assert sorted(answer["leads"]) == sorted([str(person.lead), str(person.other)])
    assert await db.fetchval("select count(*) from app.leads where erased_at is not null") == 2


async def test_a_value_that_no_lead_has_is_suppressed_and_recorded(equity: Equity, db: Any) -> None:
    for _ in range(2):
        answer = equity("erase", "--email", "Lee.Ortiz@Example.com", *REASON).ok().json
    assert (answer["leads"], answer["erased"], answer["already_erased"]) == ([], 0, 1)
    assert await db.fetchval("select value_hash from app.active_suppressions") == KEYS.hash_contact(
        "lee.ortiz@example.com"
    )


async def test_the_proof_of_consents_stays_and_verifies(equity: Equity, data: ConsentFixture, db: Any) -> None:
    lead = await data.add_lead()
    await data.sign(lead, 1)
    equity("erase", lead, *REASON).ok()
    assert equity("consent", "verify", lead, "--json").ok().json == {"leads": 1, "copies": 0, "faults": []}
    shown = equity("consent", "show", lead, "--json").ok().json
    assert [(row["action"], row["reason"]) for row in shown][:2] == [("granted", ""), ("voided", "erased")]
    assert await data.summary(lead) == (False, (await data.audit(lead))[0]["at"], None)
    revoked = await db.fetchval("select count(*) from svc_ingest.outbox where topic = 'funnel.consent_revoked'")
    assert revoked == len(shown) - 1


@pytest.fixture
async def data(database: Database, db: Any) -> Any:
    consent = await asyncpg.connect(database.dsn("consent"))
    broker = uuid4()
    await db.execute("insert into app.brokers (id, name) values ($1, 'Palmetto Home Equity')", broker)
    await db.execute("insert into app.consent_texts (version, text) values (1, 'I agree.')")
    yield ConsentFixture(db, consent, broker)  # type: ignore[arg-type]
    await consent.close()


async def test_show_says_that_the_lead_was_erased(equity: Equity, leads: LeadFixture) -> None:
    lead = await leads.add(email=EMAIL)
    equity("erase", lead, *REASON).ok()
    shown = equity("leads", "show", lead, "--json").ok().json
    assert shown["erased_at"]
    assert shown["next"]["text"] == "nothing: the person was erased"
    assert "erased" in equity("leads", "show", lead).ok().out


async def test_it_asks_and_says_what_stays(equity: Equity, leads: LeadFixture, db: Any) -> None:
    lead = await leads.add(email=EMAIL, owner_last_name="Holt")
    answer = equity("erase", lead, "--reason", "x")
    assert answer.code != 0
    assert "--yes" in answer.err
    assert "16 CFR 310.5" in answer.out + answer.err
    assert await db.fetchval("select count(*) from app.leads where erased_at is not null") == 0


@pytest.mark.parametrize(
    "arguments",
    [(), ("--email", "none"), ("--phone", "12"), (str(uuid4()), "--email", EMAIL), ("--list", "--phone", PHONE)],
)
def test_what_is_asked_wrongly_is_said(equity: Equity, arguments: tuple[str, ...]) -> None:
    assert equity("erase", *arguments, "--reason", "x", "--yes").code == 2


def test_an_unknown_lead_is_said(equity: Equity) -> None:
    answer = equity("erase", uuid4(), *REASON)
    assert answer.code == 3
    assert "There is no lead" in answer.err


async def test_the_list_repeats_erasures_in_a_restored_database(
    equity: Equity, person: ErasedPersonFixture, db: Any, tmp_path: Any
) -> None:
    equity("erase", person.lead, *REASON).ok()
    missing = uuid4()
    listed = equity("erase", "--list", "--json").ok().json
    assert [one["lead_id"] for one in listed] == [str(person.lead)]
    listed.append({**listed[0], "id": str(missing), "lead_id": str(missing)})
    file = tmp_path / "erasures.json"
    file.write_text(json.dumps(listed))
    await db.execute("truncate pipeline.erased_hashes, pipeline.erasures, app.suppressions cascade")
    await db.execute(
        "update app.leads set erased_at = null, owner_last_name = 'Holt', property_city = 'Dunedin' where id = $1",
        person.lead,
    )
    answer = equity("erase", "--repeat", file, *REASON).ok().json
    assert (answer["leads"], answer["erased"]) == ([str(person.lead)], 2)
    assert await person.find_clear_texts() == []
    assert await db.fetchval("select count(*) from pipeline.erasures") == 2
    assert await db.fetchval("select count(*) from app.active_suppressions where reason = 'erased'") == 2
    file.write_text('[{"id": 1}]')
    assert equity("erase", "--repeat", file, *REASON).code == 2


async def test_an_erasure_that_was_killed_is_completed_by_a_repeat(
    equity: Equity, person: ErasedPersonFixture, database: Database, db: Any
) -> None:
    """The lead is locked, so the command waits in its transaction when it is killed."""
    blocker = await asyncpg.connect(database.superuser_dsn)
    lock = blocker.transaction()
    await lock.start()
    await blocker.execute("select from app.leads where id = $1 for update", person.lead)
    process = await asyncio.create_subprocess_exec(
        *[*ENTRY, "erase", str(person.lead), *REASON],
        env={"DATABASE_DIRECT_URL": database.superuser_dsn, **SECRETS, "PATH": os.environ["PATH"]},
        stdout=asyncio.subprocess.DEVNULL,
    )
    waiting = "select count(*) from pg_locks where not granted and locktype in ('tuple', 'transactionid')"
    async with asyncio.timeout(60):
        while not await db.fetchval(waiting):
            await asyncio.sleep(0.05)
    process.kill()
    await process.wait()
    await lock.rollback()
    await blocker.close()
    assert await db.fetchval("select owner_last_name from app.leads where id = $1", person.lead) == "Holt"
    equity("erase", person.lead, *REASON).ok()
    assert await person.find_clear_texts() == []


async def test_no_service_can_write_personal_data_to_an_erased_lead(
    equity: Equity, leads: LeadFixture, database: Database, db: Any
) -> None:
    lead = await leads.add(email=EMAIL)
    equity("erase", lead, *REASON).ok()
    ingest = await asyncpg.connect(database.dsn("ingest"))
    with pytest.raises(asyncpg.CheckViolationError):
        await ingest.execute("update app.leads set owner_last_name = 'Holt' where id = $1", lead)
    with pytest.raises(asyncpg.CheckViolationError):
        await ingest.execute("update app.leads set data_key = 'k' where id = $1", lead)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await ingest.execute("select from pipeline.erased_hashes")
    await ingest.close()
    replies = await asyncpg.connect(database.dsn("replies"))
    await replies.execute(
        """insert into app.replies (id, event_id, lead_id, matched_by, at, received_at, text_ciphertext, state)
        values ($1, $1, $2, 'address', now(), now(), 'x', 'received')""",
        uuid4(), lead,
    )  # fmt: skip
    await replies.close()
    assert await db.fetchval("select text_ciphertext from app.replies") is None


async def test_a_reply_that_waits_for_an_erasure_stores_no_text(
    leads: LeadFixture, database: Database, db: Any
) -> None:
    lead = await leads.add(email=EMAIL)
    operator = await asyncpg.connect(database.dsn("operator"))
    replies = await asyncpg.connect(database.dsn("replies"))
    erasure = operator.transaction()
    await erasure.start()
    await operator.execute("select app.erase_person($1, $1, 'me', 'x', now(), '{}', '{}', '{}')", lead)
    reply = asyncio.create_task(
        replies.execute(
            """insert into app.replies (id, event_id, lead_id, matched_by, at, received_at, text_ciphertext, state)
            values ($1, $1, $2, 'address', now(), now(), 'x', 'received')""",
            uuid4(),
            lead,
        )
    )
    async with asyncio.timeout(30):
        while not await db.fetchval("select count(*) from pg_locks where not granted"):
            await asyncio.sleep(0.02)
    await erasure.commit()
    await reply
    assert await db.fetchval("select text_ciphertext from app.replies") is None
    await operator.close()
    await replies.close()


async def test_an_operator_erases_through_one_function_only(leads: LeadFixture, database: Database, db: Any) -> None:
    lead = await leads.add(email=EMAIL, status="converted")
    operator = await asyncpg.connect(database.dsn("operator"))
    for statement in ("select app.erase_lead($1, now())", "select app.erase_texts($1)", "select app.erase_values($1)"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await operator.execute(statement, lead)
    await operator.execute("select app.erase_person($1, $1, 'me', 'x', now(), '{}', '{}', '{}')", lead)
    await operator.close()
    assert await db.fetchval("select campaign_status::text from app.leads") == "do_not_contact"
    assert await db.fetchval("select login from pipeline.erasures") == "equity_operator"
    ingest = await asyncpg.connect(database.dsn("ingest"))
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await ingest.execute("select app.erase_person($1, $1, 'me', 'x', now(), '{}', '{}', '{}')", lead)
    await ingest.close()


async def test_a_waiting_mail_is_not_sent_and_no_mail_keeps_its_content(
    equity: Equity, person: ErasedPersonFixture, db: Any
) -> None:
    add = """insert into app.mails
      (id, service, lead_id, template, template_version, value_hash, hash_key_id, content_ciphertext, state, finished_at)
    values (gen_random_uuid(), 'svc_consent', $1, 'consent_copy', 1, 'hash', 'h1', 'content', $2::text,
      case when $2 = 'sent' then now() end)"""
    for state in ("queued", "sent"):
        await db.execute(add, person.lead, state)
    equity("erase", person.lead, *REASON).ok()
    mails = await db.fetch("select state, reason, content_ciphertext from app.mails order by state")
    assert [tuple(mail) for mail in mails] == [("refused", "erased", None), ("sent", None, None)]
