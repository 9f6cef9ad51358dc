"""Eligibility of leads that are about to be fed: the contact eligibility gate for each of them (docs/gate.md)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from common.bus import Tx
from common.compliance.decision_log import DecidedContact
from common.compliance.gate import Consent, ContactFacts, decide_contact
from common.compliance.reasons import ContactReason
from common.database import load_queries
from common.pii.owner_names import OwnerNames, read_owner_names

queries = load_queries(__file__)

DUPLICATE_HOUSEHOLD = "duplicate_household"
"""Skip reason for the gate's `duplicate` when its cause is an open conflict with another lead of the same home."""


@dataclass(frozen=True, slots=True)
class BrokerQuota:
    """The broker in whose name emails are sent, and the use of its daily limit."""

    broker_name: str
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
    """The gate's decision about one lead."""

    contact: DecidedContact
    has_household_conflict: bool

    @property
    def skip_reason(self) -> str | None:
        """The first reason against the lead; None where it may be fed."""
        reasons = self.contact.decision.reasons
        if not reasons:
            return None
        if reasons[0] == ContactReason.DUPLICATE and self.has_household_conflict:
            return DUPLICATE_HOUSEHOLD
        return str(reasons[0])


async def check_eligibility(
    tx: Tx, addresses: Mapping[UUID, bytes], quota: BrokerQuota, now: datetime, *, requires_consent: bool
) -> list[EligibilityResult]:
    """Ask the gate about each lead of *addresses*, in their order, until *quota* is used up. Write nothing.

    *addresses* maps a lead to the hash of its email address. A caller that acts on the results must hold the locks of
    the addresses (`common.compliance.decision_log.lock_contacts`) and of the leads' rows.
    """
    facts = queries.read_facts(tx.connection, lead_ids=list(addresses), hashes=list(addresses.values()))
    results: list[EligibilityResult] = []
    used, chosen = quota.used_today, set(quota.chosen_addresses)
    for row in [row async for row in facts]:
        if used >= quota.daily_limit:
            break
        is_duplicate = row["duplicate"] or row["household"] or row["value_hash"] in chosen
        gate_facts = _build_facts(row, quota, used, is_duplicate=is_duplicate)
        decision = decide_contact(gate_facts, now, email_requires_consent=requires_consent)
        contact = DecidedContact(row["lead_id"], "email", row["value_hash"], decision)
        results.append(EligibilityResult(contact, row["household"]))
        if decision.is_allowed:
            used += 1
            chosen.add(row["value_hash"])
    return results


def _build_facts(row: Any, quota: BrokerQuota, used_today: int, *, is_duplicate: bool) -> ContactFacts:
    """Build the gate's facts from a row of `read_facts`.

    `leads.consent` is a summary: a withdrawal or a change of owner has already cleared it. So neither is passed here.
    """
    consents = (Consent(row["value_hash"], quota.broker_name, row["consented_at"]),) if row["consent"] else ()
    owner = read_owner_names(row)
    return ContactFacts(
        consents=consents,
        withdrawals=(),
        owner_changes=(),
        channel="email",
        value_hash=row["value_hash"],
        suppressed=row["suppressed"] or owner.do_not_contact,
        status=row["status"],
        deceased=row["deceased"] or owner.deceased,
        litigator=row["litigator"],
        legal_entity=owner.legal_entity or _is_owned_by_company(row, owner),
        verified=row["verified"],
        duplicate=is_duplicate,
        seller=quota.broker_name,
        broker_limit=quota.daily_limit,
        broker_used_today=used_today,
    )


def _is_owned_by_company(row: Any, owner: OwnerNames) -> bool:
    """Return whether the company was seen as the owner later than the person: the home was sold to it."""
    return bool(owner.names["company_name"]) and (row["company_seen"] or 0) > (row["person_seen"] or 0)
