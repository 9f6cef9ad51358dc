"""What answers mean for a lead's contacts: pure, and per value, so that no flag moves to another number (hazards S5)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from skiptrace.codes import CodeMap
from skiptrace.lead import Answer, Contact, Found

NEW_RANK = 10
"""Rank of the first contact that a provider adds: behind those that came with the property record."""


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
    """The contacts after *answer*. Applying an answer twice changes nothing; an older one never overrides a newer.

    *hash_of* gives the keyed hash of each value that the answer names.
    """
    merged = dict(contacts)
    litigator = codes.flags(answer.provider, "person", answer.finding.person_codes).litigator
    for found in answer.finding.contacts:
        key = (found.channel, hash_of[found.value])
        known = merged.get(key) or Contact(
            found.channel,
            found.value,
            key[1],
            answer.provider,
            NEW_RANK + len(merged),
            suppressed=key[1] in suppressed,
        )
        merged[key] = _judged(known, found, answer, codes, litigator=bool(litigator))
    return merged


def _judged(known: Contact, found: Found, answer: Answer, codes: CodeMap, *, litigator: bool) -> Contact:
    flags = codes.flags(answer.provider, found.channel, found.codes)
    contact = known
    if known.verified_at is None or answer.at >= known.verified_at:
        contact = replace(
            contact,
            verified=flags.verified if flags.verified is not None else known.verified,
            verified_at=answer.at,
            codes=found.codes or known.codes,
            line_type=flags.line_type or known.line_type,
        )
    if flags.dnc is not None and (known.dnc_checked_at is None or answer.at >= known.dnc_checked_at):
        # What a file said against calling stands until somebody who checked says so too: it errs for the person.
        said_by_file = known.dnc and known.dnc_checked_at is None
        contact = replace(contact, dnc=bool(flags.dnc or said_by_file), dnc_checked_at=answer.at)
    if flags.litigator or litigator:
        contact = replace(contact, litigator=True)
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
    return "B" if "VR01" in said and said & {"AS01", "AS02"} else "C"
