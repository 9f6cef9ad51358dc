"""`equity states` opens and closes states for calls of a broker, as the legal rules allow it."""

from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from psycopg import sql

from support.commandline import Equity, Ran
from support.databases import Database

DANA, LEE = "Dana Ruiz", "Lee Ash"
LICENCE = ("--licence", "MLO 1234")
EXEMPT = ("--exemption", "licensed mortgage broker")

Open = Callable[..., Ran]


@pytest.fixture
def brokers(equity: Equity) -> dict[str, str]:
    return {name: equity("brokers", "add", name, "--json").ok().json["id"] for name in (DANA, LEE)}


def rows(database: Database) -> list[tuple[Any, ...]]:
    with psycopg.connect(database.superuser_dsn) as connection:
        return connection.execute(
            "select state, licence, registration, exemption, closed_at is null from app.broker_states order by id"
        ).fetchall()


def listed(equity: Equity, *arguments: str) -> list[Any]:
    found: list[Any] = equity("states", "list", *arguments, "--json").ok().json
    return found


@pytest.mark.usefixtures("brokers")
def test_no_state_is_open_until_an_operator_opens_one(equity: Equity) -> None:
    assert listed(equity) == []
    assert "No state is open" in equity("states", "list").ok().out
    equity("states", "open", DANA, "georgia", *LICENCE, "--yes").ok()
    [row] = listed(equity, DANA)
    assert (row["broker"], row["state"], row["licence"], row["closed_at"]) == (DANA, "GA", "MLO 1234", None)
    assert row["opened_by"]
    assert listed(equity, LEE) == []


@pytest.mark.usefixtures("brokers")
def test_california_cannot_be_opened_and_the_refusal_names_the_source(equity: Equity, database: Database) -> None:
    ran = equity("states", "open", DANA, "CA", *LICENCE, *EXEMPT, "--yes")
    assert ran.code == 3
    assert "Pub. Util. Code 2874" in ran.err
    assert rows(database) == []


@pytest.mark.usefixtures("brokers")
def test_a_state_with_a_registration_rule_needs_a_registration_or_an_exemption(
    equity: Equity, database: Database
) -> None:
    ran = equity("states", "open", DANA, "TX", *LICENCE, "--yes")
    assert ran.code == 3
    assert all(words in ran.err for words in ("$10,000", "ch. 302", "--registration", "--exemption"))
    both = equity("states", "open", DANA, "TX", *LICENCE, *EXEMPT, "--registration", "20260001", "--yes")
    assert both.code == 2
    equity("states", "open", DANA, "TX", *LICENCE, "--registration", "20260001", "--yes").ok()
    equity("states", "open", LEE, "TX", *LICENCE, *EXEMPT, "--yes").ok()
    assert rows(database) == [
        ("TX", "MLO 1234", "20260001", None, True),
        ("TX", "MLO 1234", None, "licensed mortgage broker", True),
    ]


@pytest.mark.usefixtures("brokers")
def test_opening_again_changes_nothing_and_other_documents_are_refused(equity: Equity, database: Database) -> None:
    first = equity("states", "open", DANA, "GA", *LICENCE, "--yes", "--json").ok().json
    again = equity("states", "open", DANA, "GA", *LICENCE, "--json").ok().json
    assert (first["opened"], again["opened"]) == (True, False)
    ran = equity("states", "open", DANA, "GA", "--licence", "MLO 9", "--yes")
    assert ran.code == 3
    assert "'MLO 1234'" in ran.err
    assert "states close" in ran.err
    assert len(rows(database)) == 1


@pytest.mark.usefixtures("brokers")
def test_a_closed_state_stays_in_the_history_and_can_be_opened_again(equity: Equity, database: Database) -> None:
    equity("states", "open", DANA, "GA", *LICENCE, "--yes").ok()
    equity("states", "close", DANA, "GA", "--reason", "licence expired").ok()
    assert listed(equity) == []
    again = equity("states", "close", DANA, "GA", "--reason", "twice")
    assert (again.code, "is not open" in again.err) == (3, True)
    equity("states", "open", DANA, "GA", "--licence", "MLO 9", "--yes").ok()
    assert [(row["licence"], row["close_reason"]) for row in listed(equity, "--all")] == [
        ("MLO 1234", "licence expired"),
        ("MLO 9", None),
    ]
    assert [is_open for *_, is_open in rows(database)] == [False, True]


