"""One record in the columns of `pipeline.leads_staging`, which `app.upsert_leads` reads."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

FACT_COLUMNS = (
    "property_address", "property_unit", "property_city", "property_state", "property_zip", "county", "fips", "apn",
    "owner_first_name", "owner_last_name", "owner2_first_name", "owner2_last_name", "company_name", "mailing_address",
    "mailing_unit", "mailing_city", "mailing_state", "mailing_zip", "property_type", "bedrooms", "bathrooms", "building_sqft",
    "lot_sqft", "year_built", "owner_occupied", "vacant", "est_value", "est_equity", "est_ltv", "open_loans",
    "open_loan_balance", "last_sale_date", "last_sale_amount", "apn_key", "addr_hash",
)  # fmt: skip
"""The columns that a merge chooses, in the order of `pipeline.leads_staging` and of `leads.observed`."""
FACT_GROUPS = (
    ("apn_key", "apn"),
    ("addr_hash", "property_address", "property_unit", "property_city", "property_state", "property_zip"),
    ("fips", "county"),
)
"""Columns that come from one record: a key, and the values that are shown for it (ADR 31)."""
FLAG_COLUMNS = ("deceased_owner", "do_not_mail", "litigator")
"""Columns that stay true once any record sets them."""

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

    def as_record(self, number: int) -> tuple[Any, ...]:
        """Return the row as asyncpg encodes a `pipeline.leads_staging`; *number* is its position in the batch."""
        facts, observed = self.facts, self.observed
        return (
            number, self.id, self.stamp, self.source, self.broker_id, self.editable_brokers, self.data_key, self.lead_score,
            self.score_contributions, self.upload_id, self.row, self.event_id,
            observed and [observed.get(name) for name in FACT_COLUMNS], self.mak,
            *map(facts.get, FACT_COLUMNS), *[self.flags.get(name, False) for name in FLAG_COLUMNS],
            None, None, None, None,
        )  # fmt: skip
