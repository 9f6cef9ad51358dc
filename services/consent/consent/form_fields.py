"""Fields of the consent form: read from any request, and checked. Pure."""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from multidict import MultiMapping

from common.pii.contact_values import phone_number, plain_characters

FieldError = Literal["missing", "unreadable", "too_long"]
MAX_NAME_CHARACTERS = 120
MAX_ECHO_CHARACTERS = 200
_UNPRINTABLE = ("Cc", "Cs", "Co", "Zl", "Zp")


@dataclass(frozen=True, slots=True)
class FormFields:
    """Fields as the person sent them. A field that came twice, or as a file, is empty."""

    token: str = ""
    number: str = ""
    name: str = ""
    agree: bool = False

    @property
    def echoed_number(self) -> str:
        """The number as the page shows it again."""
        return _printable(self.number)[:MAX_ECHO_CHARACTERS]

    @property
    def echoed_name(self) -> str:
        """The name as the page shows it again."""
        return _printable(self.name)[:MAX_ECHO_CHARACTERS]


@dataclass(frozen=True, slots=True)
class Signature:
    """Fields that can be signed: the number in E.164, and the name as it was typed."""

    number: str
    name: str


def read_fields(form: MultiMapping[Any]) -> FormFields:
    """Return the fields of the form that was sent."""
    return FormFields(
        token=_read_field(form, "token"),
        number=_read_field(form, "number"),
        name=_read_field(form, "name"),
        agree=_read_field(form, "agree") == "yes",
    )


def check_fields(fields: FormFields) -> Signature | Mapping[str, FieldError]:
    """Return what is signed, or the error of each field, in the order of the page."""
    errors: dict[str, FieldError] = {}
    number = phone_number(plain_characters(fields.number)) if len(fields.number) <= MAX_ECHO_CHARACTERS else None
    if number is None:
        errors["number"] = "unreadable" if fields.number.strip() else "missing"
    name = " ".join(fields.name.split())
    if not name:
        errors["name"] = "missing"
    elif len(name) > MAX_NAME_CHARACTERS:
        errors["name"] = "too_long"
    elif name != _printable(name) or not any(unicodedata.category(character)[0] == "L" for character in name):
        errors["name"] = "unreadable"
    if not fields.agree:
        errors["agree"] = "missing"
    return Signature(number, name) if number and not errors else errors


def _read_field(form: MultiMapping[Any], name: str) -> str:
    values = form.getall(name, [])
    value = values[0] if len(values) == 1 else ""
    try:
        value.encode()
    except (AttributeError, UnicodeEncodeError):  # a file, or characters that no text has
        return ""
    return str(value)


def _printable(text: str) -> str:
    return "".join(character for character in text if unicodedata.category(character) not in _UNPRINTABLE)
