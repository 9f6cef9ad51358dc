"""The shipped sample equals the generator's output, is invented throughout, and has the flaws of real exports."""

import csv
import re
import runpy
from collections import Counter, defaultdict
from datetime import date
from pathlib import Path

from common.records.normalise import PropertyRecord, normalise
from common.records.row_reader import read_row

SAMPLES = Path(__file__).parents[3] / "samples"
SAMPLE = SAMPLES / "propstream-1000.csv"
GENERATOR = runpy.run_path(str(SAMPLES / "generate.py"))


def read_rows(file: Path) -> list[list[str]]:
    with file.open(encoding="utf-8-sig", newline="") as text:
        return list(csv.reader(text))[1:]


def normalise_cells(cells: list[str]) -> PropertyRecord | list[str] | None:
    if len(cells) != len(GENERATOR["HEADER"]):
        return None
    named = {name: cell for name, cell in zip(GENERATOR["HEADER"], cells, strict=True) if cell}
    found = normalise(read_row(named), date(2026, 11, 21))
    return found if isinstance(found, PropertyRecord) else [str(reason) for reason in found]


def test_the_sample_equals_the_output_of_the_generator(tmp_path: Path) -> None:
    written = GENERATOR["write"](tmp_path / "again.csv", 1_000)
    assert written.read_bytes() == SAMPLE.read_bytes()
    assert written.read_bytes().startswith(b"\xef\xbb\xbfAddress,")


def test_no_contact_in_the_sample_exists() -> None:
    for cells in read_rows(SAMPLE):
        row = ",".join(cells)
        assert set(re.findall(r"@[a-z.]+", row)) <= {
            "@example.com", "@example.net", "@example.org", "@none.com", *(f"@{s}.example.org" for s in re.findall(r"@(\w\w)\.", row)),
        }  # fmt: skip
        for name, cell in zip(GENERATOR["HEADER"], cells, strict=False):
            if re.fullmatch(r"Phone \d", name) and cell:
                assert re.fullmatch(r"(1-)?\(?\d{3}\)?[-. ]?555[-.]?01(\d\d)?", cell), cell


def test_one_row_in_fifty_is_rejected() -> None:
    found = [normalise_cells(cells) for cells in read_rows(SAMPLE)]
    reasons = Counter("shape" if one is None else "+".join(one) for one in found if not isinstance(one, PropertyRecord))
    assert sum(reasons.values()) == 20
    assert set(reasons) == {
        "shape", "missing_zip", "missing_address", "missing_city", "missing_state", "invalid_zip", "invalid_state", "po_box",
        "unreadable_address", "invalid_characters", "value_too_long", "missing_state+missing_zip",
    }  # fmt: skip


def test_repeated_homes_are_recognised_in_every_spelling() -> None:
    homes = [one for one in map(normalise_cells, read_rows(SAMPLE)) if isinstance(one, PropertyRecord)]
    spellings = defaultdict(set)
    for one in homes:
        spellings[one.facts["addr_hash"]].add((one.facts["property_address"], one.facts["property_unit"]))
    assert 20 <= len(homes) - len(spellings) <= 40
    assert sum(len(ways) > 1 for ways in spellings.values()) > 20
    parcels = defaultdict(set)
    for one in homes:
        parcels[one.facts["apn_key"]].add(one.facts["addr_hash"])
    assert all(len(addresses) == 1 for parcel, addresses in parcels.items() if parcel)


def test_clean_rows_of_another_seed_are_all_different_homes(tmp_path: Path) -> None:
    homes = [
        normalise_cells(cells)
        for cells in read_rows(GENERATOR["write"](tmp_path / "clean.csv", 2_000, seed=11, flaws=False))
    ]
    hashes = {home.facts["addr_hash"] for home in homes if isinstance(home, PropertyRecord)}
    assert len(hashes) == len(homes) == 2_000
