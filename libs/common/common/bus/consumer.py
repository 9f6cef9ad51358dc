"""Who handles what: one handler of one service, and which of the polled records are for it."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from aiokafka import ConsumerRecord

from common import envelope
from common.bus.batch import Batch
from common.bus.failures import BadRecordError, Outcomes
from common.bus.received import Failure, Received, id_used_twice
from common.bus.undecodable import UndecodableBatch
from common.events import Event

if TYPE_CHECKING:
    from common.bus import Bus

Handler = Callable[[Batch[Any]], Awaitable[None]]


@dataclass(slots=True)
class Consumer:
    """One handler of one service: its name is its group id, its inbox key and its metric label."""

    bus: "Bus"
    name: str
    handler: Handler
    event: type[Event] | None
    """The model of the messages' bodies; None takes any bytes, without inbox and dead letters."""
    outcomes: Outcomes = field(default_factory=Outcomes)

    def read(self, records: Sequence[ConsumerRecord[Any, Any]]) -> tuple[list[Received[Any]], list[Failure]]:
        """The messages that are for this consumer, and those among them that cannot be read."""
        good: dict[Any, Received[Any]] = {}
        bad: list[Failure] = []
        newest = datetime.now(UTC) + timedelta(days=1)
        oldest = datetime.now(UTC) - timedelta(days=self.bus.settings.inbox_days - 1)
        for record in records:
            header = envelope.read(record, self.bus.cluster)
            if self.event is not None and header.redrive_for not in (None, self.bus.prefixed(self.name), self.name):
                continue
            day = header.time if not header.redrive else header.redrive_time or header.time
            received: Received[Any] = Received(
                None, record, header.id, header.time, day.date(), header.redrive,
                header.subject, header.causation_id, header.correlation_id, header.traceparent, header.source, header.duration_ms,
            )  # fmt: skip
            if isinstance(record, UndecodableBatch):
                bad.append(Failure.of(received, BadRecordError("undecodable_batch", record.detail)))
                continue
            if self.event is None:
                good[record.topic, len(good)] = received
                continue
            first = good.get(received.inbox_key)
            if first is not None:
                if first.record.value != record.value:
                    bad.append(id_used_twice(received))
                continue
            try:
                _check_time(header, oldest, newest)
                received.event = self.event.model_validate_json(record.value or b"")
            except (ValueError, BadRecordError) as error:
                bad.append(Failure.of(received, error))
            else:
                good[received.inbox_key] = received
        return list(good.values()), bad


def _check_time(header: envelope.Envelope, oldest: datetime, newest: datetime) -> None:
    """An event older than the inbox remembers is never handled silently; a clock that runs ahead is a wrong clock."""
    if header.redrive:
        return
    if header.time < oldest:
        raise BadRecordError("too_old", "older than the inbox remembers: replay it by hand if it was never handled")
    if header.time > newest:
        raise BadRecordError("time_in_future", "ce_time is more than a day ahead: check the sender's clock")
