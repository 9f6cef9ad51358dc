"""Contact eligibility gate: may this person be contacted over this channel at this moment?

The sending service calls `decide_contact` at the moment of sending. It reads the facts under the lock that suppressions take too
(`common.compliance.decision_log.lock_contacts`). It writes the decision to `contact_decisions` in the same transaction. `decide_contact` is
pure: it reads nothing and has no clock. A fact that is not known refuses under its own name: `<field>_unknown`.

docs/gate.md lists every reason in order. ADR 12 gives the calling hours.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Literal, NamedTuple

from common.calendar.business_date import business_date, next_business_midnight
from common.compliance.calling_hours import next_calling_time
from common.compliance.legal_rules import StateLaw, legal_rules
from common.compliance.reasons import TEMPORARY_REASONS, ContactReason
from common.compliance.time_zones import TimeZonePlace
from common.ids import BrokerId

Channel = Literal["email", "phone"]
Purpose = Literal["campaign", "answer", "service"]
"""`answer`: to a message just received. `service`: something the person requested, such as a copy or a booking link."""

REASSIGNED_CHECK_MAX_AGE = timedelta(days=31)
"""Greatest age of a look-up in the reassigned-numbers database, which is updated monthly."""

MAX_CLOCK_SKEW = timedelta(minutes=5)
"""Greatest lead of another machine's clock over ours. A fact further in the future proves nothing."""

_ATTEMPTS_WINDOW = timedelta(hours=24)
_BROKER_CALLS_WINDOW = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Consent:
    """One written consent for this number (its keyed hash) and this seller, signed *at* (UTC)."""

    value_hash: bytes
    seller: BrokerId
    at: datetime
    covers: frozenset[str] = frozenset({"calls"})
    """Ways of contact that the signed text names: `calls`, `texts`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactFacts:
    """Facts known before a contact. None means not known, and refuses. An empty tuple means known to be none.

    An email does not need the facts about the phone. Times are UTC and carry their zone.
    """

    channel: Channel | None = None
    purpose: Purpose | None = None
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
    """True: the value or the household is contacted through another lead, or this contact was already made. Only a campaign needs it."""
    decided_on_calls: bool | None = None
    """True: the person signed a consent to calls, withdrew one, or opted out of calls. Only an email of a campaign needs it."""
    other_person: bool | None = None
    """True: the value is not the lead's own. An answer and a service message need it."""
    seller: BrokerId | None = None
    """Broker in whose name we write or call, as consents name it."""
    broker_limit: int | None = None
    """Contacts that the broker allows on one business date: emails of campaigns, or calls."""
    broker_used_today: int | None = None
    broker_hourly_limit: int | None = None
    """Calls that the broker allows in any 60 minutes."""
    broker_calls: tuple[datetime, ...] | None = None
    """Times of the broker's calls in the last hour, in any order."""
    consents: tuple[Consent, ...] | None = None
    """Every consent of the lead, for any number and any seller."""
    withdrawals: tuple[datetime, ...] | None = None
    owner_changes: tuple[datetime, ...] | None = None
    """Times at which the home changed hands: recorded conflicts of owner and dates of sale."""
    dnc: bool | None = None
    dnc_checked_at: datetime | None = None
    attempts: tuple[datetime, ...] | None = None
    """Times of earlier calls to the value, through any lead of any broker, in any order."""
    open_states: frozenset[str] | None = None
    """States in which an operator allows the broker to call (`app.broker_states`)."""
    registered_states: frozenset[str] | None = None
    """States of these for which a registration or an exemption of the broker is recorded."""
    reassigned: Literal["yes", "no", "not_checked"] | None = None
    """Whether the number got another subscriber after the consent, by the reassigned-numbers database."""
    reassigned_checked_at: datetime | None = None
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


def decide_contact(
    facts: ContactFacts,
    now: datetime,
    *,
    email_requires_consent: bool = False,
    consent_max_age_days: int | None = None,
) -> GateDecision:
    """Decide whether the person may be contacted at *now* (UTC).

    *email_requires_consent* is the setting `FEED_REQUIRES_CONSENT`: an email too needs a consent for the seller
    (docs/gate.md). *consent_max_age_days* is the setting `CONSENT_MAX_AGE_DAYS`. Raise ValueError for a time without a zone.
    """
    if now.tzinfo is None:
        raise ValueError("The time has no zone. Give it in UTC.")
    if facts.channel not in ("email", "phone"):
        return GateDecision((ContactReason.CHANNEL_UNKNOWN,))
    is_requested = facts.purpose in ("answer", "service")
    rules = _select_rules(facts.channel, is_requested=is_requested, email_requires_consent=email_requires_consent)
    moment = _read_moment(facts, now, consent_max_age_days) if facts.channel == "phone" else _Moment(now)
    reasons = tuple(reason for rule in rules for reason in rule(facts, moment))
    return GateDecision(reasons, _try_again_at(facts, moment, reasons) if reasons else None)


