"""Vocabulary of headers: the meaning of a column by its header.

`common.lead_facts` lists the headers of each fact. Further headers name parts of a record that become several facts, such as
`Owner Name` or `Full Address`. Only letters, digits and `%` of a header count: `SITUS_ADDR` and `Situs Addr` are the same.
A profile gives meaning to other headers (`file_profile.py`).
"""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Literal, NamedTuple

from common.compliance.protective_columns import UNREADABLE_PROTECTION, protection_of, remarks_of
from common.lead_facts import LEAD_FACTS

LineType = Literal["mobile", "landline", "voip"]

REMARKS_PREFIX = "remarks."
"""Prefix of fields of free text, of which only words that forbid contact are read."""

REJECT_COLUMNS = frozenset({"row", "reject_reason", "reject_detail"})
"""Columns that our list of rejects adds. A corrected list may be uploaded with them; they are ignored."""

COMBINED_HEADERS: dict[str, tuple[str, ...]] = {
    "address_line": ("Full Address", "Property Full Address", "Property Address Full", "Site Full Address", "Situs Full Address"),
    "place": (
        "City State Zip", "Property City State Zip", "Site City State Zip", "Situs City State Zip", "City St Zip",
        "Property City St Zip", "Site City St Zip", "Situs City St Zip"),
    "mailing_line": (
        "Full Mailing Address", "Mailing Full Address", "Mailing Address Full", "Owner Full Address", "Owner Address Full"),
    "mailing_line_3": (
        "Mailing Address Line 3", "Mailing Address 3", "Owner Address Line 3", "Mail Addr 3", "Mailing Addr 3", "Owner Addr 3",
        "Owner Address 3", "Mailing Street 3"),
    "mailing_place": (
        "Mailing City State", "Mailing City State Zip", "Mail City State Zip", "Owner CityState", "Owner City State Zip",
        "Mailing City St Zip", "Mail City St Zip", "Owner City St Zip"),
    "owner_names": (
        "Owner Names", "Owner Name", "Owners", "Owner", "Owner 1 Name", "Owner 1 Full Name", "Owner 1", "Owner Full Name",
        "Full Name", "Property Owner", "Owner Mailing Name", "Seller Name", "Owner Name 1", "Own Name", "Contact Name", "Name"),
    "owner2_name": ("Owner 2 Name", "Owner 2 Full Name", "Owner Name 2", "Owner 2", "Second Owner", "Co-Owner"),
    "owner_middle_name": ("Owner 1 Middle Name", "Middle Name", "Owner Middle Name", "Middle Initial", "Owner 1 Middle Initial"),
    "owner_suffix": ("Owner 1 Suffix", "Owner Suffix", "Name Suffix", "Generational Suffix", "Owner 1 Name Suffix"),
    "owner2_middle_name": ("Owner 2 Middle Name", "Owner 2 Middle Initial"),
    "owner2_suffix": ("Owner 2 Suffix", "Owner 2 Name Suffix"),
    "lot_acres": ("Lot Acres", "Lot Size Acres", "Lot Acreage", "Acreage", "Acres", "Lot Area Acres"),
    "street_number_prefix": ("Property House Number Prefix", "Situs House Number Prefix"),
    "street_number": (
        "Street Number", "House Number", "Street No", "House No", "Street Nbr", "St Num", "Property House Number",
        "Property Street Number", "Situs House Number", "Situs Street Number", "Site Street Number", "Situs Number", "Situs Num",
        "Situs No", "Site Number"),
    "street_number_suffix": ("Property House Number Suffix", "Situs House Number Suffix"),
    "street_number_2": ("Property House Number 2", "Situs House Number 2"),
    "street_direction": (
        "Street Direction", "Street Pre Direction", "Street Dir", "Pre Dir", "Situs Pre Dir", "Property Pre Direction",
        "Property Street Direction", "Situs Direction", "Situs Pre Direction", "Situs Street Direction", "Situs Dir",
        "Situs Street Prefix", "Situs Street Prefx"),
    "street_name": ("Street Name", "Property Street Name", "Situs Street Name", "Site Street Name"),
    "street_suffix": (
        "Street Suffix", "Street Type", "St Suffix", "Situs Suffix", "Property Street Name Suffix", "Property Street Suffix",
        "Property Street Type", "Situs Mode", "Situs Street Suffix", "Situs Street Type"),
    "street_post_direction": (
        "Street Post Direction", "Post Dir", "Situs Post Dir", "Property Post Direction", "Situs Post Direction", "Situs Quadrant"),
    "scrub": ("DNC/Litigator Scrub", "Litigator/DNC Scrub"),
}  # fmt: skip
"""Accepted headers of columns whose cell is a part of a fact, or holds several facts.

A `scrub` says in one cell whether the person must not be called, or is a litigator.
"""

STREET_PARTS = tuple(name for name in COMBINED_HEADERS if name.startswith("street_"))


