"""The funnel, the uploads and the dead letters, read and replayed by the command line."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import orjson
import psycopg
import pytest

from common.bus.dead_letter_message import pack_message
from common.pii.keyring import Keyring
from common.settings import Settings
from support.commandline import Equity
from support.databases import Database
from support.installation import SECRETS

KEYRING = Keyring.from_settings(Settings(encryption_key=SECRETS["ENCRYPTION_KEY"]))
Connection = psycopg.Connection[tuple[object, ...]]


@pytest.fixture
def connection(database: Database) -> Iterator[Connection]:
    with psycopg.connect(database.superuser_dsn, autocommit=True) as connection:
        yield connection


def event(
    connection: Connection, kind: str, lead: UUID | None = None, *, ago: timedelta = timedelta(), **columns: object
) -> None:
    at = datetime.now(UTC) - ago
    names = {"event_id": uuid4(), "event_type": kind, "lead_id": lead, "occurred_at": at, "created_at": at, **columns}
    connection.execute(
        f"insert into app.pipeline_events ({', '.join(names)}) values ({', '.join(['%s'] * len(names))})",
        list(names.values()),
    )


def dead_letter(
    connection: Connection, consumer: str = "ingest.upsert_leads", status: str = "open", body: bytes = b"{}"
) -> int:
    event_id = uuid4()
    encrypted = KEYRING.encrypt(
        "dead-letter", event_id.bytes, pack_message(b"key", [("ce_type", b"ingest.leads"), ("x", None)], body)
    )
    row = connection.execute(
        "insert into pipeline.pipeline_dlq (source, payload, reason, consumer, event_id, status) "
        "values ('ingest.leads', %s, 'missing_zip', %s, %s, %s) returning id",
        (encrypted, consumer, event_id, status),
    ).fetchone()
    assert row
    return int(str(row[0]))


def test_the_funnel_counts_in_the_order_of_a_lead_s_life(equity: Equity, connection: Connection) -> None:
    lead, upload = uuid4(), uuid4()
    event(connection, "dedupe_success", lead, outcome="inserted", duration_ms=10, correlation_id=str(upload))
    event(connection, "dedupe_success", lead, outcome="updated", duration_ms=30, correlation_id=str(upload))
    event(connection, "something_new")
    event(connection, "upload_received", correlation_id=str(upload))
    event(connection, "lead_verified", lead, ago=timedelta(hours=30))
    rows = equity("funnel", "--json").ok().json
    assert [row["event_type"] for row in rows] == ["upload_received", "dedupe_success", "something_new"]
    assert rows[1] == {
        "event_type": "dedupe_success", "count": 2, "leads": 1, "avg_duration_ms": 20.0,
        "outcomes": {"inserted": 1, "updated": 1},
    }  # fmt: skip
    assert len(equity("funnel", "--since", "2d", "--json").ok().json) == 4
    assert len(equity("funnel", "--upload", upload, "--json").ok().json) == 2
    assert "inserted 1, updated 1" in equity("funnel").ok().out


def test_the_funnel_of_an_upload_includes_feeds_of_its_leads_and_no_other_upload(
    equity: Equity, connection: Connection
) -> None:
    lead, other, upload = uuid4(), uuid4(), uuid4()
    event(connection, "dedupe_success", lead, correlation_id=str(upload))
    event(connection, "dedupe_success", lead, correlation_id=str(uuid4()))
    event(connection, "campaign_added", lead)
    event(connection, "campaign_added", other)
    rows = equity("funnel", "--upload", upload, "--json").ok().json
    assert [(row["event_type"], row["count"]) for row in rows] == [("dedupe_success", 1), ("campaign_added", 1)]


def test_the_funnel_of_one_broker(equity: Equity, connection: Connection) -> None:
    dana = equity("brokers", "add", "Dana Ruiz", "--json").ok().json["id"]
    event(connection, "dedupe_success", uuid4(), broker_id=dana)
    event(connection, "dedupe_success", uuid4())
    (row,) = equity("funnel", "--broker", "dana ruiz", "--json").ok().json
    assert row["count"] == 1
    assert equity("funnel", "--broker", "Lee Ash").code == 2


def test_dead_letters_that_wait_are_listed(equity: Equity, connection: Connection) -> None:
    numbers = [dead_letter(connection, status=status) for status in ("open", "retrying", "parked", "resolved")]
    assert [row["id"] for row in equity("dlq", "list", "--json").ok().json] == [numbers[1], numbers[0]]
    (parked,) = equity("dlq", "list", "--status", "parked", "--json").ok().json
    assert (parked["id"], parked["reason"]) == (numbers[2], "missing_zip")
    assert equity("dlq", "list", "--consumer", "recorder.record", "--json").ok().json == []
    assert "1 parked" in equity("dlq", "list").ok().err


def test_a_dead_letter_s_message_opens_only_on_request(equity: Equity, connection: Connection) -> None:
    number = dead_letter(connection, body=orjson.dumps({"property_city": "Dunedin"}))
    encrypted = equity("dlq", "show", number, "--json").ok()
    assert "payload" not in encrypted.json
    assert "Dunedin" not in encrypted.out + encrypted.err
    opened = equity("dlq", "show", number, "--reveal", "--json").ok().json["message"]
    assert opened == {
        "key": "key", "headers": {"ce_type": "ingest.leads", "x": None}, "value": {"property_city": "Dunedin"},
    }  # fmt: skip
    wrong = equity("dlq", "show", number, "--reveal", ENCRYPTION_KEY="9" * 64)
    assert wrong.code == 3
    assert "ENCRYPTION_KEY" in wrong.err
    assert equity("dlq", "show", number + 1000).code == 3


def test_a_dead_letter_that_was_emptied_says_so(equity: Equity, connection: Connection) -> None:
    number = dead_letter(connection)
    connection.execute("update pipeline.pipeline_dlq set payload = null where id = %s", (number,))
    for option in ([], ["--reveal"]):
        assert "no longer kept" in equity("dlq", "show", number, *option).ok().err


def test_bytes_that_are_no_text_are_shown_escaped(equity: Equity, connection: Connection) -> None:
    number = dead_letter(connection, body=b"\xff\x00not json")
    assert equity("dlq", "show", number, "--reveal", "--json").ok().json["message"]["value"] == "\\xff\x00not json"


def test_a_dry_run_lists_dead_letters_and_sends_nothing(equity: Equity, connection: Connection) -> None:
    ours, parked = dead_letter(connection), dead_letter(connection, status="parked")
    dead_letter(connection, consumer="recorder.record")
    rows = equity("dlq", "replay", "--consumer", "ingest.upsert_leads", "--dry-run", "--json").ok().json
    assert [row["id"] for row in rows] == [ours]
    assert connection.execute(
        "select count(*) from pipeline.pipeline_dlq where retry_after is not null"
    ).fetchone() == (0,)
    equity("dlq", "replay", "--consumer", "ingest.upsert_leads", "--include-parked", "--json").ok()
    due = connection.execute(
        "select id from pipeline.pipeline_dlq where retry_after <= now() and status = 'open' order by id"
    )
    assert [row[0] for row in due] == [ours, parked]
    asked = connection.execute(
        "select dry_run, matched, requested_by <> '' from pipeline.dlq_replays order by id"
    ).fetchall()
    assert asked == [(True, 1, True), (False, 2, True)]


def test_a_cut_off_leaves_later_dead_letters(equity: Equity, connection: Connection) -> None:
    dead_letter(connection)
    assert equity("dlq", "replay", "--until", "1h", "--dry-run", "--json").ok().json == []
    assert len(equity("dlq", "replay", "--since", "1h", "--dry-run", "--json").ok().json) == 1


def test_dead_letters_whose_sender_sends_again_are_parked(equity: Equity, connection: Connection) -> None:
    first, second, resolved = (
        dead_letter(connection),
        dead_letter(connection),
        dead_letter(connection, status="resolved"),
    )
    assert equity("dlq", "park", first, second, "--json").ok().json == {"parked": [first, second]}
    assert equity("dlq", "list", "--json").ok().json == []
    again = equity("dlq", "park", resolved)
    assert again.code == 3
    assert str(resolved) in again.err
    replayed = equity("dlq", "replay", "--id", first, "--dry-run", "--json").ok().json
    assert [row["id"] for row in replayed] == [first]


def test_a_replay_without_a_filter_is_refused(equity: Equity, connection: Connection) -> None:
    dead_letter(connection)
    refused = equity("dlq", "replay")
    assert refused.code == 2
    assert "--dry-run" in refused.err


def test_uploads_are_listed_with_their_totals(equity: Equity, connection: Connection) -> None:
    partner, upload = equity("partners", "add", "Acme", "--json").ok().json["id"], uuid4()
    connection.execute(
        "insert into app.uploads (id, partner_id, key_id, sha256, size, filename, state, rows_total, rows_published, "
        "spool_disk_id) values (%s, %s, 'k', sha256('x'), 10, 'leads.csv', 'done', 7, 7, 'here')",
        (upload, partner),
    )
    connection.execute(
        "insert into app.upload_tallies (upload_id, inserted, duplicate, rejected) values (%s, 3, 1, 0), (%s, 1, 1, 1)",
        (upload, upload),
    )
    (row,) = equity("uploads", "list", "--partner", "acme", "--state", "done", "--json").ok().json
    totals = {name: row[name] for name in ("id", "rows_total", "inserted", "updated", "duplicate", "rejected")}
    assert totals == {"id": str(upload), "rows_total": 7, "inserted": 4, "updated": 0, "duplicate": 2, "rejected": 1}
    assert equity("uploads", "list", "--state", "failed", "--json").ok().json == []
    assert "No upload matches" in equity("uploads", "list", "--state", "failed").ok().out