class _Moment(NamedTuple):
    """Time of a decision; and for a call the places where the person may be."""

    now: datetime
    places: frozenset[TimeZonePlace] = frozenset()
    states: frozenset[str] = frozenset()
    consent_max_age_days: int | None = None

    @property
    def law(self) -> StateLaw:
        """Law of all states in which the person may be: the strictest rule of each kind."""
        return legal_rules().law_of_all(self.states, business_date(self.now))

    @property
    def consent_max_age(self) -> timedelta:
        """Greatest age of a consent to calls."""
        return self.law.consent_max_age(setting_days=self.consent_max_age_days)


def _read_moment(facts: ContactFacts, now: datetime, consent_max_age_days: int | None) -> _Moment:
    places = frozenset[TimeZonePlace]().union(
        *filter(None, (facts.number_places, facts.property_places, facts.mailing_places))
    )
    return _Moment(now, places, frozenset(place.state for place in places), consent_max_age_days)


def _try_again_at(facts: ContactFacts, moment: _Moment, reasons: tuple[ContactReason, ...]) -> datetime | None:
    if not TEMPORARY_REASONS.issuperset(reasons):
        return None
    earliest = moment.now
    if ContactReason.ATTEMPTS_IN_24_HOURS in reasons and facts.attempts:
        most = moment.law.call_limit.in_24_hours
        if not most:
            return None
        earliest = max(earliest, sorted(facts.attempts)[-most] + _ATTEMPTS_WINDOW)
    if ContactReason.BROKER_LIMIT_REACHED in reasons:
        earliest = max(earliest, next_business_midnight(moment.now))
    if ContactReason.BROKER_HOURLY_LIMIT_REACHED in reasons and facts.broker_calls is not None:
        if not facts.broker_hourly_limit:
            return None
        earliest = max(earliest, sorted(facts.broker_calls)[-facts.broker_hourly_limit] + _BROKER_CALLS_WINDOW)
    return next_calling_time(moment.places, earliest) if facts.channel == "phone" else earliest


def _check_flag(
    flag: bool | None, unknown: ContactReason, reason: ContactReason, *, refuses: bool = True
) -> Iterator[ContactReason]:
    """Yield *reason* where *flag* equals *refuses*, and *unknown* for a flag that is neither True nor False, such as a text."""
    if not isinstance(flag, bool):
        yield unknown
    elif flag is refuses:
        yield reason


def _check_value(facts: ContactFacts, _: _Moment) -> Iterator[ContactReason]:
    """Refuse without a value: flags, consents and limits belong to the value (docs/hazards.md, S5)."""
    if not facts.value_hash:
        yield ContactReason.VALUE_HASH_UNKNOWN


def _check_suppression(facts: ContactFacts, _: _Moment) -> Iterator[ContactReason]:
    """Honour an opt-out at once: 15 U.S.C. 7704(a)(4) for email, 47 CFR 64.1200(d) and (a)(10) for calls."""
    return _check_flag(facts.suppressed, ContactReason.SUPPRESSED_UNKNOWN, ContactReason.SUPPRESSED)


def _check_status(facts: ContactFacts, _: _Moment) -> Iterator[ContactReason]:
    """Allow the statuses `queued`, `active` and `replied`. A bounced email does not end calls (docs/hazards.md, S6).

    A converted lead still gets what it requests.
    """
    if facts.status in _CONTACTABLE_STATUSES or (facts.status == "bounced" and facts.channel == "phone"):
        return
    if facts.status == "converted" and facts.purpose == "service":
        return
    yield _STATUS_REASONS.get(facts.status or "", ContactReason.STATUS_UNKNOWN)


def _check_person(facts: ContactFacts, _: _Moment) -> Iterator[ContactReason]:
    """Refuse deceased owners, people who sue callers for a living, and owners that are not persons.

    Only a person can give the written consent that calls need, and only the owner's own answer counts (ADR 26).
    """
    yield from _check_flag(facts.deceased, ContactReason.DECEASED_UNKNOWN, ContactReason.DECEASED)
    yield from _check_flag(facts.litigator, ContactReason.LITIGATOR_UNKNOWN, ContactReason.LITIGATOR)
    yield from _check_flag(facts.legal_entity, ContactReason.LEGAL_ENTITY_UNKNOWN, ContactReason.LEGAL_ENTITY)


def _check_verification(facts: ContactFacts, _: _Moment) -> Iterator[ContactReason]:
    """Require that the value itself is verified, not another one of the same lead (docs/hazards.md, S5)."""
    return _check_flag(facts.verified, ContactReason.VERIFIED_UNKNOWN, ContactReason.UNVERIFIED, refuses=False)


