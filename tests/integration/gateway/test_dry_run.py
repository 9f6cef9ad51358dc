"""A dry run says what would become of a file, and leaves nothing behind."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any
from uuid import uuid4

import aiohttp
import pytest

from common.records.addresses.normal_form import hash_address, normalise_street
from support.installation import Installation
from support.partner import Partner, csv_of

DRY_RUN = [("dry_run", "true")]
FILE = b"""Address,City,State,Zip,Est. Value,Notes 2019,Phone 1
1 Main St,Miami,FL,33101,$412000,x,(305) 555-0142
1 Main St,Miami,FL,33101,412000,,
2 Main St,Miami,FL,33101,about 400,,
,Miami,FL,33101,1,,
3 Main St,Miami,FL,,1,,
"""


async def count_traces(db: Any, installation: Installation) -> dict[str, int]:
    """Count whatever an upload leaves behind."""
    tables = (
        "app.uploads", "app.ingest_replay_guard", "app.upload_tallies", "app.upload_rejects", "app.file_profiles",
        "svc_gateway.outbox", "app.leads",
    )  # fmt: skip
    counts = {table: await db.fetchval(f"select count(*) from {table}") for table in tables}
    spool: Path = installation.directory / "spool"
    return counts | {"files": len([path for path in spool.iterdir() if path.name != "disk"])}


async def test_it_says_what_becomes_of_each_column_and_row(partner: Partner) -> None:
    status, check = await partner.upload(FILE, DRY_RUN)
    assert status == 200, check
    assert (check["encoding"], check["delimiter"], check["profile"]) == ("utf-8", ",", "generic")
    assert (check["rows"], check["rejected"], check["rows_with_loss"]) == (5, 2, 3)
    assert check["reasons"] == {"missing_address": 1, "missing_zip": 1}
    assert [row["row"] for row in check["rejected_rows"]] == [4, 5]
    assert check["ignored_columns"] == ["Notes 2019"]
    by_column = {column["column"]: column for column in check["columns"]}
    assert by_column["Est. Value"]["field"] == "est_value"
    assert (by_column["Est. Value"]["unreadable"], by_column["Est. Value"]["unreadable_rows"]) == (1, [3])
    assert (by_column["Phone 1"]["field"], by_column["Phone 1"]["example"]) == ("phones 1", "(305) 555-0142")
    assert check["estimate"] == {"new": 2, "known": 0, "repeated": 1}


async def test_known_homes_are_estimated(partner: Partner, db: Any) -> None:
    _, before = await partner.upload(csv_of(3), DRY_RUN)
    assert before["estimate"] == {"new": 3, "known": 0, "repeated": 0}
    await db.execute(
        "insert into app.leads (id, source, apn_key, apn, property_address, property_city, property_state, property_zip, addr_hash, observed)"
        " values ($1, 'csv', null, null, '2 Main St', 'Miami', 'FL', '33101', $2, '{}')",
        uuid4(), hash_of_row(2),
    )  # fmt: skip
    _, after = await partner.upload(csv_of(3), DRY_RUN)
    assert after["estimate"] == {"new": 2, "known": 1, "repeated": 0}


def hash_of_row(number: int) -> bytes:
    street, unit = normalise_street(f"{number} Main St", None, "Miami")
    return hash_address(street, unit, "33101")


async def test_it_leaves_nothing_behind(partner: Partner, db: Any, installation: Installation) -> None:
    before = await count_traces(db, installation)
    assert (await partner.upload(FILE, [*DRY_RUN, ("save_profile", "mine"), ("map", "Notes 2019=ignore")]))[0] == 200
    assert (await partner.upload(b"Street,Town\n1,2\n", DRY_RUN))[0] == 422
    assert (await partner.upload(b"PK\x03\x04", DRY_RUN))[0] == 415
    assert await count_traces(db, installation) == before
    status, answer = await partner.upload(FILE)
    assert status == 202, answer
    assert (await partner.upload(FILE, DRY_RUN))[0] == 200, "a file that was uploaded can be checked"


async def test_a_file_in_a_multipart_body_is_checked(partner: Partner) -> None:
    body = b'--b\r\nContent-Disposition: form-data; name="f"; filename="x.csv"\r\n\r\n' + csv_of(3) + b"\r\n--b--\r\n"
    status, check = await partner.upload(body, DRY_RUN, Content_Type="multipart/form-data; boundary=b")
    assert (status, check["rows"]) == (200, 3)


async def test_an_unsigned_dry_run_is_refused(partner: Partner) -> None:
    status, answer = await partner.upload(FILE, DRY_RUN, X_Signature="sha256=" + "0" * 64)
    assert (status, answer["code"]) == (401, "bad_signature")


@pytest.mark.parametrize("word", ["maybe", "1", ""])
async def test_a_word_that_is_neither_true_nor_false_is_refused(partner: Partner, word: str) -> None:
    status, answer = await partner.upload(FILE, [("dry_run", word)])
    assert (status, answer["code"]) == (400, "bad_header")


async def test_a_file_above_the_limit_of_dry_runs_is_refused_and_can_be_uploaded(
    running: Callable[..., AbstractAsyncContextManager[list[Any]]], session: aiohttp.ClientSession
) -> None:
    limit = len(csv_of(50))
    async with running("gateway", gateway_port=0, gateway_max_dry_run_bytes=limit) as (gateway,):
        partner = Partner(f"http://127.0.0.1:{gateway.parts[-1].port}", session, uuid4())
        assert (await partner.upload(csv_of(50), DRY_RUN))[0] == 200
        status, refused = await partner.upload(csv_of(51), DRY_RUN)
        assert (status, refused["code"], refused["limit"]) == (413, "too_large", limit)
        assert (await partner.upload(csv_of(51)))[0] == 202
