"""Sessions that hold a lock a migration waits for."""

import threading
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Self

import psycopg
from psycopg.rows import class_row

POLL_SECONDS = 0.2

_BLOCKERS = """
select blocker.pid, activity.usename as role, activity.application_name as application, activity.state,
  activity.xact_start as since
from unnest(pg_blocking_pids(%s)) blocker (pid)
left join pg_stat_activity activity on activity.pid = blocker.pid
where activity.wait_event_type is distinct from 'Lock'
order by activity.xact_start nulls last
"""
"""Without the text of their queries, which may hold personal data; without those that wait in the same queue."""


@dataclass(frozen=True, slots=True)
class Blocker:
    """A session that holds a lock, as `pg_stat_activity` shows it to the migrator's role."""

    pid: int
    """0 for a prepared transaction."""
    role: str | None
    application: str | None
    state: str | None
    since: datetime | None
    """Start of its transaction."""

    def __str__(self) -> str:
        if not self.pid:
            return "a prepared transaction (see pg_prepared_xacts)"
        known = [
            f"pid {self.pid}",
            f"application {self.application or 'unknown'}",
            f"role {self.role or 'unknown'}",
            self.state or "state unknown",
            f"in a transaction since {self.since:%Y-%m-%d %H:%M:%S %Z}" if self.since else "since an unknown time",
        ]
        return ", ".join(known)


class BlockerWatch:
    """Notes the sessions that the backend *pid* waits for, for as long as the block lasts.

    PostgreSQL can name them only while the wait goes on, so a thread with a connection asks.
    """

    def __init__(self, dsn: str, pid: int) -> None:
        self.blockers: list[Blocker] = []
        """Those seen last."""
        self._dsn = dsn
        self._pid = pid
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="migration-blockers", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        with (
            suppress(psycopg.Error),  # a migration does not fail because its blockers cannot be named
            psycopg.connect(self._dsn, autocommit=True, application_name="equity-migrate-watch") as connection,
        ):
            cursor = connection.cursor(row_factory=class_row(Blocker))
            while not self._ended.wait(POLL_SECONDS):
                self.blockers = cursor.execute(_BLOCKERS, (self._pid,)).fetchall() or self.blockers
