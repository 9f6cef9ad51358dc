"""A person resolves contradictions of records; no value is lost, and the lead of a new owner starts again."""

from collections.abc import Iterator
from uuid import UUID, uuid4

import psycopg
import pytest

from support.commandline import Equity
from support.databases import Database

Connection = psycopg.Connection[tuple[object, ...]]


@pytest.fixture
def connection(database: Database) -> Iterator[Connection]:
    with psycopg.connect(database.superuser_dsn, autocommit=True) as connection:
        yield connection


def lead(connection: Connection, status: str = "new", **columns: object) -> UUID:
    """A lead with these columns; returns its id."""
    names = {
        "id": uuid4(),
        "source": "test",
        "property_address": "418 PALMETTO AVE",
        **columns,
    }
    fields, places = ", ".join(names), ", ".join(["%s"] * len(names))
    connection.execute(f"insert into app.leads ({fields}) values ({places})", list(names.values()))
    connection.execute("set session_replication_role = replica")
    connection.execute("update app.leads set campaign_status = %s where id = %s", (status, names["id"]))
    connection.execute("set session_replication_role = default")
    return UUID(str(names["id"]))


def conflict(connection: Connection, kind: str, of: UUID, column: str, value: str, other: UUID | None = None) -> int:
    """A recorded conflict; returns its number."""
    row = connection.execute(
        "insert into app.lead_conflicts (kind, lead_id, other_lead_id, column_name, value) values (%s, %s, %s, %s, %s) "
        "returning id",
        (kind, of, other, column, value),
    ).fetchone()
    assert row
    return int(str(row[0]))


def column(connection: Connection, of: UUID, name: str) -> object:
    row = connection.execute(f"select {name} from app.leads where id = %s", (of,)).fetchone()
    assert row
    return row[0]


def test_open_conflicts_are_listed_with_what_the_lead_has(equity: Equity, connection: Connection) -> None:
    of = lead(connection, apn_key="FL|PINELLAS|1")
    number = conflict(connection, "key_differs", of, "apn_key", "FL|PINELLAS|2")
    (listed,) = equity("conflicts", "list", "--json").ok().json
    assert (listed["id"], listed["kind"], listed["value"], listed["lead_has"]) == (
        number, "key_differs", "FL|PINELLAS|2", "FL|PINELLAS|1",
    )  # fmt: skip
    assert equity("conflicts", "list", "--kind", "owner_changed", "--json").ok().json == []
    assert "418 PALMETTO AVE" in equity("conflicts", "list").ok().out


@pytest.mark.parametrize("decision", ["keep", "dismiss"])
def test_a_kept_lead_stays_and_its_conflict_is_resolved(equity: Equity, connection: Connection, decision: str) -> None:
    of = lead(connection, apn_key="FL|PINELLAS|1")
    number = conflict(connection, "key_differs", of, "apn_key", "FL|PINELLAS|2")
    equity("conflicts", "resolve", number, decision, "--note", "checked at the county").ok()
    assert column(connection, of, "apn_key") == "FL|PINELLAS|1"
    assert equity("conflicts", "list", "--json").ok().json == []
    (resolved,) = equity("conflicts", "list", "--all", "--json").ok().json
    assert (resolved["resolution"], resolved["note"]) == (decision, "checked at the county")
    assert resolved["resolved_by"]


def test_a_taken_key_leaves_its_holder_and_nothing_is_lost(equity: Equity, connection: Connection) -> None:
    holder = lead(connection, apn_key="FL|PINELLAS|2")
    of = lead(connection, apn_key="FL|PINELLAS|1")
    number = conflict(connection, "key_held", of, "apn_key", "FL|PINELLAS|2", holder)
    equity("conflicts", "resolve", number, "take").ok()
    assert column(connection, of, "apn_key") == "FL|PINELLAS|2"
    assert column(connection, holder, "apn_key") is None
    kept = {(row["lead_id"], row["value"]) for row in equity("conflicts", "list", "--all", "--json").ok().json}
    assert kept == {(str(of), "FL|PINELLAS|2"), (str(holder), "FL|PINELLAS|2"), (str(of), "FL|PINELLAS|1")}
    assert equity("conflicts", "list", "--json").ok().json == []


def test_an_address_is_taken_by_its_hash(equity: Equity, connection: Connection) -> None:
    of = lead(connection, addr_hash=b"\x01" * 16)
    number = conflict(connection, "key_differs", of, "addr_hash", "02" * 16)
    equity("conflicts", "resolve", number, "take").ok()
    assert column(connection, of, "addr_hash") == b"\x02" * 16


