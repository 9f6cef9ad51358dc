"""Export of leads to TLO and import of its output: `equity tlo` as a user runs it, beside skiptrace."""

import asyncio
import csv
import stat
import sys
from collections.abc import Awaitable, Callable, Iterable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from sandbox.people import FakePeople, FakePerson, PostalAddress
from support.commandline import ENTRY, Equity, run
from support.installation import Installation, Spawned
from support.kill_points import with_kill_point
from support.providers import FakeProviders

pytestmark = pytest.mark.timeout(180)

Running = Callable[..., AbstractAsyncContextManager[list[Any]]]
Spawn = Callable[..., Awaitable[Spawned]]
Home = dict[str, Any]
PERMITTED = {
    "TLO_PERMISSIBLE_PURPOSE_GLB": "5",
    "TLO_PERMISSIBLE_PURPOSE_DPPA": "3",
    "TLO_WARNING_ACCEPTED_BY": "Dana Ruiz",
    "TLO_CENTS": "7",
}
HEADER = ["Reference", "Phone 1", "Phone 1 Type", "Email 1", "Deceased", "Litigator", "SSN"]
OUT = "app.skip_trace_requests where provider = 'tlo' and outcome = 'asked'"
ANSWERED = "app.skip_trace_requests where provider = 'tlo' and outcome = 'answered'"
MERGED = "app.skip_trace_attempts where provider = 'tlo' and merged_at is not null"
REACHABLE = "app.leads where email_verified and phone_verified"
Answer = Callable[[int, dict[str, str]], list[str]]


@pytest.fixture
def equity(installation: Installation, providers: FakeProviders) -> Equity:
    """The command line under skiptrace's own login, with its settings."""
    return Equity(
        installation.environment("skiptrace", **providers.environment(), SKIPTRACE_ORDER="melissa", **PERMITTED)
    )


@pytest.fixture
def online(providers: FakeProviders) -> dict[str, Any]:
    """Settings of a service that asks only Melissa, which finds no contacts for leads without any."""
    return providers.settings(skiptrace_order="melissa")


@pytest.fixture
async def unreachable_homes(
    running: Running, funnel: Any, online: Any, many_homes: Callable[..., list[Home]]
) -> list[Home]:
    """Homes without any contact, for which Melissa found none."""
    homes = many_homes(5, phones=[], emails=[])
    async with running("ingest", "skiptrace", **online):
        await funnel.send(*homes)
        await funnel.until(lambda: count_events(funnel, "lead_unverifiable"), 5)
    return homes


async def count_events(funnel: Any, name: str) -> int:
    return len(await funnel.events(name))


def rows_of(file: Path) -> list[dict[str, str]]:
    with file.open(newline="", encoding="utf-8") as text:
        return list(csv.DictReader(text))


def found_contacts(number: int, row: dict[str, str]) -> list[str]:
    return [
        row["Reference"],
        f"(727) 555-{2000 + number}",
        "Mobile",
        f"Found{number}@Example.com",
        "N",
        "",
        "078-05-1120",
    ]


def write_output(
    exported: Path, output: Path, answer: Answer = found_contacts, *, some: slice = slice(None), more: Iterable[list[str]] = (),
    encoding: str = "utf-8-sig",
) -> Path:  # fmt: skip
    """Write what TLO might return for an exported file."""
    rows = [answer(number, row) for number, row in enumerate(rows_of(exported))][some]
    with output.open("w", newline="", encoding=encoding) as text:
        csv.writer(text).writerows([HEADER, *rows, *more])
    return output


async def test_without_a_permissible_purpose_it_warns_and_does_nothing(equity: Equity, tmp_path: Path) -> None:
    for command in (["export", "--out", tmp_path / "out.csv"], ["import", __file__], ["batches"]):
        refused = await equity.soon("tlo", *command, TLO_PERMISSIBLE_PURPOSE_DPPA=" ", TLO_WARNING_ACCEPTED_BY="")
        assert refused.code == 3
        assert "15 U.S.C. 6801-6827" in refused.err
        assert "18 U.S.C. 2721-2725" in refused.err
        assert "Set TLO_PERMISSIBLE_PURPOSE_DPPA, TLO_WARNING_ACCEPTED_BY" in refused.err
    assert not (tmp_path / "out.csv").exists()


