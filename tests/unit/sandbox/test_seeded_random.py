"""Repeatable random values."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.seeded_random import random_choice, random_fraction, random_integer, weighted_choice


@given(st.lists(st.text()))
def test_the_same_words_give_the_same_number(words: list[str]) -> None:
    assert random_integer(*words) == random_integer(*words) < 2**64
    assert 0 <= random_fraction(*words) < 1


def test_the_boundary_between_words_matters() -> None:
    assert random_integer("ab", "c") != random_integer("a", "bc")


def test_options_are_chosen_by_their_weight() -> None:
    drawn = [weighted_choice(((0.9, "frequent"), (0.1, "rare")), str(number)) for number in range(2_000)]
    assert drawn.count("rare") / 2_000 == pytest.approx(0.1, abs=0.03)


def test_every_option_can_be_chosen() -> None:
    assert {random_choice("abc", str(number)) for number in range(100)} == set("abc")
