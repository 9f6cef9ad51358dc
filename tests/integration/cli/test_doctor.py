"""`equity doctor` on real servers: a sound installation, and each fault with what to do about it."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from common.pii.keyring import Keyring
from common.settings import Settings
from common.topics import TOPICS
from support import topics
from support.commandline import Equity, Ran
from support.databases import Database
from support.installation import SECRETS
from support.vendors import SETTINGS, run_sandbox

NOWHERE = "127.0.0.1:1"
OTHER_KEY = "3" * 64


@pytest.fixture
def equity(database: Database, kafka: str, topic_prefix: str, tmp_path: Path) -> Equity:
    return Equity(
        {
            "DATABASE_DIRECT_URL": database.superuser_dsn,
            "KAFKA_BOOTSTRAP_SERVERS": kafka,
            "KAFKA_TOPIC_PREFIX": topic_prefix,
            "SPOOL_DIRECTORY": str(tmp_path),
            "GATEWAY_MIN_FREE_BYTES": "1",
            **SECRETS,
        }
    )


@pytest.fixture
async def with_topics(equity: Equity, kafka: str, topic_prefix: str) -> AsyncIterator[Equity]:
    """The command line of an installation with all topics, which are deleted afterwards."""
    (await equity.soon("topics", "apply")).ok()
    yield equity
    await topics.delete(kafka, topic_prefix)


def found(ran: Ran, severity: str, check: str) -> list[str]:
    return [one["text"] for one in ran.json if (one["severity"], one["check"]) == (severity, check)]


def execute(database: Database, statement: str, *values: object) -> None:
    with psycopg.connect(database.superuser_dsn) as connection:
        connection.execute(statement, values)


def test_a_sound_installation_has_no_problem(with_topics: Equity, database: Database) -> None:
    own_login = {"INGEST_DATABASE_URL": database.dsn("ingest")}
    ran = with_topics("doctor", "--json", **own_login)
    assert [one for one in ran.ok().json if one["severity"] == "problem"] == []
    assert "ingest logs in as svc_ingest" in found(ran, "ok", "PostgreSQL")
    assert {"the role svc_feeder exists", "the role equity_operator exists"} <= {*found(ran, "ok", "PostgreSQL")}
    assert found(ran, "ok", "topics") == [f"all {len(TOPICS)} are as declared"]
    assert found(ran, "ok", "grants")
    assert "INSTANTLY_API_KEY is not set, so no lead reaches Instantly" in found(ran, "warning", "vendors")


def test_a_form_that_cannot_be_offered_is_found(equity: Equity, database: Database) -> None:
    execute(database, "insert into app.brokers (id, name) values (gen_random_uuid(), 'Dana Ruiz')")
    no_text, no_name = found(equity("doctor", "--json"), "warning", "consent form")
    assert no_text.startswith("no consent text is published")
    assert no_name.endswith("Dana Ruiz")
    execute(database, "insert into app.consent_texts (version, text, covers) values (1, 'I agree.', '{calls}')")
    execute(database, "update app.brokers set legal_name = 'Ruiz Homes, LLC'")
    assert found(equity("doctor", "--json"), "ok", "consent form")


def test_servers_that_are_away_are_problems_and_hide_no_other_check(equity: Equity) -> None:
    dsn = f"postgresql://u:hunter2@{NOWHERE}/d"
    ran = equity("doctor", "--json", DATABASE_DIRECT_URL=dsn, KAFKA_BOOTSTRAP_SERVERS=NOWHERE)
    assert ran.code == 1
    assert found(ran, "problem", "PostgreSQL") == [f"PostgreSQL at {NOWHERE}/d does not answer."]
    assert found(ran, "problem", "Kafka") == [f"Kafka at {NOWHERE} does not answer."]
    assert found(ran, "ok", "spool")
    assert "hunter2" not in ran.out + ran.err


def test_a_missing_topic_and_one_that_differs_are_found(equity: Equity, topics: str, topic_partitions: int) -> None:
    ran = equity("doctor", "--json")
    assert (ran.code, topic_partitions) == (1, 1)
    assert any(" are missing: " in text for text in found(ran, "problem", "topics"))
    assert any("ingest.leads: partitions: 1 instead of 12" in text for text in found(ran, "warning", "topics"))


def test_a_missing_grant_and_one_too_many_are_found(equity: Equity, database: Database) -> None:
    execute(database, "revoke insert on app.lead_contacts from svc_ingest")
    execute(database, "grant delete on app.leads to svc_feeder")
    ran = equity("doctor", "--json")
    assert found(ran, "problem", "grants") == ["missing: svc_ingest app.lead_contacts INSERT"]
    assert found(ran, "warning", "grants") == ["more than a service needs: svc_feeder app.leads DELETE"]


def test_a_login_that_fails_or_has_another_role_is_found(equity: Equity, database: Database) -> None:
    logins = {
        "FEEDER_DATABASE_URL": database.dsn("feeder").replace(":test@", ":hunter2@"),
        "INGEST_DATABASE_URL": database.dsn("gateway"),
    }
    ran = equity("doctor", "--json", **logins)
    problems = found(ran, "problem", "PostgreSQL")
    assert any(text.startswith("feeder cannot log in: ") for text in problems)
    assert "ingest logs in as svc_gateway" in problems
    assert "hunter2" not in ran.out + ran.err


@pytest.fixture
def stored_contact(database: Database) -> str:
    """A stored contact, under the keys of SECRETS. Returns its value."""
    value, lead_id = "+17275550123", uuid4()
    settings = Settings(encryption_key=SECRETS["ENCRYPTION_KEY"], contact_hash_key=SECRETS["CONTACT_HASH_KEY"])
    keyring = Keyring.from_settings(settings)
    data_key, wrapped = keyring.create_data_key(lead_id)
    execute(
        database,
        "insert into app.leads (id, observed, source, data_key) values (%s, '{}', 'test', %s)",
        lead_id,
        wrapped,
    )
    execute(
        database,
        """insert into app.lead_contacts (lead_id, channel, value_hash, hash_key_id, value_ciphertext, source)
        values (%s, 'phone', %s, 'h1', %s, 'test')""",
        lead_id,
        keyring.hash_contact(value),
        data_key.encrypt("phone", value),
    )
    return value


def test_the_keys_of_stored_values_are_recognised(equity: Equity, stored_contact: str) -> None:
    ran = equity("doctor", "--json")
    assert found(ran, "problem", "keys") == []
    assert "stored data keys of leads: opened" in found(ran, "ok", "keys")
    assert "CONTACT_HASH_KEY is the key of the stored contacts" in found(ran, "ok", "keys")
    assert stored_contact not in ran.out + ran.err


@pytest.mark.parametrize(
    ("environment", "problem"),
    [
        ({"ENCRYPTION_KEY": OTHER_KEY}, "stored data keys of leads cannot be opened"),
        ({"ENCRYPTION_KEY": OTHER_KEY, "ENCRYPTION_KEY_ID": "k2"}, "stored data keys of leads cannot be opened"),
        ({"CONTACT_HASH_KEY": OTHER_KEY}, "CONTACT_HASH_KEY is not the key of the stored contacts"),
        ({"CONTACT_HASH_KEY": SECRETS["ENCRYPTION_KEY"]}, "CONTACT_HASH_KEY and ENCRYPTION_KEY are equal"),
        ({"ENCRYPTION_KEY": "hunter2"}, "ENCRYPTION_KEY is not a key"),
        ({"ENCRYPTION_KEY": ""}, "ENCRYPTION_KEY is not a key"),
    ],
)
def test_a_wrong_key_is_found_and_not_shown(
    environment: dict[str, str], problem: str, equity: Equity, stored_contact: str
) -> None:
    ran = equity("doctor", "--json", **environment)
    assert ran.code == 1
    assert any(text.startswith(problem) for text in found(ran, "problem", "keys")), ran.out
    keys = [value for name, value in environment.items() if name.endswith("_KEY") and value]
    assert not any(secret in ran.out + ran.err for secret in (*keys, stored_contact))


@pytest.mark.parametrize(
    ("environment", "severity", "check", "text"),
    [
        ({"FEED_WINDOW_HOURS": "99"}, "problem", "settings", "FEED_WINDOW_HOURS: "),
        ({"KAFKA_SECURITY_PROTOCOL": "hunter2"}, "problem", "settings", "KAFKA_SECURITY_PROTOCOL: "),
        ({"GATWAY_PORT": "8080"}, "warning", "settings", "GATWAY_PORT is no setting"),
        ({"FEEDER_COLOUR": "red"}, "warning", "settings", "FEEDER_COLOUR is no setting"),
        ({"SPOOL_DIRECTORY": "/dev/null/spool"}, "problem", "spool", "/dev/null is no directory"),
        ({"GATEWAY_MIN_FREE_BYTES": str(10**18)}, "problem", "spool", "only "),
        ({"INSTANTLY_API_KEY": "hunter2hunter2"}, "problem", "links", "CONSENT_FORM_URL is not https"),
        ({"INSTANTLY_API_KEY": "hunter2hunter2", "FORM_LINK_SECRET": "hunter2"}, "warning", "keys", "FORM_LINK_SECRET is shorter"),
    ],
)  # fmt: skip
def test_a_wrong_setting_is_found_and_its_value_not_shown(
    environment: dict[str, str], severity: str, check: str, text: str, equity: Equity
) -> None:
    ran = equity("doctor", "--json", **environment)
    assert any(line.startswith(text) for line in found(ran, severity, check)), ran.out
    assert "hunter2" not in ran.out + ran.err


@pytest.mark.parametrize(
    ("content", "more", "severity"),
    [
        ("2027-03-01T05:59:00-08:00", {}, "warning"),
        ("yesterday", {}, "problem"),
        ("", {"INSTANTLY_API_KEY": "a-real-key-of-instantly"}, "problem"),
    ],
)
def test_a_clock_that_is_off_is_found(
    content: str, more: dict[str, str], severity: str, equity: Equity, tmp_path: Path
) -> None:
    (tmp_path / "clock").write_text(content)
    ran = equity("doctor", "--json", CLOCK_FILE=str(tmp_path / "clock"), **more)
    assert len(found(ran, severity, "clock")) == 1


def test_a_spool_elsewhere_is_not_checked(equity: Equity, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    environment = {name: value for name, value in equity.environment.items() if name != "SPOOL_DIRECTORY"}
    [text] = found(Equity(environment)("doctor", "--json"), "ok", "spool")
    assert text.startswith("not checked: SPOOL_DIRECTORY is not set here")


async def test_vendors_are_called_only_online(equity: Equity) -> None:
    async with run_sandbox() as sandbox:
        vendors = {
            "INSTANTLY_BASE_URL": f"{sandbox.url}/instantly",
            "INSTANTLY_API_KEY": SETTINGS.sandbox_instantly_key.get_secret_value(),
            "BATCHDATA_MCP_URL": f"{sandbox.url}/batchdata_mcp/mcp",
            "BATCHDATA_TOKEN": SETTINGS.sandbox_batchdata_token.get_secret_value(),
        }
        asked = await equity.soon("doctor", "--online", "--json", **vendors)
        refused = await equity.soon("doctor", "--online", "--json", **vendors | {"INSTANTLY_API_KEY": "hunter2hunter2"})
    assert "Instantly accepts the key" in found(asked, "ok", "vendors")
    assert "BatchData's MCP server accepts the token and has search_properties" in found(asked, "ok", "vendors")
    assert any(text.startswith("Instantly: access denied") for text in found(refused, "problem", "vendors"))
    offline = await equity.soon("doctor", "--json", **vendors)
    assert found(offline, "problem", "vendors") == []


def test_people_read_what_to_do(equity: Equity, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text("ENCRYPTION_KEY=hunter2\n")
    (tmp_path / ".env").chmod(0o644)
    ran: Any = equity("doctor", KAFKA_BOOTSTRAP_SERVERS=NOWHERE)
    assert ran.code == 1
    assert "other users can use .env (mode 644)" in ran.out
    assert "→ chmod 600 .env" in ran.out
    assert ran.err.startswith("Problems: 2, warnings: ")
    assert "hunter2" not in ran.out
