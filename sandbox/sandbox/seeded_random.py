"""Repeatable random values: the same words give the same value in every process."""

from collections.abc import Sequence
from hashlib import blake2b
from typing import TypeVar

T = TypeVar("T")


def random_integer(*words: str) -> int:
    """Return a whole number from 0 to 2**64 - 1 that depends on the words only."""
    return int.from_bytes(blake2b("\x1f".join(words).encode(), digest_size=8).digest())


def random_fraction(*words: str) -> float:
    """Return a number from 0 (included) to 1 (excluded) that depends on the words only."""
    return random_integer(*words) / 2**64


def random_choice(options: Sequence[T], *words: str) -> T:
    """Return one of *options*; the choice depends on the words only."""
    return options[random_integer(*words) % len(options)]


def weighted_choice(options: Sequence[tuple[float, T]], *words: str) -> T:
    """Return one of *options*, which are pairs of a weight and a value. The weights add up to 1."""
    remaining = random_fraction(*words)
    for weight, option in options:
        remaining -= weight
        if remaining < 0:
            return option
    return options[-1][1]
