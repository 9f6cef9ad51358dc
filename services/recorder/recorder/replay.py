"""Replay of due dead letters to the consumer that failed to handle them; see docs/delivery.md, Dead letters and replay.

A replay sends the original message again. Its headers name the consumer and the number of the replay. So other consumers of the
topic skip the message, and the inbox of the named consumer accepts it as a new delivery.
"""

from datetime import UTC, datetime

import structlog

from common import telemetry
from common.bus import Bus, Tx
from common.bus.dead_letter_message import unpack_message
from common.ids import DeadLetterId
from common.pii.keyring import DecryptionError
from recorder import queries
from recorder.queries import DueDeadLetter

log = structlog.get_logger()

REPLAY_BATCH_SIZE = 50
DEAD_LETTER_PURPOSE = "dead-letter"
REPLACED_HEADERS = {"ce_id", "ec_replay", "ec_for", "ec_replaytime"}
"""Headers that a replay sets, so that those of an earlier delivery are removed."""

Headers = list[tuple[str, bytes | None]]


class DeadLetterReplayer:
    """Replayer of due dead letters. It parks those that reached the limit of replays or cannot be decrypted."""

    def __init__(self, bus: Bus, replay_limit: int) -> None:
        self._bus = bus
        self._replay_limit = replay_limit

    async def replay_due_dead_letters(self) -> int:
        """Replay or park all due dead letters, and return their number."""
        total = 0
        while count := await self._bus.transact(self._replay_batch):
            total += count
        return total

    async def _replay_batch(self, tx: Tx) -> int:
        due = await queries.lock_due_dead_letters(tx.connection, page_size=REPLAY_BATCH_SIZE)
        sent: list[DeadLetterId] = []
        parked: list[DeadLetterId] = []
        for row in due:
            is_sent = row.replay_number < self._replay_limit and self._send_again(tx, row)
            (sent if is_sent else parked).append(row.id)
        await queries.mark_dead_letters_retrying(tx.connection, dead_letter_ids=sent)
        await queries.park_dead_letters(tx.connection, dead_letter_ids=parked)
        replayed = telemetry.counter("equity_dead_letters_replayed", "Due dead letters, replayed or parked")
        replayed.add(len(sent), {"outcome": "sent"})
        replayed.add(len(parked), {"outcome": "parked"})
        if parked:
            log.warning("dead_letters_parked", count=len(parked), first=parked[0])
        return len(due)

    def _send_again(self, tx: Tx, row: DueDeadLetter) -> bool:
        """Send the original message through the outbox. Return False if it cannot be decrypted or is empty."""
        try:
            packed = self._bus.keyring.decrypt(DEAD_LETTER_PURPOSE, row.event_id.bytes, row.payload)
            key, headers, value = unpack_message(packed)
        except (DecryptionError, ValueError) as error:
            log.warning("dead_letter_unreadable", dead_letter=row.id, error=type(error).__name__)
            return False
        if key is None and value is None:
            return False
        kept = [(name, content) for name, content in headers if name not in REPLACED_HEADERS]
        tx.emit_raw(row.source, key, [*kept, *_replay_headers(row)], value)
        return True


def _replay_headers(row: DueDeadLetter) -> Headers:
    """Return the headers that address the replay to one consumer.

    `ce_id` repeats the id of the dead letter: without it, a message without an id would get another one from its new offset.
    """
    return [
        ("ce_id", str(row.event_id).encode()),
        ("ec_replay", str(row.replay_number + 1).encode()),
        ("ec_for", row.consumer.encode()),
        ("ec_replaytime", datetime.now(UTC).isoformat().encode()),
    ]