def _check_duplicate(facts: ContactFacts, _: _Moment) -> Iterator[ContactReason]:
    """Contact no household twice, however many homes it owns (docs/hazards.md, S5)."""
    return _check_flag(facts.duplicate, ContactReason.DUPLICATE_UNKNOWN, ContactReason.DUPLICATE)


def _check_decision(facts: ContactFacts, _: _Moment) -> Iterator[ContactReason]:
    """Ask no person again that said yes or no to calls: emails of campaigns ask for nothing else."""
    return _check_flag(facts.decided_on_calls, ContactReason.DECIDED_ON_CALLS_UNKNOWN, ContactReason.DECIDED_ON_CALLS)


def _check_addressee(facts: ContactFacts, _: _Moment) -> Iterator[ContactReason]:
    """Answer the lead's own person only: another one that wrote or called from elsewhere may not learn about the lead."""
    return _check_flag(facts.other_person, ContactReason.OTHER_PERSON_UNKNOWN, ContactReason.OTHER_PERSON)


def _check_purpose(facts: ContactFacts, _: _Moment) -> Iterator[ContactReason]:
    """Refuse without a purpose: it decides which limits count."""
    if facts.purpose not in _PURPOSES:
        yield ContactReason.PURPOSE_UNKNOWN


def _check_seller(facts: ContactFacts, _: _Moment) -> Iterator[ContactReason]:
    """Refuse a lead without a broker: the contact would have no sender."""
    if not facts.seller:
        yield ContactReason.SELLER_UNKNOWN


def _check_consent(facts: ContactFacts, moment: _Moment) -> Iterator[ContactReason]:
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
    signed = [consent for consent in facts.consents if consent.at <= moment.now + MAX_CLOCK_SKEW]
    for_number = [consent for consent in signed if facts.channel == "email" or consent.value_hash == facts.value_hash]
    for_seller = [consent for consent in for_number if consent.seller == facts.seller]
    for_calls = [consent for consent in for_seller if facts.channel == "email" or "calls" in consent.covers]
    if not signed:
        yield ContactReason.NO_CONSENT
    elif not for_number:
        yield ContactReason.CONSENT_FOR_OTHER_NUMBER
    elif not for_seller:
        yield ContactReason.CONSENT_FOR_OTHER_SELLER
    elif not for_calls:
        yield ContactReason.CONSENT_WITHOUT_CALLS
    else:
        last_signed_at = max(consent.at for consent in for_calls)
        yield from _check_consent_ended(last_signed_at, facts.withdrawals, facts.owner_changes)
        if facts.channel == "phone" and moment.now - last_signed_at > moment.consent_max_age:
            yield ContactReason.CONSENT_TOO_OLD


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


def _check_dnc_registry(facts: ContactFacts, moment: _Moment) -> Iterator[ContactReason]:
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
    if facts.dnc_checked_at and not _is_recent(facts.dnc_checked_at, moment.now, moment.law.dnc_check_max_age):
        yield ContactReason.DNC_CHECK_TOO_OLD


def _is_recent(checked_at: datetime | None, now: datetime, max_age: timedelta) -> bool:
    return checked_at is not None and now - max_age <= checked_at <= now + MAX_CLOCK_SKEW


def _check_states(facts: ContactFacts, moment: _Moment) -> Iterator[ContactReason]:
    """Call only into states that an operator opened for the broker, and whose law lets an artificial voice begin.

    Every state in which the person may be counts. The rules are data: `rules.yaml`, kinds `human_first` and `registration`.
    """
    if facts.open_states is None:
        yield ContactReason.OPEN_STATES_UNKNOWN
    if facts.registered_states is None:
        yield ContactReason.REGISTERED_STATES_UNKNOWN
    if moment.law.needs_human_first:
        yield ContactReason.STATE_WANTS_HUMAN_FIRST
    if facts.open_states is not None and not facts.open_states.issuperset(moment.states):
        yield ContactReason.STATE_NOT_OPEN
    if facts.registered_states is not None:
        unregistered = moment.states - facts.registered_states
        if unregistered and moment._replace(states=unregistered).law.needs_registration:
            yield ContactReason.REGISTRATION_MISSING


