"""Phones and emails in the one form in which they are hashed, whatever source they come from."""

import re
from dataclasses import dataclass
from functools import lru_cache

import phonenumbers
from email_validator import EmailNotValidError, validate_email

from common.vendor_text import has_markup

_PUNCTUATION = str.maketrans("", "", " ()-./\t\xa0")
_NANP = re.compile(r"(?:\+?1)?([2-9][0-9]{5})([0-9]{4})")
_AS_A_NUMBER = re.compile(r"([0-9]+)\.0+")
_PLAIN_EMAIL = re.compile(
    r"[a-z0-9]+(?:[._+-][a-z0-9]+)*@(?:[a-z0-9]+(?:-[a-z0-9]+)*\.)+(?:com|net|org|edu|gov|us|info|biz)"
)
_NOBODYS = re.compile(
    r"(none|no|na|n/a|nil|null|nan|test|email|noemail|no\.email|unknown|donotreply|noreply|no-reply|refused)@.*"
    r"|.*@(none|noemail|nomail|donotemail|na)\.(com|net|org)"
)
_LONGEST_EMAIL = 254
_LINE_TYPES = {
    "MOBILE": "mobile", "CELL": "mobile", "WIRELESS": "mobile", "LANDLINE": "landline", "LAND LINE": "landline",
    "RESIDENTIAL": "landline", "LAND": "landline", "VOIP": "voip",
}  # fmt: skip


_UNSEEN_OR_ODD = str.maketrans(
    dict.fromkeys((173, *range(8203, 8208), *range(8234, 8239), *range(8288, 8304), 65279))
    | {code: chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)}
    | dict.fromkeys((0x2010, 0x2011, 0x2012, 0x2013, 0x2212), "-")
    | dict.fromkeys((*range(0x2000, 0x200B), 0x202F, 0x205F, 0x3000), "\xa0")
    | dict.fromkeys((0x2018, 0x2019, 0x02BC), "'")
    | dict.fromkeys((0x201C, 0x201D), '"')
)
_AS_TEXT = re.compile(r'\s*(?:="(.*)"|\'(.*))\s*', re.DOTALL)


@dataclass(frozen=True, slots=True)
class Phone:
    """A phone number in E.164 with what its source says about it."""

    value: str
    line_type: str | None = None
    dnc: bool | None = None


def plain(text: str) -> str:
    """*text* with ASCII digits, signs, dashes and quotes, no-break spaces for all odd ones, and nothing invisible.

    What spreadsheets put around a number to keep it text (`="02108"`, `'02108`) goes as well.
    """
    if not text.isascii():
        text = text.translate(_UNSEEN_OR_ODD)
    if text[:1] in "='" and (found := _AS_TEXT.fullmatch(text)):
        return str(found[1] if found[1] is not None else found[2])
    return text


def phone_number(text: str) -> str | None:
    """*text* as a valid US number in E.164, or None; `7275550142.0` is what spreadsheets and data frames make of one.

    Ten digits, with or without the country code, take a fast path that tests hold equal to the library.
    """
    text = text.strip()
    if text.endswith("0") and (number := _AS_A_NUMBER.fullmatch(text)):
        text = number[1]
    match = _NANP.fullmatch(text.translate(_PUNCTUATION))
    if match:
        exchange, line = match.groups()
        return f"+1{exchange}{line}" if _assigned(exchange) else None
    return by_library(text)


def usual_phone(text: str) -> str | None:
    """The number of a text of ten digits, with or without country code and punctuation, and nothing else; None for others."""
    match = _NANP.fullmatch(text.translate(_PUNCTUATION))
    if match is None:
        return None
    exchange, line = match.groups()
    return f"+1{exchange}{line}" if _assigned(exchange) else None


@lru_cache(maxsize=100_000)
def _assigned(exchange: str) -> bool:
    """Whether numbers of this area code and exchange are valid: in the numbering plan nothing behind them counts."""
    return phonenumbers.is_valid_number(phonenumbers.parse(f"+1{exchange}0000", None))


def by_library(text: str) -> str | None:
    """The same by phonenumbers alone: extensions, country codes and anything unusual."""
    try:
        number = phonenumbers.parse(text, "US")
    except phonenumbers.NumberParseException:
        return None
    if number.country_code != 1 or not phonenumbers.is_valid_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def line_type(text: str | None) -> str | None:
    """`mobile`, `landline` or `voip` for what sources write; None when it says nothing."""
    return _LINE_TYPES.get(text.strip().upper()) if text else None


def email_address(text: str) -> str | None:
    """*text* as an email address in lower case, or None when it is none or nobody's."""
    address = text.strip().lower()
    if len(address) > _LONGEST_EMAIL or _NOBODYS.fullmatch(address):
        return None
    if len(address) <= 64 and _PLAIN_EMAIL.fullmatch(address):  # noqa: PLR2004 - the least of the limits
        return address
    return None if has_markup(address) else email_by_library(address)


def email_by_library(address: str) -> str | None:
    """The same by email-validator alone."""
    try:
        return validate_email(address, check_deliverability=False).normalized.lower()
    except (EmailNotValidError, UnicodeError):
        return None
