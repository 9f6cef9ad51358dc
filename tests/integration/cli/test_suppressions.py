"""`equity suppressions`: list, add, import and lift, with the effect of an opt-out and a record of who did it."""

import asyncio
import json
import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from common.events import ConsentRevoked, Unsubscribed
from common.ids import BrokerId
from support.commandline import ENTRY, Equity
from support.consents import EMAIL, NUMBER, OTHER_NUMBER, START, ConsentFixture
from support.databases import Database
from support.feeding import KEYS
from support.installation import SECRETS
from support.invariants import find_offenders


def because(reason: str, note: str = "x") -> tuple[str, ...]:
    """Return the options that say why."""
    return ("--reason", reason, "--note", note)


@pytest.fixture
async def data(database: Database) -> AsyncIterator[ConsentFixture]:
    owner = await asyncpg.connect(database.superuser_dsn)
    consent = await asyncpg.connect(database.dsn("consent"))
    broker = BrokerId(uuid4())
    await owner.execute("insert into app.brokers (id, name) values ($1, 'Palmetto Home Equity')", broker)
    await owner.execute("insert into app.consent_texts (version, text, covers) values (1, 'I agree.', '{calls}')")
    yield ConsentFixture(owner, consent, broker)
    await consent.close()
    await owner.close()


@pytest.fixture
def equity(database: Database) -> Equity:
    """`equity(...)` of a user who knows the operators' login and no other."""
    operator = {
        "OPERATOR_DATABASE_URL": database.dsn("operator"),
        "DATABASE_URL": "postgresql://unknown@127.0.0.1:1/none",
    }
    return Equity(operator | SECRETS)


async def test_an_added_value_is_suppressed_once_and_shown_without_being_named(
    data: ConsentFixture, equity: Equity
) -> None:
    add = ("suppressions", "add", "--email", EMAIL.upper(), *because("operator", "letter of 3 May"), "--json")
    first = equity(*add).ok()
    assert first.json["added"] is True
    assert equity(*add).ok().json["added"] is False
    assert EMAIL not in (first.out + first.err).lower()
    assert await data.active(EMAIL) == ["operator"]
    listed = equity("suppressions", "list", "--value", EMAIL, "--json").ok()
    [row] = listed.json
    assert (row["reason"], row["added_note"], row["is_active"]) == ("operator", "letter of 3 May", True)
    assert EMAIL not in listed.out
    assert equity("suppressions", "list", "--value", NUMBER, "--json").ok().json == []
    assert equity("suppressions", "list", "--channel", "phone", "--json").ok().json == []


async def test_a_suppressed_address_leaves_its_campaign_and_a_suppressed_number_ends_the_consent_with_its_event(
    data: ConsentFixture, equity: Equity
) -> None:
    lead = await data.add_lead()
    await data.sign(lead, 1)
    campaign = uuid4()
    await data.owner.execute(
        "insert into app.campaigns (id, broker_id, name) values ($1, $2, 'A')", campaign, data.broker
    )
    await data.owner.execute(
        """insert into app.vendor_memberships (lead_id, campaign_id, value_hash, desired, actual)
        select lead_id, $2, value_hash, 'in', 'in' from app.lead_contacts where lead_id = $1 and channel = 'email'""",
        lead, campaign,
    )  # fmt: skip
    email = equity("suppressions", "add", "--email", EMAIL, *because("operator"), "--json").ok().json
    assert (email["leads"], email["memberships"], email["consents"]) == (1, 1, 0)
    assert await data.owner.fetchval("select desired from app.vendor_memberships") == "out"
    phone = equity("suppressions", "add", "--phone", NUMBER, *because("litigator", "court file"), "--json").ok().json
    assert (phone["leads"], phone["memberships"], phone["consents"]) == (1, 0, 1)
    assert [row["action"] for row in await data.audit(lead)] == ["granted", "voided"]
    [event] = await data.events(ConsentRevoked)
    assert (event["how"], event["outcome"]) == ("litigator", "voided")
    assert (await data.summary(lead))[0] is False


async def test_a_dry_run_shows_the_effect_and_stores_nothing(data: ConsentFixture, equity: Equity) -> None:
    lead = await data.add_lead()
    await data.sign(lead, 1)
    shown = equity("suppressions", "add", "--phone", NUMBER, *because("opt_out"), "--dry-run", "--json").ok().json
    assert (shown["added"], shown["dry_run"], shown["leads"], shown["consents"]) == (True, True, 1, 1)
    text = equity("suppressions", "add", "--phone", NUMBER, *because("opt_out"), "--dry-run").ok().err
    assert "nothing was stored" in text
    assert await data.active(NUMBER) == []
    assert (await data.summary(lead))[0] is True
    for table in ("app.suppression_changes", "svc_consent.outbox"):
        assert await data.owner.fetchval(f"select count(*) from {table}") == 0


