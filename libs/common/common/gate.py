"""The gate before every contact: may this person be contacted over this channel at this moment (design §6)?

`decide` is asked at the moment of sending, by whoever sends, with facts read under the lock that suppressions take
(`common.decisions.lock_contacts`); what it answers is written to `contact_decisions` in the same transaction. It is pure: it
reads nothing and has no clock. A fact that is not known refuses, under the name of the fact: `<field>_unknown`.

docs/gate.md lists every reason in order; docs/adr/0012 says what the design left open.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from common.business_time import next_business_midnight
from common.calling_hours import CALLS_IN_24_HOURS, next_calling_time
from common.refusals import PASSING, Reason
from common.zones import Place

Channel = Literal["email", "phone"]

ATTEMPTS_IN_ALL = 5
"""Calls to one person before we leave them alone (seeds, architecture-visual-guide: unreachable after five)."""

DNC_VALID_FOR = timedelta(days=31)
"""How old a look at the national do-not-call registry may be: 47 CFR 64.1200(c)(2)(i)(D), 16 CFR 310.4(b)(3)(iv)."""

CLOCK_SKEW = timedelta(minutes=5)
"""How far ahead of ours another machine's clock may be; a fact further in the future proves nothing."""

_DAY = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Consent:
    """One written consent: to be called on this number (its keyed hash) by this seller, signed *at* (UTC)."""

    value_hash: bytes
    seller: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known before a contact. None means not known, and refuses; an empty tuple means known to be none.

    Fields of the phone alone are not asked for an email. Times are UTC and carry their zone.
    """

    channel: Channel | None = None
    value_hash: bytes | None = None
    """Keyed hash of the address or number about to be used, under the active key."""
    suppressed: bool | None = None
    """A suppression of this channel stands for the value, under any of the hash keys."""
    status: str | None = None
    """The lead's `campaign_status`."""
    deceased: bool | None = None
    litigator: bool | None = None
    """The lead or the value is marked so."""
    legal_entity: bool | None = None
    """The owner of record is a company, trust, estate, government or life estate (ADR 26)."""
    verified: bool | None = None
    """The flag of this very value."""
    duplicate: bool | None = None
    """The value or the household is being contacted through another lead, or this contact is made already."""
    seller: str | None = None
    """The broker in whose name we write or call, as consents name them."""
    broker_limit: int | None = None
    """Contacts that the broker wants on one business date, over this channel."""
    broker_used_today: int | None = None
    consents: tuple[Consent, ...] | None = None
    """Every consent of the lead, over whatever number and for whatever seller."""
    withdrawals: tuple[datetime, ...] | None = None
    owner_changes: tuple[datetime, ...] | None = None
    """When the home changed hands: recorded conflicts of owner and dates of sale."""
    dnc: bool | None = None
    dnc_checked_at: datetime | None = None
    attempts: tuple[datetime, ...] | None = None
    """When the value was called before, by any lead of any broker, in any order."""
    number_places: frozenset[Place] | None = None
    property_places: frozenset[Place] | None = None
    mailing_places: frozenset[Place] | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """Allowed, or refused for *reasons* in the order of `Reason`.

    *try_again_at* (UTC) is the first moment at which time alone will have ended them, None where it will not.
    """

    reasons: tuple[Reason, ...]
    try_again_at: datetime | None = None

    @property
    def allowed(self) -> bool:
        """Whether nothing speaks against it."""
        return not self.reasons


def decide(facts: Facts, now: datetime, *, email_requires_consent: bool = False) -> Decision:
    """Whether the person may be contacted at *now* (UTC).

    *email_requires_consent* is the strict reading of the documents (design §10, `FEED_REQUIRES_CONSENT`): no email either
    without a consent that stands for the seller. Raises ValueError for a time without a zone.
    """
    if now.tzinfo is None:
        raise ValueError("the time has no zone: give it in UTC")
    if facts.channel not in _RULES:
        return Decision((Reason.CHANNEL_UNKNOWN,))
    rules = _STRICT_EMAIL if email_requires_consent and facts.channel == "email" else _RULES[facts.channel]
    reasons = tuple(reason for rule in rules for reason in rule(facts, now))
    return Decision(reasons, _try_again_at(facts, now, reasons) if reasons else None)