@pytest.mark.usefixtures("brokers")
def test_the_list_shows_what_the_rules_of_each_state_ask(equity: Equity) -> None:
    equity("states", "open", DANA, "ME", *LICENCE, *EXEMPT, "--yes").ok()
    [row] = listed(equity)
    assert "reassigned number check: every call" in row["rules"]
    assert "10 M.R.S. 1498" in row["rules"]
    assert row["problem"] is None


@pytest.mark.usefixtures("brokers")
def test_an_open_state_that_the_rules_no_longer_allow_is_shown_as_a_problem(equity: Equity, database: Database) -> None:
    with psycopg.connect(database.superuser_dsn) as connection:
        connection.execute(
            "insert into app.broker_states (broker_id, state, licence, opened_by)"
            " select id, unnest('{CA,TX}'::text[]), 'x', 'x' from app.brokers where name = %s",
            (DANA,),
        )
    problems = {row["state"]: row["problem"] for row in listed(equity)}
    assert "natural voice" in problems["CA"]
    assert "registered" in problems["TX"]


@pytest.mark.usefixtures("brokers")
def test_without_a_terminal_yes_is_needed_and_mistakes_are_usage_errors(equity: Equity, database: Database) -> None:
    ran = equity("states", "open", DANA, "GA", *LICENCE)
    assert (ran.code, "--yes" in ran.err) == (3, True)
    assert equity("states", "open", DANA, "Ontario", *LICENCE, "--yes").code == 2
    assert equity("states", "open", "No One", "GA", *LICENCE, "--yes").code == 2
    assert equity("states", "open", DANA, "GA", "--licence", " ", "--yes").code == 2
    assert equity("states", "open", DANA, "GA", "--yes").code == 2
    assert rows(database) == []


def test_a_broker_sees_its_own_states_and_services_read_all(
    equity: Equity, brokers: dict[str, str], database: Database
) -> None:
    for name in brokers:
        equity("states", "open", name, "GA", *LICENCE, "--yes").ok()
    with psycopg.connect(database.superuser_dsn, autocommit=True) as connection:
        connection.execute("set role authenticated")
        connection.execute(sql.SQL("set request.jwt.claims.sub to {}").format(sql.Literal(brokers[DANA])))
        seen = connection.execute("select broker_id::text, state from app.broker_states").fetchall()
        assert seen == [(brokers[DANA], "GA")]
        for statement in (
            "select opened_by from app.broker_states",
            "update app.broker_states set closed_at = now()",
            "delete from app.broker_states",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement)
    for service in ("voice", "feeder", "consent", "replies"):
        with psycopg.connect(database.dsn(service)) as connection:
            assert connection.execute("select count(*) from app.broker_states").fetchone() == (2,)


def test_an_operator_cannot_change_the_past(equity: Equity, brokers: dict[str, str], database: Database) -> None:
    equity("states", "open", DANA, "GA", *LICENCE, "--yes").ok()
    columns = "broker_id, state, licence, opened_by"
    with psycopg.connect(database.dsn("operator"), autocommit=True) as connection:
        for statement in (
            "update app.broker_states set licence = 'x'",
            "update app.broker_states set opened_at = now()",
            "update app.broker_states set closed_at = now() - interval '1 hour', closed_by = 'x', close_reason = 'x'",
            "update app.broker_states set closed_at = now() + interval '1 hour', closed_by = 'x', close_reason = 'x'",
            "delete from app.broker_states",
            f"insert into app.broker_states ({columns}, opened_login) values ('{brokers[LEE]}', 'GA', 'x', 'x', 'x')",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement)
    equity("states", "close", DANA, "GA", "--reason", "x").ok()
    with psycopg.connect(database.dsn("operator"), autocommit=True) as connection:
        reopened = "update app.broker_states set closed_at = now(), closed_by = 'y', close_reason = 'y'"
        assert connection.execute(reopened).rowcount == 0
