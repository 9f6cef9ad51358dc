"""Lines of a file of suppressions: one value each, and each other line with its number and problem."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.commands.suppressions.value_file import (
    MAX_LINE_CHARACTERS,
    BadLine,
    Entry,
    FileValue,
    HeaderLine,
    read_lines,
    read_values,
)


def read(text: str) -> list[Entry]:
    return list(read_values(read_lines(io.StringIO(text, newline=None))))


@pytest.mark.parametrize(
    ("line", "channel", "value"),
    [
        ("727,5550142", "phone", "+17275550142"),
        ("(727) 555-0142", "phone", "+17275550142"),
        ('"727-555-0142","Main St 5","2026-05-01"', "phone", "+17275550142"),
        (" Owner@Example.com ", "email", "owner@example.com"),
        ("owner@example.com,owner@EXAMPLE.com", "email", "owner@example.com"),
        ("\ufeff7275550142", "phone", "+17275550142"),
        ("7275550142.0", "phone", "+17275550142"),
    ],
)
def test_a_line_gives_its_value_in_the_form_that_is_hashed(line: str, channel: str, value: str) -> None:
    assert read(line) == [FileValue(1, channel, value)]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("hello", "no_address_or_number"),
        ("12345", "no_address_or_number"),
        ("owner@", "no_address_or_number"),
        ("7275550142,7275550143", "several_values"),
        ("7275550142,owner@example.com", "several_values"),
        ("x" * (MAX_LINE_CHARACTERS + 1), "too_long"),
        ('"7275550143', None),
    ],
)
def test_a_line_without_one_value_is_refused_by_number_and_the_next_is_read(line: str, problem: str | None) -> None:
    entries = read(f"7275550142\n{line}\nowner@example.com\n")
    assert entries[0] == FileValue(1, "phone", "+17275550142")
    assert entries[2] == FileValue(3, "email", "owner@example.com")
    if problem:
        assert entries[1] == BadLine(2, problem)  # type: ignore[arg-type]


def test_only_the_first_line_may_be_a_header_and_it_is_reported() -> None:
    assert read("\nArea code,Phone 1\n7275550142\nPhone\n") == [
        HeaderLine(2),
        FileValue(3, "phone", "+17275550142"),
        BadLine(4, "no_address_or_number"),
    ]


@given(st.lists(st.text(max_size=30)))
def test_every_line_with_a_letter_or_digit_is_used_or_reported(texts: list[str]) -> None:
    text = "\n".join(texts)
    lines = io.StringIO(text, newline=None).read().split("\n")
    numbers = [entry.line for entry in read(text)]
    assert numbers == sorted(set(numbers))
    filled = {number for number, line in enumerate(lines, 1) if any(map(str.isalnum, line))}
    assert filled <= set(numbers)


def test_a_line_of_any_length_is_skipped_without_being_kept() -> None:
    text = "7275550142\n" + "1" * (5 * MAX_LINE_CHARACTERS) + "\n7275550143"
    assert [type(entry) for entry in read(text)] == [FileValue, BadLine, FileValue]
    exact = "1" * MAX_LINE_CHARACTERS
    assert read(f"7275550142\n{exact}\n")[1] == BadLine(2, "no_address_or_number")
