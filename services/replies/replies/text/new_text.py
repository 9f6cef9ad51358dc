"""New text of a reply: without quotes, signatures and our own sentences.

An opt-out must survive the cleaning. So text between quoted lines and below a quote stays, a line that asks for an opt-out is
no signature, and of an unmarked quote of our email all words stay that are not ours.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from replies.text.html_reader import read_html
from replies.text.lines import Line, Mark, read_plain_text
from replies.text.own_sentences import OwnSentences
from replies.text.quote_headers import mark_headers
from replies.text.signatures import is_command, remove_signatures


@dataclass(frozen=True, slots=True)
class NewText:
    """Words that the person wrote in this reply. Never logged: it is personal data."""

    text: str
    """New text of the plain part, of the HTML part where the plain one has none. Lines are separated by `\\n`."""
    other: str = ""
    """New text of the HTML part where it differs from *text* in its words. Opt-outs count in both."""
    truncated: bool = False
    """Whether a part was too long to be read whole."""

    @property
    def parts(self) -> tuple[str, ...]:
        """Return the texts that have words."""
        return tuple(part for part in (self.text, self.other) if part)


def extract_new_text(text: str | None, html: str | None, own: OwnSentences) -> NewText:
    """Return what the person wrote now in a reply with the parts *text* and *html*; either may be missing."""
    plain_lines, plain_cut = read_plain_text(text or "")
    html_lines, html_cut = read_html(html) if html and html.strip() else ([], False)
    plain = _clean(plain_lines, own)
    rich = _clean(html_lines, own)
    differs = bool(plain) and plain.split() != rich.split()
    return NewText(plain or rich, rich if differs else "", plain_cut or html_cut)


def _clean(lines: Sequence[Line], own: OwnSentences) -> str:
    marked = mark_headers(lines)
    left, had_own = own.remove_from(marked)
    new = list(_select_new(left, had_own))
    cleaned = [line for stretch in _split_stretches(new) for line in remove_signatures(stretch)]
    return _join(cleaned)


def _select_new(lines: Sequence[Line], had_own: Sequence[bool]) -> Iterator[Line]:
    """Yield the new lines, and one blank line with Mark.HEADER where a quote stood."""
    number = 0
    quotes = 0
    while number < len(lines):
        line = lines[number]
        if line.mark is Mark.HEADER:
            yield Line("", Mark.HEADER)
            number = start = _find_end(lines, had_own, number)
            if start < len(lines) and lines[start].mark is not Mark.QUOTE:
                number = _find_next_header(lines, start)
                quotes += 1
                if quotes == 1 and any(had_own[start:number]):
                    yield from (one for one in lines[start:number] if one.mark is Mark.NEW)
            continue
        if line.mark is Mark.NEW or (line.mark is Mark.SIGNATURE and is_command(line.text)):
            yield line
        elif line.mark is Mark.QUOTE:
            yield Line("", Mark.HEADER)
        number += 1


def _find_end(lines: Sequence[Line], had_own: Sequence[bool], number: int) -> int:
    """Return the number of the first written line behind a header. Blank lines do not end it."""
    while number < len(lines) and (lines[number].mark is Mark.HEADER or not (lines[number].text or had_own[number])):
        number += 1
    return number


def _find_next_header(lines: Sequence[Line], number: int) -> int:
    while number < len(lines) and lines[number].mark is not Mark.HEADER:
        number += 1
    return number


def _split_stretches(lines: Sequence[Line]) -> Iterator[list[str]]:
    for mark, stretch in groupby(lines, key=lambda line: line.mark is Mark.HEADER):
        if not mark:
            yield [line.text for line in stretch]


def _join(lines: Sequence[str]) -> str:
    """Return *lines* without blank lines at the ends and without repeated ones."""
    kept: list[str] = []
    for line in lines:
        if line or (kept and kept[-1]):
            kept.append(line)
    return "\n".join(kept).strip()
