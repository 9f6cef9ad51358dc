"""Cells that hold phones or emails: any number of them, with labels and remarks, read to the values that are there.

A remark that forbids applies to every value of its cell, unless it stands in parentheses right behind one of them.
"""

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import NamedTuple

from common.contact_values import email_address, line_type, phone_number, plain, usual_phone
from common.remarks import SILENT, Remark, read_remark

_LONGEST_CELL = 1_000
_EXPONENT = re.compile(r"([0-9])(?:\.([0-9]+))?e\+?([0-9]{1,2})", re.IGNORECASE)
_ENUMERATION = re.compile(r"(?<![^\s])[0-9][.)](?=\s)")
_EXTENSION = re.compile(r"(?<=[0-9])[\s,;(]*(?:x|ext(?:ension|n)?\.?|#)[\s.:#]*[0-9]{1,6}\)?(?![0-9])", re.IGNORECASE)
_DIGITS = re.compile(r"\+?[0-9(][0-9() .\-/\t]*[0-9]|[0-9]")
_NUMBER = re.compile(
    r"(?:\+?1[ .\-/\t]{0,3})?(?:\([2-9][0-9]{2}\)|[2-9][0-9]{2})[ .\-/\t]{0,3}[2-9][0-9]{2}[ .\-/\t]{0,3}[0-9]{4}(?:\.0+(?![0-9]))?(?![0-9])"
)
_BETWEEN = re.compile(r"[() .\-/\t]*")
_REMARK_BEHIND = re.compile(r"\s*[(\[]([^()\[\]]*[A-Za-z][^()\[\]]*)[)\]]")
_WORD_SEPARATORS = re.compile(r"[\s<>,;|\[\]{}()\"]+")
_EMAIL_PARTS = re.compile(r"[/&]+")
_TRIM = ".,;:!?*'`/&-"
_BEFORE_AN_EMAIL = re.compile(r"(?:^|[<:,;|\n\r\"(\[{]|\s-)\s*$")
_DISPLAY_NAME = re.compile(r"\"[^\"]*\"(?=\s*<)|[^<>,;|\n\"]*(?=<(?:\s|$))")
_MAILTO = re.compile(r"mailto:", re.IGNORECASE)
_QUERY = re.compile(r"\?[^\s<>]*")


class CellValue(NamedTuple):
    """A phone in E.164 or an email in lower case, as its cell has it."""

    value: str
    line_type: str | None = None
    forbidden: bool = False


class Cell(NamedTuple):
    """What a cell holds."""

    values: tuple[CellValue, ...] = ()
    forbidden: bool = False
    """A remark in it forbids a value, be it one that could not be read."""
    refuses: bool = False
    """A remark in it is about the person: without a value in the cell it is about all others of the record."""
    deceased: bool = False
    litigator: bool = False
    unread: bool = False
    """Something in it was not understood."""

    @property
    def said_more(self) -> bool:
        """Whether there is more to it than its values."""
        return self.forbidden or self.deceased or self.litigator or self.unread


def read_phones(text: str) -> Cell:
    """The phones of a cell. The usual cell, one number and nothing else, takes a fast path."""
    value = usual_phone(text)
    return Cell((CellValue(value),)) if value else _read_cell(_read_phones, text)


def _read_cell(read: Callable[[str], Cell], text: str) -> Cell:
    """What *read* finds in a cell; of one that is too long nothing but its remarks."""
    return read(text) if len(text) <= _LONGEST_CELL else _cell([], read_remark(text), unread=True)


@lru_cache(maxsize=4_096)
def _read_phones(text: str) -> Cell:
    text = plain(text).replace("\xa0", " ").strip()
    if not text:
        return Cell()
    if exponent := _EXPONENT.fullmatch(text):
        value = _of_exponent(exponent)
        return Cell((CellValue(value),)) if value else Cell(unread=True)
    text = _EXTENSION.sub(" ", _ENUMERATION.sub(" ", text))
    found, places, leftover = [], [], False
    for run in _DIGITS.finditer(text):
        numbers, end = _numbers_of(run)
        leftover = leftover or any(sign.isdigit() for sign in text[end : run.end()])
        places += numbers
    if not places and (value := phone_number(text)):
        return _cell([(value, SILENT)], read_remark(text), unread=False)
    around = _without(text, [(start, end) for start, end, _ in places])
    for _, end, number in places:
        behind = _REMARK_BEHIND.match(text, end)
        if behind:
            around = _without(around, [behind.span()])
        value = phone_number(number)
        leftover = leftover or value is None
        if value:
            found.append((value, read_remark(behind[1]) if behind else SILENT))
        elif behind:
            around += f" {behind[1]}"
    return _cell(found, read_remark(re.sub(r"[0-9]+", " ", around)), unread=leftover or not found)


