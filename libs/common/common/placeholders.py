"""Text that stands where a value is missing, such as `N/A`, `#REF!` or `999-999-999`.

Two records that share such a text do not share a home, an owner or a contact. Every value that identifies goes through here.
"""

import re
import unicodedata
from functools import lru_cache

_STRONG = frozenset(
    ["NA", "NONE", "NULL", "NIL", "NAN", "NAT", "UNDEFINED", "UNDEF", "UNKNOWN", "UNK", "UNKN", "UKNOWN", "UNKOWN", "UNAVAILABLE",
     "UNSPECIFIED", "UNASSIGNED", "UNDISCLOSED", "UNIDENTIFIED", "UNDETERMINED", "UNLISTED", "UNPUBLISHED", "TBD", "TBA", "TBC", "PENDING",
     "MULTIPLE", "MULTI", "VARIOUS", "SEVERAL", "SAME", "DITTO", "IDEM", "CONFIDENTIAL", "WITHHELD", "REDACTED", "RESTRICTED", "SUPPRESSED",
     "EXEMPT", "TEST", "TESTING", "DUMMY", "PLACEHOLDER", "EMPTY", "MISSING", "INVALID", "ERROR", "NOAPN", "NOPARCEL", "NONAME", "NONUMBER",
     "NODATA", "NOTAVAILABLE", "NOTAPPLICABLE", "NOTPROVIDED", "NOTASSIGNED", "ASDF", "QWERTY", "DESCONOCIDO", "DESCONOCIDA", "NINGUNO",
     "NINGUNA", "PENDIENTE", "NULO", "VACIO", "VARIOS", "INDEFINIDO"]
)  # fmt: skip
"""Words that mean "there is no value here", in English and Spanish."""
_NEUTRAL = frozenset(
    ["A", "THE", "OF", "IN", "ON", "IS", "IT", "AT", "BE", "TO", "FOR", "THIS", "TIME", "AS", "YET", "BY", "FILE", "NAME", "OWNER",
     "ADDRESS", "PARCEL", "PARCELS", "NUMBER", "NUMBERS", "NUM", "NO", "APN", "ID", "DATA", "INFO", "INFORMATION", "VALUE", "UNIT", "COUNTY",
     "CITY", "RECORD", "RECORDS", "CURRENT", "CURRENTLY", "EMAIL", "PHONE", "MAILING", "PROPERTY", "SITUS", "LOT", "DEL", "DE", "LA", "EL",
     "DATO", "NOMBRE"]
)  # fmt: skip
_NEGATED = frozenset(
    ["AVAILABLE", "AVAIL", "APPLICABLE", "PROVIDED", "REPORTED", "LISTED", "GIVEN", "KNOWN", "FOUND", "SPECIFIED", "ASSIGNED", "DISCLOSED",
     "RECORDED", "ENTERED", "SUPPLIED", "DATA", "INFO", "INFORMATION", "RECORD", "VALUE", "NUMBER", "NAME", "APN", "PARCEL", "ADDRESS",
     "SITUS", "UNIT", "EMAIL", "PHONE", "COUNTY", "DISPONIBLE", "APLICA", "DATOS", "NOMBRE", "NUMERO", "DIRECCION"]
)  # fmt: skip
_NEGATIONS = frozenset({"NO", "NOT", "NON", "SIN", "WITHOUT"})
_PHRASES = re.compile(
    r"(?:PLEASE )?(?:SEE|REFER TO|PER|VER) .*|SAME AS .*|IGUAL QUE .*|COMMON (?:AREA|ELEMENT|GROUND)S?|"
    r"TO BE (?:DETERMINED|ASSIGNED|ADVISED|CONFIRMED)|N A|"
    r"NOT YET .*|DO NOT (?:USE|KNOW)|X+|Z+"
)
_SPREADSHEET_ERROR = re.compile(r"#+|#[A-Z_]+(?:/[A-Z0-9]+)?[!?]?")
_NOT_ALNUM = re.compile(r"[^0-9A-Z]+")
_WORD = re.compile(r"[A-Z]+")
_SHORTEST_RUN, _REPEATS_OF_GROUP, _LONGEST_GROUP = 5, 3, 4
_ASCENDING = "01234567890123456789"
_DESCENDING = _ASCENDING[::-1]


def plain(text: str) -> str:
    """*text* in capitals without accents and full-width forms."""
    if not text.isascii():
        text = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return text.upper()


