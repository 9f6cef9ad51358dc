"""What answers mean for contacts: value by value, whatever order they come in."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skiptrace.codes import CodeMap, Flags
from skiptrace.lead import Answer, Contact, Finding, Found
from skiptrace.merge import apply, grade, person_flags, verification

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
LEAD = UUID(int=1)
CODES = CodeMap(
    [
        ("melissa", "phone", "PS01", Flags(verified=True)),
        ("melissa", "phone", "PS07", Flags(line_type="mobile")),
        ("melissa", "phone", "PE01", Flags(verified=False)),
        ("melissa", "email", "ES01", Flags(verified=True)),
        ("melissa", "person", "DD01", Flags(deceased=True)),
        ("batchdata", "phone", "reachable", Flags(verified=True)),
        ("melissa", "phone", "PE*", Flags(verified=False)),
        ("batchdata", "phone", "mobile", Flags(line_type="mobile")),
        ("batchdata", "phone", "landline", Flags(line_type="landline")),
        ("batchdata", "phone", "tcpa", Flags(litigator=True)),
        ("batchdata", "phone", "not_tcpa", Flags(litigator=False)),
        ("batchdata", "phone", "dnc", Flags(dnc=True)),
        ("batchdata", "phone", "not_dnc", Flags(dnc=False)),
        ("batchdata", "person", "litigator", Flags(litigator=True)),
        ("tlo", "phone", "found", Flags()),
        ("tlo", "phone", "mobile", Flags(line_type="mobile")),
    ]
)
P1, P2 = "+17275550142", "+17275550177"


def contact(value: str, **known: Any) -> Contact:
    return Contact("phone", value, value.encode(), "propstream", 0, **known)


def answer(*contacts: Found, provider: str = "melissa", at: datetime = NOW, person: tuple[str, ...] = ()) -> Answer:
    return Answer(UUID(int=2), provider, at, Finding(LEAD, matched=True, contacts=contacts, person_codes=person))


def after(known: list[Contact], *answers: Answer) -> dict[str, Contact]:
    contacts = {one.key: one for one in known}
    for one in answers:
        hashes = {found.value: found.value.encode() for found in one.finding.contacts}
        contacts = apply(contacts, one, CODES, hashes)
    return {one.value: one for one in contacts.values()}


def test_a_verdict_about_one_number_says_nothing_about_another() -> None:
    found = after([contact(P1), contact(P2)], answer(Found("phone", P1, ("PS01", "PS07"))))
    assert (found[P1].verified, found[P1].line_type, found[P1].verified_at) == (True, "mobile", NOW)
    assert found[P2] == contact(P2)


def test_a_code_that_rules_out_beats_one_that_verifies() -> None:
    assert after([contact(P1)], answer(Found("phone", P1, ("PS01", "PE01"))))[P1].verified is False


def test_a_value_that_was_looked_at_counts_as_judged_even_if_nothing_was_said() -> None:
    found = after([contact(P1)], answer(Found("phone", P1)))[P1]
    assert found.verified is None
    assert found.judged_since(NOW - timedelta(days=1))


def test_a_value_that_was_only_listed_still_waits_for_a_judgement_and_leaves_one_that_was_made() -> None:
    listed = answer(Found("phone", P1, ("found", "mobile"), judged=False), provider="tlo", at=NOW + timedelta(days=1))
    found = after([], listed)[P1]
    assert (found.verified, found.verified_at, found.line_type, found.source) == (None, None, "mobile", "tlo")
    known = after([contact(P1)], answer(Found("phone", P1, ("PE01",))), listed)[P1]
    assert (known.verified, known.verified_at, known.codes) == (False, NOW, ("PE01",))


def test_an_older_answer_never_overrides_a_newer_one() -> None:
    good, bad = Found("phone", P1, ("PS01",)), Found("phone", P1, ("PE01",))
    late = after([contact(P1)], answer(good), answer(bad, at=NOW - timedelta(days=3)))
    assert late[P1].verified is True


def test_do_not_call_of_a_file_stands_against_a_check_and_a_checks_gives_way_to_a_newer_check() -> None:
    free = answer(Found("phone", P1, ("not_dnc",)), provider="batchdata")
    assert after([contact(P1, dnc=True)], free)[P1].dnc is True
    checked = contact(P1, dnc=True, dnc_checked_at=NOW - timedelta(days=40))
    found = after([checked], free)[P1]
    assert (found.dnc, found.dnc_checked_at) == (False, NOW)


def test_a_litigator_is_one_for_good() -> None:
    sued = answer(Found("phone", P1, ("reachable",)), provider="batchdata", person=("litigator",))
    later = answer(Found("phone", P1, ("PS01",)), at=NOW + timedelta(days=1))
    found = after([], sued, later)[P1]
    assert (found.litigator, found.verified) == (True, True)
    assert not found.is_good(NOW - timedelta(days=1))
    assert person_flags([sued], CODES) == {"litigator"}


def test_the_best_contact_is_verified_and_callable_before_it_is_first() -> None:
    listed = contact(P1, verified=True, verified_at=NOW, dnc=True)
    free = Contact("phone", P2, P2.encode(), "batchdata", 9, verified=True, verified_at=NOW)
    stale = contact("+17275550100", verified=True, verified_at=NOW - timedelta(days=400))
    assert verification([listed, free, stale], NOW - timedelta(days=180)).phone == free
    assert verification([listed, stale], NOW - timedelta(days=180)).phone == listed
    assert verification([stale], NOW - timedelta(days=180)).outcome is None


def test_an_answer_without_a_verdict_does_not_make_an_old_one_new() -> None:
    old = contact(P1, verified=True, verified_at=NOW - timedelta(days=200), codes=("PS01",))
    assert after([old], answer(Found("phone", P1, ("landline",)), provider="batchdata"))[P1] == replace(
        old, line_type="landline"
    )


def test_a_code_of_the_future_is_what_its_family_is() -> None:
    assert after([contact(P1)], answer(Found("phone", P1, ("PS01", "PE99"))))[P1].verified is False
    assert after([contact(P1)], answer(Found("phone", P1, ("PS99",))))[P1].verified is None
    assert after([contact(P1)], answer(Found("phone", P1, ("PS01", "PS99"))))[P1].verified is True


def test_a_check_says_nothing_of_whether_a_number_is_good_and_adds_none() -> None:
    known = contact(P1, verified=True, verified_at=NOW - timedelta(days=9), codes=("PS01",))
    looked_up = [Found("phone", value, ("dnc",), is_check=True) for value in (P1, P2)]
    found = after([known], answer(*looked_up, provider="batchdata"))
    assert found == {P1: replace(known, dnc=True, dnc_checked_at=NOW)}


def test_a_check_without_a_verdict_leaves_everything_as_it_was() -> None:
    for known in (contact(P1), contact(P1, dnc=False, dnc_checked_at=NOW - timedelta(days=40))):
        assert after([known], answer(Found("phone", P1, (), is_check=True), provider="batchdata"))[P1] == known


CODES_OF = {
    "melissa": ["PS01", "PE01", "PS07", "PE99", "PS99"],
    "batchdata": ["reachable", "mobile", "landline", "dnc", "not_dnc", "tcpa", "not_tcpa"],
}
some_values = st.sampled_from([P1, P2])


@st.composite
def answers(draw: st.DrawFn) -> Answer:
    provider = draw(st.sampled_from(list(CODES_OF)))
    codes = st.lists(st.sampled_from(CODES_OF[provider]), max_size=3, unique=True).map(tuple)
    founds = st.builds(Found, channel=st.just("phone"), value=some_values, codes=codes, is_check=st.booleans())
    contacts = draw(st.lists(founds, max_size=2, unique_by=lambda found: found.value))
    person = draw(st.sampled_from([(), ("litigator",)])) if provider == "batchdata" else ()
    return answer(*contacts, provider=provider, at=NOW + timedelta(days=draw(st.integers(0, 3))), person=person)


some_answers = st.lists(answers(), max_size=5)
starts = st.builds(contact, some_values, dnc=st.sampled_from([None, False, True])).map(
    lambda one: [one, contact(P2 if one.value == P1 else P1)]
)


@given(starts, some_answers)
def test_the_same_answers_again_change_nothing(start: list[Contact], some: list[Answer]) -> None:
    once = after(start, *some)
    assert after(list(once.values()), *some) == once


@given(starts, some_answers, st.randoms(use_true_random=False))
def test_flags_do_not_depend_on_the_order_of_answers(start: list[Contact], some: list[Answer], random: Random) -> None:
    shuffled = random.sample(some, len(some))
    assert after(start, *shuffled) == after(start, *some)


@given(starts, some_answers)
def test_a_value_of_which_nobody_spoke_stays_as_it_was(start: list[Contact], some: list[Answer]) -> None:
    named = {found.value for one in some for found in one.finding.contacts}
    found = after(start, *some)
    assert {value: one for value, one in found.items() if value not in named} == {
        one.value: one for one in start if one.value not in named
    }


@given(starts, some_answers)
def test_only_a_plain_no_says_that_a_number_is_on_no_list(start: list[Contact], some: list[Answer]) -> None:
    begun = {one.value: one.dnc for one in start}
    for value, found in after(start, *some).items():
        if found.dnc is False and found.dnc_checked_at is not None:
            codes = {code for one in some for f in one.finding.contacts if f.value == value for code in f.codes}
            assert "not_dnc" in codes
            assert begun[value] is not True, "what a file said stands"


@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        ("AS01,PS01,VR01", "A"), ("AS01,VR01", "B"), ("AS02,VR01,PS01", "B"), ("AS01,PS01", "C"), ("AE02,VR01", "D"),
        ("AS01,VR01,PS01,DD01", "F"), ("", None), ("PS01,ES01", None), ("AS17", None),
    ],
)  # fmt: skip
def test_the_grade_follows_the_contract(codes: str, expected: str | None) -> None:
    assert grade(filter(None, codes.split(","))) == expected


def test_no_check_takes_back_a_remark_that_forbids() -> None:
    number = "+17275550142"
    forbidden = answer(Found("phone", number, ("found",), judged=False, forbidden=True))
    check = answer(
        Found("phone", number, ("not_dnc",), is_check=True), provider="batchdata_dnc", at=NOW + timedelta(days=1)
    )
    for order in ((forbidden, check), (check, forbidden)):
        found = after([contact(number)], *order)[number]
        assert (found.dnc, found.dnc_checked_at) == (True, None)
