"""A lead as skip tracing sees it: the person, the known contacts, and the earlier requests."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum

from common.ids import LeadId, RequestId

NEVER = datetime.min.replace(tzinfo=UTC)


class DataNeed(StrEnum):
    """One kind of data that a lead should have and a provider may supply."""

    PHONE = "phone"
    """A verified phone."""
    EMAIL = "email"
    """A verified email."""
    DNC = "dnc"
    """A check of the verified phones against the do-not-call lists. Never waited for while its provider is down."""
    TCPA = "tcpa"
    """A check of the verified phones against the list of TCPA litigators. Never waited for while its provider is down."""
    MAK = "mak"
    """The Melissa address key. Useful, but never waited for."""


PHONE_CHECKS = frozenset({DataNeed.DNC, DataNeed.TCPA})
"""The needs that concern phones which are verified already."""


@dataclass(frozen=True, slots=True)
class FreshnessCutoffs:
    """The times from which earlier results still count."""

    verification: datetime
    """A verification result counts from here on; so does a request, for the limits of the policy."""
    phone_check: datetime
    """A phone check counts from here on. The law's 31 days for do-not-call lists are the bound (16 CFR 310.4(b)(3)(iv))."""


@dataclass(frozen=True, slots=True)
class LeadContact:
    """A phone (E.164) or email (lower case) of a lead. Its flags belong to the value (docs/hazards.md, S5)."""

    channel: str
    value: str
    hash: bytes
    source: str
    rank: int
    verified: bool | None = None
    verified_at: datetime | None = None
    """Time of the last verification result, positive or negative or without a statement."""
    codes: tuple[str, ...] = ()
    line_type: str | None = None
    dnc: bool | None = None
    dnc_checked_at: datetime | None = None
    litigator: bool | None = None
    litigator_checked_at: datetime | None = None
    suppressed: bool = False
    """A suppression exists for this value: no provider is asked about it, and it is never chosen."""
    signed: bool = False
    """The person signed a consent for this phone: it is verified first, also where the lead has another verified phone."""

    @property
    def key(self) -> tuple[str, bytes]:
        """Channel and hash, which identify the value within its lead."""
        return self.channel, self.hash

    def has_result_since(self, cutoff: datetime) -> bool:
        """Return whether a provider gave a verification result for the value at *cutoff* or later."""
        return self.verified_at is not None and self.verified_at >= cutoff

    def is_usable(self, cutoff: datetime) -> bool:
        """Return whether the lead may be reached by it: verified since *cutoff*, not a litigator's, not suppressed."""
        return bool(self.verified) and self.has_result_since(cutoff) and not self.litigator and not self.suppressed

    def needs_check(self, check: DataNeed, cutoffs: FreshnessCutoffs) -> bool:
        """Return whether it is a phone that only lacks *check*.

        A phone that a file marks as do-not-call needs no check, because no check can clear it.
        """
        is_marked_by_file = self.dnc and self.dnc_checked_at is None
        if self.channel != "phone" or not self.is_usable(cutoffs.verification) or is_marked_by_file:
            return False
        checked_at = self.dnc_checked_at if check is DataNeed.DNC else self.litigator_checked_at
        return checked_at is None or checked_at < cutoffs.phone_check


@dataclass(frozen=True, slots=True)
class LeadPerson:
    """The owner and the property, as `leads` has them. A provider is asked about this person."""

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
class LookupRequest:
    """One lead's part of a request: the person, at most one phone and one email to verify, and phones to check.

    It is stored encrypted under these field names, so a renamed field makes stored requests unreadable.
    """

    lead_id: LeadId
    person: LeadPerson
    phone: str | None = None
    email: str | None = None
    phones: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ContactMatch:
    """A contact value of a response, normalised as for hashing, with the provider's codes about it."""

    channel: str
    value: str
    codes: tuple[str, ...] = ()
    is_check: bool = False
    """The value was only looked up on lists. That does not verify it and adds no contact to a lead."""
    is_listed_only: bool = False
    """The value is only listed for the person. Another provider verifies it, unless its codes already decide."""
    forbidden: bool = False
    """A remark beside the number forbids calls. No check of a list clears it."""


