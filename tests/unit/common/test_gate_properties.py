"""Properties of the gate for any facts at any time: it fails closed, and never allows a call outside calling hours."""

from dataclasses import fields, replace
from datetime import UTC, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from common.compliance.gate import MAX_CLOCK_SKEW, Consent, ContactFacts, decide_contact
from common.compliance.reasons import TEMPORARY_REASONS, ContactReason
from common.compliance.time_zones import TimeZonePlace, places_of_address
from common.geography.places import STATES
from common.ids import BrokerId

FIELDS = [field.name for field in fields(ContactFacts)]
HASHES, SELLERS = [b"a" * 32, b"b" * 32], [BrokerId(UUID(int=1)), BrokerId(UUID(int=2))]
STATUSES = ["new", "queued", "active", "replied", "paused", "bounced", "unsubscribed", "do_not_contact", "converted"]
START = datetime(2026, 1, 1, tzinfo=UTC)
DAYLIGHT_SAVING_CHANGES = [
    datetime(2026, 3, 8, 10, tzinfo=UTC), datetime(2026, 11, 1, 9, tzinfo=UTC),
    datetime(2027, 3, 14, 10, tzinfo=UTC), datetime(2027, 11, 7, 9, tzinfo=UTC),
]  # fmt: skip

instants = st.one_of(
    st.integers(0, 2 * 365 * 24 * 60).map(lambda minutes: START + timedelta(minutes=minutes)),
    st.builds(
        lambda change, minutes: change + timedelta(minutes=minutes),
        st.sampled_from(DAYLIGHT_SAVING_CHANGES),
        st.integers(-2_880, 2_880),
    ),
)
places = st.frozensets(
    st.sampled_from(sorted({place for state in STATES.values() for place in places_of_address(state, None)})),
    max_size=3,
)

coverages = st.sampled_from([frozenset({"calls"}), frozenset({"calls", "texts"}), frozenset({"texts"})])


def mostly(*values: Any) -> st.SearchStrategy[Any]:
    """Return a strategy that mostly draws the first value, so that facts that pass are not rare."""
    return st.sampled_from([values[0]] * 12 + list(values))


@st.composite
def all_facts(draw: st.DrawFn, now: datetime) -> ContactFacts:
    """Draw complete facts, close to facts that pass at *now*."""
    past = st.integers(0, 60 * 24 * 40).map(lambda minutes: now - timedelta(minutes=minutes))
    return ContactFacts(
        channel=draw(st.sampled_from(["email", "phone"])),
        purpose=draw(st.sampled_from(["campaign", "answer", "service"])),
        value_hash=draw(mostly(*HASHES)),
        suppressed=draw(mostly(False, True)),
        status=draw(st.sampled_from(["queued", "active", "replied"] * 4 + STATUSES)),
        deceased=draw(mostly(False, True)),
        litigator=draw(mostly(False, True)),
        legal_entity=draw(mostly(False, True)),
        verified=draw(mostly(True, False)),
        duplicate=draw(mostly(False, True)),
        decided_on_calls=draw(mostly(False, True)),
        other_person=draw(mostly(False, True)),
        seller=draw(mostly(*SELLERS)),
        broker_limit=draw(mostly(250, 10, 0)),
        broker_used_today=draw(mostly(0, 10, 250)),
        consents=tuple(
            draw(st.lists(st.builds(Consent, mostly(*HASHES), mostly(*SELLERS), past, coverages), max_size=3))
        ),
        withdrawals=tuple(draw(st.lists(past, max_size=1))),
        owner_changes=tuple(draw(st.lists(past, max_size=1))),
        dnc=draw(mostly(False, True)),
        dnc_checked_at=draw(past),
        attempts=tuple(draw(st.lists(past, max_size=6))),
        broker_hourly_limit=draw(mostly(500, 2, 1)),
        broker_calls=tuple(draw(st.lists(past, max_size=3))),
        open_states=draw(mostly(frozenset(STATES.values()), frozenset({"FL", "TX"}))),
        registered_states=draw(mostly(frozenset(STATES.values()), frozenset())),
        reassigned=draw(mostly("no", "not_checked", "yes")),
        reassigned_checked_at=draw(past),
        number_places=draw(places),
        property_places=draw(places),
        mailing_places=draw(places),
    )


