"""What jobs leave in `pipeline.job_runs`: who runs a daily one, and what a repeated one did on a day.

A daily job's row is a lease: who runs it gives a sign of life every few seconds, and who does not is taken over. Notes of
repeated jobs are collected and written by a task of their own, so that they never delay a job or fail it.
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

from common.bus.failures import code_of
from common.database import Database

log = structlog.get_logger()

KEEP_SECONDS = 15.0
"""How often a daily job that runs gives a sign of life; well below `schedules.LEASE_SECONDS`."""
NOTE_SECONDS = 30.0
"""How often notes of repeated jobs are written, unless one ends in another way than before."""

_CLAIM = "select pipeline.claim_job($1, $2, $3, $4)"
_KEEP = "select pipeline.keep_job($1, $2, $3)"
_FINISH = "select pipeline.finish_job($1, $2, $3, $4, $5)"
_NOTE = "select pipeline.note_job($1, $2, $3, $4, $5, $6, $7)"
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


class JobRows:
    """The rows of one service's jobs, written under a name that no other process has."""

    def __init__(self, service: str, database: Database) -> None:
        self._service = service
        self._database = database
        self._holder = f"{socket.gethostname()}/{uuid4().hex[:6]}"
        self._last: dict[str, str] = {}
        self._tallies: dict[tuple[str, date], _Tally] = {}
        self._changed = asyncio.Event()

    async def declare(self, jobs: Iterable[tuple[Any, ...]]) -> None:
        """Tell the database which jobs there are: name, local time, ISO weekdays, minutes of the window, seconds."""
        rows = list(jobs)
        async with self._database.transaction() as connection:
            await connection.executemany(_DECLARE, rows)
            await connection.execute(_RETIRE, self._service, [row[0] for row in rows])

    async def states(self) -> list[Any]:
        """The service's rows of `pipeline.job_states`."""
        async with self._database.connection() as connection:
            return list(await connection.fetch(_STATES, self._service))

    async def claim(self, name: str, day: date, *, by_hand: bool = False) -> bool:
        """Take the job of *day*: true for one caller, and again when it failed a while ago or its process died."""
        async with self._database.connection() as connection:
            return bool(await connection.fetchval(_CLAIM, name, day, self._holder, by_hand))

    async def holder(self, name: str, day: date) -> Any:
        """`host` and `started_at` of the job of *day*."""
        async with self._database.connection() as connection:
            return await connection.fetchrow(_HOLDER, name, day)

    @asynccontextmanager
    async def kept(self, name: str, day: date) -> AsyncIterator[None]:
        """Meanwhile signs of life are given, so that nobody takes the job over."""
        keeping = asyncio.create_task(self._keep(name, day), name=f"keep-{name}")
        try:
            yield
        finally:
            keeping.cancel()
            with suppress(asyncio.CancelledError):
                await keeping

    async def _keep(self, name: str, day: date) -> None:
        while True:
            await asyncio.sleep(KEEP_SECONDS)
            try:
                async with self._database.connection() as connection:
                    ours = await connection.fetchval(_KEEP, name, day, self._holder)
            except Exception as error:  # noqa: BLE001 - the database may be away; the job goes on all the same
                log.warning("job_sign_of_life_lost", job=name, error=code_of(error))
                continue
            if not ours:
                log.warning("job_taken_over", job=name)
                return

    async def finish(self, name: str, day: date, outcome: str, detail: str) -> None:
        """Write how the job of *day* ended, unless somebody took it over."""
        async with self._database.connection() as connection:
            await connection.execute(_FINISH, name, day, outcome, detail, self._holder)

    def note(self, name: str, day: date, outcome: str, detail: str) -> None:
        """Note a run of a repeated job; it is written soon, and at once where it ended in another way than before."""
        tally = self._tallies.setdefault((name, day), _Tally())
        tally.runs += 1
        tally.outcome = outcome
        if outcome != "ok":
            tally.failures += 1
            tally.detail = detail
        if self._last.get(name) != outcome:
            self._last[name] = outcome
            self._changed.set()

    async def wait(self) -> None:
        """Return when there is something to write at once, or it is time to."""
        with suppress(TimeoutError):
            async with asyncio.timeout(NOTE_SECONDS):
                await self._changed.wait()

    async def write(self) -> None:
        """Write what was noted. Raises what the database raises; then it is kept for the next time."""
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
                await connection.executemany(_NOTE, rows)
        except BaseException:
            self._put_back(tallies)
            raise

    def _put_back(self, tallies: dict[tuple[str, date], _Tally]) -> None:
        for key, earlier in tallies.items():
            later = self._tallies.setdefault(key, _Tally(outcome=earlier.outcome))
            later.runs += earlier.runs
            later.failures += earlier.failures
            later.detail = later.detail or earlier.detail
