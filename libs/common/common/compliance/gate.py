"""Contact eligibility gate: may this person be contacted over this channel at this moment?

The sending service calls `decide_contact` at the moment of sending. It reads the facts under the lock that suppressions take too
(`common.compliance.decision_log.lock_contacts`). It writes the decision to `contact_decisions` in the same transaction. `decide_contact` is
pure: it reads nothing and has no clock. A fact that is not known refuses under its own name: `<field>_unknown`.

docs/gate.md lists every reason in order. ADR 12 gives the calling hours.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from common.calendar.business_date import next_business_midnight
from common.compliance.calling_hours import MAX_CALLS_IN_24_HOURS, next_calling_time
from common.compliance.reasons import TEMPORARY_REASONS, ContactReason
from common.compliance.time_zones import TimeZonePlace

Channel = Literal["email", "phone"]

MAX_CALL_ATTEMPTS = 5
"""Calls to one number in all. After five the person counts as unreachable (docs/gate.md, `attempts_exhausted`)."""

DNC_CHECK_MAX_AGE = timedelta(days=31)
"""Greatest age of a look-up in the national do-not-call registry: 47 CFR 64.1200(c)(2)(i)(D), 16 CFR 310.4(b)(3)(iv)."""

MAX_CLOCK_SKEW = timedelta(minutes=5)
"""Greatest lead of another machine's clock over ours. A fact further in the future proves nothing."""

_ATTEMPTS_WINDOW = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Consent:
    """One written consent to calls on this number (its keyed hash) by this seller, signed *at* (UTC)."""

    value_hash: bytes
    seller: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactFacts:
    """Facts known before a contact. None means not known, and refuses. An empty tuple means known to be none.

    An email does not need the facts about the phone. Times are UTC and carry their zone.
    """

    channel: Channel | None = None
    value_hash: bytes | None = None
    """Keyed hash of the address or number about to be used, under the active key."""
    suppressed: bool | None = None
    """True: the value is suppressed on this channel, under any of the hash keys."""
    status: str | None = None
    """The lead's `campaign_status`."""
    deceased: bool | None = None
    litigator: bool | None = None
    """True: the lead or the value is marked as one that sues callers."""
    legal_entity: bool | None = None
    """The owner of record is a company, trust, estate, government or life estate (ADR 26)."""
    verified: bool | None = None
    """Verification flag of this value, not of another one of the lead."""
    duplicate: bool | None = None
    """True: the value or the household is contacted through another lead, or this contact was already made."""
    seller: str | None = None
    """Broker in whose name we write or call, as consents name it."""
    broker_limit: int | None = None
    """Contacts that the broker allows on one business date, over this channel."""
    broker_used_today: int | None = None
    consents: tuple[Consent, ...] | None = None
    """Every consent of the lead, for any number and any seller."""
    withdrawals: tuple[datetime, ...] | None = None
    owner_changes: tuple[datetime, ...] | None = None
    """Times at which the home changed hands: recorded conflicts of owner and dates of sale."""
    dnc: bool | None = None
    dnc_checked_at: datetime | None = None
    attempts: tuple[datetime, ...] | None = None
    """Times of earlier calls to the value, through any lead of any broker, in any order."""
    number_places: frozenset[TimeZonePlace] | None = None
    property_places: frozenset[TimeZonePlace] | None = None
    mailing_places: frozenset[TimeZonePlace] | None = None


@dataclass(frozen=True, slots=True)
class GateDecision:
    """Result of the gate: allowed, or refused for *reasons* in the order of `ContactReason`.

    *try_again_at* (UTC) is the first moment at which time alone has ended all reasons. It is None where time does not.
    """

    reasons: tuple[ContactReason, ...]
    try_again_at: datetime | None = None

    @property
    def is_allowed(self) -> bool:
        """Return whether no reason refuses the contact."""
        return not self.reasons


def decide_contact(facts: ContactFacts, now: datetime, *, email_requires_consent: bool = False) -> GateDecision:
    """Decide whether the person may be contacted at *now* (UTC).

    *email_requires_consent* is the setting `FEED_REQUIRES_CONSENT`: an email too needs a consent for the seller
    (docs/gate.md). Raise ValueError for a time without a zone.
    """
    if now.tzinfo is None:
        raise ValueError("The time has no zone. Give it in UTC.")
    if facts.channel not in _RULES:
        return GateDecision((ContactReason.CHANNEL_UNKNOWN,))
    with_consent = email_requires_consent and facts.channel == "email"
    rules = _RULES_FOR_EMAIL_WITH_CONSENT if with_consent else _RULES[facts.channel]
    reasons = tuple(reason for rule in rules for reason in rule(facts, now))
    return GateDecision(reasons, _try_again_at(facts, now, reasons) if reasons else None)


