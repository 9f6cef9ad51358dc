"""Text for the model has no personal data and a fixed length."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replies.text.masking import MAX_MODEL_CHARACTERS, mask_for_model

NAMES = ("Maria Lopez-Núñez", "Carlos")


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("Call (727) 555-0142", "Call [PHONE]"),
        ("Call +1 727 555 0142 or 727.555.0143", "Call [PHONE] or [PHONE]"),
        ("at 555-0142", "at [PHONE]"),
        ("my SSN is 123-45-6789", "my SSN is [SSN]"),
        ("I owe $250,000 until 2041", "I owe $[NUMBER] until [NUMBER]"),
        ("about 300 a month", "about 300 a month"),
        ("account 1 2 3 4 5 6", "account [NUMBER]"),
        ("five five five one two one two", "[NUMBER]"),
        ("write to maria.l+x@mail.example.com.", "write to [EMAIL]."),
        ("maria (at) mail (dot) com", "[EMAIL]"),
        ("see https://x.example/a?b=1 and www.y.example", "see [LINK] and [LINK]"),
        ("zillow.com/homes/1", "[LINK]"),
        ("I live at 123 Palmetto Ave Apt 4, Tampa, FL 33602 now", "I live at [ADDRESS] now"),
        ("12 N Elm Street", "[ADDRESS]"),
        ("PO Box 77", "[ADDRESS]"),
        ("vivo en Calle Robles 45", "vivo en [ADDRESS]"),
        ("Hi Carlos, this is MARIA NUNEZ", "Hi [NAME], this is [NAME] [NAME]"),
        ("\u0661\u0662\u0663\u0664\u0665", "[NUMBER]"),
        ("72\u200b7-555-01\u200b42", "[PHONE]"),
    ],
)
def test_values_are_replaced_by_placeholders(text: str, masked: str) -> None:
    assert mask_for_model(text, NAMES) == masked


@given(st.text(max_size=6_000))
def test_the_result_is_short_and_has_no_long_number(text: str) -> None:
    masked = mask_for_model(text, NAMES)
    assert len(masked) <= MAX_MODEL_CHARACTERS
    digits = 0
    for character in masked:
        digits = digits + 1 if character.isdigit() and character.isascii() else 0
        assert digits < 4


def test_a_value_at_the_cut_is_not_cut_in_two() -> None:
    masked = mask_for_model("x" * (MAX_MODEL_CHARACTERS - 5) + " 727-555-0142 maria@mail.example", NAMES)
    assert not any(character.isdigit() for character in masked)
    assert masked.rstrip("x") in ("", " ")
