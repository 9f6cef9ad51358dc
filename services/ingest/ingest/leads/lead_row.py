"""One record in the columns of `pipeline.leads_staging`, which `app.upsert_leads` reads."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson

from common.ids import BrokerId, LeadId, UploadId
from common.lead_facts import FLAGS

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

    id: LeadId
    stamp: int
    source: str
    facts: dict[str, Any]
    flags: dict[str, bool]
    mak: str | None = None
    broker_id: BrokerId | None = None
    editable_brokers: list[BrokerId] | None = None
    data_key: bytes | None = None
    lead_score: int = 0
    score_contributions: str | None = None
    upload_id: UploadId | None = None
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
            differing = {name: stamp for name, stamp in self.observed.items() if stamp != self.stamp}
            record["observed"] = orjson.dumps(differing).decode()
        return record
