"""Re-encryption of stored values after the master key was changed, batch by batch, while the services run.

Each service declares its columns (entry point group `equity.encrypted_columns`), and they are written with its role.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar
from uuid import UUID

from cli import registry
from cli.shell.database import Connection, connect, service_dsn
from cli.shell.errors import UsageError
from cli.shell.settings import CliSettings
from common.pii.keyring import Keyring

ENCRYPTING_SERVICES = ("gateway", "ingest", "pull", "recorder", "skiptrace")
"""Services with encrypted columns. Where one is not installed, its values would stay under the older key."""

_BATCH_ROWS = 1_000
LOWEST_ID = UUID(int=0)
"""Id before all rows of a table that is read page by page."""

R = TypeVar("R")


@dataclass(frozen=True)  # with slots, Python 3.11 cannot make a generic one
class EncryptedColumn(Generic[R]):
    """One column with encrypted values, in rows of the type R."""

    label: str
    find_outdated: Callable[[Connection, str, R | None, int], Awaitable[list[R]]]
    """Locks the next rows whose value is not under the key of an id: those after a row, up to a number."""
    reencrypt: Callable[[Keyring, R], bytes]
    """Returns a row's value under the active key."""
    save: Callable[[Connection, list[R], list[bytes]], Awaitable[object]]
    """Writes the values of rows."""
    needs_owner: bool = False
    """Whether the service itself may not write the column."""


def reencrypt_value(keyring: Keyring, purpose: str, bound_to: bytes, encrypted: bytes) -> bytes:
    """Return *encrypted* under the active key. Raises DecryptionError when no key opens it."""
    return keyring.encrypt(purpose, bound_to, keyring.decrypt(purpose, bound_to, encrypted))


async def reencrypt_all(settings: CliSettings, progress: Callable[[str, int], None]) -> dict[str, int]:
    """Encrypt all values again that are not under the active key; return how many of each kind.

    Raises DecryptionError for a value that no key opens, and UsageError where a service is not installed.
    """
    keyring, counts = Keyring.from_settings(settings), dict[str, int]()
    installed = registry.load_encrypted_columns()
    if missing := [service for service in ENCRYPTING_SERVICES if service not in installed]:
        raise UsageError(
            f"Not installed here: {', '.join(missing)}. Their values would stay under the older key.",
            "Run it where all services are installed.",
        )
    for service, columns in installed.items():
        for column in columns:
            dsn = settings.owner_dsn if column.needs_owner else service_dsn(service)
            async with connect(dsn) as connection:
                count = await _reencrypt_column(connection, column, keyring, settings.encryption_key_id)
            counts[column.label.replace(" ", "_")] = count
            progress(column.label, count)
    return counts


async def _reencrypt_column(connection: Connection, column: EncryptedColumn[R], keyring: Keyring, key_id: str) -> int:
    total, last = 0, None
    while True:
        async with connection.transaction():
            rows = await column.find_outdated(connection, key_id, last, _BATCH_ROWS)
            if not rows:
                return total
            await column.save(connection, rows, [column.reencrypt(keyring, row) for row in rows])
        total += len(rows)
        last = rows[-1]
