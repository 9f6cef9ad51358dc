"""Apply, roll back and show the migrations: yoyo over plain SQL files."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql
from yoyo import get_backend, read_migrations
from yoyo.backends import DatabaseBackend
from yoyo.migrations import Migration, MigrationList

MIGRATIONS = Path(__file__).with_name("migrations")

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class MigrationState:
    """One migration and whether this database has it."""

    id: str
    applied: bool


def apply(dsn: str, steps: int | None = None, progress: Progress | None = None) -> list[str]:
    """Apply what is missing, the next *steps* of it; the ids applied. Two callers at once take turns."""
    backend, migrations = _open(dsn)
    with backend.lock():
        due = list(backend.to_apply(migrations))[:steps]
        for migration in due:
            backend.apply_one(migration)
            _tell(progress, migration)
    return [migration.id for migration in due]


def rollback(dsn: str, steps: int = 1, progress: Progress | None = None) -> list[str]:
    """Undo the last *steps* migrations; the ids undone."""
    backend, migrations = _open(dsn)
    with backend.lock():
        due = list(backend.to_rollback(migrations))[:steps]
        for migration in due:
            backend.rollback_one(migration)
            _tell(progress, migration)
    return [migration.id for migration in due]


def status(dsn: str) -> list[MigrationState]:
    """Every migration in order, and whether it is applied."""
    backend, migrations = _open(dsn)
    missing = {migration.id for migration in backend.to_apply(migrations)}
    return [MigrationState(migration.id, migration.id not in missing) for migration in migrations]


def set_passwords(dsn: str, passwords: Mapping[str, str]) -> None:
    """Set the login passwords of service roles. The server keeps them hashed and its log does not see them."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        for role, password in passwords.items():
            hashed = connection.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256").decode()
            connection.execute(sql.SQL("alter role {} password {}").format(sql.Identifier(role), sql.Literal(hashed)))


def _open(dsn: str) -> tuple[DatabaseBackend, MigrationList]:
    backend = get_backend(_with_driver(dsn))
    return backend, read_migrations(str(MIGRATIONS))


def _with_driver(dsn: str) -> str:
    """Yoyo names its driver in the scheme; it keeps its tables in `public` whatever the search path."""
    _, rest = dsn.split("://", 1)
    return f"postgresql+psycopg://{rest}{'&' if '?' in rest else '?'}schema=public"


def _tell(progress: Progress | None, migration: Migration) -> None:
    if progress:
        progress(migration.id)
