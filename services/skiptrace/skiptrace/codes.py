"""Vendors' codes into flags, by the versioned table `verification_code_map`."""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from common.database import Database, load_queries

queries = load_queries(__file__)
CACHE_SECONDS = 60.0
_FAMILY = 2
"""Letters that the codes of one kind begin with."""


@dataclass(frozen=True, slots=True)
class Flags:
    """What codes say about a value or a person; None where they say nothing."""

    verified: bool | None = None
    line_type: str | None = None
    dnc: bool | None = None
    litigator: bool | None = None
    deceased: bool | None = None


class CodeMap:
    """The table at one moment."""

    def __init__(self, rows: Iterable[tuple[str, str, str, Flags]]) -> None:
        self._flags: Mapping[tuple[str, str, str], Flags] = {
            (provider, channel, code): flags for provider, channel, code, flags in rows
        }

    def flags(self, provider: str, channel: str, codes: Iterable[str]) -> Flags:
        """What *codes* say together. One that rules a value out beats those that verify it; one that warns beats all.

        A code that is not in the table is what its family (`PE*`) is, and says nothing where that is not there either.
        """
        said = [flags for code in codes if (flags := self._of(provider, channel, code))]
        return Flags(
            verified=_all_say([flags.verified for flags in said]),
            line_type=next((flags.line_type for flags in said if flags.line_type), None),
            dnc=_any_says([flags.dnc for flags in said]),
            litigator=_any_says([flags.litigator for flags in said]),
            deceased=_any_says([flags.deceased for flags in said]),
        )

    def _of(self, provider: str, channel: str, code: str) -> Flags | None:
        family = f"{code[:_FAMILY]}*"
        return self._flags.get((provider, channel, code)) or self._flags.get((provider, channel, family))


def _all_say(said: list[bool | None]) -> bool | None:
    if False in said:
        return False
    return True if True in said else None


def _any_says(said: list[bool | None]) -> bool | None:
    if True in said:
        return True
    return False if False in said else None


def code_map(rows: Iterable[Mapping[str, Any]]) -> CodeMap:
    """The map that rows of `verification_code_map` make."""
    return CodeMap(
        (
            row["provider"],
            row["channel"],
            row["code"],
            Flags(row["is_verified"], row["line_type"], row["dnc"], row["litigator"], row["deceased"]),
        )
        for row in rows
    )


class Codes:
    """The table as it is now, read anew every minute: a changed code needs no deploy."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._map: CodeMap | None = None
        self._until = 0.0

    async def current(self) -> CodeMap:
        """The codes that hold now."""
        if self._map is None or time.monotonic() >= self._until:
            async with self._database.connection() as connection:
                self._map = code_map([row async for row in queries.current_codes(connection)])
            self._until = time.monotonic() + CACHE_SECONDS
        return self._map