@st.composite
def cases(draw: st.DrawFn) -> tuple[ContactFacts, datetime]:
    now = draw(instants)
    return draw(all_facts(now)), now


ALLOWED_CALL = ContactFacts(
    channel="phone", purpose="campaign", value_hash=HASHES[0], suppressed=False, status="replied", deceased=False, litigator=False,
    legal_entity=False, verified=True,
    duplicate=False, seller=SELLERS[0], broker_limit=250, broker_used_today=0,
    consents=(Consent(HASHES[0], SELLERS[0], START + timedelta(days=310)),), withdrawals=(), owner_changes=(), dnc=False,
    attempts=(), broker_hourly_limit=500, broker_calls=(), open_states=frozenset(STATES.values()),
    registered_states=frozenset(STATES.values()), reassigned="not_checked",
    number_places=places_of_address("FL", "33755"), property_places=places_of_address("FL", "33755"),
    mailing_places=places_of_address("FL", "33755"),
)  # fmt: skip
MIDDAY = datetime(2026, 11, 17, 18, tzinfo=UTC)


@pytest.mark.parametrize(
    "field", [field for field in FIELDS if field not in ("decided_on_calls", "other_person", "reassigned_checked_at")]
)
def test_each_missing_fact_refuses_a_call_under_its_own_name(field: str) -> None:
    call = replace(ALLOWED_CALL, dnc_checked_at=MIDDAY)
    assert decide_contact(call, MIDDAY).is_allowed
    assert decide_contact(replace(call, **{field: None}), MIDDAY).reasons[0] == ContactReason(f"{field}_unknown")


def test_a_contact_without_facts_is_refused() -> None:
    assert not decide_contact(ContactFacts(), MIDDAY).is_allowed
    assert not decide_contact(ContactFacts(channel="email"), MIDDAY).is_allowed
    assert not decide_contact(ContactFacts(channel="phone"), MIDDAY).is_allowed


@given(case=cases(), missing=st.sets(st.sampled_from(FIELDS), min_size=1), strict=st.booleans())
def test_removing_facts_never_allows_a_refused_contact(
    case: tuple[ContactFacts, datetime], missing: set[str], strict: bool
) -> None:
    facts, now = case
    incomplete = replace(facts, **dict.fromkeys(missing))
    if decide_contact(incomplete, now, email_requires_consent=strict).is_allowed:
        assert decide_contact(facts, now, email_requires_consent=strict).is_allowed


@pytest.mark.parametrize("field", FIELDS)
@given(case=cases())
def test_removing_one_fact_never_allows_a_refused_contact(field: str, case: tuple[ContactFacts, datetime]) -> None:
    facts, now = case
    if not decide_contact(facts, now).is_allowed:
        assert not decide_contact(replace(facts, **{field: None}), now).is_allowed


def _worse_facts(facts: ContactFacts, at: datetime) -> list[ContactFacts]:
    """Return the same facts with one more reason against a contact, for each kind of reason."""
    return [
        replace(facts, suppressed=True),
        replace(facts, deceased=True),
        replace(facts, litigator=True),
        replace(facts, legal_entity=True),
        replace(facts, duplicate=True),
        replace(facts, decided_on_calls=True),
        replace(facts, other_person=True),
        replace(facts, reassigned="yes"),
        replace(facts, open_states=frozenset()),
        replace(facts, registered_states=frozenset()),
        replace(facts, broker_calls=(*(facts.broker_calls or ()), at)),
        replace(facts, dnc=True),
        replace(facts, verified=False),
        replace(facts, withdrawals=(*(facts.withdrawals or ()), at)),
        replace(facts, owner_changes=(*(facts.owner_changes or ()), at)),
        replace(facts, attempts=(*(facts.attempts or ()), at)),
        replace(facts, broker_used_today=(facts.broker_used_today or 0) + 1),
        replace(
            facts,
            property_places=facts.property_places and facts.property_places | {TimeZonePlace("HI", "Pacific/Honolulu")},
        ),
    ]


@given(case=cases(), minutes_ago=st.integers(0, 60 * 24 * 40))
def test_a_further_fact_against_a_contact_never_allows_it(
    case: tuple[ContactFacts, datetime], minutes_ago: int
) -> None:
    facts, now = case
    if not decide_contact(facts, now).is_allowed:
        assert not any(
            decide_contact(worse, now).is_allowed for worse in _worse_facts(facts, now - timedelta(minutes=minutes_ago))
        )


