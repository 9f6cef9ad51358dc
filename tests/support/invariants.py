"""Invariants of contacts, consents and replies, as the view returns offenders (docs/invariants.md)."""

import asyncpg


async def find_offenders(dsn: str) -> list[str]:
    """Return the offenders in a database, each as `invariant: row`."""
    connection = await asyncpg.connect(dsn)
    try:
        rows = await connection.fetch("select invariant, row_id from pipeline.broken_invariants order by 1, 2")
    finally:
        await connection.close()
    return [f"{row['invariant']}: {row['row_id']}" for row in rows]
