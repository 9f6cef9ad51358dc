"""Texts that name a person who is erased, and texts that do not."""

import pytest

from cli.commands.erase.matching import build_traits, names_any
from support.feeding import KEYS

PERSON = build_traits(
    [KEYS.hash_contact("marjorie.holt@example.com"), KEYS.hash_contact("+17275550142")],
    [("Marjorie", "Holt"), ("José", "O'Neil"), (None, None)],
    "418 Palmetto Ave",
    "34698",
)


@pytest.mark.parametrize(
    "text",
    [
        "Marjorie.Holt@Example.com",
        '{"emails": ["marjorie.holt@example.com"]}',
        "write to <marjorie.holt@example.com>.",
        "+17275550142",
        "(727) 555-0142 cell",
        '["17275550142"]',
        "HOLT, MARJORIE A",
        "marjorie ann holt",
        "JOSE ONEIL",
        "Holt family, 418 Palmetto Avenue, Dunedin FL 34698-1234",
    ],
)
def test_a_text_that_names_the_person_is_found(text: str) -> None:
    assert names_any(text, [PERSON], KEYS.hash_contact)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Holt",
        "Marjorie Reyes",
        "418 Palmetto Ave, Dunedin FL 34698",
        "Holt, 419 Palmetto Ave 34698",
        "holt@example.com 7275550143",
        "27275550142",
    ],
)
def test_a_text_of_another_person_is_not(text: str) -> None:
    assert not names_any(text, [PERSON], KEYS.hash_contact)
    assert not names_any(text, [], KEYS.hash_contact)
