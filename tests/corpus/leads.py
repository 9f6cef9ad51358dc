"""Expected leads: the facts of an invented home that a file tells, with the rules on what forbids contact.

The rules are those of docs/protective-columns.md: a litigator's phones are not called; a lead that opted out, or must not be contacted,
has no phone that may be called and no email that is allowed.
"""

from collections.abc import Callable
from itertools import count

from corpus.expected import (
    ExpectedAddress,
    ExpectedEmail,
    ExpectedLead,
    ExpectedOwner,
    ExpectedPhone,
    ForbiddenBecause,
    LeadFlag,
)
from corpus.homes import Facts

_FLAGS: tuple[LeadFlag, ...] = ("do_not_mail", "litigator", "deceased_owner", "do_not_contact", "opted_out")
_TEXT_VALUES = frozenset({"property_type", "bathrooms", "est_ltv", "last_sale_date"})
_YES_OR_NO = frozenset({"owner_occupied", "vacant"})

_Tell = Callable[[str], str | None]
"""Value of the fact of a path, or None where the file does not tell it or the home has none."""


def build_lead(row: int, facts: Facts, paths: frozenset[str]) -> ExpectedLead:
    """Return the lead that a row makes, whose columns tell *paths* of the home."""

    def tell(path: str) -> str | None:
        return (facts.get(path) or None) if path in paths else None

    tells_county = tell("county") or tell("fips")
    mailing = _address(tell, "mail.")
    return ExpectedLead(
        rows=[row],
        address=_address(tell, ""),
        county=facts["county"] if tells_county else None,
        fips=facts["fips"] if tells_county else None,
        apn=tell("apn"),
        mak=tell("mak"),
        owners=[owner for owner in (_owner(tell, 1), _owner(tell, 2)) if owner != ExpectedOwner()],
        entity=tell("entity"),
        mailing=None if mailing == ExpectedAddress() else mailing,
        values=_values(tell, facts),
        phones=_phones(tell),
        emails=_emails(tell),
        flags=[flag for flag in _FLAGS if tell(f"flag.{flag}") == "yes"],
    )


def merge_leads(leads: list[ExpectedLead]) -> list[ExpectedLead]:
    """Return the leads, those of one home as one. A later row adds contacts and flags; the first row's other facts stay."""
    by_home: dict[tuple[str | None, ...], ExpectedLead] = {}
    for lead in leads:
        home = (lead.address.street, lead.address.unit, lead.address.zip)
        earlier = by_home.setdefault(home, lead)
        if earlier is lead:
            continue
        earlier.rows += lead.rows
        known = {phone.number for phone in earlier.phones}
        earlier.phones += [phone for phone in lead.phones if phone.number not in known]
        earlier.emails += [
            email for email in lead.emails if email.address not in {one.address for one in earlier.emails}
        ]
        earlier.flags = [flag for flag in _FLAGS if flag in {*earlier.flags, *lead.flags}]
        for rank, contact in enumerate(earlier.phones, start=1):
            contact.rank = rank
        for rank, address in enumerate(earlier.emails, start=1):
            address.rank = rank
    return list(by_home.values())


def _address(tell: _Tell, prefix: str) -> ExpectedAddress:
    parts = {part: tell(f"{prefix}{part}") for part in ("street", "unit", "city", "state", "zip")}
    return ExpectedAddress(**parts)


def _owner(tell: _Tell, number: int) -> ExpectedOwner:
    parts = {part: tell(f"owner{number}.{part}") for part in ("first", "middle", "last", "suffix")}
    return ExpectedOwner(**parts)


def _values(tell: _Tell, facts: Facts) -> dict[str, int | bool | str]:
    values: dict[str, int | bool | str] = {}
    for path in facts:
        name = path.removeprefix("value.")
        text = tell(path) if path.startswith("value.") else None
        if text is None:
            continue
        if name in _YES_OR_NO:
            values[name] = text == "yes"
        else:
            values[name] = text if name in _TEXT_VALUES else int(text)
    return values


def _phones(tell: _Tell) -> list[ExpectedPhone]:
    phones: list[ExpectedPhone] = []
    for number in count(1):
        digits = tell(f"phone{number}.number")
        if digits is None and number > 5:
            return phones
        if digits is None:
            continue
        because = _why_forbidden(tell, f"phone{number}")
        flag = tell(f"phone{number}.dnc")
        phones.append(
            ExpectedPhone.model_validate(
                {
                    "number": f"+1{digits}",
                    "rank": len(phones) + 1,
                    "type": tell(f"phone{number}.type"),
                    "do_not_call": True if because else (False if flag == "no" else None),
                    "because": because,
                }
            )
        )
    raise AssertionError


def _why_forbidden(tell: _Tell, phone: str) -> list[ForbiddenBecause]:
    reasons: tuple[tuple[ForbiddenBecause, tuple[str, ...]], ...] = (
        ("registry", (f"{phone}.dnc", "phones.dnc")),
        ("wrong_number", (f"{phone}.wrong", "phones.wrong")),
        ("litigator", (f"{phone}.litigator", "flag.litigator")),
        ("opted_out", (f"{phone}.opted_out", "flag.opted_out")),
        ("do_not_contact", ("flag.do_not_contact",)),
    )
    return [reason for reason, paths in reasons if any(tell(path) == "yes" for path in paths)]


def _emails(tell: _Tell) -> list[ExpectedEmail]:
    is_closed = any(tell(path) == "yes" for path in ("flag.do_not_contact", "flag.opted_out", "emails.opted_out"))
    told = [(number, address) for number in range(1, 6) if (address := tell(f"email{number}"))]
    return [
        ExpectedEmail(address=address, rank=rank, allowed=not (is_closed or tell(f"email{number}.opted_out") == "yes"))
        for rank, (number, address) in enumerate(told, start=1)
    ]
