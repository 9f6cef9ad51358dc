"""Lines of an email with marks that say where each line comes from; and the reader of plain text."""

import re
from dataclasses import dataclass
from enum import StrEnum

from replies.text.folding import drop_invisible

MAX_TEXT_CHARACTERS = 100_000
"""Of longer plain text the beginning and the end are read. An email of this length is seldom an answer of a person."""
MAX_LINES = 5_000
_END_CHARACTERS = 10_000
_END_LINES = 500

_QUOTE_PREFIX = re.compile(r"^[ \t]{0,8}(?:>[ \t]?|\|[ \t])+")
_LINE_END = re.compile("\r\n|[\r\n\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")


class Mark(StrEnum):
    """Origin of a line, as the email's own marks state it."""

    NEW = "new"
    QUOTE = "quote"
    """Behind `>`, or in a block quote."""
    HEADER = "header"
    """Line that introduces a quote: `On … wrote:`, `From: …`. It belongs to no text."""
    SIGNATURE = "signature"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of text without its quote prefix."""

    text: str
    mark: Mark = Mark.NEW


def read_plain_text(text: str) -> tuple[list[Line], bool]:
    """Return the lines of *text* and whether it was too long to be read whole."""
    read = text
    if len(text) > MAX_TEXT_CHARACTERS:
        read = f"{text[: MAX_TEXT_CHARACTERS - _END_CHARACTERS]}\n{text[-_END_CHARACTERS:]}"
    written = _LINE_END.split(drop_invisible(read))
    is_long = len(written) > MAX_LINES
    if is_long:
        written = [*written[: MAX_LINES - _END_LINES], *written[-_END_LINES:]]
    return [_read_line(line) for line in written], len(text) > MAX_TEXT_CHARACTERS or is_long


def _read_line(line: str) -> Line:
    prefix = _QUOTE_PREFIX.match(line)
    text = " ".join(line[prefix.end() :].split()) if prefix else " ".join(line.split())
    return Line(text, Mark.QUOTE if prefix else Mark.NEW)
