"""List of erasures as a file: kept outside the database, it repeats them after a backup was restored."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
from pydantic import BaseModel, ConfigDict, ValidationError

from cli.commands.erase import queries
from cli.shell.database import Connection
from cli.shell.errors import UsageError
from cli.shell.private_files import open_private_file


class ListedHash(BaseModel):
    """Keyed hash in hexadecimal digits. *kind* is email, phone, home or owner."""

    model_config = ConfigDict(frozen=True)

    kind: str
    hash: str
    hash_key_id: str


class ListedErasure(BaseModel):
    """One erasure, without personal data."""

    model_config = ConfigDict(frozen=True)

    id: UUID
    lead_id: UUID | None
    at: datetime
    actor: str
    reason: str
    hashes: tuple[ListedHash, ...]


async def read_erasures(connection: Connection) -> list[ListedErasure]:
    """Return all erasures with their hashes, the oldest first."""
    hashes: dict[UUID, list[ListedHash]] = {}
    for row in await queries.list_erased_hashes(connection):
        hashes.setdefault(row.erasure_id, []).append(
            ListedHash(kind=row.kind, hash=row.hash.hex(), hash_key_id=row.hash_key_id)
        )
    return [
        ListedErasure(
            id=row.id,
            lead_id=row.lead_id,
            at=row.at,
            actor=row.actor,
            reason=row.reason,
            hashes=tuple(hashes.get(row.id, ())),
        )
        for row in await queries.list_erasures(connection)
    ]


def keep_list(file: Path, erasures: Sequence[ListedErasure]) -> None:
    """Write *erasures* into the list *file*, which only its owner can read, beside those that it has."""
    listed = {one.id: one for one in (*(read_list(file) if file.exists() else ()), *erasures)}
    new = file.with_name(f"{file.name}.new")
    new.unlink(missing_ok=True)
    with open_private_file(new) as out:
        out.write(orjson.dumps([one.model_dump(mode="json") for one in listed.values()]).decode())
    new.replace(file)


def read_list(file: Path) -> list[ListedErasure]:
    """Return the erasures of a file that `equity erase --list --json` wrote. Raises UsageError for another file."""
    try:
        rows: Any = orjson.loads(file.read_bytes())
        erasures = [ListedErasure.model_validate(row) for row in rows]
        for erasure in erasures:
            for one in erasure.hashes:
                bytes.fromhex(one.hash)
    except (ValidationError, ValueError, TypeError) as error:
        raise UsageError(f"{file} is no list of erasures.", "`equity erase --list --json` writes one.") from error
    return erasures
