"""The waterfall: which provider is asked next, by policy and nothing else."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from common.vendors.policy import Availability
from skiptrace.rules.lead import PHONE_CHECKS, DataNeed
from skiptrace.rules.waterfall import (
    MAX_UNKNOWN_RESPONSES,
    AskProvider,
    AttemptCounts,
    NextStep,
    ProviderCapabilities,
    UnknownPolicy,
    WaitForProvider,
    WaterfallComplete,
    WaterfallInput,
    WaterfallPolicy,
    choose_next_step,
    choose_next_steps,
    order_providers,
)

CONTACTS = frozenset({DataNeed.PHONE, DataNeed.EMAIL})
NOTHING = frozenset[DataNeed]()
MELISSA = ProviderCapabilities("melissa", frozenset({DataNeed.MAK}), CONTACTS, Decimal(3))
BATCHDATA = ProviderCapabilities("batchdata", CONTACTS, NOTHING, Decimal(10))
DNC_CHECK = ProviderCapabilities("batchdata_dnc", NOTHING, NOTHING, Decimal(1), frozenset({DataNeed.DNC}))
TCPA_CHECK = ProviderCapabilities("batchdata_tcpa", NOTHING, NOTHING, Decimal(1), frozenset({DataNeed.TCPA}))
PROVIDERS = [MELISSA, BATCHDATA, DNC_CHECK]
POLICY = WaterfallPolicy(needs=CONTACTS | {DataNeed.DNC, DataNeed.MAK}, order=("melissa", "batchdata", "batchdata_dnc"))
ALL_AVAILABLE: dict[str, Availability] = {}
ASKED_BOTH = {"melissa": AttemptCounts(answered=1), "batchdata": AttemptCounts(answered=1)}

needs = st.frozensets(st.sampled_from(list(DataNeed)))
checks = st.frozensets(st.sampled_from(sorted(PHONE_CHECKS)))
names = st.sampled_from(["a", "b", "c"])
counts = st.builds(AttemptCounts, answered=st.integers(0, 3), unknown=st.integers(0, MAX_UNKNOWN_RESPONSES + 1))
cents = st.integers(0, 50).map(Decimal)
some_providers = st.lists(
    st.builds(ProviderCapabilities, provider=names, finds=needs, verifies=needs, cents_per_lead=cents, checks=checks),
    max_size=3,
    unique_by=lambda provider: provider.provider,
)
inputs = st.builds(
    WaterfallInput,
    missing=needs,
    unverified=needs,
    attempts=st.dictionaries(names, counts, max_size=3),
    spent_cents=cents,
)
availabilities = st.dictionaries(names, st.sampled_from(list(Availability)), max_size=3)
policies = st.builds(
    WaterfallPolicy,
    needs=needs,
    order=st.permutations(["a", "b", "c"]).map(tuple),
    cheapest_first=st.booleans(),
    max_attempts=st.integers(1, 3),
    max_cents=st.none() | cents,
    unknown=st.sampled_from(list(UnknownPolicy)),
    fall_back_on_fault=st.booleans(),
)


def lead(
    *missing: DataNeed, unverified: frozenset[DataNeed] = NOTHING, attempts: Any = None, spent: int = 0
) -> WaterfallInput:
    return WaterfallInput(frozenset(missing), unverified, attempts or {}, Decimal(spent))


def step_for(
    one: WaterfallInput,
    availability: dict[str, Availability] | None = None,
    policy: WaterfallPolicy = POLICY,
    providers: list[ProviderCapabilities] = PROVIDERS,
) -> NextStep:
    return choose_next_step(one, providers, availability or ALL_AVAILABLE, policy)


def test_a_leads_own_contacts_are_verified_first_because_it_costs_less() -> None:
    assert step_for(lead(DataNeed.PHONE, DataNeed.EMAIL, unverified=CONTACTS)) == AskProvider("melissa")


def test_without_a_contact_to_verify_the_provider_that_finds_is_asked() -> None:
    assert step_for(lead(DataNeed.PHONE)) == AskProvider("batchdata")


def test_after_no_match_the_next_provider_is_asked() -> None:
    attempts = {"melissa": AttemptCounts(answered=1)}
    assert step_for(lead(DataNeed.PHONE, attempts=attempts)) == AskProvider("batchdata")


def test_no_provider_is_asked_the_same_twice() -> None:
    assert step_for(lead(DataNeed.PHONE, attempts=ASKED_BOTH)) == WaterfallComplete()


def test_a_found_phone_is_verified_by_the_other_provider() -> None:
    found = lead(DataNeed.PHONE, unverified=frozenset({DataNeed.PHONE}), attempts=ASKED_BOTH)
    assert step_for(found) == AskProvider("melissa")


def test_a_provider_with_an_open_circuit_is_skipped_and_a_backoff_is_waited_for() -> None:
    one = lead(DataNeed.PHONE, unverified=CONTACTS)
    assert step_for(one, {"melissa": Availability.CIRCUIT_OPEN}) == AskProvider("batchdata")
    assert step_for(one, {"melissa": Availability.BACKING_OFF}) == WaitForProvider("melissa")
    both = {"melissa": Availability.CIRCUIT_OPEN, "batchdata": Availability.CIRCUIT_OPEN}
    assert step_for(one, both) == WaitForProvider("melissa")


def test_a_mak_is_never_waited_for() -> None:
    assert step_for(lead(DataNeed.MAK), {"melissa": Availability.CIRCUIT_OPEN}) == WaterfallComplete()


def test_only_a_provider_that_checks_is_asked_for_a_check() -> None:
    one = lead(DataNeed.DNC, DataNeed.MAK, attempts={"melissa": AttemptCounts(1)})
    assert step_for(one) == AskProvider("batchdata_dnc")
    assert step_for(lead(DataNeed.DNC), providers=[MELISSA, BATCHDATA]) == WaterfallComplete()


def test_a_check_is_waited_for_during_a_backoff_and_no_longer() -> None:
    without_fall_back = replace(POLICY, fall_back_on_fault=False)
    for policy in (POLICY, without_fall_back):
        backing_off = {"batchdata_dnc": Availability.BACKING_OFF}
        circuit_open = {"batchdata_dnc": Availability.CIRCUIT_OPEN}
        assert step_for(lead(DataNeed.DNC), backing_off, policy) == WaitForProvider("batchdata_dnc")
        assert step_for(lead(DataNeed.DNC), circuit_open, policy) == WaterfallComplete()


def test_checks_continue_while_another_provider_is_waited_for() -> None:
    both_open = {"melissa": Availability.CIRCUIT_OPEN, "batchdata": Availability.CIRCUIT_OPEN}
    one = lead(DataNeed.EMAIL, DataNeed.DNC, unverified=CONTACTS)
    assert step_for(one, both_open) == AskProvider("batchdata_dnc")


def test_the_checks_of_a_phone_run_in_parallel_within_the_budget() -> None:
    policy = replace(POLICY, needs=frozenset(DataNeed), order=(*POLICY.order, "batchdata_tcpa"))
    providers = [*PROVIDERS, TCPA_CHECK]
    one = lead(DataNeed.DNC, DataNeed.TCPA, attempts=ASKED_BOTH)
    dnc, tcpa = AskProvider("batchdata_dnc"), AskProvider("batchdata_tcpa")
    assert choose_next_steps(one, providers, ALL_AVAILABLE, policy) == [dnc, tcpa]
    assert choose_next_steps(one, providers, ALL_AVAILABLE, replace(policy, max_cents=Decimal(1))) == [dnc]
    assert choose_next_steps(one, providers, {"batchdata_tcpa": Availability.BACKING_OFF}, policy) == [dnc]
    assert choose_next_steps(replace(one, attempts={}), providers, ALL_AVAILABLE, policy) == [dnc, tcpa]
    unverified = lead(DataNeed.EMAIL, DataNeed.DNC, DataNeed.TCPA, unverified=CONTACTS)
    first = choose_next_steps(unverified, providers, ALL_AVAILABLE, policy)
    assert first == [AskProvider("melissa")], "its response may rule the phone out"


@given(inputs, some_providers, availabilities, policies)
def test_providers_asked_beside_each_other_only_check_different_lists_within_the_budget(
    one: WaterfallInput,
    providers: list[ProviderCapabilities],
    availability: dict[str, Availability],
    policy: WaterfallPolicy,
) -> None:
    steps = choose_next_steps(one, providers, availability, policy)
    assert steps[0] == choose_next_step(one, providers, availability, policy)
    named = {step.provider for step in steps if isinstance(step, AskProvider)}
    asked = [provider for provider in providers if provider.provider in named]
    if len(steps) > 1:
        assert all(provider.checks and not provider.finds and not provider.verifies for provider in asked)
        lists = [check for provider in asked for check in provider.checks]
        assert len(lists) == len(set(lists))
    if policy.max_cents is not None and asked:
        assert one.spent_cents + sum(provider.cents_per_lead for provider in asked) <= policy.max_cents


def test_after_an_unknown_outcome_the_setting_decides_between_paying_again_and_the_next_provider() -> None:
    one = lead(DataNeed.PHONE, unverified=CONTACTS, attempts={"melissa": AttemptCounts(unknown=1)})
    pay_again = WaterfallPolicy(needs=CONTACTS, order=POLICY.order, unknown=UnknownPolicy.PAY_AGAIN)
    assert step_for(one) == AskProvider("batchdata")
    assert step_for(one, policy=pay_again) == AskProvider("melissa")


def test_each_signed_number_allows_one_more_attempt() -> None:
    exhausted = {"melissa": AttemptCounts(answered=2), "batchdata": AttemptCounts(answered=2)}
    state = WaterfallInput(frozenset({DataNeed.PHONE}), frozenset({DataNeed.PHONE}), exhausted)
    assert choose_next_step(state, PROVIDERS, ALL_AVAILABLE, POLICY) == WaterfallComplete()
    signed = replace(state, signed_phones=1)
    assert choose_next_step(signed, PROVIDERS, ALL_AVAILABLE, POLICY) == AskProvider("melissa")
    asked = replace(signed, attempts={**exhausted, "melissa": AttemptCounts(answered=3)})
    assert choose_next_step(asked, PROVIDERS, ALL_AVAILABLE, POLICY) == WaterfallComplete()


def test_the_budget_of_a_lead_is_not_exceeded() -> None:
    limited = WaterfallPolicy(needs=CONTACTS, order=POLICY.order, max_cents=Decimal(5))
    assert step_for(lead(DataNeed.PHONE, unverified=CONTACTS), policy=limited) == AskProvider("melissa")
    assert step_for(lead(DataNeed.PHONE, spent=3), policy=limited) == WaterfallComplete()


@given(inputs, some_providers, availabilities, policies)
def test_only_useful_permitted_and_affordable_providers_are_asked(
    one: WaterfallInput,
    providers: list[ProviderCapabilities],
    availability: dict[str, Availability],
    policy: WaterfallPolicy,
) -> None:
    step = choose_next_step(one, providers, availability, policy)
    assert choose_next_step(one, providers, availability, policy) == step
    if isinstance(step, WaterfallComplete):
        return
    provider = next(provider for provider in providers if provider.provider == step.provider)
    attempts = one.attempts.get(provider.provider, AttemptCounts())
    assert (provider.finds | provider.verifies | provider.checks) & one.missing
    assert attempts.answered < policy.max_attempts
    assert not (attempts.unknown and policy.unknown is UnknownPolicy.NEXT_PROVIDER)
    assert policy.max_cents is None or one.spent_cents + provider.cents_per_lead <= policy.max_cents
    is_available = availability.get(provider.provider, Availability.AVAILABLE) is Availability.AVAILABLE
    assert is_available == isinstance(step, AskProvider)


@given(inputs, some_providers, policies)
def test_asking_ends_if_every_call_is_answered(
    one: WaterfallInput, providers: list[ProviderCapabilities], policy: WaterfallPolicy
) -> None:
    """Every response counts, so a lead costs at most `max_attempts` calls to a provider, with any response."""
    calls = 0
    while isinstance(step := choose_next_step(one, providers, {}, policy), AskProvider):
        before = one.attempts.get(step.provider, AttemptCounts())
        attempts = {**one.attempts, step.provider: AttemptCounts(before.answered + 1, before.unknown)}
        one, calls = replace(one, attempts=attempts), calls + 1
        assert calls <= len(providers) * policy.max_attempts
    assert isinstance(step, WaterfallComplete)


@given(inputs, some_providers, policies)
def test_asking_ends_if_every_response_is_lost(
    one: WaterfallInput, providers: list[ProviderCapabilities], policy: WaterfallPolicy
) -> None:
    calls = 0
    max_unknown = MAX_UNKNOWN_RESPONSES if policy.unknown is UnknownPolicy.PAY_AGAIN else 1
    while isinstance(step := choose_next_step(one, providers, {}, policy), AskProvider):
        before = one.attempts.get(step.provider, AttemptCounts())
        attempts = {**one.attempts, step.provider: AttemptCounts(before.answered, before.unknown + 1)}
        one, calls = replace(one, attempts=attempts), calls + 1
        assert calls <= len(providers) * max_unknown
    assert isinstance(step, WaterfallComplete)


@given(some_providers, policies)
def test_the_order_is_the_policys(providers: list[ProviderCapabilities], policy: WaterfallPolicy) -> None:
    ordered = order_providers(providers, policy)
    present = {provider.provider for provider in providers}
    assert {provider.provider for provider in ordered} == present
    if policy.cheapest_first:
        prices = [provider.cents_per_lead for provider in ordered]
        assert prices == sorted(prices)
    else:
        assert [provider.provider for provider in ordered] == [name for name in policy.order if name in present]
