"""One home of a batch, after the upsert: its records and the lead that the database made or found."""

from dataclasses import dataclass

from common.ids import LeadId
from ingest.leads.lead_row import LeadRow
from ingest.leads.queries import UpsertedLead
from ingest.prepare import PreparedRecord


@dataclass(slots=True)
class WrittenHome:
    """The merged row of a home, its records in input order, and the row that `app.upsert_leads` returned for it."""

    row: LeadRow
    records: list[PreparedRecord]
    added_facts: list[bool]
    """Which of `records` added something that the records before it lack."""
    lead: UpsertedLead

    @property
    def lead_id(self) -> LeadId:
        """Id of the lead of this home."""
        return self.lead.lead_id

    @property
    def outcome(self) -> str:
        """Outcome of the upsert: inserted, updated or duplicate."""
        return self.lead.outcome

    @property
    def is_new(self) -> bool:
        """Whether the upsert made the lead."""
        return self.outcome == "inserted"

    @property
    def is_foreign(self) -> bool:
        """Whether the lead is another broker's, so that these records may not add to it."""
        broker, allowed = self.lead.broker_id, self.row.editable_brokers
        if self.outcome != "duplicate" or broker is None:
            return False
        if self.row.broker_id:
            return self.row.broker_id != broker
        return allowed is not None and broker not in allowed
