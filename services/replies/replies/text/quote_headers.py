"""Lines that introduce a quote, as mail programs write them in English and Spanish."""

import re
from collections.abc import Sequence
from dataclasses import replace

from replies.text.folding import fold
from replies.text.lines import Line, Mark

_MAX_HEADER_CHARACTERS = 400
_MAX_WRAPPED_LINES = 3
_MAX_HEADER_LINES = 8

_WROTE = r"(?:wrote|escribio|ha escrito|escribio lo siguiente)"
_BEGIN = r"(?:-{2,} ?)?(?:on|el|en fecha|a las)\b"
_ATTRIBUTION = re.compile(rf"{_BEGIN}[^\n]*?(?:\d|@)[^\n]*?\b{_WROTE} ?(?:\.\.\.|:|-{{2,}})+(?= |$)")
_ATTRIBUTION_START = re.compile(rf"{_BEGIN}[^\n]*\d")
_ATTRIBUTION_OF_ONE_LINE = re.compile(
    rf"[^\n<>]{{0,80}}<[^<>\s]+@[^<>\s]+>[^\n]{{0,60}}\b{_WROTE} ?:$"
    r"|\d{4}[-/]\d\d?[-/]\d\d?[^\n]{0,60}<[^<>\s]+@[^<>\s]+>:?$"
    r"|[^\n:]{1,60} (?:wrote|escribio) (?:on|el|the following on)\b[^\n]*\d[^\n]*:$"
)
_SEPARATOR = re.compile(
    r"[-_*=> ]{2,}(?:original message|original email|mensaje original|correo original|forwarded message|mensaje reenviado"
    r"|mensaje respondido|reply message|replied message|original appointment)[-_*=< ]{2,}.{0,80}$"
    r"|(?:begin forwarded message|inicio del mensaje reenviado) ?:$"
)
_FIELD = re.compile(
    r"[*_ ]{0,3}(from|de|sent|date|enviado el|enviado|enviada el|fecha|to|para|subject|asunto|cc|bcc|cco|reply-to"
    r"|responder a|importance|importancia)[*_ ]{0,3}:"
)
_FIELDS_IN_ONE_LINE = re.compile(
    r"[*_ ]{0,3}(?:from|de)[*_ ]{0,3}: ?.{1,150}? (?:sent|date|enviado(?: el)?|fecha|to|para)[*_ ]{0,3}: ?.{1,150}?"
    r" (?:subject|asunto)[*_ ]{0,3}:"
)
_SENDER_FIELDS = ("from", "de")
_RULE = re.compile(r"[_\-=*]{5,}$")


def mark_headers(lines: Sequence[Line]) -> list[Line]:
    """Return *lines* with Mark.HEADER on those that introduce a quote. Text behind a header on its line stays, on its own."""
    folded = [fold(line.text[:_MAX_HEADER_CHARACTERS]) for line in lines]
    marked: list[Line] = []
    number = 0
    while number < len(lines):
        length, rest = _measure_header(lines, folded, number)
        marked += [replace(line, mark=Mark.HEADER) for line in lines[number : number + length]]
        if rest:
            marked.append(Line(rest, lines[number].mark))
        marked += lines[number : number + 1] if not length else []
        number += max(length, 1)
    return marked


def _measure_header(lines: Sequence[Line], folded: Sequence[str], number: int) -> tuple[int, str]:
    """Return the number of lines of the header that begins at *number*, 0 without one, and the text behind it."""
    text = folded[number]
    if not text:
        return 0, ""
    if _SEPARATOR.match(text):
        return 1, ""
    if _RULE.match(text):
        follows = _next_written(folded, number + 1)
        fields = _count_fields(folded, follows)
        return (follows - number + fields, "") if fields else (0, "")
    if _FIELDS_IN_ONE_LINE.match(text):
        return 1, ""
    return _measure_attribution(lines, folded, number) or (_count_fields(folded, number), "")


def _measure_attribution(lines: Sequence[Line], folded: Sequence[str], number: int) -> tuple[int, str] | None:
    if _ATTRIBUTION_OF_ONE_LINE.match(folded[number]):
        return 1, ""
    for length in range(1, _MAX_WRAPPED_LINES + 1):
        wrapped = folded[number : number + length]
        if len(wrapped) < length or not wrapped[-1]:
            return None
        if length > 1 and _begins_attribution(wrapped[0], wrapped[-1]):
            return None
        joined = " ".join(wrapped)[:_MAX_HEADER_CHARACTERS]
        if match := _ATTRIBUTION.match(joined):
            return length, _find_ending(lines[number + length - 1].text, joined[match.end() :])
    return None


def _begins_attribution(first: str, later: str) -> bool:
    """Return whether *later* begins an attribution, and does not continue one that *first* begins."""
    dated = bool(_ATTRIBUTION_START.match(first))
    return bool(_ATTRIBUTION_START.match(later) or (not dated and _ATTRIBUTION_OF_ONE_LINE.match(later)))


def _find_ending(text: str, folded_ending: str) -> str:
    """Return the end of *text* that *folded_ending* begins; folding keeps the number of words of the text it has seen."""
    seen = len(text[:_MAX_HEADER_CHARACTERS].split())
    return " ".join(text.split()[seen - len(folded_ending.split()) :]) if folded_ending.strip() else ""


def _count_fields(folded: Sequence[str], number: int) -> int:
    """Return the number of lines of a block `From: … Sent: … To: … Subject: …` that begins at *number*."""
    first = _FIELD.match(folded[number]) if number < len(folded) else None
    if not first or first.group(1) not in _SENDER_FIELDS:
        return 0
    names = {first.group(1)}
    length = 1
    for offset, text in enumerate(folded[number + 1 : number + _MAX_HEADER_LINES], 1):
        if field := _FIELD.match(text):
            names.add(field.group(1))
            length = offset + 1
        elif not text and len(names) > 1:
            break
    return length if len(names) > 1 else 0


def _next_written(folded: Sequence[str], number: int) -> int:
    while number < len(folded) and not folded[number]:
        number += 1
    return number
