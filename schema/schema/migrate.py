"""Migration runner: applies, rolls back and lists plain SQL migrations with yoyo.

One transaction applies a migration and records it. A migration waits at most two seconds for each lock. Then it rolls
back and runs again later, so that the queries queued behind it continue (docs/adr/0035).
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
"""Longer than PostgreSQL's deadlock_timeout of one second, after which a waiting session cancels an autovacuum."""
FIRST_BACKOFF_SECONDS = 0.5
MAX_BACKOFF_SECONDS = 15.0
GIVE_UP_SECONDS = 600.0

_SERIALISE_KEY = 0x6571_7569_7479
"""Key of the advisory lock that admits one migrator at a time. A transaction holds it, so no dead process keeps it."""

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class MigrationState:
    """Migration, and whether it is applied to this database."""

    id: str
    applied: bool


@dataclass(frozen=True, slots=True)
class LockWait:
    """Migration that rolled back because a lock was not free in time. It runs again after a backoff."""

    migration: str
    blockers: tuple[Blocker, ...]
    """Empty if another migrator runs, or if the blockers are unknown."""
    attempt: int
    backoff_seconds: float


Waiting = Callable[[LockWait], None]


class MigrationBlockedError(RuntimeError):
    """Lock timeout of a migration. The schema is as before this migration."""

    def __init__(self, migration: str, blockers: tuple[Blocker, ...], seconds: float) -> None:
        self.migration = migration
        self.blockers = blockers
        super().__init__(f"{migration} did not get its locks within {seconds:.0f} seconds and was undone")


class _BusyError(Exception):
    """Signal that another migrator runs."""


def apply(
    dsn: str,
    steps: int | None = None,
    progress: Progress | None = None,
    *,
    waiting: Waiting | None = None,
    give_up_seconds: float = GIVE_UP_SECONDS,
) -> list[str]:
    """Apply the missing migrations, at most *steps*, and return their ids. Concurrent callers wait for each other.

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
    """Roll back the last *steps* migrations and return their ids. Raises MigrationBlockedError as `apply` does."""
    with _opened(dsn) as (backend, migrations):
        due = list(backend.to_rollback(migrations))[:steps]
        return [m.id for m in due if _run(dsn, backend, m, _rollback_one, progress, waiting, give_up_seconds)]


def status(dsn: str) -> list[MigrationState]:
    """Return every migration in order, and whether it is applied."""
    with _opened(dsn) as (backend, migrations):
        missing = {migration.id for migration in backend.to_apply(migrations)}
        return [MigrationState(migration.id, migration.id not in missing) for migration in migrations]


def set_passwords(dsn: str, passwords: Mapping[str, str]) -> None:
    """Set the login passwords of service roles. The client hashes them, so the server log contains no plaintext."""
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
    """Run *work* in one transaction, and again after a backoff if a lock was not free. Return whether it changed anything."""
    started, backoff, attempt = time.monotonic(), FIRST_BACKOFF_SECONDS, 1
    while True:
        # Each attempt has its own connection: session state of a migration, such as temporary functions, ends with it.
        with backend.copy() as own, BlockerWatch(dsn, own.connection.info.backend_pid) as watch:
            try:
                done = _run_exclusively(own, migration, work)
            except (_BusyError, psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected):
                pass
            else:
                if done and progress:
                    progress(migration.id)
                return done
        blockers = tuple(watch.blockers)
        if time.monotonic() - started + backoff > give_up_seconds:
            raise MigrationBlockedError(migration.id, blockers, give_up_seconds)
        if waiting:
            waiting(LockWait(migration.id, blockers, attempt, backoff))
        time.sleep(backoff)
        backoff, attempt = min(backoff * 2, MAX_BACKOFF_SECONDS), attempt + 1


def _run_exclusively(
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
    _restore_session(backend)
    backend.log_migration(migration, "apply")
    backend.mark_one(migration, log=False)
    return True


def _rollback_one(backend: DatabaseBackend, migration: Migration) -> bool:
    if not backend.is_applied(migration):
        return False
    migration.process_steps(backend, "rollback")
    _restore_session(backend)
    backend.log_migration(migration, "rollback")
    backend.unmark_one(migration, log=False)
    return True


def _restore_session(backend: DatabaseBackend) -> None:
    """Restore the role and search path of the migrator, which a migration may have changed."""
    backend.execute("reset role")
    backend.execute("set local search_path to public")


@contextmanager
def _opened(dsn: str) -> Iterator[tuple[DatabaseBackend, MigrationList]]:
    backend: Any = get_backend(_with_driver(dsn))
    with backend:
        if needs_upgrading(backend):
            with psycopg.connect(dsn) as connection:
                connection.execute("select pg_advisory_xact_lock(%s)", (_SERIALISE_KEY,))
                backend.break_lock()  # the lock of yoyo is a row, which a killed process leaves behind
                backend.ensure_internal_schema_updated()
        yield backend, read_migrations(str(MIGRATIONS))


def _with_driver(dsn: str) -> str:
    """Return *dsn* as yoyo expects it: driver in the scheme, yoyo's tables in `public` whatever the search path."""
    _, rest = dsn.split("://", 1)
    return f"postgresql+psycopg://{rest}{'&' if '?' in rest else '?'}schema=public&application_name=equity-migrate"