async def test_exported_leads_are_imported_and_verified_by_melissa(
    running: Running, installation: Installation, funnel: Any, tmp_path: Path, sandbox: Any
) -> None:
    """Against the sandbox: TLO knows its people, and its Melissa verifies what TLO found."""
    people = {f"{number} Palmetto Ave": person_at(number) for number in range(1, 60)}
    good = {street: one for street, one in people.items() if is_good(one)}
    environment = {
        "MELISSA_URL": f"{sandbox.url}/melissa", "MELISSA_LICENSE_KEY": "sandbox-melissa-license",
        "MELISSA_RECORDS_PER_SECOND": "200", "SKIPTRACE_ORDER": "melissa",
    }  # fmt: skip
    equity = Equity(installation.environment("skiptrace", **environment, **PERMITTED))
    exported, output = tmp_path / "out.csv", tmp_path / "back.csv"
    async with running("ingest", "skiptrace", **{name.lower(): value for name, value in environment.items()}):
        await funnel.send(*(home(street) for street in good))
        await funnel.until(lambda: count_events(funnel, "lead_unverifiable"), len(good))
        report = (await equity.soon("tlo", "export", "--out", exported, "--json")).ok().json
        assert (report["leads"], report["dollars_at_most"]) == (len(good), pytest.approx(len(good) * 0.07))
        assert stat.S_IMODE(exported.stat().st_mode) == 0o600

        def from_tlo(_: int, row: dict[str, str]) -> list[str]:
            one = good[row["Address"]]
            return [row["Reference"], one.phones[0].number, "Wireless", one.emails[0], "No", "No", ""]

        write_output(exported, output, from_tlo, encoding="cp1252")
        dry = (await equity.soon("tlo", "import", output, "--json")).ok().json
        assert (dry["stored"], dry["written"], dry["with_an_answer"]) == (len(good), False, len(good))
        assert await funnel.count(ANSWERED) == 0
        (await equity.soon("tlo", "import", output, "--yes")).ok()
        await funnel.until_count(REACHABLE, len(good))
        await funnel.until(lambda: count_events(funnel, "lead_verified"), len(good))
    event = (await funnel.events("lead_verified"))[0]
    assert (event["outcome"], event["providers"]) == ("both", ["melissa", "tlo"])
    contacts = await funnel.db.fetch("select distinct source, verified, codes[1] from app.lead_contacts order by 3")
    assert {tuple(row)[:2] for row in contacts} == {("tlo", True)}
    batch = await funnel.db.fetchrow("select * from app.skip_trace_batches")
    assert (batch["glb_purpose"], batch["dppa_purpose"], batch["warning_accepted_by"]) == ("5", "3", "Dana Ruiz")
    assert batch["written_at"] is not None
    assert await funnel.db.fetchval(f"select sum(cost_cents) from {ANSWERED}") == 7 * len(good)
    raw = await funnel.db.fetch(f"select response_encrypted from {ANSWERED}")
    assert not any(b"example.com" in row["response_encrypted"] for row in raw)


async def test_no_lead_is_exported_twice_and_messages_do_not_wait_for_a_file(
    running: Running, funnel: Any, equity: Equity, online: Any, unreachable_homes: list[Home], tmp_path: Path
) -> None:
    assert (await equity.soon("tlo", "export", "--out", tmp_path / "1.csv", "--most", 2, "--json")).ok().json[
        "leads"
    ] == 2
    both = await asyncio.gather(
        *(equity.soon("tlo", "export", "--out", tmp_path / f"{name}.csv", "--json") for name in ("2", "3"))
    )
    assert sum(ran.ok().json["leads"] for ran in both) == 3
    references = [row["Reference"] for name in ("1", "2", "3") for row in _rows_if_there(tmp_path / f"{name}.csv")]
    assert len(references) == len(set(references)) == 5
    assert (
        await funnel.db.fetchval("select count(distinct lead_id) from app.skip_trace_attempts where provider = 'tlo'")
        == 5
    )
    refused = await equity.soon("tlo", "export", "--out", tmp_path / "1.csv")
    assert refused.code == 3
    assert "exists already" in refused.err

    async with running("ingest", "skiptrace", **online) as services:
        await funnel.send(
            *(one | {"phones": ["7275559999"], "emails": ["late@example.com"]} for one in unreachable_homes)
        )
        await funnel.until_count(REACHABLE, 5)
        assert services[1].bus.pause_reasons == []
    assert await funnel.count(OUT) == 5
    assert "tlo" not in (await funnel.events("lead_verified"))[0]["providers"]


