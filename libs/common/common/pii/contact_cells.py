"""Parser of cells that hold phones or emails: any number of values, with labels and remarks.

A remark that forbids applies to every value of its cell. One in parentheses right behind a value applies to that value only.
"""

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import NamedTuple

from common.compliance.remarks import EMPTY_REMARK, Remark, read_remark
from common.pii.contact_values import email_address, line_type, phone_number, plain_characters, plain_phone_number

_MAX_CELL_CHARACTERS = 1_000
_EXPONENT = re.compile(r"([0-9])(?:\.([0-9]+))?e\+?([0-9]{1,2})", re.IGNORECASE)
_ENUMERATION = re.compile(r"(?<![^\s])[0-9][.)](?=\s)")
_EXTENSION = re.compile(r"(?<=[0-9])[\s,;(]*(?:x|ext(?:ension|n)?\.?|#)[\s.:#]*[0-9]{1,6}\)?(?![0-9])", re.IGNORECASE)
_DIGIT_RUN = re.compile(r"\+?[0-9(][0-9() .\-/\t]*[0-9]|[0-9]")
_NUMBER = re.compile(
    r"(?:\+?1[ .\-/\t]{0,3})?(?:\([2-9][0-9]{2}\)|[2-9][0-9]{2})[ .\-/\t]{0,3}[2-9][0-9]{2}[ .\-/\t]{0,3}[0-9]{4}(?:\.0+(?![0-9]))?(?![0-9])"
)
_BETWEEN = re.compile(r"[() .\-/\t]*")
_REMARK_BEHIND = re.compile(r"\s*[(\[]([^()\[\]]*[A-Za-z][^()\[\]]*)[)\]]")
_WORD_SEPARATORS = re.compile(r"[\s<>,;|\[\]{}()\"]+")
_EMAIL_PARTS = re.compile(r"[/&]+")
_TRIM = ".,;:!?*'`/&-"
_EMAIL_START = re.compile(r"(?:^|[<:,;|\n\r\"(\[{]|\s-)\s*$")
_DISPLAY_NAME = re.compile(r"\"[^\"]*\"(?=\s*<)|[^<>,;|\n\"]*(?=<(?:\s|$))")
_MAILTO = re.compile(r"mailto:", re.IGNORECASE)
_QUERY = re.compile(r"\?[^\s<>]*")


class CellValue(NamedTuple):
    """Phone in E.164 or email in lower case, with what its cell says about it."""

    value: str
    line_type: str | None = None
    forbidden: bool = False


class ContactCell(NamedTuple):
    """Content of a cell."""

    values: tuple[CellValue, ...] = ()
    forbidden: bool = False
    """True: a remark forbids a value, possibly one that could not be read."""
    forbids_person: bool = False
    """True: a remark forbids contact with the person. In a cell without a value, it applies to all values of the record."""
    deceased: bool = False
    litigator: bool = False
    unread: bool = False
    """True: a part of the cell was not understood."""

    @property
    def has_more_than_values(self) -> bool:
        """Return whether the cell holds more than values."""
        return self.forbidden or self.deceased or self.litigator or self.unread


class _FoundNumber(NamedTuple):
    start: int
    end: int
    text: str


class _FoundAddresses(NamedTuple):
    start: int
    end: int
    addresses: list[str]


def read_phones(text: str) -> ContactCell:
    """Return the phones of a cell. The usual cell, one number and nothing else, takes a fast path."""
    value = plain_phone_number(text)
    return ContactCell((CellValue(value),)) if value else _read_cell(_read_phones, text)


def _read_cell(read: Callable[[str], ContactCell], text: str) -> ContactCell:
    """Return the content of a cell by *read*. Of a cell that is too long, only remarks are read."""
    return read(text) if len(text) <= _MAX_CELL_CHARACTERS else _build_cell([], read_remark(text), unread=True)


@lru_cache(maxsize=4_096)
def _read_phones(text: str) -> ContactCell:
    text = plain_characters(text).replace("\xa0", " ").strip()
    if not text:
        return ContactCell()
    if exponent := _EXPONENT.fullmatch(text):
        value = _phone_of_exponent(exponent)
        return ContactCell((CellValue(value),)) if value else ContactCell(unread=True)
    text = _EXTENSION.sub(" ", _ENUMERATION.sub(" ", text))
    numbers, has_other_digits = _find_numbers(text)
    if not numbers and (value := phone_number(text)):
        return _build_cell([(value, EMPTY_REMARK)], read_remark(text), unread=False)
    return _read_remarks_of_phones(text, numbers, unread=has_other_digits)


def _read_remarks_of_phones(text: str, numbers: list[_FoundNumber], *, unread: bool) -> ContactCell:
    values = []
    rest = _blank_out(text, [(number.start, number.end) for number in numbers])
    for number in numbers:
        remark = _REMARK_BEHIND.match(text, number.end)
        if remark:
            rest = _blank_out(rest, [remark.span()])
        value = phone_number(number.text)
        if value:
            values.append((value, read_remark(remark[1]) if remark else EMPTY_REMARK))
            continue
        unread = True
        if remark:
            rest += f" {remark[1]}"
    return _build_cell(values, read_remark(re.sub(r"[0-9]+", " ", rest)), unread=unread or not values)


def _phone_of_exponent(exponent: re.Match[str]) -> str | None:
    """Return the number that a spreadsheet's `5.125550142E+9` states to its last digit. None where digits are lost."""
    fraction, power = exponent[2] or "", int(exponent[3])
    return phone_number(exponent[1] + fraction) if len(fraction.rstrip("0")) <= power == len(fraction) else None


