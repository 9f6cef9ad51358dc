"""Rows of jobs in `pipeline.job_runs`: the lease of a daily job, and the counts of a repeated job on a day.

The process that runs a daily job sends a heartbeat every few seconds; without one, another process takes the job over.
Notes of repeated jobs are collected and written by a separate task, so that they never delay a job or fail it.
"""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import uuid4

import structlog

from common.bus.failures import error_code
from common.database import Database

log = structlog.get_logger()

HEARTBEAT_SECONDS = 15.0
"""Time between two heartbeats of a daily job; well below `schedules.JOB_LEASE_SECONDS`."""
NOTES_SECONDS = 30.0
"""Time between two writes of notes. A note with a new outcome is written at once."""

_CLAIM = "select pipeline.claim_job($1, $2, $3, $4)"
_SEND_HEARTBEAT = "select pipeline.keep_job($1, $2, $3)"
_FINISH = "select pipeline.finish_job($1, $2, $3, $4, $5)"
_NOTE_RUNS = "select pipeline.note_job($1, $2, $3, $4, $5, $6, $7)"
_DECLARE = "select pipeline.declare_job($1, $2, $3, $4, $5)"
_RETIRE = "select pipeline.retire_jobs($1, $2)"
_STATES = "select * from pipeline.job_states where split_part(job, '.', 1) = $1"
_HOLDER = "select host, started_at from pipeline.job_runs where job = $1 and local_date = $2"


@dataclass(slots=True)
class _Tally:
    """Runs of a repeated job on a day that are not written yet."""

    runs: int = 0
    failures: int = 0
    outcome: str = ""
    detail: str = ""


class JobRuns:
    """Rows of one service's jobs, written under a holder name that no other process has."""

    def __init__(self, service: str, database: Database) -> None:
        self._service = service
        self._database = database
        self._holder = f"{socket.gethostname()}/{uuid4().hex[:6]}"
        self._last_outcomes: dict[str, str] = {}
        self._tallies: dict[tuple[str, date], _Tally] = {}
        self._changed = asyncio.Event()

    async def declare(self, jobs: Iterable[tuple[Any, ...]]) -> None:
        """Store the list of jobs: name, local time, ISO weekdays, minutes of the window, seconds between runs."""
        rows = list(jobs)
        async with self._database.transaction() as connection:
            await connection.executemany(_DECLARE, rows)
            await connection.execute(_RETIRE, self._service, [row[0] for row in rows])

    async def states(self) -> list[Any]:
        """Return the service's rows of `pipeline.job_states`."""
        async with self._database.connection() as connection:
            return list(await connection.fetch(_STATES, self._service))

    async def claim(self, name: str, day: date, *, by_hand: bool = False) -> bool:
        """Claim the job of *day*. True for one caller, and again some time after the job failed or its process died."""
        async with self._database.connection() as connection:
            return bool(await connection.fetchval(_CLAIM, name, day, self._holder, by_hand))

    async def holder(self, name: str, day: date) -> Any:
        """Return `host` and `started_at` of the job of *day*."""
        async with self._database.connection() as connection:
            return await connection.fetchrow(_HOLDER, name, day)

    @asynccontextmanager
    async def heartbeat(self, name: str, day: date) -> AsyncIterator[None]:
        """Send heartbeats while the block runs, so that no other process takes the job over."""
        sending = asyncio.create_task(self._send_heartbeats(name, day), name=f"heartbeat-{name}")
        try:
            yield
        finally:
            sending.cancel()
            with suppress(asyncio.CancelledError):
                await sending

    async def _send_heartbeats(self, name: str, day: date) -> None:
        while True:
            await asyncio.sleep(HEARTBEAT_SECONDS)
            try:
                async with self._database.connection() as connection:
                    is_holder = await connection.fetchval(_SEND_HEARTBEAT, name, day, self._holder)
            except Exception as error:  # noqa: BLE001 - the database may be away; the job continues
                log.warning("job_heartbeat_failed", job=name, error=error_code(error))
                continue
            if not is_holder:
                log.warning("job_taken_over", job=name)
                return

    async def finish(self, name: str, day: date, outcome: str, detail: str) -> None:
        """Write the outcome of the job of *day*, unless another process took it over."""
        async with self._database.connection() as connection:
            await connection.execute(_FINISH, name, day, outcome, detail, self._holder)

    def note_run(self, name: str, day: date, outcome: str, detail: str) -> None:
        """Note a run of a repeated job. It is written within NOTES_SECONDS, and at once if its outcome is new."""
        tally = self._tallies.setdefault((name, day), _Tally())
        tally.runs += 1
        tally.outcome = outcome
        if outcome != "ok":
            tally.failures += 1
            tally.detail = detail
        if self._last_outcomes.get(name) != outcome:
            self._last_outcomes[name] = outcome
            self._changed.set()

    async def wait_for_notes(self) -> None:
        """Wait until a note must be written at once, or for NOTES_SECONDS."""
        with suppress(TimeoutError):
            async with asyncio.timeout(NOTES_SECONDS):
                await self._changed.wait()

    async def write_notes(self) -> None:
        """Write the notes. Raises what the database raises; then the notes are kept for the next write."""
        self._changed.clear()
        tallies, self._tallies = self._tallies, {}
        rows = [
            (name, day, self._holder, tally.runs, tally.failures, tally.outcome, tally.detail)
            for (name, day), tally in sorted(tallies.items())
        ]
        if not rows:
            return
        try:
            async with self._database.transaction() as connection:
                await connection.executemany(_NOTE_RUNS, rows)
        except BaseException:
            self._restore_tallies(tallies)
            raise

    def _restore_tallies(self, tallies: dict[tuple[str, date], _Tally]) -> None:
        for key, earlier in tallies.items():
            later = self._tallies.setdefault(key, _Tally(outcome=earlier.outcome))
            later.runs += earlier.runs
            later.failures += earlier.failures
            later.detail = later.detail or earlier.detail