async def test_an_opt_out_that_the_office_hears_unsubscribes_the_leads_and_has_an_event_for_each(
    data: ConsentFixture, equity: Equity
) -> None:
    lead = await data.add_lead()
    equity("suppressions", "add", "--email", EMAIL, *because("opt_out", "call to the office")).ok()
    assert (
        await data.owner.fetchval("select campaign_status::text from app.leads where id = $1", lead) == "unsubscribed"
    )
    equity("suppressions", "add", "--phone", "(727) 555-0199", *because("opt_out", "no lead has it")).ok()
    events = await data.events(Unsubscribed)
    assert [(event["how"], event["channel"], event.get("lead_id")) for event in events] == [
        ("office", "email", str(lead)), ("office", "phone", None)
    ]  # fmt: skip
    assert EMAIL not in json.dumps(events)


async def test_a_file_is_imported_line_by_line_and_a_second_time_without_effect(
    data: ConsentFixture, equity: Equity, tmp_path: Path
) -> None:
    lines = [
        "phone 1",
        "727,5550142",
        "(727) 555-0143,",
        "owner@example.com",
        "",
        "not a number",
        '"unquoted word',
        "7275550142",
    ]
    file, refused = tmp_path / "registry.csv", tmp_path / "refused.csv"
    file.write_text("\n".join(lines))
    command = ("suppressions", "import", file, *because("registry", "May"), "--refused", refused, "--yes", "--json")
    first = equity(*command)
    assert first.code == 3, "a line was refused"
    counts = {"added": 3, "already": 1, "refused": 2, "header_lines": 1, "lines_left_off": 0}
    assert {name: first.json[name] for name in counts} == counts
    assert [bad["line"] for bad in first.json["lines"]] == [6, 7]
    assert [line.split(",")[0] for line in refused.read_text().splitlines()] == ["line", "6", "7"]
    assert "line 6: no email address" in first.err
    assert "unquoted word" not in first.out + first.err + refused.read_text()
    assert await data.active("+17275550142") == ["registry"]
    assert await data.active("owner@example.com") == ["registry"]
    assert equity(*command).json["added"] == 0
    assert await data.owner.fetchval("select count(*) from app.suppression_changes") == 3


async def test_a_file_of_many_pages_is_imported_after_a_dry_run_that_stores_nothing(
    data: ConsentFixture, equity: Equity, tmp_path: Path
) -> None:
    file = tmp_path / "registry.txt"
    file.write_text("\r\n".join(f"727{5_550_000 + number}" for number in range(1_200)), encoding="utf-16")
    command = ("suppressions", "import", file, *because("registry"), "--json")
    shown = equity(*command, "--dry-run").ok().json
    assert shown["added"] == 1_200
    assert await data.owner.fetchval("select count(*) from app.suppressions") == 0
    assert equity(*command).code == 3, "it was not confirmed"
    ran = equity(*command, "--yes").ok()
    assert ran.json["added"] == 1_200
    assert "100 %" in ran.err
    assert await data.owner.fetchval("select count(*) from app.active_suppressions") == 1_200


async def test_an_import_that_is_killed_keeps_its_pages_and_is_completed_by_a_repeat(
    data: ConsentFixture, equity: Equity, tmp_path: Path
) -> None:
    """The lock of a value of the second page is held, so the command waits in that page when it is killed."""
    numbers = [f"+1727{5_550_000 + number}" for number in range(1_200)]
    file = tmp_path / "registry.txt"
    file.write_text("\n".join(numbers))
    command = ("suppressions", "import", str(file), *because("registry"), "--yes", "--json")
    lock = data.owner.transaction()
    await lock.start()
    await data.owner.execute(
        "select pg_advisory_xact_lock(('x' || encode(substring($1::bytea from 1 for 8), 'hex'))::bit(64)::bigint)",
        KEYS.hash_contact(numbers[700]),
    )
    waiting = """select count(*) from pg_locks l join pg_database d on d.oid = l.database
        where d.datname = current_database() and l.locktype = 'advisory' and not l.granted"""
    process = await asyncio.create_subprocess_exec(
        *ENTRY, *command, env={**equity.environment, "PATH": os.environ["PATH"]}, stdout=asyncio.subprocess.DEVNULL
    )
    async with asyncio.timeout(60):
        while not await data.consent.fetchval(waiting):
            await asyncio.sleep(0.05)
    process.kill()
    await process.wait()
    await lock.rollback()
    assert await data.owner.fetchval("select count(*) from app.suppression_changes") == 500
    repeated = equity(*command).ok().json
    assert (repeated["added"], repeated["already"]) == (700, 500)
    assert await data.owner.fetchval("select count(*) from app.suppression_changes") == 1_200


async def test_the_file_of_refused_lines_is_never_the_imported_one(equity: Equity, tmp_path: Path) -> None:
    file = tmp_path / "registry.csv"
    file.write_text("7275550142\n")
    ran = equity("suppressions", "import", file, *because("registry"), "--refused", file, "--yes")
    assert ran.code == 2
    assert file.read_text() == "7275550142\n"


