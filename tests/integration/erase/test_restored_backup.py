"""A backup that is older than erasures and opt-outs, restored: neither the person nor the contact comes back."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg

from common.bus.dead_letter_message import pack_message
from common.events import Unsubscribed
from common.ids import BrokerId
from support.commandline import Equity
from support.consents import NUMBER, OTHER_NUMBER, ConsentFixture
from support.databases import Database
from support.erasure import ErasedPersonFixture
from support.feeding import KEYS

REASON = ("--reason", "letter of 1 December", "--yes", "--json")
RESTORED = ("--reason", "restored backup", "--yes", "--json")
RUNBOOK = Path(__file__).parents[3] / "docs" / "runbooks" / "rollback.md"
GONE = "gone@example.com"
"""Address that no lead has."""


async def add_dead_letter(db: Any, text: str) -> None:
    event = uuid4()
    message = pack_message(None, [("ce_type", b"x")], json.dumps({"emails": [text]}).encode())
    await db.execute(
        "insert into pipeline.pipeline_dlq (source, consumer, event_id, payload) values ('t', 'c', $1, $2)",
        event, KEYS.encrypt("dead-letter", event.bytes, message),
    )  # fmt: skip


async def read_erasures(database: Database) -> list[tuple[Any, ...]]:
    """Return the erasures with their hashes, read by a new connection: a restore makes new tables."""
    db = await asyncpg.connect(database.superuser_dsn)
    rows = await db.fetch(
        """select e.id, e.lead_id, e.at, e.actor, e.reason, h.kind, h.hash
        from pipeline.erasures e join pipeline.erased_hashes h on h.erasure_id = e.id order by 1, 6, 7"""
    )
    await db.close()
    return [tuple(row) for row in rows]


async def test_persons_erased_after_a_backup_are_erased_again_from_the_list_that_the_restore_writes(
    equity: Equity, person: ErasedPersonFixture, database: Database, tmp_path: Path
) -> None:
    await add_dead_letter(person.db, GONE)
    backup = tmp_path / "before.dump"
    equity("db", "backup", "--out", backup).ok()
    equity("erase", person.lead, *REASON).ok()
    equity("erase", "--email", GONE, *REASON).ok()
    erased = await read_erasures(database)
    restored = equity("db", "restore", backup, "--yes", "--json").ok()
    assert restored.json["erasures_to_repeat"] == 2
    file = Path(restored.json["erasures_file"])
    assert file.stat().st_mode & 0o777 == 0o600
    assert f"equity erase --repeat {file}" in restored.err
    person.db = await asyncpg.connect(database.superuser_dsn)
    assert await person.find_clear_texts(), "the backup has the person"

    answer = equity("erase", "--repeat", file, *RESTORED).ok().json
    assert (answer["erased"], answer["leads"]) == (2, [str(person.lead)])
    assert answer["texts"]["dead letters"] == {"searched": 3, "emptied": 2, "unreadable": 0}
    assert await person.find_clear_texts() == []
    assert await read_erasures(database) == erased
    assert equity("erase", "--repeat", file, *RESTORED).ok().json["erased"] == 0
    await person.db.close()


async def test_a_backup_that_knows_every_erasure_needs_no_list(
    equity: Equity, person: ErasedPersonFixture, tmp_path: Path
) -> None:
    equity("erase", person.lead, *REASON).ok()
    backup = tmp_path / "after.dump"
    equity("db", "backup", "--out", backup).ok()
    restored = equity("db", "restore", backup, "--yes", "--json").ok()
    assert (restored.json["erasures_to_repeat"], restored.json["erasures_file"]) == (0, None)
    assert [path.name for path in tmp_path.iterdir()] == ["after.dump"]


async def test_a_restore_keeps_suppressions_that_are_newer_than_the_backup(
    equity: Equity, db: Any, database: Database, tmp_path: Path
) -> None:
    broker, campaign = BrokerId(uuid4()), uuid4()
    await db.execute("insert into app.brokers (id, name) values ($1, 'Palmetto Home Equity')", broker)
    await db.execute("insert into app.consent_texts (version, text, covers) values (1, 'I agree.', '{calls}')")
    await db.execute("insert into app.campaigns (id, broker_id, name) values ($1, $2, 'A')", campaign, broker)
    data = ConsentFixture(db, await asyncpg.connect(database.dsn("consent")), broker)
    lead = await data.add_lead()
    await data.sign(lead, 1)
    await db.execute(
        """insert into app.vendor_memberships (lead_id, campaign_id, value_hash, desired, actual)
        select lead_id, $2, value_hash, 'in', 'in' from app.lead_contacts where lead_id = $1 and channel = 'email'""",
        lead, campaign,
    )  # fmt: skip
    await data.opt_out(OTHER_NUMBER, 2, reason="registry")
    await db.execute("delete from app.suppression_reasons where reason = 'bounced'")  # a backup from before this reason
    backup = tmp_path / "before.dump"
    equity("db", "backup", "--out", backup).ok()
    await data.opt_out("owner@example.com", 3)
    await data.opt_out(NUMBER, 4)
    await data.opt_out(GONE, 5)
    await db.execute("insert into app.suppression_reasons (reason, meaning) values ('bounced', 'no such address')")
    await data.opt_out("bounced@example.com", 6, reason="bounced")
    listing = "select channel, value_hash, reason, at from app.suppressions where reason <> 'bounced' order by 1, 2, 3"
    before = await db.fetch(listing)
    await data.consent.close()

    for lost in (True, False):
        restored = equity("db", "restore", backup, "--yes", "--json").ok()
        assert restored.json["suppressions_kept"] == 3
        assert ("up to 1 may be missing" in restored.err) == lost
    owner = await asyncpg.connect(database.superuser_dsn)
    assert [tuple(row) for row in await owner.fetch(listing)] == [tuple(row) for row in before]
    assert await owner.fetchval("select desired from app.vendor_memberships") == "out"
    audit = await owner.fetch("select action, reason from app.lead_consent_audit order by seq")
    assert [tuple(row) for row in audit] == [("granted", ""), ("withdrawn", "opt_out")]
    assert await owner.fetchval("select consent from app.leads where id = $1", lead) is False
    await owner.close()


async def test_on_a_new_server_opt_outs_come_back_from_their_events(db: Any, database: Database) -> None:
    data = ConsentFixture(db, await asyncpg.connect(database.dsn("consent")), BrokerId(uuid4()))
    await db.execute("insert into app.brokers (id, name) values ($1, 'Palmetto Home Equity')", data.broker)
    await db.execute("insert into app.consent_texts (version, text, covers) values (1, 'I agree.', '{calls}')")
    lead = await data.add_lead()
    await data.sign(lead, 1)
    hashes = {"owner@example.com": "email", NUMBER: "phone", GONE: "email"}
    await db.execute("select pipeline.make_event_months(1)")
    for value, channel in hashes.items():
        event = Unsubscribed(
            lead_id=None if value == GONE else lead, occurred_at=datetime.now(UTC), outcome=channel, channel=channel,
            value_hash=KEYS.hash_contact(value).hex(), hash_key_id="h1", how="page",
        )  # fmt: skip
        await db.execute(
            """insert into app.pipeline_events (event_id, event_type, lead_id, outcome, occurred_at, created_at, payload, payload_hash)
            values ($1, 'unsubscribed', $2, $3, $4, $4, $5, 'x')""",
            uuid4(), event.lead_id, event.outcome, event.occurred_at, event.model_dump_json(),
        )  # fmt: skip
    [statement] = re.findall(r"```sql\n(.*?)```", RUNBOOK.read_text(), re.DOTALL)
    for _ in range(2):
        await db.execute(statement.replace("2026-03-01 03:00:00Z", "2026-01-01 00:00:00Z"))
    assert [await data.active(value) for value in hashes] == [["opt_out"]] * 3
    assert [row["action"] for row in await data.audit(lead)] == ["granted", "withdrawn"]
    await data.consent.close()
