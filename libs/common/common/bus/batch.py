"""A batch: what a handler reads, and the one transaction it commits (design §4.1, §4.2).

The order inside the transaction is fixed: inbox rows are claimed first, the handler's function changes state, outgoing
events are written to the outbox last. The function may run again, or on halves, so it touches the database only.
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
from common.bus.failures import HOLDING, HoldError, Kind, body_hash, classify, code_of
from common.bus.received import Caused, Failure, Received, id_used_twice
from common.bus.tx import Tx
from common.deadletters import pack
from common.events import DeadLetter, DeadLetterResolved

if TYPE_CHECKING:
    from common.bus import Bus

log = structlog.get_logger()

E = TypeVar("E")
T = TypeVar("T")
C = TypeVar("C", bound=Caused)

PATIENCE = 30.0
"""Seconds that a commit waits for the database before the batch is given back to Kafka."""


@dataclass(slots=True)
class Batch(Generic[E]):
    """Messages taken together. A handler reads, decides, calls vendors, and commits once."""

    bus: "Bus"
    consumer: str
    received: list[Received[E]]
    inbox: bool = True
    deadline: float = field(default_factory=lambda: time.monotonic() + 60)
    """Monotonic time after which no new vendor call should start: a rebalance waits 90 s at the most."""
    failures: list[Failure] = field(default_factory=list)
    _settled: set[tuple[UUID, int]] = field(default_factory=set)

    def __iter__(self) -> Iterator[Received[E]]:
        return iter(self.received)

    def __len__(self) -> int:
        return len(self.received)

    async def read(self, query: Callable[..., Any], **parameters: object) -> Any:
        """Run the named *query* outside of any transaction; a list of rows, or the one row or value it is for."""
        async with self.bus.database.connection() as connection:
            result = query(connection, **parameters)
            return [row async for row in result] if hasattr(result, "__aiter__") else await result

    def reject(
        self, received: Received[E], code: str, detail: str = "", *, retry_after: timedelta | None = None
    ) -> None:
        """Make this message a dead letter: it breaks a rule (*code*), or its vendor call kept failing (*retry_after*)."""
        kind = Kind.BAD_RECORD if retry_after is None else Kind.THEIRS_DOWN
        due = None if retry_after is None else datetime.now(UTC) + retry_after
        self.failures.append(Failure(received, kind, code, detail[:500], retry_after=due))

    async def commit(
        self,
        items: Iterable[C],
        write: Callable[[Tx, Sequence[C]], Awaitable[None]],
        otherwise: Callable[[Tx, Sequence[C]], Awaitable[None]] | None = None,
    ) -> None:
        """Commit *items* through *write*, each once, whatever is killed and whenever.

        *write* runs again after a deadlock or a lost connection, and on halves when one of its records is bad; the bad
        one becomes a dead letter, or goes to *otherwise* where that is given. Items of one message stay together.
        Raises HoldError when the batch has to be taken again later.
        """
        by_cause: dict[int, list[C]] = {}
        for item in items:
            by_cause.setdefault(id(item.cause), []).append(item)
        await self._commit(list(by_cause.values()), write, otherwise)

    async def _commit(self, groups: list[list[C]], write: Any, otherwise: Any) -> None:
        if not groups:
            return
        try:
            await self._patiently(lambda tx: self._claim_and_write(tx, groups, write))
        except Exception as error:
            kind = classify(error)
            if kind in HOLDING:
                raise HoldError(kind, error) from error
            if len(groups) > 1:
                middle = len(groups) // 2
                await self._commit(groups[:middle], write, otherwise)
                await self._commit(groups[middle:], write, otherwise)
            elif otherwise is not None and write is not otherwise:
                await self._commit(groups, otherwise, otherwise)
            else:
                log.warning(
                    "record_failed",
                    consumer=self.consumer,
                    event_id=str(groups[0][0].cause.id),
                    kind=kind,
                    error=code_of(error),
                )
                self.failures.append(Failure.of(groups[0][0].cause, error))

    async def _claim_and_write(self, tx: Tx, groups: list[list[C]], write: Any) -> None:
        causes = [group[0].cause for group in groups]
        claimed = await self._claim(tx, causes)
        mine = [item for group in groups if group[0].cause.inbox_key in claimed for item in group]
        if mine:
            await write(tx, mine)
        for cause in causes:
            if self.inbox and cause.redrive and cause.inbox_key in claimed:
                tx.emit(
                    DeadLetterResolved(event_id=cause.id, consumer=self.consumer, redrive=cause.redrive), cause=cause
                )
        self._settled.update(cause.inbox_key for cause in causes)

    async def settle(self) -> None:
        """Write the dead letters, and mark redriven messages that needed no work as resolved."""
        failed = {failure.received.inbox_key for failure in self.failures}
        idle = [r for r in self.received if self.inbox and r.redrive and r.inbox_key not in self._settled | failed]
        if not (self.failures or idle):
            return

        async def write(tx: Tx) -> None:
            claimed = await self._claim(tx, [failure.received for failure in self.failures] + idle, compare=False)
            for failure in self.failures:
                if failure.received.inbox_key in claimed:
                    tx.emit(self._dead_letter(failure), cause=failure.received, id=self._dead_letter_id(failure))
            for cause in idle:
                if cause.inbox_key in claimed:
                    tx.emit(DeadLetterResolved(event_id=cause.id, consumer=self.consumer, redrive=cause.redrive))

        await self._patiently(write)
        dead = telemetry.counter("equity_dead_letters", "Dead letters written")
        for failure in self.failures:
            dead.add(1, {"consumer": self.consumer, "kind": failure.kind, "reason": failure.code})

    async def _patiently(self, write: Callable[[Tx], Awaitable[None]]) -> None:
        """Run *write* in a transaction, again for up to half a minute while the database is away."""
        give_up = time.monotonic() + PATIENCE
        pause = 0.1
        while True:
            try:
                return await self.bus.transact(write)
            except Exception as error:
                if classify(error) is not Kind.OURS_DOWN or time.monotonic() + pause > give_up:
                    raise
                log.warning("commit_waits", consumer=self.consumer, error=type(error).__name__, pause_s=round(pause, 1))
            await asyncio.sleep(pause * random.uniform(0.8, 1.2))  # noqa: S311 - jitter
            pause = min(pause * 2, 5)

    async def _claim(self, tx: Tx, causes: Sequence[Received[Any]], *, compare: bool = True) -> set[tuple[UUID, int]]:
        """The deliveries among *causes* that nobody has committed before; they are ours now."""
        if not self.inbox:
            return {cause.inbox_key for cause in causes}
        ordered = sorted(causes, key=lambda cause: cause.id.bytes)
        hashes = [body_hash(cause.record.value) for cause in ordered]
        keys = ([c.day for c in ordered], [c.id for c in ordered], [c.redrive for c in ordered])
        rows = await tx.connection.fetch(self.bus.sql.claim, self.consumer, *keys, hashes)
        claimed = {(row["event_id"], row["redrive"]) for row in rows}
        if compare and len(claimed) < len(ordered):
            await self._report_conflicts(tx, ordered, claimed)
        return claimed

    async def _report_conflicts(self, tx: Tx, causes: list[Received[Any]], claimed: set[tuple[UUID, int]]) -> None:
        """Another body came under an id that was already handled: a dead letter, never a silent drop (hazards S16)."""
        repeats = [cause for cause in causes if cause.inbox_key not in claimed]
        known = await tx.connection.fetch(
            self.bus.sql.known,
            self.consumer,
            [c.day for c in repeats],
            [c.id for c in repeats],
            [c.redrive for c in repeats],
        )
        hashes = {(row["event_id"], row["redrive"]): row["body_hash"] for row in known}
        for cause in repeats:
            seen, now = hashes.get(cause.inbox_key), body_hash(cause.record.value)
            if seen is None or seen == now:
                continue
            failure = id_used_twice(cause)
            if await self._claim(tx, [failure.received], compare=False):
                tx.emit(self._dead_letter(failure), cause=cause, id=self._dead_letter_id(failure))

    def _dead_letter_id(self, failure: Failure) -> UUID:
        return ids.dead_letter_id(self.consumer, failure.received.id, failure.received.redrive)

    def _dead_letter(self, failure: Failure) -> DeadLetter:
        received, record = failure.received, failure.received.record
        now = datetime.now(UTC)
        attempts, first = self.bus.attempts.get((record.topic, record.partition, record.offset), (1, now))
        sealed = self.bus.keyring.seal("dead-letter", received.id.bytes, pack(record.key, record.headers, record.value))
        return DeadLetter(
            event_id=received.id,
            consumer=self.consumer,
            redrive=received.redrive,
            failure_kind=failure.kind,
            reason=failure.code,
            detail=failure.detail,
            exception_type=failure.exception_type,
            attempts=attempts,
            first_failed_at=first,
            last_failed_at=now,
            retry_after=failure.retry_after,
            origin_topic=record.topic.removeprefix(self.bus.settings.kafka_topic_prefix),
            origin_partition=record.partition,
            origin_offset=record.offset,
            origin_timestamp=record.timestamp,
            service_version=common.__version__,
            causation_id=_bounded(received.causation_id),
            traceparent=_bounded(received.traceparent),
            payload=b64encode(sealed).decode(),
        )


def _bounded(text: str | None) -> str | None:
    """Header text fit for a dead letter: short, and without the NUL that PostgreSQL refuses."""
    return None if text is None else text.replace("\0", "")[:200]
