"""Property records, as sources write them."""

from datetime import date
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field, create_model

from common.events.base import Event, EventType, Scalar
from common.ids import BrokerId, UploadId
from common.lead_facts import RECORD_FIELDS

SIGNED_NUMBER_SOURCE = "consent_form"
"""Source of a number that a person signed and that the lead did not have. Skip tracing verifies it before any other."""


class PhoneCandidate(BaseModel):
    """Phone number as a source reported it, with the source's facts about it. Another field may forbid calls to it."""

    model_config = ConfigDict(frozen=True, extra="allow", hide_input_in_errors=True)
    number: Scalar = None
    type: Scalar = None
    dnc: Scalar = None


def _with_record_fields(model: type[EventType]) -> type[EventType]:
    """Add to *model* one optional field for each fact that a record may carry (`common.lead_facts`)."""
    fields: Any = dict.fromkeys(RECORD_FIELDS, (Scalar, None))
    return create_model(model.__name__, __base__=model, __module__=model.__module__, __doc__=model.__doc__, **fields)


@_with_record_fields
class LeadRecord(Event):
    """Property record as its source wrote it. The service `ingest` interprets it.

    The gateway sends a CSV row in `cells`: header to non-empty cell. If a file has several street columns, their empty
    cells are sent too, so that the owner's street is never mistaken for the property's. Every other producer sends the
    named fields, each as text or as a JSON number or boolean. A record needs its property's address, city, state and ZIP.
    """

    topic: ClassVar[str] = "ingest.leads"
    model_config = ConfigDict(frozen=True, extra="allow", hide_input_in_errors=True)
    """Unknown fields are kept: one of them may forbid contact with the owner (docs/protective-columns.md)."""

    source: str = Field(
        "upstream",
        max_length=40,
        pattern=r"^[^\x00-\x1f\x7f]*$",
        description="Source of the record, such as `propstream`.",
    )
    observed_on: date | None = Field(
        None, description="Day on which the source observed these facts; default: the day of `ce_time`."
    )
    upload_id: UploadId | None = Field(
        None, description="Set by the gateway only, like `row`; other producers omit both."
    )
    row: int | None = Field(
        None, ge=1, le=2**31 - 1, description="Number of the data row in the upload's file; 1 is the first."
    )
    row_problem: str | None = Field(None, description="Part of the row that the gateway could not read.")
    broker_id: BrokerId | None = Field(None, description="Broker of the lead; default: by territory.")
    allowed_broker_ids: list[BrokerId] | None = Field(
        None, description="Brokers whose leads the sender may write; null means any."
    )
    cells: dict[str, str] | None = None

    phones: list[PhoneCandidate | Scalar] = Field(default_factory=list, max_length=50)
    emails: list[Scalar] = Field(default_factory=list, max_length=50)
