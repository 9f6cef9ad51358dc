"""Chance that is none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.chance import draw, pick, share, weighted


@given(st.lists(st.text()))
def test_the_same_words_draw_the_same_number(words: list[str]) -> None:
    assert draw(*words) == draw(*words) < 2**64
    assert 0 <= share(*words) < 1


def test_words_are_kept_apart() -> None:
    assert draw("ab", "c") != draw("a", "bc")


def test_weights_are_kept() -> None:
    drawn = [weighted(((0.9, "often"), (0.1, "seldom")), str(number)) for number in range(2_000)]
    assert drawn.count("seldom") / 2_000 == pytest.approx(0.1, abs=0.03)


def test_every_option_can_be_picked() -> None:
    assert {pick("abc", str(number)) for number in range(100)} == set("abc")
