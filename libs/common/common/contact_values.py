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


@dataclass(frozen=True, slots=True)
class Phone:
    """A phone number in E.164 with what its source says about it."""

    value: str
    line_type: str | None = None
    dnc: bool | None = None


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
