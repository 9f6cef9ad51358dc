"""Features of leads, from their facts and contacts in the database."""

from collections.abc import Mapping
from datetime import date

from common.database import Connection
from common.ids import LeadId
from common.scoring import queries
from common.scoring.queries import FactsToScore
from common.scoring.score import Features, read_features


async def read_stored_features(connection: Connection, days: Mapping[LeadId, date]) -> dict[LeadId, Features]:
    """Return the features of each lead of *days*, as of its day."""
    leads = await queries.read_facts_to_score(connection, lead_ids=list(days))
    return {lead.id: _read_features(lead, days[lead.id]) for lead in leads}


def _read_features(lead: FactsToScore, today: date) -> Features:
    facts = {name: getattr(lead, name) for name in FactsToScore.__slots__}  # `dataclasses.asdict` copies each value
    verified = {"phone": lead.verified_phones, "email": lead.verified_emails}
    return read_features(
        facts,
        facts,
        phones=lead.phones,
        emails=lead.emails,
        today=today,
        verified=[channel for channel, count in verified.items() if count],
    )
