"""Intents of a reply by rules alone, for replies that no model reads.

Rules decide only what has no costs when they are wrong: an opt-out, an absence, a wrong person, no interest. Everything else is
`other`, and a person of the broker reads it. Rules never say `interested`.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from replies.text.folding import fold
from replies.text.instructions import find_instructions
from replies.text.new_text import NewText
from replies.text.opt_out_words import find_opt_out
from replies.text.word_files import compile_patterns, read_word_file

_MAX_SUBJECT_CHARACTERS = 300
_MAX_COMMAND_WORDS = 2
_REPLY_MARKS = re.compile(r"^(?:\s*(?:re|aw|sv|rv|fw|fwd|wg|res|antw)(?:\[\d+\])?\s*:)+\s*", re.IGNORECASE)
"""Marks that mail programs put before the subject of the email that is answered."""
_MAX_READ_CHARACTERS = 5_000
_SETS = {"name": r"(?P<name>[a-z][a-z'-]+)"}


class RuleIntent(StrEnum):
    """Intents that rules decide; values as in the event `reply_classified`."""

    UNSUBSCRIBE = "unsubscribe"
    OUT_OF_OFFICE = "out_of_office"
    WRONG_PERSON = "wrong_person"
    NOT_INTERESTED = "not_interested"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class RuleDecision:
    """Decision of the rules about one reply."""

    intent: RuleIntent
    opt_out_codes: tuple[str, ...] = ()
    """Rules that found the opt-out, for the record; empty without one."""
    final: bool = False
    """Whether no model is asked: an opt-out, an automatic reply, or a text that gives instructions to a model."""
    instructions: tuple[str, ...] = ()
    """Kinds of instructions to a model that the text has."""


def decide_by_rules(new: NewText, subject: str = "", *, automatic: bool = False) -> RuleDecision:
    """Return the intent of *new*. *automatic* says that the vendor or a header marked the reply as an automatic one.

    An opt-out goes before everything else, also in an automatic reply.
    """
    if codes := _find_in_parts(new) or find_opt_out_in_subject(subject):
        return RuleDecision(RuleIntent.UNSUBSCRIBE, codes, final=True)
    instructions = tuple(sorted({kind for part in new.parts for kind in find_instructions(part)}))
    if automatic or is_automatic(new.text, subject):
        return RuleDecision(RuleIntent.OUT_OF_OFFICE, final=True, instructions=instructions)
    intent = _decide_intent(new.text)
    return RuleDecision(intent, final=bool(instructions), instructions=instructions)


def find_opt_out_in_subject(subject: str) -> tuple[str, ...]:
    """Return the codes of the rules by which the person's *subject* is an opt-out.

    A subject with a mark of a reply, such as "Re:", may be ours: it counts only if it is a short command. An automatic subject
    repeats ours too.
    """
    words = _load_words()
    short = subject[:_MAX_SUBJECT_CHARACTERS]
    own = _REPLY_MARKS.sub("", short)
    if _matches(fold(short), words.automatic_subjects) or (own != short and len(own.split()) > _MAX_COMMAND_WORDS):
        return ()
    return find_opt_out(own)


def is_automatic(text: str, subject: str = "") -> bool:
    """Return whether a mail program wrote the reply, by its subject and new text."""
    words = _load_words()
    folded_subject = fold(subject[:_MAX_SUBJECT_CHARACTERS])
    return _matches(folded_subject, words.automatic_subjects) or _matches(
        _flatten(text), words.intents[RuleIntent.OUT_OF_OFFICE]
    )


def _find_in_parts(new: NewText) -> tuple[str, ...]:
    return tuple(sorted({code for part in new.parts for code in find_opt_out(part)}))


def _decide_intent(text: str) -> RuleIntent:
    words = _load_words()
    flat = _flatten(text)
    for intent in (RuleIntent.WRONG_PERSON, RuleIntent.NOT_INTERESTED):
        if _matches(flat, words.intents[intent], words.no_names):
            return intent
    return RuleIntent.OTHER


@dataclass(frozen=True, slots=True)
class _IntentWords:
    automatic_subjects: Sequence[re.Pattern[str]]
    intents: Mapping[RuleIntent, Sequence[re.Pattern[str]]]
    no_names: frozenset[str]


@cache
def _load_words() -> _IntentWords:
    file = read_word_file("intent_words.yaml")
    decided = (RuleIntent.OUT_OF_OFFICE, RuleIntent.WRONG_PERSON, RuleIntent.NOT_INTERESTED)
    return _IntentWords(
        compile_patterns(file["automatic_subjects"]),
        {intent: compile_patterns(file[intent.value], _SETS) for intent in decided},
        frozenset(file["no_names"].split()),
    )


def _matches(text: str, patterns: Iterable[re.Pattern[str]], no_names: Collection[str] = ()) -> bool:
    """Return whether a pattern is found whose name, if it has one, is none of *no_names*."""
    found = (match for pattern in patterns for match in pattern.finditer(text))
    return any(match.groupdict().get("name") not in no_names for match in found)


def _flatten(text: str) -> str:
    return " ".join(fold(text[:_MAX_READ_CHARACTERS]).split())
