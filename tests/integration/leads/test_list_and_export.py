"""`equity leads list` and `export`: filters, pages, CSV, the access log."""

import csv
import io
from pathlib import Path
from uuid import uuid4

import orjson
import pytest

from support.commandline import Equity
from support.leads import LeadFixture

WHY = ("--purpose", "monthly report")


async def listed(equity: Equity, *arguments: object) -> list[str]:
    page = (await equity.soon("leads", "list", *arguments, "--json")).ok().json
    return [lead["id"] for lead in page["leads"]]


async def test_pages_follow_the_cursor_and_miss_nothing(equity: Equity, leads: LeadFixture) -> None:
    added = [str(await leads.add()) for _ in range(5)]
    seen: list[str] = []
    cursor: list[str] = []
    while True:
        page = (await equity.soon("leads", "list", "--limit", 2, *cursor, "--json")).ok().json
        seen += [lead["id"] for lead in page["leads"]]
        if page["next_cursor"] is None:
            break
        cursor = ["--after", page["next_cursor"]]
    assert seen == added[::-1]


async def test_leads_of_an_upload_are_listed(equity: Equity, leads: LeadFixture) -> None:
    lead, upload = await leads.add(), uuid4()
    await leads.add()
    await leads.db.execute(
        """insert into app.pipeline_events (event_id, event_type, lead_id, correlation_id, occurred_at, created_at)
        values ($1, 'dedupe_success', $2, $3, now(), now())""",
        uuid4(), lead, str(upload),
    )  # fmt: skip
    assert await listed(equity, "--upload", upload) == [str(lead)]


async def test_leads_without_a_broker_are_listed(equity: Equity, leads: LeadFixture) -> None:
    broker = await leads.db.fetchval("insert into app.brokers (name) values ('Ruiz') returning id")
    without, of_broker = await leads.add(), await leads.add(assigned_broker_id=broker)
    assert await listed(equity, "--broker", "none") == [str(without)]
    assert await listed(equity, "--broker", "ruiz") == [str(of_broker)]


@pytest.mark.parametrize("width", ["80", "120"])
async def test_the_table_fits_the_terminal(equity: Equity, leads: LeadFixture, width: str) -> None:
    lead = await leads.add(owner_last_name="Holt", property_address="418 N Palmetto Ave", property_city="Dunedin")
    out = (await equity.soon("leads", "list", COLUMNS=width)).ok().out
    assert str(lead) in out
    assert "418 N Palmetto Ave" in out


async def test_an_export_is_logged_before_it_is_written(equity: Equity, leads: LeadFixture, tmp_path: Path) -> None:
    lead = await leads.add(phone="+17275550142", email="dana@example.com", owner_last_name="=HYPERLINK(1)")
    await leads.add(property_state="GA")
    done = (await equity.soon("leads", "export", "--state", "FL", *WHY)).ok()
    [row] = csv.DictReader(io.StringIO(done.out))
    assert (row["id"], row["owner_last_name"], row["emails"], row["phones"]) == (
        str(lead), "'=HYPERLINK(1)", "1", "1",
    )  # fmt: skip
    assert "+17275550142" not in done.out
    [logged] = await leads.log()
    assert (logged["command"], logged["purpose"], orjson.loads(logged["lead_filter"]), logged["lead_count"], logged["reveals"]) == (
        "leads export", "monthly report", {"state": "FL"}, 1, False,
    )  # fmt: skip


async def test_revealed_values_that_must_not_be_used_are_apart(
    equity: Equity, leads: LeadFixture, tmp_path: Path
) -> None:
    await leads.add(phone="+17275550142", email="dana@example.com")
    await leads.db.execute("update app.lead_contacts set dnc = true where channel = 'phone'")
    out = tmp_path / "leads.csv"
    done = (await equity.soon("leads", "export", "--out", out, "--reveal", *WHY, "--json")).ok().json
    [row] = csv.DictReader(io.StringIO(out.read_text()))
    assert (row["emails"], row["emails_not_to_use"], row["phones"], row["phones_not_to_call"]) == (
        "dana@example.com", "", "", "+17275550142",
    )  # fmt: skip
    assert (done["leads"], done["revealed"], out.stat().st_mode & 0o077) == (1, True, 0)
    assert [logged["reveals"] for logged in await leads.log()] == [True]


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("list", "--state", "Narnia"), "not a state"),
        (("list", "--min-score", "101"), "not a score"),
        (("list", "--min-score", "80", "--max-score", "20"), "No score is from 80 to 20"),
        (("list", "--status", "asleep"), "is not a status"),
        (("list", "--broker", "Unknown"), "There is no broker"),
        (("export",), "--purpose"),
        (("export", "--json", *WHY), "cannot both go to stdout"),
    ],
)
def test_a_command_that_cannot_work_says_why(equity: Equity, arguments: tuple[str, ...], problem: str) -> None:
    done = equity("leads", *arguments)
    assert (done.code, problem in done.err, done.out) == (2, True, "")


async def test_an_export_that_fails_leaves_no_file(equity: Equity, leads: LeadFixture, tmp_path: Path) -> None:
    await leads.add()
    await leads.db.execute("revoke insert on app.access_log from equity_operator")
    out = tmp_path / "leads.csv"
    done = await equity.soon("leads", "export", "--out", out, *WHY)
    assert (done.code, list(tmp_path.iterdir())) == (3, [])
