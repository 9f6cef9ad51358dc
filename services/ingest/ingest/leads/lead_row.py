"""One record in the columns of `pipeline.leads_staging`, which `app.upsert_leads` reads."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from common.lead_facts import FLAGS

OBSERVED_FACTS = (
    "property_address", "property_unit", "property_city", "property_state", "property_zip", "county", "fips", "apn",
    "owner_first_name", "owner_last_name", "owner2_first_name", "owner2_last_name", "company_name", "mailing_address",
    "mailing_unit", "mailing_city", "mailing_state", "mailing_zip", "property_type", "bedrooms", "bathrooms", "building_sqft",
    "lot_sqft", "year_built", "owner_occupied", "vacant", "est_value", "est_equity", "est_ltv", "open_loans",
    "open_loan_balance", "last_sale_date", "last_sale_amount", "apn_key", "addr_hash",
)  # fmt: skip
"""The facts in the order of `leads.observed`."""


SOURCE_RANKS = {"melissa": 8, "batchdata": 6, "upstream": 5, "propstream": 4, "legacy": 1}
DEFAULT_SOURCE_RANK = 3
_UNIX_EPOCH_ORDINAL = 719_163
"""`date(1970, 1, 1).toordinal()`."""


def observation_stamp(ordinal: int, source: str) -> int:
    """Return day and source of an observation as one integer: days since 1970 * 16 + rank of the source."""
    return (ordinal - _UNIX_EPOCH_ORDINAL) * 16 + SOURCE_RANKS.get(source, DEFAULT_SOURCE_RANK)


@dataclass(slots=True)
class LeadRow:
    """A record on its way to `upsert_leads`: the columns of `pipeline.leads_staging`."""

    id: UUID
    stamp: int
    source: str
    facts: dict[str, Any]
    flags: dict[str, bool]
    mak: str | None = None
    broker_id: UUID | None = None
    editable_brokers: list[UUID] | None = None
    data_key: bytes | None = None
    lead_score: int = 0
    score_contributions: str | None = None
    upload_id: UUID | None = None
    row: int | None = None
    event_id: UUID | None = None
    observed: dict[str, int] | None = None
    """Stamps of single facts, once records were merged; None where all have `stamp`."""

    def as_record(self, number: int) -> dict[str, Any]:
        """Return the columns of `pipeline.leads_staging` by name; *number* is the position in the batch."""
        record: dict[str, Any] = {
            "ord": number, "id": self.id, "stamp": self.stamp, "source": self.source, "broker_id": self.broker_id,
            "editable_brokers": self.editable_brokers, "data_key": self.data_key, "lead_score": self.lead_score,
            "score_contributions": self.score_contributions, "upload_id": self.upload_id, "row": self.row,
            "event_id": self.event_id, "mak": self.mak, **self.facts, **dict.fromkeys(FLAGS, False), **self.flags,
        }  # fmt: skip
        if self.observed:
            record["observed"] = [self.observed.get(name) for name in OBSERVED_FACTS]
        return record
