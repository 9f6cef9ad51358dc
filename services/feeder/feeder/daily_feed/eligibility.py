"""Eligibility of leads that are about to be fed: the contact eligibility gate for each of them (docs/gate.md)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from common.bus import Tx
from common.compliance.decision_log import DecidedContact
from common.compliance.gate import Consent, ContactFacts, decide_contact
from common.compliance.owner_facts import read_owner_facts
from common.compliance.reasons import ContactReason
from common.ids import BrokerId, LeadId
from feeder.daily_feed import queries
from feeder.daily_feed.queries import CandidateFacts

DUPLICATE_HOUSEHOLD = "duplicate_household"
"""Skip reason for the gate's `duplicate` when its cause is an open conflict with another lead of the same home."""


@dataclass(frozen=True, slots=True)
class BrokerQuota:
    """The broker in whose name emails are sent, and the use of its daily limit."""

    broker_id: BrokerId
    daily_limit: int
    used_today: int
    chosen_addresses: frozenset[bytes] = frozenset()
    """Hashes of addresses that a preview chose in earlier chunks. In a feed they are in the database."""

    @property
    def remaining(self) -> int:
        """Leads that may still be fed today."""
        return self.daily_limit - self.used_today


@dataclass(frozen=True, slots=True)
class EligibilityResult:
    """The gate's decision about one lead, and the facts that it was made from."""

    contact: DecidedContact
    facts: CandidateFacts

    @property
    def skip_reason(self) -> str | None:
        """The first reason against the lead; None where it may be fed."""
        reasons = self.contact.decision.reasons
        if not reasons:
            return None
        if reasons[0] == ContactReason.DUPLICATE and self.facts.household:
            return DUPLICATE_HOUSEHOLD
        return str(reasons[0])


async def check_eligibility(
    tx: Tx, addresses: Mapping[LeadId, bytes], quota: BrokerQuota, now: datetime, *, requires_consent: bool
) -> list[EligibilityResult]:
    """Ask the gate about each lead of *addresses*, in their order, until *quota* is used up. Write nothing.

    *addresses* maps a lead to the hash of its email address. A lead whose address is no longer verified is left out.
    A caller that acts on the results must hold the locks of the addresses (`common.compliance.decision_log.lock_contacts`)
    and of the leads' rows.
    """
    candidates = await queries.read_facts(tx.connection, lead_ids=list(addresses), hashes=list(addresses.values()))
    results: list[EligibilityResult] = []
    used, chosen = quota.used_today, set(quota.chosen_addresses)
    for facts in candidates:
        if used >= quota.daily_limit:
            break
        if not facts.verified:
            continue
        is_duplicate = facts.duplicate or facts.household or facts.value_hash in chosen
        gate_facts = _build_facts(facts, quota, used, is_duplicate=is_duplicate)
        decision = decide_contact(gate_facts, now, email_requires_consent=requires_consent)
        contact = DecidedContact(facts.id, "email", "campaign", facts.value_hash, decision)
        results.append(EligibilityResult(contact, facts))
        if decision.is_allowed:
            used += 1
            chosen.add(facts.value_hash)
    return results


def _build_facts(candidate: CandidateFacts, quota: BrokerQuota, used_today: int, *, is_duplicate: bool) -> ContactFacts:
    """Build the gate's facts about *candidate*.

    `leads.consent` is a summary: a withdrawal or a change of owner has already cleared it. So neither is passed here.
    """
    signed_at = candidate.consented_at if candidate.consent else None
    consents = (Consent(candidate.value_hash, quota.broker_id, signed_at),) if signed_at else ()
    owner = read_owner_facts(candidate)
    return ContactFacts(
        consents=consents,
        withdrawals=(),
        owner_changes=(),
        channel="email",
        purpose="campaign",
        value_hash=candidate.value_hash,
        suppressed=candidate.suppressed or owner.do_not_contact,
        status=candidate.status,
        deceased=candidate.deceased_owner or owner.deceased,
        litigator=candidate.litigator or bool(candidate.value_litigator),
        legal_entity=owner.legal_entity,
        verified=candidate.verified,
        duplicate=is_duplicate,
        decided_on_calls=candidate.decided_on_calls,
        seller=quota.broker_id,
        broker_limit=quota.daily_limit,
        broker_used_today=used_today,
    )