async def test_no_lead_is_exported_for_a_file_that_cannot_be_written(
    funnel: Any, equity: Equity, unreachable_homes: list[Home], tmp_path: Path
) -> None:
    refused = await equity.soon("tlo", "export", "--out", tmp_path / "missing" / "a.csv")
    assert (refused.code, "There is no directory" in refused.err) == (2, True)
    assert (await equity.soon("tlo", "batches", "--json")).ok().json == []


async def test_a_file_of_a_killed_export_can_be_written_again(
    funnel: Any, equity: Equity, unreachable_homes: list[Home], tmp_path: Path
) -> None:
    dies = "import os, signal, skiptrace.commands as tlo; tlo._write_batch = lambda *_: os.kill(os.getpid(), signal.SIGKILL)"
    killed = await asyncio.to_thread(
        run, [sys.executable, "-c", f"{dies}; {ENTRY[2]}", "tlo", "export", "--out", str(tmp_path / "a.csv")],
        equity.environment,
    )  # fmt: skip
    assert killed.code == -9
    assert await funnel.count(OUT) == 5
    assert (await equity.soon("tlo", "export", "--out", tmp_path / "b.csv", "--json")).ok().json["leads"] == 0
    (batch,) = (await equity.soon("tlo", "batches", "--json")).ok().json
    assert (batch["out"], batch["written_at"]) == (5, None)
    again = (
        (await equity.soon("tlo", "export", "--again", batch["id"], "--out", tmp_path / "c.csv", "--json")).ok().json
    )
    assert again["leads"] == len(rows_of(tmp_path / "c.csv")) == 5
    assert (await equity.soon("tlo", "batches", "--json")).ok().json[0]["written_at"]
    nothing = await equity.soon("tlo", "export", "--again", uuid4(), "--out", tmp_path / "d.csv")
    assert nothing.code == 3
    assert not (tmp_path / "d.csv").exists()


async def test_a_file_may_be_imported_in_parts_and_twice(
    running: Running, funnel: Any, equity: Equity, online: Any, unreachable_homes: list[Home], tmp_path: Path
) -> None:
    exported = tmp_path / "out.csv"
    (await equity.soon("tlo", "export", "--out", exported)).ok()
    rows = [found_contacts(number, row) for number, row in enumerate(rows_of(exported))]
    odd = [rows[0], [str(uuid4()), *rows[0][1:]], ["", *rows[0][1:]], ["short"], ["17", *rows[0][1:]]]
    part = write_output(exported, tmp_path / "part.csv", some=slice(0, 2), more=odd)
    report = (await equity.soon("tlo", "import", part, "--yes", "--json")).ok().json
    assert {name: report[name] for name in ("rows", "stored", "duplicate", "unknown", "malformed")} == {
        "rows": 7, "stored": 2, "duplicate": 1, "unknown": 3, "malformed": 1,
    }  # fmt: skip
    assert report["columns_not_found"] == []
    again = await equity.soon("tlo", "import", part, "--yes", "--json")
    assert (again.ok().json["stored"], again.json["already"]) == (0, 2)
    assert "nothing to store" in again.err
    assert await funnel.count(OUT) == 3

    whole = write_output(exported, tmp_path / "whole.csv")
    async with running("skiptrace", **online) as services:
        await funnel.until_count(REACHABLE, 2)
        await funnel.db.execute("update app.skip_trace_requests set lease_until = now() where provider = 'tlo'")
        await run_job(services[0], "merge_batches")
        expired = await funnel.db.fetch(
            "select r.cost_cents, r.detail, a.outcome from app.skip_trace_requests r join app.skip_trace_attempts a "
            "on a.request_id = r.id where r.outcome = 'expired'"
        )
        assert [tuple(row) for row in expired] == [(0, "not_imported", "expired")] * 3
        assert await funnel.count("app.skip_trace_requests where outcome = 'unknown'") == 0
        assert (await equity.soon("tlo", "export", "--out", tmp_path / "n.csv", "--json")).ok().json["leads"] == 3
        report = (
            (await equity.soon("tlo", "import", whole, "--yes", "--json")).ok().json
        )  # after the lease, and it still counts
        assert (report["stored"], report["already"]) == (3, 2)
        await funnel.until_count(REACHABLE, 5)
    assert await funnel.count(MERGED) == 5
    assert (
        await funnel.db.fetchval(
            "select sum(cost_cents) from app.skip_trace_requests where outcome = 'answered' and provider = 'tlo'"
        )
        == 35
    )


