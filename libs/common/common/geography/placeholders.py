"""Detection of placeholders: texts in place of a missing value, such as `N/A`, `#REF!` or `999-999-999`.

Two records with the same placeholder do not share a home, an owner or a contact. So every value that identifies is checked.
"""

import re
import unicodedata
from functools import lru_cache

_WORDS_FOR_MISSING = frozenset(
    ["NA", "NONE", "NULL", "NIL", "NAN", "NAT", "UNDEFINED", "UNDEF", "UNKNOWN", "UNK", "UNKN", "UKNOWN", "UNKOWN", "UNAVAILABLE",
     "UNSPECIFIED", "UNASSIGNED", "UNDISCLOSED", "UNIDENTIFIED", "UNDETERMINED", "UNLISTED", "UNPUBLISHED", "TBD", "TBA", "TBC", "PENDING",
     "MULTIPLE", "MULTI", "VARIOUS", "SEVERAL", "SAME", "DITTO", "IDEM", "CONFIDENTIAL", "WITHHELD", "REDACTED", "RESTRICTED", "SUPPRESSED",
     "EXEMPT", "TEST", "TESTING", "DUMMY", "PLACEHOLDER", "EMPTY", "MISSING", "INVALID", "ERROR", "NOAPN", "NOPARCEL", "NONAME", "NONUMBER",
     "NODATA", "NOTAVAILABLE", "NOTAPPLICABLE", "NOTPROVIDED", "NOTASSIGNED", "ASDF", "QWERTY", "DESCONOCIDO", "DESCONOCIDA", "NINGUNO",
     "NINGUNA", "PENDIENTE", "NULO", "VACIO", "VARIOS", "INDEFINIDO"]
)  # fmt: skip
"""Words that mean "there is no value here", in English and Spanish."""
_NEUTRAL_WORDS = frozenset(
    ["A", "THE", "OF", "IN", "ON", "IS", "IT", "AT", "BE", "TO", "FOR", "THIS", "TIME", "AS", "YET", "BY", "FILE", "NAME", "OWNER",
     "ADDRESS", "PARCEL", "PARCELS", "NUMBER", "NUMBERS", "NUM", "NO", "APN", "ID", "DATA", "INFO", "INFORMATION", "VALUE", "UNIT", "COUNTY",
     "CITY", "RECORD", "RECORDS", "CURRENT", "CURRENTLY", "EMAIL", "PHONE", "MAILING", "PROPERTY", "SITUS", "LOT", "DEL", "DE", "LA", "EL",
     "DATO", "NOMBRE"]
)  # fmt: skip
_NEGATED_WORDS = frozenset(
    ["AVAILABLE", "AVAIL", "APPLICABLE", "PROVIDED", "REPORTED", "LISTED", "GIVEN", "KNOWN", "FOUND", "SPECIFIED", "ASSIGNED", "DISCLOSED",
     "RECORDED", "ENTERED", "SUPPLIED", "DATA", "INFO", "INFORMATION", "RECORD", "VALUE", "NUMBER", "NAME", "APN", "PARCEL", "ADDRESS",
     "SITUS", "UNIT", "EMAIL", "PHONE", "COUNTY", "DISPONIBLE", "APLICA", "DATOS", "NOMBRE", "NUMERO", "DIRECCION"]
)  # fmt: skip
_NEGATIONS = frozenset({"NO", "NOT", "NON", "SIN", "WITHOUT"})
_WORDS_OF_NEGATIONS = _NEGATIONS | _NEGATED_WORDS | _NEUTRAL_WORDS | _WORDS_FOR_MISSING
_PHRASES = re.compile(
    r"(?:PLEASE )?(?:SEE|REFER TO|PER|VER) .*|SAME AS .*|IGUAL QUE .*|COMMON (?:AREA|ELEMENT|GROUND)S?|"
    r"TO BE (?:DETERMINED|ASSIGNED|ADVISED|CONFIRMED)|N A|"
    r"NOT YET .*|DO NOT (?:USE|KNOW)|X+|Z+"
)
_SPREADSHEET_ERROR = re.compile(r"#+|#[A-Z_]+(?:/[A-Z0-9]+)?[!?]?")
_NOT_ALNUM = re.compile(r"[^0-9A-Z]+")
_WORD = re.compile(r"[A-Z]+")
_MIN_FILLER_DIGITS, _MIN_GROUP_REPEATS, _MAX_GROUP_DIGITS = 5, 3, 4
_ASCENDING = "01234567890123456789"
_DESCENDING = _ASCENDING[::-1]


