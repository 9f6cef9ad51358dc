"""The waterfall: which provider to ask about a lead next. Pure, by policy, missing data and earlier attempts.

docs/verification.md (The order of providers) states the rules in words.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum

from common.vendors.policy import Availability
from skiptrace.rules.lead import PHONE_CHECKS, DataNeed, FreshnessCutoffs, Lead

MAX_UNKNOWN_RESPONSES = 12
"""Unknown outcomes of one provider about one lead, after which even `pay_again` asks it no more while they count."""


class UnknownPolicy(StrEnum):
    """Treatment of a lead after a paid response may be lost in a crash (docs/hazards.md, S4)."""

    PAY_AGAIN = "pay_again"
    NEXT_PROVIDER = "next_provider"


@dataclass(frozen=True, slots=True)
class ProviderCapabilities:
    """The needs that a provider can satisfy, and its price."""

    provider: str
    finds: frozenset[DataNeed]
    """Supplied from the person alone."""
    verifies: frozenset[DataNeed]
    """Supplied if the lead has a phone or email without a verification result."""
    cents_per_lead: Decimal
    """The most that one lookup can cost, in US cents."""
    checks: frozenset[DataNeed] = frozenset()
    """Supplied if the lead has a verified phone."""

    @property
    def only_checks(self) -> bool:
        """Whether it checks phones and does nothing else."""
        return bool(self.checks) and not self.finds and not self.verifies

    def can_run_in_parallel(self, other: "ProviderCapabilities") -> bool:
        """Return whether both may be asked about a lead at once: they check the same phones against different lists."""
        return self.only_checks and other.only_checks and self.checks.isdisjoint(other.checks)


@dataclass(frozen=True, slots=True)
class WaterfallPolicy:
    """The firm's policy for its money."""

    needs: frozenset[DataNeed]
    order: tuple[str, ...]
    cheapest_first: bool = False
    """Order by price; equal prices keep the given order."""
    max_attempts: int = 2
    """Times that one provider is asked about one lead within the period for which responses count."""
    max_cents: Decimal | None = None
    """Cost limit of one lead within that period."""
    unknown: UnknownPolicy = UnknownPolicy.NEXT_PROVIDER
    fall_back_on_fault: bool = True
    """False: wait for a provider whose circuit is open instead of asking the next one."""


@dataclass(frozen=True, slots=True)
class AttemptCounts:
    """Counts of a provider's earlier requests about the lead."""

    answered: int = 0
    unknown: int = 0


@dataclass(frozen=True, slots=True)
class WaterfallInput:
    """All facts about one lead on which the decision depends."""

    missing: frozenset[DataNeed]
    unverified: frozenset[DataNeed]
    """Channels in which the lead has a value without a verification result."""
    attempts: Mapping[str, AttemptCounts]
    spent_cents: Decimal = Decimal(0)
    signed_phones: int = 0
    """Numbers that the person signed. Each allows one more attempt, because consent without a verification is of no use."""


@dataclass(frozen=True, slots=True)
class AskProvider:
    """Step: ask this provider now."""

    provider: str


@dataclass(frozen=True, slots=True)
class WaitForProvider:
    """Step: wait for this provider, which could help and is not available."""

    provider: str


@dataclass(frozen=True, slots=True)
class WaterfallComplete:
    """Step: finish, because no permitted provider can add anything."""


NextStep = AskProvider | WaitForProvider | WaterfallComplete


def build_waterfall_input(lead: Lead, policy: WaterfallPolicy, cutoffs: FreshnessCutoffs) -> WaterfallInput:
    """Return the facts about *lead* on which the decision depends; earlier results count from *cutoffs* on."""
    channels = ("phone", "email")
    unverified = frozenset(DataNeed(name) for name in channels if lead.find_unverified(name, cutoffs.verification))
    attempts = {name: AttemptCounts(stats.answered, stats.unknown) for name, stats in lead.attempts.items()}
    signed_phones = sum(contact.signed for contact in lead.contacts.values())
    missing = lead.list_missing(policy.needs, cutoffs)
    return WaterfallInput(missing, unverified, attempts, lead.spent_cents, signed_phones)


def choose_next_step(
    state: WaterfallInput,
    providers: Sequence[ProviderCapabilities],
    availability: Mapping[str, Availability],
    policy: WaterfallPolicy,
) -> NextStep:
    """Return the next step for a lead. The same arguments give the same step.

    The first provider in order is asked that can supply something missing, within its attempts and the lead's budget.
    A provider whose circuit is open is skipped. A lead waits only for data that the first contact needs. It
    never waits for a MAK, and for a phone check only while its provider backs off (ADR 18).
    """
    waiting: WaitForProvider | None = None
    for provider in order_providers(providers, policy):
        obtainable = _list_obtainable(state, provider)
        if not obtainable or not _is_permitted(state, provider, policy):
            continue
        now = availability.get(provider.provider, Availability.AVAILABLE)
        if now is Availability.AVAILABLE:
            return AskProvider(provider.provider)
        if obtainable == {DataNeed.MAK} or (obtainable <= PHONE_CHECKS and now is Availability.CIRCUIT_OPEN):
            continue
        waiting = waiting or WaitForProvider(provider.provider)
        if now is Availability.BACKING_OFF or not policy.fall_back_on_fault:
            return waiting
    return waiting or WaterfallComplete()


def choose_next_steps(
    state: WaterfallInput,
    providers: Sequence[ProviderCapabilities],
    availability: Mapping[str, Availability],
    policy: WaterfallPolicy,
) -> list[NextStep]:
    """Return the step of `choose_next_step`, and with a phone check the other checks that may run at the same time.

    All steps together keep within the budget.
    """
    step = choose_next_step(state, providers, availability, policy)
    if not isinstance(step, AskProvider):
        return [step]
    asked = next(provider for provider in providers if provider.provider == step.provider)
    others = [provider for provider in providers if asked.can_run_in_parallel(provider)]
    rest = replace(state, spent_cents=state.spent_cents + asked.cents_per_lead)
    further = choose_next_steps(rest, others, availability, policy)
    return [step, *(one for one in further if isinstance(one, AskProvider))]


def order_providers(providers: Sequence[ProviderCapabilities], policy: WaterfallPolicy) -> list[ProviderCapabilities]:
    """Return the providers that the policy names, in its order."""
    named = [provider for name in policy.order for provider in providers if provider.provider == name]
    return sorted(named, key=lambda provider: provider.cents_per_lead) if policy.cheapest_first else named


def _list_obtainable(state: WaterfallInput, provider: ProviderCapabilities) -> frozenset[DataNeed]:
    """Return the missing needs that *provider* may satisfy. It finds only once: it would give the same answer again."""
    attempts = state.attempts.get(provider.provider, AttemptCounts())
    findable = provider.finds & state.missing if not attempts.answered else frozenset[DataNeed]()
    verifiable = provider.verifies & state.missing & state.unverified
    return findable | verifiable | (provider.checks & state.missing)


def _is_permitted(state: WaterfallInput, provider: ProviderCapabilities, policy: WaterfallPolicy) -> bool:
    attempts = state.attempts.get(provider.provider, AttemptCounts())
    max_unknown = 1 if policy.unknown is UnknownPolicy.NEXT_PROVIDER else MAX_UNKNOWN_RESPONSES
    if attempts.unknown >= max_unknown or attempts.answered >= policy.max_attempts + state.signed_phones:
        return False
    return policy.max_cents is None or state.spent_cents + provider.cents_per_lead <= policy.max_cents
