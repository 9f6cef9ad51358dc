"""The recorder's part of `equity status` and `equity doctor`."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from cli.diagnostics import Matter, ServiceDiagnostics, StatusSection
from cli.shell.durations import format_age
from common.database import Connection
from recorder import queries
from recorder.queries import ConsumerDepth, RejectedEvents
from recorder.settings import RecorderSettings

_LETTER_COLUMNS = {"consumer": "consumer", "depth": "open", "oldest": "oldest"}
_REJECTED_COLUMNS = {"service": "service", "waiting": "events"}


async def report_status(connection: Connection, now: datetime) -> Sequence[StatusSection]:
    """Return open dead letters, and events that Kafka rejected for good."""
    del now  # dead letters have the database's time
    return [
        _describe_dead_letters(await queries.count_open_dead_letters(connection)),
        _describe_rejected_events(await queries.count_rejected_events(connection)),
    ]


def _describe_dead_letters(depths: Sequence[ConsumerDepth]) -> StatusSection:
    rows: list[dict[str, Any]] = [
        {"consumer": row.consumer, "depth": row.depth, "oldest": format_age(row.oldest_seconds)}
        for row in sorted(depths, key=lambda row: row.oldest_seconds, reverse=True)
    ]
    matters = []
    if rows:
        total = sum(row.depth for row in depths)
        text = f"open dead letters: {total:,}, the oldest for {rows[0]['oldest']}"
        matters.append(Matter(text, "`equity dlq list`; docs/runbooks/dead-letters.md"))
    return StatusSection("dead letters", rows, _LETTER_COLUMNS, "none open", matters)


def _describe_rejected_events(rejected: Sequence[RejectedEvents]) -> StatusSection:
    matters = [
        Matter(
            f"events of {row.service} that Kafka rejected for good: {row.waiting:,}",
            "`equity topics check`; docs/runbooks/dead-letters.md#events-that-kafka-rejected",
        )
        for row in rejected
    ]
    return StatusSection("rejected", rejected, _REJECTED_COLUMNS, "Kafka rejected no event for good", matters)


DIAGNOSTICS = ServiceDiagnostics(RecorderSettings, report_status)