@given(case=cases())
def test_with_email_requires_consent_no_reason_disappears(case: tuple[ContactFacts, datetime]) -> None:
    facts, now = case
    email = replace(facts, channel="email")
    assert set(decide_contact(email, now).reasons) <= set(
        decide_contact(email, now, email_requires_consent=True).reasons
    )
    call = replace(facts, channel="phone")
    assert decide_contact(call, now) == decide_contact(call, now, email_requires_consent=True)


@given(case=cases())
def test_a_suppressed_value_is_never_contacted(case: tuple[ContactFacts, datetime]) -> None:
    facts, now = case
    assert ContactReason.SUPPRESSED in decide_contact(replace(facts, suppressed=True), now).reasons


@given(now=instants, number=places, home=places, mailing=places)
def test_an_allowed_call_is_in_the_calling_hours_of_every_possible_place(
    now: datetime, number: frozenset[TimeZonePlace], home: frozenset[TimeZonePlace], mailing: frozenset[TimeZonePlace]
) -> None:
    facts = replace(
        ALLOWED_CALL,
        consents=(Consent(HASHES[0], SELLERS[0], now),),
        dnc_checked_at=now,
        reassigned="no",
        reassigned_checked_at=now,
        number_places=number,
        property_places=home,
        mailing_places=mailing,
    )
    decision = decide_contact(facts, now)
    if decision.is_allowed:
        for place in number | home | mailing:
            local = now.astimezone(ZoneInfo(place.zone))
            assert time(9) <= local.time() < time(20)
            assert local.weekday() != 6
    elif decision.try_again_at is None:
        possible = number | home | mailing
        in_california = any(place.state == "CA" for place in possible)
        assert not (number and home and mailing) or len(possible) > 1 or in_california


@given(now=instants, places=places.filter(bool))
def test_the_gate_allows_at_the_time_to_try_again_and_not_a_minute_before(
    now: datetime, places: frozenset[TimeZonePlace]
) -> None:
    facts = replace(
        ALLOWED_CALL,
        consents=(Consent(HASHES[0], SELLERS[0], now),),
        dnc_checked_at=now,
        reassigned="no",
        reassigned_checked_at=now,
        number_places=places,
        property_places=places,
        mailing_places=places,
    )
    again = decide_contact(facts, now).try_again_at
    assume(again)
    assert again
    assert again > now
    assert decide_contact(facts, again).is_allowed
    if again - timedelta(minutes=1) >= now:
        assert decide_contact(facts, again - timedelta(minutes=1)).reasons == (ContactReason.OUTSIDE_CALLING_HOURS,)


@given(case=cases())
def test_only_reasons_that_end_with_time_have_a_time_to_try_again_and_reasons_are_in_order(
    case: tuple[ContactFacts, datetime],
) -> None:
    facts, now = case
    decision = decide_contact(facts, now)
    order = list(ContactReason)
    assert [order.index(reason) for reason in decision.reasons] == sorted(
        {order.index(reason) for reason in decision.reasons}
    )
    if decision.try_again_at:
        assert TEMPORARY_REASONS.issuperset(decision.reasons)
        assert decision.try_again_at > now
        fresh = (
            replace(facts, broker_used_today=-1) if ContactReason.BROKER_LIMIT_REACHED in decision.reasons else facts
        )
        assert (
            not TEMPORARY_REASONS & set(decide_contact(fresh, decision.try_again_at).reasons) or facts.broker_limit == 0
        )


@given(case=cases(), seconds=st.integers(int(MAX_CLOCK_SKEW.total_seconds()) + 1, 10**8))
def test_facts_from_the_future_allow_nothing(case: tuple[ContactFacts, datetime], seconds: int) -> None:
    facts, now = case
    later = now + timedelta(seconds=seconds)
    future = replace(
        facts, channel="phone", consents=tuple(replace(consent, at=later) for consent in facts.consents or ())
    )
    assert not decide_contact(future, now).is_allowed
    assert not decide_contact(replace(facts, channel="phone", dnc_checked_at=later), now).is_allowed
