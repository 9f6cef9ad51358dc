"""After the master key was changed: seal anew what an older one sealed, batch by batch, beside the services."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from uuid import UUID

from cli.database import Connection, Row, all_rows, connected, queries
from cli.secrets import PURPOSE
from cli.settings import CliSettings
from common.contacts import Keyring
from common.rejects import open_row, seal_row

_MANY = 1_000
_FIRST = UUID(int=0)

Stale = Callable[[UUID], AsyncIterator[Any]]
"""The next rows that are under an older key; of tables that grow, from an id on."""
Save = Callable[[Connection, list[Row]], Awaitable[object]]
Seal = Callable[[Row], bytes]


async def rewrap(settings: CliSettings, progress: Callable[[str, int], None]) -> dict[str, int]:
    """Seal everything anew that is not under the active key; how many of each kind. Raises CannotOpenError."""
    keyring, at_most = Keyring.from_settings(settings), {"key_id": settings.encryption_key_id, "many": _MANY}

    def anew(purpose: str, bound_to: bytes, sealed: bytes) -> bytes:
        return keyring.seal(purpose, bound_to, keyring.unseal(purpose, bound_to, sealed))

    async with connected(settings.admin_dsn) as connection:
        kinds: tuple[tuple[str, Stale, Save, Seal], ...] = (
            (
                "data keys of leads",
                lambda after: queries.stale_leads(connection, after=after, **at_most),
                queries.reseal_leads,
                lambda row: keyring.rewrap_data_key(row["id"], row["sealed"]),
            ),
            (
                "partner keys",
                lambda _: queries.stale_partner_keys(connection, **at_most),
                queries.reseal_partner_keys,
                lambda row: anew(PURPOSE, row["id"].encode(), row["sealed"]),
            ),
            (
                "rejected rows",
                lambda _: queries.stale_rejects(connection, **at_most),
                queries.reseal_rejects,
                lambda row: seal_row(
                    keyring,
                    row["upload_id"],
                    row["row"],
                    open_row(keyring, row["upload_id"], row["row"], row["sealed"]),
                ),
            ),
            (
                "dead letters",
                lambda _: queries.stale_dead_letters(connection, **at_most),
                queries.reseal_dead_letters,
                lambda row: anew("dead-letter", row["event_id"].bytes, row["sealed"]),
            ),
            (
                "questions to providers",
                lambda after: queries.stale_questions(connection, after=after, **at_most),
                queries.reseal_questions,
                lambda row: anew("skip-trace-question", row["id"].bytes, row["sealed"]),
            ),
            (
                "answers of providers",
                lambda after: queries.stale_answers(connection, after=after, **at_most),
                queries.reseal_answers,
                lambda row: anew("skip-trace-answer", row["id"].bytes, row["sealed"]),
            ),
            (
                "unreadable pulled records",
                lambda after: queries.stale_pull_rejects(connection, after=after, **at_most),
                queries.reseal_pull_rejects,
                lambda row: anew("pull-reject", row["id"].bytes, row["sealed"]),
            ),
        )
        counts = {}
        for name, stale, save, seal in kinds:
            counts[name.replace(" ", "_")] = count = await _reseal(connection, stale, save, seal)
            progress(name, count)
        return counts


async def _reseal(connection: Connection, stale: Stale, save: Save, seal: Seal) -> int:
    total, after = 0, _FIRST
    while True:
        async with connection.transaction():
            rows = await all_rows(stale(after))
            if not rows:
                return total
            await save(connection, [{**row, "sealed": seal(row)} for row in rows])
        total += len(rows)
        after = rows[-1].get("id", _FIRST)
