"""Sessions that hold a lock for which a migration waits."""

import threading
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Self

import psycopg
from psycopg.rows import class_row

POLL_SECONDS = 0.2

_FIND_BLOCKERS = """
select blocker.pid, activity.usename as role, activity.application_name as application, activity.state,
  activity.xact_start as since
from unnest(pg_blocking_pids(%s)) blocker (pid)
left join pg_stat_activity activity on activity.pid = blocker.pid
where activity.wait_event_type is distinct from 'Lock'
order by activity.xact_start nulls last
"""
"""Omits query texts, which may contain personal data, and sessions that wait in the same queue."""


@dataclass(frozen=True, slots=True)
class Blocker:
    """Session that holds a lock, as `pg_stat_activity` shows it to the role of the migrator."""

    pid: int
    """Process id of the backend; 0 for a prepared transaction."""
    role: str | None
    application: str | None
    state: str | None
    since: datetime | None
    """Start of the transaction of the session."""

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
    """Watch over the sessions that block the backend *pid*, for the duration of a `with` block.

    PostgreSQL names them only while the backend waits. So a thread polls over its own connection.
    """

    def __init__(self, dsn: str, pid: int) -> None:
        self.blockers: list[Blocker] = []
        """Result of the last poll that found any."""
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
                self.blockers = cursor.execute(_FIND_BLOCKERS, (self._pid,)).fetchall() or self.blockers
