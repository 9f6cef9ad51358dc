"""Transaction of a service, with the events that it publishes through the outbox."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from common import ids, telemetry
from common.bus import envelope
from common.bus.received import Received
from common.bus.relay import encode_attributes, encode_headers
from common.database import Connection
from common.events import Event, FunnelEvent


class Tx:
    """Open transaction: a connection, and the events that are published once it commits."""

    def __init__(self, connection: Connection, service: str) -> None:
        self.connection = connection
        self.now = datetime.now(UTC)
        self._service = service
        self._outgoing: list[tuple[str, bytes | None, bytes, bytes | None]] = []

    def emit(
        self,
        event: Event,
        *,
        cause: Received[Any] | None = None,
        subject: UUID | None = None,
        id: UUID | None = None,  # noqa: A002 - the CloudEvents name
        correlation_id: object = None,
    ) -> None:
        """Publish *event* when this transaction commits. *subject* is the lead; *cause* is the message that led to it.

        The message has the time of the event, but never a future time. Consumers refuse future times, and they use the
        machine's clock even where a test moved the business clock (`common.calendar.clock`).
        """
        subject = subject or getattr(event, "lead_id", None)
        headers = envelope.build_attributes(
            id=id or ids.new_id(),
            type=event.topic,
            source=self._service,
            time=min(event.occurred_at, self.now) if isinstance(event, FunnelEvent) else self.now,
            subject=subject,
            causation_id=cause.id if cause else None,
            correlation_id=correlation_id or (cause.correlation_id if cause else None),
            duration_ms=max(0, int((self.now - cause.time).total_seconds() * 1000)) if cause else None,
            traceparent=telemetry.current_traceparent() or (cause.traceparent if cause else None),
        )
        body = event.__pydantic_serializer__.to_json(event, exclude_none=True)
        key = str(subject).encode() if subject else None
        self._outgoing.append((event.topic, key, encode_attributes(headers), body))

    def emit_raw(
        self, topic: str, key: bytes | None, headers: Sequence[tuple[str, bytes | None]], value: bytes | None
    ) -> None:
        """Publish a message unchanged when this transaction commits. Replays use it to send the original bytes."""
        self._outgoing.append((topic, key, encode_headers(headers), value))

    async def write_outbox(self) -> int:
        """Write the events to the outbox and return their number. It is the last statement of the transaction."""
        if self._outgoing:
            await self.connection.copy_records_to_table(
                "outbox",
                schema_name=f"svc_{self._service}",
                columns=("topic", "key", "headers", "body"),
                records=self._outgoing,
            )
        return len(self._outgoing)
