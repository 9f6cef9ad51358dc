"""Rules for the export: only leads that the online providers could not complete, and that may be contacted. Pure."""

from collections.abc import Sequence
from dataclasses import replace

from skiptrace.rules.lead import DataNeed, FreshnessCutoffs, Lead
from skiptrace.rules.verification_codes import CodeMap
from skiptrace.rules.waterfall import (
    AskProvider,
    AttemptCounts,
    ProviderCapabilities,
    WaterfallInput,
    WaterfallPolicy,
    build_waterfall_input,
    choose_next_step,
)
from skiptrace.vendors.tlo import LISTED_CODE

_REACHABLE_BY = frozenset({DataNeed.PHONE, DataNeed.EMAIL})


def exclusion_reason(  # noqa: PLR0911 - one return for each reason
    lead: Lead,
    online: Sequence[ProviderCapabilities],
    tlo: ProviderCapabilities,
    policy: WaterfallPolicy,
    cutoffs: FreshnessCutoffs,
    codes: CodeMap,
) -> str | None:
    """Return why *lead* is not exported; None if it is exported.

    `untraceable`: the lead must not be contacted, or its address is incomplete. `suppressed`: one of its contacts is
    suppressed. `in_progress`: a request is open, or a response is not merged. `complete`: nothing is missing that TLO finds.
    `online_first`: another provider is to be asked before. `attempts_or_budget_used`: TLO was asked in this period, or the
    lead's budget is used. `not_verifiable`: every provider that could verify TLO's values has used its attempts.
    """
    if lead.untraceable or lead.person is None:
        return "untraceable"
    if any(contact.suppressed for contact in lead.contacts.values()):
        return "suppressed"
    if lead.in_flight_seconds or lead.responses:
        return "in_progress"
    state = build_waterfall_input(lead, policy, cutoffs)
    if not state.missing & tlo.finds:
        return "complete"
    if isinstance(choose_next_step(state, online, {}, policy), AskProvider):
        return "online_first"
    by_file = replace(policy, order=(tlo.provider,))
    if not isinstance(choose_next_step(state, [tlo], {}, by_file), AskProvider):
        return "attempts_or_budget_used"
    return None if _is_verifiable(state, online, tlo, policy, codes) else "not_verifiable"


def _is_verifiable(
    state: WaterfallInput,
    online: Sequence[ProviderCapabilities],
    tlo: ProviderCapabilities,
    policy: WaterfallPolicy,
    codes: CodeMap,
) -> bool:
    """Return whether TLO's values can count: the code map trusts them, or an online provider may still verify them."""
    needed = state.missing & _REACHABLE_BY
    if all(codes.combine_flags(tlo.provider, need.value, [LISTED_CODE]).verified for need in needed):
        return True
    after_import = replace(
        state,
        missing=needed,
        unverified=needed,
        attempts={**state.attempts, tlo.provider: AttemptCounts(answered=1)},
        spent_cents=state.spent_cents + tlo.cents_per_lead,
    )
    return isinstance(choose_next_step(after_import, online, {}, policy), AskProvider)