def _of_exponent(found: re.Match[str]) -> str | None:
    """The number that a spreadsheet's `5.125550142E+9` states to its last digit; None where digits are lost."""
    fraction, power = found[2] or "", int(found[3])
    return phone_number(found[1] + fraction) if len(fraction.rstrip("0")) <= power == len(fraction) else None


def _numbers_of(run: re.Match[str]) -> tuple[list[tuple[int, int, str]], int]:
    """The numbers with which a run of digits and signs begins, with their places, and where they end.

    A run that begins otherwise holds none: the ten digits behind `+44` are another country's.
    """
    text, found, end = run.string, [], run.start()
    while number := _NUMBER.match(text, end):
        found.append((number.start(), number.end(), number[0]))
        between = _BETWEEN.match(text, number.end(), run.end())
        end = between.end() if between else number.end()
        if end < run.end() and text[end - 1] == "(":
            end -= 1
        if end >= run.end():
            break
    return found, max(end, found[-1][1]) if found else run.start()


def _without(text: str, spans: list[tuple[int, int]]) -> str:
    """*text* with blanks in place of *spans*: all else keeps its place."""
    for start, end in spans:
        text = f"{text[:start]}{' ' * (end - start)}{text[end:]}"
    return text


def _cell(found: list[tuple[str, Remark]], around: Remark, *, unread: bool) -> Cell:
    remarks = [around, *(remark for _, remark in found)]
    label = line_type(around.line_type) if len(found) == 1 else None
    values: dict[str, CellValue] = {}
    for value, remark in found:
        known = values.get(value)
        values[value] = CellValue(
            value,
            line_type(remark.line_type) or label or (known.line_type if known else None),
            around.forbids or remark.forbids or bool(known and known.forbidden),
        )
    return Cell(
        tuple(values.values()),
        forbidden=any(remark.forbids for remark in remarks),
        refuses=any(remark.refuses for remark in remarks),
        deceased=any(remark.deceased for remark in remarks),
        litigator=any(remark.litigator for remark in remarks),
        unread=unread or any(remark.unread and not remark.forbids for remark in remarks),
    )


def read_emails(text: str) -> Cell:
    """The email addresses of a cell. The usual cell, one address and nothing else, takes a fast path."""
    value = email_address(text) if text.count("@") == 1 else None
    return Cell((CellValue(value),)) if value else _read_cell(_read_emails, text)


@lru_cache(maxsize=4_096)
def _read_emails(text: str) -> Cell:
    text = plain(text).replace("\xa0", " ").strip()
    if not text:
        return Cell()
    text = _MAILTO.sub("<", text)
    places, unread = [], False
    end = 0
    for start, stop, word in _words_with_at(text):
        addresses = _addresses(_QUERY.sub("", word))
        if addresses and (_BEFORE_AN_EMAIL.search(text[end:start]) or not read_remark(text[end:start]).unread):
            places.append((start, stop, addresses))
        else:
            unread = True
        end = stop
    around, found = _without(text, [(start, stop) for start, stop, _ in places]), []
    for _, stop, addresses in places:
        behind = _REMARK_BEHIND.match(text, stop)
        if behind:
            around = _without(around, [behind.span()])
        found += [(address, read_remark(behind[1]) if behind else SILENT) for address in addresses]
    names = _DISPLAY_NAME.sub(_only_if_it_forbids, around)
    return _cell(found, read_remark(names), unread=unread or not found)


def _only_if_it_forbids(name: re.Match[str]) -> str:
    """A display name before `<`: nothing, unless it holds a remark."""
    return name[0] if read_remark(name[0]).forbids else ""


def _words_with_at(text: str) -> Iterator[tuple[int, int, str]]:
    start = 0
    for separator in [*_WORD_SEPARATORS.finditer(text), None]:
        stop = separator.start() if separator else len(text)
        if "@" in text[start:stop]:
            yield start, stop, text[start:stop]
        start = separator.end() if separator else stop


def _addresses(word: str) -> list[str]:
    """The address that *word* is, or the addresses that it joins by slashes; none where any part is none."""
    word = word.strip(_TRIM)
    if ":" in word:
        word = word.rpartition(":")[2]
    if whole := email_address(word):
        return [whole]
    parts = [email_address(part.strip(_TRIM)) for part in _EMAIL_PARTS.split(word)]
    return [part for part in parts if part] if all(parts) else []