def capitals_without_accents(text: str) -> str:
    """Return *text* in capitals without accents and full-width forms."""
    if not text.isascii():
        text = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return text.upper()


def is_placeholder(text: str) -> bool:
    """Return whether *text* says that a value is missing, or has no letters and digits. An empty text is no placeholder.

    A text that begins with a digit is none, which spares most addresses and parcel numbers the rules.
    """
    return not "0" <= text[:1] <= "9" and _is_placeholder(text)


@lru_cache(maxsize=8_192)
def _is_placeholder(text: str) -> bool:
    shown = capitals_without_accents(text).strip(" '\"=`")
    if not shown:
        return bool(text.strip())
    if _SPREADSHEET_ERROR.fullmatch(shown.replace(" ", "")):
        return True
    words = _NOT_ALNUM.sub(" ", shown).split()
    if not words:
        return not any(c.isalnum() for c in shown)
    spelled = " ".join(words)
    if _PHRASES.fullmatch(spelled) or _is_spelled_out(words):
        return True
    return _is_negation(words) or _is_missing_word_with_neutral_words(words)


def _is_spelled_out(words: list[str]) -> bool:
    """Return whether single letters make a word for a missing value: `N.A.`, `n / a`."""
    return all(len(word) == 1 for word in words) and "".join(words) in _WORDS_FOR_MISSING


def _is_negation(words: list[str]) -> bool:
    """Return whether *words* are a negation and words that go with it: `Not Available`, `Information not provided`."""
    return (
        any(word in _NEGATIONS for word in words)
        and any(word in _NEGATED_WORDS for word in words)
        and all(word in _WORDS_OF_NEGATIONS for word in words)
        and len(words) > 1
    )


def _is_missing_word_with_neutral_words(words: list[str]) -> bool:
    return any(word in _WORDS_FOR_MISSING for word in words) and all(
        word in _WORDS_FOR_MISSING or word in _NEUTRAL_WORDS for word in words
    )


def is_filler_number(digits: str) -> bool:
    """Return whether *digits* only fill a field: all alike, a repeated group, a count up or down, one digit among zeros."""
    distinct = len(set(digits))
    if distinct <= 1:
        return True
    if len(digits) >= _MIN_FILLER_DIGITS and (digits in _ASCENDING or digits in _DESCENDING):
        return True
    if distinct > _MAX_GROUP_DIGITS:
        return False
    return (len(digits) >= _MIN_FILLER_DIGITS and len(digits.strip("0")) == 1) or _repeats_group(digits)


def _repeats_group(digits: str) -> bool:
    for size in range(2, _MAX_GROUP_DIGITS + 1):
        repeats, rest = divmod(len(digits), size)
        if rest == 0 and repeats >= _MIN_GROUP_REPEATS and digits == digits[:size] * repeats:
            return True
    return False


_MIN_PARCEL_CHARACTERS, _MIN_PARCEL_DIGITS = 5, 3
_SCIENTIFIC_NUMBER = re.compile(r"[0-9]+(?:[.,][0-9]+)?E\+?[0-9]+")
_WHOLE_FLOAT = re.compile(r"([0-9]{6,})\.0+")
_DIGITS_AND_HYPHENS = re.compile(r"[0-9]+(?:-[0-9]+)*")
_PROVISIONAL_WORDS = frozenset({"TEMP", "TEMPORARY", "DUPLICATE", "FAKE", "SAMPLE"})
_LIST_SEPARATOR = re.compile(r"[;&+|\r\n]|, | / | AND | TO | ET AL\b")
_TWO_PARCELS = re.compile(r"[0-9A-Z][0-9A-Z .-]{4,},[0-9A-Z][0-9A-Z .-]{4,}")
_DATE = re.compile(r"(?:[0-9]{1,4}-)?(?:JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC)[A-Z]*-[0-9]{1,4}|"
                  r"[0-9]{1,2}-(?:JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC)")  # fmt: skip


