"""Normal form of phones and emails, in which they are hashed, for every source."""

import re
from functools import lru_cache
from typing import NamedTuple

import phonenumbers
from email_validator import EmailNotValidError, validate_email

from common.vendors.text import has_markup

_PUNCTUATION = str.maketrans("", "", " ()-./\t\xa0")
_NANP = re.compile(r"(?:\+?1)?([2-9][0-9]{5})([0-9]{4})")
_WHOLE_FLOAT = re.compile(r"([0-9]+)\.0+")
_PLAIN_EMAIL = re.compile(
    r"[a-z0-9]+(?:[._+-][a-z0-9]+)*@(?:[a-z0-9]+(?:-[a-z0-9]+)*\.)+(?:com|net|org|edu|gov|us|info|biz)"
)
_PLACEHOLDER_EMAIL = re.compile(
    r"(none|no|na|n/a|nil|null|nan|test|email|noemail|no\.email|unknown|donotreply|noreply|no-reply|refused)@.*"
    r"|.*@(none|noemail|nomail|donotemail|na)\.(com|net|org)"
)
_MAX_EMAIL_CHARACTERS = 254
_MAX_LOCAL_PART_CHARACTERS = 64
_LINE_TYPES = {
    "MOBILE": "mobile", "CELL": "mobile", "WIRELESS": "mobile", "LANDLINE": "landline", "LAND LINE": "landline",
    "RESIDENTIAL": "landline", "LAND": "landline", "VOIP": "voip",
}  # fmt: skip

_PLAIN_CHARACTERS = str.maketrans(
    dict.fromkeys((173, *range(8203, 8208), *range(8234, 8239), *range(8288, 8304), 65279))
    | {code: chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)}
    | dict.fromkeys((0x2010, 0x2011, 0x2012, 0x2013, 0x2212), "-")
    | dict.fromkeys((*range(0x2000, 0x200B), 0x202F, 0x205F, 0x3000), "\xa0")
    | dict.fromkeys((0x2018, 0x2019, 0x02BC), "'")
    | dict.fromkeys((0x201C, 0x201D), '"')
)
_SPREADSHEET_TEXT = re.compile(r'\s*(?:="(.*)"|\'(.*))\s*', re.DOTALL)


class PhoneNumber(NamedTuple):
    """Phone number in E.164 with what its source says about it."""

    value: str
    line_type: str | None = None
    dnc: bool | None = None


def plain_characters(text: str) -> str:
    """Return *text* with ASCII digits, signs, dashes and quotes, no-break spaces for unusual spaces, nothing invisible.

    Marks by which spreadsheets keep a number as text (`="02108"`, `'02108`) are removed.
    """
    if not text.isascii():
        text = text.translate(_PLAIN_CHARACTERS)
    if text[:1] in "='" and (match := _SPREADSHEET_TEXT.fullmatch(text)):
        return str(match[1] if match[1] is not None else match[2])
    return text


def phone_number(text: str) -> str | None:
    """Return *text* as a valid US number in E.164, or None. Spreadsheets and data frames write one as `7275550142.0`.

    Ten digits, with or without the country code, take a fast path. Tests hold it equal to the library.
    """
    text = text.strip()
    if text.endswith("0") and (number := _WHOLE_FLOAT.fullmatch(text)):
        text = number[1]
    match = _NANP.fullmatch(text.translate(_PUNCTUATION))
    return _e164_of(match) if match else phone_by_library(text)


def plain_phone_number(text: str) -> str | None:
    """Return the number of a text of only ten digits, with or without country code and punctuation. None for other texts."""
    match = _NANP.fullmatch(text.translate(_PUNCTUATION))
    return _e164_of(match) if match else None


def _e164_of(match: re.Match[str]) -> str | None:
    exchange, line = match.groups()
    return f"+1{exchange}{line}" if _is_assigned(exchange) else None


@lru_cache(maxsize=100_000)
def _is_assigned(exchange: str) -> bool:
    """Return whether numbers of this area code and exchange are valid. In the numbering plan, no later digit counts."""
    return phonenumbers.is_valid_number(phonenumbers.parse(f"+1{exchange}0000", None))


def phone_by_library(text: str) -> str | None:
    """Return *text* as a US number in E.164 by phonenumbers alone, which reads extensions and country codes too."""
    try:
        number = phonenumbers.parse(text, "US")
    except phonenumbers.NumberParseException:
        return None
    if number.country_code != 1 or not phonenumbers.is_valid_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def line_type(text: str | None) -> str | None:
    """Return `mobile`, `landline` or `voip` for a source's text, or None for any other text."""
    return _LINE_TYPES.get(text.strip().upper()) if text else None


def email_address(text: str) -> str | None:
    """Return *text* as an email address in lower case, or None if it is not one or stands for a missing one."""
    address = text.strip().lower()
    if len(address) > _MAX_EMAIL_CHARACTERS or _PLACEHOLDER_EMAIL.fullmatch(address):
        return None
    if len(address) <= _MAX_LOCAL_PART_CHARACTERS and _PLAIN_EMAIL.fullmatch(address):
        return address
    return None if has_markup(address) else email_by_library(address)


def email_by_library(address: str) -> str | None:
    """Return *address* in normal form by email-validator alone, or None."""
    try:
        return validate_email(address, check_deliverability=False).normalized.lower()
    except (EmailNotValidError, UnicodeError):
        return None
