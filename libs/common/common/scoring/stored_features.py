"""Features of leads, from their facts and contacts in the database."""

from collections.abc import Mapping
from datetime import date
from operator import attrgetter

from common.database import Connection
from common.ids import LeadId
from common.scoring import queries
from common.scoring.queries import FactsToScore
from common.scoring.score import Features, read_features

_FACTS = FactsToScore.__slots__
_get_facts = attrgetter(*_FACTS)


async def read_stored_features(connection: Connection, days: Mapping[LeadId, date]) -> dict[LeadId, Features]:
    """Return the features of each lead of *days*, as of its day."""
    leads = await queries.read_facts_to_score(connection, lead_ids=list(days))
    return {lead.id: read_features_of_row(lead, days[lead.id]) for lead in leads}


def read_features_of_row(row: object, today: date) -> Features:
    """Return the features of a lead as of *today*. *row* has the columns of `read_facts_to_score`, and may have more."""
    facts = dict(zip(_FACTS, _get_facts(row), strict=True))
    verified = {"phone": facts["verified_phones"], "email": facts["verified_emails"]}
    return read_features(
        facts,
        facts,
        phones=facts["phones"],
        emails=facts["emails"],
        today=today,
        verified=[channel for channel, count in verified.items() if count],
    )
