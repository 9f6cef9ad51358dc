"""Dry runs, mappings and profiles at the command line."""

from collections.abc import AsyncIterator
from itertools import pairwise
from pathlib import Path

import pytest

from common.records.file_profile import GENERIC, built_in_profiles
from support.commandline import Equity
from support.installation import Installation

HEADER = "SITUS_LOCATION,TOWN,ST,POSTCODE,VALUE_2019\n"
MAP = ("--map", "SITUS_LOCATION=address", "--map", "TOWN=city", "--map", "ST=state", "--map", "POSTCODE=zip")
PROFILE = """\
name: town-list
title: List of a town
recognised_by: [SITUS_LOCATION, TOWN, POSTCODE]
columns: {SITUS_LOCATION: address, TOWN: city, ST: state, POSTCODE: zip}
"""


@pytest.fixture
async def equity(installation: Installation) -> AsyncIterator[Equity]:
    """`equity` beside a running gateway."""
    services = await installation.spawn("gateway")
    yield Equity(services.environment)
    services.stop()


@pytest.fixture
def leads(tmp_path: Path) -> Path:
    file = tmp_path / "leads.csv"
    file.write_text(
        HEADER + "418 Palmetto Ave,Dunedin,FL,34698,1\n12 Harbor View Dr,Clearwater,FL,33755,\n,Tampa,FL,33602,2\n"
    )
    return file


def test_a_dry_run_shows_columns_rows_and_the_estimate(equity: Equity, leads: Path) -> None:
    refused = equity("upload", leads, "--dry-run")
    assert refused.code == 3
    assert "Missing: Address" in refused.err
    assert "--map" in refused.err
    check = equity("upload", leads, "--dry-run", *MAP, "--json").ok().json
    assert (check["rows"], check["rejected"], check["estimate"]) == (3, 1, {"new": 2, "known": 0, "repeated": 0})
    shown = equity("upload", leads, "--dry-run", *MAP).ok()
    for text in ("SITUS_LOCATION", "property_address", "not used", "418 Palmetto Ave", "street address"):
        assert text in shown.out
    assert "nothing was stored" in shown.err
    assert equity("uploads", "list", "--json").ok().json == []


def test_strict_sends_nothing_above_its_bound(equity: Equity, leads: Path) -> None:
    refused = equity("upload", leads, *MAP, "--strict", "20", "--no-wait")
    assert refused.code == 3
    assert "1 of 3 rows (33.3 %)" in refused.err
    assert equity("uploads", "list", "--json").ok().json == []
    assert equity("upload", leads, *MAP, "--strict", "40", "--no-wait").code == 0


def test_a_profile_is_added_tried_and_used(equity: Equity, leads: Path, tmp_path: Path) -> None:
    file = tmp_path / "town.yaml"
    file.write_text(PROFILE)
    tried = equity("profiles", "test", leads, "--profile", file, "--json").ok().json
    assert (tried["profile"], tried["rejected"], tried["estimate"]) == ("town-list", 1, None)
    assert equity("profiles", "add", file, "--json").ok().json == {"name": "town-list", "version": 1}
    assert equity("profiles", "add", file, "--json").ok().json == {"name": "town-list", "version": 1}, "nothing changed"
    listed = {row["name"]: row for row in equity("profiles", "list", "--json").ok().json}
    assert listed["town-list"]["of"] == "all partners"
    assert listed["generic"]["of"] == "product"
    assert "SITUS_LOCATION: address" in equity("profiles", "show", "town-list").ok().out
    assert equity("profiles", "test", leads, "--json").ok().json["profile"] == "town-list", "recognised"
    assert equity("upload", leads, "--dry-run", "--json").ok().json["profile"] == "town-list"
    equity("profiles", "default", "default", "town-list").ok()
    equity("profiles", "default", "default", "--none").ok()
    file.write_text(PROFILE.replace("title: List", "title: Changed list"))
    assert equity("profiles", "add", file, "--json").ok().json["version"] == 2


@pytest.mark.parametrize("width", [80, 120])
def test_a_profile_is_listed_in_two_lines_at_most(equity: Equity, width: int) -> None:
    lines = equity.on_terminal(width, "profiles", "list").ok().out.splitlines()
    assert [line for line in lines if len(line.rstrip()) > width] == []
    names = [number for number, line in enumerate(lines[1:]) if not line.startswith(" ")]
    assert len(names) == len(built_in_profiles())
    assert all(after - before <= 2 for before, after in pairwise([*names, len(lines) - 1]))
    assert all(row["recognised_by"] for row in equity("profiles", "list", "--json").ok().json if row["name"] != GENERIC)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("name: town-list|name: Town List", "name"),
        ("name: town-list|name: generic", "profile of the product"),
        ("POSTCODE: zip|POSTCODE: no such field", "no accepted header"),
        ("columns: {|colums: {", "colums"),
        ("ST: state|Phone 1 DNC: state", "forbids contact"),
        ("title:|- title:", "no profile"),
    ],
)
def test_a_profile_that_cannot_be_used_is_refused_with_a_sentence(
    equity: Equity, tmp_path: Path, change: str, words: str
) -> None:
    file = tmp_path / "town.yaml"
    old, new = change.split("|")
    file.write_text(PROFILE.replace(old, new))
    refused = equity("profiles", "add", file)
    assert refused.code == 3
    assert words in refused.err
    assert "Traceback" not in refused.err


def test_mistakes_in_use_are_named(equity: Equity, leads: Path, tmp_path: Path) -> None:
    assert equity("profiles", "show", "no-such").code == 2
    assert equity("profiles", "default", "default").code == 2
    assert equity("profiles", "default", "default", "no-such").code == 2
    assert equity("profiles", "test", leads, "--profile", "no-such").code == 2
    assert equity("profiles", "test", leads).code == 3
    assert equity("upload", leads, "--map", "TOWN").code == 3
    workbook = tmp_path / "leads.xlsx"
    workbook.write_bytes(b"PK\x03\x04 workbook")
    refused = equity("upload", workbook)
    assert refused.code == 3
    assert "save the sheet as CSV" in refused.err


def test_a_large_file_is_checked_on_this_machine(equity: Equity, tmp_path: Path) -> None:
    file = tmp_path / "large.csv"
    row = "{n} Palmetto Ave,Dunedin,FL,34698," + "x" * 2_000 + "\n"
    file.write_text("Address,City,State,Zip,Other\n" + "".join(row.format(n=n) for n in range(1, 5_201)))
    result = equity("upload", file, "--dry-run", "--json").ok()
    assert (result.json["rows"], result.json["estimate"]) == (5_200, None)
    assert "checked on this machine" in result.err