async def test_the_same_entry_again_ends_a_consent_that_is_newer_with_its_event(
    data: ConsentFixture, equity: Equity
) -> None:
    lead = await data.add_lead()
    add = ("suppressions", "add", "--phone", NUMBER, *because("operator"), "--json")
    equity(*add).ok()
    await data.sign(lead, (datetime.now(UTC) - START) / timedelta(minutes=1))
    repeated = equity(*add).ok().json
    assert (repeated["added"], repeated["consents"]) == (False, 1)
    [event] = await data.events(ConsentRevoked)
    assert (event["lead_id"], event["how"]) == (str(lead), "operator")
    assert equity(*add).ok().json["consents"] == 0


async def test_an_operators_entry_is_lifted_with_a_record_and_can_be_added_again(
    data: ConsentFixture, equity: Equity
) -> None:
    equity("suppressions", "add", "--phone", NUMBER, *because("operator")).ok()
    [row] = equity("suppressions", "list", "--json").ok().json
    lift = ("suppressions", "lift", row["id"], "--note", "wrong list", "--json")
    assert equity(*lift).code != 0, "it was not confirmed"
    assert equity(*lift, "--yes").ok().json["results"] == [{"id": row["id"], "result": "lifted"}]
    assert equity(*lift, "--yes").ok().json["results"] == [{"id": row["id"], "result": "already"}]
    assert await data.active(NUMBER) == []
    [lifted] = equity("suppressions", "list", "--all", "--json").ok().json
    assert (lifted["is_active"], lifted["lift_note"]) == (False, "wrong list")
    changes = await data.owner.fetch("select action, login, note from app.suppression_changes order by id")
    assert [tuple(change) for change in changes] == [
        ("added", "equity_operator", "x"), ("lifted", "equity_operator", "wrong list")
    ]  # fmt: skip
    assert equity("suppressions", "add", "--phone", NUMBER, *because("operator"), "--json").json["added"]


@pytest.mark.parametrize("reason", ["opt_out", "wrong_person", "complaint", "registry", "litigator", "deceased"])
async def test_no_operator_lifts_a_statement_of_the_person_or_an_entry_of_a_list(
    data: ConsentFixture, equity: Equity, reason: Any
) -> None:
    equity("suppressions", "add", "--phone", NUMBER, *because(reason)).ok()
    [row] = equity("suppressions", "list", "--json").ok().json
    refused = equity("suppressions", "lift", row["id"], "--note", "x", "--yes")
    assert refused.code == 3
    assert "only an operator's own decision" in refused.err
    assert await data.active(NUMBER) == [reason]


async def test_an_entry_that_no_operator_added_cannot_be_lifted(data: ConsentFixture, equity: Equity) -> None:
    await data.opt_out(NUMBER, 1, reason="operator")
    equity("suppressions", "add", "--phone", OTHER_NUMBER, *because("operator", "wrong file")).ok()
    mine, other = equity("suppressions", "list", "--json").ok().json
    ran = equity("suppressions", "lift", mine["id"], other["id"], 99, "--note", "x", "--yes", "--json")
    assert ran.code == 3
    assert [row["result"] for row in ran.json["results"]] == ["lifted", "not_ours", "missing"]
    assert await data.active(NUMBER) == ["operator"]
    assert await data.active(OTHER_NUMBER) == []


async def test_a_lift_ends_the_suppression_from_its_record_and_breaks_no_invariant(
    data: ConsentFixture, equity: Equity, database: Database
) -> None:
    lead = await data.add_lead()
    equity("suppressions", "add", "--email", EMAIL, *because("operator")).ok()
    [row] = equity("suppressions", "list", "--json").ok().json
    equity("suppressions", "lift", row["id"], "--note", "x", "--yes").ok()
    decide = """insert into pipeline.contact_decisions (lead_id, channel, value_hash, allowed, reason, at)
        select $1, 'email', $2, true, 'allowed', c.at + $3 from app.suppression_changes c where c.action = 'lifted'"""
    await data.owner.execute(decide, lead, KEYS.hash_contact(EMAIL), timedelta(seconds=1))
    assert await find_offenders(database.superuser_dsn) == []
    await data.owner.execute(decide, lead, KEYS.hash_contact(EMAIL), -timedelta(microseconds=1))
    [offender] = await find_offenders(database.superuser_dsn)
    assert "contact_after_opt_out" in str(offender)


async def test_wrong_values_are_refused_with_advice(equity: Equity) -> None:
    for arguments in (("--email", "nothing"), ("--phone", "12"), (), ("--email", EMAIL, "--phone", NUMBER)):
        assert equity("suppressions", "add", *arguments, *because("operator")).code == 2
    assert equity("suppressions", "add", "--email", EMAIL, "--note", "x").code == 2, "no reason"
    assert equity("suppressions", "add", "--email", EMAIL, "--reason", "operator").code == 2, "no note"
    assert equity("suppressions", "list", "--value", EMAIL, "--channel", "phone").code == 2
    for number in ("0", "x", "9" * 30):
        assert equity("suppressions", "lift", number, "--note", "x", "--yes").code == 2
