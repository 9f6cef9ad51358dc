"""Parsers of arguments and options. Each error says what is wrong, why, and what to write instead."""

import os
import unicodedata
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from urllib.parse import urlsplit
from uuid import UUID

from cli.shell.errors import UsageError
from common.geography.counties import counties_named
from common.geography.places import county_name, state_code, state_of_zip, zip_code
from common.pii.contact_values import email_address

MAX_NAME_CHARACTERS = 200
MAX_NOTE_CHARACTERS = 2_000
_MAX_URL_CHARACTERS = 2_000
_MAX_KEY_ID_CHARACTERS = 64
_MAX_PATH_CHARACTERS, _MAX_PATH_PART_BYTES = 4_000, 250
_MAX_BIGINT = 2**63 - 1
_FIRST_YEAR, _LAST_YEAR = 2000, 2199


def parse_one_line(what: str, text: str, max_characters: int = MAX_NAME_CHARACTERS) -> str:
    """Return *text* without blanks around it. Raises UsageError where it is empty, too long, or not one line of text."""
    text = text.strip()
    if not any(unicodedata.category(character)[0] in "LNPS" for character in text):
        raise UsageError(f"{what} is empty.", "Give at least one letter or digit.")
    if len(text) > max_characters:
        raise UsageError(f"{what} has {len(text):,} characters.", f"At most {max_characters:,} are kept: shorten it.")
    if any(unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp") for character in text):
        raise UsageError(
            f"{what} {text!r} has characters that cannot be seen or printed.", "Type it again, on one line."
        )
    return text


def parse_new_name(text: str) -> str:
    """Return a new name of a broker, partner or search. Raises UsageError."""
    given = parse_one_line("The name", text)
    try:
        UUID(given)
    except ValueError:
        return given
    raise UsageError(
        f"The name {given!r} looks like an id.", "Names and ids are given in the same place: choose another."
    )


def parse_name_or_id(text: str) -> str:
    """Return a name or id of something that exists. Raises UsageError where it can be neither."""
    return parse_one_line("A name or id", text)


def parse_note(text: str) -> str:
    """Return a remark. Raises UsageError."""
    return parse_one_line("The note", text, MAX_NOTE_CHARACTERS)


def parse_key_id(text: str) -> str:
    """Return the id of a signing key, which goes into a header. Raises UsageError."""
    if (
        not text.isascii()
        or not all(c.isalnum() or c in "._-" for c in text)
        or not 1 <= len(text) <= _MAX_KEY_ID_CHARACTERS
    ):
        raise UsageError(
            f"{text!r} is not a key's id: it goes into an HTTP header.",
            f"Letters, digits, dots, dashes and underscores, at most {_MAX_KEY_ID_CHARACTERS}, such as acme-4f1c.",
        )
    return text


def parse_email(text: str) -> str:
    """Return an email address in its usual form. Raises UsageError."""
    found = email_address(text.strip())
    if found is None:
        raise UsageError(f"{text!r} is not an email address that can receive mail.", "Such as dana@example.com.")
    return found


def parse_web_address(text: str) -> str:
    """Return an http or https address. Raises UsageError."""
    given = text.strip()
    try:
        parts = urlsplit(given)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        good = False
    if not good or len(given) > _MAX_URL_CHARACTERS or any(c.isspace() or not c.isprintable() for c in given):
        raise UsageError(
            f"{text!r} is not a web address.", "It begins with https:// and names a host: https://leads.example.com."
        )
    if parts.username or parts.password:
        raise UsageError(
            "The web address has a user or password in it.", "Addresses are shown and logged: leave them out."
        )
    return given


def parse_uuid(text: str) -> UUID:
    """Return an id. Raises UsageError."""
    try:
        return UUID(text.strip())
    except ValueError as error:
        raise UsageError(
            f"{text!r} is not an id.",
            "It has 32 hex digits, such as 01a1fc73-2c4b-7487-8c65-ff5ed8d7211b; lists show it.",
        ) from error


def parse_number(text: str) -> int:
    """Return the number of a dead letter or conflict. Raises UsageError."""
    given = text.strip().replace(",", "")
    if not (given.isascii() and given.isdigit() and 0 < int(given[:20]) <= _MAX_BIGINT and len(given) < 20):  # noqa: PLR2004 - digits of a bigint
        raise UsageError(f"{text!r} is not a number from a list.", "A whole number from 1 on, as `list` shows it.")
    return int(given)


def parse_day(text: str) -> date:
    """Return a calendar day. Raises UsageError."""
    try:
        found = datetime.strptime(text.strip(), "%Y-%m-%d").date()  # noqa: DTZ007 - a day has no zone
    except ValueError as error:
        raise UsageError(f"{text!r} is not a day.", "Year, month, day: 2027-03-01.") from error
    if not _FIRST_YEAR <= found.year <= _LAST_YEAR:
        raise UsageError(f"{text!r} is too far from today.", f"Years from {_FIRST_YEAR} to {_LAST_YEAR}.")
    return found


def parse_readable_file(text: str | Path) -> Path:
    """Return a file that can be read. Raises UsageError where it is missing, a directory, or closed to this user."""
    path = _parse_path(str(text))
    try:
        with path.open("rb"):
            return path
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise UsageError(
            f"{str(path)!r} cannot be read: {why}.", "Name a file that is there and that you may read."
        ) from error


def parse_file_or_stdin(text: str) -> Path:
    """Return a file that can be read, or `-` for stdin. Raises UsageError."""
    return Path(text) if text == "-" else parse_readable_file(text)


def parse_new_file(text: str) -> Path:
    """Return a path in a directory that can be written to. Raises UsageError."""
    path = _parse_path(text)
    folder = path.parent
    if any(len(os.fsencode(part)) > _MAX_PATH_PART_BYTES for part in path.parts):
        raise UsageError(
            "The name of the file is too long.", f"At most {_MAX_PATH_PART_BYTES} bytes, and as many for a directory."
        )
    if path.is_dir():
        raise UsageError(f"{str(path)!r} is a directory.", "Name a file in it.")
    if not folder.is_dir():
        raise UsageError(f"There is no directory {str(folder)!r}.", "Make it, or name another file.")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise UsageError(f"Nothing can be written into {str(folder)!r}: permission denied.", "Name a file elsewhere.")
    return path


def _parse_path(text: str) -> Path:
    if (
        not text.strip()
        or len(text) > _MAX_PATH_CHARACTERS
        or any(unicodedata.category(c) in ("Cc", "Cs") for c in text)
    ):
        raise UsageError(
            "That is not a file's name: it is empty, too long, or has control characters.", "Such as leads.csv."
        )
    return Path(text)


@dataclass(frozen=True, slots=True)
class Territory:
    """A state, a county of it, or one ZIP code."""

    state: str
    county: str | None
    zip: str | None


def parse_state(text: str) -> str:
    """Return the two letters of a state. Raises UsageError."""
    code = state_code(text)
    if code is None:
        raise UsageError(
            f"{text!r} is not a state of the United States.", "Two letters or the name, such as FL or Florida."
        )
    return code


def parse_territory(state: str, county: str | None, zip_text: str | None) -> Territory:
    """Return a territory as it is stored: as leads carry their place. Raises UsageError for what is no place."""
    code = parse_state(state)
    if county is not None and zip_text is not None:
        raise UsageError("A territory is a county or a ZIP code, not both.", "Give --county or --zip.")
    return Territory(
        code,
        county=None if county is None else _parse_county(county, code),
        zip=None if zip_text is None else _parse_zip(zip_text, code),
    )


def parse_held_territories(state: str, county: str | None, zip_text: str | None) -> list[Territory]:
    """Return the forms in which a broker may have a territory: as `parse_territory` does, and as it was stored before that checked."""
    code = state_code(state)
    loose = Territory(
        code or "",
        county=county_name(county) if county is not None else None,
        zip=zip_text.strip() if zip_text is not None else None,
    )
    try:
        strict = parse_territory(state, county, zip_text)
    except UsageError:
        if code is None or (loose.county is None) == (loose.zip is None):
            raise
        return [loose]
    return [strict] if loose == strict else [strict, loose]


def _parse_county(text: str, state: str) -> str:
    if not text.strip():
        raise UsageError("The county is empty.", "Give its name, such as Pinellas.")
    found = counties_named(text, state)
    if not found:
        raise UsageError(
            f"{text!r} is not a county of {state}.", "Its name or FIPS code, such as Pinellas or 12103 in FL."
        )
    return str(found[0].name)


def _parse_zip(text: str, state: str) -> str:
    five = text.strip()
    if not (five.isascii() and five.isdigit() and len(five) == 5) or zip_code(five) is None:  # noqa: PLR2004 - digits
        raise UsageError(f"{text!r} is not a ZIP code.", "Five digits, such as 33701.")
    lies_in = state_of_zip(five)
    if lies_in is None:
        raise UsageError(f"There is no ZIP code {five}: none begins with {five[:3]}.", "Five digits, such as 33701.")
    if lies_in != state:
        raise UsageError(
            f"ZIP code {five} lies in {lies_in}, not in {state}.", f"Give {lies_in} as the state, or another ZIP code."
        )
    return five
