"""A lead as skip tracing sees it: whom it is about, the contacts that are known, and what providers were asked already."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

NEVER = datetime.min.replace(tzinfo=UTC)


class Want(StrEnum):
    """What a provider may supply about a lead."""

    PHONE = "phone"
    """A verified phone."""
    EMAIL = "email"
    """A verified email."""
    DNC = "dnc"
    """A check of the verified phones against the do-not-call lists. Never waited for while its provider is down."""
    TCPA = "tcpa"
    """A check of them against the list of those who sue callers. Never waited for while its provider is down."""
    MAK = "mak"
    """The key of the address. Nice to have: never waited for."""


CHECKS = frozenset({Want.DNC, Want.TCPA})
"""What is asked about phones that are verified already."""


@dataclass(frozen=True, slots=True)
class Since:
    """From when on an answer counts."""

    judged: datetime
    """A verification."""
    checked: datetime
    """A check of a phone; the law's 31 days for do-not-call lists are the bound."""


@dataclass(frozen=True, slots=True)
class Contact:
    """A phone (E.164) or email (lower case) of a lead. What is known of it belongs to the value (hazards S5)."""

    channel: str
    value: str
    hash: bytes
    source: str
    rank: int
    verified: bool | None = None
    verified_at: datetime | None = None
    """When a provider last judged the value, whichever way."""
    codes: tuple[str, ...] = ()
    line_type: str | None = None
    dnc: bool | None = None
    dnc_checked_at: datetime | None = None
    litigator: bool | None = None
    litigator_checked_at: datetime | None = None
    suppressed: bool = False
    """Somebody asked not to be reached by this value: it is neither asked about nor chosen."""

    @property
    def key(self) -> tuple[str, bytes]:
        """What the value is found by."""
        return self.channel, self.hash

    def judged_since(self, fresh_since: datetime) -> bool:
        """Whether a provider judged the value, and lately enough to count."""
        return self.verified_at is not None and self.verified_at >= fresh_since

    def is_good(self, fresh_since: datetime) -> bool:
        """Whether somebody may be reached by it: verified lately, not a litigator's, not suppressed."""
        return bool(self.verified) and self.judged_since(fresh_since) and not self.litigator and not self.suppressed

    def lacks(self, check: Want, since: Since) -> bool:
        """Whether it is a phone that may be called but for *check*. What a file says against calling it, no check can mend."""
        if self.channel != "phone" or not self.is_good(since.judged) or (self.dnc and self.dnc_checked_at is None):
            return False
        checked_at = self.dnc_checked_at if check is Want.DNC else self.litigator_checked_at
        return checked_at is None or checked_at < since.checked


@dataclass(frozen=True, slots=True)
class Person:
    """Whom a provider is asked about: the owner and the property, as `leads` has them."""

    first_name: str | None
    last_name: str | None
    company: str | None
    street: str
    unit: str | None
    city: str
    state: str
    zip: str
    county: str | None
    apn: str | None


@dataclass(frozen=True, slots=True)
class Question:
    """What a provider is asked about one lead: the person, at most one phone and one email to verify, and phones to check."""

    lead_id: UUID
    person: Person
    phone: str | None = None
    email: str | None = None
    phones: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Found:
    """A contact value of an answer, in the form in which it is hashed, with the provider's codes about it."""

    channel: str
    value: str
    codes: tuple[str, ...] = ()
    is_check: bool = False
    """It was only looked up on lists, which says nothing of whether it is good and adds no value to a lead."""
    judged: bool = True
    """False: only listed for the person. Unless its codes verify it or rule it out, another provider is asked about it."""
    forbidden: bool = False
    """A remark beside the number says that it must not be called. No check of a list takes that back."""


def unite(founds: Iterable[Found]) -> tuple[Found, ...]:
    """Each value once, with everything that is said of it, whatever order it comes in."""
    united: dict[tuple[str, str], Found] = {}
    for found in founds:
        known = united.get(key := (found.channel, found.value))
        if known:
            codes, forbidden = tuple(dict.fromkeys((*known.codes, *found.codes))), known.forbidden or found.forbidden
            united[key] = replace(known, codes=codes, forbidden=forbidden)
        else:
            united[key] = found
    return tuple(united.values())


@dataclass(frozen=True, slots=True)
class Finding:
    """What an answer says about one lead."""

    lead_id: UUID
    matched: bool
    contacts: tuple[Found, ...] = ()
    codes: tuple[str, ...] = ()
    """Everything the provider said in codes, for the record."""
    person_codes: tuple[str, ...] = ()
    """Codes about the person: deceased, litigator."""
    mak: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """One lead's part of a stored answer that has not been merged yet."""

    request_id: UUID
    provider: str
    at: datetime
    finding: Finding

    @property
    def is_check(self) -> bool:
        """Whether it only looked phones up."""
        return bool(self.finding.contacts) and all(found.is_check for found in self.finding.contacts)


@dataclass(slots=True)
class Asked:
    """How often one provider was asked about one lead, by how it ended."""

    answered: int = 0
    unknown: int = 0
    """Within the time for which an unknown answer counts."""
    failed: int = 0
    """Within the last hour, certainly unpaid."""
    first_failed_at: datetime | None = None
    merged: int = 0
    """Answers that were merged before."""


@dataclass(slots=True)
class Lead:
    """A lead, its contacts with all stored answers applied, and what was asked."""

    id: UUID
    person: Person | None
    """None where the address is not complete enough to ask anybody."""
    mak: str | None
    contacts: dict[tuple[str, bytes], Contact]
    untraceable: str | None = None
    """Why nobody is asked about this lead: `deceased_owner`, `litigator`, `erased`, `closed`, `no_address`."""
    asked: dict[str, Asked] = field(default_factory=dict)
    spent_cents: Decimal = Decimal(0)
    answers: list[Answer] = field(default_factory=list)
    person_flags: frozenset[str] = frozenset()
    """`deceased` and `litigator`, as answers that are not merged yet say."""
    read_at: datetime = NEVER
    """When all this was so: what was merged since, nobody here knows."""
    in_flight_s: float = 0
    """Seconds for which another process may still get an answer about this lead."""

    def asked_of(self, provider: str) -> Asked:
        """How often *provider* was asked about this lead."""
        return self.asked.get(provider) or Asked()

    def missing(self, wants: frozenset[Want], since: Since) -> frozenset[Want]:
        """Those of *wants* that this lead lacks; a check only where there is a phone to check."""
        good = {contact.channel for contact in self.contacts.values() if contact.is_good(since.judged)}
        has: Mapping[Want, bool] = {
            Want.PHONE: "phone" in good,
            Want.EMAIL: "email" in good,
            Want.MAK: self.mak is not None,
        } | {check: not self.to_check(check, since) for check in CHECKS}
        return frozenset(want for want in wants if not has[want])

    def to_check(self, check: Want, since: Since) -> list[Contact]:
        """The phones that may be called but for *check*, the best first."""
        lacking = [contact for contact in self.contacts.values() if contact.lacks(check, since)]
        return sorted(lacking, key=lambda contact: (contact.rank, contact.hash))

    def candidate(self, channel: str, fresh_since: datetime) -> Contact | None:
        """The first contact of *channel* that nobody has judged lately and that may be asked about."""
        open_ = [
            contact
            for contact in self.contacts.values()
            if contact.channel == channel
            and not contact.suppressed
            and not contact.litigator
            and not contact.judged_since(fresh_since)
        ]
        return min(open_, key=lambda contact: (contact.rank, contact.hash), default=None)
