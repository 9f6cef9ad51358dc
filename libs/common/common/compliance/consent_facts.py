"""Consents, withdrawals and changes of owner of leads, as the gate asks for them."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from common.compliance import queries
from common.compliance.gate import Consent
from common.database import Connection
from common.ids import LeadId


@dataclass(slots=True)
class ConsentFacts:
    """Signatures and withdrawals of a lead's person, and changes of the home's owner. Times are UTC."""

    consents: list[Consent] = field(default_factory=list)
    withdrawals: list[datetime] = field(default_factory=list)
    """Withdrawals and voids that concern the number about to be called."""
    owner_changes: list[datetime] = field(default_factory=list)


async def read_consent_facts(connection: Connection, numbers: Mapping[LeadId, bytes]) -> dict[LeadId, ConsentFacts]:
    """Return the facts about each lead of *numbers*, which maps a lead to the keyed hash of the number to call."""
    found: dict[LeadId, ConsentFacts] = defaultdict(ConsentFacts, {lead_id: ConsentFacts() for lead_id in numbers})
    for row in await queries.list_consent_history(connection, lead_ids=list(numbers)):
        facts = found[row.lead_id]
        if row.action != "granted":
            if row.value_hash in (None, numbers[row.lead_id]):
                facts.withdrawals.append(row.at)
        elif row.value_hash and row.broker_id:
            facts.consents.append(Consent(row.value_hash, row.broker_id, row.at, frozenset(row.covers)))
    for change in await queries.list_owner_changes(connection, lead_ids=list(numbers)):
        found[change.lead_id].owner_changes.append(change.at)
    return dict(found)