def _try_again_at(facts: ContactFacts, now: datetime, reasons: tuple[ContactReason, ...]) -> datetime | None:
    if not TEMPORARY_REASONS.issuperset(reasons):
        return None
    earliest = now
    if ContactReason.ATTEMPTS_IN_24_HOURS in reasons and facts.attempts:
        earliest = max(earliest, sorted(facts.attempts)[-MAX_CALLS_IN_24_HOURS] + _ATTEMPTS_WINDOW)
    if ContactReason.BROKER_LIMIT_REACHED in reasons:
        earliest = max(earliest, next_business_midnight(now))
    return next_calling_time(_possible_places(facts), earliest) if facts.channel == "phone" else earliest


def _check_flag(
    flag: bool | None, unknown: ContactReason, reason: ContactReason, *, refuses: bool = True
) -> Iterator[ContactReason]:
    """Yield *reason* where *flag* equals *refuses*, and *unknown* for a flag that is neither True nor False, such as a text."""
    if not isinstance(flag, bool):
        yield unknown
    elif flag is refuses:
        yield reason


def _check_value(facts: ContactFacts, _: datetime) -> Iterator[ContactReason]:
    """Refuse without a value: flags, consents and limits belong to the value (docs/hazards.md, S5)."""
    if not facts.value_hash:
        yield ContactReason.VALUE_HASH_UNKNOWN


def _check_suppression(facts: ContactFacts, _: datetime) -> Iterator[ContactReason]:
    """Honour an opt-out at once: 15 U.S.C. 7704(a)(4) for email, 47 CFR 64.1200(d) and (a)(10) for calls."""
    return _check_flag(facts.suppressed, ContactReason.SUPPRESSED_UNKNOWN, ContactReason.SUPPRESSED)


def _check_status(facts: ContactFacts, _: datetime) -> Iterator[ContactReason]:
    """Allow the statuses `queued`, `active` and `replied`. A bounced email does not end calls (docs/hazards.md, S6)."""
    if facts.status in _CONTACTABLE_STATUSES or (facts.status == "bounced" and facts.channel == "phone"):
        return
    yield _STATUS_REASONS.get(facts.status or "", ContactReason.STATUS_UNKNOWN)


def _check_person(facts: ContactFacts, _: datetime) -> Iterator[ContactReason]:
    """Refuse deceased owners, people who sue callers for a living, and owners that are not persons.

    Only a person can give the written consent that calls need, and only the owner's own answer counts (ADR 26).
    """
    yield from _check_flag(facts.deceased, ContactReason.DECEASED_UNKNOWN, ContactReason.DECEASED)
    yield from _check_flag(facts.litigator, ContactReason.LITIGATOR_UNKNOWN, ContactReason.LITIGATOR)
    yield from _check_flag(facts.legal_entity, ContactReason.LEGAL_ENTITY_UNKNOWN, ContactReason.LEGAL_ENTITY)


def _check_verification(facts: ContactFacts, _: datetime) -> Iterator[ContactReason]:
    """Require that the value itself is verified, not another one of the same lead (docs/hazards.md, S5)."""
    return _check_flag(facts.verified, ContactReason.VERIFIED_UNKNOWN, ContactReason.UNVERIFIED, refuses=False)


def _check_duplicate(facts: ContactFacts, _: datetime) -> Iterator[ContactReason]:
    """Contact no household twice, however many homes it owns (docs/hazards.md, S5)."""
    return _check_flag(facts.duplicate, ContactReason.DUPLICATE_UNKNOWN, ContactReason.DUPLICATE)


def _check_seller(facts: ContactFacts, _: datetime) -> Iterator[ContactReason]:
    """Refuse a lead without a broker: the contact would have no sender."""
    if not facts.seller:
        yield ContactReason.SELLER_UNKNOWN


def _check_consent(facts: ContactFacts, now: datetime) -> Iterator[ContactReason]:
    """Require prior express written consent that names number and seller.

    The law is 47 CFR 64.1200(a)(2) and (f)(9), and FCC 24-17 for AI voices. An email with `email_requires_consent` needs the
    seller's consent for any number.
    """
    if facts.consents is None:
        yield ContactReason.CONSENTS_UNKNOWN
    if facts.withdrawals is None:
        yield ContactReason.WITHDRAWALS_UNKNOWN
    if facts.owner_changes is None:
        yield ContactReason.OWNER_CHANGES_UNKNOWN
    if facts.consents is None or facts.withdrawals is None or facts.owner_changes is None:
        return
    signed = [consent for consent in facts.consents if consent.at <= now + MAX_CLOCK_SKEW]
    for_number = [consent for consent in signed if facts.channel == "email" or consent.value_hash == facts.value_hash]
    for_seller = [consent for consent in for_number if consent.seller == facts.seller]
    if not signed:
        yield ContactReason.NO_CONSENT
    elif not for_number:
        yield ContactReason.CONSENT_FOR_OTHER_NUMBER
    elif not for_seller:
        yield ContactReason.CONSENT_FOR_OTHER_SELLER
    else:
        last_signed_at = max(consent.at for consent in for_seller)
        yield from _check_consent_ended(last_signed_at, facts.withdrawals, facts.owner_changes)