def parcel_number(text: str) -> str | None:
    """Return the letters and digits of a parcel number that identifies a home, or None.

    None for placeholders, lists of parcels, and numbers damaged by a spreadsheet (`1.42815E+11`, `5-Dec`). None also for
    numbers that are too short: fewer than five letters and digits after leading zeros, or fewer than three digits. Counties
    write `123-456-789`; `123456789` without any mark is a filler.
    """
    if _DIGITS_AND_HYPHENS.fullmatch(text):  # as most counties write it: nothing but its digits can make it useless
        parcel = text.replace("-", "")
        return None if _is_too_short(parcel) or _is_filler_parcel(parcel, text) else parcel
    return _read_parcel_number(text)


@lru_cache(maxsize=8_192)
def _read_parcel_number(text: str) -> str | None:
    shown = capitals_without_accents(text).strip(" '\"=`")
    if is_placeholder(text) or _is_damaged_or_list(shown):
        return None
    if whole := _WHOLE_FLOAT.fullmatch(shown):
        shown = whole[1]
    if _has_word_for_missing(shown):
        return None
    parcel = _NOT_ALNUM.sub("", shown)
    return None if _is_too_short(parcel) or _is_filler_parcel(parcel, shown) else parcel


def _is_damaged_or_list(shown: str) -> bool:
    is_damaged = _SCIENTIFIC_NUMBER.fullmatch(shown) or _DATE.fullmatch(shown)
    return bool(is_damaged or _LIST_SEPARATOR.search(shown) or _TWO_PARCELS.match(shown))


def _has_word_for_missing(shown: str) -> bool:
    words = [word for word in _WORD.findall(shown) if len(word) > len("NA")]
    has_word = any(word in _WORDS_FOR_MISSING or word in _PROVISIONAL_WORDS for word in words)
    return has_word or shown.startswith(("#REF", "N/A"))


def _is_too_short(parcel: str) -> bool:
    digits = parcel if parcel.isdigit() else "".join(filter(str.isdigit, parcel))
    is_short = len(digits) < _MIN_PARCEL_DIGITS or len(parcel.lstrip("0")) < _MIN_PARCEL_CHARACTERS
    return is_short or not digits.strip("0")


def _is_filler_parcel(parcel: str, shown: str) -> bool:
    has_one_character = len(set(parcel)) == 1
    if parcel.isdigit():
        return has_one_character or (is_filler_number(parcel) and _is_unmarked_or_repeated(shown))
    return has_one_character and len(parcel) > _MIN_PARCEL_CHARACTERS


def _is_unmarked_or_repeated(shown: str) -> bool:
    """Return whether a number has no marks between its digits, or has the same group between all marks."""
    groups = _NOT_ALNUM.sub(" ", shown).split()
    return len(groups) == 1 or len(set(groups)) == 1


_HOUSE_NUMBER_AND_STREET = re.compile(r"#?\s*([0-9]+)(?![0-9/.\u00bd])[\s,.-]*(.*)")
_WORDS_FOR_NO_STREET = frozenset(
    ["VACANT", "LAND", "LOT", "LOTS", "RAW", "UNIMPROVED", "ACREAGE", "ACRES", "SITUS", "NO", "NOT", "NUMBER", "NUMBERED", "UNNUMBERED",
     "UNASSIGNED", "UNKNOWN", "ADDRESS", "ASSIGNED", "STREET", "ONLY", "SITE", "LEGAL", "SEE", "PARCEL"]
)  # fmt: skip
_ROAD_TYPES = frozenset(
    ["ST", "STREET", "RD", "ROAD", "AVE", "AVENUE", "DR", "DRIVE", "LN", "LANE", "WAY", "BLVD", "CT", "HWY"]
)
_WORDS_FOR_NO_NAME = frozenset(
    {"UNKNOWN", "UNASSIGNED", "UNAVAILABLE", "UNDETERMINED", "UNSPECIFIED", "UNK", "UNNAMED"}
)


