"""Owner names: docs/owner-names.md matches the code."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.pii import owner_names
from common.pii.owner_names import NAME_FIELDS, greeting_of, read_owner_names
from common.pii.person_names import MAX_GREETING_LENGTH, greeting_name

PAGE = (Path(__file__).parents[3] / "docs" / "owner-names.md").read_text()
ROWS = [
    [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
    for line in PAGE.splitlines()
    if line.startswith("| `")
]
FACTS = ("deceased", "legal_entity", "do_not_contact")


def cell(text: str) -> str:
    """Return the text between backticks, or an empty text."""
    return text.strip("`")


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row[0]} {row[1]}")
def test_a_name_is_read_as_the_page_says(row: list[str]) -> None:
    first, last, greeting, facts, dropped = row
    read = read_owner_names({"owner_first_name": cell(first), "owner_last_name": cell(last)})
    assert greeting_of(cell(first), cell(last)) == (cell(greeting) or None)
    assert {name for name in FACTS if getattr(read, name)} == {f for f in cell(facts).replace("`", "").split(", ") if f}
    wanted = {"first": {NAME_FIELDS[0]}, "last": {NAME_FIELDS[1]}, "both": set(NAME_FIELDS[:2]), "": set()}[dropped]
    assert set(read.dropped) == wanted
    assert all((read.names[field] is None) for field in wanted)


def test_the_page_has_names_with_each_fact() -> None:
    assert len(ROWS) > 80
    assert {cell(row[3]) for row in ROWS} >= {"", *FACTS}


@pytest.mark.parametrize("field", NAME_FIELDS)
@pytest.mark.parametrize(
    ("text", "fact"),
    [("Estate of John Holt", "deceased"), ("Holt (Deceased)", "deceased"), ("Holt Life Estate", "legal_entity"),
     ("Holt Living Trust", "legal_entity"), ("DO NOT CALL", "do_not_contact")],
)  # fmt: skip
def test_any_name_field_may_state_a_fact(field: str, text: str, fact: str) -> None:
    read = read_owner_names({"owner_first_name": "Mary", "owner_last_name": "Holt", field: text})
    assert getattr(read, fact)


def test_a_company_is_the_owner_where_no_person_is_named() -> None:
    assert read_owner_names({"company_name": "Holt & Sons"}).legal_entity
    assert not read_owner_names({"company_name": "Holt & Sons", "owner_first_name": "Mary"}).legal_entity
    assert read_owner_names({"company_name": "n/a"}).dropped == ("company_name",)


def test_remarks_are_removed_so_that_the_owner_stays_the_same() -> None:
    for remark in ("(Deceased)", "DECEASED", "Dec'd", "et al", "ET UX", "(dec)", "\u2020"):
        assert read_owner_names({"owner_last_name": f"Holt {remark}"}).names["owner_last_name"] == "Holt"


@pytest.mark.parametrize(
    ("text", "name"),
    [("Mr & Mrs John", "John"), ("Mr. John", "John"), ("Dr.John", "John"), ("Mr J", "J"), ("Mr", "Mr"), ("Missy", "Missy"),
     ("Rev. John", "John"), ("Hon", "Hon")],
)  # fmt: skip
def test_titles_are_removed(text: str, name: str) -> None:
    assert read_owner_names({"owner_first_name": text, "owner_last_name": "Holt"}).names["owner_first_name"] == name


WORDS = """Mary Holt Mr Mrs Dr. A J Estate of Trust The Late Life Real United States National Bank Living Tr Do Not Contact Unknown Owner
    Current Null null N Church Inc LLC L C Co Hoa Heirs Deceased Dec Et Al School Board Fannie Mae Est Nan to be Le"""
NAMES = st.lists(st.sampled_from(WORDS.split()), max_size=2).map(" ".join)


@given(NAMES, NAMES)
def test_the_fast_path_gives_the_result_of_the_full_path(first: str, last: str) -> None:
    fields = NAME_FIELDS[:2]
    assert owner_names._read_person(first, last, fields) == owner_names._read_names(first, last, fields)


@given(st.text(max_size=50), st.text(max_size=50))
def test_no_text_raises_and_a_greeting_has_only_letters(first: str, last: str) -> None:
    read_owner_names({"owner_first_name": first, "owner_last_name": last, "company_name": last})
    greeting = greeting_of(first, last)
    if greeting is not None:
        assert 0 < len(greeting) <= MAX_GREETING_LENGTH
        assert not re.search(r"[^\w\s.'-]|[\d_]", "".join(c for c in greeting if c.isascii()))


@given(st.text(max_size=50))
def test_a_greeting_gives_itself_again(first: str) -> None:
    greeting = greeting_name(first)
    assert greeting is None or greeting_name(greeting) == greeting
