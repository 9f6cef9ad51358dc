"""Cells with whole names of owners, by table: the order of the names is known from a comma or the profile, or not at all."""

from typing import Any

import pytest

from common.pii.owner_names import read_owner_names
from common.records.file_profile import NameOrder
from common.records.owner_cells import split_owner_names

FIELDS = ("owner_first_name", "owner_last_name", "owner2_first_name", "owner2_last_name")


def names_of(found: dict[str, Any]) -> tuple[str | None, ...]:
    """Return the four names without those at the end that are missing."""
    names = [found.get(field) for field in FIELDS]
    while names and names[-1] is None:
        names.pop()
    return tuple(names)


LAST_FIRST = [
    ("SMITH JOHN", ("JOHN", "SMITH")),
    ("SMITH JOHN Q", ("JOHN Q", "SMITH")),
    ("SMITH JOHN Q JR", ("JOHN Q", "SMITH JR")),
    ("SMITH JR JOHN", ("JOHN", "SMITH JR")),
    ("SMITH JOHN & MARY", ("JOHN", "SMITH", "MARY", "SMITH")),
    ("SMITH JOHN & MARY A", ("JOHN", "SMITH", "MARY A", "SMITH")),
    ("SMITH JOHN AND MARY", ("JOHN", "SMITH", "MARY", "SMITH")),
    ("SMITH JOHN Q & HOLT MARY A", ("JOHN Q", "SMITH", "MARY A", "HOLT")),
    ("SMITH JOHN JR & MARY", ("JOHN", "SMITH JR", "MARY", "SMITH")),
    ("SMITH JOHN ET AL", ("JOHN", "SMITH")),
    ("SMITH JOHN ETUX", ("JOHN", "SMITH")),
    ("SMITH JOHN & MARY H/W", ("JOHN", "SMITH", "MARY", "SMITH")),
    ("SMITH, JOHN", ("JOHN", "SMITH")),
    ("DE LA CRUZ MARIA", ("MARIA", "DE LA CRUZ")),
    ("VAN DYKE PETER", ("PETER", "VAN DYKE")),
    ("ESTATE OF JOHN SMITH", ("JOHN", "SMITH")),
    ("SMITH", ("", "SMITH")),
    ("MR JOHN SMITH", ("JOHN", "SMITH")),
    ("SMITH JOHN MR & MRS", ("JOHN", "SMITH")),
    ("SMITH, MR. JOHN", ("JOHN", "SMITH")),
]  # fmt: skip
FIRST_LAST = [
    ("John Smith", ("John", "Smith")),
    ("John Q Smith Jr", ("John Q", "Smith Jr")),
    ("John Smith, Jr.", ("John", "Smith Jr.")),
    ("John and Mary Smith", ("John", "Smith", "Mary", "Smith")),
    ("John Smith & Mary Holt", ("John", "Smith", "Mary", "Holt")),
    ("John Smith, Mary Holt", ("John", "Smith", "Mary", "Holt")),
    ("Smith, John", ("John", "Smith")),
    ("Maria de la Cruz", ("Maria", "de la Cruz")),
    ("Holt", (None, "Holt")),
    ("John Q", (None, "John Q")),
    ("Mr. & Mrs. John Smith", ("John", "Smith")),
    ("Mr John and Dr. Mary Smith", ("John", "Smith", "Mary", "Smith")),
]
UNKNOWN_ORDER = [
    ("SMITH JOHN", (None, "SMITH JOHN")),
    ("Mr & Mrs Robert Jones", ("Robert", "Jones")),
    ("Mr. and Mrs. Jones", (None, "Jones")),
    ("Smith, Mr. & Mrs. John", ("John", "Smith")),
    ("Smith, John & Mrs. Mary", ("John", "Smith", "Mary", "Smith")),
    ("MISS ANN LEE", ("ANN", "LEE")),
    ("Drew Miss", (None, "Drew Miss")),
    ("John and Mary Smith", (None, "John and Mary Smith")),
    ("SMITH,JOHN Q & MARY", ("JOHN Q", "SMITH", "MARY", "SMITH")),
    ("Smith, John", ("John", "Smith")),
    ("SMITH, JOHN & HOLT, MARY", ("JOHN", "SMITH", "MARY", "HOLT")),
    ("Smith, John; Holt, Mary", ("John", "Smith", "Mary", "Holt")),
    ("Smith, John / Holt, Mary", ("John", "Smith", "Mary", "Holt")),
    ("Smith, John\nHolt, Mary", ("John", "Smith", "Mary", "Holt")),
    ("Smith, John c/o Holt, Mary", ("John", "Smith")),
    ("John Smith, Mary Holt", (None, "John Smith, Mary Holt")),
    ("Smith, John, Mary Holt", (None, "Smith, John, Mary Holt")),
    ("Smith Holt, John", ("John", "Smith Holt")),
    ("Smith Holt, John Q", ("John Q", "Smith Holt")),
    ("de la Cruz, Maria Elena", ("Maria Elena", "de la Cruz")),
]


