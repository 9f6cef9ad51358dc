"""A lead as skip tracing sees it: whom it is about, the contacts that are known, and what providers were asked already."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from uuid import UUID


class Want(StrEnum):
    """What a provider may supply about a lead."""

    PHONE = "phone"
    """A verified phone."""
    EMAIL = "email"
    """A verified email."""
    DNC = "dnc"
    """A check of the verified phones against the do-not-call lists."""
    MAK = "mak"
    """The key of the address. Nice to have: never waited for."""


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
    """What a provider is asked about one lead: the person, and at most one phone and one email to verify."""

    lead_id: UUID
    person: Person
    phone: str | None = None
    email: str | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """A contact value of an answer, in the form in which it is hashed, with the provider's codes about it."""

    channel: str
    value: str
    codes: tuple[str, ...] = ()


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
    in_flight_s: float = 0
    """Seconds for which another process may still get an answer about this lead."""

    def asked_of(self, provider: str) -> Asked:
        """How often *provider* was asked about this lead."""
        return self.asked.get(provider) or Asked()

    def missing(self, wants: frozenset[Want], fresh_since: datetime) -> frozenset[Want]:
        """Those of *wants* that this lead lacks."""
        good = [contact for contact in self.contacts.values() if contact.is_good(fresh_since)]
        phones = [contact for contact in good if contact.channel == "phone"]
        has: Mapping[Want, bool] = {
            Want.PHONE: bool(phones),
            Want.EMAIL: any(contact.channel == "email" for contact in good),
            Want.DNC: bool(phones)
            and any(phone.dnc_checked_at and phone.dnc_checked_at >= fresh_since for phone in phones),
            Want.MAK: self.mak is not None,
        }
        return frozenset(want for want in wants if not has[want])

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