def is_placeholder_address(text: str) -> bool:
    """Return whether a street address names no home: `UNKNOWN`, `VACANT LAND`, `NO SITUS`.

    `0 Oak St` is one too: assessors write 0 for "no number".
    """
    if is_placeholder(text):
        return True
    shown = capitals_without_accents(text).strip()
    numbered = _HOUSE_NUMBER_AND_STREET.fullmatch(shown)
    if numbered is None:
        return _is_placeholder_street(shown)
    return not numbered[1].strip("0") or _is_placeholder_street(numbered[2])


@lru_cache(maxsize=8_192)
def _is_placeholder_street(street: str) -> bool:
    words = _NOT_ALNUM.sub(" ", street).split()
    if street.strip() and (not words or (words[-1] not in _ROAD_TYPES and is_placeholder(street))):
        return True
    return _name_no_street(words)


def _name_no_street(words: list[str]) -> bool:
    names = [word for word in words if word not in _ROAD_TYPES]
    if names and all(word in _WORDS_FOR_NO_NAME for word in names):
        return True
    if len(words) > 1:
        return all(word in _WORDS_FOR_NO_STREET for word in words)
    return words in (["VACANT"], ["SITUS"], ["ACREAGE"], ["UNNUMBERED"])


_UNIT_DESIGNATOR = re.compile(r"(?:#|(?:APT|APARTMENT|UNIT|STE|SUITE|RM|ROOM|LOT|SPC|BLDG|FL)\b)[\s.:#]*(?=\S)")


@lru_cache(maxsize=8_192)
def is_placeholder_unit(text: str) -> bool:
    """Return whether a unit is a placeholder: `N/A`, `0`, `-`, `APT NONE`. A single letter is a unit, even `X`."""
    shown = _UNIT_DESIGNATOR.sub("", capitals_without_accents(text).strip(), count=1)
    if len(shown) == 1 and shown.isalpha():
        return False
    return is_placeholder(shown) or (bool(shown) and not shown.strip("0. ")) or is_placeholder(text)


_FILLER_EMAIL_WORDS = _WORDS_FOR_MISSING | frozenset(
    ["NOEMAIL", "NOMAIL", "EMAIL", "X", "XX", "XXX", "XXXX", "ABC", "EXAMPLE", "NOREPLY", "DONOTREPLY"]
)
"""Words that make an address a placeholder if its local part and its host are both such words, or are the same."""
_FILLER_LOCAL_PARTS = frozenset(
    ["NOEMAIL", "NOMAIL", "NOTAVAILABLE", "NOTPROVIDED", "UNKNOWN", "NOREPLY", "DONOTREPLY", "NONE", "NULL", "DNC", "DONOTCONTACT",
     "DONOTEMAIL", "DONOTCALL", "OPTOUT", "OPTEDOUT", "UNSUBSCRIBE", "UNSUBSCRIBED", "NOTGIVEN", "NOEMAILADDRESS", "NOEMAILPROVIDED",
     "NOEMAILGIVEN", "DOESNOTHAVE", "DOESNTHAVE", "DECLINED", "DECLINETOPROVIDE"]
)  # fmt: skip
"""Local parts that make any address a placeholder."""
_FILLERS_IF_REPEATED = frozenset(
    ["FAKE", "NOONE", "NOBODY", "REFUSED", "ANONYMOUS", "SAMPLE", "SOMEONE", "USER", "NO", "FOO"]
)
"""Local parts that make an address a placeholder if the host repeats them: `fake@fake.com`."""
_FILLER_HOSTS = frozenset({"NOWHERE", "FAKE", "NOTPROVIDED", "NOTAVAILABLE", "DONOTEMAIL", "DONOTCONTACT"})
"""Hosts that make any address a placeholder."""


@lru_cache(maxsize=8_192)
def is_placeholder_email(address: str) -> bool:
    """Return whether an email address only fills a field: `none@none.com`, `noemail@x.com`, `test@test.com`."""
    name, _, domain = capitals_without_accents(address).partition("@")
    local, host = _NOT_ALNUM.sub("", name), _NOT_ALNUM.sub("", domain.split(".")[0])
    if local in _FILLER_LOCAL_PARTS or host in _FILLER_HOSTS:
        return True
    if host == local and (local in _FILLERS_IF_REPEATED or len(set(local)) == 1):
        return True
    return local in _FILLER_EMAIL_WORDS and (host in _FILLER_EMAIL_WORDS or host == local)
