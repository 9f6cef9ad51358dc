"""Rules of the gate, one by one: an email and a call that are allowed, and the effect of each fact on them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from common.compliance.gate import MAX_CLOCK_SKEW, Consent, ContactFacts, GateDecision, Purpose, decide_contact
from common.compliance.reasons import ContactReason
from common.compliance.time_zones import NO_PLACES, TimeZonePlace, places_of_address, places_of_number
from common.geography.places import STATES
from common.ids import BrokerId

NOW = datetime(2026, 11, 17, 18, 0, tzinfo=UTC)  # a Tuesday, 13:00 in Florida
NUMBER, OTHER_NUMBER = b"n" * 32, b"o" * 32
BROKER, OTHER_BROKER = BrokerId(UUID(int=1)), BrokerId(UUID(int=2))
ALL_STATES = frozenset(STATES.values())
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
CLEARWATER = places_of_address("FL", "33755")

EMAIL = ContactFacts(
    channel="email",
    purpose="campaign",
    value_hash=b"e" * 32,
    suppressed=False,
    status="queued",
    deceased=False,
    litigator=False,
    legal_entity=False,
    verified=True,
    duplicate=False,
    decided_on_calls=False,
    seller=BROKER,
    broker_limit=250,
    broker_used_today=249,
)
ANSWER = replace(
    EMAIL,
    purpose="answer",
    status="replied",
    duplicate=None,
    decided_on_calls=None,
    other_person=False,
    broker_limit=None,
)
CALL = replace(
    EMAIL,
    channel="phone",
    value_hash=NUMBER,
    status="replied",
    consents=(Consent(NUMBER, BROKER, NOW - DAY),),
    withdrawals=(),
    owner_changes=(),
    dnc=False,
    dnc_checked_at=NOW - 30 * DAY,
    attempts=(),
    broker_hourly_limit=500,
    broker_calls=(),
    open_states=ALL_STATES,
    registered_states=ALL_STATES,
    reassigned="not_checked",
    number_places=places_of_number("+17275550142"),
    property_places=CLEARWATER,
    mailing_places=CLEARWATER,
)


def refusals(facts: ContactFacts, now: datetime = NOW, **changes: Any) -> list[str]:
    return [str(reason) for reason in decide_contact(replace(facts, **changes), now).reasons]


def test_a_verified_queued_lead_may_get_an_email() -> None:
    assert decide_contact(EMAIL, NOW) == GateDecision(())
    assert decide_contact(EMAIL, NOW).is_allowed


def test_a_lead_that_signed_for_this_number_and_seller_may_be_called() -> None:
    assert decide_contact(CALL, NOW) == GateDecision(())


def test_an_email_needs_no_fact_of_the_phone_and_has_no_calling_hours() -> None:
    assert refusals(EMAIL, datetime(2026, 11, 22, 4, tzinfo=UTC)) == []


@pytest.mark.parametrize("facts", [EMAIL, CALL], ids=["email", "phone"])
@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"suppressed": True}, ContactReason.SUPPRESSED),
        ({"status": "new"}, ContactReason.STATUS_NEW),
        ({"status": "paused"}, ContactReason.STATUS_PAUSED),
        ({"status": "unsubscribed"}, ContactReason.STATUS_UNSUBSCRIBED),
        ({"status": "do_not_contact"}, ContactReason.STATUS_DO_NOT_CONTACT),
        ({"status": "converted"}, ContactReason.STATUS_CONVERTED),
        ({"status": "invented"}, ContactReason.STATUS_UNKNOWN),
        ({"deceased": True}, ContactReason.DECEASED),
        ({"litigator": True}, ContactReason.LITIGATOR),
        ({"legal_entity": True}, ContactReason.LEGAL_ENTITY),
        ({"verified": False}, ContactReason.UNVERIFIED),
        ({"duplicate": True}, ContactReason.DUPLICATE),
        ({"seller": None}, ContactReason.SELLER_UNKNOWN),
        ({"value_hash": b""}, ContactReason.VALUE_HASH_UNKNOWN),
    ],
)
def test_a_reason_of_both_channels_refuses_without_a_time_to_try_again(
    facts: ContactFacts, change: dict[str, Any], reason: ContactReason
) -> None:
    decision = decide_contact(replace(facts, **change), NOW)
    assert reason in decision.reasons
    assert not decision.is_allowed
    assert decision.try_again_at is None


@pytest.mark.parametrize(
    "field", ["suppressed", "deceased", "litigator", "legal_entity", "verified", "duplicate", "dnc"]
)
@pytest.mark.parametrize("odd", ["", "no", "true", 0, 1, ()])
def test_a_flag_that_is_neither_true_nor_false_counts_as_unknown(field: str, odd: Any) -> None:
    assert refusals(CALL, **{field: odd}) == [f"{field}_unknown"]


def test_a_time_zone_that_this_machine_does_not_know_has_no_calling_hours() -> None:
    places = frozenset({*CLEARWATER, TimeZonePlace("FL", "America/Atlantis")})
    assert decide_contact(replace(CALL, property_places=places), NOW) == GateDecision(
        (ContactReason.OUTSIDE_CALLING_HOURS,)
    )


@pytest.mark.parametrize("channel", [None, "fax", ""])
def test_an_unknown_channel_is_the_only_reason(channel: Any) -> None:
    assert refusals(CALL, channel=channel) == ["channel_unknown"]


def test_a_bounced_email_ends_emails_but_not_calls() -> None:
    assert refusals(EMAIL, status="bounced") == ["status_bounced"]
    assert refusals(CALL, status="bounced") == []


@pytest.mark.parametrize(
    ("decided", "reason"),
    [(True, "decided_on_calls"), (None, "decided_on_calls_unknown"), (1, "decided_on_calls_unknown")],
)
def test_a_decision_about_calls_ends_emails_of_campaigns_and_nothing_else(decided: Any, reason: str) -> None:
    assert refusals(EMAIL, decided_on_calls=decided) == [reason]
    assert refusals(CALL, decided_on_calls=decided) == []
    assert refusals(ANSWER, decided_on_calls=decided) == []


def test_a_decision_has_all_reasons_in_the_order_of_the_gate() -> None:
    assert refusals(CALL, suppressed=True, deceased=True, litigator=True, verified=False, dnc=True) == [
        "suppressed", "deceased", "litigator", "unverified", "on_dnc_list",
    ]  # fmt: skip


def test_the_brokers_limit_refuses_until_the_next_business_date() -> None:
    decision = decide_contact(replace(EMAIL, broker_used_today=250), NOW)
    assert decision == GateDecision((ContactReason.BROKER_LIMIT_REACHED,), datetime(2026, 11, 18, 8, tzinfo=UTC))
    assert refusals(EMAIL, broker_limit=0, broker_used_today=0) == ["broker_limit_reached"]


# Consent


def test_a_call_without_any_consent_is_refused() -> None:
    assert refusals(CALL, consents=()) == ["no_consent"]


def test_consent_for_one_number_does_not_count_for_another() -> None:
    assert refusals(CALL, value_hash=OTHER_NUMBER) == ["consent_for_other_number"]


def test_consent_for_one_seller_does_not_count_for_another() -> None:
    assert refusals(CALL, seller=OTHER_BROKER) == ["consent_for_other_seller"]


def test_a_withdrawal_ends_earlier_consents_and_those_of_the_same_instant() -> None:
    assert refusals(CALL, withdrawals=(NOW - HOUR,)) == ["consent_withdrawn"]
    assert refusals(CALL, withdrawals=(NOW - DAY,)) == ["consent_withdrawn"]


def test_a_person_may_consent_again_after_a_withdrawal() -> None:
    assert refusals(CALL, withdrawals=(NOW - DAY - HOUR,)) == []
    again = (*(CALL.consents or ()), Consent(NUMBER, BROKER, NOW))
    assert refusals(CALL, withdrawals=(NOW - HOUR,), consents=again) == []


def test_a_change_of_owner_ends_earlier_consents() -> None:
    assert refusals(CALL, owner_changes=(NOW - HOUR,)) == ["consent_of_former_owner"]
    assert refusals(CALL, owner_changes=(NOW - 365 * DAY,)) == []


def test_a_consent_from_the_future_does_not_count_except_within_the_clock_skew() -> None:
    assert refusals(CALL, consents=(Consent(NUMBER, BROKER, NOW + DAY),)) == ["no_consent"]
    assert refusals(CALL, consents=(Consent(NUMBER, BROKER, NOW + MAX_CLOCK_SKEW),)) == []


def test_with_email_requires_consent_an_email_needs_the_sellers_consent_for_any_number() -> None:
    consented = replace(EMAIL, consents=CALL.consents, withdrawals=(), owner_changes=())
    assert decide_contact(consented, NOW, email_requires_consent=True).is_allowed
    strict = decide_contact(replace(consented, consents=()), NOW, email_requires_consent=True)
    assert strict.reasons == (ContactReason.NO_CONSENT,)
    assert decide_contact(EMAIL, NOW, email_requires_consent=True).reasons == (
        ContactReason.CONSENTS_UNKNOWN, ContactReason.WITHDRAWALS_UNKNOWN, ContactReason.OWNER_CHANGES_UNKNOWN,
    )  # fmt: skip
    for change, reason in (
        ({"suppressed": True}, ContactReason.SUPPRESSED),
        ({"broker_used_today": 250}, ContactReason.BROKER_LIMIT_REACHED),
    ):
        assert decide_contact(replace(consented, **change), NOW, email_requires_consent=True).reasons == (reason,)
    withdrawn = replace(consented, withdrawals=(NOW,))
    assert decide_contact(withdrawn, NOW, email_requires_consent=True).reasons == (ContactReason.CONSENT_WITHDRAWN,)


# Do-not-call registry


def test_a_number_on_the_registry_is_refused() -> None:
    assert refusals(CALL, dnc=True) == ["on_dnc_list"]


def test_a_look_up_in_the_registry_is_valid_for_31_days() -> None:
    assert refusals(CALL, dnc_checked_at=NOW - 31 * DAY) == []
    assert refusals(CALL, dnc_checked_at=NOW - 31 * DAY - timedelta(seconds=1)) == ["dnc_check_too_old"]


def test_a_look_up_from_the_future_does_not_count_except_within_the_clock_skew() -> None:
    assert refusals(CALL, dnc_checked_at=NOW + HOUR) == ["dnc_check_too_old"]
    assert refusals(CALL, dnc_checked_at=NOW + timedelta(minutes=5)) == []
    assert refusals(CALL, dnc_checked_at=NOW + timedelta(minutes=5, seconds=1)) == ["dnc_check_too_old"]


# Call attempts


def test_a_fourth_call_waits_until_the_first_of_the_last_three_is_a_day_old() -> None:
    attempts = (NOW - HOUR, NOW - 22 * HOUR, NOW - 5 * HOUR)
    assert decide_contact(replace(CALL, attempts=attempts), NOW) == GateDecision(
        (ContactReason.ATTEMPTS_IN_24_HOURS,), NOW + 2 * HOUR
    )
    assert refusals(CALL, NOW + 2 * HOUR, attempts=attempts) == []
    assert refusals(CALL, NOW + 2 * HOUR - timedelta(microseconds=1), attempts=attempts) == ["attempts_in_24_hours"]


def test_if_the_24_hours_end_at_night_the_call_waits_for_the_morning() -> None:
    attempts = (NOW - HOUR, NOW - 2 * HOUR, NOW - 15 * HOUR)
    assert decide_contact(replace(CALL, attempts=attempts), NOW).try_again_at == datetime(2026, 11, 18, 14, tzinfo=UTC)


def test_a_sixth_call_is_refused_for_good() -> None:
    attempts = tuple(NOW - 10 * DAY * number for number in range(1, 6))
    assert decide_contact(replace(CALL, attempts=attempts), NOW) == GateDecision((ContactReason.ATTEMPTS_EXHAUSTED,))
    assert refusals(CALL, attempts=attempts[1:]) == []


# Calling hours


def test_a_call_before_nine_waits_until_nine() -> None:
    early = datetime(2026, 11, 17, 13, 59, tzinfo=UTC)
    assert decide_contact(CALL, early) == GateDecision(
        (ContactReason.OUTSIDE_CALLING_HOURS,), datetime(2026, 11, 17, 14, tzinfo=UTC)
    )


@pytest.mark.parametrize("field", ["number_places", "property_places", "mailing_places"])
def test_the_time_zones_of_number_property_and_mailing_address_all_count(field: str) -> None:
    hawaii = places_of_address("HI", "96815")
    facts = replace(CALL, **{field: hawaii})  # type: ignore[arg-type]  # the field is one of three of this type
    assert refusals(facts) == ["outside_calling_hours"]  # 8:00 there
    assert refusals(facts, NOW + HOUR) == []


@pytest.mark.parametrize("field", ["number_places", "property_places", "mailing_places"])
def test_an_unknown_place_refuses_a_call(field: str) -> None:
    facts = replace(CALL, **{field: NO_PLACES})  # type: ignore[arg-type]  # the field is one of three of this type
    assert refusals(facts) == [f"{field}_unknown"]


def test_without_any_known_place_calling_hours_are_not_checked() -> None:
    nowhere: dict[str, Any] = {"number_places": NO_PLACES, "property_places": NO_PLACES, "mailing_places": NO_PLACES}
    assert refusals(replace(CALL, **nowhere)) == [f"{field}_unknown" for field in nowhere]


def test_the_time_to_try_again_fits_both_the_brokers_limit_and_the_calling_hours() -> None:
    friday = datetime(2026, 11, 20, 18, tzinfo=UTC)
    full = replace(CALL, broker_used_today=250, dnc_checked_at=friday)
    assert decide_contact(full, friday).try_again_at == datetime(2026, 11, 21, 14, tzinfo=UTC)
    in_philadelphia = replace(full, property_places=places_of_address("PA", "19103"), attempts=(friday,) * 3)
    assert decide_contact(in_philadelphia, friday).try_again_at == datetime(
        2026, 11, 23, 14, tzinfo=UTC
    )  # Saturday ends at noon


def test_attempts_that_are_no_reason_do_not_move_the_time_to_try_again() -> None:
    full = replace(CALL, broker_used_today=250, attempts=(NOW - HOUR,))
    assert decide_contact(full, NOW) == GateDecision(
        (ContactReason.BROKER_LIMIT_REACHED,), datetime(2026, 11, 18, 14, tzinfo=UTC)
    )


def test_a_permanent_reason_leaves_no_time_to_try_again() -> None:
    assert decide_contact(replace(CALL, broker_used_today=250, dnc=True), NOW).try_again_at is None


def test_a_time_without_a_zone_raises() -> None:
    with pytest.raises(ValueError, match="no zone"):
        decide_contact(EMAIL, datetime(2026, 11, 17))  # noqa: DTZ001 - the mistake itself


@pytest.mark.parametrize("purpose", ["answer", "service"])
def test_an_answer_and_a_service_message_ignore_the_campaign_and_its_limit(purpose: Purpose) -> None:
    assert refusals(ANSWER, purpose=purpose) == []
    assert (
        refusals(ANSWER, purpose=purpose, duplicate=True, decided_on_calls=True, broker_limit=0, broker_used_today=9)
        == []
    )
    requested = decide_contact(replace(ANSWER, purpose=purpose), NOW, email_requires_consent=True)
    assert requested.is_allowed


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"suppressed": True}, ContactReason.SUPPRESSED),
        ({"deceased": True}, ContactReason.DECEASED),
        ({"litigator": True}, ContactReason.LITIGATOR),
        ({"verified": False}, ContactReason.UNVERIFIED),
        ({"other_person": True}, ContactReason.OTHER_PERSON),
        ({"other_person": None}, ContactReason.OTHER_PERSON_UNKNOWN),
        ({"seller": None}, ContactReason.SELLER_UNKNOWN),
        ({"status": "unsubscribed"}, ContactReason.STATUS_UNSUBSCRIBED),
    ],
)
@pytest.mark.parametrize("purpose", ["answer", "service"])
def test_an_answer_and_a_service_message_are_refused_like_a_campaign(
    purpose: str, change: dict[str, Any], reason: ContactReason
) -> None:
    assert refusals(ANSWER, purpose=purpose, **change) == [reason]


def test_only_a_service_message_reaches_a_converted_lead() -> None:
    assert refusals(ANSWER, purpose="service", status="converted") == []
    assert refusals(ANSWER, purpose="answer", status="converted") == [ContactReason.STATUS_CONVERTED]


@pytest.mark.parametrize("purpose", [None, "", "marketing"])
def test_a_contact_without_a_known_purpose_is_refused(purpose: str | None) -> None:
    assert refusals(EMAIL, purpose=purpose) == [ContactReason.PURPOSE_UNKNOWN]


def test_a_requested_call_keeps_the_limits_of_calls() -> None:
    requested = replace(CALL, purpose="service", other_person=False)
    assert refusals(requested) == []
    assert refusals(requested, broker_limit=1, broker_used_today=1) == [ContactReason.BROKER_LIMIT_REACHED]


def test_the_hourly_limit_of_calls_ends_when_its_oldest_call_leaves_the_hour() -> None:
    calls = tuple(NOW - timedelta(minutes=minutes) for minutes in (5, 50, 20, 70))
    assert refusals(CALL, broker_hourly_limit=4, broker_calls=calls) == []
    decision = decide_contact(replace(CALL, broker_hourly_limit=2, broker_calls=calls), NOW)
    assert decision.reasons == (ContactReason.BROKER_HOURLY_LIMIT_REACHED,)
    assert decision.try_again_at == NOW - timedelta(minutes=20) + HOUR
    assert decide_contact(replace(CALL, broker_hourly_limit=0), NOW) == GateDecision(
        (ContactReason.BROKER_HOURLY_LIMIT_REACHED,)
    )


def test_a_consent_must_cover_calls() -> None:
    texts_only = Consent(NUMBER, BROKER, NOW - DAY, frozenset({"texts"}))
    assert refusals(CALL, consents=(texts_only,)) == [ContactReason.CONSENT_WITHOUT_CALLS]
    both = Consent(NUMBER, BROKER, NOW - 2 * DAY, frozenset({"calls", "texts"}))
    assert refusals(CALL, consents=(texts_only, both)) == []
    later = (NOW - 1.5 * DAY,)
    assert refusals(CALL, consents=(texts_only, both), withdrawals=later) == [ContactReason.CONSENT_WITHDRAWN]


def test_a_call_into_a_state_that_is_not_open_is_refused_wherever_the_person_may_be() -> None:
    assert refusals(CALL, open_states=frozenset()) == [ContactReason.STATE_NOT_OPEN]
    assert refusals(CALL, open_states=frozenset({"FL"})) == []
    georgia: dict[str, Any] = {"mailing_places": places_of_address("GA", "30303")}
    assert refusals(CALL, open_states=frozenset({"FL"}), **georgia) == [ContactReason.STATE_NOT_OPEN]


def test_an_artificial_voice_calls_no_person_who_may_be_in_california() -> None:
    evening = datetime(2026, 11, 17, 20, tzinfo=UTC)
    for place in ("number_places", "property_places", "mailing_places"):
        found = refusals(CALL, evening, **{place: places_of_address("CA", "90210")})
        assert found == [ContactReason.STATE_WANTS_HUMAN_FIRST]


def test_a_state_that_demands_a_registration_is_called_with_one_only() -> None:
    texas: dict[str, Any] = {
        "property_places": places_of_address("TX", "75201"),
        "open_states": frozenset({"FL", "TX"}),
    }
    assert refusals(CALL, registered_states=frozenset({"FL"}), **texas) == [ContactReason.REGISTRATION_MISSING]
    assert refusals(CALL, registered_states=frozenset({"FL", "TX"}), **texas) == []


def test_a_consent_is_valid_for_a_year_or_as_long_as_the_setting_says() -> None:
    year_old = (Consent(NUMBER, BROKER, NOW - 365 * DAY),)
    looked_up: dict[str, Any] = {"reassigned": "no", "reassigned_checked_at": NOW}
    assert refusals(CALL, consents=year_old, **looked_up) == []
    older = (Consent(NUMBER, BROKER, NOW - 365 * DAY - HOUR),)
    assert refusals(CALL, consents=older, **looked_up) == [ContactReason.CONSENT_TOO_OLD]
    facts = replace(CALL, consents=(Consent(NUMBER, BROKER, NOW - 31 * DAY),))
    assert decide_contact(facts, NOW, consent_max_age_days=31).is_allowed
    assert decide_contact(facts, NOW, consent_max_age_days=30).reasons == (ContactReason.CONSENT_TOO_OLD,)


def test_an_old_consent_needs_a_look_up_in_the_database_of_reassigned_numbers() -> None:
    old = (Consent(NUMBER, BROKER, NOW - 91 * DAY),)
    assert refusals(CALL, consents=old) == [ContactReason.REASSIGNED_UNKNOWN]
    assert refusals(CALL, consents=old, reassigned="no") == [ContactReason.REASSIGNED_UNKNOWN]
    for age, expected in ((31 * DAY, []), (32 * DAY, [ContactReason.REASSIGNED_UNKNOWN])):
        assert refusals(CALL, consents=old, reassigned="no", reassigned_checked_at=NOW - age) == expected
    future: dict[str, Any] = {"reassigned": "no", "reassigned_checked_at": NOW + HOUR}
    assert refusals(CALL, consents=old, **future) == [ContactReason.REASSIGNED_UNKNOWN]


def test_maine_needs_the_look_up_for_every_call() -> None:
    maine: dict[str, Any] = {"property_places": places_of_address("ME", "04101")}
    assert refusals(CALL, **maine) == [ContactReason.REASSIGNED_UNKNOWN]
    assert refusals(CALL, reassigned="no", reassigned_checked_at=NOW, **maine) == []


@pytest.mark.parametrize(
    ("value", "reason"), [("yes", "number_reassigned"), (None, "reassigned_unknown"), ("?", "reassigned_unknown")]
)
def test_a_reassigned_number_or_an_unknown_result_refuses(value: Any, reason: str) -> None:
    assert refusals(CALL, reassigned=value, reassigned_checked_at=NOW) == [reason]