def _try_again_at(facts: Facts, now: datetime, reasons: tuple[Reason, ...]) -> datetime | None:
    if not PASSING.issuperset(reasons):
        return None
    moment = now
    if Reason.ATTEMPTS_IN_24_HOURS in reasons and facts.attempts:
        moment = max(moment, sorted(facts.attempts)[-CALLS_IN_24_HOURS] + _DAY)
    if Reason.BROKER_LIMIT_REACHED in reasons:
        moment = max(moment, next_business_midnight(now))
    return next_calling_time(_possible_places(facts), moment) if facts.channel == "phone" else moment


def _flag(flag: bool | None, unknown: Reason, reason: Reason, *, refuses: bool = True) -> Iterator[Reason]:
    """*reason* where *flag* is *refuses*; whatever is neither True nor False, such as a text, is not known."""
    if not isinstance(flag, bool):
        yield unknown
    elif flag is refuses:
        yield reason


def _value(facts: Facts, _: datetime) -> Iterator[Reason]:
    """Flags, consents and limits hang on the value, so nothing is decided without one (design §5)."""
    if not facts.value_hash:
        yield Reason.VALUE_HASH_UNKNOWN


def _suppression(facts: Facts, _: datetime) -> Iterator[Reason]:
    """An opt-out is honoured at once: 15 U.S.C. 7704(a)(4) for email, 47 CFR 64.1200(d) and (a)(10) for calls (design §6)."""
    return _flag(facts.suppressed, Reason.SUPPRESSED_UNKNOWN, Reason.SUPPRESSED)


def _status(facts: Facts, _: datetime) -> Iterator[Reason]:
    """A lead is contacted from `queued` to `replied`; a bounced email does not end calls (design §5, hazards S6)."""
    if facts.status not in _CONTACTABLE | {"bounced"} or (facts.status == "bounced" and facts.channel != "phone"):
        yield _STATUS_REASONS.get(facts.status or "", Reason.STATUS_UNKNOWN)


def _person(facts: Facts, _: datetime) -> Iterator[Reason]:
    """Neither the dead nor those who sue callers for a living (design §6), nor an owner that is no person.

    Only a person can give the written consent that calls need, and only the owner's own answer counts (ADR 26).
    """
    yield from _flag(facts.deceased, Reason.DECEASED_UNKNOWN, Reason.DECEASED)
    yield from _flag(facts.litigator, Reason.LITIGATOR_UNKNOWN, Reason.LITIGATOR)
    yield from _flag(facts.legal_entity, Reason.LEGAL_ENTITY_UNKNOWN, Reason.LEGAL_ENTITY)


def _verification(facts: Facts, _: datetime) -> Iterator[Reason]:
    """The value itself is verified, not another one of the same lead (design §6, hazards S5)."""
    return _flag(facts.verified, Reason.VERIFIED_UNKNOWN, Reason.UNVERIFIED, refuses=False)


def _repetition(facts: Facts, _: datetime) -> Iterator[Reason]:
    """No household hears from us twice, however many homes it owns (design §6, hazards S5)."""
    return _flag(facts.duplicate, Reason.DUPLICATE_UNKNOWN, Reason.DUPLICATE)


def _seller(facts: Facts, _: datetime) -> Iterator[Reason]:
    """A lead without a broker is never contacted: nobody would be the sender (seed-details, "Intake")."""
    if not facts.seller:
        yield Reason.SELLER_UNKNOWN


def _consent(facts: Facts, now: datetime) -> Iterator[Reason]:
    """Prior express written consent, naming number and seller: 47 CFR 64.1200(a)(2) and (f)(9); FCC 24-17 for AI voices.

    It ends when it is withdrawn, by any reasonable means (64.1200(a)(10)), and when the home has another owner: who signed
    is not who would answer (design §5, hazards S2 and S5). Only a later consent revives it. An email (strict reading, design
    §10) asks for the seller's consent over whatever number.
    """
    if facts.consents is None:
        yield Reason.CONSENTS_UNKNOWN
    if facts.withdrawals is None:
        yield Reason.WITHDRAWALS_UNKNOWN
    if facts.owner_changes is None:
        yield Reason.OWNER_CHANGES_UNKNOWN
    if facts.consents is None or facts.withdrawals is None or facts.owner_changes is None:
        return
    given = [consent for consent in facts.consents if consent.at <= now + CLOCK_SKEW]
    for_number = [consent for consent in given if facts.channel == "email" or consent.value_hash == facts.value_hash]
    times = [consent.at for consent in for_number if consent.seller == facts.seller]
    if not given:
        yield Reason.NO_CONSENT
    elif not for_number:
        yield Reason.CONSENT_FOR_OTHER_NUMBER
    elif not times:
        yield Reason.CONSENT_FOR_OTHER_SELLER
    elif any(withdrawn >= max(times) for withdrawn in facts.withdrawals):
        yield Reason.CONSENT_WITHDRAWN
    elif any(changed >= max(times) for changed in facts.owner_changes):
        yield Reason.CONSENT_OF_FORMER_OWNER


