"""Re-encryption of stored values after the master key was changed, batch by batch, while the services run.

Each service declares its columns (entry point group `equity.encrypted_columns`), and they are written with its role.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from cli import registry
from cli.shell.database import Connection, Row, connect, fetch_rows, service_dsn
from cli.shell.errors import UsageError
from cli.shell.settings import CliSettings
from common.pii.keyring import Keyring

ENCRYPTING_SERVICES = ("gateway", "ingest", "pull", "recorder", "skiptrace")
"""Services with encrypted columns. Where one is not installed, its values would stay under the older key."""

_BATCH_ROWS = 1_000
_LOWEST_ID = UUID(int=0)

Reencrypt = Callable[[Keyring, Row], bytes]


@dataclass(frozen=True, slots=True)
class EncryptedColumn:
    """One column with encrypted values.

    *find_outdated* is a query for the next `limit` rows that are not under the key `key_id`, with the value as `encrypted`. It
    takes `after` too where *is_paged*: an id, for tables that grow while it runs. *save* writes `encrypted` of rows. *reencrypt*
    returns a row's value under the active key.
    """

    label: str
    find_outdated: Callable[..., AsyncIterator[Any]]
    save: Callable[[Connection, list[Row]], Awaitable[object]]
    reencrypt: Reencrypt
    is_paged: bool = True
    needs_owner: bool = False
    """Whether the service itself may not write the column."""


def reencrypt_by_id(purpose: str) -> Reencrypt:
    """Return the function that encrypts a row's value again for *purpose*, bound to the row's UUID."""
    return lambda keyring, row: reencrypt_value(keyring, purpose, row["id"].bytes, row["encrypted"])


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


async def _reencrypt_column(connection: Connection, column: EncryptedColumn, keyring: Keyring, key_id: str) -> int:
    total, after = 0, _LOWEST_ID
    while True:
        async with connection.transaction():
            page = {"after": after} if column.is_paged else {}
            rows = await fetch_rows(column.find_outdated(connection, key_id=key_id, limit=_BATCH_ROWS, **page))
            if not rows:
                return total
            await column.save(connection, [{**row, "encrypted": column.reencrypt(keyring, row)} for row in rows])
        total += len(rows)
        after = rows[-1].get("id", _LOWEST_ID)