def _check_reassigned_number(facts: ContactFacts, moment: _Moment) -> Iterator[ContactReason]:
    """Refuse a number that got another subscriber, and demand the look-up where the law or the age of the consent does.

    The law is 10 M.R.S. 1499-B in Maine; elsewhere it is our own rule for old consents (`reassigned_number_check`). Without
    a consent for the number the call is refused anyway.
    """
    if facts.reassigned == "yes":
        yield ContactReason.NUMBER_REASSIGNED
    elif facts.reassigned not in ("no", "not_checked"):
        yield ContactReason.REASSIGNED_UNKNOWN
    elif facts.reassigned == "not_checked" or not _is_recent(
        facts.reassigned_checked_at, moment.now, REASSIGNED_CHECK_MAX_AGE
    ):
        signed = [consent.at for consent in facts.consents or () if consent.value_hash == facts.value_hash]
        if signed and moment.law.needs_reassigned_check(moment.now - max(signed)):
            yield ContactReason.REASSIGNED_UNKNOWN


def _check_call_attempts(facts: ContactFacts, moment: _Moment) -> Iterator[ContactReason]:
    """Limit calls to one number in any 24 hours and in all (`rules.yaml`, kind `call_limit`)."""
    if facts.attempts is None:
        yield ContactReason.ATTEMPTS_UNKNOWN
        return
    limit = moment.law.call_limit
    if limit.in_all is not None and len(facts.attempts) >= limit.in_all:
        yield ContactReason.ATTEMPTS_EXHAUSTED
    recent = sum(moment.now - called_at < _ATTEMPTS_WINDOW for called_at in facts.attempts)
    if limit.in_24_hours is not None and recent >= limit.in_24_hours:
        yield ContactReason.ATTEMPTS_IN_24_HOURS


def _check_broker_limit(facts: ContactFacts, _: _Moment) -> Iterator[ContactReason]:
    """Keep the broker's own limit, counted by business date (docs/hazards.md, S21)."""
    if facts.broker_limit is None:
        yield ContactReason.BROKER_LIMIT_UNKNOWN
    if facts.broker_used_today is None:
        yield ContactReason.BROKER_USED_TODAY_UNKNOWN
    elif facts.broker_limit is not None and facts.broker_used_today >= facts.broker_limit:
        yield ContactReason.BROKER_LIMIT_REACHED


def _check_broker_hourly_limit(facts: ContactFacts, moment: _Moment) -> Iterator[ContactReason]:
    """Keep the broker's limit of calls in any 60 minutes."""
    if facts.broker_hourly_limit is None:
        yield ContactReason.BROKER_HOURLY_LIMIT_UNKNOWN
    if facts.broker_calls is None:
        yield ContactReason.BROKER_CALLS_UNKNOWN
    elif facts.broker_hourly_limit is not None:
        recent = sum(moment.now - called_at < _BROKER_CALLS_WINDOW for called_at in facts.broker_calls)
        if recent >= facts.broker_hourly_limit:
            yield ContactReason.BROKER_HOURLY_LIMIT_REACHED


def _check_calling_hours(facts: ContactFacts, moment: _Moment) -> Iterator[ContactReason]:
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
    if moment.places and next_calling_time(moment.places, moment.now) != moment.now:
        yield ContactReason.OUTSIDE_CALLING_HOURS


_Rule = Callable[[ContactFacts, _Moment], Iterator[ContactReason]]

_PURPOSES = frozenset({"campaign", "answer", "service"})
_CONTACTABLE_STATUSES = frozenset({"queued", "active", "replied"})
_STATUS_REASONS = {reason.removeprefix("status_"): reason for reason in ContactReason if reason.startswith("status_")}
_RULES: tuple[_Rule, ...] = (
    _check_purpose,
    _check_value,
    _check_suppression,
    _check_status,
    _check_person,
    _check_verification,
    _check_duplicate,
    _check_decision,
    _check_addressee,
    _check_seller,
    _check_consent,
    _check_states,
    _check_reassigned_number,
    _check_dnc_registry,
    _check_call_attempts,
    _check_broker_limit,
    _check_broker_hourly_limit,
    _check_calling_hours,
)
"""All rules in the order in which they are asked."""
_FOR_CALLS: frozenset[_Rule] = frozenset(
    {
        _check_consent,
        _check_states,
        _check_reassigned_number,
        _check_dnc_registry,
        _check_call_attempts,
        _check_broker_hourly_limit,
        _check_calling_hours,
    }
)


@cache
def _select_rules(channel: Channel, *, is_requested: bool, email_requires_consent: bool) -> tuple[_Rule, ...]:
    """Return the rules to ask.

    An answer and a service message are no duplicate of their own campaign, and a decision about calls does not end them. As
    emails they do not count against its limit.
    """
    omitted: set[_Rule] = {_check_duplicate, _check_decision} if is_requested else {_check_addressee}
    if channel == "phone":
        omitted.add(_check_decision)
    else:
        omitted |= _FOR_CALLS
        if is_requested:
            omitted.add(_check_broker_limit)
        elif email_requires_consent:
            omitted.discard(_check_consent)
    return tuple(rule for rule in _RULES if rule not in omitted)
