"""Deals: what upstream systems report about loans, and the funnel's events that billing makes of the reports."""

from datetime import date
from typing import ClassVar
from uuid import UUID

from pydantic import Field

from common.events.base import Cents, Code, Currency, Event, FunnelEvent, Reference


class DealRecord(Event):
    """Report of an upstream system about one deal. The service `billing` checks it, and emits the funnel's events.

    `source`, `deal_id` and `kind` identify a report: a repeat has no effect, and another amount is a conflict.
    """

    topic: ClassVar[str] = "ingest.deals"
    source: Code = Field(description="Upstream system, which must have the right to report deals of the lead's broker.")
    deal_id: Reference = Field(description="Id of the deal in that system. Personal data is forbidden here.")
    lead_id: UUID | None = Field(
        None, description="Our id of the lead. A later report on a deal may omit it: the first one has named the lead."
    )
    kind: Code = Field(
        description="`application_submitted`, `loan_funded`, `application_withdrawn` or `loan_rescinded`."
    )
    occurred_on: date = Field(description="Business day of the fact, not in the future.")
    amount_cents: Cents | None = Field(None, ge=0, description="Amount of the loan in cents.")
    currency: Currency = "USD"


class DealEvent(FunnelEvent):
    """Fact about a deal that billing accepted. Only billing emits it."""

    source: Code = Field(description="Upstream system that reported it.")
    deal_id: Reference = Field(description="Id of the deal in that system.")
    occurred_on: date = Field(description="Business day of the fact.")
    amount_cents: Cents | None = Field(None, ge=0, description="Amount of the loan in cents.")
    currency: Currency = "USD"


class ApplicationSubmitted(DealEvent):
    """Submission of a loan application by the lead."""

    topic: ClassVar[str] = "funnel.application_submitted"


class LoanFunded(DealEvent):
    """Funding of the lead's loan. It may be known before the application."""

    topic: ClassVar[str] = "funnel.loan_funded"
