"""What answers mean for a lead's contacts: pure, and per value, so that no flag moves to another number (hazards S5)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from skiptrace.codes import CodeMap, Flags
from skiptrace.lead import Answer, Contact, Found

NEW_RANK = 10
"""Rank of the first contact that a provider adds: behind those that came with the property record."""
_STRICTEST_FIRST = ("mobile", "voip", "landline")
"""Where sources differ about a line, the rules for calling a mobile are the strictest."""
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Verification:
    """What `leads` reflects of a lead's contacts: the best verified one of each channel."""

    phone: Contact | None
    email: Contact | None

    @property
    def channels(self) -> list[str]:
        """The verified channels."""
        return [name for name, contact in (("email", self.email), ("phone", self.phone)) if contact]

    @property
    def outcome(self) -> str | None:
        """`email`, `phone` or `both`; None where nothing is verified."""
        return "both" if self.email and self.phone else next(iter(self.channels), None)


def apply(
    contacts: Mapping[tuple[str, bytes], Contact],
    answer: Answer,
    codes: CodeMap,
    hash_of: Mapping[str, bytes],
    suppressed: frozenset[bytes] = frozenset(),
) -> dict[tuple[str, bytes], Contact]:
    """The contacts after *answer*.

    Applying an answer twice changes nothing, and the flags do not depend on the order in which answers are applied. An
    answer that only checked values adds none.
    *hash_of* gives the keyed hash of each value that the answer names.
    """
    merged = dict(contacts)
    litigator = codes.flags(answer.provider, "person", answer.finding.person_codes).litigator
    for found in answer.finding.contacts:
        key = (found.channel, hash_of[found.value])
        known = merged.get(key)
        if known is None and found.is_check:
            continue
        if known is None:
            rank = NEW_RANK + len(merged)
            known = Contact(found.channel, found.value, key[1], answer.provider, rank, suppressed=key[1] in suppressed)
        flags = codes.flags(answer.provider, found.channel, found.codes)
        contact = known if found.is_check else _said(known, found, flags, answer.at)
        if found.forbidden:  # without a date of a look, so that no look at a list takes it back
            contact = replace(contact, dnc=True, dnc_checked_at=None)
        merged[key] = _checked(contact, replace(flags, litigator=True) if litigator else flags, answer.at)
    return merged


def _said(contact: Contact, found: Found, flags: Flags, at: datetime) -> Contact:
    """What an answer says of a value that it names; one that it only lists waits for somebody to judge it."""
    if found.judged or flags.verified is not None:
        return _judged(contact, flags, found.codes, at)
    return replace(contact, codes=contact.codes or found.codes, line_type=contact.line_type or flags.line_type)


def _judged(contact: Contact, flags: Flags, codes: tuple[str, ...], at: datetime) -> Contact:
    """What was said of the value itself: a verdict counts before none, a newer one before an older, and no before yes."""
    types = [one for one in _STRICTEST_FIRST if one in (contact.line_type, flags.line_type)]
    contact = replace(contact, line_type=next(iter(types), contact.line_type or flags.line_type))
    held = _weight(contact.verified, contact.verified_at or _LONG_AGO, contact.codes)
    if contact.verified_at is not None and _weight(flags.verified, at, codes) <= held:
        return contact
    verified = contact.verified if flags.verified is None else flags.verified
    return replace(contact, verified=verified, verified_at=at, codes=codes)


def _weight(
    verified: bool | None, at: datetime, codes: tuple[str, ...]
) -> tuple[bool, datetime, bool, tuple[str, ...]]:
    return verified is not None, at, verified is False, codes


def _checked(contact: Contact, flags: Flags, at: datetime) -> Contact:
    """What lists say of the value. A litigator is one for good; a newer look at do-not-call lists replaces an older one.

    What a file said against calling, which has no date of a look, stands: it errs for the person.
    """
    if flags.dnc is not None and not (contact.dnc and contact.dnc_checked_at is None):
        same = contact.dnc_checked_at == at
        if contact.dnc_checked_at is None or at > contact.dnc_checked_at or (same and flags.dnc):
            contact = replace(contact, dnc=flags.dnc, dnc_checked_at=at)
    if flags.litigator is not None:
        checked_at = max(at, contact.litigator_checked_at or at)
        is_litigator = contact.litigator or flags.litigator
        contact = replace(contact, litigator=is_litigator, litigator_checked_at=checked_at)
    return contact


def person_flags(answers: Iterable[Answer], codes: CodeMap) -> frozenset[str]:
    """`deceased` and `litigator`, as any of the answers says."""
    found = set()
    for answer in answers:
        flags = codes.flags(answer.provider, "person", answer.finding.person_codes)
        found |= {name for name in ("deceased", "litigator") if getattr(flags, name)}
    return frozenset(found)


def verification(contacts: Iterable[Contact], fresh_since: datetime) -> Verification:
    """The best contact of each channel: verified, callable before not, then by rank. The same contacts, the same choice."""
    good = sorted(
        (contact for contact in contacts if contact.is_good(fresh_since)),
        key=lambda contact: (bool(contact.dnc), contact.rank, contact.hash),
    )
    best = {contact.channel: contact for contact in reversed(good)}
    return Verification(best.get("phone"), best.get("email"))


def grade(codes: Iterable[str]) -> str | None:
    """Melissa's data quality from A to F, which Personator does not return itself (vendor contracts §4)."""
    said = set(codes)
    if not said:
        return None
    if "DD01" in said:
        return "F"
    if "VS00" in said or any(code.startswith("AE") for code in said):
        return "D"
    if {"AS01", "VR01"} <= said and said & {"PS01", "ES01", "ES21"}:
        return "A"
    if "VR01" in said and said & {"AS01", "AS02"}:
        return "B"
    return "C" if said & {"AS01", "AS02", "AS03"} else None
