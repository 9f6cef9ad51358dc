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
    at_most = {"key_id": settings.encryption_key_id, "many": _MANY}
    counts = {}
    async with connected(settings.admin_dsn) as connection:
        for name, stale, save, seal in _kinds(connection, Keyring.from_settings(settings), at_most):
            counts[name.replace(" ", "_")] = count = await _reseal(connection, stale, save, seal)
            progress(name, count)
    return counts


def _kinds(
    connection: Connection, keyring: Keyring, at_most: dict[str, object]
) -> tuple[tuple[str, Stale, Save, Seal], ...]:
    """What is sealed: its name, which rows are stale, how they are saved, and how one is sealed anew."""

    def anew(purpose: str, bound_to: bytes, sealed: bytes) -> bytes:
        return keyring.seal(purpose, bound_to, keyring.unseal(purpose, bound_to, sealed))

    def anew_by_id(purpose: str) -> Seal:
        return lambda row: anew(purpose, row["id"].bytes, row["sealed"])

    def reject_anew(row: Row) -> bytes:
        place = row["upload_id"], row["row"]
        return seal_row(keyring, *place, open_row(keyring, *place, row["sealed"]))

    def whole(query: Callable[..., Any]) -> Stale:
        return lambda _: query(connection, **at_most)

    def paged(query: Callable[..., Any]) -> Stale:
        return lambda after: query(connection, after=after, **at_most)

    return (
        (
            "data keys of leads",
            paged(queries.stale_leads),
            queries.reseal_leads,
            lambda row: keyring.rewrap_data_key(row["id"], row["sealed"]),
        ),
        (
            "partner keys",
            whole(queries.stale_partner_keys),
            queries.reseal_partner_keys,
            lambda row: anew(PURPOSE, row["id"].encode(), row["sealed"]),
        ),
        ("rejected rows", whole(queries.stale_rejects), queries.reseal_rejects, reject_anew),
        (
            "dead letters",
            whole(queries.stale_dead_letters),
            queries.reseal_dead_letters,
            lambda row: anew("dead-letter", row["event_id"].bytes, row["sealed"]),
        ),
        (
            "questions to providers",
            paged(queries.stale_questions),
            queries.reseal_questions,
            anew_by_id("skip-trace-question"),
        ),
        (
            "answers of providers",
            paged(queries.stale_answers),
            queries.reseal_answers,
            anew_by_id("skip-trace-answer"),
        ),
        (
            "unreadable pulled records",
            paged(queries.stale_pull_rejects),
            queries.reseal_pull_rejects,
            anew_by_id("pull-reject"),
        ),
    )


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
