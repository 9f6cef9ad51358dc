"""Events of calls. Each belongs to an attempt: one row, written before the vendor is asked to dial."""

from typing import ClassVar
from uuid import UUID

from pydantic import AwareDatetime, Field

from common.events.base import Code, ContactEvent, FunnelEvent, Reference


class LeadNotCallable(FunnelEvent):
    """Refusal to call a lead with a consent, until something else than time changes. `outcome` is the first reason."""

    topic: ClassVar[str] = "funnel.lead_not_callable"
    reasons: list[Code] = Field(description="Reasons of the gate, `no_number` or `attempts_exhausted`.")
    consent_audit_id: int | None = Field(None, description="Row of `app.lead_consent_audit` of the consent.")
    is_booking_offered: bool | None = Field(None, description="Whether the lead gets the booking link instead.")


class CallEvent(ContactEvent):
    """Event about one attempt. `value_hash` is the person's number."""

    attempt_id: UUID = Field(description="Row of `app.call_attempts`.")
    vendor_call_id: Reference | None = Field(None, description="Id of the call at VAPI, once it is known.")
    number_id: UUID | None = Field(None, description="Row of `app.phone_numbers`: our number.")
    direction: Code = Field("outbound", description="`outbound` or `inbound`.")
    attempt_number: int | None = Field(
        None, ge=1, description="Number of this call among all calls to the person's number."
    )
    assistant: Code | None = None
    assistant_version: int | None = Field(None, ge=1)


class CallInitiated(CallEvent):
    """Begin of a call: the vendor accepted it."""

    topic: ClassVar[str] = "funnel.call_initiated"
    consent_audit_id: int | None = Field(None, description="Row of `app.lead_consent_audit` of the consent.")
    decision_id: int | None = Field(None, description="Row of `pipeline.contact_decisions` that allowed the call.")


class CallCompleted(CallEvent):
    """End of a call. `outcome` is the disposition, such as `booked`, `callback`, `voicemail` or `no_answer`."""

    topic: ClassVar[str] = "funnel.call_completed"
    ended_class: Code = Field(description="Our class of the vendor's reason, or `unknown`.")
    ended_reason: Code | None = Field(None, description="The vendor's reason.")
    started_at: AwareDatetime | None = Field(None, description="Time at which the call was answered.")
    ended_at: AwareDatetime | None = None
    seconds: int | None = Field(None, ge=0, description="Length of the conversation.")
    sentiment: Code | None = Field(None, description="`positive`, `neutral` or `negative`.")
    attempts_left: int | None = Field(None, ge=0, description="Calls that remain; 0 means unreachable.")
    appointment_id: UUID | None = Field(None, description="Appointment that was booked in the call.")
    is_abandoned: bool | None = Field(None, description="Whether the person answered and no assistant joined in time.")
    is_recorded: bool | None = None


class CallbackScheduled(FunnelEvent):
    """Promise to call a person at a time that the person named."""

    topic: ClassVar[str] = "funnel.callback_scheduled"
    callback_at: AwareDatetime = Field(description="Time of the next call, in an allowed window.")
    requested_for: AwareDatetime | None = Field(None, description="Time that the person named, if it is another one.")
    moved_because: Code | None = Field(None, description="Reason of the move, such as `outside_calling_hours`.")
    attempt_id: UUID | None = Field(None, description="Call in which the person asked for it.")
    reply_id: UUID | None = Field(None, description="Reply in which the person asked for it.")
