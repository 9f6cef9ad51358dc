"""Run of one batch: the handler, its dead letters, and the attempts of messages that failed unexpectedly."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from typing import Any

import structlog
from aiokafka import ConsumerRecord
from opentelemetry.trace import Span, SpanKind

from common import telemetry
from common.bus.batch import Batch, inbox_columns
from common.bus.consumer import Consumer
from common.bus.failures import PAUSING_KINDS, ConsumerPausedError, FailureKind, classify_error
from common.bus.received import MessageFailure, Received

log = structlog.get_logger()

UNEXPECTED_ATTEMPTS = 3
"""Attempts of a message that fails unexpectedly, before it becomes a dead letter."""


class BatchRunner:
    """Runner of a consumer's batches. It raises ConsumerPausedError when the consumer must pause and take the records again."""

    def __init__(self, consumer: Consumer) -> None:
        self._consumer = consumer

    async def run(self, records: Sequence[ConsumerRecord[Any, Any]], *, is_retry: bool) -> None:
        """Handle *records* and commit dead letters. In a retry, messages that an earlier attempt committed are left out."""
        received, failures = self._consumer.read_records(records)
        if is_retry:
            received = await self._exclude_handled(received)
        with self._span(records, received):
            failures += await self._run_handler(received)
            await self._commit_dead_letters(received, failures)

    async def run_ahead(self, records: Sequence[ConsumerRecord[Any, Any]]) -> int:
        """Handle *records* before Kafka delivers them, and return the number of messages that this handled.

        The inbox drops the later delivery. A message that fails is left to that delivery, which counts attempts and writes dead
        letters. Raises ConsumerPausedError if the service cannot handle messages now.
        """
        received, _ = self._consumer.read_records(records)
        received = await self._exclude_handled(received)
        with self._span(records, received):
            failures = await self._run_handler(received)
        return len(received) - len(failures)

    def clear_attempts(self, records: Sequence[ConsumerRecord[Any, Any]]) -> None:
        """Delete the counted attempts of *records*, which are handled now."""
        attempts = self._consumer.bus.failed_attempts
        for record in records if attempts else ():
            attempts.pop((record.topic, record.partition, record.offset), None)

    def _span(
        self, records: Sequence[ConsumerRecord[Any, Any]], received: list[Received[Any]]
    ) -> AbstractContextManager[Span]:
        """Open a span that links to the spans that sent the messages."""
        return telemetry.open_span(
            f"process {self._consumer.name}",
            SpanKind.CONSUMER,
            links=telemetry.links_to(message.traceparent for message in received),
            attributes={
                "messaging.system": "kafka",
                "messaging.operation.name": "process",
                "messaging.operation.type": "process",
                "messaging.consumer.group.name": self._consumer.name,
                "messaging.batch.message_count": len(records),
            },
        )

    async def _run_handler(self, received: list[Received[Any]]) -> list[MessageFailure]:
        """Run the handler. After a failure that may be one record's, run it on halves. Return the failures."""
        if not received:
            return []
        batch = self._batch(received)
        try:
            await self._consumer.handler(batch)
        except ConsumerPausedError:
            raise
        except Exception as error:
            kind = classify_error(error)
            if kind in PAUSING_KINDS:
                raise ConsumerPausedError(kind, error) from error
            if len(received) > 1:
                middle = len(received) // 2
                return await self._run_handler(received[:middle]) + await self._run_handler(received[middle:])
            log.warning(
                "handler_failed", consumer=self._consumer.name, event_id=str(received[0].id), error=type(error).__name__
            )
            batch.failures = [MessageFailure.from_error(received[0], error)]
        self._record_outcomes(batch)
        return batch.failures

    def _record_outcomes(self, batch: Batch[Any]) -> None:
        """Add the outcomes of *batch* to the recent ones. Raises ConsumerPausedError if nearly all recent records fail."""
        unexpected = [failure for failure in batch.failures if failure.kind is FailureKind.UNEXPECTED]
        outcomes = self._consumer.outcomes
        outcomes.record_successes(len(batch) - len(unexpected))
        for _ in unexpected:
            outcomes.record_failure()
        if unexpected and outcomes.nearly_all_fail:
            raise ConsumerPausedError(FailureKind.DEPLOYMENT_ERROR, RuntimeError(unexpected[-1].code))

    async def _commit_dead_letters(self, received: list[Received[Any]], failures: list[MessageFailure]) -> None:
        """Commit dead letters. Raises ConsumerPausedError if a message that failed unexpectedly has attempts left."""
        retried = [
            f for f in failures if f.kind is FailureKind.UNEXPECTED and self._count_attempt(f) < UNEXPECTED_ATTEMPTS
        ]
        batch = self._batch([message for message in received if not any(f.received is message for f in retried)])
        batch.failures = [failure for failure in failures if failure not in retried]
        try:
            await batch.commit_dead_letters()
        except Exception as error:
            raise _pause_for(error) from error
        if retried:
            raise ConsumerPausedError(FailureKind.TRANSIENT_CONFLICT, RuntimeError(retried[0].code))

    def _count_attempt(self, failure: MessageFailure) -> int:
        """Count a failed attempt of a message and return the number of its attempts."""
        record = failure.received.record
        position = (record.topic, record.partition, record.offset)
        attempts = self._consumer.bus.failed_attempts
        count, first_failed_at = attempts.get(position, (0, datetime.now(UTC)))
        attempts[position] = (count + 1, first_failed_at)
        return count + 1

    async def _exclude_handled(self, received: list[Received[Any]]) -> list[Received[Any]]:
        """Leave out the messages that an earlier attempt committed, so that their paid calls are not repeated."""
        if self._consumer.event is None or not received:
            return received
        bus = self._consumer.bus
        try:
            async with bus.database.connection() as connection:
                known = await connection.fetch(
                    bus.inbox_statements.known, self._consumer.name, *inbox_columns(received)
                )
        except Exception as error:
            raise _pause_for(error) from error
        handled = {(row["event_id"], row["replay_number"]) for row in known}
        return [message for message in received if message.inbox_key not in handled]

    def _batch(self, received: list[Received[Any]]) -> Batch[Any]:
        has_model = self._consumer.event is not None
        return Batch(self._consumer.bus, self._consumer.name, received, uses_inbox=has_model)


def _pause_for(error: Exception) -> ConsumerPausedError:
    """Return the pause that an error of the bus's own statements means: one of no pausing kind is a deployment error."""
    kind = classify_error(error)
    return ConsumerPausedError(kind if kind in PAUSING_KINDS else FailureKind.DEPLOYMENT_ERROR, error)