def _find_numbers(text: str) -> tuple[list[_FoundNumber], bool]:
    """Return the numbers in *text*, and whether it holds digits that belong to none of them."""
    numbers: list[_FoundNumber] = []
    has_other_digits = False
    for run in _DIGIT_RUN.finditer(text):
        numbers_of_run, end = _numbers_of_run(run)
        numbers += numbers_of_run
        has_other_digits = has_other_digits or any(character.isdigit() for character in text[end : run.end()])
    return numbers, has_other_digits


def _numbers_of_run(run: re.Match[str]) -> tuple[list[_FoundNumber], int]:
    """Return the numbers with which a run of digits and signs begins, and the position where they end.

    A run that begins otherwise holds none: the ten digits behind `+44` are a number of another country.
    """
    text, end = run.string, run.start()
    numbers: list[_FoundNumber] = []
    while number := _NUMBER.match(text, end):
        numbers.append(_FoundNumber(number.start(), number.end(), number[0]))
        between = _BETWEEN.match(text, number.end(), run.end())
        end = between.end() if between else number.end()
        if end < run.end() and text[end - 1] == "(":
            end -= 1
        if end >= run.end():
            break
    return numbers, max(end, numbers[-1].end) if numbers else run.start()


def _blank_out(text: str, spans: list[tuple[int, int]]) -> str:
    """Return *text* with blanks in place of *spans*, so that all other characters keep their position."""
    for start, end in spans:
        text = f"{text[:start]}{' ' * (end - start)}{text[end:]}"
    return text


def _build_cell(values_with_remarks: list[tuple[str, Remark]], rest: Remark, *, unread: bool) -> ContactCell:
    """Return the cell of values, each with its own remark, and of the remark *rest*, which applies to all values."""
    remarks = [rest, *(remark for _, remark in values_with_remarks)]
    label = line_type(rest.line_type) if len(values_with_remarks) == 1 else None
    values: dict[str, CellValue] = {}
    for value, remark in values_with_remarks:
        earlier = values.get(value)
        values[value] = CellValue(
            value,
            line_type(remark.line_type) or label or (earlier.line_type if earlier else None),
            rest.forbids or remark.forbids or bool(earlier and earlier.forbidden),
        )
    return ContactCell(
        tuple(values.values()),
        forbidden=any(remark.forbids for remark in remarks),
        forbids_person=any(remark.forbids_person for remark in remarks),
        deceased=any(remark.deceased for remark in remarks),
        litigator=any(remark.litigator for remark in remarks),
        unread=unread or any(remark.unread and not remark.forbids for remark in remarks),
    )


def read_emails(text: str) -> ContactCell:
    """Return the email addresses of a cell. The usual cell, one address and nothing else, takes a fast path."""
    value = email_address(text) if text.count("@") == 1 else None
    return ContactCell((CellValue(value),)) if value else _read_cell(_read_emails, text)


@lru_cache(maxsize=4_096)
def _read_emails(text: str) -> ContactCell:
    text = plain_characters(text).replace("\xa0", " ").strip()
    if not text:
        return ContactCell()
    text = _MAILTO.sub("<", text)
    words, has_other_words = _find_addresses(text)
    return _read_remarks_of_emails(text, words, unread=has_other_words)


def _find_addresses(text: str) -> tuple[list[_FoundAddresses], bool]:
    """Return the words of *text* that are addresses, and whether other words hold an `@`.

    The text before a word must be a separator or an understood remark. Otherwise it may be a part of the address.
    """
    found, has_other_words = [], False
    end = 0
    for start, stop, word in _words_with_at(text):
        addresses = _addresses_of_word(_QUERY.sub("", word))
        if addresses and (_EMAIL_START.search(text[end:start]) or not read_remark(text[end:start]).unread):
            found.append(_FoundAddresses(start, stop, addresses))
        else:
            has_other_words = True
        end = stop
    return found, has_other_words


def _read_remarks_of_emails(text: str, words: list[_FoundAddresses], *, unread: bool) -> ContactCell:
    values = []
    rest = _blank_out(text, [(word.start, word.end) for word in words])
    for word in words:
        remark = _REMARK_BEHIND.match(text, word.end)
        if remark:
            rest = _blank_out(rest, [remark.span()])
        values += [(address, read_remark(remark[1]) if remark else EMPTY_REMARK) for address in word.addresses]
    rest = _DISPLAY_NAME.sub(_keep_name_that_forbids, rest)
    return _build_cell(values, read_remark(rest), unread=unread or not values)


def _keep_name_that_forbids(name: re.Match[str]) -> str:
    """Return a display name before `<` if it holds a remark that forbids, else nothing."""
    return name[0] if read_remark(name[0]).forbids else ""


def _words_with_at(text: str) -> Iterator[tuple[int, int, str]]:
    start = 0
    for separator in [*_WORD_SEPARATORS.finditer(text), None]:
        stop = separator.start() if separator else len(text)
        if "@" in text[start:stop]:
            yield start, stop, text[start:stop]
        start = separator.end() if separator else stop


def _addresses_of_word(word: str) -> list[str]:
    """Return the address that *word* is, or the addresses that it joins by slashes. Empty if a part is not an address."""
    word = word.strip(_TRIM)
    if ":" in word:
        word = word.rpartition(":")[2]
    if whole := email_address(word):
        return [whole]
    parts = [email_address(part.strip(_TRIM)) for part in _EMAIL_PARTS.split(word)]
    return [part for part in parts if part] if all(parts) else []