async def test_rows_of_leads_that_were_erased_or_sold_after_the_export_are_skipped(
    running: Running, funnel: Any, equity: Equity, online: Any, unreachable_homes: list[Home], tmp_path: Path
) -> None:
    exported = tmp_path / "out.csv"
    (await equity.soon("tlo", "export", "--out", exported)).ok()
    streets = [row["Address"] for row in rows_of(exported)]
    await funnel.db.execute("update app.leads set data_key = null where property_address = $1", streets[0])
    await funnel.db.execute("update app.leads set owner_last_name = 'Novak' where property_address = $1", streets[1])
    output = write_output(exported, tmp_path / "back.csv")
    for _ in range(2):
        report = (await equity.soon("tlo", "import", output, "--yes", "--json")).ok().json
        assert (report["erased"], report["changed"], report["stored"] + report["already"]) == (1, 1, 3)
    async with running("skiptrace", **online):
        await funnel.until_count(REACHABLE, 3)
    assert await funnel.count("app.lead_contacts") == 6
    kept = await funnel.db.fetch(
        "select detail from app.skip_trace_requests where outcome = 'expired' and response_encrypted is null and lookups_encrypted is null"
    )
    assert sorted(row["detail"] for row in kept) == ["changed", "erased"]
    report = (await equity.soon("tlo", "export", "--out", tmp_path / "again.csv", "--json")).ok().json
    assert [row["Last Name"] for row in rows_of(tmp_path / "again.csv")] == ["Novak"]
    assert report["leads"] == 1


async def test_deceased_owners_and_litigators_are_reported_to_ingest_and_not_verified(
    running: Running,
    funnel: Any,
    equity: Equity,
    online: Any,
    unreachable_homes: list[Home],
    providers: FakeProviders,
    tmp_path: Path,
) -> None:
    exported = tmp_path / "out.csv"
    (await equity.soon("tlo", "export", "--out", exported, "--most", 2)).ok()
    calls = len(providers.melissa.calls)

    def barred(number: int, row: dict[str, str]) -> list[str]:
        return [*found_contacts(number, row)[:4], *(["yes", ""] if number else ["", "X"]), ""]

    (await equity.soon("tlo", "import", write_output(exported, tmp_path / "back.csv", barred), "--yes")).ok()
    async with running("ingest", "skiptrace", **online):
        await funnel.until_count("app.leads where deceased_owner", 1)
        await funnel.until_count("app.leads where litigator", 1)
    assert len(providers.melissa.calls) == calls
    outcomes = [event["outcome"] for event in await funnel.events("lead_unverifiable")]
    assert sorted(outcomes)[:2] == ["deceased_owner", "litigator"]


async def test_a_code_map_that_trusts_tlo_needs_no_other_provider(
    running: Running,
    funnel: Any,
    equity: Equity,
    online: Any,
    unreachable_homes: list[Home],
    providers: FakeProviders,
    tmp_path: Path,
) -> None:
    await funnel.db.execute(
        "insert into app.verification_code_map (provider, channel, code, version, is_verified) "
        "values ('tlo', 'phone', 'found', 2, true), ('tlo', 'email', 'found', 2, true)"
    )
    asked = sum(providers.melissa.charged.values())
    exported = tmp_path / "out.csv"
    (await equity.soon("tlo", "export", "--out", exported)).ok()
    (await equity.soon("tlo", "import", write_output(exported, tmp_path / "back.csv"), "--yes")).ok()
    async with running("skiptrace", **online):
        await funnel.until_count(REACHABLE, 5)
    assert sum(providers.melissa.charged.values()) == asked


