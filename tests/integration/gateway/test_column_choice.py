"""A partner chooses how the columns of its files are read: by profile, by mapping, or by a saved one."""

import asyncio
import json
from typing import Any

import pytest

from support.partner import Partner, add_partner, csv_of

FILE = b"SITUS_LOCATION,TOWN,ST,POSTCODE,PARCEL,REMARK_CODE\n1 Main St,Miami,FL,33101,01-23,x\n"
MAP = [("map", "SITUS_LOCATION=address"), ("map", "TOWN=city"), ("map", "ST=state"), ("map", "POSTCODE=Zip")]


def with_row(number: int) -> bytes:
    """Return a file of the same columns with other bytes."""
    return FILE.replace(b"1 Main", f"{number} Main".encode())


async def test_a_mapping_makes_an_unknown_file_readable_and_is_in_the_report(partner: Partner) -> None:
    status, refused = await partner.upload(FILE)
    assert (status, refused["code"]) == (422, "missing_columns")
    assert refused["nearest"]["Zip"] == "POSTCODE"
    assert "Property Address" in refused["accepted"]["Address"]
    status, report = await partner.upload(FILE, MAP)
    assert status == 202, report
    assert report["profile"] == "generic"
    assert {"column": "SITUS_LOCATION", "field": "property_address"} in report["columns"]
    assert "REMARK_CODE" in report["ignored_columns"]


async def test_rows_are_sent_with_the_headers_of_the_file(partner: Partner, sent: Any) -> None:
    _, report = await partner.upload(FILE, MAP)
    await partner.wait_for_state(report["upload_id"], "accounted")
    (message,) = await sent("ingest.leads")
    assert b'"SITUS_LOCATION":"1 Main St"' in message.value
    assert message.key in (b"1 Main St", b"01-23")


async def test_a_saved_mapping_is_recognised_later_and_gets_versions(partner: Partner, db: Any) -> None:
    assert (await partner.upload(with_row(1), [*MAP, ("save_profile", "town-list")]))[0] == 202
    status, report = await partner.upload(with_row(2))
    assert (status, report["profile"]) == (202, "town-list")
    assert (await partner.upload(with_row(3), [*MAP, ("save_profile", "town-list")]))[0] == 202
    assert await db.fetch("select name, version from app.file_profiles") == [("town-list", 1)], "nothing changed"
    changed = [*MAP, ("map", "PARCEL=APN"), ("save_profile", "town-list")]
    assert (await partner.upload(with_row(4), changed))[0] == 202
    assert await db.fetch("select name, version from app.file_profiles order by version") == [
        ("town-list", 1), ("town-list", 2),
    ]  # fmt: skip
    mapping = await db.fetchval(
        "select mapping ->> 'version' from app.uploads where filename is null order by received_at limit 1"
    )
    assert mapping == "1", "an upload keeps its mapping"


async def test_a_profile_is_its_partners_only(partner: Partner, db: Any) -> None:
    await partner.upload(with_row(1), [*MAP, ("save_profile", "town-list")])
    other = await add_partner(db, partner)
    status, refused = await other.upload(with_row(2), [("profile", "town-list")])
    assert (status, refused["code"]) == (422, "bad_profile")
    assert "town-list" not in refused["known"]
    assert "generic" in refused["known"]


async def test_a_partner_has_a_default_profile(partner: Partner, db: Any) -> None:
    await partner.upload(with_row(1), [*MAP, ("save_profile", "town-list")])
    await db.execute("update app.partners set default_profile = 'town-list'")
    assert (await partner.upload(with_row(2)))[1]["profile"] == "town-list"
    assert (await partner.upload(csv_of(1), [("profile", "generic")]))[1]["profile"] == "generic"


@pytest.mark.parametrize(
    "query",
    [
        [("profile", "No Such")], [("profile", "no-such")], [("map", "SITUS_LOCATION")], [("map", "=address")],
        [("map", "SITUS_LOCATION=no such field")], [("save_profile", "generic")], [("save_profile", "../x")],
        [("map", f"c{number}=address") for number in range(201)],
    ],
)  # fmt: skip
async def test_a_choice_that_cannot_be_used_is_refused(partner: Partner, query: list[tuple[str, str]]) -> None:
    status, refused = await partner.upload(FILE, query)
    assert (status, refused["code"]) == (422, "bad_profile"), refused


async def test_a_mapping_of_a_column_that_the_file_lacks_is_refused(partner: Partner) -> None:
    status, refused = await partner.upload(FILE, [*MAP, ("map", "PRICE=Est. Value")])
    assert (status, refused["code"], refused["unknown"]) == (422, "bad_columns", ["PRICE"])


@pytest.mark.parametrize("target", ["ignore", "Est. Value", "Phone 1"])
async def test_a_column_that_forbids_contact_cannot_lose_its_meaning(partner: Partner, target: str) -> None:
    file = FILE.replace(b"REMARK_CODE", b"Phone 1 DNC")
    status, refused = await partner.upload(file, [*MAP, ("map", f"Phone 1 DNC={target}")])
    assert (status, refused["code"]) == (422, "bad_profile")
    assert "forbids contact" in refused["detail"]


async def test_rows_before_the_header_are_skipped(partner: Partner, sent: Any) -> None:
    file = (
        b"Leads for Miami,,,\n,,,\nPrinted 10/12/2026,,,\n"
        + csv_of(3)
        + b"Total,,,,,,\nAddress,City,State,Zip,APN,Owner 1 First Name,Owner 1 Last Name\n"
    )
    status, report = await partner.upload(file)
    assert status == 202, report
    report = await partner.wait_for_state(report["upload_id"], "accounted")
    assert (report["rows_total"], report["rows_skipped"]) == (3, 2)
    assert len(await sent("ingest.leads")) == 3


async def test_merged_cells_are_filled_where_the_profile_says_so(partner: Partner, db: Any, sent: Any) -> None:
    definition = "{name: merged, title: Merged, recognised_by: [Merged Roll], rules: {fill_down: [place]}}"
    await db.execute("insert into app.file_profiles (name, version, definition) values ('merged', 1, $1)", definition)
    file = b"Merged Roll,Address,City,State,Zip\n1,1 Main St,Miami,FL,33101\n2,2 Main St,,,\n"
    _, check = await partner.upload(file, [("dry_run", "true")])
    assert (check["profile"], check["rejected"]) == ("merged", 0)
    _, report = await partner.upload(file)
    await partner.wait_for_state(report["upload_id"], "accounted")
    assert [json.loads(message.value)["cells"]["City"] for message in await sent("ingest.leads")] == ["Miami"] * 2


async def test_mappings_saved_at_the_same_time_under_one_name_are_both_kept(partner: Partner, db: Any) -> None:
    choices = [[*MAP, *more, ("save_profile", "town-list")] for more in ([], [("map", "PARCEL=APN")])]
    uploads = [partner.upload(with_row(number), choice) for number, choice in enumerate(choices, start=1)]
    assert [status for status, _ in await asyncio.gather(*uploads)] == [202, 202]
    assert await db.fetch("select version from app.file_profiles order by version") == [(1,), (2,)]
