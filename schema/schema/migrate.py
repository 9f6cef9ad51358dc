"""Apply, roll back and show the migrations: yoyo over plain SQL files.

A migration and the note that it is applied are one transaction. It waits for each lock for two seconds at most; then it
is undone and tried again, so that the queries that queue behind it go on (docs/adr/0035).
"""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from yoyo import get_backend, read_migrations
from yoyo.backends import DatabaseBackend
from yoyo.internalmigrations import needs_upgrading
from yoyo.migrations import Migration, MigrationList

from schema.blockers import Blocker, BlockerWatch

MIGRATIONS = Path(__file__).with_name("migrations")

LOCK_TIMEOUT_SECONDS = 2.0
"""Longer than PostgreSQL's deadlock_timeout of one second: only after that does a waiting session cancel an autovacuum."""
FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 15.0
GIVE_UP_SECONDS = 600.0

_SERIALISE_KEY = 0x6571_7569_7479
"""Key of the advisory lock that lets one migrator at a time work. It ends with a transaction, so no dead process holds it."""

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class MigrationState:
    """One migration and whether this database has it."""

    id: str
    applied: bool


@dataclass(frozen=True, slots=True)
class LockWait:
    """A migration that was undone because it did not get a lock in time, and is tried again after a pause."""

    migration: str
    blockers: tuple[Blocker, ...]
    """Empty when another migrator is at work, or when nothing could be seen."""
    attempt: int
    pause_seconds: float


Waiting = Callable[[LockWait], None]


class MigrationBlockedError(RuntimeError):
    """A migration did not get its locks within the time allowed. The schema is as it was before this migration."""

    def __init__(self, migration: str, blockers: tuple[Blocker, ...], seconds: float) -> None:
        self.migration = migration
        self.blockers = blockers
        super().__init__(f"{migration} did not get its locks within {seconds:.0f} seconds and was undone")


class _BusyError(Exception):
    """Another migrator is at work."""


def apply(
    dsn: str,
    steps: int | None = None,
    progress: Progress | None = None,
    *,
    waiting: Waiting | None = None,
    give_up_seconds: float = GIVE_UP_SECONDS,
) -> list[str]:
    """Apply what is missing, the next *steps* of it; the ids applied. Two callers at once take turns.

    Raises MigrationBlockedError when a migration waits longer than *give_up_seconds* for its locks.
    """
    with _opened(dsn) as (backend, migrations):
        due = list(backend.to_apply(migrations))[:steps]
        return [m.id for m in due if _run(dsn, backend, m, _apply_one, progress, waiting, give_up_seconds)]


def rollback(
    dsn: str,
    steps: int = 1,
    progress: Progress | None = None,
    *,
    waiting: Waiting | None = None,
    give_up_seconds: float = GIVE_UP_SECONDS,
) -> list[str]:
    """Undo the last *steps* migrations; the ids undone. Raises MigrationBlockedError as `apply` does."""
    with _opened(dsn) as (backend, migrations):
        due = list(backend.to_rollback(migrations))[:steps]
        return [m.id for m in due if _run(dsn, backend, m, _rollback_one, progress, waiting, give_up_seconds)]


def status(dsn: str) -> list[MigrationState]:
    """Every migration in order, and whether it is applied."""
    with _opened(dsn) as (backend, migrations):
        missing = {migration.id for migration in backend.to_apply(migrations)}
        return [MigrationState(migration.id, migration.id not in missing) for migration in migrations]


def set_passwords(dsn: str, passwords: Mapping[str, str]) -> None:
    """Set the login passwords of service roles. The server keeps them hashed and its log does not see them."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        for role, password in passwords.items():
            hashed = connection.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256").decode()
            connection.execute(sql.SQL("alter role {} password {}").format(sql.Identifier(role), sql.Literal(hashed)))


def _run(
    dsn: str,
    backend: DatabaseBackend,
    migration: Migration,
    work: Callable[[DatabaseBackend, Migration], bool],
    progress: Progress | None,
    waiting: Waiting | None,
    give_up_seconds: float,
) -> bool:
    """Do *work* in one transaction, again after a pause when it did not get a lock; whether there was anything to do."""
    started, pause, attempt = time.monotonic(), FIRST_PAUSE_SECONDS, 1
    while True:
        # A connection for each try: what a migration leaves in its session, such as temporary functions, ends with it.
        with backend.copy() as own, BlockerWatch(dsn, own.connection.info.backend_pid) as watch:
            try:
                done = _in_turn(own, migration, work)
            except (_BusyError, psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected):
                pass
            else:
                if done and progress:
                    progress(migration.id)
                return done
        blockers = tuple(watch.blockers)
        if time.monotonic() - started + pause > give_up_seconds:
            raise MigrationBlockedError(migration.id, blockers, give_up_seconds)
        if waiting:
            waiting(LockWait(migration.id, blockers, attempt, pause))
        time.sleep(pause)
        pause, attempt = min(pause * 2, LONGEST_PAUSE_SECONDS), attempt + 1


def _in_turn(
    backend: DatabaseBackend, migration: Migration, work: Callable[[DatabaseBackend, Migration], bool]
) -> bool:
    with backend.transaction():
        backend.execute(f"set local lock_timeout = {LOCK_TIMEOUT_SECONDS * 1000:.0f}")
        [free] = backend.execute(f"select pg_try_advisory_xact_lock({_SERIALISE_KEY})").fetchone()
        if not free:
            raise _BusyError
        migration.load()
        if not migration.use_transactions:
            raise ValueError(f"{migration.id} is not transactional: a migration is applied as a whole or not at all")
        return work(backend, migration)


def _apply_one(backend: DatabaseBackend, migration: Migration) -> bool:
    if backend.is_applied(migration):
        return False
    migration.process_steps(backend, "apply")
    _leave_role(backend)
    backend.log_migration(migration, "apply")
    backend.mark_one(migration, log=False)
    return True


def _rollback_one(backend: DatabaseBackend, migration: Migration) -> bool:
    if not backend.is_applied(migration):
        return False
    migration.process_steps(backend, "rollback")
    _leave_role(backend)
    backend.log_migration(migration, "rollback")
    backend.unmark_one(migration, log=False)
    return True


def _leave_role(backend: DatabaseBackend) -> None:
    """Be the migrator again, and find yoyo's tables: a migration may have set another role or search path."""
    backend.execute("reset role")
    backend.execute("set local search_path to public")


@contextmanager
def _opened(dsn: str) -> Iterator[tuple[DatabaseBackend, MigrationList]]:
    backend: Any = get_backend(_with_driver(dsn))
    with backend:
        if needs_upgrading(backend):
            with psycopg.connect(dsn) as turn:
                turn.execute("select pg_advisory_xact_lock(%s)", (_SERIALISE_KEY,))
                backend.break_lock()  # yoyo's own lock is a row, which a killed process leaves behind
                backend.ensure_internal_schema_updated()
        yield backend, read_migrations(str(MIGRATIONS))


def _with_driver(dsn: str) -> str:
    """Yoyo names its driver in the scheme; it keeps its tables in `public` whatever the search path."""
    _, rest = dsn.split("://", 1)
    return f"postgresql+psycopg://{rest}{'&' if '?' in rest else '?'}schema=public&application_name=equity-migrate"
