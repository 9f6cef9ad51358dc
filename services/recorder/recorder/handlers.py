"""Handlers of the recorder: each message becomes a row, whatever bytes it holds, and none becomes a dead letter.

The primary keys of the tables make repeated messages harmless, so the recorder uses no inbox.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import structlog

from common import telemetry
from common.bus import Batch, Tx
from recorder import queries
from recorder.dead_letter_row import DeadLetterRow, read_dead_letter
from recorder.event_row import EventRow, read_event

log = structlog.get_logger()


async def record_events(batch: Batch[None]) -> None:
    """Copy funnel events into `pipeline_events`."""
    prefix = batch.bus.settings.kafka_topic_prefix
    await batch.commit([read_event(received, prefix) for received in batch], write_events, write_unreadable_events)


async def write_events(tx: Tx, rows: Sequence[EventRow]) -> None:
    """Insert new events. Report a different body under a known id, and store it under a derived id."""
    inserted = await _insert_events(tx, rows)
    telemetry.counter("equity_events_recorded", "Events written to pipeline_events").add(len(inserted))
    repeats = [row for row in rows if row.key not in inserted]
    conflicts = await _find_conflicts(tx, repeats) if repeats else []
    if conflicts:
        log.error("event_id_used_twice", count=len(conflicts), event_id=str(conflicts[0].event_id))
        telemetry.counter("equity_event_conflicts", "Two bodies under one event id").add(len(conflicts))
        await _insert_events(tx, [row.with_derived_id() for row in conflicts])


async def write_unreadable_events(tx: Tx, rows: Sequence[EventRow]) -> None:
    """Insert events whose values PostgreSQL rejected: only the size and digest of each body."""
    telemetry.counter("equity_events_unreadable", "Events stored without their body").add(len(rows))
    await _insert_events(tx, [row.as_unreadable() for row in rows])


async def _insert_events(tx: Tx, rows: Sequence[EventRow]) -> set[tuple[UUID, datetime]]:
    """Insert the events that are not stored yet, and return their keys."""
    columns = {name: [getattr(row, name) for row in rows] for name in EventRow.COLUMNS}
    inserted = await queries.add_events(tx.connection, **columns)
    return {(row.event_id, row.created_at) for row in inserted}


async def _find_conflicts(tx: Tx, repeats: Sequence[EventRow]) -> list[EventRow]:
    """Return the repeated events whose stored body is a different one."""
    stored = await queries.find_payload_hashes(
        tx.connection, ids=[row.event_id for row in repeats], times=[row.created_at for row in repeats]
    )
    stored_hashes = {(row.event_id, row.created_at): row.payload_hash for row in stored}
    return [row for row in repeats if stored_hashes.get(row.key) not in (None, row.payload_hash)]


async def record_dead_letters(batch: Batch[None]) -> None:
    """Mirror `pipeline.dlq` into `pipeline_dlq`: new dead letters, and notices of successful replays."""
    prefix = batch.bus.settings.kafka_topic_prefix
    rows = [read_dead_letter(received, prefix) for received in batch]
    await batch.commit(rows, write_dead_letters, write_unreadable_dead_letters)


async def write_dead_letters(tx: Tx, rows: Sequence[DeadLetterRow]) -> None:
    """Insert or update dead letters. A message about an earlier replay never overwrites one about a later replay."""
    for row in rows:
        if row.is_resolved:
            await queries.resolve_dead_letter(
                tx.connection,
                consumer=row.consumer,
                event_id=row.event_id,
                replay_number=row.replay_number,
                source=row.source,
            )
        else:
            await queries.add_dead_letter(tx.connection, **row.column_values())


async def write_unreadable_dead_letters(tx: Tx, rows: Sequence[DeadLetterRow]) -> None:
    """Park dead letters whose values PostgreSQL rejected: only the size and digest of each."""
    await write_dead_letters(tx, [row.as_unreadable() for row in rows])