def test_a_person_s_choice_outranks_a_file_of_today(equity: Equity, connection: Connection) -> None:
    of = lead(connection, apn_key="FL|PINELLAS|1")
    equity("conflicts", "resolve", conflict(connection, "key_differs", of, "apn_key", "FL|PINELLAS|2"), "take").ok()
    row = connection.execute(
        "select (observed ->> 'apn_key')::integer = (current_date - date '1970-01-01') * 16 + 15 from app.leads where id = %s",
        (of,),
    ).fetchone()
    assert row == (True,)


def test_a_new_owner_starts_over_and_is_verified_again(equity: Equity, connection: Connection) -> None:
    of = lead(connection, "paused", phone_verified=True, paused_from="active")
    connection.execute(
        "insert into app.lead_contacts "
        "(lead_id, channel, value_hash, hash_key_id, value_ciphertext, source, verified, codes, first_seen) "
        "values (%s, 'phone', '\\x01', 'h1', '\\x01', 'test', true, '{PS01}', now() - interval '1 day')",
        (of,),
    )
    equity("conflicts", "resolve", conflict(connection, "owner_changed", of, "owner_last_name", "ab"), "take").ok()
    assert column(connection, of, "campaign_status") == "new"
    assert column(connection, of, "phone_verified") is False
    assert connection.execute("select verified, codes from app.lead_contacts").fetchall() == [(None, [])]


def test_the_same_owner_after_all_goes_on_where_it_was(equity: Equity, connection: Connection) -> None:
    of = lead(connection, "paused", paused_from="active")
    number = conflict(connection, "owner_changed", of, "owner_last_name", "ab")
    assert (
        equity("conflicts", "resolve", number, "dismiss", "--release", "--json").ok().json["released"] == "transitioned"
    )
    assert column(connection, of, "campaign_status") == "active"


@pytest.mark.parametrize(("flag", "why"), [("deceased_owner", "deceased"), ("litigator", "one who sues callers")])
def test_a_lead_that_must_not_be_contacted_stays_paused(
    equity: Equity, connection: Connection, flag: str, why: str
) -> None:
    of = lead(connection, "paused", paused_from="active", **{flag: True})
    number = conflict(connection, "owner_changed", of, "owner_last_name", "ab")
    done = equity("conflicts", "resolve", number, "keep", "--release").ok()
    assert f"The lead stays paused: its owner is marked as {why}." in done.err
    assert column(connection, of, "campaign_status") == "paused"


def test_a_lead_stays_paused_unless_it_is_released(equity: Equity, connection: Connection) -> None:
    of = lead(connection, "paused", paused_from="active")
    first = conflict(connection, "owner_changed", of, "owner_last_name", "ab")
    second = conflict(connection, "owner_changed", of, "owner_last_name", "cd")
    assert (
        equity("conflicts", "resolve", first, "dismiss", "--release", "--json").ok().json["released"]
        == "owner_unresolved"
    )
    equity("conflicts", "resolve", second, "keep").ok()
    assert column(connection, of, "campaign_status") == "paused"


def test_a_resolved_or_unknown_conflict_is_refused(equity: Equity, connection: Connection) -> None:
    number = conflict(connection, "key_differs", lead(connection), "apn_key", "FL|PINELLAS|2")
    equity("conflicts", "resolve", number, "keep").ok()
    for wrong in (number, number + 1000):
        refused = equity("conflicts", "resolve", wrong, "keep")
        assert refused.code == 3
        assert "equity conflicts list --all" in refused.err
    assert equity("conflicts", "resolve", number, "maybe").code == 2


def test_a_taken_key_brings_what_it_is_shown_by(equity: Equity, connection: Connection) -> None:
    holder = lead(connection, apn_key="12103|22222", apn="22-222")
    of = lead(connection, apn_key="12103|11111", apn="11-111")
    number = conflict(connection, "key_held", of, "apn_key", "12103|22222", holder)
    equity("conflicts", "resolve", number, "take").ok()
    assert (column(connection, of, "apn"), column(connection, of, "apn_key")) == ("22-222", "12103|22222")
    assert (column(connection, holder, "apn"), column(connection, holder, "apn_key")) == (None, None)
    other = lead(connection, addr_hash=b"o" * 16, property_address="9 OAK ST", property_unit="4")
    number = conflict(connection, "key_held", of, "addr_hash", (b"o" * 16).hex(), other)
    equity("conflicts", "resolve", number, "take").ok()
    assert (column(connection, of, "property_address"), column(connection, of, "property_unit")) == ("9 OAK ST", "4")
