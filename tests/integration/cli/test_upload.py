"""A file is signed, sent and followed to its report; refusals say what to do."""

import asyncio
import csv
from collections.abc import AsyncIterator
from pathlib import Path

import psycopg
import pytest

from support.commandline import Equity
from support.installation import Installation

HEADER = "Address,Unit #,City,State,Zip,Owner 1 Last Name\n"
ROWS = (
    "418 Palmetto Ave,,Dunedin,FL,34698,Holt\n",
    "12 Harbor View Dr,,Clearwater,FL,33755,=cmd|'/c calc'!A1\n",
    "77 Orange Blossom Ln,,Tampa,FL,,Ruiz\n",
)


@pytest.fixture
async def equity(installation: Installation) -> AsyncIterator[Equity]:
    """`equity` beside running services."""
    services = await installation.spawn("gateway", "ingest", "recorder")
    yield Equity(services.environment)
    services.stop()


@pytest.fixture
def leads(tmp_path: Path) -> Path:
    file = tmp_path / "leads.csv"
    file.write_text(HEADER + "".join(ROWS))
    return file


def test_a_file_becomes_a_report_and_its_rejects_become_leads(equity: Equity, leads: Path, tmp_path: Path) -> None:
    report = equity("upload", leads, "--json").ok().json
    assert report["state"] == "done"
    totals = {name: report[name] for name in ("rows_total", "inserted", "updated", "duplicate", "rejected", "reasons")}
    assert totals == {
        "rows_total": 3, "inserted": 2, "updated": 0, "duplicate": 0, "rejected": 1, "reasons": {"missing_zip": 1},
    }  # fmt: skip
    upload = report["upload_id"]
    assert equity("uploads", "show", upload, "--json").ok().json == report
    shown = equity("uploads", "show", upload).ok()
    assert "missing_zip" in shown.out
    assert "add up" in shown.err

    again = equity("upload", leads, "--json")
    assert again.code == 3
    assert again.json == {"outcome": "repeat", "upload_id": upload}
    assert f"equity uploads show {upload}" in again.err

    rejects = tmp_path / "rejects.csv"
    equity("uploads", "rejects", upload, "--out", rejects).ok()
    assert equity("uploads", "rejects", upload).ok().out == rejects.read_text()
    assert equity("uploads", "rejects", upload, "--out", rejects).code == 3
    missing = equity("uploads", "rejects", upload, "--out", tmp_path / "nowhere" / "rejects.csv")
    assert (missing.code, "no directory" in missing.err) == (2, True)
    other = tmp_path / "other.csv"
    assert equity("uploads", "rejects", upload, "--out", other, "--key-id", "no-such-key").code == 3
    assert not other.exists()
    (row,) = csv.DictReader(rejects.open())
    assert (row["Address"], row["reject_reason"], row["row"]) == ("77 Orange Blossom Ln", "missing_zip", "3")
    rejects.write_text(rejects.read_text().replace("Tampa,FL,,", "Tampa,FL,33602,"))
    corrected = equity("upload", rejects, "--json").ok().json
    assert (corrected["rows_total"], corrected["inserted"]) == (1, 1)
    (listed, first) = equity("uploads", "list", "--json").ok().json
    assert (listed["id"], first["id"]) == (corrected["upload_id"], upload)


def test_a_key_of_each_scheme_signs_and_a_wrong_one_is_refused(equity: Equity, leads: Path, tmp_path: Path) -> None:
    equity("partners", "add", "Acme").ok()
    secret = tmp_path / "secret"
    key = equity("keys", "add", "Acme", "--out", secret, "--json").ok().json["key_id"]
    by_acme = ("--key-id", key, "--secret-file", secret)
    wrong = equity("upload", leads, "--key-id", key, "--secret-file", "-", stdin="wrong\n")
    assert wrong.code == 3
    assert "secret" in wrong.err
    assert equity("upload", leads, *by_acme, "--scheme", "body").code == 3
    taken = equity("upload", leads, *by_acme, "--no-wait", "--json").ok()
    assert f"equity uploads show {taken.json['upload_id']}" in taken.err

    other_partner = equity("uploads", "show", taken.json["upload_id"], "--key-id", "default")
    assert other_partner.code == 3
    assert "own partner" in other_partner.err
    mine = equity("uploads", "show", taken.json["upload_id"], *by_acme, "--json", DATABASE_DIRECT_URL="").ok()
    assert mine.json["upload_id"] == taken.json["upload_id"]

    equity("keys", "revoke", key, "--yes").ok()
    revoked = equity("uploads", "show", taken.json["upload_id"], *by_acme)
    for _ in range(30):  # the gateway looks every two seconds
        if revoked.code == 3:
            break
        revoked = equity("uploads", "show", taken.json["upload_id"], *by_acme)
    assert revoked.code == 3


def test_a_partner_assigns_to_its_brokers_only(equity: Equity, leads: Path) -> None:
    dana = equity("brokers", "add", "Dana Ruiz", "--json").ok().json["id"]
    lee = equity("brokers", "add", "Lee Ash", "--json").ok().json["id"]
    equity("partners", "add", "Acme", "--broker", "Dana Ruiz").ok()
    key = equity("keys", "add", "Acme", "--json").ok().json
    acme = {"HMAC_KEY_ID": key["key_id"], "HMAC_SECRET_KEY": key["secret"]}
    refused = equity("upload", leads, "--broker", lee, **acme)
    assert refused.code == 3
    assert "equity partners list" in refused.err
    assert equity("upload", leads, "--broker", dana, "--json", **acme).ok().json["inserted"] == 2
    assert equity("brokers", "show", "Dana Ruiz", "--json").ok().json["leads"] == {"new": 2}


async def test_a_file_that_is_too_large_is_refused_while_it_is_sent(installation: Installation, tmp_path: Path) -> None:
    services = await installation.spawn("gateway", GATEWAY_MAX_UPLOAD_BYTES="20000")
    leads = tmp_path / "leads.csv"
    leads.write_text(HEADER + ROWS[0] * 400_000)
    refused = Equity(services.environment)("upload", leads)
    assert refused.code == 3, refused.err
    assert "20000" in refused.err
    services.stop()


async def publishing(installation: Installation) -> None:
    """Wait until the gateway has begun to send an upload's rows."""
    async with await psycopg.AsyncConnection.connect(
        installation.database.superuser_dsn, autocommit=True
    ) as connection:
        while not await (await connection.execute("select 1 from app.uploads where rows_published > 0")).fetchone():
            await asyncio.sleep(0.05)


async def test_a_restart_of_the_gateway_does_not_end_the_waiting(installation: Installation, tmp_path: Path) -> None:
    gateway, ingest = await installation.spawn("gateway"), await installation.spawn("ingest")
    leads = tmp_path / "leads.csv"
    leads.write_text(HEADER + "".join(f"{number} Palmetto Ave,,Dunedin,FL,34698,Holt\n" for number in range(1, 20_001)))
    uploading = asyncio.create_task(Equity(gateway.environment).soon("upload", leads, "--json"))
    await publishing(installation)
    gateway.kill()
    await asyncio.sleep(1)
    gateway.start()
    report = (await uploading).ok().json
    assert (report["state"], report["rows_total"]) == ("done", 20_000)
    gateway.stop()
    ingest.stop()
