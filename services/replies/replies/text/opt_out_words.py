"""Opt-outs in the new text of a reply, by words in English and Spanish. In doubt, a reply is an opt-out.

47 CFR 64.1200(a)(10) names "stop", "quit", "end", "revoke", "opt out", "cancel" and "unsubscribe" as words that always revoke
consent, and asks that any other reasonable wording is honoured. `opt_out_words.yaml` lists the words; they are read in three steps:

1. Harmless uses of a word are removed: "stop by any time", "cancel my HELOC", "do not call before 5pm".
2. A sentence of one command and courtesies is an opt-out: "STOP!!!", "pls cancel", "baja por favor".
3. A phrase that asks for an end of contact is an opt-out anywhere: "take me off your list", "no me contacten".
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from replies.text.folding import fold
from replies.text.word_files import compile_patterns, insert_sets, read_word_file

MAX_READ_CHARACTERS = 20_000
"""Characters of the new text in which opt-outs are looked for: of a longer one the beginning and the end."""
_END_CHARACTERS = 5_000

_SENTENCE_END = re.compile(r"[.!?;:,\n]+|\s[-\u2013\u2014]+\s")
_SPACED_LETTERS = re.compile(r"\b(?:[a-z0-9][ .*_-]{1,2}){2,14}[a-z0-9]\b")
_REPEATED_LETTER = re.compile(r"([a-z])\1{2,}")
_NO_WORD = re.compile(r"[^a-z0-9' -]+")
_NO_LETTER_OR_STOP = re.compile(r"[^a-z0-9'.!?;:,\n-]+")
_LONG_WORD = re.compile(r"[a-z-]{8,20}")
_MAX_COMMAND_WORDS = 3
_MAX_SENTENCE_WORDS = 12
_MAX_MISTAKES = 2


@dataclass(frozen=True, slots=True)
class OptOutWords:
    """The file of words, compiled."""

    harmless: Sequence[re.Pattern[str]]
    phrases: Mapping[str, Sequence[re.Pattern[str]]]
    """Patterns by the code of their rule."""
    commands: Mapping[str, str]
    """Codes by command."""
    courtesies: frozenset[str]
    near_spellings: Mapping[str, Sequence[str]]
    """Correctly spelled words by code."""


@cache
def load_opt_out_words() -> OptOutWords:
    """Return the words of `opt_out_words.yaml`. Raises re.error or KeyError for a pattern that cannot be read."""
    file = read_word_file("opt_out_words.yaml")
    sets: dict[str, str] = {}
    for name, words in file["sets"].items():
        sets[name] = f"(?:{insert_sets(re.sub(r' *[|] *', '|', words), sets)})"
    return OptOutWords(
        harmless=_compile(file["harmless"], sets),
        phrases={code: _compile(patterns, sets) for code, patterns in file["phrases"].items()},
        commands={command: code for code, commands in file["commands"].items() for command in commands},
        courtesies=frozenset(file["courtesies"].split()),
        near_spellings=file["near_spellings"],
    )


def find_opt_out(text: str) -> tuple[str, ...]:
    """Return the codes of the rules by which *text* is an opt-out, in a stable order; empty if it is none.

    Codes are keys of `opt_out_words.yaml` such as `stop` or `take_me_off`, never words of the person.
    """
    words = load_opt_out_words()
    readable = _prepare(_select_read(text))
    for harmless in words.harmless:
        readable = harmless.sub(" _ ", readable)
    flat = " ".join(readable.split())
    codes = {code for code, patterns in words.phrases.items() if any(one.search(flat) for one in patterns)}
    codes.update(code for sentence in _SENTENCE_END.split(readable) for code in _read_command(sentence, words))
    codes.update(code for word in set(_LONG_WORD.findall(flat)) for code in _read_near_spelling(word, words))
    return tuple(sorted(codes))


def _compile(patterns: Iterable[str], sets: Mapping[str, str]) -> list[re.Pattern[str]]:
    """Return *patterns* that match whole words only."""
    return compile_patterns([rf"(?<![a-z0-9'])(?:{pattern})(?![a-z0-9])" for pattern in patterns], sets)


def _select_read(text: str) -> str:
    """Return *text*, of a very long one the beginning and the end: there people write their wishes."""
    if len(text) <= MAX_READ_CHARACTERS:
        return text
    return f"{text[: MAX_READ_CHARACTERS - _END_CHARACTERS]}\n.\n{text[-_END_CHARACTERS:]}"


def _prepare(text: str) -> str:
    """Return folded *text* with single spaces: spaced letters are joined and letters repeat at most twice."""
    joined = _SPACED_LETTERS.sub(lambda spaced: re.sub(r"[ .*_-]", "", spaced.group()), fold(text))
    return _NO_LETTER_OR_STOP.sub(" ", _REPEATED_LETTER.sub(r"\1", joined))


def _read_command(sentence: str, words: OptOutWords) -> Iterator[str]:
    written = _NO_WORD.sub(" ", sentence).split()
    if len(written) > _MAX_SENTENCE_WORDS:
        return
    asked = dict.fromkeys(word for word in written if word not in words.courtesies)
    if len(asked) <= _MAX_COMMAND_WORDS and (code := words.commands.get(" ".join(asked))):
        yield code


def _read_near_spelling(word: str, words: OptOutWords) -> Iterator[str]:
    for code, spellings in words.near_spellings.items():
        if any(_count_mistakes(word.replace("-", ""), right) <= _MAX_MISTAKES for right in spellings):
            yield code


def _count_mistakes(word: str, right: str) -> int:
    """Return the insertions, deletions, replacements and swaps of letters between *word* and *right*."""
    if abs(len(word) - len(right)) > _MAX_MISTAKES:
        return _MAX_MISTAKES + 1
    before: list[int] = []
    row = list(range(len(right) + 1))
    for number, letter in enumerate(word, 1):
        following = [number]
        for place, other in enumerate(right, 1):
            cost = min(row[place] + 1, following[place - 1] + 1, row[place - 1] + (letter != other))
            if number > 1 and place > 1 and letter == right[place - 2] and word[number - 2] == other:
                cost = min(cost, before[place - 2] + 1)
            following.append(cost)
        before, row = row, following
    return row[-1]
