"""Whom to ask about a lead next: a pure decision by policy, from what is missing and what was tried."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum

from skiptrace.lead import CHECKS, Want

MOST_UNKNOWN = 12
"""Lost answers of one provider about a lead, after which even `pay_again` pays no more while they count."""


class Standing(StrEnum):
    """How a provider stands, for all replicas."""

    UP = "up"
    BUSY = "busy"
    """It asked for a pause, or failed a moment ago: waited for, since a pause is cheaper than another provider."""
    DOWN = "down"
    """It failed several times in a row, or refuses our key: the next provider takes its place."""


class UnknownPolicy(StrEnum):
    """What to do about a lead whose paid answer may have been lost in a crash (hazards S4)."""

    PAY_AGAIN = "pay_again"
    NEXT_PROVIDER = "next_provider"


@dataclass(frozen=True, slots=True)
class Offer:
    """What a provider can do, and at what price."""

    provider: str
    finds: frozenset[Want]
    """Supplied from nothing but the person."""
    verifies: frozenset[Want]
    """Supplied where the lead has a phone or email that nobody has judged."""
    cents: Decimal
    """The most that asking about one lead can cost, in US cents."""
    checks: frozenset[Want] = frozenset()
    """Supplied where the lead has a verified phone."""

    @property
    def only_checks(self) -> bool:
        """Whether it does nothing else."""
        return bool(self.checks) and not self.finds and not self.verifies

    def goes_beside(self, other: "Offer") -> bool:
        """Whether both may be asked about a lead at once: they check the same phones, each against lists of its own."""
        return self.only_checks and other.only_checks and self.checks.isdisjoint(other.checks)


@dataclass(frozen=True, slots=True)
class Policy:
    """How the firm wants its money spent."""

    wants: frozenset[Want]
    order: tuple[str, ...]
    cheapest_first: bool = False
    """Order by price instead; equal prices keep the order given."""
    asks: int = 2
    """How often one provider is asked about one lead within the period for which answers count."""
    max_cents: Decimal | None = None
    """What one lead may cost within that period."""
    unknown: UnknownPolicy = UnknownPolicy.NEXT_PROVIDER
    fall_back_on_fault: bool = True
    """False: wait for a provider that is down instead of asking the next one."""


@dataclass(frozen=True, slots=True)
class Tried:
    """How often a provider was asked about the lead."""

    answered: int = 0
    unknown: int = 0


@dataclass(frozen=True, slots=True)
class Case:
    """All that the decision about one lead depends on."""

    missing: frozenset[Want]
    untried: frozenset[Want]
    """Channels in which the lead has a value that nobody has judged."""
    tried: Mapping[str, Tried]
    spent_cents: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class Ask:
    """Ask this provider now."""

    provider: str


@dataclass(frozen=True, slots=True)
class Wait:
    """This provider could help and cannot be asked now."""

    provider: str


@dataclass(frozen=True, slots=True)
class Done:
    """Nobody who may be asked can add anything."""


Choice = Ask | Wait | Done


def choose(case: Case, offers: Sequence[Offer], standing: Mapping[str, Standing], policy: Policy) -> Choice:
    """The next step for a lead. The same case gives the same choice.

    Asks the first provider in order that can supply something missing, that was not asked too often, and that the
    lead's budget allows; goes past one that is down; waits only for what somebody needs before the first contact: never for
    a MAK, and for a check of a phone only through a pause (ADR 18).
    """
    waiting: Wait | None = None
    for offer in in_order(offers, policy):
        gain = _gain(case, offer)
        if not gain or not _may_ask(case, offer, policy):
            continue
        state = standing.get(offer.provider, Standing.UP)
        if state is Standing.UP:
            return Ask(offer.provider)
        if gain == {Want.MAK} or (gain <= CHECKS and state is Standing.DOWN):
            continue
        waiting = waiting or Wait(offer.provider)
        if state is Standing.BUSY or not policy.fall_back_on_fault:
            return waiting
    return waiting or Done()


def choose_all(case: Case, offers: Sequence[Offer], standing: Mapping[str, Standing], policy: Policy) -> list[Choice]:
    """The next step for a lead, as `choose` has it; where that is a check of its phones, with the other checks beside it.

    Together they keep within the budget.
    """
    choice = choose(case, offers, standing, policy)
    first = next((offer for offer in offers if isinstance(choice, Ask) and offer.provider == choice.provider), None)
    if first is None:
        return [choice]
    others = [offer for offer in offers if first.goes_beside(offer)]
    rest = replace(case, spent_cents=case.spent_cents + first.cents)
    return [choice, *(one for one in choose_all(rest, others, standing, policy) if isinstance(one, Ask))]


def in_order(offers: Sequence[Offer], policy: Policy) -> list[Offer]:
    """The offers that the policy names, in its order."""
    named = [offer for name in policy.order for offer in offers if offer.provider == name]
    return sorted(named, key=lambda offer: offer.cents) if policy.cheapest_first else named


def _gain(case: Case, offer: Offer) -> frozenset[Want]:
    """What is missing and this provider may supply: from nothing only once, since it would say the same again."""
    tried = case.tried.get(offer.provider, Tried())
    new = offer.finds & case.missing if not tried.answered else frozenset[Want]()
    return new | (offer.verifies & case.missing & case.untried) | (offer.checks & case.missing)


def _may_ask(case: Case, offer: Offer, policy: Policy) -> bool:
    tried = case.tried.get(offer.provider, Tried())
    if tried.unknown >= (1 if policy.unknown is UnknownPolicy.NEXT_PROVIDER else MOST_UNKNOWN):
        return False
    if tried.answered >= policy.asks:
        return False
    return policy.max_cents is None or case.spent_cents + offer.cents <= policy.max_cents
