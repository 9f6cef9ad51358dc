"""Cells of phones or emails: all values are read, and no remark that forbids is lost."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.pii.contact_cells import ContactCell, read_emails, read_phones

ONE, OTHER = "+15125550142", "+15125550199"
AREAS = st.sampled_from(["212", "305", "415", "512", "617", "727", "808", "907"])
NUMBERS = st.lists(st.tuples(AREAS, st.integers(0, 9_999)), min_size=1, max_size=6, unique=True)
WRITINGS = (
    "{0}555{1}",
    "({0}) 555-{1}",
    "{0}-555-{1}",
    "{0}.555.{1}",
    "+1 {0} 555 {1}",
    "1-{0}-555-{1}",
    "{0} 555 {1}",
    "+1{0}555{1}",
)
SEPARATORS = ("/", " / ", ";", "; ", " or ", "\n", ", ", ",", " & ", " and ", "|", "  ", "\r\n", "\t", "\xa0")
FORBIDDING = (
    "DNC", "do not call", "Do-Not-Call", "DO NOT CONTACT", "litigator", "wrong number", "Wrong #", "deceased", "opted out", "opt-out",
    "no longer in service", "disconnected", "don't call", "don\u2019t call", "stop", "not in service", "TCPA litigator", "Federal DNC",
    "not the owner", "removed", "bad number", "passed away", "threatened to sue", "no calls", "unsubscribed", "D.N.C.",
)  # fmt: skip


def values(cell: ContactCell) -> list[str]:
    return [one.value for one in cell.values]


@given(NUMBERS, st.lists(st.sampled_from(WRITINGS), min_size=6, max_size=6), st.sampled_from(SEPARATORS))
@settings(max_examples=500)
def test_all_numbers_of_a_cell_are_found_in_order(numbers: Any, writings: list[str], separator: str) -> None:
    text = separator.join(w.format(area, f"{line:04}") for w, (area, line) in zip(writings, numbers, strict=False))
    cell = read_phones(text)
    assert values(cell) == [f"+1{area}555{line:04}" for area, line in numbers]
    assert not cell.has_more_than_values


@given(
    NUMBERS,
    st.sampled_from(SEPARATORS),
    st.sampled_from(FORBIDDING),
    st.integers(0, 6),
    st.sampled_from(["{}", "({})", "- {}", "[{}]", "{}!"]),
)
@settings(max_examples=500)
def test_a_remark_that_forbids_is_never_lost(numbers: Any, separator: str, word: str, place: int, form: str) -> None:
    parts = [f"({area}) 555-{line:04}" for area, line in numbers]
    parts.insert(min(place, len(parts)), form.format(word))
    cell = read_phones(separator.join(parts))
    assert cell.forbidden
    assert any(one.forbidden for one in cell.values)
    if form in {"{}", "- {}", "{}!"}:
        assert all(one.forbidden for one in cell.values)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("512-555-0142 (cell)", [(ONE, "mobile", False)]), ("512-555-0142 DNC", [(ONE, None, True)]),
        ("(512) 555-0142 (512) 555-0199", [(ONE, None, False), (OTHER, None, False)]),
        ("512-555-0142 (DNC), 512-555-0199 (cell)", [(ONE, None, True), (OTHER, "mobile", False)]),
        ("512-555-0142 / 512-555-0199 wrong number", [(ONE, None, True), (OTHER, None, True)]),
        ("512-555-0142 x12", [(ONE, None, False)]), ("512-555-0142 ext. 5 DNC", [(ONE, None, True)]),
        ("tel:+1-512-555-0142", [(ONE, None, False)]),
        ("5.125550142E+9", [(ONE, None, False)]), ("5125550142.0", [(ONE, None, False)]), ('="5125550142"', [(ONE, None, False)]),
        ("512-555-\u200b0142", [(ONE, None, False)]), ("\uff15\uff11\uff12-555-0142", [(ONE, None, False)]),
        ("512\u2013555\u20130142", [(ONE, None, False)]), ("512-555-0142 (DNC: No)", [(ONE, None, False)]),
        ("512-555-0142 DNC, 512-555-0142", [(ONE, None, True)]), ("Home: 512-555-0142 Cell: 512-555-0199", [(ONE, None, False),
        (OTHER, None, False)]),
    ],
)  # fmt: skip
def test_a_cell_of_phones_is_read(text: str, found: list[tuple[str, str | None, bool]]) -> None:
    cell = read_phones(text)
    assert list(cell.values) == found
    assert not cell.unread


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("5.12555E+09", []), ("+44 2079460018", []), ("+44 20 7946 0018", []), ("51255501425125550199", []), ("n/a", []),
        ("555-0142 DNC", []),
        ("512-555-0142 call after 5", [ONE]), ("512-555-0142-0199", [ONE]), ("512-555-0142 or 000-000-0000", [ONE]),
        ("512-555-0142/0199", [ONE]),
    ],
)  # fmt: skip
def test_a_cell_of_phones_with_a_part_that_is_not_understood_is_unread(text: str, found: list[str]) -> None:
    cell = read_phones(text)
    assert (values(cell), cell.unread) == (found, True)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Rosa Ruiz <Rosa@example.com>", ["rosa@example.com"]), ('"Ruiz, Rosa" <rosa@example.com>', ["rosa@example.com"]),
        ("mailto:rosa@example.com?subject=x", ["rosa@example.com"]), ("<rosa@example.com>", ["rosa@example.com"]),
        ("rosa@example.com.", ["rosa@example.com"]), ("rosa@example.com,", ["rosa@example.com"]),
        ("rosa@example.com;", ["rosa@example.com"]),
        ("ro\u200bsa@example.com", ["rosa@example.com"]), ('"rosa@example.com"', ["rosa@example.com"]),
        ("'rosa@example.com'", ["rosa@example.com"]),
        ("rosa@example.com; b@example.com", ["rosa@example.com", "b@example.com"]),
        ("a@example.com/b@example.com", ["a@example.com", "b@example.com"]),
        ("a@example.com b@example.com", ["a@example.com", "b@example.com"]),
        ("a@example.com\nb@example.com", ["a@example.com", "b@example.com"]),
        ("a/b@example.com", ["a/b@example.com"]), ("o'hara@example.com", ["o'hara@example.com"]),
        ("email: rosa@example.com", ["rosa@example.com"]),
        ("rosa@example.com (home)", ["rosa@example.com"]),
        ("Rosa <a@example.com>, Rob <b@example.com>", ["a@example.com", "b@example.com"]),
    ],
)  # fmt: skip
def test_a_cell_of_emails_is_read(text: str, found: list[str]) -> None:
    cell = read_emails(text)
    assert values(cell) == found
    assert not cell.has_more_than_values


@pytest.mark.parametrize(
    "text",
    [
        "a b@example.com",
        "x@@example.com",
        "none@none.com",
        "rosa at example.com",
        "@",
        "rosa@",
        "Rosa rosa@example.com",
    ],
)
def test_a_word_that_may_be_another_address_is_not_read(text: str) -> None:
    assert (values(read_emails(text)), read_emails(text).unread) == ([], True)


@pytest.mark.parametrize("word", FORBIDDING)
def test_an_email_with_a_remark_that_forbids_is_forbidden(word: str) -> None:
    for text in (
        f"rosa@example.com {word}",
        f"rosa@example.com ({word})",
        f"{word}: rosa@example.com",
        f"{word} <rosa@example.com>",
    ):
        cell = read_emails(text)
        assert cell.forbidden
        assert all(one.forbidden for one in cell.values)


@given(st.text(max_size=60) | st.text("0123456789()+-./x,; @<>abc\n", max_size=60))
@settings(max_examples=500)
def test_no_text_raises(text: str) -> None:
    for read in (read_phones, read_emails):
        cell = read(text)
        for one in cell.values:
            assert values(read(one.value)) == [one.value]


def test_a_cell_that_is_too_long_is_unread_and_its_remark_is_kept() -> None:
    for cell in (read_phones("512-555-0142 " * 200 + "DNC"), read_emails("rosa@example.com " * 200 + "opted out")):
        assert (cell.values, cell.unread, cell.forbidden) == ((), True, True)
