"""Whom to ask next: by policy, and by nothing else."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from skiptrace.lead import CHECKS, Want
from skiptrace.router import (
    MOST_UNKNOWN,
    Ask,
    Case,
    Done,
    Offer,
    Policy,
    Standing,
    Tried,
    UnknownPolicy,
    Wait,
    choose,
    choose_all,
    in_order,
)

REACH = frozenset({Want.PHONE, Want.EMAIL})
MELISSA = Offer("melissa", frozenset({Want.MAK}), REACH, Decimal(3))
BATCHDATA = Offer("batchdata", REACH, frozenset(), Decimal(10))
TCPA = Offer("batchdata_tcpa", frozenset(), frozenset(), Decimal(1), frozenset({Want.TCPA}))
CHECK = Offer("batchdata_dnc", frozenset(), frozenset(), Decimal(1), frozenset({Want.DNC}))
OFFERS = [MELISSA, BATCHDATA, CHECK]
POLICY = Policy(wants=REACH | {Want.DNC, Want.MAK}, order=("melissa", "batchdata", "batchdata_dnc"))
UP: dict[str, Standing] = {}

wants = st.frozensets(st.sampled_from(list(Want)))
checks = st.frozensets(st.sampled_from(sorted(CHECKS)))
names = st.sampled_from(["a", "b", "c"])
tries = st.builds(Tried, answered=st.integers(0, 3), unknown=st.integers(0, MOST_UNKNOWN + 1))
money = st.integers(0, 50).map(Decimal)
offers = st.lists(
    st.builds(Offer, provider=names, finds=wants, verifies=wants, cents=money, checks=checks),
    max_size=3,
    unique_by=lambda offer: offer.provider,
)
cases = st.builds(
    Case, missing=wants, untried=wants, tried=st.dictionaries(names, tries, max_size=3), spent_cents=money
)
standings = st.dictionaries(names, st.sampled_from(list(Standing)), max_size=3)
policies = st.builds(
    Policy,
    wants=wants,
    order=st.permutations(["a", "b", "c"]).map(tuple),
    cheapest_first=st.booleans(),
    asks=st.integers(1, 3),
    max_cents=st.none() | money,
    unknown=st.sampled_from(list(UnknownPolicy)),
    fall_back_on_fault=st.booleans(),
)


def case(*missing: Want, untried: frozenset[Want] = frozenset(), tried: Any = None, spent: int = 0) -> Case:
    return Case(frozenset(missing), untried, tried or {}, Decimal(spent))


def test_what_the_lead_came_with_is_verified_first_because_it_costs_less() -> None:
    assert choose(case(Want.PHONE, Want.EMAIL, untried=REACH), OFFERS, UP, POLICY) == Ask("melissa")


def test_without_anything_to_verify_the_one_who_finds_is_asked() -> None:
    assert choose(case(Want.PHONE), OFFERS, UP, POLICY) == Ask("batchdata")


def test_no_match_goes_on_to_the_next_provider() -> None:
    tried = {"melissa": Tried(answered=1)}
    assert choose(case(Want.PHONE, tried=tried), OFFERS, UP, POLICY) == Ask("batchdata")


def test_nobody_is_asked_the_same_again() -> None:
    tried = {"melissa": Tried(answered=1), "batchdata": Tried(answered=1)}
    assert choose(case(Want.PHONE, tried=tried), OFFERS, UP, POLICY) == Done()


def test_a_phone_that_one_found_goes_to_the_other_to_be_verified() -> None:
    tried = {"melissa": Tried(answered=1), "batchdata": Tried(answered=1)}
    found = case(Want.PHONE, untried=frozenset({Want.PHONE}), tried=tried)
    assert choose(found, OFFERS, UP, POLICY) == Ask("melissa")


def test_a_provider_that_is_down_is_passed_over_and_one_that_pauses_is_waited_for() -> None:
    lead = case(Want.PHONE, untried=REACH)
    assert choose(lead, OFFERS, {"melissa": Standing.DOWN}, POLICY) == Ask("batchdata")
    assert choose(lead, OFFERS, {"melissa": Standing.BUSY}, POLICY) == Wait("melissa")
    both = {"melissa": Standing.DOWN, "batchdata": Standing.DOWN}
    assert choose(lead, OFFERS, both, POLICY) == Wait("melissa")


def test_a_mak_is_never_waited_for() -> None:
    assert choose(case(Want.MAK), OFFERS, {"melissa": Standing.DOWN}, POLICY) == Done()


def test_a_check_is_asked_of_who_checks_and_of_nobody_who_finds() -> None:
    assert choose(case(Want.DNC, Want.MAK, tried={"melissa": Tried(1)}), OFFERS, UP, POLICY) == Ask("batchdata_dnc")
    assert choose(case(Want.DNC), [MELISSA, BATCHDATA], UP, POLICY) == Done()


def test_a_check_is_waited_for_through_a_pause_and_no_longer() -> None:
    patient = replace(POLICY, fall_back_on_fault=False)
    for policy in (POLICY, patient):
        busy, down = {"batchdata_dnc": Standing.BUSY}, {"batchdata_dnc": Standing.DOWN}
        assert choose(case(Want.DNC), OFFERS, busy, policy) == Wait("batchdata_dnc")
        assert choose(case(Want.DNC), OFFERS, down, policy) == Done()


def test_checks_go_on_while_another_provider_is_waited_for() -> None:
    standing = {"melissa": Standing.DOWN, "batchdata": Standing.DOWN}
    assert choose(case(Want.EMAIL, Want.DNC, untried=REACH), OFFERS, standing, POLICY) == Ask("batchdata_dnc")


def test_the_checks_of_a_phone_are_asked_at_once_within_the_budget() -> None:
    both = replace(POLICY, wants=frozenset(Want), order=(*POLICY.order, "batchdata_tcpa"))
    lead = case(Want.DNC, Want.TCPA, tried={"melissa": Tried(1), "batchdata": Tried(1)})
    offers = [*OFFERS, TCPA]
    assert choose_all(lead, offers, UP, both) == [Ask("batchdata_dnc"), Ask("batchdata_tcpa")]
    assert choose_all(lead, offers, UP, replace(both, max_cents=Decimal(1))) == [Ask("batchdata_dnc")]
    assert choose_all(lead, offers, {"batchdata_tcpa": Standing.BUSY}, both) == [Ask("batchdata_dnc")]
    assert choose_all(replace(lead, tried={}), offers, UP, both) == [Ask("batchdata_dnc"), Ask("batchdata_tcpa")]
    first = case(Want.EMAIL, Want.DNC, Want.TCPA, untried=REACH)
    assert choose_all(first, offers, UP, both) == [Ask("melissa")], "its answer may rule the phone out"


@given(cases, offers, standings, policies)
def test_who_is_asked_at_once_only_checks_each_another_list_within_the_budget(
    lead: Case, some: list[Offer], standing: dict[str, Standing], policy: Policy
) -> None:
    choices = choose_all(lead, some, standing, policy)
    assert choices[0] == choose(lead, some, standing, policy)
    asked = [offer for one in choices for offer in some if isinstance(one, Ask) and offer.provider == one.provider]
    if len(choices) > 1:
        assert all(offer.checks and not offer.finds and not offer.verifies for offer in asked)
        assert sum(len(offer.checks) for offer in asked) == len({check for offer in asked for check in offer.checks})
    if policy.max_cents is not None and asked:
        assert lead.spent_cents + sum(offer.cents for offer in asked) <= policy.max_cents


def test_a_lost_answer_is_paid_again_or_goes_to_the_next_as_the_setting_says() -> None:
    lost = case(Want.PHONE, untried=REACH, tried={"melissa": Tried(unknown=1)})
    again = Policy(wants=REACH, order=POLICY.order, unknown=UnknownPolicy.PAY_AGAIN)
    assert choose(lost, OFFERS, UP, POLICY) == Ask("batchdata")
    assert choose(lost, OFFERS, UP, again) == Ask("melissa")


def test_a_budget_is_kept() -> None:
    thrifty = Policy(wants=REACH, order=POLICY.order, max_cents=Decimal(5))
    assert choose(case(Want.PHONE, untried=REACH), OFFERS, UP, thrifty) == Ask("melissa")
    assert choose(case(Want.PHONE, spent=3), OFFERS, UP, thrifty) == Done()


@given(cases, offers, standings, policies)
def test_only_useful_allowed_and_affordable_providers_are_asked(
    lead: Case, some: list[Offer], standing: dict[str, Standing], policy: Policy
) -> None:
    choice = choose(lead, some, standing, policy)
    assert choose(lead, some, standing, policy) == choice
    if isinstance(choice, Done):
        return
    offer = next(offer for offer in some if offer.provider == choice.provider)
    tried = lead.tried.get(offer.provider, Tried())
    assert (offer.finds | offer.verifies | offer.checks) & lead.missing
    assert tried.answered < policy.asks
    assert not (tried.unknown and policy.unknown is UnknownPolicy.NEXT_PROVIDER)
    assert policy.max_cents is None or lead.spent_cents + offer.cents <= policy.max_cents
    is_up = standing.get(offer.provider, Standing.UP) is Standing.UP
    assert is_up == isinstance(choice, Ask)


@given(cases, offers, policies)
def test_asking_always_comes_to_an_end(lead: Case, some: list[Offer], policy: Policy) -> None:
    """Every answer counts, so that a lead costs at most `asks` calls a provider, whatever they answer."""
    steps = 0
    while isinstance(choice := choose(lead, some, {}, policy), Ask):
        tried = dict(lead.tried)
        before = tried.get(choice.provider, Tried())
        tried[choice.provider] = Tried(before.answered + 1, before.unknown)
        lead = Case(lead.missing, lead.untried, tried, lead.spent_cents)
        steps += 1
        assert steps <= len(some) * policy.asks
    assert isinstance(choice, Done)


@given(cases, offers, policies)
def test_also_where_every_answer_is_lost(lead: Case, some: list[Offer], policy: Policy) -> None:
    steps = 0
    while isinstance(choice := choose(lead, some, {}, policy), Ask):
        before = lead.tried.get(choice.provider, Tried())
        tried = {**lead.tried, choice.provider: Tried(before.answered, before.unknown + 1)}
        lead, steps = replace(lead, tried=tried), steps + 1
        assert steps <= len(some) * (MOST_UNKNOWN if policy.unknown is UnknownPolicy.PAY_AGAIN else 1)
    assert isinstance(choice, Done)


@given(offers, policies)
def test_the_order_is_the_policys(some: list[Offer], policy: Policy) -> None:
    ordered = in_order(some, policy)
    assert {offer.provider for offer in ordered} == {offer.provider for offer in some}
    if policy.cheapest_first:
        assert [offer.cents for offer in ordered] == sorted(offer.cents for offer in some)
    else:
        assert [offer.provider for offer in ordered] == [n for n in policy.order if n in {o.provider for o in some}]
