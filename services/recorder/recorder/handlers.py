"""What the recorder does with each message: it writes it down, whatever bytes it holds, and never refuses one.

The primary keys make repeats harmless, so there is no inbox here.
"""

from collections.abc import Sequence

import structlog

from common import telemetry
from common.bus import Batch, Tx
from common.database import load_queries
from recorder.reading import DeadLetterRow, EventRow, read_dead_letter, read_event, unreadable_event

log = structlog.get_logger()
queries = load_queries(__file__)


async def record_events(batch: Batch[None]) -> None:
    """Copy funnel events into `pipeline_events`."""
    prefix = batch.bus.settings.kafka_topic_prefix
    await batch.commit([read_event(received, prefix) for received in batch], write_events, write_unreadable)


async def write_events(tx: Tx, rows: Sequence[EventRow]) -> None:
    """Insert what is not there yet; another body under a known id is told, and kept under an id of its own."""
    written = await _insert(tx, rows)
    telemetry.counter("equity_events_recorded", "Events written to pipeline_events").add(len(written))
    if len(written) == len(rows):
        return
    repeats = [row for row in rows if (row.event_id, row.created_at) not in written]
    known = {
        (row["event_id"], row["created_at"]): row["payload_hash"]
        async for row in queries.known_events(
            tx.connection, ids=[row.event_id for row in repeats], times=[row.created_at for row in repeats]
        )
    }
    differing = [row for row in repeats if known.get((row.event_id, row.created_at)) not in (None, row.payload_hash)]
    if differing:
        log.error("event_id_used_twice", count=len(differing), event_id=str(differing[0].event_id))
        telemetry.counter("equity_event_conflicts", "Two bodies under one event id").add(len(differing))
        await _insert(tx, [row.under_own_id() for row in differing])


async def write_unreadable(tx: Tx, rows: Sequence[EventRow]) -> None:
    """Write down that a message came which PostgreSQL would not take as it is: its size and digest only."""
    telemetry.counter("equity_events_unreadable", "Events stored without their body").add(len(rows))
    await _insert(tx, [unreadable_event(row) for row in rows])


async def _insert(tx: Tx, rows: Sequence[EventRow]) -> set[tuple[object, object]]:
    columns = {name: [getattr(row, name) for row in rows] for name in EventRow.COLUMNS}
    inserted = queries.add_events(tx.connection, **columns)
    return {(row["event_id"], row["created_at"]) async for row in inserted}


async def record_dead_letters(batch: Batch[None]) -> None:
    """Mirror `pipeline.dlq` into `pipeline_dlq`: new dead letters, and notices that a redrive went well."""
    prefix = batch.bus.settings.kafka_topic_prefix
    await batch.commit([read_dead_letter(received, prefix) for received in batch], write_dead_letters, write_parked)


async def write_dead_letters(tx: Tx, rows: Sequence[DeadLetterRow]) -> None:
    """Insert or bring up to date, in the order of redrives: an older one never overrides a newer."""
    for row in rows:
        if row.resolved:
            await queries.resolve_dead_letter(
                tx.connection, consumer=row.consumer, event_id=row.event_id, redrive=row.redrive, source=row.source
            )
        else:
            await queries.add_dead_letter(tx.connection, **row.values())


async def write_parked(tx: Tx, rows: Sequence[DeadLetterRow]) -> None:
    """A dead letter that cannot be stored as it is is parked with what is known of it."""
    await write_dead_letters(tx, [row.unreadable() for row in rows])
