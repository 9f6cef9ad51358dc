"""The report of a file: totals that add up, and rejected rows that can be corrected and uploaded again."""

import csv
import io
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import aiohttp
import pytest

from common.pii.keyring import DecryptionError
from support.partner import HEADER, Partner


@pytest.fixture
async def pipeline(running: Any, session: aiohttp.ClientSession) -> AsyncIterator[Partner]:
    """Return a partner of a gateway with ingest behind it."""
    async with running("ingest"), running("gateway", gateway_port=0) as (service,):
        yield Partner(f"http://127.0.0.1:{service.parts[-1].port}", session, uuid4())


def rows_of(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode(), newline="")))


GOOD = "{n} Palmetto Ave,Dunedin,FL,34698,{n:08d},Ann,Holt"


async def test_every_row_has_an_outcome_and_the_totals_add_up(pipeline: Partner) -> None:
    lines = [GOOD.format(n=n) for n in range(100, 400)]
    lines += [
        "1 Main St,Miami,,33101,1,Ann,Holt",
        "2 Main St,Miami,FL,33101,2,Ann,Holt,surplus",
        "3 Main St,Miami,FL,none,3,Ann,Holt",
        lines[0],
    ]
    _, answer = await pipeline.upload("\n".join([HEADER, *lines]).encode())
    report = await pipeline.wait_for_state(answer["upload_id"], "done")
    assert (report["rows_total"], report["inserted"], report["rejected"]) == (304, 300, 3)
    assert sum(report[outcome] for outcome in ("inserted", "updated", "duplicate", "rejected")) == 304
    assert report["reasons"] == {"invalid_zip": 1, "missing_state": 1, "unreadable_row": 1}
    assert report["done_at"] >= report["published_at"] >= report["received_at"]


async def test_the_report_names_ignored_columns_and_unread_values_by_the_files_own_columns(pipeline: Partner) -> None:
    header = "Property Address,Property City,Property State,Property Zip,Est. Value,Phone 1,Email 1,Agent Remarks"
    lines = [
        f"{n} Palmetto Ave,Dunedin,FL,34698,{value},{phone},rosa{n}@example.com,x"
        for n, value, phone in [
            (1, "250000", "727-555-0142"), (2, "1.234", "727-555-0143"), (3, "unreadable", "5.12555E+09"),
            *((n, "12,34", "727-555-0144") for n in range(4, 12)),
        ]
    ]  # fmt: skip
    lines[3:] = [line.replace(",12,34,", ',"12,34",') for line in lines[3:]]
    _, answer = await pipeline.upload("\n".join([header, *lines]).encode())
    report = await pipeline.wait_for_state(answer["upload_id"], "done")
    assert report["inserted"] == 11
    assert report["ignored_columns"] == ["Agent Remarks"]
    unread = {field["field"]: field for field in report["unread_values"]}
    assert (unread["est_value"]["columns"], unread["est_value"]["values"]) == (["Est. Value"], 10)
    assert unread["est_value"]["rows"] == [2, 3, 4, 5, 6]
    assert unread["phones"] == {"field": "phones", "columns": ["Phone 1"], "values": 1, "rows": [3]}
    status, content = await pipeline.fetch(f"/v1/uploads/{answer['upload_id']}/unread.csv")
    assert status == 200
    assert rows_of(content)[:2] == [
        {"column": "Agent Remarks", "what": "ignored", "values": "", "rows": ""},
        {"column": "Est. Value", "what": "unreadable values", "values": "10", "rows": "2 3 4 5 6"},
    ]
    assert (await pipeline.fetch(f"/v1/uploads/{uuid4()}/unread.csv"))[0] == 404


async def test_rejects_come_with_reasons_and_can_be_corrected_and_uploaded_again(pipeline: Partner) -> None:
    header = f"{HEADER},Notes"
    lines = [
        GOOD.format(n=1) + ",fine",
        "2 Palmetto Ave,Dunedin,,34698,2,Ann,Holt,\"=cmd|' /C calc'!A0\"",
        "3 Palmetto Ave,Dunedin,FL,34698,3,Ann,Holt,a,b",
    ]
    _, answer = await pipeline.upload("\n".join([header, *lines]).encode())
    await pipeline.wait_for_state(answer["upload_id"], "done")
    status, content = await pipeline.fetch(f"/v1/uploads/{answer['upload_id']}/rejects.csv")
    assert status == 200
    second, third = rows_of(content)
    assert list(second) == [*header.split(","), "reject_reason", "reject_detail", "row"]
    assert (second["reject_reason"], second["row"], second["Notes"]) == ("missing_state", "2", "'=cmd|' /C calc'!A0")
    assert (third["reject_reason"], third["row"], third["Notes"]) == ("unreadable_row", "3", "a")
    assert "beyond the header: b" in third["reject_detail"]
    corrected = content.replace(b"2 Palmetto Ave,Dunedin,,", b"2 Palmetto Ave,Dunedin,FL,")
    _, again = await pipeline.upload(corrected)
    report = await pipeline.wait_for_state(again["upload_id"], "done")
    assert (report["rows_total"], report["inserted"], report["rejected"]) == (2, 2, 0)


