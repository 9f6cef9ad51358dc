"""Batch: the messages that a handler reads, and the one transaction that it commits.

The order inside the transaction is fixed: inbox rows are claimed first, then the handler's function changes state, and
outgoing events are written to the outbox last. The bus may run the function again, or on halves, so the function touches
the database only (docs/delivery.md#one-batch-inbox-state-outbox).
"""

import asyncio
import random
import time
from base64 import b64encode
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Generic, TypeVar
from uuid import UUID

import structlog

import common
from common import ids, telemetry
from common.bus.dead_letter_message import pack_message
from common.bus.failures import (
    MAX_DETAIL_CHARACTERS,
    PAUSING_KINDS,
    ConsumerPausedError,
    FailureKind,
    body_hash,
    classify_error,
    error_code,
)
from common.bus.received import Caused, MessageFailure, Received, id_used_twice
from common.bus.tx import Tx
from common.events import DeadLetter, DeadLetterResolved

if TYPE_CHECKING:
    from common.bus import Bus

log = structlog.get_logger()

E = TypeVar("E")
T = TypeVar("T")
C = TypeVar("C", bound=Caused)

COMMIT_RETRY_SECONDS = 30.0
"""How long a commit retries while the database is away, before the batch returns to Kafka."""
HANDLER_SECONDS = 60.0
MAX_HEADER_CHARACTERS = 200


