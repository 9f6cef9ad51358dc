"""Unreachable servers and wrong settings are named, with advice and exit code 4 or 2; no traceback, no secret."""

from pathlib import Path

import pytest

from local_services.processes import free_port
from support.commandline import Equity
from support.databases import Database
from support.installation import SECRETS

NOWHERE = "127.0.0.1:1"


@pytest.mark.parametrize(
    ("command", "environment", "code", "named"),
    [
        (["brokers", "list"], {"DATABASE_DIRECT_URL": f"postgresql://u:hunter2@{NOWHERE}/d"}, 4, NOWHERE),
        (["brokers", "list"], {"DATABASE_DIRECT_URL": "no dsn hunter2"}, 2, "DATABASE_DIRECT_URL"),
        (["db", "status"], {"DATABASE_DIRECT_URL": f"postgresql://u:hunter2@{NOWHERE}/d"}, 4, NOWHERE),
        (["db", "backup", "--out", "OUT"], {"DATABASE_DIRECT_URL": f"postgresql://u:hunter2@{NOWHERE}/d"}, 4, NOWHERE),
        (["uploads", "list", "--state", "finished"], {}, 2, "needs_resend"),
        (["dlq", "list", "--status", "dead"], {}, 2, "parked"),
        (["topics", "check"], {"KAFKA_BOOTSTRAP_SERVERS": NOWHERE}, 4, NOWHERE),
        (["upload", "LEADS", "--url", f"http://{NOWHERE}"], SECRETS, 4, NOWHERE),
        (["upload", "/no/such/leads.csv"], SECRETS, 2, "/no/such/leads.csv"),
        (["upload", "LEADS"], {}, 2, "HMAC_SECRET_KEY"),
        (["uploads", "show", "7"], SECRETS, 2, "is not an id"),
        (["run", "gatway"], SECRETS, 2, "gatway"),
        (["funnel", "--since", "soon"], {}, 2, "soon"),
    ],
)
def test_errors_have_a_sentence_and_a_code(
    command: list[str], environment: dict[str, str], code: int, named: str, tmp_path: Path
) -> None:
    leads = tmp_path / "leads.csv"
    leads.write_text("Address,City,State,Zip\n418 Palmetto Ave,Dunedin,FL,34698\n")
    places = {"LEADS": str(leads), "OUT": str(tmp_path / "out.dump")}
    ran = Equity(environment)(*(places.get(word, word) for word in command))
    assert ran.code == code, ran.err
    assert named in ran.err
    assert ran.out == ""
    assert "Traceback" not in ran.err
    assert "hunter2" not in ran.err


def test_a_wrong_password_is_refused(database: Database) -> None:
    ran = Equity({"DATABASE_DIRECT_URL": database.dsn("gateway").replace(":test@", ":hunter2@")})("brokers", "list")
    assert ran.code == 3
    assert "refused the login" in ran.err
    assert "hunter2" not in ran.err


def test_a_login_without_the_right_is_refused(database: Database) -> None:
    ran = Equity({"DATABASE_DIRECT_URL": database.dsn("gateway")})("brokers", "add", "Dana Ruiz")
    assert ran.code == 3
    assert "DATABASE_DIRECT_URL" in ran.err


def test_an_empty_database_asks_for_a_migration(postgres: str) -> None:
    ran = Equity({"DATABASE_DIRECT_URL": postgres})("brokers", "list")
    assert ran.code == 1
    assert "equity db migrate" in ran.err


def test_a_service_names_its_missing_settings() -> None:
    ran = Equity({"HEALTH_PORT": str(free_port())})("run", "ingest")
    assert ran.code == 2
    assert "ENCRYPTION_KEY" in ran.err
