"""Consumer: one handler of one service, and the selection of the polled records that are for it."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from aiokafka import ConsumerRecord

from common.bus import envelope
from common.bus.batch import Batch
from common.bus.failures import BadRecordError, RecentOutcomes
from common.bus.received import MessageFailure, Received, id_used_twice
from common.bus.undecodable import UndecodableBatch
from common.events import Event

if TYPE_CHECKING:
    from common.bus import Bus

Handler = Callable[[Batch[Any]], Awaitable[None]]

MAX_CLOCK_SKEW = timedelta(days=1)


@dataclass(slots=True)
class Consumer:
    """One handler of one service. Its name is its group id, its inbox key and its metric label."""

    bus: "Bus"
    name: str
    handler: Handler
    event: type[Event] | None
    """Model of the messages' bodies; None takes any bytes, without inbox and dead letters."""
    outcomes: RecentOutcomes = field(default_factory=RecentOutcomes)

    def read_records(
        self, records: Sequence[ConsumerRecord[Any, Any]]
    ) -> tuple[list[Received[Any]], list[MessageFailure]]:
        """Return the messages among *records* that are for this consumer, and failures of those that cannot be read."""
        good: dict[Any, Received[Any]] = {}
        bad: list[MessageFailure] = []
        now = datetime.now(UTC)
        for record in records:
            header = envelope.read_envelope(record, self.bus.cluster_id)
            if not self._is_for_this_consumer(header):
                continue
            received = _received(record, header)
            if isinstance(record, UndecodableBatch):
                bad.append(MessageFailure.from_error(received, BadRecordError("undecodable_batch", record.detail)))
            elif self.event is None:
                good[record.topic, len(good)] = received
            elif first := good.get(received.inbox_key):
                if first.record.value != record.value:
                    bad.append(id_used_twice(received))
            elif failure := self._read_event(received, self.event, now):
                bad.append(failure)
            else:
                good[received.inbox_key] = received
        return list(good.values()), bad

    def _is_for_this_consumer(self, header: envelope.Envelope) -> bool:
        """Return whether the message is no replay for another consumer."""
        addressee = header.replay_for
        return self.event is None or addressee is None or addressee in (self.bus.prefixed(self.name), self.name)

    def _read_event(self, received: Received[Any], event: type[Event], now: datetime) -> MessageFailure | None:
        """Read the body into `received.event`. Return a failure if the time or the body is not valid."""
        try:
            self._check_time(received, now)
            received.event = event.__pydantic_validator__.validate_json(received.record.value or b"")
        except (ValueError, BadRecordError) as error:
            return MessageFailure.from_error(received, error)
        return None

    def _check_time(self, received: Received[Any], now: datetime) -> None:
        """Raise BadRecordError if the event is older than the inbox remembers, or its time is more than a day ahead.

        An older event could have been handled before, so it is never handled silently. A clock that is ahead is wrong.
        """
        if received.replay_number:
            return
        if received.time < now - timedelta(days=self.bus.settings.inbox_days - 1):
            raise BadRecordError("too_old", "older than the inbox remembers: replay it by hand if it was never handled")
        if received.time > now + MAX_CLOCK_SKEW:
            raise BadRecordError("time_in_future", "ce_time is more than a day ahead: check the sender's clock")


def _received(record: ConsumerRecord[Any, Any], header: envelope.Envelope) -> Received[Any]:
    """Return the message of *record*, its event not read yet. A replay counts for the day of the replay in the inbox."""
    inbox_time = header.replay_time or header.time if header.replay_number else header.time
    return Received(
        None, record, header.id, header.time, inbox_time.date(), header.replay_number,
        header.subject, header.causation_id, header.correlation_id, header.traceparent, header.source, header.duration_ms,
    )  # fmt: skip
