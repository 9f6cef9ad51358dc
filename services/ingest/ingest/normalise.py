"""A property record as it came, made typed and comparable, or the reasons why it cannot be.

Only what tells a home from another is a reason to reject; any other value that makes no sense is left out and named in
`dropped`. Input comes from CSV cells and from any JSON that fits the model: nothing here may raise.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from ingest.address import PoBoxError, UnreadableAddressError, address_hash, normal_street
from ingest.contact import Phone, email_address, line_type, phone_number
from ingest.verdict import Reason

MAX_LENGTH = 200
MAX_CONTACTS = 20

STATES = dict(
    line.split(":")
    for line in (
        "ALABAMA:AL ALASKA:AK ARIZONA:AZ ARKANSAS:AR CALIFORNIA:CA COLORADO:CO CONNECTICUT:CT DELAWARE:DE FLORIDA:FL GEORGIA:GA "
        "HAWAII:HI IDAHO:ID ILLINOIS:IL INDIANA:IN IOWA:IA KANSAS:KS KENTUCKY:KY LOUISIANA:LA MAINE:ME MARYLAND:MD "
        "MASSACHUSETTS:MA MICHIGAN:MI MINNESOTA:MN MISSISSIPPI:MS MISSOURI:MO MONTANA:MT NEBRASKA:NE NEVADA:NV "
        "NEWHAMPSHIRE:NH NEWJERSEY:NJ NEWMEXICO:NM NEWYORK:NY NORTHCAROLINA:NC NORTHDAKOTA:ND OHIO:OH OKLAHOMA:OK OREGON:OR "
        "PENNSYLVANIA:PA RHODEISLAND:RI SOUTHCAROLINA:SC SOUTHDAKOTA:SD TENNESSEE:TN TEXAS:TX UTAH:UT VERMONT:VT VIRGINIA:VA "
        "WASHINGTON:WA WESTVIRGINIA:WV WISCONSIN:WI WYOMING:WY DISTRICTOFCOLUMBIA:DC PUERTORICO:PR GUAM:GU "
        "VIRGINISLANDS:VI AMERICANSAMOA:AS NORTHERNMARIANAISLANDS:MP"
    ).split()
)
_CODES = frozenset(STATES.values())
_UNSEEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_COUNTY_WORD = re.compile(r" (COUNTY|PARISH|BOROUGH|CO)\.?$")
_NOT_ALNUM = re.compile(r"[^0-9A-Z]+")
_ZIP = re.compile(r"(\d{3,5})(?:\.0+)?(?:-?(\d{4}))?")
_NUMBER = re.compile(r"-?(?:\d+\.?\d*|\.\d+)")
_MONEY_SIGNS = str.maketrans("", "", "$,% \t\xa0")
_TRUE = frozenset({"yes", "y", "true", "t", "1", "x", "1.0"})
_FALSE = frozenset({"no", "n", "false", "f", "0", "0.0"})


@dataclass(slots=True)
class PropertyRecord:
    """One property record, typed: `facts` and `flags` by column of `leads`, contacts in their normal form."""

    facts: dict[str, Any]
    flags: dict[str, bool]
    mak: str | None
    phones: list[Phone]
    emails: list[str]
    dropped: list[str] = field(default_factory=list)


def normalise(raw: Mapping[str, Any], today: date) -> PropertyRecord | list[Reason]:
    """The record that *raw* holds, or why it cannot become a lead. Never raises, whatever the values are."""
    dropped: list[str] = []
    facts: dict[str, Any] = {}
    reasons = _texts(raw, facts)
    reasons += _place(raw, facts)
    if reasons:
        return sorted(set(reasons))
    try:
        street, unit = normal_street(facts["property_address"], facts["property_unit"], facts["property_city"])
    except PoBoxError:
        return [Reason.PO_BOX]
    except UnreadableAddressError:
        return [Reason.UNREADABLE_ADDRESS]
    facts["addr_hash"] = address_hash(street, unit, facts["property_zip"])
    facts["property_unit"] = facts["property_unit"] or unit or None
    _values(raw, facts, dropped, today)
    flags = {name: bool(_boolean(raw.get(name))) for name in ("deceased_owner", "do_not_mail", "litigator")}
    phones, emails = _contacts(raw, dropped)
    return PropertyRecord(facts, flags, _mak(raw.get("mak")), phones, emails, dropped)


_TEXTS = (
    "property_address", "property_unit", "property_city", "owner_first_name", "owner_last_name", "owner2_first_name",
    "owner2_last_name", "company_name", "mailing_address", "mailing_unit", "mailing_city", "mailing_state", "property_type",
    "apn",
)  # fmt: skip


def _texts(raw: Mapping[str, Any], facts: dict[str, Any]) -> list[Reason]:
    reasons: list[Reason] = []
    for name in _TEXTS:
        value = raw.get(name)
        if value is None:
            facts[name] = None
            continue
        text = value if type(value) is str else _as_text(value)
        if not (text.isascii() and text.isprintable()) and _UNSEEN.search(text):
            reasons.append(Reason.INVALID_CHARACTERS)
        text = " ".join(text.split())
        if len(text) > MAX_LENGTH:
            reasons.append(Reason.VALUE_TOO_LONG)
        facts[name] = text or None
    return reasons


def _place(raw: Mapping[str, Any], facts: dict[str, Any]) -> list[Reason]:
    reasons: list[Reason] = []
    state, zip_code = _as_text(raw.get("property_state")), _as_text(raw.get("property_zip"))
    if not facts.get("property_address"):
        reasons.append(Reason.MISSING_ADDRESS)
    if not facts.get("property_city"):
        reasons.append(Reason.MISSING_CITY)
    facts["property_state"] = _state(state)
    if facts["property_state"] is None:
        reasons.append(Reason.INVALID_STATE if state.strip() else Reason.MISSING_STATE)
    facts["property_zip"] = _zip(zip_code)
    if facts["property_zip"] is None:
        reasons.append(Reason.INVALID_ZIP if zip_code.strip() else Reason.MISSING_ZIP)
    county = _as_text(raw.get("county"))
    facts["county"] = _county(county)
    facts["apn_key"] = _apn_key(facts["property_state"], facts["county"], facts.get("apn"))
    if _UNSEEN.search(county + state + zip_code):
        reasons.append(Reason.INVALID_CHARACTERS)
    return reasons


def _state(text: str) -> str | None:
    code = text.strip().upper().rstrip(".")
    return code if code in _CODES else STATES.get(code.replace(" ", ""))


def _zip(text: str) -> str | None:
    """Five digits; spreadsheets drop leading zeros and write `33755.0`."""
    match = _ZIP.fullmatch(text.strip())
    return match.group(1).zfill(5) if match and match.group(1).strip("0") else None


def _county(text: str) -> str | None:
    name = _COUNTY_WORD.sub("", " ".join(text.upper().split()))
    return name[:MAX_LENGTH] or None


def _apn_key(state: str | None, county: str | None, apn: str | None) -> str | None:
    """Parcel numbers are unique in their county only; punctuation differs from source to source."""
    parcel = _NOT_ALNUM.sub("", apn.upper()) if apn else ""
    if not state or not county or not parcel.strip("0"):
        return None
    return f"{state}|{county}|{parcel}"


def _mak(value: object) -> str | None:
    digits = _as_text(value).strip().removesuffix(".0")
    return digits if len(digits) == 10 and digits.isascii() and digits.isdigit() and digits.strip("0") else None  # noqa: PLR2004


def _as_text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:  # noqa: PLR2004 - exact as an integer
        return str(int(value))
    return str(value)


def _integer(low: int, high: int) -> Callable[[object, date], int | None]:
    def parse(value: object, _today: date) -> int | None:
        number = _number(value)
        return round(number) if number is not None and low <= number <= high else None

    return parse


def _decimal(low: float, high: float) -> Callable[[object, date], Decimal | None]:
    def parse(value: object, _today: date) -> Decimal | None:
        number = _number(value)
        return Decimal(f"{number:.2f}") if number is not None and low <= number <= high else None

    return parse


def _year(value: object, today: date) -> int | None:
    number = _number(value)
    return round(number) if number is not None and 1600 <= number <= today.year + 2 else None  # noqa: PLR2004


def _number(value: object) -> float | None:
    if type(value) is str:
        if value.isdigit() and len(value) < 16 and value.isascii():  # noqa: PLR2004
            return int(value)
        text = value.translate(_MONEY_SIGNS)
        if text.startswith("(") and text.endswith(")"):
            text = "-" + text[1:-1]
        return float(text) if len(text) < 25 and text.isascii() and _NUMBER.fullmatch(text) else None  # noqa: PLR2004
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value:  # noqa: PLR0124 - NaN
        return None
    return float(value) if abs(value) < 1e15 else None  # noqa: PLR2004


def _boolean(value: object, _today: date | None = None) -> bool | None:
    if isinstance(value, bool):
        return value
    word = _as_text(value).strip().lower()
    return True if word in _TRUE else False if word in _FALSE else None


def _past_date(value: object, today: date) -> date | None:
    found = parse_date(value)
    return found if found and 1600 <= found.year and found <= today else None  # noqa: PLR2004


def parse_date(value: object) -> date | None:
    """A date from `2024-05-07`, `5/7/2024`, `5/7/24` or an ISO date and time."""
    text = _as_text(value).strip()
    try:
        if "/" in text:
            month, day, year = text.split(" ")[0].split("/")
            full = int(year) + (2000 if int(year) <= 40 else 1900) if len(year) == 2 else int(year)  # noqa: PLR2004
            return date(full, int(month), int(day))
        return date.fromisoformat(text) if len(text) == 10 else datetime.fromisoformat(text).date()  # noqa: PLR2004
    except (ValueError, OverflowError):
        return None


def _mailing_zip(value: object, _today: date) -> str | None:
    return _zip(_as_text(value))


def _fips(value: object, _today: date) -> str | None:
    digits = _as_text(value).strip()
    return digits.zfill(5) if digits.isascii() and digits.isdigit() and 3 < len(digits) < 6 else None  # noqa: PLR2004


_MONEY = _integer(0, 10**12)
_PARSERS: tuple[tuple[str, Callable[[object, date], object]], ...] = (
    ("fips", _fips),
    ("mailing_zip", _mailing_zip),
    ("bedrooms", _integer(0, 200)),
    ("bathrooms", _decimal(0, 200)),
    ("building_sqft", _integer(0, 10**7)),
    ("lot_sqft", _integer(0, 10**11)),
    ("year_built", _year),
    ("owner_occupied", _boolean),
    ("vacant", _boolean),
    ("est_value", _MONEY),
    ("est_equity", _integer(-(10**12), 10**12)),
    ("est_ltv", _decimal(0, 1_000)),
    ("open_loans", _integer(0, 100)),
    ("open_loan_balance", _MONEY),
    ("last_sale_date", _past_date),
    ("last_sale_amount", _MONEY),
)


def _values(raw: Mapping[str, Any], facts: dict[str, Any], dropped: list[str], today: date) -> None:
    for name, parse in _PARSERS:
        value = raw.get(name)
        if value is None or value == "":
            facts[name] = None
            continue
        facts[name] = found = parse(value, today)
        if found is None:
            dropped.append(name)


def _contacts(raw: Mapping[str, Any], dropped: list[str]) -> tuple[list[Phone], list[str]]:
    phones: dict[str, Phone] = {}
    for number, kind, dnc in (raw.get("phones") or ())[:MAX_CONTACTS]:
        value = phone_number(_as_text(number)) if number is not None else None
        if value is None:
            if number is not None:
                dropped.append("phones")
            continue
        known = phones.get(value)
        forbidden = _boolean(dnc)
        if known is not None:
            forbidden = True if known.dnc or forbidden else known.dnc if forbidden is None else forbidden
        phones[value] = Phone(value, line_type(_as_text(kind)) or (known and known.line_type) or None, forbidden)
    emails: dict[str, None] = {}
    for text in (raw.get("emails") or ())[:MAX_CONTACTS]:
        address = email_address(_as_text(text)) if text is not None else None
        if address:
            emails[address] = None
        elif text is not None:
            dropped.append("emails")
    return list(phones.values()), list(emails)