@pytest.mark.parametrize(
    ("order", "text", "names"),
    [
        *(("last_first", *case) for case in LAST_FIRST),
        *(("first_last", *case) for case in FIRST_LAST),
        *((None, *case) for case in UNKNOWN_ORDER),
    ],
)
def test_persons_are_split_by_the_order_of_their_names(
    order: NameOrder | None, text: str, names: tuple[str | None, ...]
) -> None:
    assert names_of(split_owner_names(text, None, order)) == tuple(name or None for name in names)


@pytest.mark.parametrize(
    ("text", "order"),
    [
        ("SMITH FAMILY TRUST", "last_first"),
        ("SMITH JOHN TRE", "last_first"),
        ("SMITH JOHN TR", "last_first"),
        ("SMITH JOHN LIFE EST", "last_first"),
        ("ACME HOMES LLC", None),
        ("City of Dunedin", "first_last"),
    ],
)
def test_an_owner_that_is_no_person_is_kept_whole(text: str, order: NameOrder | None) -> None:
    found = split_owner_names(text, None, order)
    assert found == {"company_name": text}
    assert read_owner_names(found).legal_entity


@pytest.mark.parametrize(
    "text", ["ESTATE OF JOHN SMITH", "SMITH JOHN EST OF", "SMITH JOHN ESTATE", "SMITH JOHN (DECEASED)"]
)
def test_an_estate_means_that_the_owner_is_deceased(text: str) -> None:
    found = split_owner_names(text, None, "last_first")
    assert names_of(found) == ("JOHN", "SMITH")
    assert found["deceased_owner"] is True


@pytest.mark.parametrize("text", ["CURRENT OWNER", "Unknown", "n/a", "DO NOT CONTACT"])
def test_a_text_that_is_no_name_is_kept_whole(text: str) -> None:
    """`read_owner_names` says later what follows from it."""
    assert split_owner_names(text, None, "last_first") == {"owner_last_name": text}


@pytest.mark.parametrize(
    ("first", "second", "order", "names"),
    [
        ("SMITH JOHN", "HOLT MARY", "last_first", ("JOHN", "SMITH", "MARY", "HOLT")),
        ("SMITH JOHN & ANN", "HOLT MARY", "last_first", ("JOHN", "SMITH", "MARY", "HOLT")),
        ("SMITH,JOHN & ANN", "ANN SMITH", None, ("JOHN", "SMITH", "ANN", "SMITH")),
        ("SMITH JOHN", "ACME LLC", "last_first", ("JOHN", "SMITH", None, "ACME LLC")),
        (None, "HOLT, MARY", None, (None, None, "MARY", "HOLT")),
        (" ", "", None, ()),
    ],
)
def test_the_second_owner_may_have_a_cell_alone(
    first: str | None, second: str, order: NameOrder | None, names: tuple[str | None, ...]
) -> None:
    assert names_of(split_owner_names(first, second, order)) == names
