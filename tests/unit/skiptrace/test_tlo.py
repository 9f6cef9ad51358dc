"""TLO's file: what the mapping finds in it, what a row says, and that every row has one verdict."""

import csv
import io
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from common.csv_rows import Reader, Row
from skiptrace.lead import Found, Person, Question
from skiptrace.provider import Reply, UnknownAnswerError
from skiptrace.taking_in import Line, Verdict, is_about, read, verdict_of
from skiptrace.vendors.tlo import EXPORTED, BadMappingError, Places, Tlo, TloMapping, exported, unusable

SHIPPED = TloMapping.model_validate(
    yaml.load(Path("services/skiptrace/skiptrace/tlo_mapping.yaml").read_text(), Loader=yaml.BaseLoader)  # noqa: S506 - makes nothing but text
)
HEADER = ["Reference", "Phone 1", "Phone 1 Type", "Phone 2", "Phone 2 Type", "Email 1", "Deceased", "SSN"]
PERSON = Person("Marjorie", "Holt", None, "418 Palmetto Ave", None, "Dunedin", "FL", "34698", None, None)
QUESTION = Question(UUID(int=1), PERSON)
TLO = Tlo(Decimal(7))


def entry(*cells: str, header: list[str] | None = None) -> dict[str, Any]:
    return SHIPPED.places(header or HEADER).entry(cells)


def finding(*cells: str) -> Any:
    return TLO.read([QUESTION], Reply(200, "application/json", orjson.dumps(entry(*cells))))[0]


def test_what_a_row_says_is_found_and_judged_by_nobody() -> None:
    found = finding("r", "(727) 555-0142", "Mobile", "7275550177", "", "Marjorie.Holt@Example.com", "N", "123-45-6789")
    assert found.contacts == (
        Found("phone", "+17275550142", ("found", "mobile"), judged=False),
        Found("phone", "+17275550177", ("found",), judged=False),
        Found("email", "marjorie.holt@example.com", ("found",), judged=False),
    )
    assert found.matched
    assert found.person_codes == ()
    assert TLO.cost_cents([found]) == 7


def test_what_the_mapping_does_not_name_is_not_even_stored() -> None:
    assert b"6789" not in orjson.dumps(entry("r", "7275550142", "", "", "", "", "", "123-45-6789"))


def test_a_row_without_anything_is_no_match_and_costs_nothing() -> None:
    found = finding("r", "", "", "not a phone", "", "none@none.com", "no", "")
    assert not found.matched
    assert TLO.cost_cents([found]) == 0
    assert unusable(entry("r", "", "", "not a phone", "", "none@none.com", "no", "")) == (1, 1)


@pytest.mark.parametrize("yes", ["Y", "yes", "TRUE", "1", " x "])
def test_the_deceased_are_told_by_the_words_of_the_mapping(yes: str) -> None:
    assert finding("r", "", "", "", "", "", yes, "").person_codes == ("deceased",)


def test_what_is_too_long_to_be_a_value_is_cut_and_is_none() -> None:
    long = entry("r", "7" * 100_000, "", "", "", "a" * 100_000 + "@example.com", "", "")
    assert len(orjson.dumps(long)) < 1_000
    assert unusable(long) == (1, 1)


def test_damaged_bytes_are_no_text_and_no_crash() -> None:
    found = finding("r", "727\udc92555", "\udcff", "", "", "\udc80@example.com", "\udcff", "")
    assert not found.matched


def test_names_are_compared_without_case_and_spacing_and_phones_may_leave_numbers_out() -> None:
    places = SHIPPED.places(["\ufeffREFERENCE", "phone  7", "Phone 7 type", "EMAIL 3"])
    assert (places.reference, places.phones, places.emails) == (0, ((1, 2),), (3,))
    assert places.missing == ("Deceased", "Litigator")


def test_columns_may_be_named_one_by_one() -> None:
    mapping = TloMapping.model_validate(
        {"reference": "Id", "phones": [{"number": "Home"}, {"number": "Cell"}], "emails": ["Mail"]}
    )
    assert mapping.places(["Cell", "Id", "Home", "Mail"]).phones == ((2, None), (0, None))


@pytest.mark.parametrize(
    ("header", "says"),
    [
        (["Phone 1", "Email 1"], "no column 'Reference'"),
        (["Reference", "Name"], "no column for a phone or an email"),
        (["Reference", "Phone 1", "phone 1"], "more than once: phone 1"),
    ],
)
def test_a_mapping_that_does_not_fit_says_which_column(header: list[str], says: str) -> None:
    with pytest.raises(BadMappingError, match=says):
        SHIPPED.places(header)


def test_an_answer_that_is_none_cannot_be_read() -> None:
    with pytest.raises(UnknownAnswerError):
        TLO.read([QUESTION], Reply(200, "application/json", b"[1]"))


@pytest.mark.parametrize("formula", ["=HYPERLINK(1)", "+1-1", "-2+3", "@SUM(A1)", "\t=1"])
def test_nothing_that_goes_out_is_a_formula(formula: str) -> None:
    row = exported(
        "r", Question(UUID(int=1), Person(formula, formula, formula, formula, formula, "D", "FL", "1", None, None))
    )
    assert len(row) == len(EXPORTED)
    assert not any(cell.startswith(("=", "+", "-", "@", "\t")) for cell in row)