def combine_matches(matches: Iterable[ContactMatch]) -> tuple[ContactMatch, ...]:
    """Return each value once, with the codes and prohibitions of all its occurrences."""
    combined: dict[tuple[str, str], ContactMatch] = {}
    for match in matches:
        key = (match.channel, match.value)
        if known := combined.get(key):
            codes = tuple(dict.fromkeys((*known.codes, *match.codes)))
            combined[key] = replace(known, codes=codes, forbidden=known.forbidden or match.forbidden)
        else:
            combined[key] = match
    return tuple(combined.values())


@dataclass(frozen=True, slots=True)
class LeadResult:
    """The part of a response that concerns one lead."""

    lead_id: LeadId
    matched: bool
    contacts: tuple[ContactMatch, ...] = ()
    codes: tuple[str, ...] = ()
    """All codes of the provider, for the record."""
    person_codes: tuple[str, ...] = ()
    """Codes about the person: deceased, litigator."""
    mak: str | None = None


@dataclass(frozen=True, slots=True)
class StoredResponse:
    """One lead's part of a stored response that is not merged yet."""

    request_id: RequestId
    provider: str
    answered_at: datetime
    result: LeadResult

    @property
    def is_check(self) -> bool:
        """Whether it only looked phones up on lists."""
        return bool(self.result.contacts) and all(match.is_check for match in self.result.contacts)


@dataclass(slots=True)
class AttemptStats:
    """Counts of one provider's requests about one lead, by outcome."""

    answered: int = 0
    unknown: int = 0
    """Within the hours for which an unknown outcome counts."""
    failed: int = 0
    """Within the last hour, and certainly not charged."""
    first_failed_at: datetime | None = None
    merged: int = 0
    """Responses that were merged earlier."""


@dataclass(slots=True)
class Lead:
    """A lead with its earlier requests; all stored responses are already applied to its contacts."""

    id: LeadId
    person: LeadPerson | None
    """None if the address is not complete enough for any provider."""
    mak: str | None
    contacts: dict[tuple[str, bytes], LeadContact]
    untraceable: str | None = None
    """Reason to ask no provider: `deceased_owner`, `litigator`, `erased`, `closed`, `no_address`."""
    attempts: dict[str, AttemptStats] = field(default_factory=dict)
    """By provider."""
    spent_cents: Decimal = Decimal(0)
    responses: list[StoredResponse] = field(default_factory=list)
    person_flags: frozenset[str] = frozenset()
    """`deceased` and `litigator`, according to responses that are not merged yet."""
    read_at: datetime = NEVER
    """Time of this snapshot. Responses that were merged later are not part of it."""
    in_flight_seconds: float = 0
    """Seconds until the lease of another process's open request about this lead ends."""

    def attempts_at(self, provider: str) -> AttemptStats:
        """Return the counts of *provider*; all zero if it was never asked."""
        return self.attempts.get(provider) or AttemptStats()

    def list_missing(self, needs: frozenset[DataNeed], cutoffs: FreshnessCutoffs) -> frozenset[DataNeed]:
        """Return those of *needs* that this lead lacks; a check only if there is a phone to check."""
        usable = {contact.channel for contact in self.contacts.values() if contact.is_usable(cutoffs.verification)}
        awaited = self.find_unverified("phone", cutoffs.verification)
        has: Mapping[DataNeed, bool] = {
            DataNeed.PHONE: "phone" in usable and not (awaited and awaited.signed),
            DataNeed.EMAIL: "email" in usable,
            DataNeed.MAK: self.mak is not None,
        } | {check: not self.phones_to_check(check, cutoffs) for check in PHONE_CHECKS}
        return frozenset(need for need in needs if not has[need])

    def phones_to_check(self, check: DataNeed, cutoffs: FreshnessCutoffs) -> list[LeadContact]:
        """Return the phones that only lack *check*, the best first."""
        lacking = [contact for contact in self.contacts.values() if contact.needs_check(check, cutoffs)]
        return sorted(lacking, key=lambda contact: (contact.rank, contact.hash))

    def find_unverified(self, channel: str, cutoff: datetime) -> LeadContact | None:
        """Return the first contact of *channel* that a provider may verify and that has no result since *cutoff*.

        A phone that the person signed comes before the others.
        """
        unverified = [
            contact
            for contact in self.contacts.values()
            if contact.channel == channel
            and not contact.suppressed
            and not contact.litigator
            and not contact.has_result_since(cutoff)
        ]
        return min(unverified, key=lambda contact: (not contact.signed, contact.rank, contact.hash), default=None)