RELATION = "relation"
"""Field that says how a person is related to the home. Contacts of other persons than owners are not read."""


class HeaderMeaning(NamedTuple):
    """Meaning of a header: the field of a record, or a name of COMBINED_HEADERS."""

    field: str
    rank: int = 0
    """Rank among the headers of the field, where 0 is first; for a contact, and what belongs to it, its number."""
    line_type: LineType | None = None
    """Kind of line of the phones in the column, where the header says it."""


_NOT_COUNTED = re.compile(r"[^a-z0-9%]+")
_CONTACT = re.compile(
    r"(?P<of>owner|contact|primary|main|best|seller|ph(?=phone))?(?P<other>secondary|alternate|alt|other|home|work|additional|personal)?"
    r"(?P<line>cell|mobile|wireless|landline|voip)?(?P<kind>(?:tele)?phones?|tel|ph(?=[1-9])|cell|mobile|wireless|landline|emails?)"
    r"(?:numbers?|nums?|nos?|address(?:es)?|addr)?(?P<line_behind>cell|mobile|wireless|landline|voip)?(?P<place_behind>home|work)?"
    r"(?P<number>[1-9][0-9]?)?(?:numbers?|address(?:es)?|email|value)?"
    r"(?P<detail>(?:line|phone)?type)?(?P<number_behind>[1-9][0-9]?)?"
)
_LINE_TYPES: dict[str, LineType] = {
    "cell": "mobile", "mobile": "mobile", "wireless": "mobile", "landline": "landline", "voip": "voip",
}  # fmt: skip
_FIRST_NUMBER_OF_LINE: dict[LineType | None, int] = {None: 0, "mobile": 100, "landline": 200, "voip": 300}
"""Columns of numbers that a header names by their kind of line are numbered apart from `Phone 1` and its like."""
_NUMBER_OF_OTHER = {
    "secondary": 401, "alternate": 402, "alt": 402, "other": 403, "home": 404, "work": 405, "additional": 406,
    "personal": 407,
}  # fmt: skip
"""Numbers of contacts that a header names without a number: `Work Phone`."""
CONTACTS_OF_PERSON = 20
"""The contacts 1 to 20 are those of the first person of a row, 21 to 40 those of the second, and so on."""


_OF_PERSON = re.compile(r"(?:owner(?=[12])|contact)(?P<number>[1-5])(?P<rest>[a-z].+)")
"""`Owner 2 Phone 1` is a contact of the second owner, `Contact 2 Phone 1` one of the second person."""
_CONTACT_FIELDS = ("phones", "emails", f"{REMARKS_PREFIX}phones", f"{REMARKS_PREFIX}emails")
_INDEX = re.compile(r"(?<=[\[._/])[0-9]+(?=[\]._/]|$)(?!.*[\[._/][0-9])")
_CONTACT_WORD = re.compile(r"phone|mobile|cell|e-?mail", re.IGNORECASE)


_NOTE = (
    r"required|optional|mandatory|if any|if applicable|[0-9]+[ -]?(?:digits?|letters?|characters?)|sf|sq\.? ?ft\.?|square feet|usd|\$"
    r"|[my]{1,4}[/. -][md]{1,2}[/. -][dy]{1,4}|d{1,2}[/. -]m{1,2}[/. -]y{2,4}"
)
_NOTE_BEHIND = re.compile(rf"\s*(?:[(\[]\s*(?:{_NOTE})\s*[)\]]|[-:*]\s*(?:{_NOTE}))[\s*]*", re.IGNORECASE)
_SUBJECT = r"property|site|situs|mailing|mail|owner(?:\s*[12])?"
_SUBJECT_BEHIND = re.compile(
    rf"(?P<part>.+?)\s*(?:[(\[]\s*(?P<subject>{_SUBJECT})\s*[)\]]|\s-\s*(?P<other>{_SUBJECT}))\s*", re.IGNORECASE
)


@lru_cache(maxsize=4_096)
def usual_header(header: str) -> str:
    """Return *header* as it is usually written.

    Notes of import templates are left out: `Zip Code (required)`, `Sale Date (MM/DD/YYYY)`. A subject that stands behind is put
    in front: `City (Mailing)` is `Mailing City`.
    """
    note = next((found for found in _NOTE_BEHIND.finditer(header) if found.end() == len(header)), None)
    text = header[: note.start()] if note else header
    found = _SUBJECT_BEHIND.fullmatch(text)
    return f"{found['subject'] or found['other']} {found['part']}" if found else text


@lru_cache(maxsize=4_096)
def plain_header(header: str) -> str:
    """Return the characters of *header* that count, in lower case."""
    return _NOT_COUNTED.sub("", usual_header(header).lower())


STREET_OR_ITS_NAME = frozenset({"street", "situsstreet", "sitestreet", "propertystreet"})
"""Plain headers of a whole street, or of its name alone where the file has the house number in a column."""

