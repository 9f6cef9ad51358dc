"""Events of a broker's notifications, charges and invoices."""

from datetime import date
from typing import ClassVar
from uuid import UUID

from pydantic import Field

from common.events.base import Cents, Code, Currency, FunnelEvent, Reference


class BrokerNotified(FunnelEvent):
    """End of one notification of a broker. `outcome` is `delivered`, or `failed` after the last attempt."""

    topic: ClassVar[str] = "funnel.broker_notified"
    notification_id: UUID = Field(description="The `webhook-id`, the same on every attempt: id of the event reported.")
    notification_type: Code = Field(description="Type of the notification, such as `appointment.booked`.")
    channel: Code = Field("webhook", description="`webhook` or `email`.")
    endpoint_id: UUID | None = Field(None, description="Row of `app.broker_endpoints`.")
    attempts: int = Field(ge=1)
    response_status: int | None = Field(None, description="HTTP status of the last response, if there was one.")


class BillingRecorded(FunnelEvent):
    """Charge to a broker, or its reversal: a negative amount. `outcome` is the stage."""

    topic: ClassVar[str] = "funnel.billing_recorded"
    billing_event_id: UUID = Field(description="Row of `app.billing_events`.")
    stage: Code = Field(description="`appointment`, `application` or `funding`.")
    revision: int = Field(ge=1, description="Number of this change of what the appointment or deal is billed.")
    amount_cents: Cents
    currency: Currency = "USD"
    business_date: date = Field(description="Business day of the fact, which decides rate and month.")
    rate_id: UUID | None = Field(None, description="Row of `app.billing_rates` that applied.")
    appointment_id: UUID | None = None
    source: Code | None = Field(None, description="Upstream system of the deal.")
    deal_id: Reference | None = None
    reason: Code | None = Field(None, description="Reason of a reversal or correction.")
    credited_invoice_id: UUID | None = Field(
        None, description="Issued invoice that has the charge which this reverses."
    )


class InvoiceIssued(FunnelEvent):
    """Issue of an invoice to a broker. It belongs to no lead. `outcome` is `invoice` or `credit_note`."""

    topic: ClassVar[str] = "funnel.invoice_issued"
    invoice_id: UUID = Field(description="Row of `app.invoices`.")
    invoice_number: Reference = Field(description="Number in the seller's series, without gaps.")
    period_start: date
    period_end: date = Field(description="Last day of the period.")
    due_on: date | None = None
    line_count: int = Field(ge=1)
    total_cents: Cents
    currency: Currency = "USD"
