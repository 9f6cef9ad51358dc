"""Events of appointments. One appointment is a chain of bookings at Cal.com: a move gives it another booking."""

from typing import ClassVar
from uuid import UUID

from pydantic import AwareDatetime, Field

from common.events.base import Code, FunnelEvent, Reference


class AppointmentEvent(FunnelEvent):
    """Event about one appointment. Of several events about it, the one with the highest `revision` holds."""

    appointment_id: UUID = Field(description="Row of `app.appointments`. It stays the same when the appointment moves.")
    revision: int = Field(ge=1, description="Number of this change of the appointment.")
    event_type: Code = Field(description="`equity-call`, `follow-up` or `doc-review`.")
    starts_at: AwareDatetime
    ends_at: AwareDatetime | None = None
    by: Code | None = Field(None, description="Author of the change: `owner`, `broker`, `assistant`, `operator`.")
    vendor_booking_uid: Reference | None = Field(None, description="Uid of the booking at Cal.com.")


class AppointmentBooked(AppointmentEvent):
    """Booking of an appointment, or its revival after a cancellation."""

    topic: ClassVar[str] = "funnel.appointment_booked"
    source: Code | None = Field(None, description="Way of the booking: `call`, `link` or `unmatched`.")
    attempt_id: UUID | None = Field(None, description="Call in which it was booked.")


class AppointmentRescheduled(AppointmentEvent):
    """Move of an appointment to another time."""

    topic: ClassVar[str] = "funnel.appointment_rescheduled"
    former_starts_at: AwareDatetime | None = None
    former_vendor_booking_uid: Reference | None = None


class AppointmentCancelled(AppointmentEvent):
    """Cancellation of an appointment. A request to choose another time cancels it too, and may revive it."""

    topic: ClassVar[str] = "funnel.appointment_cancelled"
    is_reschedule_requested: bool = False


class AppointmentNoShow(AppointmentEvent):
    """Report that a side was absent. `outcome` names it: `owner`, `broker` or `both`."""

    topic: ClassVar[str] = "funnel.appointment_no_show"