_MEANINGS: dict[str, HeaderMeaning] = {}
for _fact in (fact for fact in LEAD_FACTS if fact.is_record_field):
    for _rank, _name in enumerate((*_fact.headers, _fact.name)):
        _MEANINGS.setdefault(plain_header(_name), HeaderMeaning(_fact.name, _rank))
for _field, _names in COMBINED_HEADERS.items():
    for _rank, _name in enumerate(_names):
        _MEANINGS.setdefault(plain_header(_name), HeaderMeaning(_field, _rank))
for _number in range(1, 6):
    for _name in ("flags", "relation", "relationship", "role"):
        _MEANINGS[f"contact{_number}{_name}"] = HeaderMeaning(RELATION, _number)


@lru_cache(maxsize=4_096)
def meaning_of_header(header: str) -> HeaderMeaning | None:
    """Return the meaning of *header*, or None for one that is unknown, or that looks protective and is not understood.

    `Phone 2 Type` is ("phones.type", 2), `Email 1` is ("emails", 1), `Phone 1 Status` is ("remarks.phones", 1).
    """
    header, plain = usual_header(header), plain_header(header)
    known = _MEANINGS.get(plain)
    if not known and (of_person := _OF_PERSON.fullmatch(plain)):
        meaning = meaning_of_header(of_person["rest"])
        if protection_of(of_person["rest"]) or (meaning and meaning.field.startswith(_CONTACT_FIELDS)):
            return meaning and _of_person(meaning, int(of_person["number"]))
    if protection_of(header) is not None:
        return known if known and known.field == "scrub" else _protective_meaning(header)
    if known:
        return known
    if contact := _CONTACT.fullmatch(plain):
        return _contact_meaning(contact)
    remarks = remarks_of(header)
    return HeaderMeaning(f"{REMARKS_PREFIX}{remarks.subject}", remarks.number) if remarks else None


def count_from_one(headers: Iterable[str]) -> dict[str, str]:
    """Return, by header, the contact columns of a file that counts from 0 (`phones[0].number`) as if it counted from 1."""
    found = [
        (header, index)
        for header in headers
        if (index := _INDEX.search(header))
        and (_CONTACT_WORD.search(header) or protection_of(header) or remarks_of(header))
    ]
    if not any(int(index[0]) == 0 and _CONTACT_WORD.search(header) for header, index in found):
        return {}
    return {header: f"{header[: index.start()]}{int(index[0]) + 1}{header[index.end() :]}" for header, index in found}


def are_cells_escaped(headers: Iterable[str]) -> bool:
    """Return whether a file with *headers* is our list of rejects, whose cells `common.csv.escaping` escaped."""
    return any(header.strip().lower() == "reject_reason" for header in headers)


def is_unreadable_protection(header: str) -> bool:
    """Return whether *header* looks protective and is not understood."""
    return protection_of(usual_header(header)) == UNREADABLE_PROTECTION


def accepted_headers(field: str) -> tuple[str, ...]:
    """Return the usual headers of *field*."""
    if field in COMBINED_HEADERS:
        return COMBINED_HEADERS[field]
    return next((fact.headers for fact in LEAD_FACTS if fact.name == field), ())


def _of_person(meaning: HeaderMeaning, person: int) -> HeaderMeaning:
    """Return the meaning of a contact of *person*; what is about all contacts of the row stays so."""
    return meaning._replace(rank=meaning.rank and meaning.rank + CONTACTS_OF_PERSON * (person - 1))


def _protective_meaning(header: str) -> HeaderMeaning | None:
    protection = protection_of(header)
    if protection is None or protection == UNREADABLE_PROTECTION:
        return None
    if protection.subject in ("litigator", "deceased_owner", "do_not_mail"):
        return HeaderMeaning(protection.subject)
    if protection.subject == "row":
        return HeaderMeaning("do_not_contact")
    return HeaderMeaning(f"{protection.subject}.{'dnc' if protection.is_registry else 'forbidden'}", protection.number)


def _contact_meaning(contact: re.Match[str]) -> HeaderMeaning | None:
    kind, detail = contact.group("kind", "detail")
    line, other = contact["line"] or contact["line_behind"], contact["other"] or contact["place_behind"]
    numbers = [int(text) for text in contact.group("number", "number_behind") if text]
    is_email = kind.startswith("email")
    if len(numbers) > 1 or (is_email and (line or detail)):
        return None
    number = numbers[0] if numbers else _NUMBER_OF_OTHER.get(other, 1)
    if is_email:
        return HeaderMeaning("emails", number)
    line_type = _LINE_TYPES.get(line or kind)
    rank = _FIRST_NUMBER_OF_LINE[line_type] + number
    return HeaderMeaning("phones.type", rank) if detail else HeaderMeaning("phones", rank, line_type)
