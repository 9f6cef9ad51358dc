"""Lines of an email with marks that say where each line comes from; and the reader of plain text."""

import re
from dataclasses import dataclass
from enum import StrEnum

from replies.text.folding import drop_invisible

MAX_TEXT_CHARACTERS = 100_000
"""Plain text beyond it is not read. An email of this length is no answer of a person."""
MAX_LINES = 5_000

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
    written = _LINE_END.split(drop_invisible(text[:MAX_TEXT_CHARACTERS]))
    lines = [_read_line(line) for line in written[:MAX_LINES]]
    return lines, len(text) > MAX_TEXT_CHARACTERS or len(written) > MAX_LINES


def _read_line(line: str) -> Line:
    prefix = _QUOTE_PREFIX.match(line)
    text = " ".join(line[prefix.end() :].split()) if prefix else " ".join(line.split())
    return Line(text, Mark.QUOTE if prefix else Mark.NEW)