async def test_an_escaped_cell_stays_the_same_through_any_number_of_corrections(pipeline: Partner) -> None:
    body = f"{HEADER},Notes\n1 Palmetto Ave,Dunedin,,34698,1,Ann,Holt,'=1+1\n".encode()
    for _ in range(3):
        _, answer = await pipeline.upload(body)
        await pipeline.wait_for_state(answer["upload_id"], "done")
        _, content = await pipeline.fetch(f"/v1/uploads/{answer['upload_id']}/rejects.csv")
        (reject,) = rows_of(content)
        assert reject["Notes"] == "''=1+1"
        body = content


async def test_many_rejects_are_streamed_in_order(pipeline: Partner) -> None:
    lines = [f"{n} Palmetto Ave,Dunedin,,34698,{n},Ann,Holt" for n in range(1, 1_301)]
    _, answer = await pipeline.upload("\n".join([HEADER, *lines]).encode())
    await pipeline.wait_for_state(answer["upload_id"], "done")
    _, content = await pipeline.fetch(f"/v1/uploads/{answer['upload_id']}/rejects.csv")
    assert [int(row["row"]) for row in rows_of(content)] == list(range(1, 1_301))


async def test_a_file_without_rejects_has_a_header_only(pipeline: Partner) -> None:
    _, answer = await pipeline.upload(f"{HEADER}\n{GOOD.format(n=7)}\n".encode())
    await pipeline.wait_for_state(answer["upload_id"], "done")
    _, content = await pipeline.fetch(f"/v1/uploads/{answer['upload_id']}/rejects.csv")
    assert content.decode().splitlines() == [f"{HEADER},reject_reason,reject_detail,row"]


async def test_a_completed_upload_leaves_no_file_in_the_spool(pipeline: Partner, installation: Any) -> None:
    _, answer = await pipeline.upload(f"{HEADER}\n{GOOD.format(n=8)}\n".encode())
    await pipeline.wait_for_state(answer["upload_id"], "done")
    assert [path.name for path in (installation.directory / "spool").iterdir()] == ["disk"]


async def test_a_response_that_fails_in_the_middle_does_not_look_complete(
    pipeline: Partner, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, answer = await pipeline.upload(f"{HEADER}\n1 Palmetto Ave,Dunedin,,34698,1,Ann,Holt\n".encode())
    await pipeline.wait_for_state(answer["upload_id"], "done")

    def fail(*_: Any) -> None:
        raise DecryptionError("no such key")

    monkeypatch.setattr("gateway.reports.report.decrypt_row", fail)
    with pytest.raises(aiohttp.ClientPayloadError):
        await pipeline.fetch(f"/v1/uploads/{answer['upload_id']}/rejects.csv")


async def test_the_response_to_an_internal_error_shows_nothing_internal(
    pipeline: Partner, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: Any) -> None:
        raise ZeroDivisionError("inside")

    monkeypatch.setattr("gateway.reports.report.UploadReports.read_report", fail)
    status, body = await pipeline.fetch(f"/v1/uploads/{uuid4()}")
    assert status == 500
    assert b"inside" not in body
    assert b"Error" not in body


async def test_a_missing_grant_is_a_temporary_refusal(pipeline: Partner, db: Any) -> None:
    await db.execute("revoke select on app.upload_tallies from svc_gateway")
    assert (await pipeline.fetch(f"/v1/uploads/{await upload_one(pipeline)}"))[0] == 503


async def upload_one(pipeline: Partner) -> str:
    body = f"{HEADER}\n{GOOD.format(n=9)}\n".encode()
    await pipeline.upload(body)
    return str((await pipeline.upload(body))[1]["upload_id"])
