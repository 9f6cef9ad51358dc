"""Merging of responses into contacts: by value, and independent of their order."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.ids import LeadId, RequestId
from skiptrace.rules.lead import ContactMatch, LeadContact, LeadResult, StoredResponse
from skiptrace.rules.merge import choose_best_contacts, grade_melissa_codes, list_person_flags, merge_response
from skiptrace.rules.verification_codes import CodeFlags, CodeMap

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
LEAD = LeadId(UUID(int=1))
CODES = CodeMap(
    [
        ("melissa", "phone", "PS01", CodeFlags(verified=True)),
        ("melissa", "phone", "PS07", CodeFlags(line_type="mobile")),
        ("melissa", "phone", "PE01", CodeFlags(verified=False)),
        ("melissa", "email", "ES01", CodeFlags(verified=True)),
        ("melissa", "person", "DD01", CodeFlags(deceased=True)),
        ("batchdata", "phone", "reachable", CodeFlags(verified=True)),
        ("melissa", "phone", "PE*", CodeFlags(verified=False)),
        ("batchdata", "phone", "mobile", CodeFlags(line_type="mobile")),
        ("batchdata", "phone", "landline", CodeFlags(line_type="landline")),
        ("batchdata", "phone", "tcpa", CodeFlags(litigator=True)),
        ("batchdata", "phone", "not_tcpa", CodeFlags(litigator=False)),
        ("batchdata", "phone", "dnc", CodeFlags(dnc=True)),
        ("batchdata", "phone", "not_dnc", CodeFlags(dnc=False)),
        ("batchdata", "person", "litigator", CodeFlags(litigator=True)),
        ("tlo", "phone", "found", CodeFlags()),
        ("tlo", "phone", "mobile", CodeFlags(line_type="mobile")),
    ]
)
P1, P2 = "+17275550142", "+17275550177"


def contact(value: str, **known: Any) -> LeadContact:
    return LeadContact("phone", value, value.encode(), "propstream", 0, **known)


def response(
    *contacts: ContactMatch, provider: str = "melissa", at: datetime = NOW, person: tuple[str, ...] = ()
) -> StoredResponse:
    return StoredResponse(
        RequestId(UUID(int=2)), provider, at, LeadResult(LEAD, matched=True, contacts=contacts, person_codes=person)
    )


def after(known: list[LeadContact], *responses: StoredResponse) -> dict[str, LeadContact]:
    contacts = {one.key: one for one in known}
    for one in responses:
        hashes = {found.value: found.value.encode() for found in one.result.contacts}
        contacts = merge_response(contacts, one, CODES, hashes)
    return {one.value: one for one in contacts.values()}


def test_a_verification_of_one_number_does_not_affect_another() -> None:
    found = after([contact(P1), contact(P2)], response(ContactMatch("phone", P1, ("PS01", "PS07"))))
    assert (found[P1].verified, found[P1].line_type, found[P1].verified_at) == (True, "mobile", NOW)
    assert found[P2] == contact(P2)


def test_a_code_that_rules_out_beats_one_that_verifies() -> None:
    assert after([contact(P1)], response(ContactMatch("phone", P1, ("PS01", "PE01"))))[P1].verified is False


def test_a_result_without_a_statement_still_counts_as_a_result() -> None:
    found = after([contact(P1)], response(ContactMatch("phone", P1)))[P1]
    assert found.verified is None
    assert found.has_result_since(NOW - timedelta(days=1))


def test_a_listed_value_stays_unverified_and_changes_no_verification() -> None:
    listed = response(
        ContactMatch("phone", P1, ("found", "mobile"), is_listed_only=True), provider="tlo", at=NOW + timedelta(days=1)
    )
    found = after([], listed)[P1]
    assert (found.verified, found.verified_at, found.line_type, found.source) == (None, None, "mobile", "tlo")
    known = after([contact(P1)], response(ContactMatch("phone", P1, ("PE01",))), listed)[P1]
    assert (known.verified, known.verified_at, known.codes) == (False, NOW, ("PE01",))


def test_an_older_response_never_overrides_a_newer_one() -> None:
    good, bad = ContactMatch("phone", P1, ("PS01",)), ContactMatch("phone", P1, ("PE01",))
    late = after([contact(P1)], response(good), response(bad, at=NOW - timedelta(days=3)))
    assert late[P1].verified is True


def test_no_check_clears_a_do_not_call_mark_of_a_file_and_a_newer_check_replaces_an_older_one() -> None:
    free = response(ContactMatch("phone", P1, ("not_dnc",)), provider="batchdata")
    assert after([contact(P1, dnc=True)], free)[P1].dnc is True
    checked = contact(P1, dnc=True, dnc_checked_at=NOW - timedelta(days=40))
    found = after([checked], free)[P1]
    assert (found.dnc, found.dnc_checked_at) == (False, NOW)


def test_a_litigator_mark_is_final() -> None:
    litigator = response(ContactMatch("phone", P1, ("reachable",)), provider="batchdata", person=("litigator",))
    later = response(ContactMatch("phone", P1, ("PS01",)), at=NOW + timedelta(days=1))
    found = after([], litigator, later)[P1]
    assert (found.litigator, found.verified) == (True, True)
    assert not found.is_usable(NOW - timedelta(days=1))
    assert list_person_flags([litigator], CODES) == {"litigator"}


def test_the_best_contact_is_verified_then_callable_then_first_by_rank() -> None:
    listed = contact(P1, verified=True, verified_at=NOW, dnc=True)
    free = LeadContact("phone", P2, P2.encode(), "batchdata", 9, verified=True, verified_at=NOW)
    outdated = contact("+17275550100", verified=True, verified_at=NOW - timedelta(days=400))
    assert choose_best_contacts([listed, free, outdated], NOW - timedelta(days=180)).phone == free
    assert choose_best_contacts([listed, outdated], NOW - timedelta(days=180)).phone == listed
    assert choose_best_contacts([outdated], NOW - timedelta(days=180)).outcome is None


def test_a_response_without_a_statement_does_not_renew_an_old_verification() -> None:
    old = contact(P1, verified=True, verified_at=NOW - timedelta(days=200), codes=("PS01",))
    assert after([old], response(ContactMatch("phone", P1, ("landline",)), provider="batchdata"))[P1] == replace(
        old, line_type="landline"
    )


def test_an_unknown_code_takes_the_flags_of_its_family() -> None:
    assert after([contact(P1)], response(ContactMatch("phone", P1, ("PS01", "PE99"))))[P1].verified is False
    assert after([contact(P1)], response(ContactMatch("phone", P1, ("PS99",))))[P1].verified is None
    assert after([contact(P1)], response(ContactMatch("phone", P1, ("PS01", "PS99"))))[P1].verified is True


def test_a_check_neither_verifies_a_number_nor_adds_one() -> None:
    known = contact(P1, verified=True, verified_at=NOW - timedelta(days=9), codes=("PS01",))
    checked_matches = [ContactMatch("phone", value, ("dnc",), is_check=True) for value in (P1, P2)]
    found = after([known], response(*checked_matches, provider="batchdata"))
    assert found == {P1: replace(known, dnc=True, dnc_checked_at=NOW)}


def test_a_check_without_a_statement_changes_nothing() -> None:
    for known in (contact(P1), contact(P1, dnc=False, dnc_checked_at=NOW - timedelta(days=40))):
        assert after([known], response(ContactMatch("phone", P1, (), is_check=True), provider="batchdata"))[P1] == known


CODES_OF = {
    "melissa": ["PS01", "PE01", "PS07", "PE99", "PS99"],
    "batchdata": ["reachable", "mobile", "landline", "dnc", "not_dnc", "tcpa", "not_tcpa"],
}
some_values = st.sampled_from([P1, P2])


@st.composite
def responses(draw: st.DrawFn) -> StoredResponse:
    provider = draw(st.sampled_from(list(CODES_OF)))
    codes = st.lists(st.sampled_from(CODES_OF[provider]), max_size=3, unique=True).map(tuple)
    matches = st.builds(ContactMatch, channel=st.just("phone"), value=some_values, codes=codes, is_check=st.booleans())
    contacts = draw(st.lists(matches, max_size=2, unique_by=lambda match: match.value))
    person = draw(st.sampled_from([(), ("litigator",)])) if provider == "batchdata" else ()
    return response(*contacts, provider=provider, at=NOW + timedelta(days=draw(st.integers(0, 3))), person=person)


some_responses = st.lists(responses(), max_size=5)
starts = st.builds(contact, some_values, dnc=st.sampled_from([None, False, True])).map(
    lambda one: [one, contact(P2 if one.value == P1 else P1)]
)


@given(starts, some_responses)
def test_merging_the_same_responses_again_changes_nothing(start: list[LeadContact], some: list[StoredResponse]) -> None:
    once = after(start, *some)
    assert after(list(once.values()), *some) == once


@given(starts, some_responses, st.randoms(use_true_random=False))
def test_flags_do_not_depend_on_the_order_of_responses(
    start: list[LeadContact], some: list[StoredResponse], random: Random
) -> None:
    shuffled = random.sample(some, len(some))
    assert after(start, *shuffled) == after(start, *some)


@given(starts, some_responses)
def test_a_value_that_no_response_names_is_unchanged(start: list[LeadContact], some: list[StoredResponse]) -> None:
    named = {found.value for one in some for found in one.result.contacts}
    found = after(start, *some)
    assert {value: one for value, one in found.items() if value not in named} == {
        one.value: one for one in start if one.value not in named
    }


@given(starts, some_responses)
def test_only_a_plain_no_states_that_a_number_is_on_no_list(
    start: list[LeadContact], some: list[StoredResponse]
) -> None:
    begun = {one.value: one.dnc for one in start}
    for value, found in after(start, *some).items():
        if found.dnc is False and found.dnc_checked_at is not None:
            codes = {code for one in some for f in one.result.contacts if f.value == value for code in f.codes}
            assert "not_dnc" in codes
            assert begun[value] is not True, "a mark of a file stays"


@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        ("AS01,PS01,VR01", "A"), ("AS01,VR01", "B"), ("AS02,VR01,PS01", "B"), ("AS01,PS01", "C"), ("AE02,VR01", "D"),
        ("AS01,VR01,PS01,DD01", "F"), ("", None), ("PS01,ES01", None), ("AS17", None),
    ],
)  # fmt: skip
def test_the_grade_follows_melissas_rules(codes: str, expected: str | None) -> None:
    assert grade_melissa_codes(filter(None, codes.split(","))) == expected


def test_no_check_clears_a_remark_that_forbids_calls() -> None:
    number = "+17275550142"
    forbidden = response(ContactMatch("phone", number, ("found",), is_listed_only=True, forbidden=True))
    check = response(
        ContactMatch("phone", number, ("not_dnc",), is_check=True), provider="batchdata_dnc", at=NOW + timedelta(days=1)
    )
    for order in ((forbidden, check), (check, forbidden)):
        found = after([contact(number)], *order)[number]
        assert (found.dnc, found.dnc_checked_at) == (True, None)