@lru_cache(maxsize=8_192)
def is_placeholder(text: str) -> bool:
    """Whether *text* says that a value is missing, or says nothing at all. An empty text does not count: it is simply empty."""
    shown = plain(text).strip(" '\"=`")
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
    return _denies(words) or (
        any(word in _STRONG for word in words) and all(word in _STRONG or word in _NEUTRAL for word in words)
    )


def _is_spelled_out(words: list[str]) -> bool:
    """`N.A.` and `n / a`: single letters that make such a word."""
    return all(len(word) == 1 for word in words) and "".join(words) in _STRONG


def _denies(words: list[str]) -> bool:
    """`Not Available`, `No data`, `Information not provided`: a negation, and only words that a negation goes with."""
    return (
        any(word in _NEGATIONS for word in words)
        and any(word in _NEGATED for word in words)
        and all(word in _NEGATIONS or word in _NEGATED or word in _NEUTRAL or word in _STRONG for word in words)
        and len(words) > 1
    )


def is_filler_number(digits: str) -> bool:
    """Whether *digits* were typed to fill a field: all alike, a group repeated, counted up or down, or one digit among zeros."""
    if not digits.strip("0") or len(set(digits)) == 1:
        return True
    if len(digits) >= _SHORTEST_RUN and (digits in _ASCENDING or digits in _DESCENDING or len(digits.strip("0")) == 1):
        return True
    return any(
        len(digits) >= size * _REPEATS_OF_GROUP
        and len(digits) % size == 0
        and digits == digits[:size] * (len(digits) // size)
        for size in range(2, _LONGEST_GROUP + 1)
    )


_PARCEL_SHORTEST, _PARCEL_DIGITS = 5, 3
_ROUNDED = re.compile(r"[0-9]+(?:[.,][0-9]+)?E\+?[0-9]+")
_WHOLE_FLOAT = re.compile(r"([0-9]{6,})\.0+")
_UNTIL_KNOWN = frozenset({"TEMP", "TEMPORARY", "DUPLICATE", "FAKE", "SAMPLE"})
_SEVERAL = re.compile(r"[;&+|\r\n]|, | / | AND | TO | ET AL\b")
_PARCEL_AND_COMMA = re.compile(r"[0-9A-Z][0-9A-Z .-]{4,},[0-9A-Z][0-9A-Z .-]{4,}")
_DAY = re.compile(r"(?:[0-9]{1,4}-)?(?:JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC)[A-Z]*-[0-9]{1,4}|"
                  r"[0-9]{1,2}-(?:JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC)")  # fmt: skip


@lru_cache(maxsize=8_192)
def parcel_number(text: str) -> str | None:
    """The letters and digits of a parcel number that can tell a home from others, or None.

    None for placeholders, lists of parcels, what a spreadsheet made of one (`1.42815E+11`, `5-Dec`), and numbers too short to
    tell anything: fewer than five letters and digits after leading zeros, or fewer than three digits. `123-456-789` is how
    counties write parcels; `123456789` without any mark is how people fill a field.
    """
    shown = plain(text).strip(" '\"=`")
    if is_placeholder(text) or _ROUNDED.fullmatch(shown) or _DAY.fullmatch(shown):
        return None
    if _SEVERAL.search(shown) or _PARCEL_AND_COMMA.match(shown):
        return None
    if whole := _WHOLE_FLOAT.fullmatch(shown):
        shown = whole[1]
    words = [word for word in _WORD.findall(shown) if len(word) > len("NA")]
    if any(word in _STRONG or word in _UNTIL_KNOWN for word in words) or shown.startswith(("#REF", "N/A")):
        return None
    parcel = _NOT_ALNUM.sub("", shown)
    digits = "".join(c for c in parcel if c.isdigit())
    if len(digits) < _PARCEL_DIGITS or len(parcel.lstrip("0")) < _PARCEL_SHORTEST or not digits.strip("0"):
        return None
    if parcel == digits and (len(set(digits)) == 1 or (is_filler_number(digits) and _is_unmarked_or_repeated(shown))):
        return None
    return None if len(parcel) > _PARCEL_SHORTEST and len(set(parcel)) == 1 else parcel


def _is_unmarked_or_repeated(shown: str) -> bool:
    """Whether a number has no marks between its digits, or the same group between all of them."""
    groups = _NOT_ALNUM.sub(" ", shown).split()
    return len(groups) == 1 or len(set(groups)) == 1


_NUMBERED = re.compile(r"#?\s*([0-9]+)(?![0-9/.\u00bd])[\s,.-]*(.*)")
_NO_STREET = frozenset(
    ["VACANT", "LAND", "LOT", "LOTS", "RAW", "UNIMPROVED", "ACREAGE", "ACRES", "SITUS", "NO", "NOT", "NUMBER", "NUMBERED", "UNNUMBERED",
     "UNASSIGNED", "UNKNOWN", "ADDRESS", "ASSIGNED", "STREET", "ONLY", "SITE", "LEGAL", "SEE", "PARCEL"]
)  # fmt: skip
_ROADS = frozenset(
    ["ST", "STREET", "RD", "ROAD", "AVE", "AVENUE", "DR", "DRIVE", "LN", "LANE", "WAY", "BLVD", "CT", "HWY"]
)
_NAMELESS = frozenset({"UNKNOWN", "UNASSIGNED", "UNAVAILABLE", "UNDETERMINED", "UNSPECIFIED", "UNK", "UNNAMED"})


@lru_cache(maxsize=8_192)
def is_placeholder_address(text: str) -> bool:
    """Whether a street address names no home: `UNKNOWN`, `VACANT LAND`, `NO SITUS`, and `0 Oak St`, an assessor's "no number"."""
    if is_placeholder(text):
        return True
    shown = plain(text).strip()
    numbered = _NUMBERED.fullmatch(shown)
    if numbered and not numbered[1].strip("0"):
        return True
    street = numbered[2] if numbered else shown
    words = _NOT_ALNUM.sub(" ", street).split()
    if street.strip() and (not words or (words[-1] not in _ROADS and is_placeholder(street))):
        return True
    named = [word for word in words if word not in _ROADS]
    return bool(words) and (
        (bool(named) and all(word in _NAMELESS for word in named))
        or (len(words) > 1 and all(word in _NO_STREET for word in words))
        or words in (["VACANT"], ["SITUS"], ["ACREAGE"], ["UNNUMBERED"])
    )


_DESIGNATOR = re.compile(r"(?:#|(?:APT|APARTMENT|UNIT|STE|SUITE|RM|ROOM|LOT|SPC|BLDG|FL)\b)[\s.:#]*(?=\S)")


@lru_cache(maxsize=8_192)
def is_placeholder_unit(text: str) -> bool:
    """Whether a unit names none: `N/A`, `0`, `-`, `APT NONE`. A single letter is a unit, `X` too."""
    shown = _DESIGNATOR.sub("", plain(text).strip(), count=1)
    if len(shown) == 1 and shown.isalpha():
        return False
    return is_placeholder(shown) or (bool(shown) and not shown.strip("0. ")) or is_placeholder(text)


_EMAIL_WORDS = _STRONG | {
    "NOEMAIL",
    "NOMAIL",
    "EMAIL",
    "X",
    "XX",
    "XXX",
    "XXXX",
    "ABC",
    "EXAMPLE",
    "NOREPLY",
    "DONOTREPLY",
}

_TWICE = frozenset({"FAKE", "NOONE", "NOBODY", "REFUSED", "ANONYMOUS", "SAMPLE", "SOMEONE", "USER", "NO", "FOO"})
"""Names that fill a field where the host repeats them: `fake@fake.com`."""
_NO_HOSTS = frozenset({"NOWHERE", "FAKE", "NOTPROVIDED", "NOTAVAILABLE", "DONOTEMAIL", "DONOTCONTACT"})


@lru_cache(maxsize=8_192)
def is_placeholder_email(address: str) -> bool:
    """Whether an email address was typed to fill a field: `none@none.com`, `noemail@x.com`, `test@test.com`."""
    name, _, domain = plain(address).partition("@")
    local, host = _NOT_ALNUM.sub("", name), _NOT_ALNUM.sub("", domain.split(".")[0])
    if local in {
        "NOEMAIL",
        "NOMAIL",
        "NOTAVAILABLE",
        "NOTPROVIDED",
        "UNKNOWN",
        "NOREPLY",
        "DONOTREPLY",
        "NONE",
        "NULL",
        "DNC",
        "DONOTCONTACT",
        "DONOTEMAIL",
        "DONOTCALL",
        "OPTOUT",
        "OPTEDOUT",
        "UNSUBSCRIBE",
        "UNSUBSCRIBED",
        "NOTGIVEN",
        "NOEMAILADDRESS",
        "NOEMAILPROVIDED",
        "NOEMAILGIVEN",
        "DOESNOTHAVE",
        "DOESNTHAVE",
        "DECLINED",
        "DECLINETOPROVIDE",
    }:
        return True
    is_repeated = host == local and (local in _TWICE or len(set(local)) == 1)
    return is_repeated or (local in _EMAIL_WORDS and (host in _EMAIL_WORDS or host == local)) or host in _NO_HOSTS
