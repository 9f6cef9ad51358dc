"""What a user types is checked before anything is done with it, and what is wrong is said in one style."""

from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli import inputs
from cli.errors import UsageError

CHECKS: dict[str, Callable[[str], object]] = {
    "name": inputs.name, "named": inputs.named, "note": inputs.note, "key_id": inputs.key_id, "email": inputs.email,
    "web_address": inputs.web_address, "uuid": inputs.uuid, "number": inputs.number, "day": inputs.day,
    "file_to_read": inputs.file_to_read, "file_or_stdin": inputs.file_or_stdin, "file_to_write": inputs.file_to_write,
}  # fmt: skip
HOSTILE = [
    "",
    " ",
    "\t\n",
    "\0",
    "a\0b",
    "\x1b[2J",
    "\u200b\u200b",
    "\u202eevil",
    "x" * 5_000,
    "\ud800",
    "a\nb",
    "../" * 2000,
]


def refusal(check: str, text: str) -> UsageError | None:
    try:
        CHECKS[check](text)
    except UsageError as refused:
        return refused
    return None


@pytest.mark.parametrize("check", CHECKS)
@given(text=st.one_of(st.text(max_size=300), st.sampled_from(HOSTILE)))
def test_every_text_is_taken_or_refused_with_advice(check: str, text: str) -> None:
    refused = refusal(check, text)
    if refused:
        assert refused.problem.endswith(".")
        assert refused.advice.endswith(".")
        assert refused.exit_code == 2


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("text", ["", "  ", "\0"])
def test_nothing_is_nothing_everywhere(check: str, text: str) -> None:
    with pytest.raises(UsageError):
        CHECKS[check](text)


@pytest.mark.parametrize("text", ["Dana Ruiz", "  Dana Ruiz ", "Ruiz & Söhne (FL) 24/7", "李娜", "O'Neill, Inc."])
def test_names_of_people_and_firms_are_taken(text: str) -> None:
    assert inputs.name(text) == text.strip()


@pytest.mark.parametrize("text", ["a\x07b", "a\u200bb", "a\u2028b", "x" * 201, str(UUID(int=1)), "\u00ad", "\ufeff"])
def test_what_is_no_name_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        inputs.name(text)


@pytest.mark.parametrize(
    "text", ["nonsense", "a@b", "@example.com", "dana@", "a b@example.com", "d@example.com, e@example.com"]
)
def test_what_is_no_email_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="not an email"):
        inputs.email(text)


def test_an_email_is_taken() -> None:
    assert inputs.email(" Dana@Example.com ") == "dana@example.com"


@pytest.mark.parametrize(
    "text", ["cal.com/dana", "ftp://cal.com", "https://", "http://:80", "https://a b.com", "javascript:alert(1)", "http://[::1",
             "https://x:99999/", "https://u:p@cal.com"]
)  # fmt: skip
def test_what_is_no_web_address_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        inputs.web_address(text)


def test_web_addresses_are_taken() -> None:
    for text in ("https://cal.com/dana?x=1", "http://127.0.0.1:8080", "http://[::1]:8080/"):
        assert inputs.web_address(text) == text


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "1e3", "9" * 30, str(2**63), "٣", "abc"])
def test_what_is_no_number_of_a_list_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        inputs.number(text)


@pytest.mark.parametrize("text", ["2026-02-30", "0001-01-01", "9999-12-31", "tomorrow", "2026-1-1x", "01/02/2026"])
def test_what_is_no_day_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        inputs.day(text)


def test_files_are_looked_at_first(tmp_path: Path) -> None:
    there = tmp_path / "there.csv"
    there.write_text("x")
    assert inputs.file_to_read(str(there)) == there
    assert inputs.file_to_write(str(tmp_path / "new.csv")) == tmp_path / "new.csv"
    for wrong in (tmp_path / "missing.csv", tmp_path, tmp_path / ("x" * 300), there / "below"):
        with pytest.raises(UsageError, match="cannot be read"):
            inputs.file_to_read(str(wrong))
    for wrong in (tmp_path, tmp_path / "missing" / "new.csv", there / "new.csv"):
        with pytest.raises(UsageError):
            inputs.file_to_write(str(wrong))


@pytest.mark.parametrize(
    ("state", "zip_code", "says"),
    [("FL", "90210", "lies in CA"), ("FL", "00000", "not a ZIP"), ("FL", "3370", "not a ZIP"), ("FL", "00100", "no ZIP code"),
     ("FL", "33701-1234", "not a ZIP"), ("FL", "", "not a ZIP"), ("Florida", "٣٣٧٠١", "not a ZIP"), ("XX", "33701", "not a state")],
)  # fmt: skip
def test_a_zip_code_lies_in_its_state(state: str, zip_code: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        inputs.territory(state, None, zip_code)


def test_states_and_zip_codes_are_taken() -> None:
    assert inputs.territory("florida", None, " 33701 ") == {"state": "FL", "county": None, "zip": "33701"}


def test_a_territory_from_before_the_checks_can_be_taken_away() -> None:
    assert [area["zip"] for area in inputs.territories_held("FL", None, "90210")] == ["90210"]
    assert [area["county"] for area in inputs.territories_held("FL", "Nowhere", None)] == ["NOWHERE"]
    assert [area["county"] for area in inputs.territories_held("GA", "De Kalb", None)] == ["DEKALB", "DE KALB"]
    assert inputs.territories_held("FL", None, None) == [{"state": "FL", "county": None, "zip": None}]
    for wrong in (("FL", "Nowhere", "90210"), ("XX", None, None), ("FL", "", None)):
        with pytest.raises(UsageError):
            inputs.territories_held(*wrong)
