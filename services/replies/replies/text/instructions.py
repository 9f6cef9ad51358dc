"""Texts that give instructions to a model. The rules decide about them, and no model reads them.

The list is a filter and no proof: a model's output can never grant anything, whatever a text makes it say.
"""

import re
from collections.abc import Mapping, Sequence
from functools import cache

from replies.text.folding import fold
from replies.text.word_files import compile_patterns, read_word_file

_MAX_READ_CHARACTERS = 20_000
_BLANKS = re.compile(r"[ \t]+")


def find_instructions(text: str) -> tuple[str, ...]:
    """Return the kinds of instructions to a model in *text*: `marker`, `output`, `override`, `role`; empty without any."""
    folded = _BLANKS.sub(" ", fold(text[:_MAX_READ_CHARACTERS]))
    return tuple(
        sorted(kind for kind, patterns in _load_kinds().items() if any(one.search(folded) for one in patterns))
    )


@cache
def _load_kinds() -> Mapping[str, Sequence[re.Pattern[str]]]:
    return {kind: compile_patterns(patterns) for kind, patterns in read_word_file("instruction_words.yaml").items()}
