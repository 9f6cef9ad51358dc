"""Attempts of every login role to use every privilege and to become another role, on a separate server."""

from collections.abc import Iterator
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import sql

from local_services import start_postgres
from schema import migrate
from schema.privileges import read_expected_privileges
from support.databases import LOGIN_ROLES
from support.privileges import Attempt, allowed_attempts, expand_allow_list, find_attempts

ALLOWED = read_expected_privileges()
PASSWORD = "test"
BROKERS = uuid4(), uuid4()
GROUPS = ("anon", "authenticated", "service_role")

OPEN_PLATFORM = """
create role anon nologin;
create role authenticated nologin;
create role service_role nologin;
alter default privileges in schema public grant all on tables to anon, authenticated, service_role;
alter default privileges in schema public grant all on functions to anon, authenticated, service_role;
alter default privileges grant all on tables to anon, authenticated, service_role;
alter default privileges grant execute on functions to anon, authenticated, service_role;
alter default privileges grant all on sequences to anon, authenticated, service_role;
"""
"""Defaults of a platform that open the objects of its superuser, as Supabase does."""


@pytest.fixture(scope="module", params=["plain", "open platform"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Yield a migrated database with leads of two brokers, on a separate server, because roles belong to a server."""
    running = start_postgres(tmp_path_factory.mktemp("roles") / "postgres", fsync=False)
    try:
        dsn = running.create_database("equity")
        with psycopg.connect(dsn) as connection:
            if request.param == "open platform":
                connection.execute(OPEN_PLATFORM)
        migrate.apply(dsn)
        migrate.set_passwords(dsn, dict.fromkeys(login_roles(dsn), PASSWORD))
        with psycopg.connect(dsn) as connection:
            add_rows(connection)
        yield dsn
    finally:
        running.kill()


def add_rows(connection: "psycopg.Connection[tuple[object, ...]]") -> None:
    for broker in BROKERS:
        lead = uuid4()
        connection.execute("insert into app.brokers (id, name) values (%s, %s)", (broker, str(broker)))
        connection.execute(
            "insert into app.leads (id, observed, source, assigned_broker_id, campaign_status, email_verified, notes)"
            " values (%s, '{}', 'test', %s, 'queued', true, 'as it was')",
            (lead, broker),
        )
        connection.execute(
            "insert into app.pipeline_events (event_id, event_type, broker_id, occurred_at, created_at)"
            " values (%s, 'x', %s, now(), now())",
            (uuid4(), broker),
        )
        connection.execute("insert into app.broker_settings (broker_id) values (%s)", (broker,))
    connection.execute("select app.refresh_contactable_leads()")


def login_roles(dsn: str) -> list[str]:
    with psycopg.connect(dsn) as connection:
        return [str(name) for (name,) in connection.execute(LOGIN_ROLES)]


def login(dsn: str, role: str) -> "psycopg.Connection[tuple[object, ...]]":
    url = urlsplit(dsn)
    return psycopg.connect(
        urlunsplit(url._replace(netloc=f"{role}:{PASSWORD}@{url.hostname}:{url.port}")), autocommit=True
    )


@pytest.fixture(scope="module")
def attempts(server: str) -> dict[str, Attempt]:
    found = find_attempts(server)
    assert len({name for name, *_ in found.values()}) > 80
    assert {kind for _, kind, _ in found.values()} == {"SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "EXECUTE"}
    return found


def test_a_login_can_do_exactly_what_the_list_allows(server: str, attempts: dict[str, Attempt]) -> None:
    for role in login_roles(server):
        with login(server, role) as connection:
            found = allowed_attempts(connection, attempts)
            assert connection.execute("select current_user::text, session_user::text").fetchone() == (role, role)
        expected = expand_allow_list(ALLOWED, role, attempts.values())
        assert expected, role
        assert (role, found - expected, expected - found) == (role, set(), set())


@pytest.mark.parametrize("group", GROUPS)
def test_a_group_can_do_exactly_what_the_list_allows(server: str, attempts: dict[str, Attempt], group: str) -> None:
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(sql.SQL("set role {}").format(sql.Identifier(group)))
        found = allowed_attempts(connection, attempts)
    expected = expand_allow_list(ALLOWED, group, attempts.values())
    assert (found - expected, expected - found) == (set(), set())


def test_logins_inherit_nothing_and_are_members_of_nothing_but_the_dashboard_of_authenticated(server: str) -> None:
    with psycopg.connect(server) as connection:
        flags = connection.execute(
            r"""
            select rolname from pg_roles
            where (rolname like 'svc\_%' or rolname = 'equity_operator') and rolcanlogin
            and (rolinherit or rolsuper or rolbypassrls or rolcreaterole or rolcreatedb or rolreplication)
            """
        ).fetchall()
        members = connection.execute(
            r"""
            select member::regrole::text, roleid::regrole::text from pg_auth_members
            where member::regrole::text like 'svc\_%' or member = 'equity_operator'::regrole or roleid = 'pipeline_writer'::regrole
            """
        ).fetchall()
        group = connection.execute("select rolcanlogin from pg_roles where rolname = 'pipeline_writer'").fetchone()
    assert flags == []
    assert members == [("svc_dashboard", "authenticated")]
    assert group == (False,)


def test_no_login_can_become_another_role(server: str) -> None:
    with psycopg.connect(server) as connection:
        roles = [name for (name,) in connection.execute("select rolname from pg_roles order by 1")]
    ways = ("set role {}", "set local role {}", "set session authorization {}", "select set_config('role', {}, false)")
    became = set()
    for own in login_roles(server):
        with login(server, own) as connection:
            for role, way in ((role, way) for role in roles for way in ways):
                if role == own:
                    continue
                name = sql.Literal(role) if "set_config" in way else sql.Identifier(role)
                connection.execute("begin")
                try:
                    connection.execute(sql.SQL(way).format(name))
                    became.add((own, role, way))
                except psycopg.errors.InsufficientPrivilege:
                    pass
                finally:
                    connection.execute("rollback")
    assert became == {("svc_dashboard", "authenticated", way) for way in ways if "authorization" not in way}


READABLE = {
    "app.leads": "id, notes, owner_last_name, property_address",
    "app.brokers": "id, name",
    "app.broker_settings": "broker_id",
    "app.pipeline_events": "event_id, broker_id",
    "app.contactable_leads": "id",
}


def claim(connection: "psycopg.Connection[tuple[object, ...]]", broker: UUID | None) -> None:
    sub = "null" if broker is None else f'"{broker}"'
    connection.execute(
        "select set_config('request.jwt.claims', %s, true)", (f'{{"role": "service_role", "sub": {sub}}}',)
    )


def test_the_dashboard_reaches_brokers_rows_only_as_authenticated_with_claims(server: str) -> None:
    with login(server, "svc_dashboard") as connection:
        for relation, columns in READABLE.items():
            query = sql.SQL(f"select {columns} from {relation}")
            connection.execute("begin")
            claim(connection, BROKERS[0])
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(query)
            connection.execute("rollback")
            with connection.transaction():
                connection.execute("set local role authenticated")
                assert connection.execute(query).fetchall() == [], "no claims, no rows"
                claim(connection, None)
                assert connection.execute(query).fetchall() == []
                for broker in BROKERS:
                    claim(connection, broker)
                    assert len(connection.execute(query).fetchall()) == 1, relation
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(query)  # the role ended with the transaction


def test_the_dashboard_writes_notes_of_the_signed_in_broker_only(server: str) -> None:
    with login(server, "svc_dashboard") as connection:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("update app.leads set notes = 'overwritten' where id is not null")
        with connection.transaction():
            connection.execute("set local role authenticated")
            assert connection.execute("update app.leads set notes = 'x'").rowcount == 0
            claim(connection, BROKERS[0])
            assert connection.execute("update app.leads set notes = 'called'").rowcount == 1
            connection.execute("reset role")
            with pytest.raises(psycopg.errors.InsufficientPrivilege), connection.transaction():
                connection.execute("select notes from app.leads")
    with psycopg.connect(server) as connection:
        found = connection.execute("select assigned_broker_id, notes from app.leads").fetchall()
        assert set(found) == {(BROKERS[0], "called"), (BROKERS[1], "as it was")}
        connection.execute("update app.leads set notes = 'as it was'")


@pytest.mark.parametrize("role", ["svc_ingest", "svc_skiptrace", "svc_feeder"])
def test_services_see_the_rows_of_all_brokers(server: str, role: str) -> None:
    with login(server, role) as connection:
        assert connection.execute("select count(id) from app.leads").fetchone() == (2,)


@pytest.mark.parametrize(
    "statement",
    [
        "alter table app.leads disable row level security",
        "alter table app.leads no force row level security",
        "alter policy broker_leads_select on app.leads using (true)",
        "create policy open on app.leads to public using (true)",
        "grant select on app.leads to svc_dashboard",
        "grant authenticated to svc_gateway",
        "alter role svc_dashboard inherit",
        "alter role svc_dashboard bypassrls",
        "create role svc_other superuser",
        "create table app.other (id integer)",
        "create table public.other (id integer)",
        "create function app.other() returns integer language sql as 'select 1'",
        "create schema other",
        "copy (select 1) to program 'true'",
        "select pg_read_file('/etc/passwd')",
        "select lo_import('/etc/passwd')",
        "set row_security = off; select id from app.leads",
        "select app.run_with_lock(1, 'select id from app.leads')",
    ],
)
def test_the_dashboard_cannot_extend_its_privileges(server: str, statement: str) -> None:
    with login(server, "svc_dashboard") as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(statement)


def test_a_later_login_in_another_database_of_the_server_stays_closed(server: str) -> None:
    """A rollback and a new migration of another database open nothing in this database."""
    other = urlunsplit(urlsplit(server)._replace(path="/other"))
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("create database other")
    migrate.rollback(other, len(migrate.apply(other)))
    with login(server, "svc_dashboard") as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute("select id from app.leads")
    with login(server, "svc_ingest") as connection:
        assert connection.execute("select count(id) from app.leads").fetchone() == (2,)
    migrate.apply(other)
    test_logins_inherit_nothing_and_are_members_of_nothing_but_the_dashboard_of_authenticated(server)