@dataclass(slots=True)
class Batch(Generic[E]):
    """Messages handled together. A handler reads, decides, calls vendors, and commits once."""

    bus: "Bus"
    consumer: str
    received: list[Received[E]]
    uses_inbox: bool = True
    deadline: float = field(default_factory=lambda: time.monotonic() + HANDLER_SECONDS)
    """Monotonic time after which no new vendor call may start: a rebalance waits for at most 90 s."""
    failures: list[MessageFailure] = field(default_factory=list)

    def __iter__(self) -> Iterator[Received[E]]:
        return iter(self.received)

    def __len__(self) -> int:
        return len(self.received)

    async def run_query(self, query: Callable[..., Any], **parameters: object) -> Any:
        """Run the named *query* outside any transaction. Return its rows, or its one row or value."""
        async with self.bus.database.connection() as connection:
            result = query(connection, **parameters)
            return [row async for row in result] if hasattr(result, "__aiter__") else await result

    def reject(
        self, received: Received[E], code: str, detail: str = "", *, retry_after: timedelta | None = None
    ) -> None:
        """Make this message a dead letter: it breaks the rule *code*.

        With *retry_after*, its vendor call kept failing, and the dead letter is replayed when that time has passed.
        """
        kind = FailureKind.BAD_RECORD if retry_after is None else FailureKind.VENDOR_UNAVAILABLE
        due = None if retry_after is None else datetime.now(UTC) + retry_after
        self.failures.append(MessageFailure(received, kind, code, detail[:MAX_DETAIL_CHARACTERS], retry_after=due))

    async def commit(
        self,
        items: Iterable[C],
        write: Callable[[Tx, Sequence[C]], Awaitable[None]],
        otherwise: Callable[[Tx, Sequence[C]], Awaitable[None]] | None = None,
    ) -> None:
        """Commit *items* through *write*, each once, whatever process is killed and whenever.

        *write* runs again after a deadlock or a lost connection, and on halves when one of its records is bad. The bad
        record becomes a dead letter, or is committed through *otherwise* if that is given. Items of one message stay
        together. Raises ConsumerPausedError when the consumer must pause and take the batch again later.
        """
        by_cause: dict[int, list[C]] = {}
        for item in items:
            by_cause.setdefault(id(item.cause), []).append(item)
        await self._commit_groups(list(by_cause.values()), write, otherwise)

    async def _commit_groups(self, groups: list[list[C]], write: Any, otherwise: Any) -> None:
        if not groups:
            return
        try:
            await self._retry_while_unavailable(lambda tx: self._claim_and_write(tx, groups, write))
        except Exception as error:
            kind = classify_error(error)
            if kind in PAUSING_KINDS:
                raise ConsumerPausedError(kind, error) from error
            if len(groups) > 1:
                middle = len(groups) // 2
                await self._commit_groups(groups[:middle], write, otherwise)
                await self._commit_groups(groups[middle:], write, otherwise)
            elif otherwise is not None and write is not otherwise:
                await self._commit_groups(groups, otherwise, otherwise)
            else:
                self._add_failure(groups[0][0].cause, error)

    def _add_failure(self, received: Received[Any], error: Exception) -> None:
        failure = MessageFailure.from_error(received, error)
        log.warning(
            "record_failed",
            consumer=self.consumer,
            event_id=str(received.id),
            kind=failure.kind,
            error=error_code(error),
        )
        self.failures.append(failure)

    async def _claim_and_write(self, tx: Tx, groups: list[list[C]], write: Any) -> None:
        causes = [group[0].cause for group in groups]
        claimed = await self._claim(tx, causes)
        claimed_items = [item for group in groups if group[0].cause.inbox_key in claimed for item in group]
        if claimed_items:
            await write(tx, claimed_items)
        for cause in causes:
            if self.uses_inbox and cause.replay_number and cause.inbox_key in claimed:
                tx.emit(self._resolved_event(cause), cause=cause)

    async def commit_dead_letters(self) -> None:
        """Commit the dead letters of failed messages, and report replayed messages that needed no work as resolved.

        A replayed message that the handler committed has claimed its inbox row, so it is not reported twice.
        """
        replays = self._replays_without_failure()
        if not (self.failures or replays):
            return

        async def write(tx: Tx) -> None:
            ended = [failure.received for failure in self.failures] + replays
            claimed = await self._claim(tx, ended, compare=False)
            for failure in self.failures:
                if failure.received.inbox_key in claimed:
                    tx.emit(self._dead_letter(failure), cause=failure.received, id=self._dead_letter_id(failure))
            for received in replays:
                if received.inbox_key in claimed:
                    tx.emit(self._resolved_event(received))

        await self._retry_while_unavailable(write)
        counter = telemetry.counter("equity_dead_letters", "Dead letters written")
        for failure in self.failures:
            counter.add(1, {"consumer": self.consumer, "kind": failure.kind, "reason": failure.code})

    def _replays_without_failure(self) -> list[Received[E]]:
        if not self.uses_inbox:
            return []
        failed = {failure.received.inbox_key for failure in self.failures}
        return [received for received in self.received if received.replay_number and received.inbox_key not in failed]

    async def _retry_while_unavailable(self, write: Callable[[Tx], Awaitable[None]]) -> None:
        """Run *write* in a transaction, and again for up to COMMIT_RETRY_SECONDS while the database is away."""
        give_up_at = time.monotonic() + COMMIT_RETRY_SECONDS
        backoff_seconds = 0.1
        while True:
            try:
                return await self.bus.transact(write)
            except Exception as error:
                if (
                    classify_error(error) is not FailureKind.INFRASTRUCTURE_UNAVAILABLE
                    or time.monotonic() + backoff_seconds > give_up_at
                ):
                    raise
                log.warning(
                    "commit_delayed",
                    consumer=self.consumer,
                    error=type(error).__name__,
                    backoff_seconds=round(backoff_seconds, 1),
                )
            await asyncio.sleep(backoff_seconds * random.uniform(0.8, 1.2))  # noqa: S311 - jitter
            backoff_seconds = min(backoff_seconds * 2, 5)

    async def _claim(self, tx: Tx, causes: Sequence[Received[Any]], *, compare: bool = True) -> set[tuple[UUID, int]]:
        """Claim the deliveries among *causes* that were never committed before, and return their inbox keys.

        With *compare*, a body that differs from the one committed under the same id becomes a dead letter.
        """
        if not self.uses_inbox:
            return {cause.inbox_key for cause in causes}
        ordered = sorted(causes, key=lambda cause: cause.id.bytes)
        hashes = [body_hash(cause.record.value) for cause in ordered]
        rows = await tx.connection.fetch(
            self.bus.inbox_statements.claim, self.consumer, *inbox_columns(ordered), hashes
        )
        claimed = {(row["event_id"], row["replay_number"]) for row in rows}
        if compare and len(claimed) < len(ordered):
            await self._report_conflicts(tx, [cause for cause in ordered if cause.inbox_key not in claimed])
        return claimed

    async def _report_conflicts(self, tx: Tx, repeats: list[Received[Any]]) -> None:
        """Make a dead letter of each body that came under the id of a committed one; it is never dropped silently.

        See docs/hazards.md#s16-external-messages-without-an-id.
        """
        known = await tx.connection.fetch(self.bus.inbox_statements.known, self.consumer, *inbox_columns(repeats))
        hashes = {(row["event_id"], row["replay_number"]): row["body_hash"] for row in known}
        for cause in repeats:
            committed_hash = hashes.get(cause.inbox_key)
            if committed_hash is None or committed_hash == body_hash(cause.record.value):
                continue
            failure = id_used_twice(cause)
            if await self._claim(tx, [failure.received], compare=False):
                tx.emit(self._dead_letter(failure), cause=cause, id=self._dead_letter_id(failure))

    def _resolved_event(self, received: Received[Any]) -> DeadLetterResolved:
        return DeadLetterResolved(event_id=received.id, consumer=self.consumer, replay_number=received.replay_number)

    def _dead_letter_id(self, failure: MessageFailure) -> UUID:
        return ids.dead_letter_id(self.consumer, failure.received.id, failure.received.replay_number)

    def _dead_letter(self, failure: MessageFailure) -> DeadLetter:
        received, record = failure.received, failure.received.record
        now = datetime.now(UTC)
        attempts, first_failed_at = self.bus.failed_attempts.get(
            (record.topic, record.partition, record.offset), (1, now)
        )
        packed = pack_message(record.key, record.headers, record.value)
        return DeadLetter(
            event_id=received.id,
            consumer=self.consumer,
            replay_number=received.replay_number,
            failure_kind=failure.kind,
            reason=failure.code,
            detail=failure.detail,
            exception_type=failure.exception_type,
            attempts=attempts,
            first_failed_at=first_failed_at,
            last_failed_at=now,
            retry_after=failure.retry_after,
            origin_topic=record.topic.removeprefix(self.bus.settings.kafka_topic_prefix),
            origin_partition=record.partition,
            origin_offset=record.offset,
            origin_timestamp=record.timestamp,
            service_version=common.__version__,
            causation_id=_bounded(received.causation_id),
            traceparent=_bounded(received.traceparent),
            payload=b64encode(self.bus.keyring.encrypt("dead-letter", received.id.bytes, packed)).decode(),
        )


def inbox_columns(deliveries: Sequence[Received[Any]]) -> tuple[list[Any], list[Any], list[Any]]:
    """Return days, event ids and replay numbers of *deliveries*, as the statements of the inbox take them."""
    return (
        [delivery.day for delivery in deliveries],
        [delivery.id for delivery in deliveries],
        [delivery.replay_number for delivery in deliveries],
    )


def _bounded(text: str | None) -> str | None:
    """Return header text fit for a dead letter: short, and without the NUL character that PostgreSQL refuses."""
    return None if text is None else text.replace("\0", "")[:MAX_HEADER_CHARACTERS]