async def test_killed_between_import_and_merge_nothing_is_lost_or_paid_twice(
    spawn: Spawn, funnel: Any, equity: Equity, unreachable_homes: list[Home], providers: FakeProviders, tmp_path: Path
) -> None:
    exported, marker = tmp_path / "out.csv", tmp_path / "died"
    (await equity.soon("tlo", "export", "--out", exported)).ok()
    one_at_a_time = {"MELISSA_BATCH": "2", "SKIPTRACE_IN_FLIGHT": "2"}  # nothing else is in flight when it is killed
    settings = providers.environment() | {"SKIPTRACE_ORDER": "melissa"} | one_at_a_time
    spawned = await spawn("skiptrace", **settings)
    spawned.kill()
    asked = sum(providers.melissa.charged.values())
    (await equity.soon("tlo", "import", write_output(exported, tmp_path / "back.csv"), "--yes")).ok()
    spawned.program = with_kill_point(spawned.program, "behind a kept answer", marker)
    spawned.start()
    async with asyncio.timeout(60):
        while spawned.alive:
            await asyncio.sleep(0.1)
    assert marker.exists()
    assert await funnel.count(MERGED) == 0
    spawned.start()
    await funnel.until_count(REACHABLE, 5)
    await funnel.until_count(MERGED, 5)
    spawned.kill()
    assert sum(providers.melissa.charged.values()) == asked + 5
    assert await funnel.dead_letters() == 0


async def test_errors_about_a_mapping_or_a_file_say_what_to_do(equity: Equity, tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("Name,Phone 1\nHolt,7275550142\n")
    (tmp_path / "x.xlsx").write_bytes(b"PK\x03\x04")
    (tmp_path / "m.yaml").write_text("reference: Name\nphone: Phone 1\n")
    (tmp_path / "ok.yaml").write_text("reference: Name\nphones: [{number: Phone 1}]\n")
    cases: list[tuple[list[Any], str]] = [
        (["x.csv"], "no column 'Reference'"),
        (["x.xlsx"], "save the sheet as CSV"),
        (["x.csv", "--mapping", tmp_path / "m.yaml"], "phone: Extra inputs are not permitted"),
    ]
    for arguments, message in cases:
        refused = await equity.soon("tlo", "import", tmp_path / arguments[0], *arguments[1:])
        assert refused.code == 2
        assert message in refused.err
        assert "7275550142" not in refused.err
    report = (
        (await equity.soon("tlo", "import", tmp_path / "x.csv", "--mapping", tmp_path / "ok.yaml", "--json")).ok().json
    )
    assert (report["rows"], report["unknown"]) == (1, 1)


async def run_job(service: Any, name: str) -> None:
    (work,) = [one.work for one in service.jobs._repeated if one.name == f"skiptrace.{name}"]
    await work()


PEOPLE = FakePeople("equity")


def person_at(number: int) -> FakePerson:
    return PEOPLE.person_at(PostalAddress(f"{number} Palmetto Ave", "Dunedin", "FL", "34698"), "Marjorie", "Holt")


def is_good(one: FakePerson) -> bool:
    """Return whether the sandbox's Melissa verifies the first phone and email of this living person."""
    if one.is_deceased or not one.phones or not one.emails or one.address_codes != ("AS01",):
        return False
    email = PEOPLE.email_codes(one.emails[0])
    return "PS01" in PEOPLE.phone_codes(one.phones[0].number) and email[0] == "ES01" and "ES07" not in email


def home(street: str) -> Home:
    return {
        "property_address": street, "property_city": "Dunedin", "property_state": "FL", "property_zip": "34698",
        "owner_first_name": "Marjorie", "owner_last_name": "Holt",
    }  # fmt: skip


def _rows_if_there(file: Path) -> list[dict[str, str]]:
    return rows_of(file) if file.exists() else []