def _check_consent_ended(
    last_signed_at: datetime, withdrawals: tuple[datetime, ...], owner_changes: tuple[datetime, ...]
) -> Iterator[ContactReason]:
    """Refuse a consent that was withdrawn, or whose home has another owner since. Only a later consent revives it.

    A consent is withdrawn by any reasonable means (47 CFR 64.1200(a)(10)). After a change of owner, another person than
    the one that signed would answer (docs/hazards.md, S2 and S5).
    """
    if any(withdrawn_at >= last_signed_at for withdrawn_at in withdrawals):
        yield ContactReason.CONSENT_WITHDRAWN
    elif any(changed_at >= last_signed_at for changed_at in owner_changes):
        yield ContactReason.CONSENT_OF_FORMER_OWNER


def _check_dnc_registry(facts: ContactFacts, now: datetime) -> Iterator[ContactReason]:
    """Require a number off the do-not-call registry by a look-up of the last 31 days.

    The law is 47 CFR 64.1200(c)(2) and 16 CFR 310.4(b)(3)(iv). Written consent would lift the ban in law; the gate requires
    both (ADR 12).
    """
    if not isinstance(facts.dnc, bool):
        yield ContactReason.DNC_UNKNOWN
    if facts.dnc_checked_at is None:
        yield ContactReason.DNC_CHECKED_AT_UNKNOWN
    if facts.dnc is True:
        yield ContactReason.ON_DNC_LIST
    if facts.dnc_checked_at and not now - DNC_CHECK_MAX_AGE <= facts.dnc_checked_at <= now + MAX_CLOCK_SKEW:
        yield ContactReason.DNC_CHECK_TOO_OLD


def _check_call_attempts(facts: ContactFacts, now: datetime) -> Iterator[ContactReason]:
    """Limit calls to three in any 24 hours (Fla. Stat. 501.616(6)(b), 15 O.S. 775C.4) and to five in all."""
    if facts.attempts is None:
        yield ContactReason.ATTEMPTS_UNKNOWN
        return
    if len(facts.attempts) >= MAX_CALL_ATTEMPTS:
        yield ContactReason.ATTEMPTS_EXHAUSTED
    if sum(now - called_at < _ATTEMPTS_WINDOW for called_at in facts.attempts) >= MAX_CALLS_IN_24_HOURS:
        yield ContactReason.ATTEMPTS_IN_24_HOURS


def _check_broker_limit(facts: ContactFacts, _: datetime) -> Iterator[ContactReason]:
    """Keep the broker's own limit, counted by business date (docs/hazards.md, S21)."""
    if facts.broker_limit is None:
        yield ContactReason.BROKER_LIMIT_UNKNOWN
    if facts.broker_used_today is None:
        yield ContactReason.BROKER_USED_TODAY_UNKNOWN
    elif facts.broker_limit is not None and facts.broker_used_today >= facts.broker_limit:
        yield ContactReason.BROKER_LIMIT_REACHED


def _check_calling_hours(facts: ContactFacts, now: datetime) -> Iterator[ContactReason]:
    """Keep the calling hours at the person's place: 47 CFR 64.1200(c)(1), 16 CFR 310.4(c), state laws.

    The strictest of number, property and mailing address counts. Where a place may lie in several time zones, all of them
    must allow the call. An unknown place refuses (ADR 13).
    """
    if not facts.number_places:
        yield ContactReason.NUMBER_PLACES_UNKNOWN
    if not facts.property_places:
        yield ContactReason.PROPERTY_PLACES_UNKNOWN
    if not facts.mailing_places:
        yield ContactReason.MAILING_PLACES_UNKNOWN
    places = _possible_places(facts)
    if places and next_calling_time(places, now) != now:
        yield ContactReason.OUTSIDE_CALLING_HOURS


def _possible_places(facts: ContactFacts) -> frozenset[TimeZonePlace]:
    return frozenset().union(*(filter(None, (facts.number_places, facts.property_places, facts.mailing_places))))


_Rule = Callable[[ContactFacts, datetime], Iterator[ContactReason]]

_CONTACTABLE_STATUSES = frozenset({"queued", "active", "replied"})
_STATUS_REASONS = {reason.removeprefix("status_"): reason for reason in ContactReason if reason.startswith("status_")}
_RULES_FOR_BOTH_CHANNELS: tuple[_Rule, ...] = (
    _check_value,
    _check_suppression,
    _check_status,
    _check_person,
    _check_verification,
    _check_duplicate,
    _check_seller,
)
_RULES: dict[str | None, tuple[_Rule, ...]] = {
    "email": (*_RULES_FOR_BOTH_CHANNELS, _check_broker_limit),
    "phone": (
        *_RULES_FOR_BOTH_CHANNELS,
        _check_consent,
        _check_dnc_registry,
        _check_call_attempts,
        _check_broker_limit,
        _check_calling_hours,
    ),
}
_RULES_FOR_EMAIL_WITH_CONSENT = (*_RULES_FOR_BOTH_CHANNELS, _check_consent, _check_broker_limit)
