"""Numbers written in words: `FORTY SECOND` is the 42nd."""

from collections.abc import Sequence
from typing import NamedTuple

_ONES = dict(zip("ONE TWO THREE FOUR FIVE SIX SEVEN EIGHT NINE".split(), range(1, 10), strict=True))  # noqa: SIM905
_TEENS = dict(
    zip(
        "TEN ELEVEN TWELVE THIRTEEN FOURTEEN FIFTEEN SIXTEEN SEVENTEEN EIGHTEEN NINETEEN".split(),  # noqa: SIM905
        range(10, 20),
        strict=True,
    )
)
_TENS = dict(zip("TWENTY THIRTY FORTY FIFTY SIXTY SEVENTY EIGHTY NINETY".split(), range(20, 100, 10), strict=True))  # noqa: SIM905
_IRREGULAR = {
    "ONE": "FIRST", "TWO": "SECOND", "THREE": "THIRD", "FIVE": "FIFTH", "EIGHT": "EIGHTH", "NINE": "NINTH",
    "TWELVE": "TWELFTH",
}  # fmt: skip


def _ordinal_word(word: str) -> str:
    return _IRREGULAR.get(word) or (f"{word[:-1]}IETH" if word.endswith("Y") else f"{word}TH")


_ORDINALS = {_ordinal_word(word): value for word, value in (_ONES | _TEENS | _TENS).items()}
NUMBER_WORDS = frozenset({*_ONES, *_TEENS, *_TENS, *_ORDINALS, "HUNDREDTH"})
"""Every word that begins a number."""


class Numeral(NamedTuple):
    """A number read from words: its value, whether it is an ordinal, and how many words it takes."""

    value: int
    is_ordinal: bool
    words: int


def read_numeral(words: Sequence[str]) -> Numeral | None:
    """Return the number, below 1,000, at the beginning of *words*: as many of them as belong to one number."""
    if len(words) > 1 and words[0] in _ONES and words[1] in {"HUNDRED", "HUNDREDTH"}:
        hundreds = _ONES[words[0]] * 100
        if words[1] == "HUNDREDTH":
            return Numeral(hundreds, True, 2)
        skipped = 3 if words[2:3] == ["AND"] else 2
        rest = _below_hundred(words[skipped:])
        if rest is None:
            return Numeral(hundreds, False, 2)
        return Numeral(hundreds + rest.value, rest.is_ordinal, skipped + rest.words)
    return _below_hundred(words)


def _below_hundred(words: Sequence[str]) -> Numeral | None:
    if not words:
        return None
    first, second = words[0], words[1] if len(words) > 1 else ""
    if first in _ORDINALS:
        return Numeral(_ORDINALS[first], True, 1)
    if first in _TENS:
        if second in _ONES:
            return Numeral(_TENS[first] + _ONES[second], False, 2)
        if 0 < _ORDINALS.get(second, 0) < 10:  # noqa: PLR2004 - the ones
            return Numeral(_TENS[first] + _ORDINALS[second], True, 2)
        return Numeral(_TENS[first], False, 1)
    value = _ONES.get(first) or _TEENS.get(first)
    return Numeral(value, False, 1) if value else None


def format_ordinal(value: int) -> str:
    """Return *value* as a numbered street has it: `42ND`."""
    teens = 10 <= value % 100 < 20  # noqa: PLR2004
    return f"{value}{'TH' if teens else {1: 'ST', 2: 'ND', 3: 'RD'}.get(value % 10, 'TH')}"