def test_an_answer_is_about_the_same_owner_at_the_same_place() -> None:
    assert is_about(PERSON, Person("M", "HOLT", None, "418 Palmetto Ave", "2", "Dunedin", "FL", "34698", "P", "7"))
    assert is_about(Person(None, None, *_rest(PERSON)), PERSON)
    assert not is_about(PERSON, Person("Marjorie", "Novak", *_rest(PERSON)))
    assert not is_about(PERSON, None)


@pytest.mark.parametrize(
    ("outcome", "detail", "key", "expected"),
    [
        ("asked", None, b"k", "stored"), ("expired", "not_imported", b"k", "stored"), ("answered", None, b"k", "already"),
        ("asked", None, None, "erased"), ("expired", "changed", b"k", "changed"), ("expired", "erased", None, "erased"),
    ],
)  # fmt: skip
def test_the_verdict_is_the_same_each_time(outcome: str, detail: str | None, key: bytes | None, expected: str) -> None:
    lead = {f"property_{name}": getattr(PERSON, field) for name, field in _COLUMNS.items()}
    lead |= {
        "owner_first_name": "Marjorie",
        "owner_last_name": "Holt",
        "company_name": None,
        "county": None,
        "apn": None,
    }
    row = lead | {"outcome": outcome, "detail": detail, "data_key": key, "property_unit": None}
    assert verdict_of(row, QUESTION) == expected
    if expected == "stored":
        assert verdict_of(row, None) is Verdict.TOO_LATE


_COLUMNS = {"address": "street", "city": "city", "state": "state", "zip": "zip"}
IDS = [str(UUID(int=number)) for number in range(4)]
cells = st.text(max_size=12) | st.sampled_from([*IDS, IDS[0].upper(), "7275550142", "a@example.com", "Y", "\udcff"])
rows = st.lists(
    st.builds(Row, st.lists(cells, min_size=8, max_size=8), st.sampled_from([None, None, "unclosed_quote"]))
)


@given(rows)
def test_every_row_has_one_verdict_and_no_row_crashes(given_rows: list[Row]) -> None:
    lines = list(read(iter(given_rows), SHIPPED.places(HEADER)))
    assert len(lines) == len(given_rows)
    counts = Counter(line.verdict for line in lines)
    assert sum(counts.values()) == len(given_rows)
    assert set(counts) <= {None, Verdict.MALFORMED, Verdict.DUPLICATE, Verdict.UNKNOWN}
    asked = [line.reference for line in lines if line.verdict is None]
    assert len(asked) == len(set(asked))
    assert None not in asked
    for line in lines:
        if line.verdict is None:
            _assert_readable(line)


@given(st.text(max_size=400), st.sampled_from([",", ";", "\t", "|"]))
def test_any_text_is_read_to_its_end_row_by_row(text: str, delimiter: str) -> None:
    reader = Reader(io.StringIO(delimiter.join(HEADER) + "\n" + text, newline=""), delimiter)
    header = reader.header()
    for line in read(reader.rows(len(header)), SHIPPED.places(header)):
        assert (line.verdict is None) == (line.reference is not None)


@given(st.lists(st.tuples(st.sampled_from(IDS), st.text(max_size=20)), max_size=20))
def test_what_a_csv_writer_wrote_is_read_back(pairs: list[tuple[str, str]]) -> None:
    out = io.StringIO(newline="")
    csv.writer(out).writerows([["Reference", "Email 1"], *pairs])
    out.seek(0)
    reader = Reader(out, ",")
    places: Places = SHIPPED.places(reader.header())
    lines = list(read(reader.rows(2), places))
    assert {line.reference for line in lines if line.reference} <= {UUID(reference) for reference, _ in pairs}


def _assert_readable(line: Line) -> None:
    found = TLO.read([QUESTION], Reply(200, "application/json", orjson.dumps(line.entry)))[0]
    phones, emails = unusable(line.entry)
    said = len(line.entry["phones"]) + len(line.entry["emails"])
    assert len(found.contacts) <= said - phones - emails


def _rest(person: Person) -> tuple[Any, ...]:
    return (
        person.company,
        person.street,
        person.unit,
        person.city,
        person.state,
        person.zip,
        person.county,
        person.apn,
    )


def test_cells_with_several_values_and_remarks_are_read_whole() -> None:
    found = finding(
        "r", "727-555-0142 / 727-555-0177 wrong number", "", "727-555-0199", "Mobile", "Rosa <rosa@example.com>", "", ""
    )
    assert [(one.channel, one.value, one.forbidden) for one in found.contacts] == [
        ("phone", "+17275550142", True), ("phone", "+17275550177", True), ("phone", "+17275550199", False),
        ("email", "rosa@example.com", False),
    ]  # fmt: skip
    assert finding("r", "7275550142", "DNC", "", "", "", "", "").contacts[0].forbidden
    assert finding("r", "7275550142 deceased", "", "", "", "", "", "").person_codes == ("deceased",)
    assert unusable(entry("r", "7275550142 call after 5", "", "", "", "", "", "")) == (1, 0)