def _registry(facts: Facts, now: datetime) -> Iterator[Reason]:
    """Not on the do-not-call registry, looked up within 31 days: 47 CFR 64.1200(c)(2), 16 CFR 310.4(b)(3)(iv) (design §6).

    Written consent would lift it in law; the design asks for both.
    """
    if not isinstance(facts.dnc, bool):
        yield Reason.DNC_UNKNOWN
    if facts.dnc_checked_at is None:
        yield Reason.DNC_CHECKED_AT_UNKNOWN
    if facts.dnc is True:
        yield Reason.ON_DNC_LIST
    if facts.dnc_checked_at and not now - DNC_VALID_FOR <= facts.dnc_checked_at <= now + CLOCK_SKEW:
        yield Reason.DNC_CHECK_TOO_OLD


def _attempts(facts: Facts, now: datetime) -> Iterator[Reason]:
    """Three calls in any 24 hours: Fla. Stat. 501.616(6)(b), 15 O.S. 775C.4; five in all (design §6)."""
    if facts.attempts is None:
        yield Reason.ATTEMPTS_UNKNOWN
        return
    if len(facts.attempts) >= ATTEMPTS_IN_ALL:
        yield Reason.ATTEMPTS_EXHAUSTED
    if sum(now - at < _DAY for at in facts.attempts) >= CALLS_IN_24_HOURS:
        yield Reason.ATTEMPTS_IN_24_HOURS


def _broker_limit(facts: Facts, _: datetime) -> Iterator[Reason]:
    """The broker's own limit, counted by business date (design §6, hazards S21)."""
    if facts.broker_limit is None:
        yield Reason.BROKER_LIMIT_UNKNOWN
    if facts.broker_used_today is None:
        yield Reason.BROKER_USED_TODAY_UNKNOWN
    elif facts.broker_limit is not None and facts.broker_used_today >= facts.broker_limit:
        yield Reason.BROKER_LIMIT_REACHED


def _calling_hours(facts: Facts, now: datetime) -> Iterator[Reason]:
    """Calling hours where the person is: 47 CFR 64.1200(c)(1), 16 CFR 310.4(c), state laws.

    The strictest of number, property and mailing address; a split zone means all of them; unknown means no (design §6).
    """
    if not facts.number_places:
        yield Reason.NUMBER_PLACES_UNKNOWN
    if not facts.property_places:
        yield Reason.PROPERTY_PLACES_UNKNOWN
    if not facts.mailing_places:
        yield Reason.MAILING_PLACES_UNKNOWN
    places = _possible_places(facts)
    if places and next_calling_time(places, now) != now:
        yield Reason.OUTSIDE_CALLING_HOURS


def _possible_places(facts: Facts) -> frozenset[Place]:
    return frozenset().union(*(filter(None, (facts.number_places, facts.property_places, facts.mailing_places))))


Rule = Callable[[Facts, datetime], Iterator[Reason]]

_CONTACTABLE = frozenset({"queued", "active", "replied"})
_STATUS_REASONS = {reason.removeprefix("status_"): reason for reason in Reason if reason.startswith("status_")}
_ALWAYS: tuple[Rule, ...] = (_value, _suppression, _status, _person, _verification, _repetition, _seller)
_RULES: dict[str | None, tuple[Rule, ...]] = {
    "email": (*_ALWAYS, _broker_limit),
    "phone": (*_ALWAYS, _consent, _registry, _attempts, _broker_limit, _calling_hours),
}
_STRICT_EMAIL = (*_ALWAYS, _consent, _broker_limit)
