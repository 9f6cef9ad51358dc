"""Arguments and options are checked first, and every error has one style."""

from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.shell import inputs
from cli.shell.errors import UsageError

PARSERS: dict[str, Callable[[str], object]] = {
    parser.__name__: parser
    for parser in (
        inputs.parse_new_name,
        inputs.parse_name_or_id,
        inputs.parse_note,
        inputs.parse_key_id,
        inputs.parse_email,
        inputs.parse_web_address,
        inputs.parse_uuid,
        inputs.parse_number,
        inputs.parse_day,
        inputs.parse_readable_file,
        inputs.parse_file_or_stdin,
        inputs.parse_new_file,
    )
}
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


def refusal(parser: str, text: str) -> UsageError | None:
    try:
        PARSERS[parser](text)
    except UsageError as refused:
        return refused
    return None


@pytest.mark.parametrize("parser", PARSERS)
@given(text=st.one_of(st.text(max_size=300), st.sampled_from(HOSTILE)))
def test_every_text_is_accepted_or_refused_with_advice(parser: str, text: str) -> None:
    refused = refusal(parser, text)
    if refused:
        assert refused.problem.endswith(".")
        assert refused.advice.endswith(".")
        assert refused.exit_code == 2


@pytest.mark.parametrize("parser", PARSERS)
@pytest.mark.parametrize("text", ["", "  ", "\0"])
def test_empty_text_is_refused_everywhere(parser: str, text: str) -> None:
    with pytest.raises(UsageError):
        PARSERS[parser](text)


@pytest.mark.parametrize("text", ["Dana Ruiz", "  Dana Ruiz ", "Ruiz & Söhne (FL) 24/7", "李娜", "O'Neill, Inc."])
def test_names_of_people_and_firms_are_accepted(text: str) -> None:
    assert inputs.parse_new_name(text) == text.strip()


@pytest.mark.parametrize("text", ["a\x07b", "a\u200bb", "a\u2028b", "x" * 201, str(UUID(int=1)), "\u00ad", "\ufeff"])
def test_text_that_is_no_name_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        inputs.parse_new_name(text)


@pytest.mark.parametrize(
    "text", ["nonsense", "a@b", "@example.com", "dana@", "a b@example.com", "d@example.com, e@example.com"]
)
def test_text_that_is_no_email_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="not an email"):
        inputs.parse_email(text)


def test_an_email_is_accepted() -> None:
    assert inputs.parse_email(" Dana@Example.com ") == "dana@example.com"


@pytest.mark.parametrize(
    "text", ["cal.com/dana", "ftp://cal.com", "https://", "http://:80", "https://a b.com", "javascript:alert(1)", "http://[::1",
             "https://x:99999/", "https://u:p@cal.com"]
)  # fmt: skip
def test_text_that_is_no_web_address_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        inputs.parse_web_address(text)


def test_web_addresses_are_accepted() -> None:
    for text in ("https://cal.com/dana?x=1", "http://127.0.0.1:8080", "http://[::1]:8080/"):
        assert inputs.parse_web_address(text) == text


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "1e3", "9" * 30, str(2**63), "٣", "abc"])
def test_text_that_is_no_number_of_a_list_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        inputs.parse_number(text)


@pytest.mark.parametrize("text", ["2026-02-30", "0001-01-01", "9999-12-31", "tomorrow", "2026-1-1x", "01/02/2026"])
def test_text_that_is_no_day_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        inputs.parse_day(text)


def test_files_are_checked_first(tmp_path: Path) -> None:
    there = tmp_path / "there.csv"
    there.write_text("x")
    assert inputs.parse_readable_file(str(there)) == there
    assert inputs.parse_new_file(str(tmp_path / "new.csv")) == tmp_path / "new.csv"
    for wrong in (tmp_path / "missing.csv", tmp_path, tmp_path / ("x" * 300), there / "below"):
        with pytest.raises(UsageError, match="cannot be read"):
            inputs.parse_readable_file(str(wrong))
    for wrong in (tmp_path, tmp_path / "missing" / "new.csv", there / "new.csv"):
        with pytest.raises(UsageError):
            inputs.parse_new_file(str(wrong))


@pytest.mark.parametrize(
    ("state", "zip_code", "says"),
    [("FL", "90210", "lies in CA"), ("FL", "00000", "not a ZIP"), ("FL", "3370", "not a ZIP"), ("FL", "00100", "no ZIP code"),
     ("FL", "33701-1234", "not a ZIP"), ("FL", "", "not a ZIP"), ("Florida", "٣٣٧٠١", "not a ZIP"), ("XX", "33701", "not a state")],
)  # fmt: skip
def test_a_zip_code_lies_in_its_state(state: str, zip_code: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        inputs.parse_territory(state, None, zip_code)


def test_states_and_zip_codes_are_accepted() -> None:
    assert inputs.parse_territory("florida", None, " 33701 ") == inputs.Territory("FL", None, "33701")


def test_a_territory_from_before_the_checks_can_be_removed() -> None:
    assert [area.zip for area in inputs.parse_held_territories("FL", None, "90210")] == ["90210"]
    assert [area.county for area in inputs.parse_held_territories("FL", "Nowhere", None)] == ["NOWHERE"]
    assert [area.county for area in inputs.parse_held_territories("GA", "De Kalb", None)] == ["DEKALB", "DE KALB"]
    assert inputs.parse_held_territories("FL", None, None) == [inputs.Territory("FL", None, None)]
    for wrong in (("FL", "Nowhere", "90210"), ("XX", None, None), ("FL", "", None)):
        with pytest.raises(UsageError):
            inputs.parse_held_territories(*wrong)
