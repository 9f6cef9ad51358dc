"""Chance that is none: the same words give the same number, whatever process asks."""

from collections.abc import Sequence
from hashlib import blake2b
from typing import TypeVar

T = TypeVar("T")


def draw(*words: str) -> int:
    """A whole number below 2**64, always the same for these words."""
    return int.from_bytes(blake2b("\x1f".join(words).encode(), digest_size=8).digest())


def share(*words: str) -> float:
    """A number from 0 up to 1, always the same for these words."""
    return draw(*words) / 2**64


def pick(options: Sequence[T], *words: str) -> T:
    """One of *options*, always the same for these words."""
    return options[draw(*words) % len(options)]


def weighted(options: Sequence[tuple[float, T]], *words: str) -> T:
    """One of *options* by weight; the weights add up to 1."""
    at = share(*words)
    for weight, option in options:
        at -= weight
        if at < 0:
            return option
    return options[-1][1]
