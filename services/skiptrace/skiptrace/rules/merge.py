"""Merging of responses into a lead's contacts: pure, and by value, so that no flag moves to another value.

See docs/hazards.md (S5) and docs/verification.md (How answers are merged).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from skiptrace.rules.lead import ContactMatch, LeadContact, StoredResponse
from skiptrace.rules.verification_codes import CodeFlags, CodeMap

FIRST_PROVIDER_RANK = 10
"""Rank of the first contact that a provider adds: behind the contacts of the property record."""
_STRICTEST_LINE_TYPES_FIRST = ("mobile", "voip", "landline")
"""If sources differ about a line, the rules for calling a mobile are the strictest."""
_LONG_AGO = datetime.min.replace(tzinfo=UTC)

_Precedence = tuple[bool, datetime, bool, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class BestContacts:
    """The best verified contact of each channel, which `leads` repeats as its summary."""

    phone: LeadContact | None
    email: LeadContact | None

    @property
    def channels(self) -> list[str]:
        """The verified channels."""
        return [name for name, contact in (("email", self.email), ("phone", self.phone)) if contact]

    @property
    def outcome(self) -> str | None:
        """`email`, `phone` or `both`; None if no contact is verified."""
        return "both" if self.email and self.phone else next(iter(self.channels), None)


def merge_response(
    contacts: Mapping[tuple[str, bytes], LeadContact],
    response: StoredResponse,
    codes: CodeMap,
    hash_of: Mapping[str, bytes],
    suppressed: frozenset[bytes] = frozenset(),
) -> dict[tuple[str, bytes], LeadContact]:
    """Return the contacts after *response*.

    Merging a response twice changes nothing, and the flags do not depend on the order of responses. A response that
    only checked values adds none. *hash_of* gives the keyed hash of each value in the response.
    """
    merged = dict(contacts)
    is_litigator = codes.combine_flags(response.provider, "person", response.result.person_codes).litigator
    for match in response.result.contacts:
        hash_ = hash_of[match.value]
        known = merged.get((match.channel, hash_))
        if known is None and match.is_check:
            continue
        if known is None:
            rank = FIRST_PROVIDER_RANK + len(merged)
            is_suppressed = hash_ in suppressed
            known = LeadContact(match.channel, match.value, hash_, response.provider, rank, suppressed=is_suppressed)
        flags = codes.combine_flags(response.provider, match.channel, match.codes)
        contact = known if match.is_check else _apply_match(known, match, flags, response.answered_at)
        if match.forbidden:  # without a check date, so that no later check clears it
            contact = replace(contact, dnc=True, dnc_checked_at=None)
        list_flags = replace(flags, litigator=True) if is_litigator else flags
        merged[contact.key] = _apply_list_checks(contact, list_flags, response.answered_at)
    return merged


def _apply_match(contact: LeadContact, match: ContactMatch, flags: CodeFlags, at: datetime) -> LeadContact:
    """Return *contact* after a match that is no check. A value that is only listed stays unverified."""
    if not match.is_listed_only or flags.verified is not None:
        return _apply_verification(contact, flags, match.codes, at)
    return replace(contact, codes=contact.codes or match.codes, line_type=contact.line_type or flags.line_type)


def _apply_verification(contact: LeadContact, flags: CodeFlags, codes: tuple[str, ...], at: datetime) -> LeadContact:
    """Return *contact* after a verification result, if that result precedes the present one."""
    types = [one for one in _STRICTEST_LINE_TYPES_FIRST if one in (contact.line_type, flags.line_type)]
    contact = replace(contact, line_type=next(iter(types), contact.line_type or flags.line_type))
    present = _precedence(contact.verified, contact.verified_at or _LONG_AGO, contact.codes)
    if contact.verified_at is not None and _precedence(flags.verified, at, codes) <= present:
        return contact
    verified = contact.verified if flags.verified is None else flags.verified
    return replace(contact, verified=verified, verified_at=at, codes=codes)


def _precedence(verified: bool | None, at: datetime, codes: tuple[str, ...]) -> _Precedence:
    """Return a sort key: a statement precedes none, a newer result an older one, and "ruled out" precedes "verified"."""
    return verified is not None, at, verified is False, codes


def _apply_list_checks(contact: LeadContact, flags: CodeFlags, at: datetime) -> LeadContact:
    """Return *contact* after statements of lists.

    A litigator mark is final. A newer do-not-call check replaces an older one. A do-not-call mark of a file has no
    check date and stays: it errs in the person's favour.
    """
    is_marked_by_file = contact.dnc and contact.dnc_checked_at is None
    if flags.dnc is not None and not is_marked_by_file:
        is_first = contact.dnc_checked_at is None
        is_newer = contact.dnc_checked_at is not None and at > contact.dnc_checked_at
        is_stricter = contact.dnc_checked_at == at and flags.dnc
        if is_first or is_newer or is_stricter:
            contact = replace(contact, dnc=flags.dnc, dnc_checked_at=at)
    if flags.litigator is not None:
        checked_at = max(at, contact.litigator_checked_at or at)
        is_litigator = contact.litigator or flags.litigator
        contact = replace(contact, litigator=is_litigator, litigator_checked_at=checked_at)
    return contact


def list_person_flags(responses: Iterable[StoredResponse], codes: CodeMap) -> frozenset[str]:
    """Return `deceased` and `litigator`, if any of the responses states it."""
    stated = set()
    for response in responses:
        flags = codes.combine_flags(response.provider, "person", response.result.person_codes)
        stated |= {name for name in ("deceased", "litigator") if getattr(flags, name)}
    return frozenset(stated)


def choose_best_contacts(contacts: Iterable[LeadContact], cutoff: datetime) -> BestContacts:
    """Return the best contact of each channel: verified since *cutoff*, callable if possible, then by rank and hash."""
    usable = sorted(
        (contact for contact in contacts if contact.is_usable(cutoff)),
        key=lambda contact: (bool(contact.dnc), contact.rank, contact.hash),
    )
    best = {contact.channel: contact for contact in reversed(usable)}
    return BestContacts(best.get("phone"), best.get("email"))


def grade_melissa_codes(codes: Iterable[str]) -> str | None:
    """Return Melissa's data quality grade, A to F, which Personator does not return (docs/vendors/melissa.md, Codes)."""
    known = set(codes)
    if not known:
        return None
    if "DD01" in known:
        return "F"
    if "VS00" in known or any(code.startswith("AE") for code in known):
        return "D"
    if {"AS01", "VR01"} <= known and known & {"PS01", "ES01", "ES21"}:
        return "A"
    if "VR01" in known and known & {"AS01", "AS02"}:
        return "B"
    return "C" if known & {"AS01", "AS02", "AS03"} else None
